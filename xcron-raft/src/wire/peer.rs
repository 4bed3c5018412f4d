//! What nodes say to each other: the bodies of requests and answers between peers.

use bytes::Bytes;
use prost::Message;

use super::snapshot::LogIdMessage;

/// The kinds of requests, by their numbers on the wire; a number is never reused.
pub(crate) mod kind {
    /// Entries for a follower, or a heartbeat.
    pub(crate) const APPEND: u8 = 1;
    /// A candidate asks for a vote.
    pub(crate) const VOTE: u8 = 2;
    /// A candidate asks whether it would get a vote.
    pub(crate) const PRE_VOTE: u8 = 3;
    /// The leader asks a follower to take over.
    pub(crate) const TRANSFER: u8 = 4;
    /// A part of a snapshot.
    pub(crate) const SNAPSHOT: u8 = 5;
    /// Commands for the leader.
    pub(crate) const PROPOSE: u8 = 6;
    /// How far a read has to wait.
    pub(crate) const READ_INDEX: u8 = 7;
    /// Two nodes tell each other how they are.
    pub(crate) const CONTACT: u8 = 8;
    /// A founder asks whether there is a cluster already.
    pub(crate) const MEET: u8 = 9;
    /// A founder says what the cluster is called.
    pub(crate) const FOUND: u8 = 10;
    /// A node asks to be let in.
    pub(crate) const JOIN: u8 = 11;
    /// Somebody asks the leader to let a node go, or to hand over.
    pub(crate) const ERRAND: u8 = 12;
}

/// A vote.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VoteMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) term: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) node: u64,
    #[prost(bool, tag = "3")]
    pub(crate) committed: bool,
}

/// An entry of the log.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct EntryAtMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) id: Option<LogIdMessage>,
    #[prost(bytes = "bytes", tag = "2")]
    pub(crate) payload: Bytes,
}

/// Entries for a follower.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "2")]
    pub(crate) previous: Option<LogIdMessage>,
    #[prost(message, repeated, tag = "3")]
    pub(crate) entries: Vec<EntryAtMessage>,
    #[prost(message, optional, tag = "4")]
    pub(crate) committed: Option<LogIdMessage>,
}

/// What became of them.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct AppendedMessage {
    #[prost(enumeration = "AppendedKind", tag = "1")]
    pub(crate) kind: i32,
    /// How far they were taken, if only in part.
    #[prost(message, optional, tag = "2")]
    pub(crate) upto: Option<LogIdMessage>,
    /// The greater vote that stands against them.
    #[prost(message, optional, tag = "3")]
    pub(crate) vote: Option<VoteMessage>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum AppendedKind {
    Unknown = 0,
    Success = 1,
    Partial = 2,
    Conflict = 3,
    HigherVote = 4,
}

/// A candidate asks for a vote.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VoteRequestMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "2")]
    pub(crate) last: Option<LogIdMessage>,
    #[prost(bool, tag = "3")]
    pub(crate) is_transfer: bool,
}

/// And gets it or not.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct VoteAnswerMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) vote: Option<VoteMessage>,
    #[prost(bool, tag = "2")]
    pub(crate) granted: bool,
    #[prost(message, optional, tag = "3")]
    pub(crate) last: Option<LogIdMessage>,
}

/// The leader hands over.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TransferMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) from: Option<VoteMessage>,
    #[prost(uint64, tag = "2")]
    pub(crate) to: u64,
    #[prost(message, optional, tag = "3")]
    pub(crate) last: Option<LogIdMessage>,
}

/// A part of a snapshot.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SnapshotPartMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) vote: Option<VoteMessage>,
    #[prost(message, optional, tag = "2")]
    pub(crate) last: Option<LogIdMessage>,
    #[prost(uint64, tag = "3")]
    pub(crate) offset: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) total: u64,
    #[prost(bytes = "bytes", tag = "5")]
    pub(crate) bytes: Bytes,
}

/// The receiver's vote, which may stand against the snapshot.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SnapshotAnswerMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) vote: Option<VoteMessage>,
}

