//! Gathers commits into log entries: while some are on their way, the next ones share one.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use tokio::time::Instant;
use xcron_core::{Effect, StoreError, StoreErrorKind};

use super::proposal::{Proposals, unavailable};
use super::settings::{ENTRIES_IN_FLIGHT, ENTRY_COMMANDS_MAX};
use super::shared::Shared;
use crate::types::{Batch, Replies, Reply};

/// A command that waits for its entry.
#[derive(Debug)]
pub(super) struct Pending {
    pub(super) command: Bytes,
    pub(super) changes: usize,
    pub(super) since: Instant,
    pub(super) reply: oneshot::Sender<Result<Reply, StoreError>>,
}

/// Proposes what comes through a queue.
#[derive(Debug)]
pub(super) struct Proposer {
    proposals: Proposals,
    shared: Arc<Shared>,
    in_flight: Arc<Semaphore>,
    timeout: Duration,
}

impl Proposer {
    pub(super) fn new(proposals: Proposals, shared: Arc<Shared>) -> Self {
        let in_flight = Arc::new(Semaphore::new(ENTRIES_IN_FLIGHT));
        let timeout = Duration::from_millis(shared.settings.commit_timeout_ms);
        Self { proposals, shared, in_flight, timeout }
    }

    /// Proposes until all handles of the store are gone.
    pub(super) async fn run(self, mut queue: mpsc::Receiver<Pending>) {
        let mut waiting = VecDeque::new();
        let mut received = Vec::new();
        loop {
            // A place first: while none is free, commits gather in the queue.
            let Ok(place) = self.in_flight.clone().acquire_owned().await else {
                return;
            };
            if waiting.is_empty() {
                if queue.recv_many(&mut received, ENTRY_COMMANDS_MAX).await == 0 {
                    return;
                }
                waiting.extend(received.drain(..));
            } else {
                let more = ENTRY_COMMANDS_MAX.saturating_sub(waiting.len());
                let ready = std::iter::from_fn(|| queue.try_recv().ok());
                waiting.extend(ready.take(more));
            }
            let batch = take_batch(&mut waiting, self.shared.settings.entry_bytes_max());
            self.propose(batch, place);
        }
    }

    /// Proposes `batch` in a task of its own, which ends with the commit timeout at the latest.
    fn propose(&self, batch: Vec<Pending>, place: OwnedSemaphorePermit) {
        let bytes: usize = batch.iter().map(|pending| pending.command.len()).sum();
        let counters = &self.shared.counters;
        counters.queued_bytes.fetch_sub(bytes as u64, Ordering::Relaxed);
        let refusal = self.shared.failure(Effect::None);
        let now = Instant::now();
        let is_late = |pending: &Pending| now.duration_since(pending.since) > self.timeout;
        let (late, batch): (Vec<_>, Vec<_>) = batch.into_iter().partition(is_late);
        refuse(&self.shared, late, &unavailable(Effect::None, "it waited too long for its turn"));
        if let Some(error) = refusal {
            return refuse(&self.shared, batch, &error);
        }
        if batch.is_empty() {
            return;
        }
        let (proposals, shared) = (self.proposals.clone(), self.shared.clone());
        let deadline = now + self.timeout;
        crate::runtime::spawn(async move {
            let commands = batch.iter().map(|pending| pending.command.clone()).collect();
            let outcome = proposals.write(Batch { commands }, deadline).await;
            drop(place);
            answer(&shared, batch, outcome);
        });
    }
}

/// Takes one entry's worth of commits.
fn take_batch(waiting: &mut VecDeque<Pending>, bytes_max: usize) -> Vec<Pending> {
    let mut batch = Vec::new();
    let (mut bytes, mut changes) = (0, 0);
    while let Some(next) = waiting.front() {
        bytes += next.command.len();
        changes += next.changes;
        let is_full = bytes > bytes_max || changes > ENTRY_COMMANDS_MAX;
        if is_full && !batch.is_empty() {
            break;
        }
        batch.extend(waiting.pop_front());
    }
    batch
}

fn answer(shared: &Shared, batch: Vec<Pending>, outcome: Result<Replies, StoreError>) {
    let replies = match outcome {
        Ok(Replies(replies)) if replies.len() == batch.len() => replies,
        Ok(_) => {
            let message = "an entry came back with another number of answers";
            let error = StoreError::new(StoreErrorKind::Fatal, Effect::Unknown, message);
            return refuse(shared, batch, &error);
        }
        Err(error) => return refuse(shared, batch, &error),
    };
    for (pending, reply) in batch.into_iter().zip(replies) {
        shared.counters.committed(pending.changes, pending.since.elapsed());
        // Whoever asked may have left; the commit stands all the same.
        let _left = pending.reply.send(Ok(reply));
    }
}

fn refuse(shared: &Shared, batch: Vec<Pending>, error: &StoreError) {
    shared.counters.commits_failed.fetch_add(batch.len() as u64, Ordering::Relaxed);
    for pending in batch {
        let _left = pending.reply.send(Err(error.clone()));
    }
}
