//! What must fire and what may: I3, I4, I5, I8, I10 and I11.

use super::table::{Say, again, at_ten, check, created, every_ten, fired, left, lines, t};
use xcron_checker::{
    Call, Definition, DeliveryMode, FinalTask, Invariant, Misfire, Op, Outcome, Overlap, Receipt,
    Retry, Seen, SenderLost, Tenure, Unhealthy,
};

const I3: Say = Say::Violated(Invariant::I3);
const I4: Say = Say::Violated(Invariant::I4);
const I5: Say = Say::Violated(Invariant::I5);
const I8: Say = Say::Violated(Invariant::I8);
const I10: Say = Say::Violated(Invariant::I10);
const I11: Say = Say::Violated(Invariant::I11);
const PASS: Say = Say::Pass;

const fn unhealthy(from_us: i64, to_us: i64) -> Unhealthy {
    Unhealthy { from_us, to_us }
}

#[test]
fn an_occurrence_fires_in_time() {
    let early_one = |at| Op::create("a", at_ten(), t(at));
    check(
        30.0,
        vec![
            ("in time", lines![created(at_ten()), fired(10, 10.0)], PASS),
            ("one second late", lines![created(at_ten()), fired(10, 11.0)], PASS),
            ("later than a second", lines![created(at_ten()), fired(10, 11.01)], I3),
            ("never", lines![created(at_ten())], I3),
            ("a create without an answer binds nobody", lines![early_one(1.0)], PASS),
            (
                "an unknown create may fire",
                lines![early_one(1.0).answered(Outcome::Unknown, t(2.0)), fired(10, 10.2)],
                PASS,
            ),
            (
                "an unknown create that was seen must fire",
                lines![
                    early_one(1.0).answered(Outcome::Unknown, t(2.0)),
                    Op::new(Call::Query, "a", t(4.0)).saw(Seen::default(), t(4.1)),
                ],
                I3,
            ),
            (
                "an unknown create that was seen late counts from then on",
                lines![
                    early_one(1.0).answered(Outcome::Unknown, t(2.0)),
                    Op::new(Call::Query, "a", t(14.0)).saw(Seen::default(), t(14.1)),
                    fired(10, 15.0),
                ],
                PASS,
            ),
            (
                "received before its create was answered",
                lines![early_one(9.5).answered_ok(t(12.0)), fired(10, 10.0)],
                PASS,
            ),
            (
                "a late one-shot fires with its create",
                lines![early_one(15.0).answered_ok(t(15.1)), fired(10, 15.5)],
                PASS,
            ),
            (
                "a late one-shot does not",
                lines![early_one(15.0).answered_ok(t(15.1)), fired(10, 16.3)],
                I3,
            ),
            (
                "a target whose attempts are not recorded",
                lines![created(Definition { observed: false, ..at_ten() })],
                PASS,
            ),
        ],
    );
}

#[test]
fn a_cron_task_fires_at_its_times_only() {
    let bounded = |start_s, end_s| Definition { start_s, end_s, ..every_ten() };
    let twice = Definition { runs_max: Some(2), ..every_ten() };
    check(
        30.5,
        vec![
            (
                "each of them",
                lines![created(every_ten()), fired(10, 10.0), fired(20, 20.0), fired(30, 30.0)],
                PASS,
            ),
            ("the second is missing", lines![created(every_ten()), fired(10, 10.0)], I3),
            (
                "one too many",
                lines![created(bounded(None, Some(10))), fired(10, 10.0), fired(15, 15.0)],
                I10,
            ),
            (
                "the end counts",
                lines![created(bounded(None, Some(20))), fired(10, 10.1), fired(20, 20.1)],
                PASS,
            ),
            (
                "after the end",
                lines![created(bounded(None, Some(10))), fired(10, 10.1), fired(20, 20.1)],
                I10,
            ),
            (
                "the start counts",
                lines![created(bounded(Some(20), Some(25))), fired(20, 20.1)],
                PASS,
            ),
            (
                "before the start",
                lines![created(bounded(Some(11), Some(20))), fired(10, 10.0), fired(20, 20.1)],
                I10,
            ),
            (
                "two runs at most",
                lines![created(twice.clone()), fired(10, 10.0), fired(20, 20.1)],
                PASS,
            ),
            ("the second of two is missing", lines![created(twice.clone()), fired(10, 10.0)], I3),
            (
                "a third of two",
                lines![created(twice), fired(10, 10.0), fired(20, 20.1), fired(30, 30.1)],
                I10,
            ),
            ("nobody created it", lines![fired(10, 10.0)], I10),
            (
                "two runs of one occurrence",
                lines![
                    created(at_ten()),
                    fired(10, 10.0),
                    Receipt { run: "other".into(), ..fired(10, 10.2).fence(101) }
                ],
                I5,
            ),
            (
                "a fence that two attempts share",
                lines![
                    created(bounded(None, Some(20))),
                    fired(10, 10.0),
                    fired(20, 20.1).fence(100)
                ],
                I5,
            ),
        ],
    );
}

