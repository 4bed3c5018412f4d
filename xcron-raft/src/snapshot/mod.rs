//! Snapshots: the state in a file of checksummed blocks, so that the log need not be kept forever.
//!
//! ```text
//! file  = block*            the first is a head, the last a foot
//! block = [length u32][crc32c u32 of kind and payload][kind u8] payload, at most 1 MiB
//! ```
//!
//! A snapshot is written under a temporary name, synced, renamed, and the directory synced; only
//! then the one before is removed. Reading checks every block and the sums in the foot; a file
//! that is not whole is refused, never taken in part.

#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
#[cfg(any(test, feature = "testing"))]
mod hash;
mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use xcron_core::Timestamp;
use xcron_core::mutant::{self, Mutant};

use crate::disk::{Disk, DiskFile, failpoint};
use crate::log::LogId;
use crate::runtime;
use crate::state::View;
use crate::types::{SnapshotMeta, to_log};
use crate::{Error, ErrorKind};

/// A block is closed once its payload is this long.
const BLOCK_BYTES_MIN: usize = 256 << 10;

/// The longest payload that is read; a single task may be long.
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// Bytes in front of the payload of a block.
const BLOCK_HEAD_BYTES: usize = 9;

const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".snap";
const TEMPORARY: &str = "snapshot.tmp";

/// Name of a snapshot that a peer sends, until it is whole.
pub(crate) const RECEIVED: &str = "snapshot.received";

const KIND_HEAD: u8 = 1;
const KIND_TASKS: u8 = 2;
const KIND_FOOT: u8 = 3;

#[cfg(any(test, feature = "testing"))]
pub(crate) use hash::hash;

/// How many peers a snapshot is being sent to: as long as there are any, its file stays whole.
#[derive(Debug, Clone, Default)]
pub(crate) struct Senders(Arc<AtomicUsize>);

impl Senders {
    /// Counts one more until what is returned is dropped.
    pub(crate) fn enter(&self) -> impl Drop + Send + use<> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Sending(self.clone())
    }

    fn is_any(&self) -> bool {
        self.0.load(Ordering::SeqCst) > 0
    }
}

struct Sending(Senders);

impl Drop for Sending {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::SeqCst);
    }
}

/// A finished snapshot.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotFile {
    pub(crate) meta: SnapshotMeta,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) name: String,
    pub(crate) bytes: u64,
    /// When the newest entry that it holds was made, if entries tell.
    pub(crate) time: Option<Timestamp>,
    /// What it holds, if it was read already.
    pub(crate) view: Option<Arc<View>>,
    pub(crate) senders: Senders,
}

/// The snapshots of a node: one, except for the moment in which the next replaces it.
#[derive(Debug, Clone)]
pub(crate) struct Snapshots {
    disk: Arc<dyn Disk>,
    cluster_id: u128,
    format_max: u32,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    /// Held while one is being written; the newest, and how far it reaches.
    saved: Arc<Mutex<Option<Saved>>>,
}

/// What is known of the newest snapshot when the next is written.
#[derive(Debug)]
struct Saved {
    last: Option<LogId>,
    name: String,
    senders: Senders,
}

impl Snapshots {
    /// Snapshots on `disk`, of formats up to `format_max`.
    pub(crate) fn new(disk: Arc<dyn Disk>, cluster_id: u128, format_max: u32) -> Self {
        let (threads, saved) = Default::default();
        Self { disk, cluster_id, format_max, threads, saved }
    }

    /// The newest format that is read.
    pub(crate) fn format_max(&self) -> u32 {
        self.format_max
    }

    /// Where they are.
    pub(crate) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// Saves `view` on a thread of its own and tells `done` about it.
    pub(crate) fn save_apart(
        &self,
        view: View,
        done: impl FnOnce(Result<SnapshotFile, Error>) + Send + 'static,
    ) -> std::io::Result<()> {
        let snapshots = self.clone();
        self.apart(move || done(snapshots.save(&view)))
    }

    /// Does what blocks on the disk on a thread of its own.
    pub(crate) fn apart(&self, work: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
        let thread = runtime::block_apart("xcron-snapshot", work)?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.extend(thread);
        Ok(())
    }

