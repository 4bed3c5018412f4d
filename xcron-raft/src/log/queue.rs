//! What waits to be written: producers push jobs, the flusher takes as many as fit one write.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;

use super::frame::RECORD_HEAD_BYTES;
use super::id::RecordHead;
use super::settings::QUEUE_BYTES_MAX;
use crate::{Error, ErrorKind};

/// Told once whether a job is durable.
pub(crate) type Done = Box<dyn FnOnce(Result<(), Error>) + Send>;

/// A record to write.
#[derive(Debug)]
pub(crate) struct Item {
    pub(crate) head: RecordHead,
    pub(crate) payload: Bytes,
    /// Names the entry even after it was cut and another took its index; 0 for other records.
    pub(crate) ticket: u64,
}

/// Records that become durable together, and who wants to know.
pub(crate) struct Job {
    pub(crate) items: Vec<Item>,
    pub(crate) done: Option<Done>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").field("items", &self.items.len()).finish_non_exhaustive()
    }
}

impl Job {
    /// A job of one record without a payload.
    pub(crate) fn single(head: RecordHead, done: Option<Done>) -> Self {
        Self { items: vec![Item { head, payload: Bytes::new(), ticket: 0 }], done }
    }

    fn bytes(&self) -> usize {
        self.items.iter().map(|item| RECORD_HEAD_BYTES + item.payload.len()).sum()
    }

    /// Tells the outcome.
    pub(crate) fn complete(self, outcome: Result<(), Error>) {
        if let Some(done) = self.done {
            done(outcome);
        }
    }
}

#[derive(Debug, Default)]
struct State {
    jobs: VecDeque<Job>,
    bytes: usize,
    closed: bool,
}

/// A queue of jobs with a byte limit.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    #[cfg(any(test, feature = "testing"))]
    pushed: tokio::sync::Notify,
}

impl Queue {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Adds a job; refused after [`Queue::close`] and beyond the limit.
    pub(crate) fn push(&self, job: Job) -> Result<(), Error> {
        let mut state = self.state();
        if state.closed {
            return Err(Error::new(ErrorKind::Stopped, "the log is closed"));
        }
        let bytes = state.bytes + job.bytes();
        if bytes > QUEUE_BYTES_MAX {
            let message =
                format!("{bytes} bytes wait for the disk, the limit is {QUEUE_BYTES_MAX}");
            return Err(Error::new(ErrorKind::Storage, message));
        }
        state.bytes = bytes;
        state.jobs.push_back(job);
        drop(state);
        self.filled.notify_one();
        #[cfg(any(test, feature = "testing"))]
        self.pushed.notify_one();
        Ok(())
    }

    /// Waits for jobs and takes up to `bytes_max` of them, at least one; `None` once closed and
    /// empty.
    pub(crate) fn next(&self, bytes_max: usize) -> Option<Vec<Job>> {
        let mut state = self.state();
        while state.jobs.is_empty() && !state.closed {
            state = self.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        Self::drain(&mut state, bytes_max)
    }

    /// Like [`Queue::next`], but `None` at once when there is nothing.
    pub(crate) fn try_next(&self, bytes_max: usize) -> Option<Vec<Job>> {
        Self::drain(&mut self.state(), bytes_max)
    }

    /// Whether nobody waits to be written.
    pub(crate) fn is_empty(&self) -> bool {
        self.state().jobs.is_empty()
    }

    /// Refuses further jobs; those in the queue are still taken.
    pub(crate) fn close(&self) {
        self.state().closed = true;
        self.filled.notify_all();
        #[cfg(any(test, feature = "testing"))]
        self.pushed.notify_one();
    }

    /// Returns once something was queued, or the queue closed, since the last call.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) async fn pushed(&self) {
        self.pushed.notified().await;
    }

    fn drain(state: &mut State, bytes_max: usize) -> Option<Vec<Job>> {
        let mut taken = Vec::new();
        let mut bytes = 0;
        while let Some(job) = state.jobs.front() {
            bytes += job.bytes();
            if bytes > bytes_max && !taken.is_empty() {
                break;
            }
            if let Some(job) = state.jobs.pop_front() {
                state.bytes -= job.bytes();
                taken.push(job);
            }
        }
        (!taken.is_empty()).then_some(taken)
    }
}
