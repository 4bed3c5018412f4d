//! Attempts of one run: I6, I7 and the retry policy.

use super::table::{Say, again, at_ten, check, created, fired, got, lines, t};
use xcron_checker::{Definition, Invariant, Receipt, Retry, SenderLost, Tenure, Unhealthy};

const I3: Say = Say::Violated(Invariant::I3);
const I6: Say = Say::Violated(Invariant::I6);
const PASS: Say = Say::Pass;

fn failed(attempt: u32, at: f64) -> Receipt {
    again(10, attempt, at).answered("500", t(at))
}

#[test]
fn a_repeat_needs_a_cause() {
    let lost = |node, at| SenderLost { node, at_us: t(at) };
    let first = || fired(10, 10.0);
    let from = |node| fired(10, 10.0).from_node(node);
    let second = || again(10, 2, 12.0);
    let one_shot = || created(at_ten());
    check(
        40.0,
        vec![
            ("once", lines![one_shot(), first()], PASS),
            ("twice for no reason", lines![one_shot(), first(), second()], I6),
            ("its sender died", lines![one_shot(), from(1), lost(1, 10.1), second()], PASS),
            ("another sender died", lines![one_shot(), from(1), lost(2, 10.1), second()], I6),
            ("some sender died", lines![one_shot(), first(), lost(2, 10.1), second()], PASS),
            ("a sender died long before", lines![one_shot(), first(), lost(1, 5.0), second()], I6),
            (
                "a sender died long after",
                lines![one_shot(), first(), again(10, 2, 20.0), lost(1, 19.0)],
                I6,
            ),
            (
                "a new leader",
                lines![
                    one_shot(),
                    first(),
                    Tenure { from_us: t(11.0), node: 1, term: 3 },
                    second()
                ],
                PASS,
            ),
            (
                "no majority",
                lines![
                    one_shot(),
                    first(),
                    Unhealthy { from_us: t(9.5), to_us: t(11.0) },
                    second()
                ],
                PASS,
            ),
            ("the answer never left", lines![one_shot(), got(10, 10.0), again(10, 2, 21.0)], PASS),
            (
                "the answer came after the timeout",
                lines![one_shot(), got(10, 10.0).answered("200", t(20.5)), again(10, 2, 21.5)],
                PASS,
            ),
            (
                "the same attempt twice",
                lines![one_shot(), failed(1, 10.0), failed(1, 12.0), again(10, 2, 14.0)],
                I6,
            ),
            ("attempts go back", lines![one_shot(), failed(2, 10.0), again(10, 1, 12.0)], I6),
            (
                "fences go back",
                lines![one_shot(), failed(1, 10.0), again(10, 2, 12.0).fence(99)],
                I6,
            ),
        ],
    );
}

#[test]
fn a_failed_attempt_is_repeated_as_the_policy_says() {
    let retry = Retry { attempts_max: 3, backoff_min_s: 2, backoff_max_s: 3, age_max_s: 20 };
    let task = || created(Definition { retry, ..at_ten() });
    let asked = Receipt { retry_after_s: Some(8), ..failed(1, 10.0).answered("429", t(10.0)) };
    check(
        90.0,
        vec![
            ("after its backoff", lines![task(), failed(1, 10.0), again(10, 2, 12.0)], PASS),
            ("before its backoff", lines![task(), failed(1, 10.0), again(10, 2, 11.9)], I6),
            (
                "the second backoff is longer",
                lines![task(), failed(1, 10.0), failed(2, 12.5), again(10, 3, 15.5)],
                PASS,
            ),
            (
                "and no shorter",
                lines![task(), failed(1, 10.0), failed(2, 12.5), again(10, 3, 15.4)],
                I6,
            ),
            ("it is not repeated", lines![task(), failed(1, 10.0)], I3),
            (
                "nobody can repeat it until it is too old",
                lines![task(), failed(1, 10.0), Unhealthy { from_us: t(15.5), to_us: t(50.0) }],
                PASS,
            ),
            (
                "three at most",
                lines![task(), failed(1, 10.0), failed(2, 12.5), failed(3, 15.5)],
                PASS,
            ),
            (
                "not a fourth",
                lines![task(), failed(1, 10.0), failed(2, 12.5), failed(3, 15.5), failed(4, 18.5)],
                I6,
            ),
            ("410 ends it", lines![task(), got(10, 10.0).answered("410", t(10.0))], PASS),
            (
                "410 does not end it",
                lines![task(), got(10, 10.0).answered("410", t(10.0)), again(10, 2, 13.0)],
                I6,
            ),
            (
                "a target asks for a longer wait",
                lines![task(), asked.clone(), again(10, 2, 18.0)],
                PASS,
            ),
            ("and does not get it", lines![task(), asked, again(10, 2, 13.0)], I6),
            (
                "a hang fails with its timeout",
                lines![task(), got(10, 10.0), again(10, 2, 22.1)],
                PASS,
            ),
            ("older than it may get", lines![task(), got(10, 10.0), again(10, 2, 32.5)], I6),
            (
                "a 500 after an outage is repeated at once",
                lines![
                    task(),
                    failed(1, 10.0),
                    SenderLost { node: 1, at_us: t(10.0) },
                    again(10, 2, 10.8)
                ],
                PASS,
            ),
        ],
    );
}

#[test]
fn attempts_that_never_arrived_do_not_count() {
    let retry = Retry { attempts_max: 3, backoff_min_s: 2, backoff_max_s: 3, age_max_s: 20 };
    let task = || created(Definition { retry, ..at_ten() });
    check(
        90.0,
        vec![
            (
                "numbers that never arrived were not sent",
                lines![task(), fired(10, 10.0).attempt(6)],
                PASS,
            ),
            (
                "and did not fail",
                lines![task(), failed(4, 10.0), failed(5, 12.0), failed(6, 15.5)],
                PASS,
            ),
            (
                "but a fourth that arrived is one too many",
                lines![task(), failed(4, 10.0), failed(5, 12.5), failed(6, 15.5), failed(7, 18.5)],
                I6,
            ),
        ],
    );
}

#[test]
fn fences_of_a_task_grow() {
    let cron = || created(Definition { end_s: Some(20), ..super::table::every_ten() });
    let first = |fence| fired(10, 10.0).fence(fence);
    // The second attempt of 10, of which the fence is lower than that of 20, arrives after it.
    let held = |at| again(10, 2, at).fence(150);
    let lost = |at| SenderLost { node: 1, at_us: t(at) };
    let failed = || failed(1, 10.0);
    check(
        30.0,
        vec![
            ("they grow", lines![cron(), first(100), fired(20, 20.0)], PASS),
            ("they do not", lines![cron(), first(201), fired(20, 20.0)], I6),
            ("two cross", lines![cron(), failed(), held(20.5), fired(20, 20.0)], PASS),
            ("one is late", lines![cron(), failed(), held(21.1), fired(20, 20.0)], I6),
            (
                "a fault held one up",
                lines![cron(), failed(), held(21.1), lost(20.1), fired(20, 20.0)],
                PASS,
            ),
        ],
    );
}
