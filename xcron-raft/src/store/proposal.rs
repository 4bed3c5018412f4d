//! Proposals: commands on their way into the log, here if this node leads, or through the leader.

use std::sync::atomic::Ordering;
use std::time::Duration;

use prost::Message;
use tokio::time::{Instant, sleep, timeout_at};
use xcron_core::mutant::{self, Mutant};
use xcron_core::{Effect, StoreError, StoreErrorKind};

use super::Shared;
use crate::consensus::{Consensus, NotApplied};
use crate::network::Network;
use crate::peer::Lane;
use crate::types::{Batch, Replies};
use crate::wire::change::{CommandKind, encode};
use crate::wire::peer::{ProposeMessage, ProposedMessage, RefusalKind, RefusalMessage, kind};
use crate::wire::reply;

/// Pause before a proposal is repeated that was refused before it was appended, as happens right
/// after an election.
const RETRY: Duration = Duration::from_millis(2);

/// Pause before somebody else is asked again who may lead by then.
const RETRY_ELSEWHERE: Duration = Duration::from_millis(10);

/// How long a proposal waits for a leader.
const NO_LEADER_MAX: Duration = Duration::from_secs(5);

/// What a proposal was refused with that has certainly not happened and may be tried again.
enum Try {
    Again(Duration, String),
    Failed(StoreError),
}

/// Proposes commands and waits for what they come to.
#[derive(Debug, Clone)]
pub(crate) struct Proposals {
    pub(crate) raft: Consensus,
    pub(crate) network: Network,
}

impl Proposals {
    fn shared(&self) -> &Shared {
        &self.network.shared
    }

    /// Proposes `batch`, here or through the leader, until it is applied, refused for good, or the
    /// deadline has come.
    ///
    /// # Errors
    /// Says whether it certainly did not happen, now or later, or may have.
    pub(crate) async fn write(
        &self,
        batch: Batch,
        deadline: Instant,
    ) -> Result<Replies, StoreError> {
        let give_up_at = deadline.min(Instant::now() + NO_LEADER_MAX);
        loop {
            if let Some(error) = self.shared().failure(Effect::None) {
                return Err(error);
            }
            let me = self.shared().node_id();
            let tried = match self.shared().standing().leader {
                Some(leader) if leader != me => self.forward(leader, &batch, deadline).await,
                Some(_) => self.append(&batch, deadline).await,
                None => Err(Try::Again(RETRY_ELSEWHERE, self.no_leader())),
            };
            match tried {
                Ok(replies) => return Ok(replies),
                Err(Try::Failed(error)) => return Err(error),
                Err(Try::Again(pause, why)) => {
                    if Instant::now() + pause >= give_up_at {
                        return Err(unavailable(Effect::None, &why));
                    }
                    sleep(pause).await;
                }
            }
        }
    }

    fn no_leader(&self) -> String {
        self.shared().obstacle("there is no leader now: fewer than half of the nodes answer")
    }

    /// Proposes what another node has sent here because this one leads.
    pub(crate) async fn serve(&self, message: ProposeMessage) -> ProposedMessage {
        let wait = Duration::from_millis(message.wait_ms.into());
        let batch = Batch { commands: message.commands };
        let tried = self.append(&batch, Instant::now() + wait).await;
        let refuse = |has_no_effect, kind: RefusalKind, message| {
            let refusal = RefusalMessage { has_no_effect, kind: kind.into(), message };
            ProposedMessage { replies: Vec::new(), refusal: Some(refusal) }
        };
        match tried {
            Ok(Replies(replies)) => {
                let replies = replies.iter().map(reply::encode).collect();
                ProposedMessage { replies, refusal: None }
            }
            Err(Try::Again(_, why)) => refuse(true, RefusalKind::NotLeader, why),
            Err(Try::Failed(error)) => {
                let kind = match error.kind() {
                    StoreErrorKind::Overloaded => RefusalKind::Overloaded,
                    _ => RefusalKind::Unavailable,
                };
                refuse(error.effect() == Effect::None, kind, error.to_string())
            }
        }
    }

