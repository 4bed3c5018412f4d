//! The durable log: entries and votes, acknowledged only once they are on disk.
//!
//! A log is a row of segments (`segment`, `header`), each filled with frames of records (`frame`).
//! One thread writes (`flusher`): it drains what waits (`queue`) into one frame, writes it, syncs
//! it, and only then answers. Readers see an entry in `memory` the moment it is handed over. A
//! second thread prepares the next segment (`spare`). `recovery` reads everything back at start.
//!
//! A write or sync that fails poisons the log: nothing is acknowledged from then on, the sync is
//! not tried again (the system may have dropped the pages and would report success), and
//! [`Log::fatal`] tells whoever runs the process to end it. A full disk is no such failure: the
//! writer waits for space, [`Log::full`] says so, and what was read stays readable.

mod flusher;
mod frame;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod header;
mod id;
mod mark;
mod memory;
mod queue;
mod recovery;
mod segment;
mod settings;
mod spare;
#[cfg(test)]
mod tests;
#[cfg(any(test, feature = "testing"))]
mod turns;

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use bytes::Bytes;
use tokio::sync::watch;

use crate::disk::Disk;
use crate::{Error, ErrorKind};
use flusher::{Flusher, Position, create_segment};
use id::{Checkpoint, RecordHead, RecordKind};
use mark::Mark;
use memory::{Memory, Payload, Place};
use queue::{Item, Job, Queue};
use segment::{Active, Segment};
use spare::{Spare, SparePool};

pub(crate) use id::{COUNT_MAX, LogId, Vote};
pub(crate) use queue::Done;
pub(crate) use settings::{LogSettings, READ_BYTES_MAX, Threads};

/// Name of the first segment's file until it has a header.
const FIRST_NAME: &str = "spare-first";

/// Counters that may be read at any time.
#[derive(Debug, Default)]
pub(crate) struct LogStats {
    /// Frames written and synced.
    pub(crate) syncs: AtomicU64,
    /// Bytes written.
    pub(crate) bytes: AtomicU64,
    /// Bytes left in the segment that is written to.
    pub(crate) room: AtomicU64,
    /// Index of the last entry that a crash cannot take away, as a purged one cannot be; 0 if none.
    pub(crate) durable: AtomicU64,
}

impl LogStats {
    fn note_durable(&self, written: &Checkpoint) {
        let index = |id: Option<LogId>| id.map(|id| id.index);
        let last = index(written.last).max(index(written.purged)).unwrap_or(0);
        self.durable.store(last, Ordering::SeqCst);
    }
}

/// What the threads of a log share.
#[derive(Debug)]
struct Shared {
    disk: Arc<dyn Disk>,
    settings: LogSettings,
    memory: Mutex<Memory>,
    segments: Mutex<BTreeMap<u64, Arc<Segment>>>,
    queue: Queue,
    spares: SparePool,
    fatal: watch::Sender<Option<Error>>,
    stats: LogStats,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn segments(&self) -> MutexGuard<'_, BTreeMap<u64, Arc<Segment>>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn failure(&self) -> Option<Error> {
        self.fatal.borrow().clone()
    }

    /// Ends all acknowledging; only the first failure is kept.
    fn poison(&self, error: &Error) {
        let is_first = self.fatal.send_if_modified(|fatal| {
            let is_first = fatal.is_none();
            fatal.get_or_insert_with(|| error.clone());
            is_first
        });
        if is_first {
            tracing::error!(%error, "the log failed; nothing is acknowledged from now on");
        }
    }
}

/// The log of one node.
#[derive(Debug)]
pub(crate) struct Log {
    shared: Arc<Shared>,
    flusher: Arc<Mutex<Option<Flusher>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

impl Log {
    /// Opens the log on `disk`, or begins one; the caller holds the directory's lock.
    pub(crate) fn open(disk: Arc<dyn Disk>, settings: LogSettings) -> Result<Self, Error> {
        settings.check()?;
        let recovered = recovery::recover(&*disk, &settings)?;
        let spares = SparePool::open(disk.clone(), &settings)?;
        let is_new = recovered.is_none();
        let (memory, segments, position) = match recovered {
            Some(found) => (found.memory, found.segments, Some(found.position)),
            None => {
                let memory = Memory::new(Checkpoint::default(), settings.cache_bytes);
                (memory, BTreeMap::new(), None)
            }
        };
        tracing::info!(is_new, entries = ?memory.range(), segments = segments.len(), "log opened");
        let shared = Arc::new(Shared {
            disk,
            settings,
            memory: Mutex::new(memory),
            segments: Mutex::new(segments),
            queue: Queue::default(),
            spares,
            fatal: watch::Sender::new(None),
            stats: LogStats::default(),
        });
        let position = match position {
            Some(position) => position,
            None => begin(&shared)?,
        };
        shared.stats.room.store(position.active.room(), Ordering::Relaxed);
        shared.stats.note_durable(&position.written);
        let flusher = Flusher::new(shared.clone(), position);
        let log = Self { shared, flusher: Arc::default(), threads: Mutex::default() };
        log.start(flusher)?;
        Ok(log)
    }

