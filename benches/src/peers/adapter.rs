//! An adapter at work: a process that puts what it is asked for on its peer.
//!
//! What it is told and what it says is in `benches/peers/README.md`.

use super::catalog::Peer;
use super::install::Installed;
use super::programs::last_lines_of;
use super::service::{self, Serving};
use crate::fault::Result;
use crate::work::CALLBACK_BODY;
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// How long an adapter may take beside what creating is expected to.
const READY_MAX: Duration = Duration::from_secs(90);
/// How long one may take to end once its standard input is closed.
const END_MAX: Duration = Duration::from_secs(5);

/// The three kinds of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// One-shots that are all due together.
    Drain,
    /// Crons that are due at each instant.
    Steady,
    /// One-shots that are created and not due for a day.
    Create,
}

/// What is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Asked {
    /// The kind of work.
    pub work: Work,
    /// The number of the first task.
    pub first: usize,
    /// How many tasks there are to be; as many as there is time for when they are only created.
    pub tasks: usize,
    /// When one-shots are due, and crons begin at the latest, in Unix seconds.
    pub due_secs: u64,
    /// How long tasks are created when that is what counts.
    pub time: Duration,
}

/// What was created, and by what.
#[derive(Clone, Debug, Default, PartialEq, Deserialize, Serialize)]
pub struct Created {
    /// What the peer calls itself.
    pub version: String,
    /// Tasks acknowledged.
    pub created: u64,
    /// How long that took, in seconds.
    pub seconds: f64,
    /// Tasks acknowledged in batches of 1,000, after those above.
    #[serde(default)]
    pub batched: Option<u64>,
    /// How long that took, in seconds.
    #[serde(default)]
    pub batched_seconds: Option<f64>,
}

/// A peer that works until this is dropped, and leaves nothing then.
#[derive(Debug)]
pub struct Working {
    // Dropped in this order: what stands on the service, the service, its files.
    adapter: Child,
    service: Option<Serving>,
    _dir: TempDir,
}

impl Work {
    const fn name(self) -> &'static str {
        match self {
            Self::Drain => "drain",
            Self::Steady => "steady",
            Self::Create => "create",
        }
    }
}

impl Created {
    /// Tasks per second.
    #[must_use]
    pub fn rate(&self) -> f64 {
        self.created as f64 / self.seconds.max(1e-9)
    }

    /// The same in batches, where there are any.
    #[must_use]
    pub fn batched_rate(&self) -> Option<f64> {
        Some(self.batched? as f64 / self.batched_seconds?.max(1e-9))
    }

    /// What an adapter said in `line`.
    fn read(line: &str, asked: &Asked) -> Result<Self> {
        let created: Self = serde_json::from_str(line)
            .map_err(|error| format!("its adapter said {line:?}, which is no report: {error}"))?;
        if asked.work != Work::Create && created.created != asked.tasks as u64 {
            let (only, wanted) = (created.created, asked.tasks);
            return Err(format!("{only} of {wanted} tasks were created").into());
        }
        Ok(created)
    }
}

