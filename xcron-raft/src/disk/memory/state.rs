//! What a disk in memory holds: files twice, as they are read and as they are stored, and names.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::disk::SECTOR_BYTES;

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) files: Vec<FileState>,
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
    pub(super) syncs: u64,
    pub(super) writes: u64,
    pub(super) armed: Option<(String, u64, u64)>,
}

#[derive(Debug, Default)]
pub(super) struct FileState {
    pub(super) cached: Vec<u8>,
    pub(super) durable: Vec<u8>,
    pub(super) dirty: BTreeSet<usize>,
}

#[derive(Debug)]
pub(super) enum NameChange {
    Set(String, usize),
    Rename(String, String),
    Remove(String),
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

    pub(super) fn settle_names(&mut self, count: usize) {
        for change in self.pending.drain(..count) {
            Self::apply(&mut self.durable_names, &change);
        }
    }
}

impl FileState {
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
