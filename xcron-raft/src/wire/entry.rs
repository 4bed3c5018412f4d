//! The payload of a log entry: nothing, a batch of commands, or who the members are.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use openraft::{BasicNode, EntryPayload, Membership};
use prost::Message;

use super::Unreadable;
use crate::types::{Batch, Payload};

#[derive(Clone, PartialEq, Message)]
struct EntryMessage {
    #[prost(oneof = "EntryKind", tags = "1, 2, 3")]
    kind: Option<EntryKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum EntryKind {
    #[prost(bool, tag = "1")]
    Blank(bool),
    #[prost(message, tag = "2")]
    Batch(BatchMessage),
    #[prost(message, tag = "3")]
    Membership(MembershipMessage),
}

#[derive(Clone, PartialEq, Message)]
struct BatchMessage {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    commands: Vec<Bytes>,
}

/// Who the members are.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MembershipMessage {
    #[prost(message, repeated, tag = "1")]
    configs: Vec<VotersMessage>,
    #[prost(btree_map = "uint64, string", tag = "2")]
    nodes: BTreeMap<u64, String>,
}

#[derive(Clone, PartialEq, Message)]
struct VotersMessage {
    #[prost(uint64, repeated, tag = "1")]
    voters: Vec<u64>,
}

impl MembershipMessage {
    /// The message of `membership`.
    pub(crate) fn from_membership(membership: &Membership<u64, BasicNode>) -> Self {
        let voters = |set: &BTreeSet<u64>| VotersMessage { voters: set.iter().copied().collect() };
        Self {
            configs: membership.get_joint_config().iter().map(voters).collect(),
            nodes: membership.nodes().map(|(id, node)| (*id, node.addr.clone())).collect(),
        }
    }

    /// The membership of this message.
    pub(crate) fn into_membership(self) -> Result<Membership<u64, BasicNode>, Unreadable> {
        if self.configs.is_empty() {
            return Ok(Membership::default());
        }
        let configs = self.configs.into_iter().map(|config| config.voters.into_iter().collect());
        let nodes = self.nodes.into_iter().map(|(id, addr)| (id, BasicNode { addr }));
        Membership::new(configs.collect(), nodes.collect::<BTreeMap<_, _>>())
            .map_err(|error| Unreadable::new(error.to_string()))
    }
}

/// The bytes of `payload` in the log.
pub(crate) fn encode(payload: Payload) -> Bytes {
    let kind = match payload {
        EntryPayload::Blank => EntryKind::Blank(true),
        EntryPayload::Normal(batch) => EntryKind::Batch(BatchMessage { commands: batch.commands }),
        EntryPayload::Membership(membership) => {
            EntryKind::Membership(MembershipMessage::from_membership(&membership))
        }
    };
    EntryMessage { kind: Some(kind) }.encode_to_vec().into()
}

/// The payload whose bytes these are.
pub(crate) fn decode(bytes: Bytes) -> Result<Payload, Unreadable> {
    Ok(match EntryMessage::decode(bytes)?.kind {
        Some(EntryKind::Blank(_)) => EntryPayload::Blank,
        Some(EntryKind::Batch(batch)) => EntryPayload::Normal(Batch { commands: batch.commands }),
        Some(EntryKind::Membership(membership)) => {
            EntryPayload::Membership(membership.into_membership()?)
        }
        None => return Err(Unreadable::unknown("kind of log entry")),
    })
}
