//! What a node answers to its peers.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use prost::Message;
use tokio::time::{Instant, timeout};

use super::errands::{self, Errand, Errands, TOO_OLD};
use super::formation::{Founding, member_at};
use super::identity::cluster_bytes;
use super::outreach::report;
use super::parts::Parts;
use crate::consensus::Consensus;
use crate::network::Network;
use crate::peer::{Identity, Kind, Lane, Service};
use crate::store::Shared;
use crate::store::proposal::Proposals;
use crate::types::{Batch, Reply};
use crate::wire::change::{AdmitMessage, CommandKind, encode};
use crate::wire::peer::{
    ContactMessage, ErrandMessage, FoundMessage, JoinMessage, JoinedMessage, MeetMessage,
    ProposeMessage, ReadIndexMessage, ReportMessage, SnapshotAnswerMessage, SnapshotPartMessage,
    kind,
};
use crate::wire::raft;

/// The most nodes of a cluster.
const NODES_MAX: usize = 16;

/// The longest address: a name of 253 bytes, a colon and a port.
const ADDRESS_BYTES_MAX: usize = 260;

/// How long what a node calls itself before it has a number is, in bytes.
const NONCE_BYTES: usize = 16;

/// How long a read may wait for the leader's word.
const READ_INDEX_MAX: Duration = Duration::from_secs(2);

/// How long letting a node in may take.
const JOIN_MAX: Duration = Duration::from_secs(8);

/// What there is once raft runs.
#[derive(Debug)]
pub(crate) struct Running {
    pub(crate) raft: Consensus,
    pub(crate) parts: Parts,
    pub(crate) proposals: Proposals,
    pub(crate) errands: Errands,
}

/// Answers the peers of one node.
#[derive(Debug)]
pub(crate) struct NodeService {
    pub(crate) shared: Arc<Shared>,
    pub(crate) founding: Arc<Founding>,
    pub(crate) network: Network,
    pub(crate) running: OnceLock<Running>,
}

#[async_trait]
impl Service for NodeService {
    fn admits(&self, kind: Kind, from: Identity) -> bool {
        match kind.0 {
            kind::MEET | kind::FOUND | kind::JOIN => true,
            _ => from.node != 0 && from.cluster == self.shared.party.identity().cluster,
        }
    }

    async fn serve(&self, from: Identity, kind: Kind, body: Bytes) -> Result<Bytes, String> {
        match kind.0 {
            kind::MEET => Ok(reply(&self.founding.meet(&self.shared, &read::<MeetMessage>(body)?))),
            kind::FOUND => {
                self.founding.found(&self.shared, &read::<FoundMessage>(body)?)?;
                Ok(Bytes::new())
            }
            kind::JOIN => Ok(reply(&self.join(read(body)?).await)),
            kind::CONTACT => self.contact(from, read(body)?),
            kind::PROPOSE => {
                let message = read::<ProposeMessage>(body)?;
                Ok(reply(&self.running()?.proposals.serve(message).await))
            }
            kind::READ_INDEX => Ok(reply(&self.read_index().await?)),
            kind::ERRAND => self.errand(&read(body)?).await,
            kind::APPEND | kind::VOTE | kind::PRE_VOTE | kind::TRANSFER | kind::SNAPSHOT => {
                self.raft(kind.0, body).await
            }
            other => Err(format!("this version knows no request of kind {other}")),
        }
    }
}

impl NodeService {
    fn running(&self) -> Result<&Running, String> {
        self.running.get().ok_or_else(|| "this node has not begun yet".to_owned())
    }

    /// What raft answers, on a node that may take part.
    async fn raft(&self, number: u8, body: Bytes) -> Result<Bytes, String> {
        let Running { raft, parts, .. } = self.running()?;
        if !self.shared.has_arrived() {
            return Err("this node waits until the others know it again".into());
        }
        match number {
            kind::APPEND => self.append(raft, body).await,
            kind::VOTE => raft.vote(body).await,
            kind::PRE_VOTE => raft.pre_vote(body).await,
            kind::TRANSFER => {
                // An answer without bytes is yes.
                let is_done = raft.take_over(body).await?;
                Ok(if is_done { Bytes::new() } else { Bytes::from_static(b"no") })
            }
            _ => self.snapshot(raft, parts, read(body)?).await,
        }
    }

    async fn append(&self, raft: &Consensus, body: Bytes) -> Result<Bytes, String> {
        // Refused before the log needs the room that is left: the leader tries again.
        if let Some(full) = self.shared.disk_full(body.len()) {
            return Err(full.to_string());
        }
        let (answer, is_leader) = raft.append(body).await?;
        if is_leader {
            self.shared.hear_leader();
        }
        Ok(answer)
    }

