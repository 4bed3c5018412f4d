//! What a drill says: its story as it happens, and the audit at the end.

use super::moment::{Micros, SECOND, now, shown};
use super::stalls::Seen;
use std::collections::BTreeMap;
use std::fmt::{self, Write as _};
use std::io::Write as _;
use xcron_checker::judge::verdict::percentile;
use xcron_checker::{Call, History, Line, Outcome, Verdict};

/// Tells what happens, with the seconds since the beginning.
#[derive(Clone, Copy, Debug)]
pub(super) struct Story {
    begun: Micros,
}

impl Story {
    pub(super) fn begin() -> Self {
        Self { begun: now() }
    }

    /// Prints one line; whoever does not read it does not stop the drill.
    pub(super) fn tell(&self, what: &str) {
        let seconds = (now() - self.begun) as f64 / SECOND as f64;
        say(&format!("{seconds:>6.1} s  {what}\n"));
    }
}

/// Writes to stdout.
pub(super) fn say(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _nobody_reads = stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush());
}

/// What a history comes to, for people.
#[derive(Debug)]
pub(super) struct Audit<'a> {
    pub(super) history: &'a History,
    pub(super) verdict: &'a Verdict,
    /// What no history holds.
    pub(super) watched: Option<Watched>,
}

/// What shows only while a drill runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Watched {
    /// The longest time in which no node said that it leads.
    pub(super) leaderless: Micros,
    /// How long it took after the last fault until every node was ready.
    pub(super) recovery: Micros,
    /// When the machine did not let anybody run.
    pub(super) stalls: Seen,
}

impl Audit<'_> {
    /// Whether nothing was violated, in a run that shows something.
    pub(super) const fn is_clean(&self) -> bool {
        self.verdict.is_pass()
    }

    fn operations(&self) -> String {
        let mut calls: BTreeMap<&str, usize> = BTreeMap::new();
        let (mut none, mut unknown) = (0, 0);
        for line in &self.history.lines {
            let Line::Op(op) = line else { continue };
            *calls.entry(words_of(op.call)).or_default() += 1;
            match op.outcome {
                Outcome::None => none += 1,
                Outcome::Unknown => unknown += 1,
                _ => {}
            }
        }
        let all: usize = calls.values().sum();
        let calls: Vec<String> =
            calls.iter().map(|(call, count)| format!("{count} {call}")).collect();
        let calls = calls.join(", ");
        format!("{all} ({calls}); {none} came to nothing, {unknown} unknown")
    }

    fn faults(&self) -> String {
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        for line in &self.history.lines {
            if let Line::Fault(fault) = line
                && fault.took_effect
            {
                *kinds.entry(&fault.name).or_default() += 1;
            }
        }
        let all: usize = kinds.values().sum();
        let kinds: Vec<String> =
            kinds.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
        format!("{all} nodes struck ({})", kinds.join(", "))
    }
}

const fn words_of(call: Call) -> &'static str {
    match call {
        Call::Create => "creates",
        Call::Delete => "deletes",
        Call::Query => "queries",
        Call::Pause => "pauses",
        Call::Resume => "resumes",
        Call::Update => "updates",
        Call::Trigger => "triggers",
        Call::Retry => "retries",
    }
}

