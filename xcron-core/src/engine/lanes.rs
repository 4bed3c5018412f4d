//! Lanes: one queue of due attempts for each destination, served in turn.
//!
//! A target that hangs fills its own lane and no other; what does not fit into a full lane is
//! not claimed but put off, so that nothing grows without bound and nothing is lost.

use super::Attempt;
use crate::Timestamp;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// A full lane is looked at again after this long at the earliest,
const DEFER_MIN: Duration = Duration::from_secs(1);
/// and after this long at the latest;
const DEFER_MAX: Duration = Duration::from_secs(60);
/// what is put off together comes back one by one in this distance.
const DEFER_PACE: Duration = Duration::from_millis(4);

/// The lanes of all destinations that have something in hand.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: BTreeMap<Arc<str>, Lane>,
    turns: VecDeque<Arc<str>>,
    queued: usize,
    in_flight: usize,
    in_flight_max: usize,
    in_flight_per_lane_max: usize,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Attempt>,
    /// Claimed for this lane and not ended, wherever they are.
    claimed: usize,
    in_flight: usize,
    has_turn: bool,
    deferred_until: Option<Timestamp>,
}

impl Lanes {
    pub(super) fn new(in_flight_max: usize, in_flight_per_lane_max: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            turns: VecDeque::new(),
            queued: 0,
            in_flight: 0,
            in_flight_max: in_flight_max.max(1),
            in_flight_per_lane_max: in_flight_per_lane_max.max(1),
        }
    }

    /// How many attempts may be claimed beyond those in hand: one fill of the places is sent
    /// while another waits.
    pub(super) const fn claims_max(&self) -> usize {
        self.in_flight_max.saturating_mul(2)
    }

    /// Makes room for a claim in the lane of `destination`, or says until when to put it off.
    pub(super) fn reserve(&mut self, destination: &Arc<str>, now: Timestamp) -> Option<Timestamp> {
        let claimed_max = self.in_flight_per_lane_max.saturating_mul(2);
        let lane = self.lanes.entry(Arc::clone(destination)).or_default();
        if lane.claimed < claimed_max {
            lane.claimed += 1;
            return None;
        }
        let earliest = now.plus(DEFER_MIN);
        let until = lane
            .deferred_until
            .map_or(earliest, |at| at.plus(DEFER_PACE).max(earliest));
        let until = until.min(now.plus(DEFER_MAX));
        lane.deferred_until = Some(until);
        Some(until)
    }

    /// Gives back the room of a claim that ended or was never made.
    pub(super) fn release(&mut self, destination: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(destination) else {
            return;
        };
        lane.claimed = lane.claimed.saturating_sub(1);
        if lane.claimed == 0 && !lane.has_turn {
            self.lanes.remove(destination);
        }
    }

    /// Lets a due attempt wait for its turn.
    pub(super) fn push(&mut self, attempt: Attempt) {
        let destination = Arc::clone(&attempt.destination);
        let lane = self.lanes.entry(Arc::clone(&destination)).or_default();
        lane.queue.push_back(attempt);
        self.queued += 1;
        self.give_turn(&destination);
    }

    /// The next attempt to send, if a place is free: destinations take turns.
    pub(super) fn pop(&mut self) -> Option<Attempt> {
        while self.in_flight < self.in_flight_max {
            let destination = self.turns.pop_front()?;
            let lane = self.lanes.get_mut(&destination)?;
            lane.has_turn = false;
            if lane.in_flight >= self.in_flight_per_lane_max {
                continue;
            }
            let Some(attempt) = lane.queue.pop_front() else {
                continue;
            };
            lane.in_flight += 1;
            self.in_flight += 1;
            self.queued -= 1;
            self.give_turn(&destination);
            return Some(attempt);
        }
        None
    }

    /// Frees the place of an attempt that came back.
    pub(super) fn returned(&mut self, destination: &Arc<str>) {
        self.in_flight -= 1;
        if let Some(lane) = self.lanes.get_mut(destination) {
            lane.in_flight -= 1;
        }
        self.give_turn(destination);
    }

    /// Takes every attempt that waits, as at a stop.
    pub(super) fn drain(&mut self) -> Vec<Attempt> {
        self.queued = 0;
        self.lanes
            .values_mut()
            .flat_map(|lane| std::mem::take(&mut lane.queue))
            .collect()
    }

    pub(super) const fn in_flight(&self) -> usize {
        self.in_flight
    }

    pub(super) const fn queued(&self) -> usize {
        self.queued
    }

    /// When the attempt that waits longest was due.
    pub(super) fn oldest_queued(&self) -> Option<Timestamp> {
        let oldest = |lane: &Lane| lane.queue.front().map(|attempt| attempt.start.not_before);
        self.lanes.values().filter_map(oldest).min()
    }

    fn give_turn(&mut self, destination: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(destination) else {
            return;
        };
        if !lane.has_turn && !lane.queue.is_empty() {
            lane.has_turn = true;
            self.turns.push_back(Arc::clone(destination));
        }
    }
}
