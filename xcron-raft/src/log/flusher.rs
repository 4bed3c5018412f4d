//! The only writer of the log: one write and one sync for all that waits, then the answers.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use xcron_core::mutant::{self, Mutant};

use super::Shared;
use super::frame::FrameWriter;
use super::header::Header;
use super::id::{Checkpoint, LogId, RecordHead, RecordKind};
use super::mark::Mark;
use super::memory::Place;
use super::queue::{Item, Job};
use super::segment::{Active, Closed, SEAL_BYTES, Segment, salt, segment_name};
use super::settings::BATCH_BYTES_MAX;
use super::spare::Spare;
use crate::disk::failpoint;
use crate::{Error, ErrorKind};

/// Writes frames, goes on to the next segment, removes purged ones.
#[derive(Debug)]
pub(crate) struct Flusher {
    shared: Arc<Shared>,
    active: Active,
    closed: VecDeque<Closed>,
    /// What all records written so far amount to.
    written: Checkpoint,
    mark: Mark,
    frame: FrameWriter,
    placed: Vec<(u64, u64, Place)>,
}

/// Where writing goes on.
#[derive(Debug)]
pub(crate) struct Position {
    pub(crate) active: Active,
    pub(crate) closed: VecDeque<Closed>,
    pub(crate) written: Checkpoint,
    pub(crate) mark: Mark,
}

impl Flusher {
    /// A flusher that goes on at `position`.
    pub(crate) fn new(shared: Arc<Shared>, position: Position) -> Self {
        let Position { active, closed, written, mark } = position;
        let (frame, placed) = (FrameWriter::default(), Vec::new());
        Self { shared, active, closed, written, mark, frame, placed }
    }

    /// Writes what is queued until the queue is closed, then closes the log.
    pub(crate) fn run(&mut self) {
        while let Some(jobs) = self.shared.queue.next(BATCH_BYTES_MAX) {
            self.flush(jobs);
        }
        self.finish();
    }

    /// Writes what is queued now.
    pub(crate) fn run_once(&mut self) {
        while let Some(jobs) = self.shared.queue.try_next(BATCH_BYTES_MAX) {
            self.flush(jobs);
        }
    }

    /// Makes `jobs` durable and answers them; after a failure nothing is ever acknowledged again.
    fn flush(&mut self, jobs: Vec<Job>) {
        let outcome = match self.shared.failure() {
            Some(failure) => Err(failure),
            None => self.write(&jobs),
        };
        if let Err(error) = &outcome {
            self.shared.poison(error);
        }
        for job in jobs {
            job.complete(outcome.clone());
        }
        if outcome.is_ok()
            && let Err(error) = self.collect()
        {
            self.shared.poison(&error);
        }
    }

    /// Makes the mark durable, so that damage of the last frame cannot pass for a tear.
    pub(crate) fn finish(&mut self) {
        if self.shared.failure().is_none()
            && let Err(error) = self.mark.sync()
        {
            self.shared.poison(&error);
        }
    }

    fn write(&mut self, jobs: &[Job]) -> Result<(), Error> {
        self.placed.clear();
        self.frame.begin(self.active.segment.salt, self.active.number);
        for item in jobs.iter().flat_map(|job| &job.items) {
            self.make_room(item.payload.len())?;
            self.push(item)?;
        }
        self.push_committed();
        self.write_frame(false)?;
        let mut memory = self.shared.memory();
        for (index, ticket, place) in self.placed.drain(..) {
            memory.set_place(index, ticket, place);
        }
        memory.evict();
        Ok(())
    }