impl Working {
    /// Starts the service and the adapter of a peer with an empty folder in `within`, and waits
    /// until all is created that was `asked` for.
    ///
    /// # Errors
    /// When either does not start, or creating fails or takes too long; the message ends with
    /// what they said.
    pub async fn start(
        installed: &Installed,
        within: &Path,
        sink: SocketAddr,
        asked: &Asked,
    ) -> Result<(Self, Created)> {
        let dir = tempfile::Builder::new().prefix(".run-").tempdir_in(within)?;
        let (of_service, own) = (dir.path().join("service"), dir.path().join("adapter"));
        std::fs::create_dir(&of_service)?;
        std::fs::create_dir(&own)?;
        open_to_all(dir.path())?;
        let service = match installed.peer.service {
            Some(service) => Some(service::start(service, installed, &of_service).await?),
            None => None,
        };
        let said = own.join("said");
        let adapter = command(installed, service.as_ref(), &own, sink, asked)
            .stderr(std::fs::File::create(&said)?)
            .spawn()
            .map_err(|error| format!("its adapter could not be started: {error}"))?;
        let mut working = Self { adapter, service, _dir: dir };
        let stdout = working.adapter.stdout.take().ok_or("its adapter has no stdout")?;
        let mut lines = BufReader::new(stdout).lines();
        let time_max = time_max(installed.peer, asked);
        let line = tokio::time::timeout(time_max, lines.next_line()).await;
        let line = line.map_err(|_late| {
            let (secs, said) = (time_max.as_secs(), last_lines_of(&said));
            format!("its adapter was not ready in {secs} s: {said}")
        })?;
        let Some(line) = line? else {
            return Err(format!("its adapter ended: {}", last_lines_of(&said)).into());
        };
        let mut created = Created::read(&line, asked)?;
        if let Some(service) = &working.service {
            created.version = format!("{}, {}", created.version, service.version);
        }
        Ok((working, created))
    }

    /// Tells the adapter to end, and waits until all is gone.
    pub async fn end(mut self) {
        drop(self.adapter.stdin.take());
        // One that does not end by itself is killed when it is dropped.
        let _ended = tokio::time::timeout(END_MAX, self.adapter.wait()).await;
    }
}

/// Lets a service that runs as somebody else reach its own folder in this one.
fn open_to_all(folder: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    Ok(std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o711))?)
}

fn time_max(peer: &Peer, asked: &Asked) -> Duration {
    let creating = asked.tasks as f64 / peer.creates_per_second_min;
    // What is only created may be created twice, once in batches.
    READY_MAX + asked.time * 2 + Duration::from_secs_f64(3.0 * creating)
}

fn command(
    installed: &Installed,
    service: Option<&Serving>,
    folder: &Path,
    sink: SocketAddr,
    asked: &Asked,
) -> Command {
    let mut command = Command::from(installed.command());
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.env_clear().env("PATH", path).env("NODE_ENV", "production");
    command.env("PEER_WORK", asked.work.name());
    command.env("PEER_SINK", format!("http://{sink}/callback"));
    command.env("PEER_BODY", CALLBACK_BODY);
    command.env("PEER_FIRST", asked.first.to_string());
    command.env("PEER_TASKS", asked.tasks.to_string());
    command.env("PEER_DUE", asked.due_secs.to_string());
    command.env("PEER_SECONDS", asked.time.as_secs().to_string());
    command.env("PEER_FOLDER", folder);
    if let Some(service) = service {
        command.env("PEER_SERVICE", &service.url).env("PEER_ADMIN", &service.admin);
    }
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command
}

#[cfg(test)]
mod tests {
    use super::{Asked, Created, Work};
    use std::time::Duration;

    fn asked(work: Work) -> Asked {
        Asked { work, first: 0, tasks: 10, due_secs: 0, time: Duration::from_secs(3) }
    }

    #[test]
    fn a_report_has_rates() {
        let line = r#"{"version":"1","created":10,"seconds":4,"batched":5000,"batched_seconds":2}"#;
        let created = Created::read(line, &asked(Work::Drain)).expect("a report");
        assert!((created.rate() - 2.5).abs() < 1e-9);
        assert!(created.batched_rate().is_some_and(|rate| (rate - 2_500.0).abs() < 1e-9));
    }

    #[test]
    fn less_than_was_asked_for_is_a_failure_unless_time_is_what_counts() {
        let line = r#"{"version":"1","created":9,"seconds":4}"#;
        let few = Created::read(line, &asked(Work::Steady)).expect_err("too few");
        assert_eq!(few.to_string(), "9 of 10 tasks were created");
        let created = Created::read(line, &asked(Work::Create)).expect("a report");
        assert_eq!(created.batched_rate(), None);
        let chatter = Created::read("hello", &asked(Work::Create)).expect_err("no report");
        assert!(chatter.to_string().contains("hello"), "{chatter}");
    }
}
