//! Takes entries of the log into a view; all of them while nobody else has the view yet.

use std::panic::resume_unwind;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;

use crate::log::{Log, READ_BYTES_MAX};
use crate::log_store::decode;
use crate::state::View;
use crate::types::{Entry, Payload, Replies, StoredMembership};
use crate::{Error, ErrorKind};

/// How many entries may be read before they are in the view.
const ENTRIES_AHEAD: usize = 4;

/// Takes in the entries of `log` that come after `view`, those with an index below `end`: one
/// thread reads them and checks them, while the calling one applies them.
pub(crate) fn replay(view: &mut View, log: &Log, end: u64, format_max: u32) -> Result<(), Error> {
    let next = view.applied.map_or(0, |id| id.index + 1);
    if next >= end.min(log.range().end) {
        return Ok(());
    }
    let (to_view, entries) = sync_channel::<Entry>(ENTRIES_AHEAD);
    thread::scope(|scope| {
        let reading = thread::Builder::new().name("xcron-read".to_owned());
        let reading = reading.spawn_scoped(scope, move || read(log, next, end, &to_view));
        let reading = reading.map_err(|e| Error::disk("cannot start a thread", &e))?;
        let applied = view.in_bulk(|view| {
            entries.iter().try_for_each(|entry| apply(view, entry, format_max).map(drop))
        });
        // The reading thread is not to wait for anybody who takes what it has read.
        drop(entries);
        // An entry that was refused stands before one that could not be read.
        applied.and(reading.join().unwrap_or_else(|bug| resume_unwind(bug)))
    })
}

/// Reads the entries from `next` on, those below `end`, and hands them over.
fn read(log: &Log, mut next: u64, end: u64, to_view: &SyncSender<Entry>) -> Result<(), Error> {
    loop {
        let entries = log.read(next..end, READ_BYTES_MAX)?;
        if entries.is_empty() {
            return Ok(());
        }
        for (id, payload) in entries {
            if id.index != next {
                let what = format!("entry {} follows where entry {next} belongs", id.index);
                return Err(Error::damaged("log", 0, what));
            }
            next += 1;
            if to_view.send(decode(id, payload)?).is_err() {
                return Ok(()); // an entry before was refused
            }
        }
    }
}

/// Takes in one entry; what its commands came to.
pub(crate) fn apply(view: &mut View, entry: Entry, format_max: u32) -> Result<Replies, Error> {
    let id = entry.log_id;
    let replies = match entry.payload {
        Payload::Blank => Replies::default(),
        Payload::Normal(batch) => view.apply(batch, format_max).map_err(|error| {
            let what = format!("entry {} cannot be applied: {error}", id.index);
            Error::new(ErrorKind::Foreign, what)
        })?,
        Payload::Membership(membership) => {
            view.set_membership(StoredMembership::new(Some(id), membership));
            Replies::default()
        }
    };
    view.applied = Some(id);
    Ok(replies)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use xcron_core::testing::sample::{create, due_at};

    use super::*;
    use crate::disk::memory::MemoryDisk;
    use crate::log::{LogId, LogSettings, Threads};
    use crate::machine::{Machine, Published};
    use crate::snapshot::Snapshots;
    use crate::state::FORMAT_MAX;
    use crate::types::Batch;
    use crate::wire::change::{Keeping, encode_commit};
    use crate::wire::entry::encode;

    fn id(index: u64) -> LogId {
        LogId { term: 1, node: 1, index }
    }

    /// A log with an entry for each of these commands.
    fn log_of(disk: &MemoryDisk, commands: impl IntoIterator<Item = Bytes>) -> Log {
        let (segment_bytes, cache_bytes, threads) = (4_096, 100, Threads::Caller);
        let settings =
            LogSettings { cluster_id: 1, segment_bytes, cache_bytes, salt_seed: 1, threads };
        let log = Log::open(Arc::new(disk.clone()), settings).unwrap();
        for (command, index) in commands.into_iter().zip(0..) {
            let payload = encode(Payload::Normal(Batch { commands: vec![command] }));
            log.append(vec![(id(index), payload)], Box::new(|done| done.unwrap())).unwrap();
        }
        log
    }

    fn creates(count: u64) -> impl Iterator<Item = Bytes> {
        let create = |n| create(&format!("t{n}"), due_at(9));
        (0..count).map(move |n| encode_commit(&[create(n)], Keeping::default()))
    }

    fn reached(view: &View) -> (Option<u64>, u64) {
        (view.applied.map(|id| id.index), view.counts().total())
    }

    #[test]
    fn entries_up_to_the_end_are_taken_in_once() {
        let log = log_of(&MemoryDisk::default(), creates(30));
        let mut view = View::default();
        for (end, last) in [(0, None), (8, Some(7)), (8, Some(7)), (u64::MAX, Some(29))] {
            replay(&mut view, &log, end, FORMAT_MAX).unwrap();
            assert_eq!(reached(&view), (last, last.map_or(0, |last| last + 1)), "up to {end}");
        }
    }

    #[test]
    fn an_entry_that_cannot_be_applied_is_named_and_ends_it() {
        // Field 9 of a command: of a later version.
        let unknown = Bytes::from_static(&[0x4a, 0x00]);
        let commands = creates(5).chain([unknown]).chain(creates(30));
        let log = log_of(&MemoryDisk::default(), commands);
        let mut view = View::default();
        let error = replay(&mut view, &log, u64::MAX, FORMAT_MAX).unwrap_err();
        assert!(error.to_string().starts_with("entry 5 cannot be applied"), "{error}");
        assert_eq!((error.kind(), reached(&view)), (ErrorKind::Foreign, (Some(4), 5)));
    }

    #[test]
    fn a_log_that_does_not_follow_is_refused() {
        let log = log_of(&MemoryDisk::default(), creates(9));
        log.purge(id(3)).unwrap();
        let mut view = View::default();
        let error = replay(&mut view, &log, u64::MAX, FORMAT_MAX).unwrap_err();
        assert_eq!((error.kind(), reached(&view)), (ErrorKind::Damaged, (None, 0)), "{error}");
    }

    #[test]
    fn nobody_sees_a_machine_before_it_holds_all_that_is_committed() {
        let disk = MemoryDisk::default();
        let log = log_of(&disk, creates(9));
        log.set_committed(id(6));
        let published = Arc::new(Published::default());
        let snapshots = Snapshots::new(Arc::new(disk), 1, FORMAT_MAX);
        let mut machine = Machine::open(snapshots, published.clone()).unwrap();
        let before = *published.changes().borrow();
        machine.catch_up(&log).unwrap();
        assert_eq!(reached(&published.view()), (Some(6), 7));
        assert_eq!(*published.changes().borrow(), before + 1, "what is published is shared");
    }
}