    /// Sees to it that a record with a payload of `bytes` fits behind the records of the frame.
    fn make_room(&mut self, bytes: usize) -> Result<(), Error> {
        if self.frame.bytes_with(bytes) as u64 <= self.active.room() {
            return Ok(());
        }
        if !self.frame.is_empty() {
            self.write_frame(false)?;
            self.frame.begin(self.active.segment.salt, self.active.number);
        }
        if self.frame.bytes_with(bytes) as u64 > self.active.room() {
            self.roll()?;
            self.frame.begin(self.active.segment.salt, self.active.number);
        }
        if self.frame.bytes_with(bytes) as u64 > self.active.room() {
            let message = format!("a record of {bytes} bytes does not fit into a log segment");
            return Err(Error::new(ErrorKind::Invalid, message));
        }
        Ok(())
    }

    fn push(&mut self, item: &Item) -> Result<(), Error> {
        let refused = |reason| Error::new(ErrorKind::Storage, format!("log refused: {reason}"));
        self.written.apply(item.head).map_err(refused)?;
        let offset = self.frame.push(item.head, &item.payload);
        if item.head.kind == RecordKind::Append {
            let place = Place {
                segment: self.active.segment.seq,
                offset: (self.active.position as usize + offset) as u32,
                len: (super::frame::RECORD_HEAD_BYTES + item.payload.len()) as u32,
            };
            self.placed.push((item.head.id.index, item.ticket, place));
            let index = Some(item.head.id.index);
            self.active.max_index = self.active.max_index.max(index);
        }
        Ok(())
    }

    /// Adds how far entries are committed, if that is news and fits; it is never worth a write.
    fn push_committed(&mut self) {
        let committed = self.shared.memory().state().committed;
        let newer = |id: &LogId| self.written.committed.is_none_or(|old| old.index < id.index);
        let durable = |id: &LogId| self.written.last.is_some_and(|last| id.index <= last.index);
        if let Some(id) = committed.filter(newer).filter(durable)
            && self.frame.bytes_with(0) as u64 <= self.active.room()
        {
            self.frame.push(RecordHead { kind: RecordKind::Committed, id }, &[]);
            self.written.committed = Some(id);
        }
    }

    /// ONE write, ONE sync.
    fn write_frame(&mut self, is_sealed: bool) -> Result<(), Error> {
        // A sealed segment has no frame after this one that could be late.
        let is_late = mutant::is_on(Mutant::AckBeforeSync) && !is_sealed;
        if is_late {
            self.sync_frame()?;
        }
        let disk = &self.shared.disk;
        let segment = &self.active.segment;
        let frame = self.frame.finish(is_sealed);
        disk.reached(failpoint::LOG_BEFORE_WRITE);
        let write = || segment.file.write_at(self.active.position, frame);
        self.shared.spares.patiently(format!("cannot write {}", segment.name), write)?;
        disk.reached(failpoint::LOG_AFTER_WRITE);
        let bytes = frame.len() as u64;
        self.active.position += bytes;
        self.active.number += 1;
        if !is_late {
            self.sync_frame()?;
        }
        self.shared.stats.syncs.fetch_add(1, Ordering::Relaxed);
        self.shared.stats.bytes.fetch_add(bytes, Ordering::Relaxed);
        self.shared.stats.room.store(self.active.room(), Ordering::Relaxed);
        self.shared.stats.note_durable(&self.written);
        Ok(())
    }

    /// Makes all frames up to the position durable, and notes it.
    fn sync_frame(&mut self) -> Result<(), Error> {
        let segment = &self.active.segment;
        let mut synced = segment.file.sync_data();
        if synced.is_err() && mutant::is_on(Mutant::RetriedSync) {
            synced = segment.file.sync_data();
        }
        synced.map_err(|e| Error::disk(format!("cannot sync {}", segment.name), &e))?;
        self.shared.disk.reached(failpoint::LOG_AFTER_SYNC);
        self.mark.set(segment.seq, self.active.position)
    }

