//! A snapshot that the leader sends part by part, until it is whole and checked.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

use crate::disk::DiskFile;
use crate::snapshot::{RECEIVED, SnapshotFile, Snapshots};
use crate::wire::peer::{SnapshotPartMessage, VoteMessage};
use crate::wire::snapshot::LogIdMessage;

/// The longest snapshot that is received: the disk has its own limit.
const SNAPSHOT_BYTES_MAX: u64 = 1 << 40;

/// Takes the parts of one snapshot at a time; another one takes its place.
#[derive(Debug)]
pub(crate) struct Parts {
    snapshots: Snapshots,
    receiving: Mutex<Option<Receiving>>,
}

#[derive(Debug)]
struct Receiving {
    vote: Option<VoteMessage>,
    last: Option<LogIdMessage>,
    total: u64,
    offset: u64,
    file: Arc<dyn DiskFile>,
}

impl Receiving {
    fn is_continued_by(&self, part: &SnapshotPartMessage) -> bool {
        let same = self.vote == part.vote && self.last == part.last && self.total == part.total;
        same && self.offset == part.offset
    }
}

impl Parts {
    pub(crate) fn new(snapshots: Snapshots) -> Self {
        Self { snapshots, receiving: Mutex::default() }
    }

    /// Takes a part; whether it was the last one, so that the snapshot is there.
    ///
    /// # Errors
    /// When the part does not follow the one before or cannot be written; then the sender begins
    /// again.
    pub(crate) fn take(&self, part: &SnapshotPartMessage) -> Result<bool, String> {
        let mut receiving = self.receiving.lock().unwrap_or_else(PoisonError::into_inner);
        if part.offset == 0 {
            *receiving = None;
            let file = self.snapshots.disk().create(RECEIVED).map_err(|e| describe(&e))?;
            let SnapshotPartMessage { vote, last, total, .. } = part.clone();
            *receiving = Some(Receiving { vote, last, total, offset: 0, file });
        }
        let Some(now) = receiving.as_mut().filter(|now| now.is_continued_by(part)) else {
            return Err("a part of a snapshot came out of turn".into());
        };
        let end = now.offset + part.bytes.len() as u64;
        if end > now.total || now.total > SNAPSHOT_BYTES_MAX {
            return Err("a snapshot is longer than was said".into());
        }
        now.file.write_at(now.offset, &part.bytes).map_err(|e| describe(&e))?;
        now.offset = end;
        let is_whole = end == now.total;
        if is_whole {
            *receiving = None;
        }
        Ok(is_whole)
    }

    /// Syncs and reads the snapshot that is there, on a thread of its own: both block.
    ///
    /// # Errors
    /// When it is not what was sent.
    pub(crate) async fn check(&self) -> Result<SnapshotFile, String> {
        let (sender, checked) = oneshot::channel();
        let snapshots = self.snapshots.clone();
        let started = self.snapshots.apart(move || {
            // Nobody waits any more after a shutdown.
            let _gone = sender.send(snapshots.check_received());
        });
        started.map_err(|e| describe(&e))?;
        let checked = checked.await.map_err(|_| "the thread that checks it ended".to_owned())?;
        checked.map_err(|error| error.to_string())
    }
}

fn describe(error: &io::Error) -> String {
    format!("a snapshot cannot be written: {error}")
}
