//! A disk in memory that fails like the worst real one: it tears, drops, lies, fills and freezes.

mod state;

use std::collections::BTreeSet;
use std::io;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use state::{AtDeath, FileState, NameChange, State};

use super::{DirEntry, DirLock, Disk, DiskFile};
use crate::{Error, ErrorKind};

/// A [`Disk`] in memory with faults on command; clones share the same directory.
///
/// ```
/// use xcron_raft::disk::{Disk, memory::MemoryDisk};
/// let disk = MemoryDisk::default();
/// disk.create_zeroed("a", 512)?;
/// disk.crash(1); // the name was never synced
/// assert!(disk.list()?.len() <= 1);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    inner: Arc<Inner>,
    /// The only life in which it is of use, if it is one.
    life: Option<u64>,
}

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    thawed: Condvar,
}

#[derive(Debug)]
struct MemoryFile {
    disk: Arc<Inner>,
    file: usize,
    epoch: u64,
}

impl Drop for MemoryFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        state.files[self.file].handles -= 1;
        state.free(self.file);
    }
}

#[derive(Debug)]
struct MemoryLock {
    disk: Arc<Inner>,
    epoch: u64,
}

impl DirLock for MemoryLock {}

impl Drop for MemoryLock {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.epoch == self.epoch {
            state.locked = false;
        }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits while frozen; fails for a handle of a process that a crash ended.
    fn usable(&self, epoch: u64) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.state();
        while state.frozen && state.epoch == epoch && !state.dead {
            state = self.thawed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.epoch != epoch || state.dead {
            return Err(io::Error::other("the process using this disk has ended"));
        }
        Ok(state)
    }
}