    fn start(&self, mut flusher: Flusher) -> Result<(), Error> {
        if self.shared.settings.threads != Threads::Own {
            *self.flusher() = Some(flusher);
            #[cfg(any(test, feature = "testing"))]
            if self.shared.settings.threads == Threads::Task {
                let turns = turns::take(self.shared.clone(), self.flusher.clone());
                drop(crate::runtime::spawn(turns));
            }
            return Ok(());
        }
        let failed = |e| Error::disk("cannot start a thread of the log", &e);
        let shared = self.shared.clone();
        let spare = thread::Builder::new().name("xcron-log-spare".to_owned());
        let spare = spare.spawn(move || shared.spares.run()).map_err(failed)?;
        self.threads().push(spare);
        let writer = thread::Builder::new().name("xcron-log".to_owned());
        let writer = writer.spawn(move || flusher.run()).map_err(failed)?;
        self.threads().push(writer);
        Ok(())
    }

    fn flusher(&self) -> MutexGuard<'_, Option<Flusher>> {
        self.flusher.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn threads(&self) -> MutexGuard<'_, Vec<JoinHandle<()>>> {
        self.threads.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over entries; they can be read on return, and `done` is told when they are durable.
    pub(crate) fn append(&self, entries: Vec<(LogId, Bytes)>, done: Done) -> Result<(), Error> {
        let bytes_max = self.shared.settings.payload_bytes_max();
        if let Some((id, payload)) = entries.iter().find(|(_, p)| p.len() > bytes_max) {
            let (index, bytes) = (id.index, payload.len());
            let message = format!("entry {index} has {bytes} bytes, the most is {bytes_max}");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        self.submit(|memory| {
            let mut items = Vec::with_capacity(entries.len());
            for (id, payload) in entries {
                let ticket = memory.append(id, payload.clone())?;
                let head = RecordHead { kind: RecordKind::Append, id };
                items.push(Item { head, payload, ticket });
            }
            Ok(Job { items, done: Some(done) })
        })
    }

    /// Hands over a vote; `done` is told when it is durable.
    pub(crate) fn save_vote(&self, vote: Vote, done: Done) -> Result<(), Error> {
        self.submit_head(RecordHead::vote(vote), Some(done))
    }

    /// Removes the entries after `last`, or all.
    pub(crate) fn truncate_after(&self, last: Option<LogId>) -> Result<(), Error> {
        if last.map(|id| id.index) >= self.state().last.map(|id| id.index) {
            return Ok(());
        }
        let head = match last {
            Some(id) => RecordHead { kind: RecordKind::TruncateAfter, id },
            None => RecordHead { kind: RecordKind::TruncateAll, id: LogId::default() },
        };
        self.submit_head(head, None)
    }

    /// Removes the entries up to and including `through`.
    pub(crate) fn purge(&self, through: LogId) -> Result<(), Error> {
        let purged = self.state().purged;
        if purged.is_some_and(|purged| purged.index >= through.index) {
            return Ok(());
        }
        self.submit_head(RecordHead { kind: RecordKind::Purge, id: through }, None)
    }

    /// Notes how far entries are committed; it becomes durable with the next write.
    pub(crate) fn set_committed(&self, id: LogId) {
        self.shared.memory().set_committed(id);
    }

    /// Vote, first and last entry, as handed over so far.
    pub(crate) fn state(&self) -> LogState {
        let memory = self.shared.memory();
        let Checkpoint { vote, purged, last, committed } = *memory.state();
        LogState { vote, purged, last, committed }
    }

    /// Indexes of all entries.
    pub(crate) fn range(&self) -> Range<u64> {
        self.shared.memory().range()
    }

    /// Position of an entry.
    pub(crate) fn log_id(&self, index: u64) -> Option<LogId> {
        self.shared.memory().log_id(index)
    }

    /// The entries of `range` that exist, up to `bytes_max` of payload but at least one.
    pub(crate) fn read(
        &self,
        range: Range<u64>,
        bytes_max: usize,
    ) -> Result<Vec<(LogId, Bytes)>, Error> {
        let found = self.shared.memory().read(range, bytes_max);
        let mut entries = Vec::with_capacity(found.len());
        for (id, payload) in found {
            match payload {
                Payload::Cached(payload) => entries.push((id, payload)),
                Payload::Stored(place) => match self.read_stored(id, place) {
                    Ok(payload) => entries.push((id, payload)),
                    // Purged meanwhile: as if it had not been there.
                    Err(_) if id.index < self.range().start => entries.clear(),
                    Err(error) => return Err(error),
                },
            }
        }
        Ok(entries)
    }

    fn read_stored(&self, id: LogId, place: Place) -> Result<Bytes, Error> {
        let segment = self.shared.segments().get(&place.segment).cloned();
        let at = u64::from(place.offset);
        let Some(segment) = segment else {
            let name = segment::segment_name(place.segment);
            return Err(Error::damaged(&name, at, "the segment is gone"));
        };
        let mut bytes = vec![0; place.len as usize];
        let read = segment.file.read_at(at, &mut bytes);
        read.map_err(|e| Error::disk(format!("cannot read {}", segment.name), &e))?;
        frame::entry_payload(&segment.name, at, bytes.into(), segment.salt, id)
    }

    /// Becomes `Some` when the log fails; the process has to end then.
    pub(crate) fn fatal(&self) -> watch::Receiver<Option<Error>> {
        self.shared.fatal.subscribe()
    }

    /// Counters.
    pub(crate) fn stats(&self) -> &LogStats {
        &self.shared.stats
    }

    /// Why the log may soon have no room: the disk was too full to prepare the next segment.
    pub(crate) fn full(&self) -> Option<Error> {
        let failure = self.shared.spares.failure();
        failure.filter(|failure| failure.kind() == ErrorKind::Full)
    }

    /// From now on a full disk fails whoever writes instead of having them wait.
    pub(crate) fn stop_waiting(&self) {
        self.shared.spares.close();
    }

    /// Writes what is queued and joins the threads. Further calls are refused.
    pub(crate) fn close(&self) {
        self.shared.queue.close();
        if let Some(mut flusher) = self.flusher().take() {
            flusher.run_once();
            flusher.finish();
        }
        self.stop_waiting();
        // The spare thread ends last: the flusher may wait for what it prepares.
        let threads = std::mem::take(&mut *self.threads());
        let is_writer = |t: &JoinHandle<()>| t.thread().name() == Some("xcron-log");
        let (writer, spare): (Vec<_>, Vec<_>) = threads.into_iter().partition(is_writer);
        join(writer);
        self.shared.spares.stop();
        join(spare);
    }

    fn submit_head(&self, head: RecordHead, done: Option<Done>) -> Result<(), Error> {
        self.submit(|memory| {
            memory.apply(head)?;
            Ok(Job::single(head, done))
        })
    }

    /// Changes memory and queues the job in one step, so that both see one order.
    fn submit(&self, change: impl FnOnce(&mut Memory) -> Result<Job, String>) -> Result<(), Error> {
        if let Some(failure) = self.shared.failure() {
            return Err(failure);
        }
        {
            let mut memory = self.shared.memory();
            let refused = |why| Error::new(ErrorKind::Storage, format!("log refused: {why}"));
            let job = change(&mut memory).map_err(refused)?;
            let pushed = self.shared.queue.push(job);
            pushed.inspect_err(|error| self.shared.poison(error))?;
        }
        #[cfg(test)]
        if self.shared.settings.threads == Threads::Caller
            && let Some(flusher) = &mut *self.flusher()
        {
            flusher.run_once();
        }
        Ok(())
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.close();
    }
}

/// The segment that the log on `disk` is written to, and how far it reaches, in bytes.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn end_of(disk: &dyn Disk, settings: &LogSettings) -> Option<(String, u64)> {
    let recovered = recovery::recover(disk, settings).ok()??;
    let active = recovered.position.active;
    Some((active.segment.name.clone(), active.position))
}

/// What a log amounts to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct LogState {
    pub(crate) vote: Option<Vote>,
    pub(crate) purged: Option<LogId>,
    pub(crate) last: Option<LogId>,
    pub(crate) committed: Option<LogId>,
}

/// Begins a log with a short first segment, whose zeroing the first start waits for.
fn begin(shared: &Shared) -> Result<Position, Error> {
    let bytes = shared.settings.first_segment_bytes();
    let mark = Mark::create(&*shared.disk)?;
    let created = shared.disk.create_zeroed(FIRST_NAME, bytes);
    let file = created.map_err(|e| Error::disk("cannot create the log", &e))?;
    let spare = Spare { name: FIRST_NAME.to_owned(), file, former_salt: None };
    let segment = create_segment(shared, spare, 1, Checkpoint::default())?;
    shared.segments().insert(1, segment.clone());
    let active = Active::new(segment);
    let (closed, written) = (Default::default(), Checkpoint::default());
    Ok(Position { active, closed, written, mark })
}

fn join(threads: Vec<JoinHandle<()>>) {
    for thread in threads {
        if thread.join().is_err() {
            tracing::error!("a thread of the log panicked");
        }
    }
}
