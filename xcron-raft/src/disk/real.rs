//! A directory of the operating system: the only place of this crate that touches `std::fs`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::{DirEntry, DirLock, Disk, DiskFile, UNSYNCED_BYTES_MAX};
use crate::{Error, ErrorKind};

/// Name of the file whose lock says that a process uses the directory.
const LOCK_NAME: &str = "lock";

/// How many bytes at the end of a long file are given back at once: two gigabytes at once hold up
/// every sync for a quarter of a second.
const DISCARD_BYTES: u64 = 1 << 20;

/// How long others have their turn after each part of a long file.
const PAUSE: Duration = Duration::from_micros(500);

/// A [`Disk`] on a directory of the operating system.
///
/// ```
/// use xcron_raft::disk::{Disk, RealDisk};
/// let dir = tempfile::tempdir()?;
/// let disk = RealDisk::open(dir.path())?;
/// disk.create_zeroed("a", 4096)?;
/// assert_eq!(disk.list()?[0].len, 4096);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct RealDisk {
    dir: PathBuf,
    #[cfg(feature = "failpoints")]
    armed: armed::Armed,
}

#[derive(Debug)]
struct RealFile(File);

/// The operating system frees the lock when the file is closed, also after a kill.
#[derive(Debug)]
struct RealLock {
    _file: File,
}

impl DirLock for RealLock {}

impl RealDisk {
    /// Opens `dir`, creating it if it does not exist.
    pub fn open(dir: &Path) -> Result<Self, Error> {
        fs::create_dir_all(dir)
            .map_err(|e| Error::disk(format!("cannot create {}", dir.display()), &e))?;
        Ok(Self {
            dir: dir.to_owned(),
            #[cfg(feature = "failpoints")]
            armed: armed::Armed::from_env(),
        })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    fn create_file(&self, name: &str) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(true).open(self.path(name))
    }
}

/// Writes `len` zeros and syncs them, little by little.
fn write_zeros(file: &impl DiskFile, len: u64) -> io::Result<()> {
    let zeros = vec![0; UNSYNCED_BYTES_MAX.min(len) as usize];
    let mut offset = 0;
    while offset < len {
        let n = (len - offset).min(UNSYNCED_BYTES_MAX);
        file.write_at(offset, &zeros[..n as usize])?;
        file.sync_data()?;
        offset += n;
    }
    Ok(())
}

/// Renames a directory and makes that durable.
pub(crate) fn rename_dir(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)?;
    let parent = to.parent().filter(|parent| !parent.as_os_str().is_empty());
    File::open(parent.unwrap_or(Path::new(".")))?.sync_all()
}

