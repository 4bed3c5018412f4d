//! The log as raft sees it.

use std::fmt::Debug;
use std::io;
use std::ops::{Bound, Range, RangeBounds, RangeInclusive};
use std::sync::Arc;

use bytes::Bytes;
use openraft::storage::{IOFlushed, RaftLogStorage};
use openraft::{LogState, OptionalSend, RaftLogReader};
use tokio::sync::oneshot;

use crate::log::{self, Log, READ_BYTES_MAX};
use crate::types::{Entry, LogId, TypeConfig, Vote, from_log, from_log_vote, to_log, to_log_vote};
use crate::wire::entry;
use crate::{Error, ErrorKind};

/// A handle to the log of this node; clones share it.
#[derive(Debug, Clone)]
pub(crate) struct LogStore(pub(crate) Arc<Log>);

impl LogStore {
    fn entries(&self, range: Range<u64>, bytes_max: usize) -> io::Result<Vec<Entry>> {
        let read = self.0.read(range, bytes_max)?;
        Ok(read.into_iter().map(|(id, payload)| decode(id, payload)).collect::<Result<_, _>>()?)
    }
}

/// The entry that stands in the log as `payload`.
pub(crate) fn decode(id: log::LogId, payload: Bytes) -> Result<Entry, Error> {
    let payload = entry::decode(payload).map_err(|error| {
        Error::new(ErrorKind::Foreign, format!("log entry {} cannot be read: {error}", id.index))
    })?;
    Ok(Entry { log_id: from_log(id), payload })
}

fn half_open(range: &impl RangeBounds<u64>) -> Range<u64> {
    let start = match range.start_bound() {
        Bound::Included(&start) => start,
        Bound::Excluded(&start) => start + 1,
        Bound::Unbounded => 0,
    };
    let end = match range.end_bound() {
        Bound::Included(&end) => end.saturating_add(1),
        Bound::Excluded(&end) => end,
        Bound::Unbounded => u64::MAX,
    };
    start..end
}

impl RaftLogReader<TypeConfig> for LogStore {
    async fn try_get_log_entries<RB: RangeBounds<u64> + Clone + Debug + OptionalSend>(
        &mut self,
        range: RB,
    ) -> io::Result<Vec<Entry>> {
        self.entries(half_open(&range), usize::MAX)
    }

    async fn read_vote(&mut self) -> io::Result<Option<Vote>> {
        Ok(self.0.state().vote.map(from_log_vote))
    }

    async fn limited_get_log_entries(&mut self, start: u64, end: u64) -> io::Result<Vec<Entry>> {
        self.entries(start..end, READ_BYTES_MAX)
    }

    async fn get_key_log_ids(&mut self, range: RangeInclusive<LogId>) -> io::Result<Vec<LogId>> {
        // The last position of each leader. Positions stay in memory, so a walk over them is
        // cheaper than the default, which searches and decodes.
        let mut keys: Vec<LogId> = Vec::new();
        for index in range.start().index..=range.end().index {
            let Some(id) = self.0.log_id(index).map(from_log) else {
                continue;
            };
            match keys.last_mut() {
                Some(key) if key.leader_id == id.leader_id => *key = id,
                _ => keys.push(id),
            }
        }
        Ok(keys)
    }
}

impl RaftLogStorage<TypeConfig> for LogStore {
    type LogReader = Self;

    async fn get_log_state(&mut self) -> io::Result<LogState<TypeConfig>> {
        let state = self.0.state();
        Ok(LogState {
            last_purged_log_id: state.purged.map(from_log),
            last_log_id: state.last.map(from_log),
        })
    }

    async fn get_log_reader(&mut self) -> Self {
        self.clone()
    }

    async fn save_vote(&mut self, vote: &Vote) -> io::Result<()> {
        let (sender, receiver) = oneshot::channel();
        let done = Box::new(move |outcome| {
            // Raft may have stopped waiting; then nobody relies on the vote.
            let _gone = sender.send(outcome);
        });
        self.0.save_vote(to_log_vote(vote), done)?;
        let stopped = |_| Error::new(ErrorKind::Stopped, "the log is closed");
        Ok(receiver.await.map_err(stopped)??)
    }

    async fn save_committed(&mut self, committed: Option<LogId>) -> io::Result<()> {
        if let Some(id) = committed {
            self.0.set_committed(to_log(&id));
        }
        Ok(())
    }

    async fn read_committed(&mut self) -> io::Result<Option<LogId>> {
        Ok(self.0.state().committed.map(from_log))
    }

    async fn append<I>(&mut self, entries: I, callback: IOFlushed<TypeConfig>) -> io::Result<()>
    where
        I: IntoIterator<Item = Entry> + OptionalSend,
        I::IntoIter: OptionalSend,
    {
        let entries = entries.into_iter();
        let entries = entries.map(|e| (to_log(&e.log_id), entry::encode(e.payload))).collect();
        let done = Box::new(move |outcome: Result<(), Error>| {
            callback.io_completed(outcome.map_err(io::Error::from));
        });
        Ok(self.0.append(entries, done)?)
    }

    async fn truncate_after(&mut self, last_log_id: Option<LogId>) -> io::Result<()> {
        Ok(self.0.truncate_after(last_log_id.as_ref().map(to_log))?)
    }

    async fn purge(&mut self, log_id: LogId) -> io::Result<()> {
        Ok(self.0.purge(to_log(&log_id))?)
    }
}
