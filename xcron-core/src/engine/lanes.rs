//! Lanes: one queue of due attempts for each destination, served in turn.
//!
//! A target that hangs fills its own lane and no other. What does not fit into a full lane is not
//! claimed: it stays due while the lane moves, and is put off when it hardly does, so that it
//! hides nobody else in the due index. Nothing grows without bound, and nothing is lost.

use super::Attempt;
use crate::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How many attempts are claimed for each place in flight: one is sent while the others wait, so
/// that places never stand empty for a commit, and a burst is claimed before it is due.
const CLAIMS_PER_PLACE: usize = 4;
/// A full lane is judged by what came back in this span.
const JUDGED_OVER: Duration = Duration::from_millis(500);
/// A judgement older than this is forgotten.
const JUDGED_FOR: Duration = Duration::from_secs(5);
/// What does not fit into a slow lane is put off for this long at the least,
const DEFER_MIN: Duration = Duration::from_secs(1);
/// and for this long at the most.
const DEFER_MAX: Duration = Duration::from_secs(60);

/// Whether there is room for a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is, and it is taken.
    Taken,
    /// Not now; the lane moves, so there soon will be.
    Soon,
    /// The lane hardly moves: put the task off until then, so that it hides no other.
    Later(Timestamp),
}

/// The lanes of all destinations that have something in hand.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: BTreeMap<Arc<str>, Lane>,
    turns: VecDeque<Arc<str>>,
    queued: usize,
    in_flight: usize,
    in_flight_max: usize,
    in_flight_per_lane_max: usize,
    /// Lanes that had no room for what the newest page brought.
    full: BTreeSet<Arc<str>>,
}

#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Attempt>,
    /// Claimed for this lane and not ended, wherever they are.
    claimed: usize,
    in_flight: usize,
    has_turn: bool,
    pace: Pace,
}

/// How fast a full lane moves.
#[derive(Debug, Default)]
struct Pace {
    full_since: Option<Timestamp>,
    returned: u32,
    /// The time between two returns of a lane that hardly moves.
    slow: Option<Duration>,
    deferred_until: Option<Timestamp>,
}

