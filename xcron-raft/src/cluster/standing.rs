//! Where raft stands on this node, in our own words.

/// What a node is in its cluster.
///
/// ```
/// use xcron_raft::Role;
/// assert_eq!(Role::Leader.as_str(), "leader");
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Role {
    /// It receives the log and does not vote: it has just been let in, or not yet.
    #[default]
    Learner,
    /// It follows the leader and votes.
    Follower,
    /// It asks to become the leader, or has just become it.
    Candidate,
    /// It decides.
    Leader,
}

impl Role {
    /// The word for it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Learner => "learner",
            Self::Follower => "follower",
            Self::Candidate => "candidate",
            Self::Leader => "leader",
        }
    }

    /// The number for it between peers.
    pub(crate) fn number(self) -> u32 {
        match self {
            Self::Learner => 0,
            Self::Follower => 1,
            Self::Candidate => 2,
            Self::Leader => 3,
        }
    }

    /// The role with this number; a newer version's is shown as a learner.
    pub(crate) fn from_number(number: u32) -> Self {
        match number {
            1 => Self::Follower,
            2 => Self::Candidate,
            3 => Self::Leader,
            _ => Self::Learner,
        }
    }
}

/// Where raft stands on this node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) role: Role,
    pub(crate) term: u64,
    pub(crate) leader: Option<u64>,
    pub(crate) last_log: Option<u64>,
    pub(crate) committed: Option<u64>,
    pub(crate) voters: Vec<u64>,
    /// Members that do not vote.
    pub(crate) learners: Vec<u64>,
    /// Whether a change of the voters is under way.
    pub(crate) is_changing: bool,
    /// Whether it has come half of its way, for good: two majorities decide until somebody goes on.
    pub(crate) is_half_changed: bool,
    /// Whether this node is the only member, so that it needs nobody's word.
    pub(crate) is_alone: bool,
    /// Where raft's membership says that its members are reached.
    pub(crate) addresses: Vec<(u64, String)>,
}
