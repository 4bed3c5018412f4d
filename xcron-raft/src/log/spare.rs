//! Segments prepared ahead of their use, so that going on to the next one costs no zeroing.

use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::header::{HEADER_BYTES, Header};
use super::segment::SPARE_PREFIX;
use super::settings::{LogSettings, SPARE_SEGMENTS_MAX, Threads};
use crate::disk::{Disk, DiskFile, failpoint};
use crate::{Error, ErrorKind};

/// How long the preparing thread waits after a failure, such as a full disk.
pub(super) const RETRY: Duration = Duration::from_secs(1);

/// A file that is ready to become a segment.
#[derive(Debug)]
pub(crate) struct Spare {
    pub(crate) name: String,
    pub(crate) file: Arc<dyn DiskFile>,
    /// Salt of its former use; what it still holds was written under it.
    pub(crate) former_salt: Option<u32>,
}

#[derive(Debug, Default)]
struct State {
    ready: Vec<Spare>,
    named: u64,
    failure: Option<Error>,
    /// What the writer cannot do before there is space.
    stalled: Option<Error>,
    closing: bool,
    stopped: bool,
}

/// A bounded number of spares.
#[derive(Debug)]
pub(crate) struct SparePool {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    threads: Threads,
    state: Mutex<State>,
    changed: Condvar,
}

impl SparePool {
    /// A pool that adopts the spares which an earlier process left, and removes unusable ones.
    pub(crate) fn open(disk: Arc<dyn Disk>, settings: &LogSettings) -> Result<Self, Error> {
        let segment_bytes = settings.segment_bytes;
        let mut state = State::default();
        for entry in disk.list().map_err(|e| Error::disk("cannot list the log", &e))? {
            let Some(number) = entry.name.strip_prefix(SPARE_PREFIX) else {
                continue;
            };
            // One without a number was to be the first segment of a log that did not begin.
            let number = number.parse().ok();
            state.named = state.named.max(number.unwrap_or(0));
            let has_room = state.ready.len() < SPARE_SEGMENTS_MAX;
            let usable = number.is_some() && entry.len == segment_bytes && has_room;
            let result = if usable {
                adopt(&*disk, &entry.name).map(|spare| state.ready.push(spare))
            } else {
                disk.remove(&entry.name)
            };
            result.map_err(|e| Error::disk(format!("cannot use {}", entry.name), &e))?;
        }
        let threads = settings.threads;
        let (state, changed) = (Mutex::new(state), Condvar::new());
        Ok(Self { disk, segment_bytes, threads, state, changed })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes a spare, waiting while one is being prepared, and while the disk is too full for it:
    /// nothing is lost meanwhile, and nothing acknowledged.
    pub(crate) fn take(&self) -> Result<Spare, Error> {
        let mut state = self.state();
        loop {
            if let Some(spare) = state.ready.pop() {
                self.changed.notify_all();
                return Ok(spare);
            }
            if self.threads != Threads::Own {
                let name = next_name(&mut state);
                drop(state);
                return self.create(name);
            }
            if let Some(failure) = &state.failure
                && (state.closing || failure.kind() != ErrorKind::Full)
            {
                return Err(failure.clone());
            }
            if state.stopped {
                return Err(Error::new(ErrorKind::Stopped, "the log is closed"));
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Whether another purged segment is wanted, and under which name.
    pub(crate) fn wanted_name(&self) -> Option<String> {
        let mut state = self.state();
        (state.ready.len() < SPARE_SEGMENTS_MAX).then(|| next_name(&mut state))
    }

    /// Takes in a purged segment.
    pub(crate) fn give(&self, spare: Spare) {
        let mut state = self.state();
        state.ready.push(spare);
        state.failure = None;
        self.changed.notify_all();
    }

    /// Performs `write`, and again for as long as the disk is too full for it. It must be free to
    /// fail and to be repeated, as a sync is not.
    pub(crate) fn patiently(
        &self,
        what: impl std::fmt::Display,
        write: impl Fn() -> io::Result<()>,
    ) -> Result<(), Error> {
        loop {
            let Err(error) = write() else {
                self.state().stalled = None;
                return Ok(());
            };
            let error = Error::disk(&what, &error);
            let mut state = self.state();
            let can_wait = self.threads == Threads::Own && !state.closing;
            if error.kind() != ErrorKind::Full || !can_wait {
                return Err(error);
            }
            if state.stalled.is_none() {
                tracing::warn!(%error, "the log waits for space");
            }
            state.stalled = Some(error);
            drop(self.changed.wait_timeout(state, RETRY));
        }
    }

    /// Why no spare can be prepared, or none put to use, at present.
    pub(crate) fn failure(&self) -> Option<Error> {
        let state = self.state();
        state.stalled.clone().or_else(|| state.failure.clone())
    }

    /// Keeps one spare ready until [`SparePool::stop`].
    pub(crate) fn run(&self) {
        let mut state = self.state();
        while !state.stopped {
            if !state.ready.is_empty() {
                state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
                continue;
            }
            let name = next_name(&mut state);
            drop(state);
            let created = self.create(name);
            state = self.state();
            match created {
                Ok(spare) => {
                    state.failure = None;
                    state.ready.push(spare);
                    self.changed.notify_all();
                }
                Err(failure) => {
                    state.failure = Some(failure);
                    self.changed.notify_all();
                    let waited = self.changed.wait_timeout(state, RETRY);
                    state = waited.unwrap_or_else(PoisonError::into_inner).0;
                }
            }
        }
    }

    /// Prepares a spare if there is none, on the calling thread.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn keep_one(&self) {
        let mut state = self.state();
        if state.ready.is_empty() {
            let name = next_name(&mut state);
            drop(state);
            let created = self.create(name);
            let mut state = self.state();
            state.failure = created.as_ref().err().cloned();
            state.ready.extend(created);
        }
    }

    /// Lets nobody wait for space any more.
    pub(crate) fn close(&self) {
        self.state().closing = true;
        self.changed.notify_all();
    }

    /// Ends [`SparePool::run`].
    pub(crate) fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    fn create(&self, name: String) -> Result<Spare, Error> {
        let created = self.disk.create_zeroed(&name, self.segment_bytes);
        self.disk.reached(failpoint::LOG_SPARE_AFTER_CREATE);
        match created {
            Ok(file) => Ok(Spare { name, file, former_salt: None }),
            Err(e) => {
                // What was allocated so far would keep a full disk full; a leftover is harmless.
                if let Err(error) = self.disk.remove(&name) {
                    tracing::debug!(%name, %error, "an unfinished spare segment stays behind");
                }
                Err(Error::disk(format!("cannot prepare a log segment of {name}"), &e))
            }
        }
    }
}

fn next_name(state: &mut State) -> String {
    state.named += 1;
    format!("{SPARE_PREFIX}{:016}", state.named)
}

fn adopt(disk: &dyn Disk, name: &str) -> io::Result<Spare> {
    let file = disk.open(name)?;
    let mut sector = [0; HEADER_BYTES];
    file.read_at(0, &mut sector)?;
    let former_salt = Header::decode(name, &sector).ok().map(|header| header.salt);
    Ok(Spare { name: name.to_owned(), file, former_salt })
}
