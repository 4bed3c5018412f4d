//! `backup`: a file that is there only once it is whole and on disk.

use super::failure::Failure;
use super::output::print;
use super::progress::{Progress, size};
use super::server::Server;
use crate::signals::Signals;
use clap::Args;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use tempfile::NamedTempFile;

const EXAMPLES: &str = "\
Examples:
  xcron_server backup -o xcron.backup
  xcron_server restore xcron.backup --set raft_dir=./restored/";

/// Where a backup is to be.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Backup {
    /// The file; the name that the server gives it, in this folder, without it.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Replaces the file if it exists.
    #[arg(long)]
    force: bool,
    #[command(flatten)]
    server: Server,
}

impl Backup {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        if let Some(path) = &self.out {
            self.check(path)?;
        }
        let mut signals = Signals::take().map_err(|error| Failure::Failed(error.to_string()))?;
        tokio::select! {
            biased;
            // What was written so far goes with the future that is dropped.
            () = signals.next() => Err(Failure::Failed("stopped, no backup was made".to_owned())),
            done = self.write() => done,
        }
    }

    async fn write(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let mut backup = client.backup().await?;
        let path = match &self.out {
            Some(path) => path.clone(),
            None => named(backup.name())?,
        };
        self.check(&path)?;
        let failed = |error: std::io::Error| Failure::file(&path, &error);
        let mut file = NamedTempFile::new_in(folder(&path)).map_err(failed)?;
        let (mut bytes, mut progress) = (0, Progress::begin("backup"));
        while let Some(chunk) = backup.chunk().await? {
            file.write_all(&chunk).map_err(failed)?;
            bytes += chunk.len() as u64;
            progress.bytes(bytes);
        }
        drop(progress);
        file.as_file().sync_all().map_err(failed)?;
        let kept = if self.force { file.persist(&path) } else { file.persist_noclobber(&path) };
        kept.map_err(|error| failed(error.error))?;
        // The name is on disk only once its folder is.
        File::open(folder(&path)).and_then(|folder| folder.sync_all()).map_err(failed)?;
        print(&format!("{}: {}, {bytes} bytes\n", path.display(), size(bytes)))
    }

    fn check(&self, path: &Path) -> Result<(), Failure> {
        if !self.force && path.exists() {
            let why = "exists already: name another with --out, or replace it with --force";
            return Err(Failure::Usage(format!("{}: {why}", path.display())));
        }
        Ok(())
    }
}

/// The folder that a file is to be in.
fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The server's name for the file, if it is a plain one.
fn named(name: Option<&str>) -> Result<PathBuf, Failure> {
    let is_plain = |name: &&str| {
        name.starts_with(|c: char| c.is_ascii_alphanumeric())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || "._-".contains(c))
    };
    let none = || Failure::Failed("the server gave no name: name a file with --out".to_owned());
    name.filter(is_plain).map(PathBuf::from).ok_or_else(none)
}

#[cfg(test)]
mod tests {
    use super::{folder, named};
    use std::path::Path;

    #[test]
    fn the_name_that_a_server_gives_stays_in_this_folder() {
        assert!(named(Some("xcron-1.backup")).is_ok());
        for bad in [None, Some(""), Some(".bashrc"), Some("../a"), Some("a/b"), Some("-a")] {
            assert!(named(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_without_a_folder_is_in_this_one() {
        assert_eq!(folder(Path::new("a")), Path::new("."));
        assert_eq!(folder(Path::new("/b/a")), Path::new("/b"));
    }
}
