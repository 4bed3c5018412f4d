//! Who is measured: xcron or a peer, both given the same work.

use super::adapter::{Asked, Created, Work, Working};
use super::install::Installed;
use crate::batch;
use crate::client::{self, Tally};
use crate::fault::Result;
use crate::server::{Launch, Server};
use crate::wall;
use crate::work::{self, CreateTask};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What xcron is expected to create per second at least, until it is known.
const CREATES_PER_SECOND_MIN: f64 = 1_500.0;
/// How long creating all that is asked for may take.
const CREATE_MAX: Duration = Duration::from_secs(120);
/// Where batches begin to number their tasks, beyond those that were created one by one.
const BATCHED_FIRST: usize = 500_000_000;

const DAY_SECS: u64 = 86_400;

/// One who is measured.
#[derive(Clone, Debug)]
pub enum Entrant {
    /// xcron, by the binary of its server.
    Xcron(PathBuf),
    /// A peer.
    Peer(Installed),
}

/// One that works until this is ended or dropped.
#[derive(Debug)]
pub enum AtWork {
    /// xcron.
    Xcron(Box<Server>),
    /// A peer.
    Peer(Box<Working>),
}

impl Entrant {
    /// Its name.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Xcron(_) => "xcron",
            Self::Peer(installed) => installed.peer.name,
        }
    }

    /// How it is set up.
    #[must_use]
    pub const fn settings(&self) -> &'static str {
        match self {
            Self::Xcron(_) => "one node with its defaults; one-shots created one a request",
            Self::Peer(installed) => installed.peer.settings,
        }
    }

    /// What has to be known to compare it.
    #[must_use]
    pub const fn differs(&self) -> &'static str {
        match self {
            Self::Xcron(_) => "durable; created by the load tool's client, which is Rust",
            Self::Peer(installed) => installed.peer.differs,
        }
    }

    /// How far the instants are apart for which it has crons.
    #[must_use]
    pub const fn period_secs(&self) -> u64 {
        match self {
            Self::Xcron(_) => 1,
            Self::Peer(installed) => installed.peer.period_secs,
        }
    }

    /// The most one-shots that are due together, of those that are asked for.
    #[must_use]
    pub const fn tasks_max(&self) -> u32 {
        match self {
            Self::Xcron(_) => u32::MAX,
            Self::Peer(installed) => installed.peer.tasks_max,
        }
    }

    /// The creates per second that it is expected to reach at least, until it is known.
    #[must_use]
    pub const fn creates_per_second_min(&self) -> f64 {
        match self {
            Self::Xcron(_) => CREATES_PER_SECOND_MIN,
            Self::Peer(installed) => installed.peer.creates_per_second_min,
        }
    }

    /// Starts it with nothing in it, its files in `within`, and waits until all is created that
    /// was `asked` for.
    ///
    /// # Errors
    /// When it does not start, or creating fails or takes too long.
    pub async fn start(
        &self,
        within: &Path,
        sink: SocketAddr,
        asked: &Asked,
    ) -> Result<(AtWork, Created)> {
        match self {
            Self::Xcron(binary) => {
                let server = Server::start(binary, within, &Launch::default()).await?;
                let created = create(&server, sink, asked).await?;
                Ok((AtWork::Xcron(Box::new(server)), created))
            }
            Self::Peer(installed) => {
                let (working, created) = Working::start(installed, within, sink, asked).await?;
                Ok((AtWork::Peer(Box::new(working)), created))
            }
        }
    }
}

impl AtWork {
    /// Ends it, and leaves nothing of it.
    ///
    /// # Errors
    /// When it cannot be killed.
    pub async fn end(self) -> Result<()> {
        match self {
            Self::Xcron(mut server) => server.kill().await,
            Self::Peer(working) => {
                working.end().await;
                Ok(())
            }
        }
    }
}

/// Creates what is asked for on xcron, as adapters do on their peers.
async fn create(server: &Server, sink: SocketAddr, asked: &Asked) -> Result<Created> {
    let (api, url) = (server.api(), format!("http://{sink}/callback"));
    let (first, due) = (asked.first, asked.due_secs);
    let numbers = first..first + asked.tasks;
    let tomorrow = wall::now_micros() / 1_000_000 + DAY_SECS;
    let mut batched = None;
    let single = match asked.work {
        Work::Drain => {
            let make = move |number| work::create_task_at(api, &url, number, due);
            client::load(api, numbers, CREATE_MAX, make).await?.whole()?
        }
        Work::Steady => {
            let make = move |number| {
                let cron = CreateTask {
                    kind: 1,
                    format: "* * * * * *".into(),
                    ..{ work::one_shot(&url, number, 0) }
                };
                work::post(api, "/xcron/createTask", serde_json::to_vec(&cron)?)
            };
            client::load(api, numbers, CREATE_MAX, make).await?.whole()?
        }
        Work::Create => {
            let of_one = url.clone();
            let make = move |number| work::create_task_at(api, &of_one, number, tomorrow);
            let single =
                client::load(api, first..BATCHED_FIRST, asked.time, make).await?.whole()?;
            let make = move |number| work::one_shot(&url, number, tomorrow);
            let many = batch::create(api, BATCHED_FIRST..usize::MAX, asked.time, make).await?;
            batched = Some(many.whole()?);
            single
        }
    };
    if asked.work != Work::Create && single.done != asked.tasks as u64 {
        return Err(format!("{} of {} tasks were created", single.done, asked.tasks).into());
    }
    Ok(Created {
        version: format!("xcron {}", env!("CARGO_PKG_VERSION")),
        created: single.done,
        seconds: single.took.as_secs_f64(),
        batched: batched.as_ref().map(|tally: &Tally| tally.done),
        batched_seconds: batched.map(|tally| tally.took.as_secs_f64()),
    })
}
