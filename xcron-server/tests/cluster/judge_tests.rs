//! The judge judged: histories written by hand, and what must be found in each.

use crate::judge::{GAP_MS, IN_FLIGHT_MS, Verdict, judge};
use crate::lateness::{Lateness, median};
use crate::ledger::{EverySecond, Ledger, OneShot, Outcome};
use crate::target::Call;
use crate::timeline::Fault;
use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};

/// Everything happens around this second.
const T: u64 = 1_000;

/// What happened, in words; what was asked, called and done; and the kinds of wrongs to be found.
type History = (&'static str, Ledger, Vec<Call>, Vec<Fault>, &'static [&'static str]);

fn call(task: &str, second: u64, at: u64, attempt: u64, fence: u64) -> Call {
    let run = format!("{task}@{second}");
    let headers = [
        ("xcron-task-id", task.to_owned()),
        ("xcron-run-id", run.clone()),
        ("idempotency-key", run),
        ("xcron-scheduled-time", second.to_string()),
        ("xcron-attempt", attempt.to_string()),
        ("xcron-fence", fence.to_string()),
    ];
    let headers: BTreeMap<_, _> =
        headers.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let from = SocketAddr::from((Ipv4Addr::LOCALHOST, 1));
    Call { at, from, headers, body: String::new() }
}

fn with(mut call: Call, header: &str, value: &str) -> Call {
    call.headers.insert(header.to_owned(), value.to_owned());
    call
}

/// A one-shot `a` due at T.
fn once(outcome: Outcome) -> Ledger {
    let (invoked, returned) = (T * 1_000 - 900, T * 1_000 - 800);
    let one_shot = OneShot { task: "a".to_owned(), due: T, invoked, returned, outcome };
    Ledger { one_shots: vec![one_shot], ..Ledger::default() }
}

/// A task `c` of which the seconds T to T+4 are decided.
fn cron(ended: u64, skipped: u64, open: u64) -> Ledger {
    let task = "c".to_owned();
    let cron = EverySecond { task, first: T, next: T + 5, ended, skipped, open };
    Ledger { crons: vec![cron], ..Ledger::default() }
}

/// Calls of `c`, each 5 ms late.
fn ticks(seconds: impl IntoIterator<Item = u64>) -> Vec<Call> {
    seconds.into_iter().map(|n| call("c", T + n, (T + n) * 1_000 + 5, 1, 10 * (n + 1))).collect()
}

fn fault(at: u64) -> Vec<Fault> {
    vec![Fault { at, what: "kill".to_owned() }]
}

/// The kinds of wrongs, without what is said of them.
fn kinds(verdict: &Verdict) -> Vec<&'static str> {
    verdict.wrongs().into_iter().map(|(kind, _)| kind).collect()
}

#[test]
fn one_shots_are_judged() {
    let at = T * 1_000;
    let first = || call("a", T, at + 5, 1, 7);
    let again = |later, attempt, fence| call("a", T, at + 5 + later, attempt, fence);
    let cases: [(&str, Outcome, Vec<Call>, &[&str]); 16] = [
        ("called once", Outcome::Acknowledged, vec![first()], &[]),
        ("never called", Outcome::Acknowledged, vec![], &["lost"]),
        ("unknown and never called", Outcome::Unknown, vec![], &[]),
        ("unknown and called", Outcome::Unknown, vec![first()], &[]),
        ("refused and not called", Outcome::Refused, vec![], &[]),
        ("refused and called", Outcome::Refused, vec![first()], &["ghost"]),
        ("in its very instant", Outcome::Acknowledged, vec![call("a", T, at, 1, 7)], &[]),
        (
            "a millisecond early",
            Outcome::Acknowledged,
            vec![call("a", T, at - 1, 1, 7)],
            &["early"],
        ),
        (
            "called again without a fault",
            Outcome::Acknowledged,
            vec![first(), again(900, 2, 8)],
            &["doubled without a cause"],
        ),
        (
            "the same attempt twice",
            Outcome::Acknowledged,
            vec![first(), again(1, 1, 7)],
            &["doubled without a cause", "disorder"],
        ),
        (
            "for another second",
            Outcome::Acknowledged,
            vec![call("a", T + 1, at + 1_000, 1, 7)],
            &["ghost"],
        ),
        (
            "a second run of a one-shot",
            Outcome::Acknowledged,
            vec![first(), with(with(again(1, 1, 8), "xcron-run-id", "b"), "idempotency-key", "b")],
            &["ghost"],
        ),
        (
            "another idempotency-key",
            Outcome::Acknowledged,
            vec![with(first(), "idempotency-key", "x")],
            &["disorder"],
        ),
        (
            "an older fence after a newer one",
            Outcome::Acknowledged,
            vec![first(), again(900, 2, 6)],
            &["doubled without a cause", "disorder"],
        ),
        (
            "of somebody else",
            Outcome::Acknowledged,
            vec![first(), call("z", T, at, 1, 1)],
            &["ghost"],
        ),
        ("first seen as attempt 2", Outcome::Acknowledged, vec![again(0, 2, 9)], &[]),
    ];
    for (what, outcome, calls, expected) in cases {
        let verdict = judge(&once(outcome), &calls, &[]);
        assert_eq!(kinds(&verdict), expected, "{what}: {verdict:?}");
    }
}

#[test]
fn a_repetition_is_excused_by_a_fault_around_the_call_before() {
    let at = T * 1_000 + 5;
    for (fault_at, excused) in [
        (at, true),
        (at + IN_FLIGHT_MS, true),
        (at + IN_FLIGHT_MS + 1, false),
        (at - IN_FLIGHT_MS, true),
        (at - IN_FLIGHT_MS - 1, false),
    ] {
        let calls = [call("a", T, at, 1, 7), call("a", T, at + 4_000, 2, 8)];
        let verdict = judge(&once(Outcome::Acknowledged), &calls, &fault(fault_at));
        assert_eq!(verdict.in_flight.len(), usize::from(excused), "{fault_at}");
        assert_eq!(verdict.doubled.len(), usize::from(!excused), "{fault_at}");
    }
}

#[test]
fn a_stale_sender_is_found_even_near_a_fault() {
    let at = T * 1_000 + 5;
    // The new leader's attempt was received first, then that of the one that woke up.
    let calls = [call("a", T, at, 2, 9), call("a", T, at + 900, 1, 7)];
    let verdict = judge(&once(Outcome::Acknowledged), &calls, &fault(at));
    assert_eq!(kinds(&verdict), ["disorder"]);
    assert_eq!(verdict.disorder.len(), 2, "its attempt and its fence: {verdict:?}");
    // Two occurrences of one task that leave together may overtake each other, later ones not.
    for (apart, expected) in [(250, &[][..]), (251, &["disorder"])] {
        let mut calls = ticks([0, 1, 2, 3, 4]);
        calls.insert(2, call("c", T, calls[1].at + apart, 2, 15));
        calls[0] = call("c", T, calls[0].at, 1, 10);
        calls.sort_by_key(|call| call.at);
        let verdict = judge(&cron(5, 0, 0), &calls, &fault(T * 1_000));
        assert_eq!(kinds(&verdict), expected, "{apart}: {verdict:?}");
    }
}

#[test]
fn tasks_of_every_second_are_judged() {
    let kill = (T + 1) * 1_000 + 500;
    let with_double = {
        let mut calls = ticks(0..5);
        calls.push(with(call("c", T + 4, (T + 4) * 1_000 + 90, 1, 51), "xcron-run-id", "other"));
        calls[5].headers.insert("idempotency-key".to_owned(), "other".to_owned());
        calls
    };
    let before = [ticks(0..5), vec![call("c", T - 1, (T + 4) * 1_000 + 9, 1, 51)]].concat();
    let cases: [History; 9] = [
        ("each second once", cron(5, 0, 0), ticks(0..5), vec![], &[]),
        ("the last one open", cron(4, 0, 1), ticks(0..5), vec![], &[]),
        ("one missing", cron(4, 0, 0), ticks([0, 1, 3, 4]), fault(kill), &["hole", "disorder"]),
        ("one missing, not settled", cron(4, 0, 1), ticks([0, 1, 3, 4]), fault(kill), &["hole"]),
        ("one skipped in a gap", cron(4, 1, 0), ticks([0, 1, 3, 4]), fault(kill), &[]),
        ("one skipped without a gap", cron(4, 1, 0), ticks([0, 1, 3, 4]), vec![], &["hole"]),
        ("a count too few", cron(4, 0, 0), ticks(0..5), vec![], &["disorder"]),
        ("two runs of one second", cron(5, 0, 0), with_double, vec![], &["ghost"]),
        ("before it existed", cron(5, 0, 0), before, vec![], &["ghost"]),
    ];
    for (what, ledger, calls, faults, expected) in cases {
        let verdict = judge(&ledger, &calls, &faults);
        assert_eq!(kinds(&verdict), expected, "{what}: {verdict:?}");
    }
}

#[test]
fn a_second_is_excused_only_near_a_fault() {
    let missing = (T + 2) * 1_000;
    for (fault_at, excused) in [
        (missing, true),
        (missing - GAP_MS, true),
        (missing - GAP_MS - 1, false),
        (missing + IN_FLIGHT_MS, true),
        (missing + IN_FLIGHT_MS + 1, false),
    ] {
        let verdict = judge(&cron(4, 1, 0), &ticks([0, 1, 3, 4]), &fault(fault_at));
        assert_eq!(verdict.holes.is_empty(), excused, "{fault_at}");
    }
}

#[test]
fn lateness_is_of_first_calls_and_counts_from_the_acknowledgement() {
    let at = T * 1_000;
    let mut ledger = cron(5, 0, 0);
    ledger.one_shots = once(Outcome::Acknowledged).one_shots;
    let mut calls = ticks(0..5);
    calls.extend([call("a", T, at + 70, 1, 7), call("a", T, at + 900, 2, 8)]);
    let lateness = Lateness::of(&ledger, &calls);
    assert_eq!(lateness.worst().to_string(), format!("70 ms (a due at {at})"));
    assert_eq!((lateness.percentile(50), lateness.percentile(100)), (5, 70));
    let faults = [fault(at - 1), fault(at + 1), fault(at + 9_000)].concat();
    let after: Vec<u64> = lateness.after_each(&faults).iter().map(|late| late.by).collect();
    assert_eq!(after, [70, 5], "nothing was due after the third");
    ledger.one_shots[0].returned = at + 60;
    assert_eq!(Lateness::of(&ledger, &calls).worst().by, 10);
    assert_eq!([median([3, 1, 2]), median([4, 1, 2, 3]), median([9])], [2, 3, 9]);
}
