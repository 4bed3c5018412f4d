//! What clients see of one task: I1, I2 and I9.

use super::table::{Say, at_ten, check, created, fired, left, lines, t};
use xcron_checker::{Call, Definition, FinalTask, Invariant, Op, Outcome, Seen, TaskPhase};

const I1: Say = Say::Violated(Invariant::I1);
const I2: Say = Say::Violated(Invariant::I2);
const I9: Say = Say::Violated(Invariant::I9);
const PASS: Say = Say::Pass;

fn query(from: f64, to: f64) -> Op {
    Op::new(Call::Query, "a", t(from)).saw(Seen::default(), t(to))
}

fn missing(from: f64, to: f64) -> Op {
    Op::new(Call::Query, "a", t(from)).answered(Outcome::Absent, t(to))
}

fn deleted(from: f64, to: f64) -> Op {
    Op::new(Call::Delete, "a", t(from)).answered_ok(t(to))
}

fn ask(from: f64) -> Op {
    Op::create("a", far(), t(from))
}

/// A task that is not due within the history.
fn far() -> Definition {
    Definition::once(1_000)
}

fn other() -> Definition {
    Definition::once(2_000)
}

#[test]
fn an_acknowledged_create_lasts_until_a_delete() {
    check(
        30.0,
        vec![
            ("it is there", lines![created(far()), query(2.0, 2.1), left().next_s(1_000)], PASS),
            ("it is gone", lines![created(far()), FinalTask::absent("a")], I1),
            ("a query misses it", lines![created(far()), missing(2.0, 2.1)], I9),
            (
                "a query at the same time may miss it",
                lines![created(far()), missing(0.5, 1.005)],
                PASS,
            ),
            ("a query sees what is not there yet", lines![created(far()), query(0.5, 0.9)], I9),
            (
                "deleted and gone",
                lines![created(far()), deleted(3.0, 3.1), FinalTask::absent("a")],
                PASS,
            ),
            (
                "deleted and there",
                lines![created(far()), deleted(3.0, 3.1), left().next_s(1_000)],
                I1,
            ),
            ("deleted and seen", lines![created(far()), deleted(3.0, 3.1), query(3.2, 3.3)], I9),
            (
                "seen while it is deleted",
                lines![created(far()), deleted(3.0, 4.0), query(3.2, 3.3), missing(3.4, 3.5)],
                PASS,
            ),
            (
                "seen, missed, seen again",
                lines![created(far()), deleted(3.0, 4.0), missing(3.2, 3.3), query(3.4, 3.5)],
                I9,
            ),
            ("deleted twice", lines![created(far()), deleted(3.0, 3.1), deleted(4.0, 4.1)], I9),
            (
                "deleted by one of two",
                lines![
                    created(far()),
                    deleted(3.0, 3.1),
                    Op::new(Call::Delete, "a", t(4.0)).answered(Outcome::Absent, t(4.1))
                ],
                PASS,
            ),
        ],
    );
}

#[test]
fn an_answer_means_what_it_says() {
    let denied = |at: f64| ask(at).answered(Outcome::None, t(at + 0.1));
    let unknown = |at: f64| ask(at).answered(Outcome::Unknown, t(at + 0.1));
    check(
        30.0,
        vec![
            ("not done and missing", lines![denied(1.0), missing(2.0, 2.1)], PASS),
            ("not done and there", lines![denied(1.0), query(2.0, 2.1)], I2),
            (
                "refused and there",
                lines![ask(1.0).answered(Outcome::Refused, t(1.1)), query(2.0, 2.1)],
                I2,
            ),
            (
                "not done and it fires",
                lines![
                    Op::create("a", at_ten(), t(1.0)).answered(Outcome::None, t(1.1)),
                    fired(10, 10.0)
                ],
                I2,
            ),
            ("unknown and missing", lines![unknown(1.0), missing(2.0, 2.1)], PASS),
            ("unknown and there", lines![unknown(1.0), query(2.0, 2.1)], PASS),
            (
                "unknown, missing, then there",
                lines![unknown(1.0), missing(2.0, 2.1), query(3.0, 3.1)],
                PASS,
            ),
            (
                "unknown, there, then missing",
                lines![unknown(1.0), query(2.0, 2.1), missing(3.0, 3.1)],
                I9,
            ),
            ("unknown and sent again", lines![unknown(1.0), created(far()), query(2.0, 2.1)], PASS),
            (
                "an unknown delete explains a task that is missing",
                lines![
                    created(far()),
                    Op::new(Call::Delete, "a", t(2.0)),
                    query(3.0, 3.1),
                    missing(4.0, 4.1)
                ],
                PASS,
            ),
            (
                "an unknown delete has not begun",
                lines![created(far()), missing(2.0, 2.1), Op::new(Call::Delete, "a", t(3.0))],
                I9,
            ),
        ],
    );
}

