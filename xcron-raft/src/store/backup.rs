//! A backup: all that is committed, in the form of a snapshot, sent while the store serves.

use std::io;
use std::sync::Mutex;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::disk::DiskFile;
use crate::snapshot::Snapshots;
use crate::state::View;

/// How many chunks wait for whoever takes the backup; its thread waits with them.
const CHUNKS_WAITING_MAX: usize = 4;

/// A backup on its way.
///
/// ```no_run
/// # async fn example(store: xcron_raft::RaftStore) -> Result<(), Box<dyn std::error::Error>> {
/// let mut backup = store.backup().await?;
/// while let Some(chunk) = backup.chunks.recv().await {
///     println!("{} bytes", chunk?.len());
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Backup {
    /// A name for the file.
    pub name: String,
    /// The bytes in order; an error ends them before the backup is whole.
    pub chunks: mpsc::Receiver<Result<Bytes, String>>,
}

/// The end into which a backup is written.
#[derive(Debug)]
pub(super) struct Chunks(mpsc::Sender<Result<Bytes, String>>);

/// A backup of `view` and where to write it.
pub(super) fn begin(cluster: u128, view: &View) -> (Backup, Chunks) {
    let (sender, chunks) = mpsc::channel(CHUNKS_WAITING_MAX);
    let index = view.applied.map_or(0, |id| id.index);
    let name = format!("xcron-{cluster:032x}-{index}.backup");
    (Backup { name, chunks }, Chunks(sender))
}

impl Chunks {
    /// Writes `view`; blocks for as long as whoever takes it does.
    pub(super) fn fill(&self, snapshots: &Snapshots, view: &View) {
        let sink = Sink { chunks: &self.0, written: Mutex::new(0) };
        if let Err(error) = snapshots.write_to(view, &sink) {
            // Whoever took the backup may have left.
            let _left = self.0.blocking_send(Err(error.to_string()));
        }
    }
}

/// A file that cannot be read back: its bytes go on to whoever takes the backup.
#[derive(Debug)]
struct Sink<'a> {
    chunks: &'a mpsc::Sender<Result<Bytes, String>>,
    written: Mutex<u64>,
}

impl DiskFile for Sink<'_> {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut written = self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if offset != *written {
            return Err(io::Error::other("a backup is written from its beginning to its end"));
        }
        *written += bytes.len() as u64;
        let sent = self.chunks.blocking_send(Ok(Bytes::copy_from_slice(bytes)));
        sent.map_err(|_| io::Error::other("whoever took the backup has left"))
    }

    fn read_at(&self, _offset: u64, _buf: &mut [u8]) -> io::Result<()> {
        Err(io::Error::from(io::ErrorKind::Unsupported))
    }

    fn sync_data(&self) -> io::Result<()> {
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(*self.written.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }
}
