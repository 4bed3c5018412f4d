//! Looks at the memory of a process again and again, while something is measured.

use crate::process::Process;
use crate::wall;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::task::JoinHandle;

/// How often it looks.
const EVERY: Duration = Duration::from_millis(50);

/// What is seen from its start to its end; dropping it ends it.
#[derive(Debug)]
pub struct Watch {
    seen: Arc<Mutex<Vec<Memory>>>,
    looking: JoinHandle<()>,
}

/// The memory of a process at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Memory {
    /// When, in microseconds since the Unix epoch.
    pub at: u64,
    /// How much was resident.
    pub resident_bytes: u64,
}

impl Watch {
    /// Looks at `process` from now on, until it ends.
    #[must_use]
    pub fn start(process: Process) -> Self {
        let seen = Arc::<Mutex<Vec<Memory>>>::default();
        let keeps = Arc::clone(&seen);
        let looking = tokio::spawn(async move {
            while let Ok(resident_bytes) = process.resident_bytes() {
                let memory = Memory { at: wall::now_micros(), resident_bytes };
                keeps.lock().unwrap_or_else(PoisonError::into_inner).push(memory);
                tokio::time::sleep(EVERY).await;
            }
        });
        Self { seen, looking }
    }

    /// What was seen so far, in the order of time.
    #[must_use]
    pub fn seen(&self) -> Vec<Memory> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.looking.abort();
    }
}

/// The most of it; 0 of nothing.
#[must_use]
pub fn most(seen: &[Memory]) -> u64 {
    seen.iter().map(|memory| memory.resident_bytes).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{Watch, most};
    use crate::process::Process;

    #[tokio::test]
    async fn a_process_is_looked_at_more_than_once() {
        let watch = Watch::start(Process(std::process::id()));
        while watch.seen().len() < 2 {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
        let seen = watch.seen();
        assert!(seen[0].at < seen[1].at && most(&seen) >= seen[0].resident_bytes);
        assert_eq!(most(&[]), 0);
    }
}
