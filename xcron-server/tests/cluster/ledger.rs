//! What was asked of a cluster and what it answered: the judge's first input.

/// What became of a create.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It was acknowledged.
    Acknowledged,
    /// It certainly did not happen: nothing that was sent can have had an effect.
    Refused,
    /// It may have happened.
    Unknown,
}

/// One one-shot that somebody wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OneShot {
    pub(crate) task: String,
    /// Unix seconds.
    pub(crate) due: u64,
    /// When the first create was sent, in milliseconds since the Unix epoch.
    pub(crate) invoked: u64,
    /// When the last answer came, or was given up.
    pub(crate) returned: u64,
    pub(crate) outcome: Outcome,
}

/// A task of every second, as it stood when somebody looked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct EverySecond {
    pub(crate) task: String,
    /// Its first occurrence, in Unix seconds.
    pub(crate) first: u64,
    /// The first occurrence that was not decided yet when somebody looked.
    pub(crate) next: u64,
    /// How many runs had ended, whatever their result.
    pub(crate) ended: u64,
    /// How many occurrences were skipped by its misfire policy.
    pub(crate) skipped: u64,
    /// How many runs were open.
    pub(crate) open: u64,
}

/// All that was wanted.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) one_shots: Vec<OneShot>,
    pub(crate) crons: Vec<EverySecond>,
    /// Answers that no fault explains.
    pub(crate) strange: Vec<String>,
}

impl Ledger {
    /// How many one-shots came to `outcome`.
    pub(crate) fn count(&self, outcome: Outcome) -> usize {
        self.one_shots.iter().filter(|asked| asked.outcome == outcome).count()
    }

    /// The ids of what must exist.
    pub(crate) fn acknowledged(&self) -> Vec<&str> {
        let acknowledged = |asked: &&OneShot| asked.outcome == Outcome::Acknowledged;
        self.one_shots.iter().filter(acknowledged).map(|asked| &*asked.task).collect()
    }
}
