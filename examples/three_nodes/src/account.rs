//! What was promised, compared with what came.

use crate::target::{ANSWER, Call};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::{Duration, Instant};

/// An occurrence: a task, and when it was due in unix seconds.
pub(crate) type Occurrence = (String, u64);

/// How long after its answer a success may not be committed yet, and how long after the kill what
/// was sent before it may still come in.
const COMMIT_MAX: Duration = Duration::from_secs(1);

/// How the run of a cluster came out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Account {
    occurrences: usize,
    called: usize,
    /// Called twice because the first call was in flight at the kill.
    repeated: usize,
    /// Called twice for no such reason, or not asked for.
    baseless: Vec<Occurrence>,
    early: usize,
    lost: Vec<Occurrence>,
}

impl Account {
    /// Judges `calls` by what was `expected`, when the leader was killed at `killed_at`.
    pub(crate) fn of(expected: &BTreeSet<Occurrence>, calls: &[Call], killed_at: Instant) -> Self {
        let mut came: BTreeMap<Occurrence, Vec<&Call>> = BTreeMap::new();
        for call in calls {
            came.entry((call.task.clone(), call.scheduled)).or_default().push(call);
        }
        let lost = expected.iter().filter(|occurrence| !came.contains_key(*occurrence));
        let lost = lost.cloned().collect();
        let twice = came.iter().filter(|(_, calls)| calls.len() > 1);
        let (repeated, baseless): (Vec<_>, Vec<_>) =
            twice.partition(|(_, calls)| was_in_flight(calls, killed_at));
        let baseless = baseless.into_iter().map(|(occurrence, _)| occurrence);
        let invented = came.keys().filter(|occurrence| !expected.contains(*occurrence));
        Self {
            occurrences: expected.len(),
            called: came.len(),
            repeated: repeated.len(),
            baseless: baseless.chain(invented).cloned().collect(),
            early: calls.iter().filter(|call| call.is_early).count(),
            lost,
        }
    }

    /// Whether everything that was due has come.
    pub(crate) const fn is_complete(&self) -> bool {
        self.lost.is_empty()
    }

    /// Whether all of it is as promised.
    pub(crate) fn is_clean(&self) -> bool {
        self.is_complete() && self.baseless.is_empty() && self.early == 0
    }
}

/// Whether the kill explains the second call: the first was not answered, or its success not yet
/// committed; and the second is the next attempt of the same run.
fn was_in_flight(calls: &[&Call], killed_at: Instant) -> bool {
    let [first, second] = calls else {
        return false;
    };
    let same_run = first.run == second.run && first.attempt < second.attempt;
    let committed = first.at + ANSWER + COMMIT_MAX;
    same_run && committed >= killed_at && first.at <= killed_at + COMMIT_MAX
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { occurrences, called, repeated, early, baseless, lost } = self;
        writeln!(f, "  due           {occurrences:>4}")?;
        writeln!(f, "  called        {called:>4}")?;
        writeln!(
            f,
            "  called twice  {repeated:>4}, in flight at the kill: same run, next attempt"
        )?;
        writeln!(f, "  without cause {:>4}{}", baseless.len(), named(baseless))?;
        writeln!(f, "  too early     {early:>4}")?;
        write!(f, "  lost          {:>4}{}", lost.len(), named(lost))
    }
}

fn named(occurrences: &[Occurrence]) -> String {
    occurrences.iter().map(|(task, at)| format!(", {task} at {at}")).collect()
}

#[cfg(test)]
mod tests {
    use super::Account;
    use crate::target::Call;
    use std::collections::BTreeSet;
    use std::time::{Duration, Instant};

    #[test]
    fn every_occurrence_is_accounted_for() {
        let killed_at = Instant::now() + Duration::from_secs(60);
        let call = |task: &str, before_ms, attempt| Call {
            at: killed_at - Duration::from_millis(before_ms),
            task: task.to_owned(),
            run: format!("run of {task}"),
            attempt,
            scheduled: 7,
            is_early: task == "early",
        };
        let expected = ["once", "in-flight", "again", "early", "lost"];
        let expected: BTreeSet<_> = expected.map(|task| (task.to_owned(), 7)).into();
        let calls = [
            call("once", 9_000, 1),
            call("again", 9_000, 1),
            call("again", 8_000, 2),
            call("early", 7_000, 1),
            call("in-flight", 100, 1),
            call("in-flight", 0, 2),
        ];
        let account = Account::of(&expected, &calls, killed_at);
        let named = |task: &str| vec![(task.to_owned(), 7)];
        assert_eq!((account.called, account.repeated, account.early), (4, 1, 1));
        assert_eq!((&account.baseless, &account.lost), (&named("again"), &named("lost")));
        assert!(!account.is_clean());
        let only = [("once".to_owned(), 7)].into();
        assert!(Account::of(&only, &calls[..1], killed_at).is_clean());
    }
}
