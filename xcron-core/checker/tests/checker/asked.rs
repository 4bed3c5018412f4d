//! What somebody wishes of a task that exists: runs beside its schedule, failed runs again, and
//! another definition.

use super::table::{Say, again, at_ten, check, created, every_ten, fired, left, lines, t};
use xcron_checker::{
    Call, Definition, Invariant, Misfire, Op, Outcome, Receipt, Retry, Seen, SenderLost, Unhealthy,
};

const I3: Say = Say::Violated(Invariant::I3);
const I5: Say = Say::Violated(Invariant::I5);
const I6: Say = Say::Violated(Invariant::I6);
const I9: Say = Say::Violated(Invariant::I9);
const I10: Say = Say::Violated(Invariant::I10);
const I19: Say = Say::Violated(Invariant::I19);
const PASS: Say = Say::Pass;

fn trigger(at: f64) -> Op {
    Op::new(Call::Trigger, "a", t(at)).opened("a#1", t(at + 0.1))
}

/// The first attempt of a run that was asked for at `at_s`, answered 200 at once.
fn made(run: &str, at_s: i64, at: f64) -> Receipt {
    let fence = at_s.unsigned_abs() * 10 + 5;
    Receipt::new("a", run, at_s, t(at)).manual().fence(fence).answered("200", t(at + 0.001))
}

#[test]
fn a_run_that_is_asked_for_is_made_beside_the_schedule() {
    let far = || created(Definition::once(1_000));
    let doubted = || Op::new(Call::Trigger, "a", t(5.0));
    let denied = || doubted().answered(Outcome::Refused, t(5.1));
    let left = || left().next_s(1_000);
    check(
        40.0,
        vec![
            ("made", lines![far(), trigger(5.0), made("a#1", 5, 5.05)], PASS),
            ("not made", lines![far(), trigger(5.0)], I3),
            ("made too late", lines![far(), trigger(5.0), made("a#1", 5, 6.2)], I3),
            ("made before anybody asked", lines![far(), doubted(), made("a#1", 4, 4.9)], I10),
            ("made under another time", lines![far(), trigger(5.0), made("a#1", 3, 5.05)], I10),
            ("nobody asked", lines![far(), made("a#1", 5, 5.05)], I10),
            (
                "one asked, two were made",
                lines![far(), trigger(5.0), made("a#1", 5, 5.05), made("a#2", 6, 6.05)],
                I10,
            ),
            ("without an answer it may be made", lines![far(), doubted()], PASS),
            ("and late", lines![far(), doubted(), made("a#1", 9, 9.0)], PASS),
            ("refused, but made", lines![far(), denied(), made("a#1", 5, 5.05)], I10),
            (
                "beside an occurrence of the same second",
                lines![created(at_ten()), trigger(10.0), fired(10, 10.0), made("a#1", 10, 10.1)],
                PASS,
            ),
        ],
    );
    check(
        40.0,
        vec![
            (
                "counted",
                lines![far(), trigger(5.0), made("a#1", 5, 5.05), left().succeeded(1)],
                PASS,
            ),
            ("not counted", lines![far(), trigger(5.0), made("a#1", 5, 5.05), left()], I19),
            (
                "counted twice",
                lines![far(), trigger(5.0), made("a#1", 5, 5.05), left().succeeded(2)],
                I19,
            ),
            (
                "a second run of an occurrence is none that was asked for",
                lines![
                    created(at_ten()),
                    trigger(5.0),
                    made("a#1", 5, 5.05),
                    fired(10, 10.0),
                    Receipt::new("a", "a@b", 10, t(10.2)).fence(300).answered("200", t(10.3)),
                ],
                I5,
            ),
        ],
    );
}

#[test]
fn a_run_that_was_asked_for_may_be_lost_with_its_sender_if_it_is_made_once_at_most() {
    let once =
        Definition { delivery: xcron_checker::DeliveryMode::AtMostOnce, ..Definition::once(1_000) };
    let lost = || SenderLost { node: 1, at_us: t(5.1) };
    check(
        40.0,
        vec![
            ("lost", lines![created(once.clone()), trigger(5.0), lost()], PASS),
            ("without a reason", lines![created(once), trigger(5.0)], I3),
            (
                "not once at most",
                lines![created(Definition::once(1_000)), trigger(5.0), lost()],
                I3,
            ),
        ],
    );
}

