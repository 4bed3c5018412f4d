//! The content of snapshot blocks.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message;

use super::entry::MembershipMessage;
use crate::log::LogId;

/// What stands in the first block.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct HeadMessage {
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    /// Sixteen bytes, big-endian.
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) cluster_id: Vec<u8>,
    #[prost(message, optional, tag = "3")]
    pub(crate) last: Option<LogIdMessage>,
    #[prost(message, optional, tag = "4")]
    pub(crate) membership_at: Option<LogIdMessage>,
    #[prost(message, optional, tag = "5")]
    pub(crate) membership: Option<MembershipMessage>,
    #[prost(uint64, tag = "6")]
    pub(crate) revision: u64,
    #[prost(btree_map = "uint64, uint64", tag = "7")]
    pub(crate) lives: BTreeMap<u64, u64>,
    #[prost(uint32, tag = "8")]
    pub(crate) group: u32,
    /// Who was let in and not let go; from format 2 on, like the rest.
    #[prost(btree_map = "uint64, message", tag = "9")]
    pub(crate) nodes: BTreeMap<u64, NodeMessage>,
    #[prost(uint64, tag = "10")]
    pub(crate) node_ids: u64,
    #[prost(sint64, tag = "11")]
    pub(crate) time: i64,
}

/// A member of the cluster.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct NodeMessage {
    #[prost(string, tag = "1")]
    pub(crate) address: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) nonce: Bytes,
}

/// In front of every task of a `TasksMessage`.
pub(crate) const TASK: u8 = 0x0a;

/// Tasks in order of id.
#[cfg(any(test, feature = "fuzzing"))]
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TasksMessage {
    #[prost(message, repeated, tag = "1")]
    pub(crate) tasks: Vec<TaskMessage>,
}

/// One task: what a record is. Records are written and read as they are; this is what they are.
#[cfg(any(test, feature = "fuzzing"))]
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TaskMessage {
    #[prost(string, tag = "1")]
    pub(crate) id: String,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) definition: Bytes,
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) state: Bytes,
    #[prost(uint64, tag = "4")]
    pub(crate) revision: u64,
    /// Newest first.
    #[prost(bytes = "bytes", repeated, tag = "5")]
    pub(crate) history: Vec<Bytes>,
    /// Failed runs that are kept apart, newest first; from format 3 on.
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub(crate) failed: Vec<Bytes>,
}

/// What stands in the last block.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FootMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) blocks: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) tasks: u64,
    /// CRC-32C over the checksums of all blocks before.
    #[prost(uint32, tag = "3")]
    pub(crate) crc: u32,
}

/// Position of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct LogIdMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) term: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) node: u64,
    #[prost(uint64, tag = "3")]
    pub(crate) index: u64,
}

impl From<LogId> for LogIdMessage {
    fn from(id: LogId) -> Self {
        Self { term: id.term, node: id.node, index: id.index }
    }
}

impl From<LogIdMessage> for LogId {
    fn from(id: LogIdMessage) -> Self {
        Self { term: id.term, node: id.node, index: id.index }
    }
}
