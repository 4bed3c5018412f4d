//! The server process under test: built, started in a directory of its own, killed at the end or
//! between, and started there again.

use crate::client::Connection;
use crate::fault::Result;
use crate::process::Process;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long a server that knows nothing may take to serve.
const START_MAX: Duration = Duration::from_secs(30);
/// How long one may take that has much to read.
const RESTART_MAX: Duration = Duration::from_secs(900);
/// How often it is asked whether it is ready.
const READY_EVERY: Duration = Duration::from_millis(5);

/// Where a server keeps what it has to, below the directory that it is started in.
const KEEPS: &str = "data";
/// What a snapshot is called while it is being written, and how its name begins and ends then.
const SNAPSHOT_TEMPORARY: &str = "snapshot.tmp";
const SNAPSHOT: (&str, &str) = ("snapshot-", ".snap");

/// A running server; dropping it kills the process and removes its directory.
#[derive(Debug)]
pub struct Server {
    api: SocketAddr,
    monitor: SocketAddr,
    binary: PathBuf,
    launch: Launch,
    // Declared before the directory, so that the process is gone when that is removed.
    child: Child,
    dir: TempDir,
}

/// What is not as by default in a server that is started.
#[derive(Clone, Debug, Default)]
pub struct Launch {
    /// Settings, as variables of its environment.
    pub settings: Vec<(&'static str, String)>,
    /// The resolver that it asks, instead of the machine's; that needs the rights to mount.
    pub resolver: Option<Ipv4Addr>,
}

/// Makes a file the list of resolvers, for the server alone, and becomes the server.
const WITH_RESOLVER: &str = "mount --bind \"$1\" /etc/resolv.conf && exec \"$2\"";

impl Launch {
    fn command(&self, binary: &Path, dir: &Path) -> Result<Command> {
        let Some(resolver) = self.resolver else {
            return Ok(Command::new(binary));
        };
        let list = dir.join("resolv.conf");
        std::fs::write(&list, format!("nameserver {resolver}\n"))?;
        let mut command = Command::new("/usr/bin/unshare");
        command.args(["--mount", "/bin/sh", "-c", WITH_RESOLVER, "sh"]).arg(list).arg(binary);
        Ok(command)
    }
}

/// The release binary of the server, built if `named` names none.
///
/// # Errors
/// When it cannot be built or is not there.
pub async fn binary(named: Option<&Path>) -> Result<PathBuf> {
    if let Some(path) = named {
        return Ok(path.canonicalize().map_err(|error| format!("{}: {error}", path.display()))?);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let built = Command::new(cargo)
        .args(["build", "--release", "--quiet", "-p", "xcron-server"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .status()
        .await?;
    let beside = std::env::current_exe()?.with_file_name("xcron_server");
    if !built.success() || !beside.is_file() {
        let wanted = beside.display();
        return Err(format!("{wanted} could not be built, name a server by --server").into());
    }
    if !beside.components().any(|part| part.as_os_str() == "release") {
        return Err("this is a debug build, add --release".into());
    }
    Ok(beside)
}

impl Server {
    /// Starts `binary` as `launch` says, with free ports and an empty directory below `within`.
    ///
    /// # Errors
    /// When it does not serve in time; the message ends with what it said on stderr.
    pub async fn start(binary: &Path, within: &Path, launch: &Launch) -> Result<Self> {
        let dir = tempfile::Builder::new().prefix(".xcron-load-").tempdir_in(within)?;
        let (child, api, monitor) = spawn(binary, launch, dir.path(), START_MAX).await?;
        let (binary, launch) = (binary.to_owned(), launch.clone());
        Ok(Self { api, monitor, binary, launch, child, dir })
    }

    /// Kills the process, as `kill -9` does, and waits until it is gone.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn kill(&mut self) -> Result<()> {
        Ok(self.child.kill().await?)
    }

    /// Starts one that was killed again, in the directory of before.
    ///
    /// # Errors
    /// When it does not serve in time.
    pub async fn restart(&mut self) -> Result<()> {
        let started = spawn(&self.binary, &self.launch, self.dir.path(), RESTART_MAX).await?;
        (self.child, self.api, self.monitor) = started;
        Ok(())
    }

    /// Waits until it says that it is ready.
    ///
    /// # Errors
    /// When it is not within `time_max`.
    pub async fn ready(&self, time_max: Duration) -> Result<()> {
        let begun = Instant::now();
        let mut last = "it does not answer".to_owned();
        while begun.elapsed() < time_max {
            if let Ok(mut connection) = Connection::open(self.monitor).await
                && let Ok((status, body)) = connection.get(self.monitor, "/readyz").await
            {
                if status == 200 {
                    return Ok(());
                }
                last = String::from_utf8_lossy(&body).into_owned();
            }
            tokio::time::sleep(READY_EVERY).await;
        }
        Err(format!("the server was not ready in time: {last}").into())
    }

    /// Where the API listens.
    #[must_use]
    pub const fn api(&self) -> SocketAddr {
        self.api
    }

    /// The sum of the samples of a metric whose labels contain `label`.
    ///
    /// # Errors
    /// When the monitor port does not answer.
    pub async fn metric(&self, name: &str, label: &str) -> Result<f64> {
        let mut connection = Connection::open(self.monitor).await?;
        let (_, body) = connection.get(self.monitor, "/metrics").await?;
        Ok(sum_of(&String::from_utf8_lossy(&body), name, label))
    }

    /// How many bytes its directory holds.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn bytes_on_disk(&self) -> Result<u64> {
        bytes_below(self.dir.path())
    }

    /// The newest snapshot on its disk.
    ///
    /// # Errors
    /// When its directory cannot be read.
    pub fn snapshot(&self) -> Result<Option<PathBuf>> {
        let mut newest = None;
        for entry in std::fs::read_dir(self.dir.path().join(KEEPS))? {
            let path = entry?.path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            if name.starts_with(SNAPSHOT.0) && name.ends_with(SNAPSHOT.1) {
                // Names order by position, so the newest is the last.
                newest = newest.max(Some(path));
            }
        }
        Ok(newest)
    }

    /// Whether it writes a snapshot just now.
    #[must_use]
    pub fn writes_snapshot(&self) -> bool {
        self.dir.path().join(KEEPS).join(SNAPSHOT_TEMPORARY).exists()
    }

    /// The process.
    ///
    /// # Errors
    /// When it has ended.
    pub fn process(&self) -> Result<Process> {
        Ok(Process(self.child.id().ok_or("the server has ended")?))
    }

    /// Its resident memory, as the kernel counts it.
    #[must_use]
    pub fn resident_bytes(&self) -> Option<u64> {
        self.process().ok()?.resident_bytes().ok()
    }
}

/// Starts the process in `dir` and answers with where its API and its monitor listen.
async fn spawn(
    binary: &Path,
    launch: &Launch,
    dir: &Path,
    time_max: Duration,
) -> Result<(Child, SocketAddr, SocketAddr)> {
    let said = dir.join("stderr");
    let mut child = launch
        .command(binary, dir)?
        .current_dir(dir)
        .env_clear()
        .envs([("XCRON_HTTP_PORT", "0"), ("XCRON_MONITOR_PORT", "0")])
        .envs([("XCRON_PEER_PORT", "0"), ("XCRON_LOG", "warn")])
        .envs(launch.settings.iter().map(|(key, value)| (key, value)))
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(std::fs::File::create(&said)?)
        .kill_on_drop(true)
        .spawn()?;
    let stdout = child.stdout.take().ok_or("the server has no stdout")?;
    let mut lines = BufReader::new(stdout).lines();
    let line = tokio::time::timeout(time_max, lines.next_line()).await;
    let line = line.ok().and_then(std::result::Result::ok).flatten().unwrap_or_default();
    let (Some(api), Some(monitor)) = (address(&line, "http="), address(&line, "monitor=")) else {
        let said = std::fs::read_to_string(said).unwrap_or_default();
        return Err(format!("the server did not start: {line}{said}").into());
    };
    Ok((child, api, monitor))
}

fn address(line: &str, name: &str) -> Option<SocketAddr> {
    line.strip_prefix("xcron listening ")?;
    line.split(' ').find_map(|word| word.strip_prefix(name)?.parse().ok())
}

fn sum_of(exposition: &str, name: &str, label: &str) -> f64 {
    let samples = exposition.lines().filter_map(|line| line.strip_prefix(name));
    let samples = samples.filter(|rest| rest.starts_with([' ', '{']) && rest.contains(label));
    samples.filter_map(|rest| rest.rsplit(' ').next()?.parse::<f64>().ok()).sum()
}

fn bytes_below(dir: &Path) -> Result<u64> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let metadata = entry.metadata()?;
        bytes += if metadata.is_dir() { bytes_below(&entry.path())? } else { metadata.len() };
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::{address, sum_of};

    #[test]
    fn the_listening_line_names_the_addresses() {
        let line = "xcron listening http=127.0.0.1:1 monitor=127.0.0.1:2 peer=127.0.0.1:3";
        assert_eq!(address(line, "http=").map(|a| a.port()), Some(1));
        assert_eq!(address(line, "monitor=").map(|a| a.port()), Some(2));
        assert_eq!(address("error: http=127.0.0.1:1", "http="), None);
    }

    #[test]
    fn a_metric_is_summed_over_its_labels() {
        let text = "# TYPE a counter\na_total{r=\"x\",n=\"1\"} 2\na_total{r=\"y\"} 3\nab_total 4\n";
        assert!((sum_of(text, "a_total", "r=\"x\"") - 2.0).abs() < f64::EPSILON);
        assert!((sum_of(text, "a_total", "") - 5.0).abs() < f64::EPSILON);
    }
}