/// One step of splitmix64, a small generator whose stream is a function of its seed.
pub(crate) fn next_random(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut z = *seed;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

impl MemoryDisk {
    /// The same directory for the process that uses it now: what goes on of it after its end does
    /// not reach the directory.
    #[must_use]
    pub fn of_this_life(&self) -> Self {
        Self { life: Some(self.inner.state().epoch), ..self.clone() }
    }

    /// Cuts the power: of what was not synced, a part chosen by `seed` survives; every open handle
    /// fails from now on.
    pub fn crash(&self, mut seed: u64) {
        let mut state = self.inner.state();
        let state = &mut *state;
        for file in &mut state.files {
            // Some crashes keep nothing, some everything, most a part.
            let rate = next_random(&mut seed) % 5;
            for sector in std::mem::take(&mut file.dirty) {
                if next_random(&mut seed) % 4 < rate {
                    file.settle(sector);
                }
            }
            file.cached = file.durable.clone();
        }
        let kept = (next_random(&mut seed) % (state.pending.len() as u64 + 1)) as usize;
        state.settle_names(kept);
        state.pending.clear();
        state.names = state.durable_names.clone();
        Self::restart(state);
        self.inner.thawed.notify_all();
    }

    /// Cuts the power while exactly the un-synced sectors numbered by `kept` survive.
    pub fn crash_keeping(&self, kept: &BTreeSet<usize>) {
        let mut state = self.inner.state();
        let state = &mut *state;
        let mut number = 0;
        for file in &mut state.files {
            for sector in std::mem::take(&mut file.dirty) {
                if kept.contains(&number) {
                    file.settle(sector);
                }
                number += 1;
            }
            file.cached = file.durable.clone();
        }
        state.settle_names(state.pending.len());
        Self::restart(state);
        self.inner.thawed.notify_all();
    }

    /// Ends the process, as a kill does: what was written stays in the cache of the system.
    pub fn kill(&self) {
        Self::restart(&mut self.inner.state());
        self.inner.thawed.notify_all();
    }

    fn restart(state: &mut State) {
        state.free_all();
        state.epoch += 1;
        state.locked = false;
        state.dead = false;
        state.frozen = false;
        state.failing_syncs = 0;
        state.failing_prefix = None;
        state.armed = None;
    }

    /// Lets the next `count` syncs fail and drop what they should have kept, as if it were clean.
    pub fn fail_syncs(&self, count: u32) {
        self.inner.state().failing_syncs = count;
    }

    /// Lets the next sync of a file whose name begins with `prefix` fail, and drop what it should
    /// have kept.
    pub fn fail_sync_of(&self, prefix: &str) {
        self.inner.state().failing_prefix = Some(prefix.to_owned());
    }

    /// Takes back [`MemoryDisk::fail_sync_of`].
    pub fn fail_no_sync(&self) {
        self.inner.state().failing_prefix = None;
    }

    /// Whether the sync that [`MemoryDisk::fail_sync_of`] is about has failed by now.
    pub fn has_failed_sync(&self) -> bool {
        self.inner.state().failing_prefix.is_none()
    }

    /// Blocks every write and sync until [`MemoryDisk::thaw`].
    pub fn freeze(&self) {
        self.inner.state().frozen = true;
    }

    /// Lets blocked writes and syncs go on.
    pub fn thaw(&self) {
        self.inner.state().frozen = false;
        self.inner.thawed.notify_all();
    }

    /// Limits the bytes of all files together; `None` lifts the limit.
    pub fn limit_capacity(&self, bytes: Option<u64>) {
        self.inner.state().capacity = bytes;
    }

    /// The bytes of all files together.
    pub fn used_bytes(&self) -> u64 {
        self.inner.state().used()
    }

    /// Lets renames fail, or no longer, as on a disk without a free block for a directory.
    pub fn refuse_names(&self, refuses: bool) {
        self.inner.state().refuses_names = refuses;
    }

    /// Fails every operation from the `times`-th visit of failpoint `point` on, as if the process
    /// had ended there; [`MemoryDisk::crash`] or [`MemoryDisk::kill`] starts anew.
    pub fn arm(&self, point: &str, times: u64) {
        self.inner.state().armed = Some((point.to_owned(), times, 0));
    }

    /// Takes back [`MemoryDisk::arm`]; whether the failpoint had been waiting.
    pub fn disarm(&self) -> bool {
        self.inner.state().armed.take().is_some()
    }

    /// Calls `then` whenever an armed failpoint ends the process.
    pub fn at_death(&self, then: impl Fn() + Send + Sync + 'static) {
        self.inner.state().at_death = Some(AtDeath(Arc::new(then)));
    }

    /// Fails every operation from now on, as if the process had ended.
    pub fn die(&self) {
        self.inner.state().dead = true;
        self.inner.thawed.notify_all();
    }

    /// Whether the armed failpoint ended the process.
    pub fn is_dead(&self) -> bool {
        self.inner.state().dead
    }

    /// Flips one bit of a file, both cached and stored.
    pub fn flip(&self, name: &str, offset: usize, bit: u8) {
        self.edit(name, |bytes| bytes[offset] ^= 1 << bit);
    }

    /// Zeroes a range of a file, both cached and stored.
    pub fn zero(&self, name: &str, range: Range<usize>) {
        self.edit(name, |bytes| bytes[range.clone()].fill(0));
    }

    /// Cuts a file to `len` bytes, both cached and stored.
    pub fn truncate(&self, name: &str, len: usize) {
        self.edit(name, |bytes| bytes.truncate(len));
    }

    /// Changes the bytes of a file, both cached and stored.
    pub fn edit(&self, name: &str, mut change: impl FnMut(&mut Vec<u8>)) {
        let mut state = self.inner.state();
        if let Some(&file) = state.names.get(name) {
            change(&mut state.files[file].cached);
            change(&mut state.files[file].durable);
        }
    }

    /// The bytes of a file as a reader sees them.
    pub fn bytes(&self, name: &str) -> Vec<u8> {
        let state = self.inner.state();
        state.names.get(name).map(|&f| state.files[f].cached.clone()).unwrap_or_default()
    }

    /// A copy of the directory that shares nothing with this one, with everything durable.
    pub fn fork(&self) -> Self {
        let state = self.inner.state();
        let mut copy = State::default();
        for (name, &file) in &state.names {
            let bytes = state.files[file].cached.clone();
            copy.names.insert(name.clone(), copy.files.len());
            copy.files.push(FileState::of(bytes));
        }
        copy.durable_names = copy.names.clone();
        let inner = Inner { state: Mutex::new(copy), thawed: Condvar::new() };
        Self { inner: Arc::new(inner), life: None }
    }

    /// How many sectors are written and not synced.
    pub fn dirty_sectors(&self) -> usize {
        self.inner.state().files.iter().map(|f| f.dirty.len()).sum()
    }

    /// How many syncs of files were asked for.
    pub fn syncs(&self) -> u64 {
        self.inner.state().syncs
    }

    /// How many writes were asked for.
    pub fn writes(&self) -> u64 {
        self.inner.state().writes
    }

    fn live(&self) -> io::Result<MutexGuard<'_, State>> {
        let epoch = self.life.unwrap_or_else(|| self.inner.state().epoch);
        self.inner.usable(epoch)
    }

    fn handle(&self, state: &mut State, file: usize) -> Arc<dyn DiskFile> {
        state.files[file].handles += 1;
        Arc::new(MemoryFile { disk: self.inner.clone(), file, epoch: state.epoch })
    }

    fn add_file(state: &mut State, name: &str, file: FileState) -> usize {
        let number = match state.freed.pop() {
            Some(number) => number,
            None => state.files.len(),
        };
        if number == state.files.len() {
            state.files.push(file);
        } else {
            state.files[number] = file;
        }
        state.change(NameChange::Set(name.to_owned(), number));
        number
    }
}