impl fmt::Display for Audit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let figures = &self.verdict.figures;
        let row =
            |f: &mut fmt::Formatter<'_>, name: &str, what: &str| writeln!(f, "  {name:<15} {what}");
        writeln!(f, "audit")?;
        row(f, "operations", &self.operations())?;
        row(f, "faults", &self.faults())?;
        let mut fired = String::new();
        write!(fired, "{} expected", figures.expected)?;
        write!(fired, ", {} runs fired in {} attempts", figures.fired, figures.attempts)?;
        write!(fired, ", {} repeated with a cause", figures.repeated)?;
        row(f, "occurrences", &fired)?;
        let promised =
            [("lost", figures.lost), ("early", figures.early), ("doubled", figures.doubled)];
        for (name, count) in promised {
            let without = if name == "doubled" { " without a cause" } else { "" };
            row(f, name, &format!("{count}{without}"))?;
        }
        for (name, lateness) in
            [("lateness", &figures.lateness_us), ("  when healthy", &figures.lateness_healthy_us)]
        {
            let what = if lateness.is_empty() {
                "nothing was due then".to_owned()
            } else {
                let [p50, p99, worst] =
                    [50, 99, 100].map(|percent| shown(percentile(lateness, percent)));
                format!("p50 {p50}, p99 {p99}, worst {worst}")
            };
            row(f, name, &what)?;
        }
        if let Some(Watched { leaderless, recovery, stalls }) = self.watched {
            row(f, "without leader", &format!("{} at the longest", shown(leaderless)))?;
            row(f, "all well again", &format!("{} after the last fault", shown(recovery)))?;
            if stalls.count > 0 {
                let longest = shown(stalls.longest);
                let what =
                    format!("{} times, up to {longest}: it has too much to do", stalls.count);
                row(f, "machine stalled", &what)?;
            }
        }
        for why in &self.verdict.weaknesses {
            row(f, "weak", why)?;
        }
        for violation in &self.verdict.violations {
            row(f, "VIOLATED", &violation.to_string())?;
        }
        if self.verdict.untold > 0 {
            row(f, "VIOLATED", &format!("and {} times more", self.verdict.untold))?;
        }
        let verdict = if self.verdict.is_violated() {
            "FAILED: a promise was not kept"
        } else if self.is_clean() {
            "passed: nothing was lost, early or doubled without a cause"
        } else {
            "WEAK: no promise was broken, but this run does not show that; run it again"
        };
        writeln!(f, "{verdict}")
    }
}

#[cfg(test)]
mod tests {
    use super::{Audit, Watched};
    use crate::drill::stalls::Seen;
    use xcron_checker::{Begin, Definition, End, Fault, FinalTask, History, Op, Receipt};

    const S: i64 = 1_000_000;

    /// One one-shot that is fired as it should be.
    fn good() -> History {
        let mut history = History::new(Begin::new(0, 3));
        history.push(Op::create("t", Definition::once(10), S).answered_ok(S + 5_000));
        let receipt = Receipt::new("t", "t@10", 10, 10 * S + 900).sender_clock_us(10 * S + 900);
        history.push(receipt.answered("200", 10 * S + 2_000));
        history.push(Fault::new("kill", Some(1), 3 * S, 4 * S));
        history.push(FinalTask::finished("t").succeeded(1));
        history.push(End::complete(60 * S));
        history
    }

    fn told(history: &History) -> (bool, String) {
        let verdict = history.judge();
        let stalls = Seen { count: 2, longest: 300_000 };
        let watched = Some(Watched { leaderless: 900_000, recovery: S, stalls });
        let audit = Audit { history, verdict: &verdict, watched };
        (audit.is_clean(), audit.to_string())
    }

    #[test]
    fn an_audit_counts_what_happened_and_passes_what_is_right() {
        let (clean, told) = told(&good());
        for expected in [
            "1 (1 creates); 0 came to nothing, 0 unknown",
            "1 nodes struck (kill 1)",
            "1 expected, 1 runs fired in 1 attempts",
            "without leader  900 ms at the longest",
            "machine stalled 2 times, up to 300 ms",
            "passed: nothing was lost",
        ] {
            assert!(told.contains(expected), "no {expected:?} in\n{told}");
        }
        assert!(clean);
    }

    #[test]
    fn an_audit_fails_what_was_lost_early_or_doubled() {
        let receipt = |at_us| {
            let receipt = Receipt::new("t", "t@10", 10, at_us).sender_clock_us(at_us);
            receipt.answered("200", at_us + 2_000)
        };
        let without = |mut history: History| {
            history.lines.retain(|line| !matches!(line, xcron_checker::Line::Receipt(_)));
            history
        };
        let lost = without(good());
        let mut early = without(good());
        early.push(receipt(9 * S));
        let mut doubled = good();
        doubled.push(receipt(11 * S).attempt(2).fence(2));
        for (name, history) in [("lost", lost), ("early", early), ("doubled", doubled)] {
            let (clean, told) = told(&history);
            assert!(!clean, "{told}");
            let row = told.lines().find(|line| line.trim_start().starts_with(name));
            assert!(row.is_some_and(|row| row.contains('1')), "{name}:\n{told}");
            assert!(told.contains("FAILED"), "{told}");
        }
    }
}