impl Disk for RealDisk {
    fn lock(&self) -> Result<Box<dyn DirLock>, Error> {
        let path = self.path(LOCK_NAME);
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(|e| Error::disk(format!("cannot open {}", path.display()), &e))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(RealLock { _file: file })),
            Err(fs::TryLockError::WouldBlock) => Err(Error::new(
                ErrorKind::InUse,
                format!(
                    "data directory {} is in use by another process; stop it or choose another \
                     directory",
                    self.dir.display()
                ),
            )),
            Err(fs::TryLockError::Error(e)) => {
                Err(Error::disk(format!("cannot lock {}", path.display()), &e))
            }
        }
    }

    fn list(&self) -> io::Result<Vec<DirEntry>> {
        let mut entries = Vec::new();
        for entry in fs::read_dir(&self.dir)? {
            let entry = entry?;
            let metadata = entry.metadata()?;
            if let (true, Ok(name)) = (metadata.is_file(), entry.file_name().into_string()) {
                entries.push(DirEntry { name, len: metadata.len() });
            }
        }
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(entries)
    }

    fn create_zeroed(&self, name: &str, len: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = self.create_file(name)?;
        let file = RealFile(file);
        write_zeros(&file, len)?;
        file.0.sync_all()?;
        Ok(Arc::new(file))
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(RealFile(self.create_file(name)?)))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).open(self.path(name))?;
        Ok(Arc::new(RealFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.path(from), self.path(to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        fs::remove_file(self.path(name))
    }

    fn discard(&self, name: &str) -> io::Result<()> {
        let file = OpenOptions::new().write(true).open(self.path(name))?;
        let mut len = file.metadata()?.len();
        while len > DISCARD_BYTES {
            len -= DISCARD_BYTES;
            file.set_len(len)?;
            thread::sleep(PAUSE);
        }
        self.remove(name)
    }

    fn sync_dir(&self) -> io::Result<()> {
        File::open(&self.dir)?.sync_all()
    }

    fn reached(&self, point: &'static str) {
        #[cfg(feature = "failpoints")]
        self.armed.reached(point);
        #[cfg(not(feature = "failpoints"))]
        let _ = point;
    }
}

impl DiskFile for RealFile {
    fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(buf, offset)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_unhurried(&self) -> io::Result<()> {
        self.sync_data()?;
        thread::sleep(PAUSE);
        Ok(())
    }

    fn size(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

#[cfg(feature = "failpoints")]
mod armed {
    //! Ends the process at the point named by `XCRON_FAILPOINT`, as a kill would.

    use std::sync::atomic::{AtomicU64, Ordering};

    /// `XCRON_FAILPOINT=log.after_write:3` ends the process at the third time.
    #[derive(Debug)]
    pub(super) struct Armed {
        point: Option<String>,
        left: AtomicU64,
    }

    impl Armed {
        pub(super) fn from_env() -> Self {
            let value = std::env::var("XCRON_FAILPOINT").ok();
            let (point, times) =
                match value.as_deref().map(|v| v.split_once(':').unwrap_or((v, "1"))) {
                    Some((point, times)) => (Some(point.to_owned()), times.parse().unwrap_or(1)),
                    None => (None, 0),
                };
            Self { point, left: AtomicU64::new(times) }
        }

        pub(super) fn reached(&self, point: &'static str) {
            if self.point.as_deref() == Some(point) && self.left.fetch_sub(1, Ordering::SeqCst) == 1
            {
                std::process::abort();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;

    /// Counts what is written and not synced, and the most that ever was.
    #[derive(Debug, Default)]
    struct Counting {
        bytes: AtomicU64,
        unsynced: AtomicU64,
        unsynced_max: AtomicU64,
    }

    impl DiskFile for Counting {
        fn write_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
            assert_eq!(offset, self.bytes.fetch_add(bytes.len() as u64, Relaxed));
            let unsynced = self.unsynced.fetch_add(bytes.len() as u64, Relaxed);
            self.unsynced_max.fetch_max(unsynced + bytes.len() as u64, Relaxed);
            Ok(())
        }

        fn read_at(&self, _offset: u64, _buf: &mut [u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }

        fn sync_data(&self) -> io::Result<()> {
            self.unsynced.store(0, Relaxed);
            Ok(())
        }

        fn size(&self) -> io::Result<u64> {
            Ok(self.bytes.load(Relaxed))
        }
    }

    #[test]
    fn a_file_is_allocated_little_by_little() {
        let file = Counting::default();
        write_zeros(&file, 3 * UNSYNCED_BYTES_MAX + 5).unwrap();
        assert_eq!(file.size().unwrap(), 3 * UNSYNCED_BYTES_MAX + 5);
        assert_eq!(file.unsynced.load(Relaxed), 0);
        let most = file.unsynced_max.load(Relaxed);
        assert!(most <= UNSYNCED_BYTES_MAX, "a sync of the log waits for {most} bytes");
    }

    #[test]
    fn a_long_file_is_discarded() {
        let dir = tempfile::tempdir().unwrap();
        let disk = RealDisk::open(dir.path()).unwrap();
        disk.create_zeroed("long", 3 * DISCARD_BYTES + 1).unwrap();
        let file = disk.open("long").unwrap();
        disk.discard("long").unwrap();
        assert_eq!(disk.list().unwrap(), []);
        assert!(file.size().unwrap() <= DISCARD_BYTES, "it was removed in one go");
        assert!(disk.discard("long").is_err());
    }

    #[test]
    fn a_second_holder_is_told_that_the_directory_is_in_use() {
        let dir = tempfile::tempdir().unwrap();
        let first = RealDisk::open(dir.path()).unwrap();
        let held = first.lock().unwrap();
        let second = RealDisk::open(dir.path()).unwrap();
        let error = second.lock().unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InUse);
        assert!(error.to_string().contains("is in use by another process;"));
        drop(held);
        second.lock().unwrap();
    }
}
