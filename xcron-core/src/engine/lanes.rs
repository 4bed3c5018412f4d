//! Lanes: one queue of due attempts for each destination, served in turn.
//!
//! A target that hangs fills its own lane and no other: one from which nothing comes back gets a
//! few places only once half of all are taken, all such lanes together never get more than half,
//! and the last quarter is for lanes that have few, so that a new target finds room however many
//! others hang. What does not fit into a full lane is not claimed: it stays due while the lane
//! moves, and is put off when it hardly does, so that it hides nobody else in the due index.
//! Nothing grows without bound, and nothing is lost.

use super::Attempt;
use super::lane::Lane;
use super::quiet::{Quiet, Taken};
use super::suspects::Suspects;
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
    turns: VecDeque<Arc<str>>,
    /// Lanes that had to leave what is left of the places to others.
    parked: Vec<Arc<str>>,
    /// Quiet lanes that wait until all of them together have less.
    crowded: Vec<Arc<str>>,
    suspects: Suspects,
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
            parked: Vec::new(),
            crowded: Vec::new(),
            suspects: Suspects::default(),
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

    const fn claims_per_lane_max(&self) -> usize {
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
            let destination = self.turns.pop_front()?;
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
            Sign::Answers => self.suspects.clear(destination),
            Sign::Silent => self.suspects.note(destination),
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
            self.turns.push_back(Arc::clone(destination));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decide::Start;
    use crate::engine::pace::DEFER_MAX;
    use crate::store::Claim;
    use crate::task::id::{Occurrence, TaskId};
    use crate::task::state::Holder;

    const PLACES: usize = 16;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millis(1_700_000_000_000 + millis)
    }

    fn target(name: &str) -> Arc<str> {
        Arc::from(name)
    }

    /// Takes all the room that there is at `now`, and answers how much it was.
    fn fill(lanes: &mut Lanes, destination: &Arc<str>, now: Timestamp) -> usize {
        let mut taken = 0;
        while lanes.reserve(destination, now) == Room::Taken {
            taken += 1;
        }
        taken
    }

    /// Lets so many attempts wait for their turn.
    fn push(lanes: &mut Lanes, destination: &Arc<str>, attempts: usize) {
        for _ in 0..attempts {
            let claim = Claim {
                task: TaskId::parse("t").expect("a good id"),
                occurrence: Occurrence::At(at(0)),
                attempt: 1,
                fence: 1,
                holder: Holder { node: 1, incarnation: 1 },
            };
            let start = Start { claim, not_before: at(0) };
            lanes.push(Attempt { start, destination: Arc::clone(destination), version: 1 });
        }
    }

    /// Sends all that may be sent at `now`, and answers how many.
    fn send(lanes: &mut Lanes, now: Timestamp) -> usize {
        std::iter::from_fn(|| lanes.pop(now)).count()
    }

    /// A lane with all its places in flight since `now`, and all its claims made.
    fn full(lanes: &mut Lanes, name: &str, now: Timestamp) -> Arc<str> {
        let destination = target(name);
        let taken = fill(lanes, &destination, now);
        assert_eq!(taken, PLACES * CLAIMS_PER_PLACE);
        push(lanes, &destination, taken);
        assert_eq!(send(lanes, now), PLACES);
        destination
    }

    #[test]
    fn a_lane_full_of_claims_ahead_of_their_instant_is_not_slow() {
        let (mut lanes, target) = (Lanes::new(100, PLACES), target("target"));
        let taken = fill(&mut lanes, &target, at(-600));
        assert_eq!(lanes.reserve(&target, at(-50)), Room::Soon);
        assert_eq!(lanes.reserve(&target, at(0)), Room::Soon);
        push(&mut lanes, &target, taken);
        assert_eq!(send(&mut lanes, at(0)), PLACES);
        assert_eq!(lanes.reserve(&target, at(1)), Room::Soon);
        assert_eq!(lanes.reserve(&target, at(100)), Room::Soon);
    }

    #[test]
    fn a_lane_that_hardly_moves_puts_off_what_does_not_fit() {
        let mut lanes = Lanes::new(100, PLACES);
        let target = full(&mut lanes, "target", at(0));
        for millis in (0..500).step_by(90) {
            assert_eq!(lanes.reserve(&target, at(millis)), Room::Soon, "{millis}");
            lanes.returned(&target, Sign::Answers, at(millis));
            assert_eq!(send(&mut lanes, at(millis)), 1);
        }
        // Six came back in 540 ms: the next sixteen would take more than a second.
        assert_eq!(lanes.reserve(&target, at(540)), Room::Later(at(1_540)));
        assert_eq!(lanes.reserve(&target, at(540)), Room::Later(at(1_630)));
    }

    #[test]
    fn a_lane_from_which_nothing_returns_puts_off_at_once_and_spreads_what_it_puts_off() {
        let mut lanes = Lanes::new(100, PLACES);
        let target = full(&mut lanes, "target", at(0));
        let later = |millis| Room::Later(at(millis));
        assert_eq!(lanes.reserve(&target, at(101)), later(1_101));
        assert_eq!(lanes.reserve(&target, at(101)), later(1_106));
        let latest = at(101).plus(DEFER_MAX);
        for _ in 0..50_000 {
            let room = lanes.reserve(&target, at(101));
            assert!(matches!(room, Room::Later(until) if until <= latest), "{room:?}");
        }
    }

    #[test]
    fn a_silent_lane_has_a_few_places_until_it_answers() {
        let mut lanes = Lanes::new(4 * PLACES, PLACES);
        let target = full(&mut lanes, "target", at(0));
        let returned = |lanes: &mut Lanes, sign, now| lanes.returned(&target, sign, now);
        // While others leave half of all places free it may have its own, silent or not.
        returned(&mut lanes, Sign::Silent, at(5_000));
        assert_eq!(send(&mut lanes, at(5_000)), 1);
        let others = ["one", "two"].map(|name| full(&mut lanes, name, at(9_990)));
        for _ in 0..PLACES {
            returned(&mut lanes, Sign::Silent, at(10_000));
        }
        assert_eq!(send(&mut lanes, at(10_000)), PROBES);
        others.iter().for_each(|other| lanes.returned(other, Sign::Answers, at(19_990)));
        assert_eq!(send(&mut lanes, at(19_990)), others.len());
        returned(&mut lanes, Sign::Silent, at(20_000));
        assert_eq!(send(&mut lanes, at(20_000)), 1);
        returned(&mut lanes, Sign::Answers, at(20_500));
        assert_eq!(send(&mut lanes, at(20_500)), PLACES - PROBES + 1, "it answers again");
    }

    #[test]
    fn a_target_that_was_silent_is_remembered_when_its_lane_is_empty() {
        let (mut lanes, target) = (Lanes::new(4 * PLACES, PLACES), target("target"));
        assert_eq!(lanes.reserve(&target, at(0)), Room::Taken);
        push(&mut lanes, &target, 1);
        assert_eq!(send(&mut lanes, at(30_000)), 1);
        lanes.returned(&target, Sign::Silent, at(40_000));
        lanes.release(&target);
        assert!(lanes.lanes.is_empty());
        full(&mut lanes, "one", at(49_990));
        full(&mut lanes, "two", at(49_990));
        assert_eq!(fill(&mut lanes, &target, at(50_000)), PROBES * CLAIMS_PER_PLACE);
    }

    #[test]
    fn however_many_hang_a_new_lane_finds_a_place_and_a_claim() {
        let mut lanes = Lanes::new(8 * PLACES, PLACES);
        let (all, few) = (8 * PLACES, lanes.few());
        for n in 0..20 {
            let hangs = target(&format!("hangs-{n}"));
            let taken = fill(&mut lanes, &hangs, at(0));
            push(&mut lanes, &hangs, taken);
        }
        let sent = send(&mut lanes, at(0));
        assert!(sent >= all / 4 * 3 && sent + few <= all, "{sent} of {all}");
        let new = target("new");
        assert_eq!(fill(&mut lanes, &new, at(0)), few * CLAIMS_PER_PLACE);
        push(&mut lanes, &new, few);
        assert_eq!(send(&mut lanes, at(0)), few);
        // Whoever left its turn to others gets it back when places are free again.
        for n in 0..8 {
            lanes.returned(&target(&format!("hangs-{n}")), Sign::Answers, at(1));
        }
        assert!(send(&mut lanes, at(1)) > 0);
    }

    #[test]
    fn targets_that_hang_take_half_of_the_places_and_claims_together_however_many_they_are() {
        let mut lanes = Lanes::new(1_024, 256);
        let hosts: Vec<Arc<str>> = (0..200).map(|n| target(&format!("hangs-{n}"))).collect();
        let (mut claimed, mut sent) = (0, 0);
        for second in 0..30 {
            let now = at(second * 1_000);
            for host in hosts.iter().chain(&hosts).chain(&hosts) {
                if lanes.reserve(host, now) == Room::Taken {
                    push(&mut lanes, host, 1);
                    claimed += 1;
                }
            }
            sent += send(&mut lanes, now);
        }
        // The first second's hosts were new, and took what they liked.
        assert!(sent <= 600 && claimed <= 2_048, "{sent} sent of {claimed}");
        let well = target("well");
        let taken = fill(&mut lanes, &well, at(30_000));
        push(&mut lanes, &well, taken);
        assert_eq!((taken, send(&mut lanes, at(30_000))), (1_024, 256 - 64 - 24));
        // Those that hang are tried again when their attempts have run out of time.
        hosts.iter().chain(&hosts).chain(&hosts).for_each(|host| {
            lanes.returned(host, Sign::Silent, at(30_100));
        });
        let again = std::iter::from_fn(|| lanes.pop(at(30_100)));
        assert_eq!(again.filter(|attempt| attempt.destination != well).count(), 512);
    }
}
