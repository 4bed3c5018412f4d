//! Attempts that were claimed for other nodes: how many each still takes, and of which
//! destinations.
//!
//! The others are for what has no place here: while this node has some it sends by itself, since
//! what another sends has to reach it first. Each of them serves its lanes as this one does, so it
//! is given no more for one destination than a lane holds, and nothing for one that does not
//! answer here.

use crate::Timestamp;
use crate::store::{Claim, Sender, Store};
use crate::task::Revision;
use crate::task::state::Holder;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How often it is looked who takes how much.
const REFRESH_EVERY: Duration = Duration::from_millis(5);
/// How often it is looked which of the claims have ended.
const SWEEP_EVERY: Duration = Duration::from_millis(20);

/// What other nodes have been given.
#[derive(Debug)]
pub(super) struct Away {
    senders: Vec<Sender>,
    claims: Vec<(Claim, Revision, Arc<str>)>,
    per_lane: BTreeMap<(Holder, Arc<str>), usize>,
    per_lane_max: usize,
    refreshed_at: Timestamp,
    swept_at: Timestamp,
    /// Whether nobody took what was offered last, and nothing has ended since.
    is_refused: bool,
}

impl Away {
    pub(super) fn new(per_lane_max: usize) -> Self {
        Self {
            senders: Vec::new(),
            claims: Vec::new(),
            per_lane: BTreeMap::new(),
            per_lane_max,
            refreshed_at: Timestamp::MIN,
            swept_at: Timestamp::MIN,
            is_refused: false,
        }
    }

    /// Looks now and then who takes how much; no claim may be on its way to the store.
    pub(super) fn refresh(&mut self, store: &dyn Store, now: Timestamp) {
        let is_over = |at: Timestamp, every| now < at || now.since(at) >= every;
        if !is_over(self.refreshed_at, REFRESH_EVERY) {
            return;
        }
        self.refreshed_at = now;
        self.senders = store.senders();
        if !is_over(self.swept_at, SWEEP_EVERY) {
            return;
        }
        self.swept_at = now;
        let before = self.claims.len();
        self.claims.retain(|(claim, made, _)| store.is_open(claim, *made));
        self.is_refused &= self.claims.len() == before;
        self.per_lane.clear();
        for (claim, _, destination) in &self.claims {
            *self.per_lane.entry((claim.holder, Arc::clone(destination))).or_default() += 1;
        }
    }

    /// How many attempts are worth offering to others.
    pub(super) fn room(&self) -> usize {
        if self.is_refused { 0 } else { self.senders.iter().map(|sender| sender.room).sum() }
    }

    /// Lets everything be offered once more.
    pub(super) fn offer_again(&mut self) {
        self.is_refused = false;
    }

    /// Who takes an attempt of `destination`: `only`, if that is given, or whoever has most room.
    pub(super) fn take(&mut self, only: Option<Holder>, destination: &Arc<str>) -> Option<Holder> {
        let Self { senders, per_lane, per_lane_max, .. } = self;
        let given = |holder| per_lane.get(&(holder, Arc::clone(destination))).copied();
        let may_take = |sender: &&mut Sender| {
            sender.room > 0
                && only.is_none_or(|only| only == sender.holder)
                && given(sender.holder).unwrap_or_default() < *per_lane_max
        };
        let taker = senders.iter_mut().filter(may_take).max_by_key(|sender| sender.room);
        let Some(taker) = taker else {
            self.is_refused |= only.is_none();
            return None;
        };
        taker.room -= 1;
        *per_lane.entry((taker.holder, Arc::clone(destination))).or_default() += 1;
        Some(taker.holder)
    }

    /// Notes a claim that was committed.
    pub(super) fn note(&mut self, claim: Claim, made: Revision, destination: Arc<str>) {
        self.claims.push((claim, made, destination));
    }

    /// Forgets all, as when somebody else plans.
    pub(super) fn clear(&mut self) {
        *self = Self::new(self.per_lane_max);
    }
}
