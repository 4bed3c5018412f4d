//! What a disk in memory holds: files twice, as they are read and as they are stored, and names.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io;
use std::sync::Arc;

use crate::disk::SECTOR_BYTES;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) files: Vec<FileState>,
    /// Numbers of files that hold nothing any more.
    pub(super) freed: Vec<usize>,
    pub(super) names: BTreeMap<String, usize>,
    pub(super) durable_names: BTreeMap<String, usize>,
    pub(super) pending: Vec<NameChange>,
    pub(super) locked: bool,
    pub(super) epoch: u64,
    pub(super) dead: bool,
    pub(super) frozen: bool,
    pub(super) capacity: Option<u64>,
    pub(super) refuses_names: bool,
    pub(super) failing_syncs: u32,
    pub(super) failing_prefix: Option<String>,
    pub(super) syncs: u64,
    pub(super) writes: u64,
    pub(super) armed: Option<(String, u64, u64)>,
    pub(super) at_death: Option<AtDeath>,
}

/// What is done when a failpoint ends the process.
#[derive(Clone)]
pub(super) struct AtDeath(pub(super) Arc<dyn Fn() + Send + Sync>);

impl fmt::Debug for AtDeath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AtDeath")
    }
}

#[derive(Debug, Default)]
pub(super) struct FileState {
    pub(super) cached: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) dirty: BTreeSet<usize>,
    /// How many have it open, by this process or one that has ended.
    pub(super) handles: usize,
    pub(super) is_freed: bool,
}

#[derive(Debug)]
pub(super) enum NameChange {
    Set(String, usize),
    Rename(String, String),
    Remove(String),
}

impl FileState {
    /// Leaves nothing of what it holds, cached or stored.
    pub(super) fn clear(&mut self) {
        self.cached.clear();
        self.durable.clear();
        self.dirty.clear();
    }
}

impl State {
    pub(super) fn used(&self) -> u64 {
        self.names.values().map(|&f| self.files[f].cached.len() as u64).sum()
    }

    pub(super) fn check_space(&self, more: u64) -> io::Result<()> {
        match self.capacity {
            Some(capacity) if self.used() + more > capacity => Err(Self::full()),
            _ => Ok(()),
        }
    }

    /// Whether the sync of `file` that is asked for now fails.
    pub(super) fn fails_sync(&mut self, file: usize) -> bool {
        if self.failing_syncs > 0 {
            self.failing_syncs -= 1;
            return true;
        }
        let is_meant = self.failing_prefix.as_deref().is_some_and(|prefix| {
            self.names.iter().any(|(name, &named)| named == file && name.starts_with(prefix))
        });
        if is_meant {
            self.failing_prefix = None;
        }
        is_meant
    }

    pub(super) fn full() -> io::Error {
        io::Error::new(io::ErrorKind::StorageFull, "no space left on device")
    }

    pub(super) fn find(&self, name: &str) -> io::Result<usize> {
        let missing = || io::Error::new(io::ErrorKind::NotFound, format!("no file {name}"));
        self.names.get(name).copied().ok_or_else(missing)
    }

    pub(super) fn apply(names: &mut BTreeMap<String, usize>, change: &NameChange) {
        match change {
            NameChange::Set(name, file) => {
                names.insert(name.clone(), *file);
            }
            NameChange::Rename(from, to) => {
                if let Some(file) = names.remove(from) {
                    names.insert(to.clone(), file);
                }
            }
            NameChange::Remove(name) => {
                names.remove(name);
            }
        }
    }

    pub(super) fn change(&mut self, change: NameChange) {
        Self::apply(&mut self.names, &change);
        self.pending.push(change);
    }

    /// Forgets what a file held once nobody can reach it: it has no name, cached, stored or on its
    /// way, and nobody has it open.
    pub(super) fn free(&mut self, file: usize) {
        let named = |names: &BTreeMap<String, usize>| names.values().any(|&f| f == file);
        let is_set = |change: &NameChange| matches!(change, NameChange::Set(_, f) if *f == file);
        let state = &self.files[file];
        let is_reachable = state.handles > 0
            || state.is_freed
            || named(&self.names)
            || named(&self.durable_names)
            || self.pending.iter().any(is_set);
        if !is_reachable {
            self.files[file] = FileState { is_freed: true, ..FileState::default() };
            self.freed.push(file);
        }
    }

    /// Forgets all that nobody can reach.
    pub(super) fn free_all(&mut self) {
        (0..self.files.len()).for_each(|file| self.free(file));
    }

    pub(super) fn settle_names(&mut self, count: usize) {
        for change in self.pending.drain(..count) {
            Self::apply(&mut self.durable_names, &change);
        }
    }
}

impl FileState {
    /// A file of `bytes`, all stored.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { cached: bytes.clone(), durable: bytes, ..Self::default() }
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        let end = offset + bytes.len();
        if self.cached.len() < end {
            self.cached.resize(end, 0);
        }
        self.cached[offset..end].copy_from_slice(bytes);
        self.dirty.extend(offset / SECTOR_BYTES..end.div_ceil(SECTOR_BYTES));
    }

    pub(super) fn settle(&mut self, sector: usize) {
        let from = sector * SECTOR_BYTES;
        let to = (from + SECTOR_BYTES).min(self.cached.len());
        if self.durable.len() < to {
            self.durable.resize(to, 0);
        }
        self.durable[from..to].copy_from_slice(&self.cached[from..to]);
    }
}
