//! What earlier runs left behind that died before they could tidy up.

use crate::tools::{find, run};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Begins the names of networks and bridges; the id of the process follows, in hexadecimal.
pub(crate) const NET_PREFIX: &str = "xk";

/// Begins the names of folders; the id of the process follows.
const FOLDER_PREFIX: &str = "xcron-chaos-";

/// Where folders are: in memory, if there is such a place.
fn place() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// A folder of this process for disks and clocks, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn make() -> Self {
        let path = place().join(format!("{FOLDER_PREFIX}{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a folder");
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        clear(&self.0);
    }
}

/// Unmounts what is mounted below a folder, and removes it.
fn clear(folder: &Path) {
    let mounts = std::fs::read_to_string("/proc/mounts").unwrap_or_default();
    let points = mounts.lines().filter_map(|line| line.split(' ').nth(1));
    for point in points.filter(|point| Path::new(point).starts_with(folder)) {
        // Lazily: a node on it may still be ending.
        drop(run(&["umount", "-l", point]));
    }
    drop(std::fs::remove_dir_all(folder));
}

fn is_alive(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// Removes what belongs to processes that are no more; what was removed.
pub(crate) fn sweep() -> Vec<String> {
    let mut swept = Vec::new();
    for name in names(&["ip", "-o", "link", "show"], 1) {
        if is_orphan(&name) && run(&["ip", "link", "del", &name]).is_ok() {
            swept.push(name);
        }
    }
    for name in names(&["ip", "netns", "list"], 0) {
        if is_orphan(&name) {
            for pid in names(&["ip", "netns", "pids", &name], 0) {
                drop(run(&["sh", "-c", &format!("kill -9 {pid}")]));
            }
            if run(&["ip", "netns", "del", &name]).is_ok() {
                swept.push(name);
            }
        }
    }
    for entry in std::fs::read_dir(place()).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if let Some(pid) = name.strip_prefix(FOLDER_PREFIX).and_then(|pid| pid.parse().ok())
            && !is_alive(pid)
        {
            clear(&entry.path());
            if !entry.path().exists() {
                swept.push(name);
            }
        }
    }
    swept
}

/// The words at one place of the lines that a program prints.
fn names(words: &[&str], at: usize) -> Vec<String> {
    let Some(program) = find(words[0]) else { return Vec::new() };
    let Ok(output) = Command::new(program).args(&words[1..]).output() else { return Vec::new() };
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = |line: &'_ str| {
        let words = line.split([' ', '@', ':']).filter(|word| !word.is_empty());
        words.map(str::to_owned).nth(at)
    };
    text.lines().filter_map(words).collect()
}

/// Whether a network's name says that its process is gone.
fn is_orphan(name: &str) -> bool {
    let Some((pid, _)) = name.strip_prefix(NET_PREFIX).and_then(|rest| rest.split_once('-')) else {
        return false;
    };
    u32::from_str_radix(pid, 16).is_ok_and(|pid| !is_alive(pid))
}

/// Removes what the library of false clocks leaves behind when its process is killed.
pub(crate) fn forget_clock(pid: u32) {
    for name in [format!("faketime_shm_{pid}"), format!("sem.faketime_sem_{pid}")] {
        drop(std::fs::remove_file(Path::new("/dev/shm").join(name)));
    }
}
