//! The calls of one line: those that wait to be sent and those that wait for their answer.

use std::collections::BTreeMap;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::peer::error::{CallError, CallErrorKind};
use crate::peer::identity::Kind;
use crate::peer::limits::{IN_FLIGHT_BYTES_MAX, WAITING_BYTES_MAX, WAITING_MAX, cost};

/// Where the outcome of a call goes.
pub(super) type Reply = oneshot::Sender<Result<Bytes, CallError>>;

/// A call that was not sent yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) kind: Kind,
    pub(super) body: Bytes,
    pub(super) deadline: Instant,
    pub(super) reply: Reply,
}

#[derive(Debug)]
struct Sent {
    cost: usize,
    reply: Reply,
}

/// Calls in the order in which they were made.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    id_last: u64,
    waiting: BTreeMap<u64, Waiting>,
    waiting_bytes: usize,
    sent: BTreeMap<u64, Sent>,
    sent_cost: usize,
}

impl Backlog {
    /// Adds a call; refused when too much waits already.
    pub(super) fn push(&mut self, call: Waiting) -> Result<u64, CallError> {
        let bytes = self.waiting_bytes + call.body.len();
        if self.waiting.len() >= WAITING_MAX || bytes > WAITING_BYTES_MAX {
            let message = format!(
                "{} calls with {} bytes wait for their turn already",
                self.waiting.len(),
                self.waiting_bytes
            );
            return Err(CallError::unsent(CallErrorKind::Busy, message));
        }
        self.id_last += 1;
        self.waiting_bytes = bytes;
        self.waiting.insert(self.id_last, call);
        Ok(self.id_last)
    }

    /// Takes the next call to send, if the peer has room for it: from now on it may have an
    /// effect. Returns what to put into its frame.
    pub(super) fn send_next(&mut self, now: Instant) -> Option<(u64, Kind, u32, Bytes)> {
        loop {
            let (&id, next) = self.waiting.first_key_value()?;
            let cost = cost(next.body.len());
            if self.sent_cost + cost > IN_FLIGHT_BYTES_MAX {
                return None;
            }
            let Waiting { kind, body, deadline, reply } = self.take_waiting(id)?;
            let wait = deadline.saturating_duration_since(now);
            if wait.is_zero() {
                let message = "no time was left when it could be sent";
                let _left = reply.send(Err(CallError::unsent(CallErrorKind::Timeout, message)));
                continue;
            }
            self.sent.insert(id, Sent { cost, reply });
            self.sent_cost += cost;
            // At least one, because what is left is less than a millisecond, not nothing.
            let wait_ms = u32::try_from(wait.as_millis().max(1)).unwrap_or(u32::MAX);
            return Some((id, kind, wait_ms, body));
        }
    }

    /// Hands the outcome to the call `id`, unless it was given up.
    pub(super) fn answer(&mut self, id: u64, outcome: Result<Bytes, CallError>) {
        if let Some(reply) = self.take_sent(id) {
            // Its caller may leave at this very moment.
            let _left = reply.send(outcome);
        }
    }

    /// Takes the call `id` back; whether it was sent.
    pub(super) fn give_up(&mut self, id: u64) -> bool {
        if self.take_waiting(id).is_some() {
            return false;
        }
        self.take_sent(id);
        // One that is in neither has its outcome, which comes too late for its caller.
        true
    }

    /// Fails the calls that were sent.
    pub(super) fn fail_sent(&mut self, error: &CallError) {
        self.sent_cost = 0;
        for (_, Sent { reply, .. }) in std::mem::take(&mut self.sent) {
            let _left = reply.send(Err(error.with_sent(true)));
        }
    }

    /// Fails all calls.
    pub(super) fn fail(&mut self, error: &CallError) {
        self.fail_sent(error);
        self.waiting_bytes = 0;
        for (_, Waiting { reply, .. }) in std::mem::take(&mut self.waiting) {
            let _left = reply.send(Err(error.with_sent(false)));
        }
    }

    pub(super) fn has_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    pub(super) fn has_sent(&self) -> bool {
        !self.sent.is_empty()
    }

    fn take_waiting(&mut self, id: u64) -> Option<Waiting> {
        let waiting = self.waiting.remove(&id)?;
        self.waiting_bytes -= waiting.body.len();
        Some(waiting)
    }

    fn take_sent(&mut self, id: u64) -> Option<Reply> {
        let Sent { cost, reply } = self.sent.remove(&id)?;
        self.sent_cost -= cost;
        Some(reply)
    }
}