#[test]
fn nothing_is_sent_early() {
    let clock = |at: f64, clock: f64| fired(10, at).sender_clock_us(t(clock));
    check(
        30.0,
        vec![
            ("a millisecond early", lines![created(at_ten()), fired(10, 9.999)], I4),
            ("early by its own clock", lines![created(at_ten()), clock(10.0, 9.9999)], I4),
            (
                "its clock is behind and it waits",
                lines![created(at_ten()), clock(10.4, 10.0)],
                PASS,
            ),
            (
                "its clock is ahead of what is allowed",
                lines![created(at_ten()), clock(9.0, 10.0)],
                I11,
            ),
            (
                "its due time is forged to look punctual",
                lines![
                    created(Definition { end_s: Some(10), ..every_ten() }),
                    fired(10, 10.0),
                    Receipt { scheduled_s: 10, ..fired(20, 10.1) },
                ],
                I5,
            ),
        ],
    );
}

#[test]
fn a_spread_run_is_sent_within_its_spread() {
    let spread = Definition { jitter_s: 5, ..at_ten() };
    check(
        30.0,
        vec![
            ("at its start", lines![created(spread.clone()), fired(10, 10.0)], PASS),
            ("at its end", lines![created(spread.clone()), fired(10, 15.9)], PASS),
            ("after it", lines![created(spread.clone()), fired(10, 16.1)], I3),
            ("before it", lines![created(spread), fired(10, 9.9)], I4),
        ],
    );
}

#[test]
fn faults_allow_lateness_as_long_as_they_last() {
    let out = unhealthy(t(9.0), t(12.0));
    let lost = SenderLost { node: 1, at_us: t(9.9) };
    check(
        40.0,
        vec![
            ("recovered in time", lines![created(at_ten()), out, fired(10, 15.9)], PASS),
            ("recovered too late", lines![created(at_ten()), out, fired(10, 16.1)], I3),
            ("lost in an outage", lines![created(at_ten()), out], I3),
            (
                "an outage that was long over",
                lines![created(at_ten()), unhealthy(t(2.0), t(5.0)), fired(10, 11.1)],
                I3,
            ),
            ("a sender died", lines![created(at_ten()), lost, fired(10, 14.8)], PASS),
            ("a sender died long before", lines![created(at_ten()), lost, fired(10, 15.1)], I3),
            (
                "a new leader",
                lines![
                    created(at_ten()),
                    Tenure { from_us: t(13.0), node: 2, term: 2 },
                    fired(10, 13.9)
                ],
                PASS,
            ),
            (
                "a new leader dallies",
                lines![
                    created(at_ten()),
                    Tenure { from_us: t(13.0), node: 2, term: 2 },
                    fired(10, 14.1)
                ],
                I3,
            ),
        ],
    );
}