#[test]
fn a_failed_run_is_attempted_again_when_somebody_asks() {
    let retry = Retry { attempts_max: 2, ..Retry::default() };
    let one_shot = || created(Definition { retry, ..at_ten() });
    let failed = |attempt, at| again(10, attempt, at).answered("500", t(at + 0.001));
    let asked = |at: f64| Op::new(Call::Retry, "a", t(at)).opened("a@10", t(at + 0.1));
    let doubted = |at: f64| Op::new(Call::Retry, "a", t(at));
    let first = || lines![one_shot(), failed(1, 10.0), failed(2, 11.5)];
    let with = |more: Vec<xcron_checker::Line>| first().into_iter().chain(more).collect::<Vec<_>>();
    check(
        60.0,
        vec![
            ("failed", first(), PASS),
            ("attempted again", with(lines![asked(20.0), again(10, 3, 20.05)]), PASS),
            ("not attempted again", with(lines![asked(20.0)]), I3),
            ("nobody asked", with(lines![again(10, 3, 20.05)]), I6),
            (
                "its policy begins anew",
                with(lines![asked(20.0), failed(3, 20.05), again(10, 4, 21.5)]),
                PASS,
            ),
            (
                "more often than that",
                with(lines![asked(20.0), failed(3, 20.05), failed(4, 21.5), again(10, 5, 24.0)]),
                I6,
            ),
            ("without an answer it may be", with(lines![doubted(20.0)]), PASS),
            ("and is", with(lines![doubted(20.0), again(10, 3, 25.0)]), PASS),
            (
                "a success is not opened again",
                lines![one_shot(), fired(10, 10.0), doubted(20.0), again(10, 2, 25.0)],
                I6,
            ),
            (
                "counted as what it came to",
                with(lines![asked(20.0), again(10, 3, 20.2), left_finished().succeeded(1)]),
                PASS,
            ),
            (
                "still counted as failed",
                with(lines![asked(20.0), again(10, 3, 20.2), left_finished().failed(1)]),
                I19,
            ),
            (
                "a counter goes back because of it",
                with(lines![read(18.0, 1), asked(20.0), read(20.2, 0), again(10, 3, 20.3)]),
                PASS,
            ),
            ("a counter goes back without", with(lines![read(18.0, 1), read(20.2, 0)]), I9),
        ],
    );
}

fn left_finished() -> xcron_checker::FinalTask {
    xcron_checker::FinalTask::finished("a")
}

/// A query that reads that so many runs failed.
fn read(at: f64, failed: u64) -> Op {
    let seen = Seen { run_count: Some(failed), failed: Some(failed), ..Seen::default() };
    Op::new(Call::Query, "a", t(at)).saw(seen, t(at + 0.1))
}

#[test]
fn an_updated_task_fires_by_what_it_is_then() {
    let every_ten = || Definition { end_s: Some(20), ..every_ten() };
    let fives = || Definition::cron("5,15,25,35 * * * * *", "UTC");
    let update = |at: f64, definition| Op::update("a", definition, t(at));
    let done = |at: f64| update(at, fives()).answered_ok(t(at + 0.1));
    let rest = || lines![fired(15, 15.0), fired(25, 25.0), fired(35, 35.0)];
    let with = |more: Vec<xcron_checker::Line>| {
        let mut all = lines![created(every_ten()), fired(10, 10.0)];
        all.extend(more);
        all
    };
    let and_rest = |mut lines: Vec<xcron_checker::Line>| {
        lines.extend(rest());
        with(lines)
    };
    check(
        38.0,
        vec![
            ("by the new one", and_rest(lines![done(12.0)]), PASS),
            (
                "one of the new is missing",
                with(lines![done(12.0), fired(15, 15.0), fired(35, 35.0)]),
                I3,
            ),
            ("one of the old fires", and_rest(lines![done(12.0), fired(20, 20.0)]), I10),
            (
                "one of the old just before is owed",
                and_rest(lines![fired(20, 20.0), done(20.3)]),
                I10,
            ),
            ("nothing is sure without an answer", with(lines![update(12.0, fives())]), PASS),
            ("both may be", and_rest(lines![update(12.0, fives()), fired(20, 20.0)]), PASS),
            (
                "it was refused",
                with(lines![
                    update(12.0, fives()).answered(Outcome::Refused, t(12.1)),
                    fired(20, 20.0)
                ]),
                PASS,
            ),
            (
                "refused, and yet",
                and_rest(lines![
                    update(12.0, fives()).answered(Outcome::Refused, t(12.1)),
                    fired(20, 20.0)
                ]),
                I10,
            ),
        ],
    );
    let owed = |extra: Vec<xcron_checker::Line>| {
        let mut all = lines![created(every_ten()), fired(10, 10.0), done(20.3)];
        all.extend(extra);
        all.extend(lines![fired(25, 25.0), fired(35, 35.0)]);
        all
    };
    check(
        38.0,
        vec![
            ("what was due before is owed", owed(lines![fired(20, 20.5)]), PASS),
            ("and missing", owed(lines![]), I3),
            (
                "unless nobody can be blamed",
                owed(lines![Unhealthy { from_us: t(19.0), to_us: t(20.2) }]),
                I3,
            ),
        ],
    );
}

#[test]
fn what_is_read_is_the_definition_of_the_last_update() {
    let far = || Definition::once(1_000);
    let later = || Definition { misfire: Misfire::Skip, ..Definition::once(2_000) };
    let reads = |at: f64, definition: &Definition| {
        let fingerprint = Some(definition.fingerprint());
        Op::new(Call::Query, "a", t(at)).saw(Seen { fingerprint, ..Seen::default() }, t(at + 0.1))
    };
    let update = |at: f64| Op::update("a", later(), t(at));
    check(
        40.0,
        vec![
            (
                "updated",
                lines![created(far()), update(2.0).answered_ok(t(2.1)), reads(3.0, &later())],
                PASS,
            ),
            (
                "not updated",
                lines![created(far()), update(2.0).answered_ok(t(2.1)), reads(3.0, &far())],
                I9,
            ),
            (
                "not yet",
                lines![created(far()), update(2.0), reads(3.0, &far()), reads(9.0, &later())],
                PASS,
            ),
            (
                "back again",
                lines![created(far()), update(2.0), reads(3.0, &later()), reads(9.0, &far())],
                I9,
            ),
            ("of nothing", lines![update(2.0).answered_ok(t(2.1))], I9),
            ("absent", lines![created(far()), update(2.0).answered(Outcome::Absent, t(2.1))], I9),
        ],
    );
}