impl Pace {
    /// Judges a lane of so many `places` that is full at `now`: how long one return takes, if it
    /// would take it more than a second to fill them all twice.
    fn judge(&mut self, now: Timestamp, places: usize) -> Option<Duration> {
        let Some(full_since) = self.full_since else {
            self.full_since = Some(now);
            self.returned = 0;
            return self.slow;
        };
        let full_for = now.since(full_since);
        if full_for > JUDGED_FOR {
            *self = Self { full_since: Some(now), ..Self::default() };
        } else if full_for >= JUDGED_OVER {
            let each = full_for / self.returned.max(1);
            let slow = each * u32::try_from(places).unwrap_or(u32::MAX) > JUDGED_OVER;
            self.slow = slow.then_some(each);
            self.full_since = Some(now);
            self.returned = 0;
        }
        self.slow
    }
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
            full: BTreeSet::new(),
        }
    }

    /// How many attempts may be claimed and not ended.
    pub(super) const fn claims_max(&self) -> usize {
        self.in_flight_max.saturating_mul(CLAIMS_PER_PLACE)
    }

    /// Makes room for a claim in the lane of `destination`, if there is any.
    pub(super) fn reserve(&mut self, destination: &Arc<str>, now: Timestamp) -> Room {
        let claimed_max = self.claims_per_lane_max();
        let in_flight_max = self.in_flight_per_lane_max;
        let lane = self.lanes.entry(Arc::clone(destination)).or_default();
        if lane.claimed < claimed_max {
            lane.claimed += 1;
            return Room::Taken;
        }
        if lane.in_flight < in_flight_max {
            // Claimed ahead, or without a place yet: that says nothing about its target.
            lane.pace.full_since = None;
            self.full.insert(Arc::clone(destination));
            return Room::Soon;
        }
        let Some(each) = lane.pace.judge(now, in_flight_max) else {
            self.full.insert(Arc::clone(destination));
            return Room::Soon;
        };
        let earliest = now.plus(DEFER_MIN);
        let until = lane.pace.deferred_until.map_or(earliest, |at| at.plus(each).max(earliest));
        let until = until.min(now.plus(DEFER_MAX));
        lane.pace.deferred_until = Some(until);
        Room::Later(until)
    }

    /// How many due tasks to read now: as many as can be claimed; after a lane was found full,
    /// as many as it has room for again, once that is worth a commit.
    pub(super) fn worth_reading(&self, room: usize) -> usize {
        if self.full.is_empty() {
            return room;
        }
        let claimed_max = self.claims_per_lane_max();
        let free = |lane: &Arc<str>| {
            let claimed = self.lanes.get(lane).map_or(0, |lane| lane.claimed);
            claimed_max.saturating_sub(claimed)
        };
        let free: usize = self.full.iter().map(free).sum();
        if free >= (claimed_max / 4).max(1) { free.min(room) } else { 0 }
    }

    /// Forgets which lanes were full: the next page shows it.
    pub(super) fn forget_full(&mut self) {
        self.full.clear();
    }

    /// Whether a lane was found full.
    pub(super) fn has_full(&self) -> bool {
        !self.full.is_empty()
    }

    const fn claims_per_lane_max(&self) -> usize {
        self.in_flight_per_lane_max.saturating_mul(CLAIMS_PER_PLACE)
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
            lane.pace.returned = lane.pace.returned.saturating_add(1);
        }
        self.give_turn(destination);
    }

    /// Takes every attempt that waits, as at a stop.
    pub(super) fn drain(&mut self) -> Vec<Attempt> {
        self.queued = 0;
        self.lanes.values_mut().flat_map(|lane| std::mem::take(&mut lane.queue)).collect()
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Start;
    use crate::store::Claim;
    use crate::task::id::{Occurrence, TaskId};
    use crate::task::state::Holder;

    const PLACES: usize = 4;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    fn fill(lanes: &mut Lanes, destination: &Arc<str>, now: Timestamp) {
        for _ in 0..PLACES * CLAIMS_PER_PLACE {
            assert_eq!(lanes.reserve(destination, now), Room::Taken);
        }
        assert_eq!(lanes.reserve(destination, now), Room::Soon);
    }

    fn send(lanes: &mut Lanes, destination: &Arc<str>) {
        for _ in 0..PLACES * CLAIMS_PER_PLACE {
            let claim = Claim {
                task: TaskId::parse("t").expect("a good id"),
                occurrence: Occurrence::At(at(0)),
                attempt: 1,
                fence: 1,
                holder: Holder { node: 1, incarnation: 1 },
            };
            let start = Start { claim, not_before: at(0) };
            lanes.push(Attempt { start, destination: Arc::clone(destination) });
        }
        while lanes.pop().is_some() {}
        assert_eq!(lanes.in_flight(), PLACES);
    }

    #[test]
    fn a_lane_full_of_claims_ahead_of_their_instant_is_not_slow() {
        let (mut lanes, target) = (Lanes::new(100, PLACES), Arc::from("target"));
        fill(&mut lanes, &target, at(-600));
        assert_eq!(lanes.reserve(&target, at(-50)), Room::Soon);
        assert_eq!(lanes.reserve(&target, at(0)), Room::Soon);
        send(&mut lanes, &target);
        assert_eq!(lanes.reserve(&target, at(1)), Room::Soon);
        assert_eq!(lanes.reserve(&target, at(400)), Room::Soon);
    }

    #[test]
    fn a_lane_from_which_nothing_returns_is_slow_and_puts_off_what_does_not_fit() {
        let (mut lanes, target) = (Lanes::new(100, PLACES), Arc::from("target"));
        fill(&mut lanes, &target, at(0));
        send(&mut lanes, &target);
        assert_eq!(lanes.reserve(&target, at(0)), Room::Soon);
        let later = |millis| Room::Later(at(millis));
        assert_eq!(lanes.reserve(&target, at(600)), later(1_600));
        assert_eq!(lanes.reserve(&target, at(600)), later(2_200));
    }
}
