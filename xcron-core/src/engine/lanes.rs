//! Lanes: one queue of due attempts for each destination, served in turn.
//!
//! A target that hangs fills its own lane and no other: one from which nothing comes back gets a
//! few places only once half of all are taken, all such lanes together never get more than half,
//! and the last quarter is for lanes that have few, so that a new target finds room however many
//! others hang. What does not fit into a full lane is not claimed: it stays due while the lane
//! moves, and is put off when it hardly does, so that it hides nobody else in the due index.
//! Nothing grows without bound, and nothing is lost.

use super::Attempt;
use super::destinations::Destinations;
use super::lane::Lane;
use super::quiet::{Quiet, Taken};
use crate::Timestamp;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How many attempts are claimed for each place in flight: one is sent while the others wait, so
/// that places never stand empty for a commit, and a burst is claimed before it is due.
const CLAIMS_PER_PLACE: usize = 4;
/// A lane from which nothing has come back for so long is silent.
pub(super) const SILENT_AFTER: Duration = Duration::from_secs(1);
/// A silent lane has so many places once half of all are taken.
const PROBES: usize = 8;
/// What does not fit into a lane of which no place came back for so long is put off at once.
const STILL_AFTER: Duration = Duration::from_millis(100);
/// A lane from which nothing has come back for so long is quiet: all quiet lanes together get half
/// of the places, and half of the claims.
const QUIET_AFTER: Duration = Duration::from_millis(250);
/// Between two that are put off because their lane is silent.
const SILENT_EACH: Duration = Duration::from_millis(5);
/// Of so many places one is a lane's own when places are scarce.
const PLACES_PER_FEW: usize = 64;
/// One of so many turns is for destinations that are not known to answer, while others wait.
const UNSURE_EACH: usize = 8;

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

/// What an attempt that came back says about its target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    /// It answers, whatever it says.
    Answers,
    /// It did not answer for long.
    Silent,
    /// Nothing: the attempt did not leave.
    Nothing,
}

/// The lanes of all destinations that have something in hand.
#[derive(Debug)]
pub(super) struct Lanes {
    lanes: BTreeMap<Arc<str>, Lane>,
    /// Lanes of destinations that answered last, in the order of their turns.
    turns: VecDeque<Arc<str>>,
    /// The others.
    unsure: VecDeque<Arc<str>>,
    /// How many turns those have waited for.
    passed_over: usize,
    proven: Destinations,
    /// Lanes that had to leave what is left of the places to others.
    parked: Vec<Arc<str>>,
    /// Quiet lanes that wait until all of them together have less.
    crowded: Vec<Arc<str>>,
    suspects: Destinations,
    quiet: Quiet,
    queued: usize,
    claimed: usize,
    in_flight: usize,
    in_flight_max: usize,
    in_flight_per_lane_max: usize,
    /// Lanes that had no room for what the newest page brought.
    full: BTreeSet<Arc<str>>,
}