    /// Goes on to the next segment: only when that one is durable, this one is sealed, and only
    /// when this one is sealed, a frame is written to that one.
    fn roll(&mut self) -> Result<(), Error> {
        let spare = self.shared.spares.take()?;
        let seq = self.active.segment.seq + 1;
        let next = create_segment(&self.shared, spare, seq, self.written)?;
        self.shared.disk.reached(failpoint::LOG_ROLL_BEFORE_SEAL);
        self.seal()?;
        self.shared.disk.reached(failpoint::LOG_ROLL_AFTER_SEAL);
        self.shared.segments().insert(seq, next.clone());
        self.closed.push_back(self.active.closed());
        self.active = Active::new(next);
        Ok(())
    }

    /// Writes the seal of the active segment.
    fn seal(&mut self) -> Result<(), Error> {
        debug_assert!(self.active.position + SEAL_BYTES <= self.active.segment.bytes);
        self.frame.begin(self.active.segment.salt, self.active.number);
        self.write_frame(true)
    }

    /// Removes segments all of whose entries are durably purged: one, and more while nobody waits
    /// to be written. A snapshot lets dozens of them go, and each takes longer than a sync.
    fn collect(&mut self) -> Result<(), Error> {
        let purged = self.written.purged.map(|id| id.index);
        while let Some(&oldest) = self.closed.front() {
            if oldest.max_index > purged {
                return Ok(());
            }
            match self.remove(oldest.seq) {
                // Even that needs space on some disks. It stays until more is purged.
                Err(error) if error.kind() == ErrorKind::Full => return Ok(()),
                removed => removed?,
            }
            self.closed.pop_front();
            if !self.shared.queue.is_empty() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn remove(&self, seq: u64) -> Result<(), Error> {
        let shared = &self.shared;
        let Some(segment) = shared.segments().get(&seq).cloned() else {
            return Ok(());
        };
        let failed = |e| Error::disk(format!("cannot remove {}", segment.name), &e);
        let standard = segment.bytes == shared.settings.segment_bytes;
        let mut name = if standard { shared.spares.wanted_name() } else { None };
        shared.disk.reached(failpoint::LOG_PURGE_BEFORE_RENAME);
        if let Some(new) = &name {
            match shared.disk.rename(&segment.name, new).map_err(failed) {
                Err(error) if error.kind() == ErrorKind::Full => name = None,
                renamed => renamed?,
            }
        }
        if name.is_none() {
            shared.disk.remove(&segment.name).map_err(failed)?;
        }
        shared.segments().remove(&seq);
        shared.disk.reached(failpoint::LOG_PURGE_AFTER_RENAME);
        shared.disk.sync_dir().map_err(failed)?;
        if let Some(name) = name {
            let (file, former_salt) = (segment.file.clone(), Some(segment.salt));
            shared.spares.give(Spare { name, file, former_salt });
        }
        Ok(())
    }
}

/// Turns a spare into segment `seq`; on return it is durable under its name.
pub(crate) fn create_segment(
    shared: &Shared,
    spare: Spare,
    seq: u64,
    checkpoint: Checkpoint,
) -> Result<Arc<Segment>, Error> {
    let settings = &shared.settings;
    let name = segment_name(seq);
    let what = format!("cannot begin {name}");
    let failed = |e| Error::disk(&what, &e);
    let salt = salt(settings.salt_seed, seq, spare.former_salt);
    let bytes = spare.file.size().map_err(failed)?;
    let header = Header {
        cluster_id: settings.cluster_id,
        group: super::frame::GROUP,
        seq,
        salt,
        segment_bytes: bytes,
        checkpoint,
    };
    let header = header.encode();
    shared.spares.patiently(&what, || spare.file.write_at(0, &header))?;
    spare.file.sync_data().map_err(failed)?;
    shared.disk.reached(failpoint::LOG_ROLL_AFTER_HEADER);
    // Even a rename may need a block for the directory.
    shared.spares.patiently(&what, || shared.disk.rename(&spare.name, &name))?;
    shared.disk.reached(failpoint::LOG_ROLL_AFTER_RENAME);
    shared.disk.sync_dir().map_err(failed)?;
    Ok(Arc::new(Segment { seq, name, salt, bytes, file: spare.file }))
}
