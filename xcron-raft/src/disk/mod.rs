//! The seam between this crate and a file system: the few operations that a log and its snapshots
//! need, so that tests can replace the disk by one that tears, drops and lies.

pub mod failpoint;
#[cfg(any(test, feature = "testing"))]
pub mod memory;
mod real;

use std::fmt::Debug;
use std::io;
use std::sync::Arc;

pub use real::RealDisk;
pub(crate) use real::rename_dir;

use crate::Error;

/// Length of the unit that a disk writes whole or not at all, in bytes.
pub const SECTOR_BYTES: usize = 512;

/// The most bytes of a long file that are written and not synced: a sync of the log waits for all
/// that the disk has in hand by then, and where cores are few its thread waits for one until the
/// other thread rests.
pub(crate) const UNSYNCED_BYTES_MAX: u64 = 256 << 10;

/// A file of a directory listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirEntry {
    /// Name of the file inside the directory.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
}

/// Held as long as a process uses the directory; dropping it frees the directory.
pub trait DirLock: Debug + Send + Sync {}

/// One flat directory of files.
///
/// # Contract
///
/// - A name is durable after [`Disk::sync_dir`], bytes are durable after [`DiskFile::sync_data`];
///   before that a crash may keep any part of them, in units of [`SECTOR_BYTES`].
/// - An operation may block for as long as the disk does; none is called from an async task that
///   others wait for.
pub trait Disk: Debug + Send + Sync + 'static {
    /// Takes the directory for this process; fails with `ErrorKind::InUse` if another holds it.
    fn lock(&self) -> Result<Box<dyn DirLock>, Error>;

    /// All files, ordered by name.
    fn list(&self) -> io::Result<Vec<DirEntry>>;

    /// Creates (or replaces) a file of `len` bytes, all zero, allocated and synced.
    fn create_zeroed(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>>;

    /// Creates (or replaces) an empty file that grows as it is written.
    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Opens an existing file.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;

    /// Renames a file, replacing the target.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;

    /// Removes a file.
    fn remove(&self, name: &str) -> io::Result<()>;

    /// Removes a file that may be long, so slowly that writes and syncs of others are not held up.
    /// Whoever has it open finds it cut short.
    fn discard(&self, name: &str) -> io::Result<()>;

    /// Makes creations, renames and removals durable.
    fn sync_dir(&self) -> io::Result<()>;

    /// Called at each of [`failpoint::FAILPOINTS`], so that a test can end the process there.
    fn reached(&self, point: &'static str);
}

/// An open file.
pub trait DiskFile: Debug + Send + Sync {
    /// Writes all of `bytes` at `offset`.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;

    /// Fills `buf` from `offset`; fails with `UnexpectedEof` if the file ends before.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()>;

    /// Makes all bytes written so far durable.
    fn sync_data(&self) -> io::Result<()>;

    /// Like [`DiskFile::sync_data`], for whoever writes a long file that nobody waits for: leaves
    /// the disk and the processor to others for a moment.
    fn sync_unhurried(&self) -> io::Result<()> {
        self.sync_data()
    }

    /// Length in bytes.
    fn size(&self) -> io::Result<u64>;
}
