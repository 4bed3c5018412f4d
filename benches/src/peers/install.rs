//! Puts adapters and their packages into the cache, from public registries.

use super::catalog::{Peer, Runtime, Service};
use super::programs::{find, run};
use crate::fault::Result;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

/// Where adapters are kept.
const ADAPTERS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/peers");
/// What adapters in JavaScript share.
const CONTRACT: &str = "contract.js";
/// What Go makes Dkron of, where the machine has none.
const DKRON: &str = "github.com/distribworks/dkron/v4@v4.0.9";
/// What is there once all packages are.
const DONE: &str = ".installed";
/// How long one step may take.
const STEP_MAX: Duration = Duration::from_secs(1_200);

/// A peer that is there.
#[derive(Clone, Debug)]
pub struct Installed {
    /// Which.
    pub peer: &'static Peer,
    /// Where its adapter and its packages are.
    pub folder: PathBuf,
}

/// Installs `peer` into `cache` if it is not there, missing programs of the machine only with
/// `apt`.
///
/// # Errors
/// When this machine cannot have it, with the reason.
pub async fn install(peer: &'static Peer, cache: &Path, apt: bool) -> Result<Installed> {
    for (program, package) in programs(peer) {
        require(program, package, apt).await?;
    }
    let adapters = cache.join("adapters");
    let folder = adapters.join(peer.name);
    std::fs::create_dir_all(&folder)?;
    copy_changed(&Path::new(ADAPTERS).join(CONTRACT), &adapters.join(CONTRACT))?;
    let is_changed = copy_tree(&Path::new(ADAPTERS).join(peer.name), &folder)?;
    if is_changed || !folder.join(DONE).is_file() {
        eprintln!("{}: installing its packages into {} ...", peer.name, folder.display());
        let _none = std::fs::remove_file(folder.join(DONE));
        for step in steps(peer.runtime) {
            run(command(step, &folder), STEP_MAX).await?;
        }
        if peer.service == Some(Service::Dkron) && find("dkron").is_none() {
            require("go", "golang-go", apt).await?;
            let mut go = command(&["go", "install", DKRON], &folder);
            go.env("GOBIN", folder.join("bin"));
            run(go, STEP_MAX).await?;
        }
        std::fs::write(folder.join(DONE), "")?;
    }
    Ok(Installed { peer, folder })
}

impl Installed {
    /// The command that is the adapter.
    #[must_use]
    pub fn command(&self) -> Command {
        let words: &[&str] = match self.peer.runtime {
            Runtime::Node => &["node", "adapter.js"],
            Runtime::Python => &["venv/bin/python", "adapter.py"],
            Runtime::Rust => &[],
        };
        if words.is_empty() {
            let name = format!("target/release/peer-{}", self.peer.name);
            return Command::new(self.folder.join(name));
        }
        command(words, &self.folder)
    }

    /// Dkron's program: the machine's, or what Go made.
    #[must_use]
    pub fn dkron(&self) -> PathBuf {
        find("dkron").unwrap_or_else(|| self.folder.join("bin/dkron"))
    }

    /// Restate's server, which is in its packages.
    ///
    /// # Errors
    /// When there is none for this machine.
    pub fn restate_server(&self) -> Result<PathBuf> {
        let packages = std::fs::read_dir(self.folder.join("node_modules/@restatedev"))?;
        let programs = packages.flatten().map(|entry| entry.path().join("bin/restate-server"));
        let found = programs.into_iter().find(|program| program.is_file());
        Ok(found.ok_or("its packages hold no server for this machine")?)
    }
}

/// The programs of the machine that `peer` needs, with the packages of Debian that have them.
fn programs(peer: &Peer) -> Vec<(&'static str, &'static str)> {
    let mut programs = match peer.runtime {
        Runtime::Node => vec![("node", "nodejs"), ("npm", "npm")],
        Runtime::Python => vec![("python3", "python3-venv")],
        Runtime::Rust => vec![("cargo", "cargo")],
    };
    programs.extend(match peer.service {
        Some(Service::Postgres) => vec![("postgres", "postgresql"), ("initdb", "postgresql")],
        Some(Service::Redis) => vec![("redis-server", "redis-server")],
        Some(Service::Restate | Service::Dkron) | None => vec![],
    });
    programs
}