#[test]
fn a_task_keeps_its_definition() {
    let second = |at: f64, outcome| Op::create("a", other(), t(at)).answered(outcome, t(at + 0.1));
    let print = |definition: &Definition, at: f64| {
        let seen = Seen { fingerprint: Some(definition.fingerprint()), ..Seen::default() };
        Op::new(Call::Query, "a", t(at)).saw(seen, t(at + 0.1))
    };
    check(
        30.0,
        vec![
            (
                "another definition conflicts",
                lines![created(far()), second(2.0, Outcome::Conflict)],
                PASS,
            ),
            ("another definition is taken", lines![created(far()), second(2.0, Outcome::Ok)], I9),
            (
                "the same definition conflicts",
                lines![created(far()), ask(2.0).answered(Outcome::Conflict, t(2.1))],
                I9,
            ),
            (
                "the same definition again",
                lines![created(far()), ask(2.0).answered_ok(t(2.1))],
                PASS,
            ),
            ("its definition is read", lines![created(far()), print(&far(), 2.0)], PASS),
            ("another is read", lines![created(far()), print(&other(), 2.0)], I9),
            (
                "another after a delete",
                lines![
                    created(far()),
                    deleted(2.0, 2.1),
                    second(3.0, Outcome::Ok),
                    print(&other(), 4.0)
                ],
                PASS,
            ),
        ],
    );
}

#[test]
fn a_task_is_paused_until_it_is_resumed() {
    let op = |call, at: f64| Op::new(call, "a", t(at)).answered_ok(t(at + 0.1));
    let read = |state, at: f64| {
        let seen = Seen { state: Some(state), ..Seen::default() };
        Op::new(Call::Query, "a", t(at)).saw(seen, t(at + 0.1))
    };
    use TaskPhase::{Active, Paused};
    check(
        30.0,
        vec![
            ("paused", lines![created(far()), op(Call::Pause, 2.0), read(Paused, 3.0)], PASS),
            ("still active", lines![created(far()), op(Call::Pause, 2.0), read(Active, 3.0)], I9),
            ("nobody paused it", lines![created(far()), read(Paused, 3.0)], I9),
            (
                "resumed",
                lines![
                    created(far()),
                    op(Call::Pause, 2.0),
                    op(Call::Resume, 3.0),
                    read(Active, 4.0)
                ],
                PASS,
            ),
            (
                "not resumed",
                lines![
                    created(far()),
                    op(Call::Pause, 2.0),
                    op(Call::Resume, 3.0),
                    read(Paused, 4.0)
                ],
                I9,
            ),
            (
                "an unknown pause",
                lines![
                    created(far()),
                    Op::new(Call::Pause, "a", t(2.0)),
                    read(Active, 3.0),
                    read(Paused, 4.0)
                ],
                PASS,
            ),
            ("what is absent cannot be paused", lines![op(Call::Pause, 2.0)], I9),
        ],
    );
}

#[test]
fn what_is_counted_never_goes_back() {
    let read = |run_count, at: f64| {
        let seen = Seen { run_count: Some(run_count), ..Seen::default() };
        Op::new(Call::Query, "a", t(at)).saw(seen, t(at + 1.0))
    };
    check(
        30.0,
        vec![
            ("up", lines![created(far()), read(1, 2.0), read(2, 4.0)], PASS),
            ("down", lines![created(far()), read(2, 2.0), read(1, 4.0)], I9),
            ("down at the same time", lines![created(far()), read(2, 2.0), read(1, 2.5)], PASS),
        ],
    );
}
