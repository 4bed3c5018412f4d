//! What befell the cluster: faults, spans without a healthy majority, new leaders, lost senders.

use serde::{Deserialize, Serialize};

/// A fault that was injected.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Its kind: `kill`, `pause`, `partition`, `clock`, `disk_full`, `sync_error`, `power_cut`, ...
    pub name: String,
    /// The node that it struck, if it was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u64>,
    /// When it began.
    pub from_us: i64,
    /// When it was over.
    pub to_us: i64,
    /// Whether the run proves nothing without it.
    pub required: bool,
    /// Whether it was seen to have had its effect.
    pub took_effect: bool,
}

impl Fault {
    /// A fault that had to take effect and did.
    #[must_use]
    pub fn new(name: impl Into<String>, node: Option<u64>, from_us: i64, to_us: i64) -> Self {
        Self { name: name.into(), node, from_us, to_us, required: true, took_effect: true }
    }

    /// The same, but it was not seen to have an effect.
    #[must_use]
    pub const fn without_effect(mut self) -> Self {
        self.took_effect = false;
        self
    }

    /// The same, but the run proves something without it too.
    #[must_use]
    pub const fn optional(mut self) -> Self {
        self.required = false;
        self
    }
}

/// A span in which no majority of nodes was up, connected, unpaused, with working disks and
/// clocks within the tolerance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Unhealthy {
    /// Its first instant.
    pub from_us: i64,
    /// The first instant after it.
    pub to_us: i64,
}

/// A node became able to decide.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenure {
    /// When.
    pub from_us: i64,
    /// Which.
    pub node: u64,
    /// In which term.
    pub term: u64,
}

/// A node's sender died, slept or lost its lease: what allows a repeat of its open attempts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SenderLost {
    /// Which.
    pub node: u64,
    /// When at the latest it had stopped to be what it was.
    pub at_us: i64,
}
