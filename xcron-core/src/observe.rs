//! What a scheduler tells whoever watches it: decided facts, once each, for metrics and logs.

use crate::store::StoreError;
use crate::task::id::{RunId, TaskId};
use crate::task::state::{RunEnd, RunRecord};
use std::fmt;
use std::time::Duration;

/// Is told what was decided. Called where that was done, by the engine or for a client: it must not
/// block.
pub trait Observer: fmt::Debug + Send + Sync + 'static {
    /// Something was decided and is durable.
    fn observe(&self, event: &Event<'_>);
}

/// A decided fact.
#[derive(Clone, Debug)]
pub enum Event<'a> {
    /// An attempt has left, so long after it was due.
    Started {
        /// Of this run.
        run: &'a RunId,
        /// Which attempt, from 1.
        attempt: u32,
        /// The start minus the due instant.
        lateness: Duration,
    },
    /// Occurrences came to an end: `count` of them, more than one only when skipped.
    Ended {
        /// The last of them.
        run: &'a RunId,
        /// How.
        end: RunEnd,
        /// How many.
        count: u64,
        /// What went wrong with the last attempt.
        error: Option<&'a str>,
    },
    /// An attempt failed and another one will be made.
    Retried {
        /// Of this run.
        run: &'a RunId,
        /// The attempt that failed.
        attempt: u32,
        /// What went wrong.
        error: Option<&'a str>,
    },
    /// A commit was acknowledged, of the engine or of what a client asked for.
    Committed {
        /// How many changes it had.
        changes: usize,
        /// How long it took.
        took: Duration,
    },
    /// The store did not take a commit of the engine; the engine tries again.
    StoreFailed {
        /// Why.
        error: &'a StoreError,
    },
}

/// Tells `observer` how occurrences of `task` ended, now that it is durable.
pub(crate) fn tell_ended(observer: &dyn Observer, task: &TaskId, ended: &[RunRecord]) {
    for record in ended {
        let run = RunId::new(task.clone(), record.occurrence);
        let error = record.error.as_deref();
        let (end, count) = (record.end, record.count);
        observer.observe(&Event::Ended { run: &run, end, count, error });
    }
}

/// Watches nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoObserver;

impl Observer for NoObserver {
    fn observe(&self, _event: &Event<'_>) {}
}
