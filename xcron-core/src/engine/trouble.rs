//! A store that refuses commits: how little to ask of it, and what that means for what is due.

use super::STALL;
use crate::Timestamp;
use crate::store::{Effect, StoreError};

/// The most claims, and the most outcomes, in a commit to a store that takes them.
const BATCH_MAX: usize = 2_048;

/// Since when, and how, the store has been refusing.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    since: Option<Timestamp>,
    /// Halvings of what is asked at once: a nearly full disk may take one claim and not a thousand.
    halvings: u32,
}

impl Trouble {
    /// The store refused at `now`.
    pub(super) fn note(&mut self, error: &StoreError, now: Timestamp) {
        self.since.get_or_insert(now);
        if error.effect() == Effect::None {
            self.halvings = (self.halvings + 1).min(BATCH_MAX.ilog2());
        }
    }

    /// The store took a commit at `now`; answers `now` if nobody could fire for so long before
    /// that what was due meanwhile was missed.
    pub(super) fn end(&mut self, now: Timestamp) -> Option<Timestamp> {
        let lasted = self.lasts(now);
        self.since = None;
        self.halvings = self.halvings.saturating_sub(1);
        lasted.then_some(now)
    }

    /// Whether the store has refused for so long that nobody counts as able to fire.
    pub(super) fn lasts(&self, now: Timestamp) -> bool {
        self.since.is_some_and(|since| now.since(since) > STALL)
    }

    /// The most claims, and the most outcomes, to put into one commit.
    pub(super) fn batch_max(&self) -> usize {
        (BATCH_MAX >> self.halvings).max(1)
    }
}
