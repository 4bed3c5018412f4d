//! The first and the last line of a history.

use serde::{Deserialize, Serialize};

/// The version of the format that this crate reads and writes.
pub const VERSION: u32 = 1;

/// The first line: what was run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Begin {
    /// The version of the format: [`VERSION`].
    pub version: u32,
    /// When recording began, in microseconds of unix time.
    pub at_us: i64,
    /// How many nodes the cluster had.
    pub nodes: u32,
    /// How long a sender may still send after a claim was taken from it.
    pub lease_us: i64,
    /// How far a clock may be off while its node still counts as healthy.
    pub clock_tolerance_us: i64,
    /// What was run, to print: `simulation seed 7`.
    #[serde(default)]
    pub label: String,
}

impl Begin {
    /// A run that began at `at_us` on `nodes` nodes, with a lease of 300 ms and clocks within
    /// 500 ms.
    #[must_use]
    pub const fn new(at_us: i64, nodes: u32) -> Self {
        Self {
            version: VERSION,
            at_us,
            nodes,
            lease_us: 300_000,
            clock_tolerance_us: 500_000,
            label: String::new(),
        }
    }

    /// The same with a label.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// The same with another lease.
    #[must_use]
    pub const fn lease_us(mut self, lease_us: i64) -> Self {
        self.lease_us = lease_us;
        self
    }

    /// The same with another clock tolerance.
    #[must_use]
    pub const fn clock_tolerance_us(mut self, clock_tolerance_us: i64) -> Self {
        self.clock_tolerance_us = clock_tolerance_us;
        self
    }
}

/// The last line: a history without it is weak.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct End {
    /// When recording ended, in microseconds of unix time.
    pub at_us: i64,
    /// Whether everything that happened was recorded.
    pub complete: bool,
    /// What went wrong with the recording.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
}

impl End {
    /// The end of a recording that missed nothing.
    #[must_use]
    pub const fn complete(at_us: i64) -> Self {
        Self { at_us, complete: true, trouble: None }
    }

    /// The end of a recording that may have missed something.
    #[must_use]
    pub fn incomplete(at_us: i64, trouble: impl Into<String>) -> Self {
        Self { at_us, complete: false, trouble: Some(trouble.into()) }
    }
}
