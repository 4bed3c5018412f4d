//! Who a node is, and what a request is, as far as the transport has to know.

use std::fmt;

/// A node of a cluster; zeros are a node that is not a member yet.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub(crate) struct Identity {
    pub(crate) cluster: u128,
    pub(crate) node: u64,
}

impl Identity {
    /// Whether it belongs to a cluster at all.
    pub(crate) fn is_member(self) -> bool {
        self != Self::default()
    }

    /// Whether both are members, and of different clusters.
    pub(super) fn is_foreign_to(self, other: Self) -> bool {
        self.is_member() && other.is_member() && self.cluster != other.cluster
    }
}

impl fmt::Display for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_member() {
            write!(f, "node {} of cluster {:032x}", self.node, self.cluster)
        } else {
            f.write_str("a node that belongs to no cluster")
        }
    }
}

/// Which of the two connections to a target a request takes, so that what is long never delays
/// what is urgent.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Lane {
    /// Heartbeats, votes, entries.
    Raft,
    /// Snapshots and forwarded requests.
    Bulk,
}

/// What a request is. The transport passes it on; the service says who may send it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Kind(pub(crate) u8);