/// Commands for the leader, each one atomic step.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProposeMessage {
    #[prost(bytes = "bytes", repeated, tag = "1")]
    pub(crate) commands: Vec<Bytes>,
    /// How many milliseconds the proposer waits.
    #[prost(uint32, tag = "2")]
    pub(crate) wait_ms: u32,
}

/// What they came to.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ProposedMessage {
    #[prost(message, repeated, tag = "1")]
    pub(crate) replies: Vec<ReplyMessage>,
    #[prost(message, optional, tag = "2")]
    pub(crate) refusal: Option<RefusalMessage>,
}

/// Why nothing is answered for them.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RefusalMessage {
    /// Whether they certainly did not happen, now or later.
    #[prost(bool, tag = "1")]
    pub(crate) has_no_effect: bool,
    #[prost(enumeration = "RefusalKind", tag = "2")]
    pub(crate) kind: i32,
    #[prost(string, tag = "3")]
    pub(crate) message: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum RefusalKind {
    Unavailable = 0,
    Overloaded = 1,
    /// Whoever was asked does not lead.
    NotLeader = 2,
}

/// What one command came to.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReplyMessage {
    /// One for each change of a commit: see `reply`.
    #[prost(sint64, repeated, tag = "1")]
    pub(crate) answers: Vec<i64>,
    #[prost(uint64, optional, tag = "2")]
    pub(crate) life: Option<u64>,
    #[prost(uint64, optional, tag = "3")]
    pub(crate) admitted: Option<u64>,
    #[prost(bool, tag = "4")]
    pub(crate) noted: bool,
}

/// How far a read has to wait: the index of an entry, or nothing if there is no saying now.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReadIndexMessage {
    #[prost(uint64, optional, tag = "1")]
    pub(crate) index: Option<u64>,
    #[prost(string, tag = "2")]
    pub(crate) why_not: String,
}

/// How a node is, as it says itself.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ReportMessage {
    #[prost(uint64, tag = "1")]
    pub(crate) node: u64,
    #[prost(uint64, tag = "2")]
    pub(crate) life: u64,
    #[prost(string, tag = "3")]
    pub(crate) address: String,
    #[prost(string, tag = "4")]
    pub(crate) version: String,
    #[prost(uint32, tag = "5")]
    pub(crate) format_max: u32,
    #[prost(uint64, optional, tag = "6")]
    pub(crate) last_log: Option<u64>,
    #[prost(uint64, optional, tag = "7")]
    pub(crate) committed: Option<u64>,
    #[prost(uint64, optional, tag = "8")]
    pub(crate) applied: Option<u64>,
    #[prost(uint64, optional, tag = "9")]
    pub(crate) snapshot: Option<u64>,
    #[prost(uint64, tag = "10")]
    pub(crate) term: u64,
    #[prost(uint32, tag = "11")]
    pub(crate) role: u32,
    /// Why it must not lead, if so: its clock or its disk.
    #[prost(string, tag = "12")]
    pub(crate) unfit: String,
    /// Its wall clock, in milliseconds since the Unix epoch.
    #[prost(sint64, tag = "13")]
    pub(crate) now: i64,
    /// Whether it has just started and asks whether it may take part.
    #[prost(bool, tag = "14")]
    pub(crate) is_arriving: bool,
    /// How long it waits for a leader before it stands for election, in milliseconds.
    #[prost(uint64, tag = "15")]
    pub(crate) election_timeout_ms: u64,
    /// How many attempts others may claim for it.
    #[prost(uint64, tag = "16")]
    pub(crate) offered: u64,
    /// Whether it may send now.
    #[prost(bool, tag = "17")]
    pub(crate) may_send: bool,
}