    /// Waits until nothing is being saved any more.
    pub(crate) fn wait(&self) {
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread that wrote a snapshot panicked");
            }
        }
    }

    /// Whether `file` is on this node's disk.
    pub(crate) fn owns(&self, file: &SnapshotFile) -> bool {
        Arc::ptr_eq(&self.disk, &file.disk)
    }

    /// Writes `view` as the newest snapshot and removes older ones.
    pub(crate) fn save(&self, view: &View) -> Result<SnapshotFile, Error> {
        let saved = self.try_save(view);
        match &saved {
            Ok(file) => tracing::info!(name = %file.name, bytes = file.bytes, "snapshot written"),
            // What was written so far would keep a full disk full; a leftover is harmless.
            Err(_) => {
                if let Err(error) = self.disk.remove(TEMPORARY) {
                    tracing::debug!(%error, "an unfinished snapshot stays behind");
                }
            }
        }
        saved
    }

    fn try_save(&self, view: &View) -> Result<SnapshotFile, Error> {
        let mut newest = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let last = view.applied.as_ref().map(to_log);
        let newest_last = newest.as_ref().and_then(|saved| saved.last);
        if newest_last.map(|id| id.index) > last.map(|id| id.index) {
            return Err(Error::new(ErrorKind::Stopped, "a newer snapshot has been written"));
        }
        let disk = &*self.disk;
        let failed = |e| Error::disk("cannot write a snapshot", &e);
        let file = disk.create(TEMPORARY).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_AFTER_CREATE);
        let thinned = mutant::is_on(Mutant::SnapshotOmitsOpenRuns);
        let thinned = thinned.then(|| view.without_open_runs()).transpose();
        let thinned = thinned.map_err(|error| Error::new(ErrorKind::Foreign, error.to_string()))?;
        let whole = thinned.as_ref().unwrap_or(view);
        let bytes = writer::write(disk, &*file, whole, self.cluster_id).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_BEFORE_SYNC);
        file.sync_data().map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_BEFORE_RENAME);
        let name = name_of(last);
        disk.rename(TEMPORARY, &name).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_AFTER_RENAME);
        disk.sync_dir().map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_BEFORE_REMOVE);
        self.remove_older(&name, newest.as_ref()).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_AFTER_REMOVE);
        let senders = Senders::default();
        *newest = Some(Saved { last, name: name.clone(), senders: senders.clone() });
        let (meta, disk, time) = (meta_of(view), self.disk.clone(), time_of(view));
        Ok(SnapshotFile { meta, disk, name, bytes, time, view: None, senders })
    }

    /// Checks the snapshot that a peer has sent, whole on the disk by now.
    pub(crate) fn check_received(&self) -> Result<SnapshotFile, Error> {
        let failed = |e| Error::disk("cannot read a received snapshot", &e);
        let file = self.disk.open(RECEIVED).map_err(failed)?;
        file.sync_data().map_err(|e| Error::disk("cannot sync a received snapshot", &e))?;
        let bytes = file.size().map_err(failed)?;
        let view = reader::read(&*self.disk, RECEIVED, Some(self.cluster_id), self.format_max)?;
        check_tasks(RECEIVED, &view)?;
        let (meta, disk, name) = (meta_of(&view), self.disk.clone(), RECEIVED.to_owned());
        let (time, view, senders) = (time_of(&view), Some(Arc::new(view)), Senders::default());
        Ok(SnapshotFile { meta, disk, name, bytes, time, view, senders })
    }

    /// Makes a received snapshot the newest one and removes older ones.
    pub(crate) fn adopt(&self, mut file: SnapshotFile) -> Result<SnapshotFile, Error> {
        let mut newest = self.saved.lock().unwrap_or_else(PoisonError::into_inner);
        let failed = |e| Error::disk("cannot keep a received snapshot", &e);
        let last = file.meta.last_log_id.as_ref().map(to_log);
        let name = name_of(last);
        self.disk.rename(RECEIVED, &name).map_err(failed)?;
        self.disk.sync_dir().map_err(failed)?;
        // In one go: raft waits for it.
        self.remove_others(&name, |other| self.disk.remove(other)).map_err(failed)?;
        file.senders = Senders::default();
        *newest = Some(Saved { last, name: name.clone(), senders: file.senders.clone() });
        file.name = name;
        file.view = None;
        Ok(file)
    }

    /// Writes `view` through `sink` in the form of a snapshot, for whoever keeps it elsewhere.
    pub(crate) fn write_to(&self, view: &View, sink: &dyn DiskFile) -> std::io::Result<u64> {
        writer::write(&*self.disk, sink, view, self.cluster_id)
    }

    /// The newest snapshot and what it holds; `None` if there is none.
    pub(crate) fn load(&self) -> Result<Option<(SnapshotFile, View)>, Error> {
        let list = self.disk.list().map_err(|e| Error::disk("cannot list snapshots", &e))?;
        if list.iter().any(|entry| entry.name == RECEIVED) {
            let removed = self.disk.remove(RECEIVED);
            removed.map_err(|e| Error::disk("cannot remove what a peer was sending", &e))?;
        }
        // Names order by position, so the newest is the last.
        let Some(entry) = list.into_iter().rfind(|entry| is_snapshot(&entry.name)) else {
            return Ok(None);
        };
        let (id, format_max) = (Some(self.cluster_id), self.format_max);
        let view = reader::read(&*self.disk, &entry.name, id, format_max)?;
        let tidied = self.remove_others(&entry.name, |name| self.disk.remove(name));
        tidied.map_err(|e| Error::disk("cannot tidy snapshots", &e))?;
        let (meta, name, time) = (meta_of(&view), entry.name, time_of(&view));
        let (disk, bytes, senders) = (self.disk.clone(), entry.len, Senders::default());
        let last = view.applied.as_ref().map(to_log);
        let saved = Saved { last, name: name.clone(), senders: senders.clone() };
        *self.saved.lock().unwrap_or_else(PoisonError::into_inner) = Some(saved);
        let file = SnapshotFile { meta, disk, name, bytes, time, view: None, senders };
        Ok(Some((file, view)))
    }

    /// What `file` holds, wherever it is.
    pub(crate) fn read(&self, file: &SnapshotFile) -> Result<View, Error> {
        reader::read(&*file.disk, &file.name, Some(self.cluster_id), self.format_max)
    }

    /// Removes all but `kept` while the log goes on; `older` was the newest before.
    fn remove_older(&self, kept: &str, older: Option<&Saved>) -> std::io::Result<()> {
        let sent = older.filter(|saved| saved.senders.is_any());
        self.remove_others(kept, |other| {
            // Whoever sends it goes on reading a file that has lost its name.
            let is_sent = sent.is_some_and(|saved| saved.name == other);
            if is_sent { self.disk.remove(other) } else { self.disk.discard(other) }
        })
    }

    /// Removes all snapshots but `kept`, and what was not finished. One that a peer is sending
    /// stays: it may be whole already and about to be installed.
    fn remove_others(
        &self,
        kept: &str,
        remove: impl Fn(&str) -> std::io::Result<()>,
    ) -> std::io::Result<()> {
        for entry in self.disk.list()? {
            let is_other = is_snapshot(&entry.name) && entry.name != kept;
            if is_other || entry.name == TEMPORARY {
                remove(&entry.name)?;
            }
        }
        self.disk.sync_dir()
    }
}

