//! What the sink received: how often each task's callback came, and when first.

use crate::wall;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// One line per task, by the task's number.
#[derive(Debug)]
pub struct Ledger {
    times: Box<[AtomicU32]>,
    first_at: Box<[AtomicU64]>,
    received: AtomicU64,
}

/// What a range of tasks came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// Tasks that were called exactly once.
    pub once: u64,
    /// Tasks that were called more than once.
    pub repeated: u64,
    /// Tasks that were not called.
    pub missing: u64,
    /// Tasks that were called before they were due.
    pub early: u64,
    /// When the first callback came, in microseconds since the Unix epoch.
    pub first_at: u64,
    /// When the last task's first callback came.
    pub last_at: u64,
}

impl Ledger {
    /// A ledger for tasks 0 to `tasks_max - 1`; calls of others are counted only in sum.
    #[must_use]
    pub fn new(tasks_max: usize) -> Self {
        Self {
            times: (0..tasks_max).map(|_| AtomicU32::new(0)).collect(),
            first_at: (0..tasks_max).map(|_| AtomicU64::new(0)).collect(),
            received: AtomicU64::new(0),
        }
    }

    /// A callback of the task with this number came just now.
    pub fn record(&self, task: usize) {
        if let (Some(times), Some(first_at)) = (self.times.get(task), self.first_at.get(task))
            && times.fetch_add(1, Ordering::Relaxed) == 0
        {
            first_at.store(wall::now_micros(), Ordering::Relaxed);
        }
        self.received.fetch_add(1, Ordering::Release);
    }

    /// How many callbacks came in all.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Acquire)
    }

    /// When the first callback of `task` came, if any did.
    #[must_use]
    pub fn first_at(&self, task: usize) -> Option<u64> {
        let at = self.first_at.get(task)?.load(Ordering::Relaxed);
        (at > 0).then_some(at)
    }

    /// What `tasks` came to when task `n` was due at `due_at(n)`.
    #[must_use]
    pub fn account(
        &self,
        tasks: impl IntoIterator<Item = usize>,
        due_at: impl Fn(usize) -> u64,
    ) -> Account {
        let mut account = Account { first_at: u64::MAX, ..Account::default() };
        for task in tasks {
            match self.times[task].load(Ordering::Relaxed) {
                0 => {
                    account.missing += 1;
                    continue;
                }
                1 => account.once += 1,
                _ => account.repeated += 1,
            }
            let at = self.first_at[task].load(Ordering::Relaxed);
            account.early += u64::from(at < due_at(task));
            account.first_at = account.first_at.min(at);
            account.last_at = account.last_at.max(at);
        }
        account
    }

    /// How late each called one of `tasks` was, in microseconds, in ascending order.
    #[must_use]
    pub fn lateness(
        &self,
        tasks: impl IntoIterator<Item = usize>,
        due_at: impl Fn(usize) -> u64,
    ) -> Vec<u64> {
        let called = tasks.into_iter().filter_map(|task| Some((task, self.first_at(task)?)));
        let mut late: Vec<u64> = called.map(|(task, at)| at.saturating_sub(due_at(task))).collect();
        late.sort_unstable();
        late
    }
}

#[cfg(test)]
mod tests {
    use super::Ledger;

    #[test]
    fn every_task_is_accounted_for() {
        let ledger = Ledger::new(4);
        for task in [0, 1, 1, 9] {
            ledger.record(task);
        }
        let account = ledger.account(0..4, |task| if task == 0 { u64::MAX } else { 0 });
        assert_eq!((account.once, account.repeated), (1, 1));
        assert_eq!((account.missing, account.early), (2, 1));
        assert_eq!(ledger.received(), 4);
        assert_eq!(ledger.lateness(0..4, |_| u64::MAX), [0, 0]);
    }
}
