//! The queue of due attempts for one destination.

use super::Attempt;
use super::pace::Pace;
use crate::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// What is in hand for one destination.
#[derive(Debug, Default)]
pub(super) struct Lane {
    pub(super) queue: VecDeque<Attempt>,
    /// Claimed for this lane and not ended, wherever they are.
    pub(super) claimed: usize,
    pub(super) in_flight: usize,
    /// Since when those in flight have waited for the first answer, or for the next.
    pub(super) waits_since: Option<Timestamp>,
    pub(super) has_turn: bool,
    pub(super) pace: Pace,
}

impl Lane {
    /// Whether nothing has come back for longer than `span`, although something is in flight.
    pub(super) fn is_waiting_for(&self, span: Duration, now: Timestamp) -> bool {
        self.waits_since.is_some_and(|since| now.since(since) > span)
    }
}
