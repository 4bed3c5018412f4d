//! The cluster as a whole, and what makes a run weak.

use super::table::{Say, at_ten, check, created, fired, history, left, lines, t};
use xcron_checker::{
    Call, Definition, End, Fault, History, Invariant, Op, Outcome, StateHash, Unhealthy,
};

const I16: Say = Say::Violated(Invariant::I16);
const I18: Say = Say::Violated(Invariant::I18);
const PASS: Say = Say::Pass;

#[test]
fn replicas_are_equal() {
    let far = || created(Definition::once(1_000));
    let hash = StateHash::new;
    check(
        30.0,
        vec![
            ("equal", lines![hash(1, 7, "ab"), hash(2, 7, "ab"), hash(3, 8, "cd")], PASS),
            ("different", lines![hash(1, 7, "ab"), hash(2, 7, "ac")], I18),
            (
                "equal tasks",
                lines![far(), left().next_s(1_000).on(1), left().next_s(1_000).on(2)],
                PASS,
            ),
        ],
    );
    let differ = lines![far(), left().next_s(1_000).on(1), left().next_s(2_000).on(2)];
    assert!(history(differ, 30.0).judge().violates(Invariant::I18));
}

#[test]
fn the_cluster_recovers() {
    let fault = || Fault::new("kill", Some(1), t(2.0), t(5.0));
    let far = |at: f64| Op::create("a", Definition::once(1_000), t(at));
    check(
        40.0,
        vec![
            ("at once", lines![fault(), far(6.0).answered_ok(t(6.1))], PASS),
            (
                "not yet",
                lines![
                    fault(),
                    far(6.0).answered(Outcome::None, t(6.1)),
                    far(7.0).answered_ok(t(7.1))
                ],
                PASS,
            ),
            ("not in time", lines![fault(), far(16.0).answered(Outcome::None, t(16.1))], I16),
            (
                "not certainly",
                lines![
                    fault(),
                    far(16.0).answered(Outcome::Unknown, t(16.1)),
                    far(17.0).answered_ok(t(17.1))
                ],
                I16,
            ),
            (
                "an outage counts too",
                lines![
                    Unhealthy { from_us: t(2.0), to_us: t(15.0) },
                    far(16.0).answered(Outcome::None, t(16.1))
                ],
                PASS,
            ),
        ],
    );
}

#[test]
fn a_weak_run_is_no_pass() {
    let ask = |at: f64| Op::new(Call::Query, "b", t(at));
    let without = Fault::new("partition", None, t(2.0), t(3.0)).without_effect();
    check(
        40.0,
        vec![
            ("a fault without effect", lines![without.clone()], Say::Weak),
            ("a fault that need not have one", lines![without.optional()], PASS),
            (
                "a schedule that cannot be read",
                lines![created(Definition::cron("every day", "UTC"))],
                Say::Weak,
            ),
        ],
    );
    let answered = |at| ask(at).answered(Outcome::Absent, t(at));
    let asked = |unknown: usize| {
        let mut lines: Vec<_> = (0..100 - unknown).map(|_| answered(1.0).into()).collect();
        lines.extend((0..unknown).map(|_| ask(2.0).into()));
        history(lines, 30.0).judge()
    };
    assert!(asked(2).is_pass() && asked(3).is_weak());
    let judged = |end: Option<End>| {
        let whole = history(lines![created(at_ten()), fired(10, 10.0)], 30.0);
        History { end, ..whole }.judge()
    };
    assert!(judged(Some(End::complete(t(30.0)))).is_pass());
    assert!(judged(None).is_weak());
    assert!(judged(Some(End::incomplete(t(30.0), "the disk was full"))).is_weak());
    let violated = history(lines![created(at_ten())], 30.0);
    let violated = History { end: Some(End::incomplete(t(30.0), "full")), ..violated }.judge();
    assert!(violated.is_violated() && !violated.is_pass() && !violated.is_weak());
}
