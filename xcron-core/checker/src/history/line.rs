//! One line of a history.

use crate::history::begin::{Begin, End};
use crate::history::event::{Fault, SenderLost, Tenure, Unhealthy};
use crate::history::op::Op;
use crate::history::receipt::Receipt;
use crate::history::remains::{FinalTask, StateHash};
use serde::{Deserialize, Serialize};

/// One line of a history, named by its `kind`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Line {
    /// The first line.
    Begin(Begin),
    /// An operation of a client.
    Op(Box<Op>),
    /// An attempt that reached its target.
    Receipt(Receipt),
    /// A fault that was injected.
    Fault(Fault),
    /// A span without a healthy majority.
    Unhealthy(Unhealthy),
    /// A node became able to decide.
    Tenure(Tenure),
    /// A sender was lost.
    SenderLost(SenderLost),
    /// The hash of a replica.
    StateHash(StateHash),
    /// What remained of a task.
    Task(FinalTask),
    /// The last line.
    End(End),
}

macro_rules! from {
    ($($line:ident($body:ty)),*) => {$(
        impl From<$body> for Line {
            fn from(body: $body) -> Self {
                Self::$line(body)
            }
        }
    )*};
}

impl From<Op> for Line {
    fn from(op: Op) -> Self {
        Self::Op(Box::new(op))
    }
}

from!(
    Begin(Begin),
    Receipt(Receipt),
    Fault(Fault),
    Unhealthy(Unhealthy),
    Tenure(Tenure),
    SenderLost(SenderLost),
    StateHash(StateHash),
    Task(FinalTask),
    End(End)
);
