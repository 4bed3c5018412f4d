//! The values that the log keeps: where an entry stands, who is voted for, and their sum.

/// The greatest number that an index, a term or any other counter may have. None ever gets there,
/// so what says otherwise was not written by a node; and one more step stays in range.
pub(crate) const COUNT_MAX: u64 = 1 << 62;

/// Position of an entry, with the leader that wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LogId {
    pub(crate) term: u64,
    pub(crate) node: u64,
    pub(crate) index: u64,
}

impl LogId {
    /// Whether an entry could be there.
    pub(crate) fn is_possible(&self) -> bool {
        self.index <= COUNT_MAX && self.term <= COUNT_MAX
    }
}

/// The vote of this node.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Vote {
    pub(crate) term: u64,
    pub(crate) node: u64,
    pub(crate) committed: bool,
}

/// What a record does; the number is what stands on the disk and never changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum RecordKind {
    Append = 1,
    Vote = 2,
    TruncateAfter = 3,
    TruncateAll = 4,
    Purge = 5,
    Committed = 6,
}

impl RecordKind {
    /// The kind with this number, if this version knows it.
    pub(crate) fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Append,
            2 => Self::Vote,
            3 => Self::TruncateAfter,
            4 => Self::TruncateAll,
            5 => Self::Purge,
            6 => Self::Committed,
            _ => return None,
        })
    }
}

/// A record without its payload; a vote stores in `id.index` whether it is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordHead {
    pub(crate) kind: RecordKind,
    pub(crate) id: LogId,
}

impl RecordHead {
    /// The record that saves `vote`.
    pub(crate) fn vote(vote: Vote) -> Self {
        let id = LogId { term: vote.term, node: vote.node, index: u64::from(vote.committed) };
        Self { kind: RecordKind::Vote, id }
    }
}

/// What all records up to some point amount to, apart from the entries themselves.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Checkpoint {
    pub(crate) vote: Option<Vote>,
    pub(crate) purged: Option<LogId>,
    pub(crate) last: Option<LogId>,
    pub(crate) committed: Option<LogId>,
}

impl Checkpoint {
    /// The checkpoint after one more record; the reason if that record cannot follow.
    pub(crate) fn apply(&mut self, record: RecordHead) -> Result<(), String> {
        let id = record.id;
        if !id.is_possible() {
            return Err(format!("entry {} of term {} cannot be", id.index, id.term));
        }
        match record.kind {
            RecordKind::Append => {
                if let Some(last) = self.last
                    && id.index != last.index + 1
                {
                    return Err(format!("entry {} follows entry {}", id.index, last.index));
                }
                self.last = Some(id);
            }
            RecordKind::Vote => {
                let committed = id.index != 0;
                self.vote = Some(Vote { term: id.term, node: id.node, committed });
            }
            RecordKind::TruncateAfter => {
                if self.last.is_none_or(|last| id.index > last.index) {
                    return Err(format!("cut after entry {}, which does not exist", id.index));
                }
                if self.purged.is_some_and(|purged| id.index < purged.index) {
                    return Err(format!("cut after entry {}, which is purged", id.index));
                }
                self.last = Some(id);
            }
            RecordKind::TruncateAll => self.last = self.purged,
            RecordKind::Purge => {
                if self.purged.is_some_and(|purged| id.index < purged.index) {
                    return Err(format!("purge of entry {}, which is purged", id.index));
                }
                self.purged = Some(id);
                if self.last.is_none_or(|last| last.index < id.index) {
                    self.last = Some(id);
                }
            }
            RecordKind::Committed => {
                if self.last.is_none_or(|last| id.index > last.index) {
                    return Err(format!("entry {} is committed and not there", id.index));
                }
                self.committed = Some(id);
            }
        }
        Ok(())
    }

    /// Whether records can amount to this.
    pub(crate) fn is_possible(&self) -> bool {
        let mut ids = [self.purged, self.last, self.committed].into_iter().flatten();
        let purged = self.purged.map(|id| id.index);
        ids.all(|id| id.is_possible())
            && self.vote.is_none_or(|vote| vote.term <= COUNT_MAX)
            && purged <= self.last.map(|id| id.index)
    }
}
