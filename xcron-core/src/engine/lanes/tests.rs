//! Lanes that move, hang, and share what is left.

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

#[test]
fn destinations_that_answer_go_first_and_the_others_not_last() {
    let (mut lanes, good) = (Lanes::new(400, PLACES), target("good"));
    push(&mut lanes, &good, 15);
    assert!(lanes.pop(at(0)).is_some());
    for number in 0..40 {
        push(&mut lanes, &target(&format!("new-{number}")), 1);
    }
    // It waits for its next turn among the others.
    assert!(lanes.pop(at(0)).is_some());
    push(&mut lanes, &good, 1);
    lanes.returned(&good, Sign::Answers, at(1));
    let first = (0..16).filter_map(|_| lanes.pop(at(2)));
    let of_good = first.filter(|attempt| attempt.destination == good).count();
    assert_eq!(of_good, 14, "one turn in {UNSURE_EACH} is another's");
}
