//! The judge: from what was asked, what was called and what was done to the cluster, to what is
//! wrong. It knows nothing of how xcron works, only what it promises.

use crate::ledger::{EverySecond, Ledger, OneShot, Outcome};
use crate::target::Call;
use crate::timeline::Fault;
use std::collections::{BTreeMap, BTreeSet};

/// A run was in flight at a fault if it was received within so many milliseconds of it.
pub(crate) const IN_FLIGHT_MS: u64 = 1_500;

/// An occurrence may be skipped by the misfire policy when it was due so shortly after a fault,
/// or before it by [`IN_FLIGHT_MS`].
pub(crate) const GAP_MS: u64 = 8_000;

/// Calls of one task that left this shortly after each other may overtake each other.
const OVERTAKING_MS: u64 = 250;

/// What is wrong, by kind; each entry names the task and what shows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// Acknowledged, due, and never called.
    pub(crate) lost: Vec<String>,
    /// Called before its due second.
    pub(crate) early: Vec<String>,
    /// Called again, its call before having been in flight at a fault: allowed.
    pub(crate) in_flight: Vec<String>,
    /// Called again without such a cause.
    pub(crate) doubled: Vec<String>,
    /// Seconds without a call that the misfire policy does not account for.
    pub(crate) holes: Vec<String>,
    /// Called although nobody asked for it, or not so, or it was refused for certain.
    pub(crate) ghosts: Vec<String>,
    /// Fences, attempts, ids and counts that contradict each other.
    pub(crate) disorder: Vec<String>,
}

/// Judges.
pub(crate) fn judge(ledger: &Ledger, calls: &[Call], faults: &[Fault]) -> Verdict {
    let mut by_task: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
    for call in calls {
        by_task.entry(call.task()).or_default().push(call);
    }
    let mut verdict = Verdict::default();
    for asked in &ledger.one_shots {
        let calls = by_task.remove(&*asked.task).unwrap_or_default();
        verdict.one_shot(asked, &calls);
        verdict.calls(&asked.task, &calls, faults);
    }
    for cron in &ledger.crons {
        let calls = by_task.remove(&*cron.task).unwrap_or_default();
        verdict.every_second(cron, &calls, faults);
        verdict.calls(&cron.task, &calls, faults);
    }
    for (task, calls) in by_task {
        verdict.ghosts.push(format!("{task}: {} calls, nobody asked for it", calls.len()));
    }
    verdict
}

impl Verdict {
    fn one_shot(&mut self, asked: &OneShot, calls: &[&Call]) {
        let OneShot { task, due, invoked, returned, outcome } = asked;
        match (outcome, calls.is_empty()) {
            (Outcome::Acknowledged, true) => self.lost.push(format!(
                "{task}: due at {due}, asked for at {invoked}, acknowledged at {returned}"
            )),
            (Outcome::Refused, false) => {
                self.ghosts.push(format!("{task}: refused for certain at {returned}, but called"));
            }
            _ => {}
        }
        if let Some(call) = calls.iter().find(|call| call.scheduled() != *due) {
            self.ghosts.push(format!("{task}: due at {due}, but {}", describe(call)));
        }
        let runs: BTreeSet<&str> = calls.iter().map(|call| call.run()).collect();
        if runs.len() > 1 {
            self.ghosts.push(format!("{task}: one-shot, but of several runs {runs:?}"));
        }
    }

    fn every_second(&mut self, cron: &EverySecond, calls: &[&Call], faults: &[Fault]) {
        let EverySecond { task, first, next, ended, skipped, open } = cron;
        let mut runs: BTreeMap<u64, BTreeSet<&str>> = BTreeMap::new();
        for call in calls {
            runs.entry(call.scheduled()).or_default().insert(call.run());
        }
        for (second, runs) in &runs {
            if second < first {
                self.ghosts.push(format!("{task}: called for {second}, its first is {first}"));
            }
            if runs.len() > 1 {
                self.ghosts.push(format!("{task}: second {second} has several runs {runs:?}"));
            }
        }
        let missing: Vec<u64> = (*first..*next).filter(|at| !runs.contains_key(at)).collect();
        if missing.len() as u64 > *skipped {
            self.holes.push(format!("{task}: no call for {missing:?}, {skipped} were skipped"));
        }
        for second in missing {
            let at = second * 1_000;
            let excused = |fault: &Fault| (fault.at..=fault.at + GAP_MS).contains(&at);
            // One that was claimed just before the fault may have died with it, at most once.
            let died =
                |fault: &Fault| (fault.at.saturating_sub(IN_FLIGHT_MS)..=fault.at).contains(&at);
            if !faults.iter().any(|fault| excused(fault) || died(fault)) {
                self.holes.push(format!("{task}: second {second} has no call and no excuse"));
            }
        }
        if ended + skipped + open != next - first {
            self.disorder.push(format!(
                "{task}: {} seconds from {first} to {next}, but {ended} ended + {skipped} skipped \
                 + {open} open",
                next - first
            ));
        }
    }

    /// What holds of the calls of any task, given in the order of their receipt.
    fn calls(&mut self, task: &str, calls: &[&Call], faults: &[Fault]) {
        let mut latest: BTreeMap<&str, &Call> = BTreeMap::new();
        // The highest fence so far, and when it was seen first.
        let mut highest: Option<(u64, u64)> = None;
        for call in calls {
            if call.at < call.scheduled() * 1_000 {
                self.early.push(format!("{task}: {}", describe(call)));
            }
            if call.header("idempotency-key") != call.run() {
                self.disorder.push(format!("{task}: another idempotency-key: {}", describe(call)));
            }
            if let Some(before) = latest.insert(call.run(), call) {
                self.again(task, before, call, faults);
            }
            match highest {
                Some((fence, seen)) if call.fence() <= fence => {
                    if call.at > seen + OVERTAKING_MS {
                        let said = describe(call);
                        self.disorder.push(format!("{task}: after fence {fence}: {said}"));
                    }
                }
                _ => highest = Some((call.fence(), call.at)),
            }
        }
    }

    /// A call of a run that was called before.
    fn again(&mut self, task: &str, before: &Call, call: &Call, faults: &[Fault]) {
        let said = format!("{task}: {}; then {}", describe(before), describe(call));
        if call.attempt() <= before.attempt() {
            self.disorder.push(format!("attempts do not grow: {said}"));
        }
        let cause = faults.iter().find(|fault| before.at.abs_diff(fault.at) <= IN_FLIGHT_MS);
        match cause {
            Some(fault) => self.in_flight.push(format!("{said} ({})", fault.what)),
            None => self.doubled.push(said),
        }
    }

    /// Whether everything that must have been called was.
    pub(crate) fn is_complete(&self) -> bool {
        self.lost.is_empty() && self.holes.is_empty()
    }

    /// Everything that is wrong, by kind; kinds without an entry are left out.
    pub(crate) fn wrongs(&self) -> Vec<(&'static str, &[String])> {
        let kinds = [
            ("lost", &self.lost[..]),
            ("early", &self.early[..]),
            ("doubled without a cause", &self.doubled[..]),
            ("hole", &self.holes[..]),
            ("ghost", &self.ghosts[..]),
            ("disorder", &self.disorder[..]),
        ];
        kinds.into_iter().filter(|(_, found)| !found.is_empty()).collect()
    }
}

fn describe(call: &Call) -> String {
    format!(
        "attempt {} of {} with fence {} for {} received at {} from {}",
        call.attempt(),
        call.run(),
        call.fence(),
        call.scheduled(),
        call.at,
        call.from
    )
}
