//! A PostgreSQL for the time of an example or a test, in a folder of its own, if the programs of
//! one are on this machine.

use postgres::{Config, NoTls};
use std::env;
use std::error::Error;
use std::fs;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// Names the folder of `initdb` and `postgres`, where neither `PATH` nor Debian's place has them.
const NAMED: &str = "XCRON_POSTGRES";
/// Where Debian keeps them, below a folder for each version.
const DEBIAN: &str = "/usr/lib/postgresql";
/// Who it runs as when this program runs as root, which PostgreSQL refuses.
const USERS: [&str; 2] = ["postgres", "nobody"];
/// Runs what it is given, and stops it when the input of the shell ends: so a PostgreSQL does not
/// outlive the program that started it, however that ends. It is told in the way that does not
/// wait for its clients.
const SHELL: &str = "\
    exec 3<&0
    \"$@\" </dev/null 3<&- &
    server=$!
    { cat <&3 >/dev/null; kill -INT $server; } &
    wait $server";
/// How long it may take to answer, and to stop.
const START_MAX: Duration = Duration::from_secs(60);
const STOP_MAX: Duration = Duration::from_secs(10);

/// What a step comes to.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// A PostgreSQL of one's own; dropped, it stops and leaves nothing behind.
#[derive(Debug)]
pub struct Server {
    shell: Child,
    // Last, because it is removed when nothing runs in it any more.
    folder: TempDir,
}

impl Server {
    /// Starts one that listens on a socket in a temporary folder and on no network; `None` where
    /// there is no PostgreSQL.
    ///
    /// # Errors
    /// When there is one that does not start, or `XCRON_POSTGRES` names a folder that has none.
    pub fn start() -> Result<Option<Self>> {
        let Some(programs) = programs()? else {
            return Ok(None);
        };
        let folder = tempfile::Builder::new().prefix("xcron-pg-").tempdir()?;
        let user = if folder.path().metadata()?.uid() == 0 { Some(servant()?) } else { None };
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        let cluster = folder.path().join("cluster");
        let mut initdb = run_as(&programs.join("initdb"), user, folder.path());
        initdb.args(["-U", "xcron", "--auth=trust", "-E", "UTF8", "--no-sync", "-D"]);
        let made = initdb.arg(&cluster).output()?;
        if !made.status.success() {
            let said = String::from_utf8_lossy(&made.stderr);
            return Err(format!("initdb failed: {}", said.trim()).into());
        }
        let log = fs::File::create(folder.path().join("log"))?;
        let mut shell = run_as(Path::new("sh"), user, folder.path());
        shell.args(["-c", SHELL, "sh"]).arg(programs.join("postgres"));
        shell.arg("-D").arg(&cluster).arg("-k").arg(folder.path());
        shell.args(["-c", "listen_addresses="]).stdout(log.try_clone()?).stderr(log);
        let shell = shell.stdin(Stdio::piped()).spawn()?;
        let mut started = Self { shell, folder };
        started.wait()?;
        Ok(Some(started))
    }

    /// How to connect to it.
    #[must_use]
    pub fn database(&self) -> String {
        format!("host='{}' user=xcron dbname=postgres", self.folder.path().display())
    }

    fn wait(&mut self) -> Result<()> {
        let config: Config = self.database().parse()?;
        let begun = Instant::now();
        loop {
            let Err(error) = config.connect(NoTls) else {
                return Ok(());
            };
            let has_ended = self.shell.try_wait()?.is_some();
            if has_ended || begun.elapsed() > START_MAX {
                let log = fs::read_to_string(self.folder.path().join("log"))?;
                return Err(format!("postgres did not start: {error}: {}", log.trim()).into());
            }
            thread::sleep(Duration::from_millis(50));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let begun = Instant::now();
        while matches!(self.shell.try_wait(), Ok(None)) && begun.elapsed() < STOP_MAX {
            thread::sleep(Duration::from_millis(20));
        }
    }
}

/// The folder of PostgreSQL's programs.
fn programs() -> Result<Option<PathBuf>> {
    let is_whole = |folder: &PathBuf| {
        ["initdb", "postgres"].iter().all(|program| folder.join(program).is_file())
    };
    if let Some(named) = env::var_os(NAMED).map(PathBuf::from) {
        if !is_whole(&named) {
            let expected = "expected the folder of initdb and postgres";
            return Err(format!("{NAMED} is {}, {expected}", named.display()).into());
        }
        return Ok(Some(named));
    }
    let path = env::var_os("PATH").unwrap_or_default();
    if let Some(folder) = env::split_paths(&path).find(is_whole) {
        return Ok(Some(folder));
    }
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<PathBuf> = versions.map(|version| version.path().join("bin")).collect();
    versions.sort();
    Ok(versions.into_iter().rfind(is_whole))
}

/// The ids of somebody who may do less than root.
fn servant() -> Result<(u32, u32)> {
    let id = |what: &str, user: &str| -> Option<u32> {
        let said = Command::new("id").args([what, user]).output().ok()?;
        String::from_utf8(said.stdout).ok()?.trim().parse().ok()
    };
    let ids = |user: &&str| Some((id("-u", user)?, id("-g", user)?));
    let found = USERS.iter().find_map(ids);
    found.ok_or_else(|| format!("root may not run PostgreSQL, and there is no {USERS:?}").into())
}

fn run_as(program: &Path, user: Option<(u32, u32)>, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(folder).stdin(Stdio::null());
    if let Some((uid, gid)) = user {
        command.uid(uid).gid(gid);
    }
    command
}