#[test]
fn missed_occurrences_follow_the_misfire_policy() {
    let misfire = |misfire, misfire_window_s| Definition {
        misfire,
        misfire_window_s,
        end_s: Some(50),
        ..every_ten()
    };
    let once = || created(misfire(Misfire::FireOnce, None));
    let all = || created(misfire(Misfire::FireAll, None));
    let skip = || created(misfire(Misfire::Skip, None));
    // Recovered at 44: 20, 30 and 40 were missed.
    let out = unhealthy(t(15.0), t(41.0));
    let (first, last) = (fired(10, 10.0), fired(50, 50.0));
    let rows = |name, create: Op, fired: Vec<Receipt>, say| {
        let mut lines = lines![create, out, first.clone(), last.clone()];
        lines.extend(fired.into_iter().map(Into::into));
        (name, lines, say)
    };
    check(
        60.0,
        vec![
            rows("once: the latest", once(), vec![fired(40, 44.2)], PASS),
            rows("once: not even the latest", once(), vec![], I3),
            rows("once: an earlier one instead", once(), vec![fired(30, 44.2)], I3),
            rows(
                "all of them",
                all(),
                vec![fired(20, 44.0), fired(30, 44.1), fired(40, 44.2)],
                PASS,
            ),
            rows("all but one", all(), vec![fired(20, 44.0), fired(40, 44.2)], I3),
            rows("none of them", skip(), vec![], PASS),
            rows(
                "older than the window",
                created(misfire(Misfire::FireAll, Some(12))),
                vec![fired(40, 44.2)],
                PASS,
            ),
            rows("within the window", created(misfire(Misfire::FireAll, Some(20))), vec![], I3),
        ],
    );
}

#[test]
fn a_deleted_task_fires_no_more() {
    let deleted = |at: f64| Op::new(Call::Delete, "a", t(at)).answered_ok(t(at + 0.1));
    let retry = Retry { attempts_max: 1, ..Retry::default() };
    let only_once = || Definition { retry, ..at_ten() };
    check(
        30.0,
        vec![
            ("deleted before", lines![created(at_ten()), deleted(5.0)], PASS),
            ("it fires all the same", lines![created(at_ten()), deleted(5.0), fired(10, 10.0)], I8),
            (
                "claimed before, sent within the lease",
                lines![created(at_ten()), deleted(9.8), fired(10, 10.1)],
                PASS,
            ),
            (
                "sent when the lease is over",
                lines![created(at_ten()), deleted(9.8), fired(10, 10.5)],
                I8,
            ),
            ("the delete comes while it is due", lines![created(at_ten()), deleted(10.5)], PASS),
            (
                "an unknown create comes after the delete",
                lines![
                    Op::create("a", at_ten(), t(0.5)),
                    created(at_ten()),
                    fired(10, 10.0),
                    deleted(10.5),
                    fired(10, 13.0).fence(120),
                ],
                PASS,
            ),
            (
                "and the attempts of its second life are counted anew",
                lines![
                    Op::create("a", only_once(), t(0.5)),
                    created(only_once()),
                    fired(10, 10.0),
                    deleted(10.5),
                    fired(10, 13.0).fence(120),
                ],
                PASS,
            ),
            (
                "no unknown create comes after the delete",
                lines![
                    created(at_ten()),
                    fired(10, 10.0),
                    deleted(10.5),
                    fired(10, 10.8).fence(120)
                ],
                Say::Violated(Invariant::I6),
            ),
            ("deleted after it had to fire", lines![created(at_ten()), deleted(11.5)], I3),
        ],
    );
}

#[test]
fn a_delete_without_an_answer_binds_nobody_until_something_is_seen() {
    let delete = |at| Op::new(Call::Delete, "a", t(at));
    check(
        30.0,
        vec![
            (
                "the delete has no answer and it fires",
                lines![created(at_ten()), delete(5.0), fired(10, 10.0)],
                PASS,
            ),
            (
                "the delete has no answer and it does not fire",
                lines![created(at_ten()), delete(5.0)],
                PASS,
            ),
            (
                "the delete has no answer but the task was seen later",
                lines![
                    created(at_ten()),
                    delete(5.0),
                    Op::new(Call::Query, "a", t(25.0)).saw(Seen::default(), t(25.1)),
                ],
                I3,
            ),
            (
                "the delete has no answer but the task was missed later",
                lines![
                    created(at_ten()),
                    delete(5.0),
                    Op::new(Call::Query, "a", t(8.0)).answered(Outcome::Absent, t(8.1)),
                ],
                PASS,
            ),
            (
                "the delete was not done",
                lines![created(at_ten()), delete(5.0).answered(Outcome::None, t(6.0))],
                I3,
            ),
        ],
    );
}

