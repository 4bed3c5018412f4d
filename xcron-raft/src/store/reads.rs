//! Linearizable reads: before a view is read, a majority confirms who leads, and the view holds all
//! that was committed by then.
//!
//! Reads that come while one round is under way share the next one, so that a thousand of them
//! cost the cluster as much as one.

use std::time::Duration;

use prost::Message;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep, timeout_at};
use xcron_core::{Effect, StoreError, StoreErrorKind};

use super::Shared;
use crate::consensus::Consensus;
use crate::network::Network;
use crate::peer::Lane;
use crate::wire::peer::{ReadIndexMessage, kind};

/// How many reads may wait for a round.
pub(crate) const READS_WAITING_MAX: usize = 16_384;

/// How long a read waits for a leader and a majority.
const READ_MAX: Duration = Duration::from_secs(3);

/// How long one round may take before it is tried anew.
const ROUND_MAX: Duration = Duration::from_millis(1_000);

/// Pause after a round that failed.
const RETRY: Duration = Duration::from_millis(10);

/// Told once the view may be read.
pub(crate) type Reading = oneshot::Sender<Result<(), StoreError>>;

/// Confirms reads, a round at a time.
#[derive(Debug)]
pub(crate) struct Reads {
    pub(crate) raft: Consensus,
    pub(crate) network: Network,
}

impl Reads {
    fn shared(&self) -> &Shared {
        &self.network.shared
    }

    /// Confirms reads until all handles of the store are gone.
    pub(crate) async fn run(self, mut waiting: mpsc::Receiver<Reading>) {
        let mut round = Vec::new();
        while waiting.recv_many(&mut round, READS_WAITING_MAX).await > 0 {
            let confirmed = self.confirm(Instant::now() + READ_MAX).await;
            for reading in round.drain(..) {
                // Whoever asked may have left.
                let _left = reading.send(confirmed.clone());
            }
        }
    }

    async fn confirm(&self, deadline: Instant) -> Result<(), StoreError> {
        loop {
            if let Some(error) = self.shared().failure(Effect::None) {
                return Err(error);
            }
            let round_ends = deadline.min(Instant::now() + ROUND_MAX);
            let confirmed = timeout_at(round_ends, self.round()).await;
            let why = match confirmed {
                Ok(Ok(())) => return Ok(()),
                Ok(Err(why)) => why,
                Err(_late) => "no majority of the nodes answers".to_owned(),
            };
            if Instant::now() + RETRY >= deadline {
                let why = format!("no linearizable read now: {why}");
                return Err(StoreError::new(StoreErrorKind::Unavailable, Effect::None, why));
            }
            sleep(RETRY).await;
        }
    }

    /// One round: how far the view must be, and waiting until it is.
    async fn round(&self) -> Result<(), String> {
        let me = self.shared().node_id();
        let index = match self.shared().standing().leader {
            Some(leader) if leader == me => self.ask_majority().await?,
            Some(leader) => self.ask_leader(leader).await?,
            None => return Err(self.shared().obstacle("there is no leader")),
        };
        let mut changes = self.shared().published.changes();
        while self.shared().published.view().applied.map(|id| id.index) < index {
            changes.changed().await.map_err(|_| "the store has ended".to_owned())?;
        }
        Ok(())
    }

    async fn ask_majority(&self) -> Result<Option<u64>, String> {
        self.raft.read_index().await.map(Some)
    }

    async fn ask_leader(&self, leader: u64) -> Result<Option<u64>, String> {
        let (lane, number) = (Lane::Raft, kind::READ_INDEX);
        let body = bytes::Bytes::new();
        let answer = self.network.ask_leader(leader, lane, number, body, ROUND_MAX).await;
        let answer = answer.map_err(|error| error.to_string())?;
        let message = ReadIndexMessage::decode(answer).map_err(|error| error.to_string())?;
        message.index.map(Some).ok_or(message.why_not)
    }
}