/// The answer to a report.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ContactMessage {
    #[prost(message, optional, tag = "1")]
    pub(crate) report: Option<ReportMessage>,
    /// Why whoever asked may not take part any more; it should end with this.
    #[prost(string, tag = "2")]
    pub(crate) farewell: String,
    /// Whether that is only about a node that has just started: it means nothing any more once the
    /// others have let it take part.
    #[prost(bool, tag = "3")]
    pub(crate) is_about_arrival: bool,
    /// Who votes, as far as this node knows; only to a node that has just started, which may know
    /// only who did when it ended.
    #[prost(uint64, repeated, tag = "4")]
    pub(crate) voters: Vec<u64>,
    /// For how long from its question on whoever asked may send what was claimed for it, in
    /// milliseconds: nobody else can lead meanwhile.
    #[prost(uint64, tag = "5")]
    pub(crate) vouched_ms: u64,
    /// What it has to have applied for that.
    #[prost(uint64, tag = "6")]
    pub(crate) vouched_after: u64,
}

/// A founder without a cluster tells who it believes the founders are.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MeetMessage {
    /// The founders, in order.
    #[prost(string, repeated, tag = "1")]
    pub(crate) hosts: Vec<String>,
    /// Which of them asks.
    #[prost(string, tag = "2")]
    pub(crate) address: String,
}

/// What whoever was asked knows.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct MetMessage {
    #[prost(enumeration = "MetKind", tag = "1")]
    pub(crate) kind: i32,
    #[prost(bytes = "vec", tag = "2")]
    pub(crate) cluster: Vec<u8>,
    /// The number under which the asker's address is known, or 0.
    #[prost(uint64, tag = "3")]
    pub(crate) known_as: u64,
    #[prost(string, repeated, tag = "4")]
    pub(crate) hosts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub(crate) enum MetKind {
    Unknown = 0,
    /// It belongs to no cluster and is a founder too.
    Blank = 1,
    /// It has been told the cluster's name and waits for it to begin.
    Pending = 2,
    /// It is a member of a cluster.
    Member = 3,
    /// It belongs to no cluster and is no founder.
    Stranger = 4,
}

/// The founders' cluster has a name.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FoundMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) cluster: Vec<u8>,
    #[prost(string, repeated, tag = "2")]
    pub(crate) hosts: Vec<String>,
}

/// A node asks to be let in.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct JoinMessage {
    #[prost(bytes = "bytes", tag = "1")]
    pub(crate) nonce: Bytes,
    #[prost(string, tag = "2")]
    pub(crate) address: String,
    #[prost(uint32, tag = "3")]
    pub(crate) format_max: u32,
    /// How often it was passed on to the leader.
    #[prost(uint32, tag = "4")]
    pub(crate) hops: u32,
}

/// And is, or not.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct JoinedMessage {
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) cluster: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) node: u64,
    /// Why not, for good.
    #[prost(string, tag = "3")]
    pub(crate) refusal: String,
    /// Why not yet.
    #[prost(string, tag = "4")]
    pub(crate) not_yet: String,
}

/// What somebody asks the leader to do to the cluster.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrandMessage {
    /// Let this node go.
    #[prost(uint64, optional, tag = "1")]
    pub(crate) remove: Option<u64>,
    /// Hand over to this node; 0 for any.
    #[prost(uint64, optional, tag = "2")]
    pub(crate) transfer: Option<u64>,
}

/// What came of it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct ErrandDoneMessage {
    /// The number of [`crate::ErrorKind`]-like cases in `cluster::errand`; 0 is done.
    #[prost(uint32, tag = "1")]
    pub(crate) failure: u32,
    #[prost(string, tag = "2")]
    pub(crate) message: String,
    #[prost(uint64, tag = "3")]
    pub(crate) leader: u64,
}

/// What a data directory belongs to, as kept on disk.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct IdentityMessage {
    /// Sixteen bytes, big-endian; none before the node belongs to a cluster.
    #[prost(bytes = "vec", tag = "1")]
    pub(crate) cluster: Vec<u8>,
    #[prost(uint64, tag = "2")]
    pub(crate) node: u64,
    /// What the node calls itself while it asks to be let in.
    #[prost(bytes = "bytes", tag = "3")]
    pub(crate) nonce: Bytes,
    /// The founders, while the cluster has not begun.
    #[prost(string, repeated, tag = "4")]
    pub(crate) founders: Vec<String>,
    /// Whether a log was begun beside it, so that a directory that lost it is told from a new one.
    #[prost(bool, tag = "5")]
    pub(crate) has_log: bool,
}