    /// Appends `batch` to the log of this node, which leads, and waits until it is applied.
    async fn append(&self, batch: &Batch, deadline: Instant) -> Result<Replies, Try> {
        let shared = self.shared();
        let bytes = batch.commands.iter().map(|command| command.len()).sum();
        if let Some(full) = shared.disk_full(bytes) {
            // Alone there is no use in waiting; among others somebody else leads soon.
            return Err(if shared.standing().voters.len() > 1 {
                Try::Again(RETRY_ELSEWHERE, full.to_string())
            } else {
                Try::Failed(full)
            });
        }
        shared.counters.entries.fetch_add(1, Ordering::Relaxed);
        let mut batch = batch.clone();
        // The time of an entry is the leader's; a leader whose clock is off does not stamp.
        let is_stamped = shared.published.view().roster.format() >= 2;
        if is_stamped {
            if let Some(fault) = shared.clock_fault() {
                return Err(Try::Again(RETRY_ELSEWHERE, fault));
            }
            let stamp = CommandKind::Stamp(shared.clock.now().as_millis());
            batch.commands.insert(0, encode(stamp));
        }
        let in_flight = InFlight::of(shared, bytes);
        let written = timeout_at(deadline, self.raft.write(batch)).await;
        drop(in_flight);
        let Ok(written) = written else {
            let why = "it was not applied in time";
            let is_denied = mutant::is_on(Mutant::TimeoutIsNotDone);
            let denied = || Try::Failed(unavailable(Effect::None, why));
            return Err(if is_denied { denied() } else { unknown(why) });
        };
        match written {
            Ok(Replies(mut replies)) => {
                if is_stamped && !replies.is_empty() {
                    replies.remove(0);
                }
                Ok(Replies(replies))
            }
            Err(NotApplied::NotAppended) => Err(Try::Again(RETRY, self.no_leader())),
            Err(NotApplied::Unknown(error)) => Err(unknown(&error)),
            Err(NotApplied::Ended(error)) => {
                let message = format!("raft has stopped: {error}");
                let fatal = StoreError::new(StoreErrorKind::Fatal, Effect::Unknown, message);
                Err(Try::Failed(shared.failure(Effect::Unknown).unwrap_or(fatal)))
            }
        }
    }

    /// Sends `batch` to the node that leads.
    async fn forward(&self, to: u64, batch: &Batch, deadline: Instant) -> Result<Replies, Try> {
        let within = deadline.saturating_duration_since(Instant::now());
        let wait_ms = u32::try_from(within.as_millis()).unwrap_or(u32::MAX);
        let message = ProposeMessage { commands: batch.commands.clone(), wait_ms };
        let body = message.encode_to_vec().into();
        let asked = self.network.ask_leader(to, Lane::Bulk, kind::PROPOSE, body, within).await;
        let answer = match asked {
            Ok(answer) => answer,
            Err(error) if !error.was_sent => {
                return Err(Try::Again(RETRY_ELSEWHERE, format!("node {to} leads, but {error}")));
            }
            Err(error) => return Err(unknown(&format!("node {to} leads, but {error}"))),
        };
        let Ok(message) = ProposedMessage::decode(answer) else {
            return Err(unknown("the leader's answer cannot be read"));
        };
        if let Some(refusal) = message.refusal {
            return Err(refused(refusal));
        }
        let replies = message.replies.into_iter().map(reply::decode);
        let replies = replies.collect::<Result<_, _>>();
        replies.map(Replies).map_err(|error| unknown(&error.to_string()))
    }
}

/// Bytes on their way to the log, for as long as this lives.
struct InFlight<'a>(&'a Shared, u64);

impl<'a> InFlight<'a> {
    fn of(shared: &'a Shared, bytes: usize) -> Self {
        shared.counters.in_flight_bytes.fetch_add(bytes as u64, Ordering::Relaxed);
        Self(shared, bytes as u64)
    }
}

impl Drop for InFlight<'_> {
    fn drop(&mut self) {
        self.0.counters.in_flight_bytes.fetch_sub(self.1, Ordering::Relaxed);
    }
}

fn refused(refusal: RefusalMessage) -> Try {
    let kind = match refusal.kind() {
        RefusalKind::NotLeader if refusal.has_no_effect => {
            return Try::Again(RETRY_ELSEWHERE, refusal.message);
        }
        RefusalKind::Overloaded => StoreErrorKind::Overloaded,
        _ => StoreErrorKind::Unavailable,
    };
    let effect = if refusal.has_no_effect { Effect::None } else { Effect::Unknown };
    Try::Failed(StoreError::new(kind, effect, refusal.message))
}

fn unknown(message: &str) -> Try {
    Try::Failed(unavailable(Effect::Unknown, message))
}

/// A commit that was not acknowledged.
pub(crate) fn unavailable(effect: Effect, message: &str) -> StoreError {
    let effect_text = match effect {
        Effect::None => "the commit did not happen",
        Effect::Unknown => "the commit may or may not have happened",
    };
    let message = format!("{effect_text}: {message}");
    StoreError::new(StoreErrorKind::Unavailable, effect, message)
}