    async fn snapshot(
        &self,
        raft: &Consensus,
        parts: &Parts,
        part: SnapshotPartMessage,
    ) -> Result<Bytes, String> {
        if let Some(full) = self.shared.disk_full(part.bytes.len()) {
            return Err(full.to_string());
        }
        let vote = part.vote.clone().ok_or("a snapshot without a vote")?;
        let vote = raft::to_vote(vote).map_err(text)?;
        let answered = if parts.take(&part)? {
            let file = parts.check().await?;
            raft.install(vote, file).await?
        } else {
            vote
        };
        self.shared.hear_leader();
        Ok(reply(&SnapshotAnswerMessage { vote: Some(raft::vote(&answered)) }))
    }

    /// How far a read has to wait, as the leader says after a majority has confirmed it.
    async fn read_index(&self) -> Result<ReadIndexMessage, String> {
        let raft = &self.running()?.raft;
        let late = |_| Err("no majority has answered in time".to_owned());
        let asked = timeout(READ_INDEX_MAX, raft.read_index()).await.unwrap_or_else(late);
        Ok(match asked {
            Ok(index) => ReadIndexMessage { index: Some(index), why_not: String::new() },
            Err(why_not) => ReadIndexMessage { index: None, why_not },
        })
    }

    /// Takes in how another node is, and tells it how this one is.
    fn contact(&self, from: Identity, theirs: ReportMessage) -> Result<Bytes, String> {
        if theirs.node != from.node {
            return Err("a node reports only of itself".into());
        }
        let removed = self.removed(theirs.node);
        let is_about_arrival = removed.is_none();
        let farewell = removed.or_else(|| self.lost_something(&theirs)).unwrap_or_default();
        // Whoever leads or not: without the one that asks there may be no majority to elect one.
        let arriving = theirs.is_arriving.then(|| self.shared.standing().voters.clone());
        let voters = arriving.unwrap_or_default();
        let mut vouched = None;
        if farewell.is_empty() {
            vouched = self.shared.vouch_for(&theirs);
            self.shared.contacts.note(theirs, None, Instant::now());
        }
        let (vouched_after, vouched) = vouched.unwrap_or_default();
        Ok(reply(&ContactMessage {
            report: Some(report(&self.shared)),
            farewell,
            is_about_arrival,
            voters,
            vouched_ms: vouched.as_millis() as u64,
            vouched_after,
        }))
    }

    /// Why a node may not take part any more, if it was let go. Until raft's membership is without
    /// it, its vote is needed for just that.
    fn removed(&self, node: u64) -> Option<String> {
        let (view, standing) = (self.shared.published.view(), self.shared.standing());
        if standing.voters.contains(&node) || standing.learners.contains(&node) {
            return None;
        }
        let cluster = self.shared.party.identity().cluster;
        view.roster.is_removed(node).then(|| {
            format!(
                "node {node} was removed from cluster {cluster:032x}; to bring this machine back, \
                 empty raft_dir and start it with peer.join"
            )
        })
    }

    /// Why a node that has just started may not take part, if it holds less than it did.
    fn lost_something(&self, theirs: &ReportMessage) -> Option<String> {
        let node = theirs.node;
        let known = self.shared.contacts.get(node)?.report;
        let (applied, last_log) = (known.applied?, theirs.last_log.unwrap_or(0));
        (theirs.is_arriving && last_log < applied).then(|| {
            format!(
                "the data of node {node} ends at entry {last_log}, but it held entry {applied} \
                 before: its disk was put back to an older state; let go of it with POST \
                 /xcron/cluster/removeNode {{\"node_id\": {node}}} at another node, empty \
                 raft_dir and start it with peer.join"
            )
        })
    }

    async fn errand(&self, message: &ErrandMessage) -> Result<Bytes, String> {
        let errands = &self.running()?.errands;
        let errand = match (message.remove, message.transfer) {
            (Some(node), _) => Errand::Remove(node),
            (None, Some(to)) => Errand::Transfer((to > 0).then_some(to)),
            (None, None) => return Err("an errand without anything to do".into()),
        };
        Ok(reply(&errands::answer(errands.lead(errand).await)))
    }

    /// Lets a node in, or passes its wish on to the leader.
    async fn join(&self, asked: JoinMessage) -> JoinedMessage {
        let not_yet =
            |why: &str| JoinedMessage { not_yet: why.to_owned(), ..JoinedMessage::default() };
        let me = self.shared.node_id();
        let Ok(running) = self.running() else {
            return not_yet("it belongs to no cluster itself yet");
        };
        match self.shared.standing().leader {
            Some(leader) if leader == me => self.admit(running, asked).await,
            Some(leader) if asked.hops < 2 => {
                let asked = JoinMessage { hops: asked.hops + 1, ..asked };
                let body = asked.encode_to_vec().into();
                let (lane, number) = (Lane::Bulk, kind::JOIN);
                let answer = self.network.ask(leader, "", lane, number, body, JOIN_MAX).await;
                let joined = answer.map_err(text).and_then(read::<JoinedMessage>);
                joined.unwrap_or_else(|error| not_yet(&error))
            }
            _ => not_yet("there is no leader now"),
        }
    }

