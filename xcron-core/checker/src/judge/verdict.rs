//! The verdict: what was violated, whether the run was weak, and the figures.

use std::fmt;

/// The promises that the judge knows, by their numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Durable create.
    I1,
    /// Honest unknown.
    I2,
    /// No loss.
    I3,
    /// Never early.
    I4,
    /// One claim.
    I5,
    /// Duplicates have a cause.
    I6,
    /// At-most-once mode.
    I7,
    /// Delete fences.
    I8,
    /// Linearizable API.
    I9,
    /// Oracle.
    I10,
    /// Clock.
    I11,
    /// Recovery.
    I16,
    /// Replica equality.
    I18,
    /// Ledger.
    I19,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I11,
        Self::I16,
        Self::I18,
        Self::I19,
    ];

    /// What it is called.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::I1 => "durable create",
            Self::I2 => "honest unknown",
            Self::I3 => "no loss",
            Self::I4 => "never early",
            Self::I5 => "one claim",
            Self::I6 => "duplicates have a cause",
            Self::I7 => "at most once",
            Self::I8 => "delete fences",
            Self::I9 => "linearizable API",
            Self::I10 => "oracle",
            Self::I11 => "clock",
            Self::I16 => "recovery",
            Self::I18 => "replica equality",
            Self::I19 => "ledger",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self:?} {}", self.name())
    }
}

/// One promise that was not kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which promise.
    pub invariant: Invariant,
    /// The task that it is about; empty if it is about the cluster.
    pub task: String,
    /// When, in microseconds of unix time.
    pub at_us: i64,
    /// What happened, with its times.
    pub what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let task = if self.task.is_empty() { "cluster" } else { &self.task };
        write!(f, "{} | {task} | at {} | {}", self.invariant, seconds(self.at_us), self.what)
    }
}

/// What was judged, to print.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    /// Operations of clients.
    pub operations: usize,
    /// Of these, unknown or never answered.
    pub unknown: usize,
    /// Faults that took effect.
    pub faults: usize,
    /// Tasks.
    pub tasks: usize,
    /// Occurrences that had to fire.
    pub expected: usize,
    /// Runs that fired.
    pub fired: usize,
    /// Occurrences that had to fire and did not.
    pub lost: usize,
    /// Attempts that left before their time.
    pub early: usize,
    /// Attempts that were repeated without a cause.
    pub doubled: usize,
    /// Attempts received.
    pub attempts: usize,
    /// Attempts that were repeated with a cause.
    pub repeated: usize,
    /// Lateness of first attempts that were due in healthy times, ascending, in microseconds.
    pub lateness_healthy_us: Vec<i64>,
    /// Lateness of all first attempts, ascending, in microseconds.
    pub lateness_us: Vec<i64>,
}

/// The value at `percent` of ascending `values`, 0 if there is none.
#[must_use]
pub fn percentile(values: &[i64], percent: usize) -> i64 {
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).or(values.last()).copied().unwrap_or_default()
}

/// What the judge found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What was run.
    pub label: String,
    /// Why the run proves less than it should; empty for a strong run.
    pub weaknesses: Vec<String>,
    /// What was violated, in order of invariant, task and time.
    pub violations: Vec<Violation>,
    /// How many more violations were found than are told.
    pub untold: usize,
    /// How often each promise was violated, those that were.
    pub violated: Vec<(Invariant, usize)>,
    /// What was judged.
    pub figures: Figures,
}

impl Verdict {
    /// Whether nothing was violated and the run was strong.
    #[must_use]
    pub const fn is_pass(&self) -> bool {
        self.violations.is_empty() && self.weaknesses.is_empty()
    }

    /// Whether something was violated.
    #[must_use]
    pub const fn is_violated(&self) -> bool {
        !self.violations.is_empty()
    }

    /// Whether nothing was violated but the run proves less than it should.
    #[must_use]
    pub const fn is_weak(&self) -> bool {
        self.violations.is_empty() && !self.weaknesses.is_empty()
    }

    /// Whether `invariant` was violated.
    #[must_use]
    pub fn violates(&self, invariant: Invariant) -> bool {
        self.violated.iter().any(|(violated, _)| *violated == invariant)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match (self.is_violated(), self.is_weak()) {
            (true, _) => "VIOLATED",
            (false, true) => "WEAK",
            (false, false) => "PASS",
        };
        let label = if self.label.is_empty() { "history" } else { &self.label };
        writeln!(f, "{word}: {label}")?;
        let it = &self.figures;
        writeln!(
            f,
            "  {} operations ({} unknown) on {} tasks, {} faults",
            it.operations, it.unknown, it.tasks, it.faults
        )?;
        writeln!(
            f,
            "  {} occurrences expected, {} runs fired, {} attempts ({} repeated with a cause)",
            it.expected, it.fired, it.attempts, it.repeated
        )?;
        writeln!(
            f,
            "  {} lost, {} early, {} doubled without a cause",
            it.lost, it.early, it.doubled
        )?;
        for (name, values) in [("healthy", &it.lateness_healthy_us), ("overall", &it.lateness_us)] {
            let [p50, p99, worst] = [50, 99, 100].map(|percent| percentile(values, percent));
            let [p50, p99, worst] = [p50, p99, worst].map(seconds);
            writeln!(f, "  lateness {name}: p50 {p50}, p99 {p99}, worst {worst}")?;
        }
        for why in &self.weaknesses {
            writeln!(f, "  weak: {why}")?;
        }
        for violation in &self.violations {
            writeln!(f, "  {violation}")?;
        }
        if self.untold > 0 {
            writeln!(f, "  ... and {} more violations", self.untold)?;
        }
        Ok(())
    }
}

/// Microseconds as seconds, to print.
pub(crate) fn seconds(us: i64) -> String {
    let sign = if us < 0 { "-" } else { "" };
    let us = us.unsigned_abs();
    format!("{sign}{}.{:06} s", us / 1_000_000, us % 1_000_000)
}