async fn require(program: &str, package: &str, apt: bool) -> Result<()> {
    if find(program).is_none() && apt {
        let mut command = Command::new("apt-get");
        command.args(["install", "-y", "--no-install-recommends", package]);
        command.env("DEBIAN_FRONTEND", "noninteractive");
        run(command, STEP_MAX).await?;
    }
    match find(program) {
        Some(_) => Ok(()),
        None => {
            let why = format!("no {program} on this machine (package {package}, or --apt)");
            Err(why.into())
        }
    }
}

/// What installs the packages of an adapter, in its folder. No scripts of packages are run.
fn steps(runtime: Runtime) -> &'static [&'static [&'static str]] {
    match runtime {
        Runtime::Node => &[&["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]],
        Runtime::Python => &[
            &["python3", "-m", "venv", "--clear", "venv"],
            &["venv/bin/pip", "install", "--no-deps", "-r", "requirements.txt"],
        ],
        Runtime::Rust => &[&["cargo", "build", "--release", "--locked", "--target-dir", "target"]],
    }
}

/// Runs `words` in `folder`, where the first one may be found too.
fn command(words: &[&str], folder: &Path) -> Command {
    let local = folder.join(words[0]);
    let program = if local.is_file() { local } else { PathBuf::from(words[0]) };
    let mut command = Command::new(program);
    command.args(&words[1..]).current_dir(folder);
    command
}

/// Copies what is in `from` and not the same in `to`; whether there was any.
fn copy_tree(from: &Path, to: &Path) -> Result<bool> {
    let mut is_changed = false;
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (source, copy) = (entry.path(), to.join(entry.file_name()));
        // `target` and the like are there when somebody tried an adapter in place.
        let is_made = ["target", "node_modules", "venv", "__pycache__"];
        if is_made.iter().any(|made| entry.file_name() == *made) {
            continue;
        }
        is_changed |= if entry.file_type()?.is_dir() {
            copy_tree(&source, &copy)?
        } else {
            copy_changed(&source, &copy)?
        };
    }
    Ok(is_changed)
}

fn copy_changed(from: &Path, to: &Path) -> Result<bool> {
    let wanted = std::fs::read(from)?;
    if std::fs::read(to).is_ok_and(|present| present == wanted) {
        return Ok(false);
    }
    std::fs::write(to, wanted)?;
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{copy_tree, require};
    use std::fs;

    #[test]
    fn only_what_changed_is_copied_and_nothing_that_was_made() {
        let dir = tempfile::tempdir().expect("a directory");
        let (from, to) = (dir.path().join("from"), dir.path().join("to"));
        fs::create_dir_all(from.join("src")).expect("a folder");
        fs::create_dir_all(from.join("target")).expect("a folder");
        fs::write(from.join("src/main"), "1").expect("a file");
        fs::write(from.join("target/made"), "1").expect("a file");
        assert!(copy_tree(&from, &to).expect("a copy"));
        assert!(!copy_tree(&from, &to).expect("a copy"), "nothing changed");
        fs::write(from.join("src/main"), "2").expect("a file");
        assert!(copy_tree(&from, &to).expect("a copy"));
        assert_eq!(fs::read(to.join("src/main")).expect("a copy"), b"2");
        assert!(!to.join("target").exists());
    }

    #[tokio::test]
    async fn a_missing_program_is_named_with_its_package() {
        let missing = require("no-such-program-of-xcron", "a-package", false).await;
        let why = missing.expect_err("it is missing").to_string();
        assert!(why.contains("no no-such-program-of-xcron") && why.contains("a-package"), "{why}");
    }
}