#[test]
fn a_paused_task_does_not_fire() {
    let op = |call, at: f64| Op::new(call, "a", t(at)).answered_ok(t(at + 0.1));
    let pause = || op(Call::Pause, 5.0);
    let cron = || created(Definition { end_s: Some(20), ..every_ten() });
    let paused = Definition { paused: true, end_s: Some(10), ..every_ten() };
    check(
        40.0,
        vec![
            ("paused", lines![cron(), pause()], PASS),
            ("it fires all the same", lines![cron(), pause(), fired(10, 10.0)], I10),
            ("resumed", lines![cron(), pause(), op(Call::Resume, 15.0), fired(20, 20.0)], PASS),
            ("resumed and missing", lines![cron(), pause(), op(Call::Resume, 15.0)], I3),
            ("the pause has no answer", lines![cron(), Op::new(Call::Pause, "a", t(5.0))], PASS),
            (
                "the pause was not done",
                lines![cron(), Op::new(Call::Pause, "a", t(5.0)).answered(Outcome::None, t(6.0))],
                I3,
            ),
            ("created paused", lines![created(paused.clone())], PASS),
            ("created paused and fires", lines![created(paused), fired(10, 10.0)], I10),
        ],
    );
}

#[test]
fn exclusive_runs_do_not_overlap() {
    let cron = |overlap| Definition { overlap, timeout_s: 30, end_s: Some(20), ..every_ten() };
    let slow = || fired(10, 10.0).answered("200", t(25.0));
    check(
        60.0,
        vec![
            ("allowed", lines![created(cron(Overlap::Allow)), slow(), fired(20, 20.0)], PASS),
            ("allowed and missing", lines![created(cron(Overlap::Allow)), slow()], I3),
            ("skipped", lines![created(cron(Overlap::Skip)), slow()], PASS),
            ("not skipped", lines![created(cron(Overlap::Skip)), slow(), fired(20, 20.0)], I10),
            ("skipped without a reason", lines![created(cron(Overlap::Skip)), fired(10, 10.0)], I3),
            ("queued", lines![created(cron(Overlap::Queue)), slow(), fired(20, 25.1)], PASS),
            ("not queued", lines![created(cron(Overlap::Queue)), slow(), fired(20, 24.0)], I10),
        ],
    );
}

#[test]
fn an_at_most_once_run_may_be_lost_with_its_sender_only() {
    let once = Definition { delivery: DeliveryMode::AtMostOnce, ..at_ten() };
    let lost = SenderLost { node: 1, at_us: t(10.0) };
    check(
        30.0,
        vec![
            ("lost with its sender", lines![created(once.clone()), lost], PASS),
            ("lost in an outage", lines![created(once.clone()), unhealthy(t(8.0), t(9.0))], PASS),
            ("lost for no reason", lines![created(once.clone())], I3),
            ("sent once", lines![created(once.clone()), lost, fired(10, 10.0)], PASS),
            (
                "sent twice",
                lines![created(once), lost, fired(10, 10.0), again(10, 2, 14.0)],
                Say::Violated(Invariant::I7),
            ),
        ],
    );
}

#[test]
fn what_remains_adds_up() {
    let cron = || created(every_ten());
    let two = || [fired(10, 10.0), fired(20, 20.0)];
    let done = |last: FinalTask| {
        let [first, second] = two();
        lines![cron(), first, second, last]
    };
    let i19 = Say::Violated(Invariant::I19);
    let one_shot = |last: FinalTask| lines![created(at_ten()), fired(10, 10.0), last];
    check(
        25.0,
        vec![
            ("two of two", done(left().succeeded(2).next_s(30)), PASS),
            ("one is not counted", done(left().succeeded(1).next_s(30)), i19),
            ("one is counted twice", done(left().succeeded(3).next_s(30)), i19),
            (
                "one failed though it was answered 200",
                done(left().succeeded(1).failed(1).next_s(30)),
                i19,
            ),
            ("one was skipped besides", done(left().succeeded(2).skipped(1).next_s(30)), i19),
            (
                "the ways do not add up",
                done(FinalTask { run_count: 3, ..left().succeeded(2) }),
                i19,
            ),
            ("the next one is none", done(left().succeeded(2).next_s(31)), I10),
            ("the next one is long past", lines![cron(), left().next_s(10)], I3),
            ("the last is open", done(left().succeeded(2).next_s(30).open("a@10", 10, 1)), i19),
            ("finished", one_shot(FinalTask::finished("a").succeeded(1)), PASS),
            (
                "nobody knows of a run that was answered",
                one_shot(FinalTask::finished("a").unknown(1)),
                i19,
            ),
            ("finished too early", done(FinalTask::finished("a").succeeded(2)), I3),
        ],
    );
}
