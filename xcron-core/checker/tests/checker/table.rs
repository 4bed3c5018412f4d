//! Tables of hand-written histories: a name, the lines, and what the judge must say.

use xcron_checker::{
    Begin, Definition, End, FinalTask, History, Invariant, Line, Op, Receipt, Settings,
};

/// What the judge must say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Say {
    Pass,
    Weak,
    Violated(Invariant),
}

/// One row of a table.
pub(crate) type Row = (&'static str, Vec<Line>, Say);

/// Seconds as microseconds.
pub(crate) fn t(seconds: f64) -> i64 {
    (seconds * 1e6).round() as i64
}

/// Lines of any kinds.
macro_rules! lines {
    ($($line:expr),* $(,)?) => { vec![$(xcron_checker::Line::from($line)),*] };
}
pub(crate) use lines;

/// A create of the task `a` at second 1, acknowledged after 10 ms.
pub(crate) fn created(definition: Definition) -> Op {
    Op::create("a", definition, t(1.0)).answered_ok(t(1.01))
}

/// A cron task that is due every ten seconds.
pub(crate) fn every_ten() -> Definition {
    Definition::cron("*/10 * * * * *", "UTC")
}

/// A one-shot that is due at second 10.
pub(crate) fn at_ten() -> Definition {
    Definition::once(10)
}

/// The first attempt of the occurrence `at_s` of `a`, not answered; its fence is its due time.
pub(crate) fn got(at_s: i64, at: f64) -> Receipt {
    Receipt::new("a", format!("a@{at_s}"), at_s, t(at)).fence(at_s.unsigned_abs() * 10)
}

/// The same, answered 200 at once.
pub(crate) fn fired(at_s: i64, at: f64) -> Receipt {
    got(at_s, at).answered("200", t(at + 0.001))
}

/// The same as attempt `attempt`.
pub(crate) fn again(at_s: i64, attempt: u32, at: f64) -> Receipt {
    let fence = at_s.unsigned_abs() * 10 + u64::from(attempt) - 1;
    got(at_s, at).attempt(attempt).fence(fence).answered("200", t(at + 0.001))
}

/// `a` as it remained on one node.
pub(crate) fn left() -> FinalTask {
    FinalTask::active("a")
}

/// A history of three nodes with exact clocks that ends at second `end`.
pub(crate) fn history(lines: Vec<Line>, end: f64) -> History {
    let begin = Begin::new(0, 3).clock_tolerance_us(0).lease_us(300_000);
    let mut history = History::new(begin);
    history.lines = lines;
    history.end = Some(End::complete(t(end)));
    history
}

/// Judges every row, as a history that ends at second `end`.
pub(crate) fn check(end: f64, rows: Vec<Row>) {
    let settings = Settings { unknown_percent_max: 100.0, ..Settings::default() };
    for (name, lines, say) in rows {
        let verdict = history(lines, end).judge_with(&settings);
        let violated: Vec<Invariant> = verdict.violated.iter().map(|(one, _)| *one).collect();
        let expected: Vec<Invariant> = match say {
            Say::Violated(invariant) => vec![invariant],
            Say::Pass | Say::Weak => vec![],
        };
        assert_eq!(violated, expected, "{name}: {verdict}");
        if say != Say::Weak {
            assert_eq!(verdict.weaknesses, Vec::<String>::new(), "{name}");
        } else {
            assert!(verdict.is_weak(), "{name}: {verdict}");
        }
    }
}
