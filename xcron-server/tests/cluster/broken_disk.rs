//! Disks that break on demand: one that is small and fills up, one that no longer syncs.

use crate::cluster::{Cluster, RECOVERY};
use crate::tools::run;
use crate::tracer::{inject, is_traced};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::process::Child;

/// The size of the small disk: room for many of the smallest segments.
const DISK: &str = "size=24m";

/// A small file system in memory.
#[derive(Debug)]
pub(crate) struct SmallDisk(TempDir);

impl SmallDisk {
    pub(crate) fn mounted() -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
        let path = dir.path().to_str().expect("temporary directories have readable names");
        run(&["mount", "-t", "tmpfs", "-o", DISK, "tmpfs", path])?;
        Ok(Self(dir))
    }

    /// Where the node's files are.
    pub(crate) fn path(&self) -> PathBuf {
        self.0.path().join("node")
    }

    fn ballast(&self) -> PathBuf {
        self.0.path().join("ballast")
    }

    /// Leaves no byte free.
    pub(crate) fn fill(&self) {
        let mut file = File::create(self.ballast()).expect("a file");
        for block in [65_536, 4_096, 1] {
            loop {
                match file.write_all(&vec![0; block]) {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break,
                    Err(error) => panic!("the disk cannot be filled: {error}"),
                }
            }
        }
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("the ballast can be removed");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let path: &Path = self.0.path();
        // Lazily: the node on it may still be ending.
        drop(run(&["umount", "-l", path.to_str().unwrap_or_default()]));
    }
}

/// From now on no sync of the node at `place` succeeds.
pub(crate) async fn fail_syncs(cluster: &Cluster, place: usize) -> Child {
    let pid = cluster.members[place].server().pid();
    let tracer = inject(pid, "error=EIO");
    let traced = async || is_traced(pid).then_some(());
    cluster.until(RECOVERY, "strace is there", traced).await;
    cluster.timeline.note(format!("member {place}: syncs fail"));
    tokio::time::sleep(Duration::from_millis(200)).await;
    tracer
}