    async fn admit(&self, running: &Running, asked: JoinMessage) -> JoinedMessage {
        let not_yet = |why: String| JoinedMessage { not_yet: why, ..JoinedMessage::default() };
        if let Some(refusal) = self.refusal(&asked) {
            return JoinedMessage { refusal, ..JoinedMessage::default() };
        }
        if self.shared.published.view().roster.format() < 2 {
            return not_yet(TOO_OLD.to_owned());
        }
        let JoinMessage { nonce, address, .. } = asked;
        let admit = encode(CommandKind::Admit(AdmitMessage { nonce, address }));
        let deadline = Instant::now() + JOIN_MAX;
        let written = running.proposals.write(Batch { commands: vec![admit] }, deadline).await;
        match written.as_deref() {
            Ok([Reply::Admitted(node)]) => {
                let cluster = cluster_bytes(self.shared.party.identity().cluster);
                tracing::info!(node, "a node was let in");
                JoinedMessage { cluster, node: *node, ..JoinedMessage::default() }
            }
            Ok(_) => not_yet("it came back without a number".to_owned()),
            Err(error) => not_yet(error.to_string()),
        }
    }

    /// Why a node is not let in, for good.
    fn refusal(&self, asked: &JoinMessage) -> Option<String> {
        let view = self.shared.published.view();
        let roster = &view.roster;
        if roster.iter().any(|(_, member)| !asked.nonce.is_empty() && member.nonce == asked.nonce) {
            return None;
        }
        if asked.nonce.len() != NONCE_BYTES || !is_address(&asked.address) {
            return Some(format!("{:.60?} is not an address, expected host:port", asked.address));
        }
        let cluster = self.shared.party.identity().cluster;
        let node = member_at(&self.shared, &asked.address);
        if node > 0 {
            return Some(format!(
                "this node's disk is empty, but {} is node {node} of cluster {cluster:032x}: let \
                 go of that one first with POST /xcron/cluster/removeNode {{\"node_id\": {node}}}, \
                 or give this node another peer.advertise",
                asked.address
            ));
        }
        if roster.iter().count() >= NODES_MAX {
            return Some(format!("the cluster has {NODES_MAX} nodes, the most that it may have"));
        }
        if asked.format_max < roster.format() {
            let (reads, writes) = (asked.format_max, roster.format());
            return Some(format!(
                "this version reads formats up to {reads}, the cluster writes {writes}: install \
                 the version that the others run"
            ));
        }
        let is_open = !self.shared.party.has_secret() && !is_loopback(&asked.address);
        is_open.then(|| {
            "a node on another machine is let in only with a shared secret: set peer.secret_env \
             on every node"
                .to_owned()
        })
    }
}

/// Whether `address` may be somebody's: "host:port" of a length that names have.
pub(super) fn is_address(address: &str) -> bool {
    let parts = address.rsplit_once(':');
    let is_whole = |(host, port): (&str, &str)| !host.is_empty() && port.parse::<u16>().is_ok();
    address.len() <= ADDRESS_BYTES_MAX && parts.is_some_and(is_whole)
}

/// Whether only this machine reaches `address`, "host:port".
fn is_loopback(address: &str) -> bool {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host == "localhost" || host.starts_with("127.") || host == "[::1]"
}

fn read<M: Message + Default>(body: Bytes) -> Result<M, String> {
    M::decode(body).map_err(|error| format!("a request that cannot be read: {error}"))
}

fn reply(message: &impl Message) -> Bytes {
    message.encode_to_vec().into()
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_a_host_and_a_port_of_a_length_that_names_have() {
        let long = format!("{}:1", "a".repeat(258));
        for good in ["a:1", "10.0.0.1:8899", "[::1]:65535", &long] {
            assert!(is_address(good), "{good}");
        }
        for bad in ["", "a", ":1", "a:", "a:65536", "a:b", &format!("a{long}")] {
            assert!(!is_address(bad), "{bad}");
        }
    }

    #[test]
    fn only_this_machine_reaches_a_loopback_address() {
        for own in ["127.0.0.1:1", "127.1.2.3:1", "localhost:1", "[::1]:1"] {
            assert!(is_loopback(own), "{own}");
        }
        for other in ["10.0.0.1:1", "node-1:1", "[::2]:1", "localhost.example:1"] {
            assert!(!is_loopback(other), "{other}");
        }
    }
}