impl Lanes {
    pub(super) fn new(in_flight_max: usize, in_flight_per_lane_max: usize) -> Self {
        Self {
            lanes: BTreeMap::new(),
            turns: VecDeque::new(),
            unsure: VecDeque::new(),
            passed_over: 0,
            proven: Destinations::default(),
            parked: Vec::new(),
            crowded: Vec::new(),
            suspects: Destinations::default(),
            quiet: Quiet::default(),
            queued: 0,
            claimed: 0,
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
        let is_scarce = self.claimed >= self.claims_max() / 4 * 3;
        let is_ample = self.claimed < self.claims_max() / 2;
        let few = self.few() * CLAIMS_PER_PLACE;
        let has_quiet_room = self.quiet(now).claimed < self.claims_max() / 2;
        let is_suspect = self.suspects.has(destination);
        let lane = self.lanes.entry(Arc::clone(destination)).or_default();
        let is_silent = is_suspect || lane.is_waiting_for(SILENT_AFTER, now);
        let is_quiet = is_suspect || lane.is_waiting_for(QUIET_AFTER, now);
        let places = self.in_flight_per_lane_max;
        let places = if is_silent && !is_ample { PROBES.min(places) } else { places };
        let has_room = lane.claimed < places * CLAIMS_PER_PLACE;
        let is_crowded = is_quiet && !has_quiet_room;
        if has_room && !is_crowded && !(is_scarce && lane.claimed >= few) {
            lane.claimed += 1;
            self.claimed += 1;
            self.quiet.took(is_quiet, Taken { claimed: 1, in_flight: 0 });
            return Room::Taken;
        }
        let is_still = lane.in_flight >= places && lane.is_waiting_for(STILL_AFTER, now);
        if is_silent || is_crowded || is_still {
            return Room::Later(lane.pace.put_off(now, SILENT_EACH));
        }
        if lane.in_flight < places {
            // Claimed ahead, or without a place yet: that says nothing about its target.
            lane.pace.full_since = None;
            self.full.insert(Arc::clone(destination));
            return Room::Soon;
        }
        let Some(each) = lane.pace.judge(now, places) else {
            self.full.insert(Arc::clone(destination));
            return Room::Soon;
        };
        Room::Later(lane.pace.put_off(now, each))
    }

    /// Makes room for a claim that another node has made, however much there is: it knew.
    pub(super) fn adopt(&mut self, destination: &Arc<str>) {
        self.lanes.entry(Arc::clone(destination)).or_default().claimed += 1;
        self.claimed += 1;
    }

    /// Whether each place that an attempt of `destination` may take has one, or will.
    pub(super) fn is_busy(&self, destination: &Arc<str>) -> bool {
        let of_lane = self.lanes.get(destination).map_or(0, |lane| lane.claimed);
        self.claimed >= self.in_flight_max || of_lane >= self.in_flight_per_lane_max
    }

    /// Whether `destination` answered last.
    pub(super) fn is_proven(&self, destination: &Arc<str>) -> bool {
        self.proven.has(destination)
    }

    /// Whether hardly anything comes back from `destination`: others would fare no better.
    pub(super) fn is_doubtful(&self, destination: &Arc<str>, now: Timestamp) -> bool {
        let lane = self.lanes.get(destination);
        let is_quiet = lane.is_some_and(|lane| lane.is_waiting_for(QUIET_AFTER, now));
        is_quiet || self.suspects.has(destination)
    }

    /// What quiet lanes have taken together.
    fn quiet(&mut self, now: Timestamp) -> Taken {
        let Self { quiet, lanes, suspects, .. } = self;
        quiet.at(now, || {
            let is_quiet = |(destination, lane): &(&Arc<str>, &Lane)| {
                lane.is_waiting_for(QUIET_AFTER, now) || suspects.has(destination)
            };
            let quiet = lanes.iter().filter(is_quiet);
            quiet.map(|(_, lane)| Taken { claimed: lane.claimed, in_flight: lane.in_flight }).sum()
        })
    }

    /// How many places are a lane's own when places are scarce.
    const fn few(&self) -> usize {
        let few = self.in_flight_max / PLACES_PER_FEW;
        if few == 0 { 1 } else { few }
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

    /// How many attempts of one destination may be claimed and not ended.
    pub(super) const fn claims_per_lane_max(&self) -> usize {
        self.in_flight_per_lane_max.saturating_mul(CLAIMS_PER_PLACE)
    }

    /// Gives back the room of a claim that ended or was never made.
    pub(super) fn release(&mut self, destination: &Arc<str>) {
        let Some(lane) = self.lanes.get_mut(destination) else {
            return;
        };
        if lane.claimed > 0 {
            lane.claimed -= 1;
            self.claimed -= 1;
        }
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

    /// The next attempt to send at `now`, if a place is free: destinations take turns.
    pub(super) fn pop(&mut self, now: Timestamp) -> Option<Attempt> {
        let few = self.few();
        let quiet_max = self.in_flight_max.div_ceil(2);
        while self.in_flight < self.in_flight_max {
            let has_quiet_room = self.quiet(now).in_flight < quiet_max;
            if has_quiet_room {
                let crowded = std::mem::take(&mut self.crowded);
                crowded.iter().for_each(|lane| self.give_turn(lane));
            }
            let is_scarce = self.in_flight_max - self.in_flight <= self.in_flight_max / 4;
            let is_ample = self.in_flight < self.in_flight_max / 2;
            let destination = self.next_turn()?;
            let is_suspect = self.suspects.has(&destination);
            let lane = self.lanes.get_mut(&destination)?;
            lane.has_turn = false;
            let is_silent = is_suspect || lane.is_waiting_for(SILENT_AFTER, now);
            let max = self.in_flight_per_lane_max;
            let max = if is_silent && !is_ample { PROBES.min(max) } else { max };
            if lane.in_flight >= max {
                continue;
            }
            let is_quiet = is_suspect || lane.is_waiting_for(QUIET_AFTER, now);
            if is_quiet && !has_quiet_room {
                self.crowded.push(destination);
                continue;
            }
            if is_scarce && lane.in_flight >= few {
                self.parked.push(destination);
                continue;
            }
            let Some(attempt) = lane.queue.pop_front() else {
                continue;
            };
            lane.in_flight += 1;
            lane.waits_since.get_or_insert(now);
            self.quiet.took(is_quiet, Taken { claimed: 0, in_flight: 1 });
            self.in_flight += 1;
            self.queued -= 1;
            self.give_turn(&destination);
            return Some(attempt);
        }
        None
    }

    /// Frees the place of an attempt that came back at `now`.
    pub(super) fn returned(&mut self, destination: &Arc<str>, sign: Sign, now: Timestamp) {
        self.in_flight -= 1;
        match sign {
            Sign::Answers => {
                self.suspects.clear(destination);
                if self.proven.note(destination) {
                    self.change_turns(destination);
                }
            }
            Sign::Silent => {
                self.proven.clear(destination);
                self.suspects.note(destination);
            }
            Sign::Nothing => {}
        }
        if let Some(lane) = self.lanes.get_mut(destination) {
            lane.in_flight -= 1;
            lane.pace.returned = lane.pace.returned.saturating_add(1);
            if lane.in_flight == 0 {
                lane.waits_since = None;
            } else if sign == Sign::Answers {
                lane.waits_since = Some(now);
            }
        }
        self.give_turn(destination);
        for parked in std::mem::take(&mut self.parked) {
            self.give_turn(&parked);
        }
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
            let is_proven = self.proven.has(destination);
            let turns = if is_proven { &mut self.turns } else { &mut self.unsure };
            turns.push_back(Arc::clone(destination));
        }
    }

    /// Lets a lane that waits for its turn among the unsure wait among those that answer.
    fn change_turns(&mut self, destination: &Arc<str>) {
        let before = self.unsure.len();
        self.unsure.retain(|unsure| unsure != destination);
        if self.unsure.len() < before {
            self.turns.push_back(Arc::clone(destination));
        }
    }

    /// Whose turn it is: destinations that answer first, and now and then one of the others. A dial
    /// costs the same whoever answers, and those that answer soon make room.
    fn next_turn(&mut self) -> Option<Arc<str>> {
        self.passed_over += 1;
        if self.turns.is_empty() || self.passed_over >= UNSURE_EACH {
            self.passed_over = 0;
            return self.unsure.pop_front().or_else(|| self.turns.pop_front());
        }
        self.turns.pop_front()
    }
}

#[cfg(test)]
mod tests;
