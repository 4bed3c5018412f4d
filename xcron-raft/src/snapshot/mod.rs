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

mod reader;
#[cfg(test)]
mod tests;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};

use crate::disk::{Disk, failpoint};
use crate::log::LogId;
use crate::state::View;
use crate::types::{SnapshotMeta, to_log};
use crate::{Error, ErrorKind};

/// Format of snapshots; a higher one is refused.
const FORMAT_VERSION: u32 = 1;

/// A block is closed once its payload is this long.
const BLOCK_BYTES_MIN: usize = 256 << 10;

/// The longest payload that is read; a single task may be long.
const BLOCK_BYTES_MAX: usize = 64 << 20;

/// Bytes in front of the payload of a block.
const BLOCK_HEAD_BYTES: usize = 9;

const PREFIX: &str = "snapshot-";
const SUFFIX: &str = ".snap";
const TEMPORARY: &str = "snapshot.tmp";

const KIND_HEAD: u8 = 1;
const KIND_TASKS: u8 = 2;
const KIND_FOOT: u8 = 3;

/// A finished snapshot.
#[derive(Debug, Clone)]
pub(crate) struct SnapshotFile {
    pub(crate) meta: SnapshotMeta,
    pub(crate) disk: Arc<dyn Disk>,
    pub(crate) name: String,
    pub(crate) bytes: u64,
}

/// The snapshots of a node: one, except for the moment in which the next replaces it.
#[derive(Debug, Clone)]
pub(crate) struct Snapshots {
    disk: Arc<dyn Disk>,
    cluster_id: u128,
    threads: Arc<Mutex<Vec<JoinHandle<()>>>>,
    /// Held while one is being written; how far the newest reaches.
    saved: Arc<Mutex<Option<LogId>>>,
}

impl Snapshots {
    /// Snapshots on `disk`.
    pub(crate) fn new(disk: Arc<dyn Disk>, cluster_id: u128) -> Self {
        Self { disk, cluster_id, threads: Arc::default(), saved: Arc::default() }
    }

    /// Saves `view` on a thread of its own and tells `done` about it.
    pub(crate) fn save_apart(
        &self,
        view: View,
        done: impl FnOnce(Result<SnapshotFile, Error>) + Send + 'static,
    ) -> std::io::Result<()> {
        let snapshots = self.clone();
        let thread = thread::Builder::new().name("xcron-snapshot".to_owned());
        let thread = thread.spawn(move || done(snapshots.save(&view)))?;
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        threads.retain(|thread| !thread.is_finished());
        threads.push(thread);
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
        if newest.map(|id| id.index) > last.map(|id| id.index) {
            return Err(Error::new(ErrorKind::Stopped, "a newer snapshot has been written"));
        }
        let disk = &*self.disk;
        let failed = |e| Error::disk("cannot write a snapshot", &e);
        let file = disk.create(TEMPORARY).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_AFTER_CREATE);
        let bytes = writer::write(disk, &*file, view, self.cluster_id).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_BEFORE_SYNC);
        file.sync_data().map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_BEFORE_RENAME);
        let name = name_of(last);
        disk.rename(TEMPORARY, &name).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_AFTER_RENAME);
        disk.sync_dir().map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_BEFORE_REMOVE);
        self.remove_others(&name).map_err(failed)?;
        disk.reached(failpoint::SNAPSHOT_AFTER_REMOVE);
        *newest = last;
        Ok(SnapshotFile { meta: meta_of(view), disk: self.disk.clone(), name, bytes })
    }

    /// The newest snapshot and what it holds; `None` if there is none.
    pub(crate) fn load(&self) -> Result<Option<(SnapshotFile, View)>, Error> {
        let list = self.disk.list().map_err(|e| Error::disk("cannot list snapshots", &e))?;

        // Names order by position, so the newest is the last.
        let Some(entry) = list.into_iter().rfind(|entry| is_snapshot(&entry.name)) else {
            return Ok(None);
        };
        let view = reader::read(&*self.disk, &entry.name, self.cluster_id)?;
        self.remove_others(&entry.name).map_err(|e| Error::disk("cannot tidy snapshots", &e))?;
        let (disk, bytes) = (self.disk.clone(), entry.len);
        let file = SnapshotFile { meta: meta_of(&view), disk, name: entry.name, bytes };
        Ok(Some((file, view)))
    }

    /// What `file` holds, wherever it is.
    pub(crate) fn read(&self, file: &SnapshotFile) -> Result<View, Error> {
        reader::read(&*file.disk, &file.name, self.cluster_id)
    }

    fn remove_others(&self, kept: &str) -> std::io::Result<()> {
        for entry in self.disk.list()? {
            let is_other = is_snapshot(&entry.name) && entry.name != kept;
            if is_other || entry.name == TEMPORARY {
                self.disk.remove(&entry.name)?;
            }
        }
        self.disk.sync_dir()
    }
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
