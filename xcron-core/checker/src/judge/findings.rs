//! What the rules find, while they find it.

use crate::judge::settings::Settings;
use crate::judge::verdict::{Figures, Invariant, Verdict, Violation};

/// Collects violations and figures.
#[derive(Debug, Default)]
pub(super) struct Findings {
    pub(super) figures: Figures,
    pub(super) weaknesses: Vec<String>,
    violations: Vec<Violation>,
}

impl Findings {
    /// Notes that a promise was not kept.
    pub(super) fn violate(&mut self, invariant: Invariant, task: &str, at_us: i64, what: String) {
        self.violations.push(Violation { invariant, task: task.to_owned(), at_us, what });
    }

    /// Whether `task` has been found to violate `invariant` already.
    pub(super) fn has(&self, invariant: Invariant, task: &str) -> bool {
        self.violations.iter().any(|found| found.invariant == invariant && found.task == task)
    }

    /// The verdict of all that was found.
    pub(super) fn into_verdict(mut self, label: &str, settings: &Settings) -> Verdict {
        self.violations
            .sort_by(|a, b| (a.invariant, &a.task, a.at_us).cmp(&(b.invariant, &b.task, b.at_us)));
        let untold = self.violations.len().saturating_sub(settings.told_max);
        self.figures.lateness_us.sort_unstable();
        self.figures.lateness_healthy_us.sort_unstable();
        let counts = Invariant::ALL
            .map(|one| (one, self.violations.iter().filter(|v| v.invariant == one).count()));
        let violated = counts.into_iter().filter(|(_, count)| *count > 0).collect();
        self.violations.truncate(settings.told_max);
        Verdict {
            label: label.to_owned(),
            weaknesses: self.weaknesses,
            violations: self.violations,
            untold,
            violated,
            figures: self.figures,
        }
    }
}
