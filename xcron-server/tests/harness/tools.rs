//! Programs of the system that some tests need, and what is said where they are missing.

use super::timeline::plainly;
use std::path::PathBuf;
use std::process::Command;

const FOLDERS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Where a program is, if this machine has it.
pub(crate) fn find(program: &str) -> Option<PathBuf> {
    FOLDERS.iter().map(|folder| PathBuf::from(folder).join(program)).find(|path| path.is_file())
}

/// The file of a library whose name begins with `begins`, in a folder of libraries or below one
/// named `folder` there.
pub(crate) fn find_library(folder: &str, name: &str) -> Option<PathBuf> {
    let tops = ["/usr/lib", "/usr/local/lib", "/usr/lib64", "/lib"].map(PathBuf::from);
    let below = tops.iter().filter_map(|top| std::fs::read_dir(top).ok()).flatten();
    let below = below.filter_map(Result::ok).map(|entry| entry.path());
    let places = tops.iter().cloned().chain(below);
    places.map(|place| place.join(folder).join(name)).find(|path| path.is_file())
}

/// Runs a program to its end; what it said when it failed.
pub(crate) fn run(words: &[&str]) -> Result<(), String> {
    let path = find(words[0]).ok_or_else(|| format!("there is no {}", words[0]))?;
    let output =
        Command::new(path).args(&words[1..]).output().map_err(|error| error.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{}: {}", words.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}

/// Says that a test did not run, and why.
pub(crate) fn did_not_run(test: &str, why: &str) {
    plainly(&format!("did not run: {test}: {why}"));
}
