//! A small disk of a node that can be filled and that can lose its power: XFS on a loop device.

use crate::tools::run;
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The least that XFS takes. It is not allocated until it is written.
const SIZE: u64 = 320 << 20;

/// How often a disk is asked to go that a dying process still holds.
const UNMOUNTS_MAX: u32 = 50;

/// A mounted disk, unmounted when its folder goes.
#[derive(Debug)]
pub(crate) struct Volume {
    image: PathBuf,
    point: PathBuf,
}

impl Volume {
    /// A new disk in `folder`; why that is not possible here otherwise.
    pub(crate) fn make(folder: &Path, place: usize) -> Result<Self, String> {
        let image = folder.join(format!("disk-{place}.img"));
        let point = folder.join(format!("disk-{place}"));
        let told = |error: std::io::Error| error.to_string();
        File::create(&image).and_then(|file| file.set_len(SIZE)).map_err(told)?;
        std::fs::create_dir_all(&point).map_err(told)?;
        let volume = Self { image, point };
        run(&["mkfs.xfs", "-q", &text(&volume.image)])?;
        volume.mount()?;
        Ok(volume)
    }

    /// Whether a disk can lose its power here.
    pub(crate) fn can_lose_power() -> Result<(), String> {
        run(&["xfs_io", "-V"])
    }

    fn mount(&self) -> Result<(), String> {
        run(&["mount", "-o", "loop", &text(&self.image), &text(&self.point)])
    }

    /// Where the node's files are.
    pub(crate) fn path(&self) -> PathBuf {
        self.point.join("node")
    }

    fn ballast(&self, number: u32) -> PathBuf {
        self.point.join(format!("ballast-{number}"))
    }

    /// Leaves no block free; whether a write then fails.
    pub(crate) fn fill(&self) -> bool {
        let target = self.ballast(0);
        // In steps, because the last part of a disk can only be had in small pieces.
        let mut number = 1;
        for size in ["64m", "8m", "1m", "64k"] {
            while run(&["fallocate", "-l", size, &text(&self.ballast(number))]).is_ok() {
                number += 1;
            }
            drop(std::fs::remove_file(self.ballast(number)));
        }
        let mut is_full = false;
        let mut file = match File::create(&target) {
            Ok(file) => file,
            // Not even for its name is there space.
            Err(error) => return error.kind() == ErrorKind::StorageFull,
        };
        for block in [65_536, 4_096, 512] {
            loop {
                let written = file.write_all(&vec![7; block]).and_then(|()| file.sync_data());
                match written {
                    Ok(()) => {}
                    Err(error) if error.kind() == ErrorKind::StorageFull => break is_full = true,
                    Err(error) => panic!("the disk cannot be filled: {error}"),
                }
            }
        }
        is_full
    }

    /// Takes away what filled it.
    pub(crate) fn make_room(&self) {
        for entry in std::fs::read_dir(&self.point).expect("a folder").flatten() {
            if entry.file_name().to_string_lossy().starts_with("ballast-") {
                std::fs::remove_file(entry.path()).expect("the ballast can be removed");
            }
        }
    }

    /// Cuts its power: what was not synced is lost. Whether writes fail now.
    pub(crate) fn cut_power(&self) -> bool {
        drop(run(&["xfs_io", "-x", "-c", "shutdown", &text(&self.point)]));
        File::create(self.point.join("probe")).is_err()
    }

    /// Gives it power again; nobody may use it any more.
    pub(crate) fn restore_power(&self) {
        let mut said = String::new();
        for _ in 0..UNMOUNTS_MAX {
            match run(&["umount", &text(&self.point)]) {
                Ok(()) => return self.mount().expect("what lost its power can be mounted again"),
                Err(error) => said = error,
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("the disk is held by somebody: {said}");
    }
}

fn text(path: &Path) -> String {
    path.to_str().expect("temporary folders have readable names").to_owned()
}