/// The view that the snapshot file `name` holds, whichever cluster wrote it.
pub(crate) fn read_backup(disk: &dyn Disk, name: &str, format_max: u32) -> Result<View, Error> {
    let view = reader::read(disk, name, None, format_max)?;
    check_tasks(name, &view)?;
    Ok(view)
}

/// Refuses a snapshot from elsewhere with a task that nobody could decide on when it is due. One
/// that this node has written holds what was checked before.
fn check_tasks(name: &str, view: &View) -> Result<(), Error> {
    let foreign = |error| Error::new(ErrorKind::Foreign, format!("{name} cannot be read: {error}"));
    view.check_tasks().map_err(foreign)
}

fn is_snapshot(name: &str) -> bool {
    name.starts_with(PREFIX) && name.ends_with(SUFFIX)
}

/// The name of the snapshot of everything up to `last`; later ones order after earlier ones.
fn name_of(last: Option<LogId>) -> String {
    let last = last.unwrap_or_default();
    format!("{PREFIX}{:020}-{:020}{SUFFIX}", last.index, last.term)
}

fn meta_of(view: &View) -> SnapshotMeta {
    SnapshotMeta { last_log_id: view.applied, last_membership: (*view.membership).clone() }
}

/// In format 1 no time stands in the log.
fn time_of(view: &View) -> Option<Timestamp> {
    Some(view.roster.time()).filter(|time| *time > Timestamp::from_secs(0))
}
