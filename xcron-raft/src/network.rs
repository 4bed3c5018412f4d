//! Peers as raft sees them: its requests become messages, their answers raft's.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use openraft::errors::{NetworkError, RPCError, ReplicationClosed, StreamingError, Unreachable};
use openraft::network::{RPCOption, RaftNetworkFactory, RaftNetworkV2};
use openraft::raft::{
    AppendEntriesRequest, AppendEntriesResponse, SnapshotResponse, TransferLeaderError,
    TransferLeaderRequest, TransferLeaderResponse, VoteRequest, VoteResponse,
};
use openraft::{BasicNode, OptionalSend};
use prost::Message;
use tokio::time::{Instant, sleep};

use crate::peer::{CallError, CallErrorKind, Identity, Kind, Lane, Peers};
use crate::snapshot::SnapshotFile;
use crate::store::Shared;
use crate::types::{TypeConfig, Vote};
use crate::wire::Unreadable;
use crate::wire::peer::{SnapshotAnswerMessage, SnapshotPartMessage, kind};
use crate::wire::raft;

/// How long entries may be on their way: a follower's disk may be slow, and a heartbeat has its
/// own, shorter deadline.
const APPEND_MAX: Duration = Duration::from_secs(5);

/// How long a part of a snapshot may take to arrive.
const PART_MAX: Duration = Duration::from_secs(20);

/// How long the last part may take, with which the receiver reads and installs all of it.
const INSTALL_MAX: Duration = Duration::from_secs(600);

/// How often it is looked whether somebody else leads.
const LOOK: Duration = Duration::from_millis(20);

/// How many bytes of a snapshot travel at a time.
const PART_BYTES: u64 = 1 << 20;

type SnapshotOf = openraft::type_config::alias::SnapshotOf<TypeConfig, SnapshotFile>;

/// Makes connections to peers for raft.
#[derive(Debug, Clone)]
pub(crate) struct Network {
    pub(crate) peers: Peers,
    pub(crate) shared: Arc<Shared>,
}

/// One peer for raft.
#[derive(Debug)]
pub(crate) struct Target {
    network: Network,
    node: u64,
    /// Where raft's membership says that it is reached.
    address: String,
}

impl RaftNetworkFactory<TypeConfig> for Network {
    type Network = Target;

    async fn new_client(&mut self, node: u64, basic: &BasicNode) -> Target {
        Target { network: self.clone(), node, address: basic.addr.clone() }
    }
}

impl Network {
    /// Where a member is reached: where it says itself, or else where the log or `default` says.
    pub(crate) fn address(&self, node: u64, default: &str) -> String {
        let said = self.shared.contacts.address(node);
        let noted = || {
            let view = self.shared.published.view();
            view.roster.get(node).map(|member| member.address.clone())
        };
        said.or_else(noted).filter(|a| !a.is_empty()).unwrap_or_else(|| default.to_owned())
    }

    /// Asks the member `node` and nobody else.
    pub(crate) async fn ask(
        &self,
        node: u64,
        default_address: &str,
        lane: Lane,
        kind: u8,
        body: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let address = self.address(node, default_address);
        let cluster = self.shared.party.identity().cluster;
        let target = Some(Identity { cluster, node });
        let deadline = Instant::now() + within;
        self.peers.call(&address, target, lane, Kind(kind), body, deadline).await
    }
}

impl Network {
    /// Asks the leader `node`, for as long as nobody else is known to lead.
    pub(crate) async fn ask_leader(
        &self,
        node: u64,
        lane: Lane,
        kind: u8,
        body: Bytes,
        within: Duration,
    ) -> Result<Bytes, CallError> {
        let is_deposed = async {
            while self.shared.standing().leader.is_none_or(|leader| leader == node) {
                sleep(LOOK).await;
            }
        };
        tokio::select! {
            biased;
            asked = self.ask(node, "", lane, kind, body, within) => asked,
            () = is_deposed => Err(CallError {
                // It may have reached the old leader.
                was_sent: true,
                kind: CallErrorKind::Timeout,
                message: format!("node {node} does not lead any more"),
            }),
        }
    }
}

impl Target {
    async fn ask(
        &self,
        lane: Lane,
        kind: u8,
        body: Bytes,
        within: Duration,
    ) -> Result<Bytes, RPCError<TypeConfig>> {
        let asked = self.network.ask(self.node, &self.address, lane, kind, body, within).await;
        asked.map_err(|error| refusal(&error))
    }
}

