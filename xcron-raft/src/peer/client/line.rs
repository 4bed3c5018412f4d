//! One line: the calls of one lane to one target, over one connection at a time.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use tokio::sync::{Notify, oneshot, watch};
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use super::backlog::{Backlog, Waiting};
use super::dial::dial;
use super::link::{self, Ended};
use crate::net::Net;
use crate::peer::error::{CallError, CallErrorKind};
use crate::peer::frames::Frames;
use crate::peer::identity::{Identity, Kind, Lane};
use crate::peer::party::Party;

/// Where a line leads, and as whom it was opened: a node that becomes a member opens new ones.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Destination {
    pub(super) address: String,
    pub(super) target: Option<Identity>,
    pub(super) lane: Lane,
    pub(super) own: Identity,
}

/// The calls of one lane to one target.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) destination: Destination,
    pub(super) party: Party,
    net: Arc<dyn Net>,
    state: Mutex<State>,
    /// Something is to be sent, or there is room to.
    pub(super) work: Notify,
    /// How many connections to the target broke, on any lane.
    pub(super) breaks: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct State {
    backlog: Backlog,
    phase: Phase,
    /// Failed connections in a row.
    failures: u32,
    task: Option<AbortHandle>,
    /// Which task is the present one: an earlier one may still be about to end.
    task_number: u64,
}

#[derive(Debug, Default)]
enum Phase {
    /// No connection, and the next call makes one.
    #[default]
    Rest,
    /// A task connects or has connected.
    Busy,
    /// The last attempt failed, and until then so does every call.
    Down { until: Instant, error: CallError },
    /// Nothing is sent on this line again.
    Closed,
}

impl Line {
    /// The first line to its target.
    pub(super) fn new(destination: Destination, net: Arc<dyn Net>, party: Party) -> Self {
        let (state, work, breaks) = Default::default();
        Self { destination, party, net, state, work, breaks }
    }

    /// The same for another lane.
    pub(super) fn beside(&self, destination: Destination) -> Self {
        let line = Self::new(destination, Arc::clone(&self.net), self.party.clone());
        Self { breaks: self.breaks.clone(), ..line }
    }

    /// Sends a request and waits for its answer.
    pub(super) async fn call(
        self: Arc<Self>,
        kind: Kind,
        body: Bytes,
        deadline: Instant,
    ) -> Result<Bytes, CallError> {
        let (reply, answer) = oneshot::channel();
        let id = self.enqueue(Waiting { kind, body, deadline, reply })?;
        let _given_up_when_dropped = Claim { line: &self, id };
        match timeout_at(deadline, answer).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(self.error(CallErrorKind::Unreachable, "was closed").with_sent(true)),
            Err(_) => {
                let was_sent = self.backlog(|backlog| backlog.give_up(id));
                let late = self.error(CallErrorKind::Timeout, "did not answer in time");
                Err(late.with_sent(was_sent))
            }
        }
    }

    /// Ends the connection and every call.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.phase = Phase::Closed;
        state.backlog.fail(&self.error(CallErrorKind::Unreachable, "is not called any more"));
        if let Some(task) = state.task.take() {
            task.abort();
        }
    }

    /// Whether there is a connection or a reason not to try one yet.
    pub(super) fn is_in_use(&self) -> bool {
        match self.state().phase {
            Phase::Rest | Phase::Closed => false,
            Phase::Busy => true,
            Phase::Down { until, .. } => Instant::now() < until,
        }
    }

    /// Does something with the calls of this line.
    pub(super) fn backlog<T>(&self, act: impl FnOnce(&mut Backlog) -> T) -> T {
        act(&mut self.state().backlog)
    }

    /// An error that says what is wrong with the target.
    pub(super) fn error(&self, kind: CallErrorKind, what: &str) -> CallError {
        CallError::unsent(kind, format!("{} {what}", self.destination.address))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn enqueue(self: &Arc<Self>, call: Waiting) -> Result<u64, CallError> {
        let mut state = self.state();
        let is_busy = match &state.phase {
            Phase::Down { until, error } if Instant::now() < *until => return Err(error.clone()),
            Phase::Closed => {
                return Err(self.error(CallErrorKind::Unreachable, "is not called any more"));
            }
            Phase::Down { .. } | Phase::Rest => false,
            Phase::Busy => true,
        };
        let id = state.backlog.push(call)?;
        if is_busy {
            self.work.notify_one();
        } else {
            state.phase = Phase::Busy;
            state.task_number += 1;
            let task = Task { line: Arc::clone(self), number: state.task_number };
            state.task = Some(crate::runtime::spawn(Self::run(task)).abort_handle());
        }
        Ok(id)
    }

    /// Connects, and again as long as there is something to send and somebody to answer.
    async fn run(task: Task) {
        let line = &task.line;
        loop {
            let frames = match line.connect().await {
                Ok(frames) => frames,
                Err(error) => return line.went_down(error),
            };
            let ended = link::run(frames, line).await;
            if !line.goes_on(ended) {
                return;
            }
        }
    }

    async fn connect(&self) -> Result<Frames, CallError> {
        let Destination { address, target, lane, own } = &self.destination;
        let (met, frames) = dial(&*self.net, &self.party, address, (*own, *target, *lane)).await?;
        met.verdict.map(|()| frames)
    }

    fn went_down(&self, error: CallError) {
        let mut state = self.state();
        if matches!(state.phase, Phase::Closed) {
            return;
        }
        state.failures = state.failures.saturating_add(1);
        state.backlog.fail(&error);
        let until = Instant::now() + self.party.limits.backoff(state.failures);
        let failures = state.failures;
        if failures == 1 && error.needs_a_person() {
            tracing::warn!(%error, "a peer cannot be used as it is configured");
        } else {
            tracing::debug!(%error, failures, "a peer is not connected");
        }
        state.phase = Phase::Down { until, error };
    }

    /// After a connection: whether to make another one at once.
    fn goes_on(&self, ended: Ended) -> bool {
        let Ended { error, has_answered } = ended;
        if !has_answered {
            // Somebody who takes connections and never answers must not be dialled without pause.
            self.went_down(error);
            return false;
        }
        let mut state = self.state();
        state.failures = 0;
        state.backlog.fail_sent(&error);
        if matches!(state.phase, Phase::Busy) && !state.backlog.has_waiting() {
            state.phase = Phase::Rest;
        }
        matches!(state.phase, Phase::Busy)
    }
}

/// The task of a line. However it ends, also with its runtime, no call is left without an outcome
/// and the next one begins anew.
struct Task {
    line: Arc<Line>,
    number: u64,
}

impl Drop for Task {
    fn drop(&mut self) {
        let mut state = self.line.state();
        if matches!(state.phase, Phase::Busy) && state.task_number == self.number {
            state.phase = Phase::Rest;
            state.backlog.fail(&self.line.error(CallErrorKind::Unreachable, "was closed"));
        }
    }
}

/// A call under way, which takes itself back when it is dropped.
struct Claim<'a> {
    line: &'a Line,
    id: u64,
}

impl Drop for Claim<'_> {
    fn drop(&mut self) {
        self.line.backlog(|backlog| backlog.give_up(self.id));
    }
}
