//! A callback, as its target received it.

use serde::{Deserialize, Serialize};

/// One attempt that reached its target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Receipt {
    /// When its first byte arrived, on the recorder's clock.
    pub at_us: i64,
    /// When the last byte of the answer was given to the network; `None` if never.
    #[serde(default)]
    pub answered_us: Option<i64>,
    /// What the target did: a status code, `hang`, `reset`, ...
    pub answer: String,
    /// The least wait that a 429 or 503 asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_s: Option<i64>,
    /// `xcron-task-id`.
    pub task: String,
    /// `xcron-run-id`.
    pub run: String,
    /// `xcron-scheduled-time`.
    pub scheduled_s: i64,
    /// `xcron-attempt`, from 1.
    pub attempt: u32,
    /// `xcron-fence`.
    pub fence: u64,
    /// Whether somebody asked for the run, beside the schedule.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub manual: bool,
    /// The node that sent it, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<u64>,
    /// The sender's own wall clock at the first byte, if that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sender_clock_us: Option<i64>,
}

impl Receipt {
    /// A first attempt with fence 1 that was never answered.
    #[must_use]
    pub fn new(
        task: impl Into<String>,
        run: impl Into<String>,
        scheduled_s: i64,
        at_us: i64,
    ) -> Self {
        Self {
            at_us,
            answered_us: None,
            answer: "hang".to_owned(),
            retry_after_s: None,
            task: task.into(),
            run: run.into(),
            scheduled_s,
            attempt: 1,
            fence: 1,
            manual: false,
            node: None,
            sender_clock_us: None,
        }
    }

    /// The same, answered so at that time.
    #[must_use]
    pub fn answered(mut self, answer: impl Into<String>, at_us: i64) -> Self {
        self.answer = answer.into();
        self.answered_us = Some(at_us);
        self
    }

    /// The same as another attempt.
    #[must_use]
    pub const fn attempt(mut self, attempt: u32) -> Self {
        self.attempt = attempt;
        self
    }

    /// The same with another fence.
    #[must_use]
    pub const fn fence(mut self, fence: u64) -> Self {
        self.fence = fence;
        self
    }

    /// The same of a run that somebody asked for.
    #[must_use]
    pub const fn manual(mut self) -> Self {
        self.manual = true;
        self
    }

    /// The same from a known node.
    #[must_use]
    pub const fn from_node(mut self, node: u64) -> Self {
        self.node = Some(node);
        self
    }

    /// The same with the time that the sender's clock showed.
    #[must_use]
    pub const fn sender_clock_us(mut self, at_us: i64) -> Self {
        self.sender_clock_us = Some(at_us);
        self
    }

    /// Whether the target answered 2xx.
    #[must_use]
    pub fn is_success(&self) -> bool {
        self.answered_us.is_some() && self.answer.len() == 3 && self.answer.starts_with('2')
    }

    /// Whether the target answered 410, which ends a run.
    #[must_use]
    pub fn is_refusal(&self) -> bool {
        self.answered_us.is_some() && self.answer == "410"
    }
}