fn refusal(error: &CallError) -> RPCError<TypeConfig> {
    let what = io::Error::other(error.to_string());
    match error.kind {
        CallErrorKind::Timeout | CallErrorKind::Refused => NetworkError::new(&what).into(),
        _ => Unreachable::new(&what).into(),
    }
}

fn unreadable(error: Unreadable) -> RPCError<TypeConfig> {
    NetworkError::new(&io::Error::other(error.to_string())).into()
}

impl RaftNetworkV2<TypeConfig> for Target {
    type SnapshotData = SnapshotFile;

    async fn append_entries(
        &mut self,
        rpc: AppendEntriesRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<AppendEntriesResponse<TypeConfig>, RPCError<TypeConfig>> {
        let within = if rpc.entries.is_empty() { option.soft_ttl() * 2 } else { APPEND_MAX };
        let body = raft::encode_append(rpc);
        let answer = self.ask(Lane::Raft, kind::APPEND, body, within).await?;
        raft::decode_appended(answer).map_err(unreadable)
    }

    async fn vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let body = raft::encode_vote_request(&rpc);
        let answer = self.ask(Lane::Raft, kind::VOTE, body, option.soft_ttl()).await?;
        raft::decode_vote_answer(answer).map_err(unreadable)
    }

    async fn pre_vote(
        &mut self,
        rpc: VoteRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<VoteResponse<TypeConfig>, RPCError<TypeConfig>> {
        let body = raft::encode_vote_request(&rpc);
        let answer = self.ask(Lane::Raft, kind::PRE_VOTE, body, option.soft_ttl()).await?;
        raft::decode_vote_answer(answer).map_err(unreadable)
    }

    async fn full_snapshot(
        &mut self,
        vote: Vote,
        snapshot: SnapshotOf,
        cancel: impl Future<Output = ReplicationClosed> + OptionalSend + 'static,
        _option: RPCOption,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let sent = self.send_snapshot(&vote, &snapshot.snapshot);
        tokio::select! {
            biased;
            closed = cancel => Err(StreamingError::Closed(closed)),
            sent = sent => sent,
        }
    }

    async fn transfer_leader(
        &mut self,
        rpc: TransferLeaderRequest<TypeConfig>,
        option: RPCOption,
    ) -> Result<TransferLeaderResponse<TypeConfig>, RPCError<TypeConfig>> {
        let expected = rpc.last_log_id().copied();
        let body = raft::encode_transfer(&rpc);
        let answer = self.ask(Lane::Raft, kind::TRANSFER, body, option.soft_ttl()).await?;
        // An answer without bytes is yes.
        let refused = TransferLeaderError::LogNotFlushed { expected, actual: None };
        Ok(if answer.is_empty() { Ok(()) } else { Err(refused) })
    }
}

impl Target {
    /// Sends a snapshot part by part; the answer to the last comes when it is installed.
    async fn send_snapshot(
        &self,
        vote: &Vote,
        snapshot: &SnapshotFile,
    ) -> Result<SnapshotResponse<TypeConfig>, StreamingError<TypeConfig>> {
        let failed = |error: io::Error| Unreachable::new(&error);
        let _sending = snapshot.senders.enter();
        let file = snapshot.disk.open(&snapshot.name).map_err(failed)?;
        let last = snapshot.meta.last_log_id.as_ref().map(raft::log_id);
        let mut offset = 0;
        loop {
            let len = PART_BYTES.min(snapshot.bytes - offset);
            let mut bytes = vec![0; len as usize];
            file.read_at(offset, &mut bytes).map_err(failed)?;
            let part = SnapshotPartMessage {
                vote: Some(raft::vote(vote)),
                last,
                offset,
                total: snapshot.bytes,
                bytes: bytes.into(),
            };
            offset += len;
            let is_last = offset == snapshot.bytes;
            let within = if is_last { INSTALL_MAX } else { PART_MAX };
            let body = part.encode_to_vec().into();
            let answer = self.ask(Lane::Bulk, kind::SNAPSHOT, body, within).await;
            let answer = answer.map_err(StreamingError::from)?;
            let answer = SnapshotAnswerMessage::decode(answer);
            let answer = answer.map_err(|error| failed(io::Error::other(error.to_string())))?;
            let theirs = raft::to_vote(answer.vote.unwrap_or_default());
            let theirs = theirs.map_err(|error| failed(io::Error::other(error.to_string())))?;
            if is_last || theirs > *vote {
                return Ok(SnapshotResponse::new(theirs));
            }
        }
    }
}