impl Disk for MemoryDisk {
    fn lock(&self) -> Result<Box<dyn DirLock>, Error> {
        let mut state = self.inner.state();
        if state.locked {
            let message = "data directory (memory) is in use by another process; stop it";
            return Err(Error::new(ErrorKind::InUse, message));
        }
        state.locked = true;
        Ok(Box::new(MemoryLock { disk: self.inner.clone(), epoch: state.epoch }))
    }

    fn list(&self) -> io::Result<Vec<DirEntry>> {
        let state = self.live()?;
        let entry = |(name, &file): (&String, &usize)| DirEntry {
            name: name.clone(),
            len: state.files[file].cached.len() as u64,
        };
        Ok(state.names.iter().map(entry).collect())
    }

    fn create_zeroed(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.live()?;
        state.check_space(len)?;
        let file = FileState::of(vec![0; len as usize]);
        let number = Self::add_file(&mut state, name, file);
        Ok(self.handle(&mut state, number))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.live()?;
        let number = Self::add_file(&mut state, name, FileState::default());
        Ok(self.handle(&mut state, number))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let mut state = self.live()?;
        let file = state.find(name)?;
        Ok(self.handle(&mut state, file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.live()?;
        state.find(from)?;
        if state.refuses_names {
            return Err(State::full());
        }
        state.change(NameChange::Rename(from.to_owned(), to.to_owned()));
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.live()?;
        state.find(name)?;
        state.change(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn discard(&self, name: &str) -> io::Result<()> {
        let mut state = self.live()?;
        let file = state.find(name)?;
        // Nothing of it is left at once, for whoever has it open and after a crash: the worst case.
        state.files[file].clear();
        state.change(NameChange::Remove(name.to_owned()));
        Ok(())
    }

    fn sync_dir(&self) -> io::Result<()> {
        let mut state = self.live()?;
        let count = state.pending.len();
        state.settle_names(count);
        state.free_all();
        Ok(())
    }

    fn reached(&self, point: &'static str) {
        let mut state = self.inner.state();
        if let Some((armed, times, seen)) = &mut state.armed
            && armed == point
        {
            *seen += 1;
            if seen == times {
                state.dead = true;
                state.armed = None;
                self.inner.thawed.notify_all();
                let at_death = state.at_death.clone();
                drop(state);
                if let Some(AtDeath(then)) = at_death {
                    then();
                }
            }
        }
    }
}

impl DiskFile for MemoryFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.disk.usable(self.epoch)?;
        state.writes += 1;
        let grows = (offset + bytes.len() as u64)
            .saturating_sub(state.files[self.file].cached.len() as u64);
        if grows > 0 {
            state.check_space(grows)?;
        }
        state.files[self.file].write(offset as usize, bytes);
        Ok(())
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let state = self.disk.state();
        if state.epoch != self.epoch || state.dead {
            return Err(io::Error::other("the process using this disk has ended"));
        }
        let bytes = &state.files[self.file].cached;
        let range = offset as usize..offset as usize + buf.len();
        let eof = || io::Error::new(io::ErrorKind::UnexpectedEof, "file is too short");
        buf.copy_from_slice(bytes.get(range).ok_or_else(eof)?);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut state = self.disk.usable(self.epoch)?;
        state.syncs += 1;
        if state.fails_sync(self.file) {
            state.files[self.file].dirty.clear();
            return Err(io::Error::other("input/output error"));
        }
        let file = &mut state.files[self.file];
        for sector in std::mem::take(&mut file.dirty) {
            file.settle(sector);
        }
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        let state = self.disk.usable(self.epoch)?;
        Ok(state.files[self.file].cached.len() as u64)
    }
}
