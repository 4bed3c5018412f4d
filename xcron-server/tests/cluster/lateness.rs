//! How late runs were: over all, and of those due after each fault.

use crate::ledger::{Ledger, Outcome};
use crate::target::Call;
use crate::timeline::Fault;
use std::collections::BTreeMap;
use std::fmt;

/// The first call of one occurrence.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Late {
    /// Milliseconds after it was due, or after it was acknowledged, if that was later.
    pub(crate) by: u64,
    pub(crate) task: String,
    /// Milliseconds since the Unix epoch.
    pub(crate) due: u64,
}

/// The lateness of every occurrence that was called.
#[derive(Clone, Debug)]
pub(crate) struct Lateness(Vec<Late>);

impl Lateness {
    pub(crate) fn of(ledger: &Ledger, calls: &[Call]) -> Self {
        let mut first: BTreeMap<(&str, u64), u64> = BTreeMap::new();
        for call in calls {
            first.entry((call.task(), call.scheduled())).or_insert(call.at);
        }
        let mut all = Vec::new();
        let acknowledged = |asked: &&_| {
            let asked: &crate::ledger::OneShot = asked;
            asked.outcome == Outcome::Acknowledged
        };
        for asked in ledger.one_shots.iter().filter(acknowledged) {
            if let Some(at) = first.get(&(&*asked.task, asked.due)) {
                let due = (asked.due * 1_000).max(asked.returned);
                all.push(Late { by: at.saturating_sub(due), task: asked.task.clone(), due });
            }
        }
        for cron in &ledger.crons {
            for second in cron.first..cron.next {
                if let Some(at) = first.get(&(&*cron.task, second)) {
                    let due = second * 1_000;
                    all.push(Late { by: at.saturating_sub(due), task: cron.task.clone(), due });
                }
            }
        }
        all.sort();
        Self(all)
    }

    /// The latest of all.
    pub(crate) fn worst(&self) -> Late {
        self.0.last().cloned().expect("something was called")
    }

    /// The latest of those that were due from `from` until before `until`.
    pub(crate) fn worst_within(&self, from: u64, until: u64) -> Option<Late> {
        self.0.iter().rfind(|late| (from..until).contains(&late.due)).cloned()
    }

    /// The latest of those due after each fault and before the next.
    pub(crate) fn after_each(&self, faults: &[Fault]) -> Vec<Late> {
        let until = faults.iter().skip(1).map(|fault| fault.at).chain([u64::MAX]);
        let spans = faults.iter().map(|fault| fault.at).zip(until);
        spans.filter_map(|(from, until)| self.worst_within(from, until)).collect()
    }

    /// The lateness that so many of a hundred do not exceed.
    pub(crate) fn percentile(&self, percent: usize) -> u64 {
        let rank = (self.0.len() * percent).div_ceil(100).max(1);
        self.0.get(rank - 1).map_or(0, |late| late.by)
    }
}

/// The middle one of several figures; of an even number, the greater of the two.
pub(crate) fn median(figures: impl IntoIterator<Item = u64>) -> u64 {
    let mut figures: Vec<u64> = figures.into_iter().collect();
    figures.sort_unstable();
    figures.get(figures.len() / 2).copied().expect("there are figures")
}

impl fmt::Display for Late {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ms ({} due at {})", self.by, self.task, self.due)
    }
}

impl fmt::Display for Lateness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (p50, p99) = (self.percentile(50), self.percentile(99));
        write!(f, "{} occurrences, p50 {p50} ms, p99 {p99} ms, ", self.0.len())?;
        write!(f, "worst {}", self.worst())
    }
}
