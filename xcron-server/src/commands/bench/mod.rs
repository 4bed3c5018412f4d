//! `bench`: how fast a server is on this machine, in less than a minute.
//!
//! - `own`: a server for the time of the measurement. `sink`: who is called back.
//! - `creates`, `fires`: the two things that are measured. `disk`: what limits the first.
//! - `report`: the figures, and how they are shown.
//!
//! It is a first look for whoever runs a server. What is claimed of xcron is measured by the load
//! tool in `benches`, against limits measured beside it.

mod creates;
mod disk;
mod fires;
mod own;
mod report;
mod sink;

use super::failure::{Failure, complain};
use super::output::{Output, note};
use super::server::Server;
use super::task::delete_all;
use crate::signals::Signals;
use clap::Args;
use own::Own;
use report::Report;
use sink::Sink;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::time::timeout;
use xcron_http::client::{Callback, Client, ClientError, NewTask, TaskQuery};

/// The label that all tasks of a bench have; its value names the bench.
const LABEL: &str = "xcron-bench";
/// How long deleting the tasks may take.
const CLEAN_MAX: Duration = Duration::from_secs(120);

const EXAMPLES: &str = "\
Examples:
  xcron_server bench
  xcron_server bench --dir /var/lib/xcron --tasks 50000
  xcron_server bench --server-url http://127.0.0.1:8000 --seconds 5 -o json";

/// What is measured, and where.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Bench {
    /// How long tasks are created one by one.
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=300))]
    seconds: u64,
    /// How many connections create them at the same time.
    #[arg(long, value_name = "N", default_value_t = 32)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1_024))]
    connections: u16,
    /// How many one-shots are due in the same second.
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..=100_000))]
    tasks: u32,
    /// Where the server's temporary folder is made; name one on the disk that is to be measured.
    #[arg(long, value_name = "FOLDER", conflicts_with = "server_url")]
    dir: Option<PathBuf>,
    /// Measures this running server instead; XCRON_SERVER_URL is not read. What is created there
    /// is labelled, and deleted afterwards. The token comes from XCRON_TOKEN.
    #[arg(long, value_name = "URL")]
    server_url: Option<String>,
    /// An address of this machine at which that server can call back.
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1", requires = "server_url")]
    callback_host: IpAddr,
    /// Certificates to trust instead of the roots of Mozilla, as PEM.
    #[arg(long, value_name = "FILE", env = "XCRON_CA_FILE")]
    ca_file: Option<PathBuf>,
    #[command(flatten)]
    output: Output,
}

fn stopped() -> Failure {
    Failure::Failed("stopped by a signal, nothing was measured".to_owned())
}

impl Bench {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let failed = |error: crate::error::ServerError| Failure::Failed(error.to_string());
        let mut signals = Signals::take().map_err(failed)?;
        match &self.server_url {
            None => {
                let mut own = None;
                let measured = tokio::select! {
                    biased;
                    () = signals.next() => Err(stopped()),
                    measured = self.measure_own(&mut own) => measured,
                };
                // Whatever happened: first it ends, then its folder goes.
                if let Some(own) = own {
                    own.end().await?;
                }
                self.show(&measured?)
            }
            Some(url) => {
                let target = Target::of(Server::at(url, self.ca_file.clone()));
                let sink = Sink::start(self.callback_host).await?;
                target.greet(url).await?;
                let mut measuring = std::pin::pin!(self.measure(&target, &sink));
                let measured = tokio::select! {
                    biased;
                    () = signals.next() => {
                        target.stop();
                        // What is on its way has to arrive first, or it would outlive its deletion.
                        let _arrived = timeout(CLEAN_MAX, measuring).await;
                        Err(stopped())
                    }
                    measured = &mut measuring => measured,
                };
                target.clean(measured).await.and_then(|report| self.show(&report))
            }
        }
    }

    /// Measures a server that is started for it, and left in `own` to be ended.
    async fn measure_own(&self, own: &mut Option<Own>) -> Result<Report, Failure> {
        let dir = self.dir.clone().unwrap_or_else(std::env::temp_dir);
        let own = own.insert(Own::lay(&dir)?);
        let url = own.start().await?;
        let sync = disk::measure(own.path()).await?;
        let target = Target { server: None, url, ..Target::of(Server::at("", None)) };
        let sink = Sink::start(self.callback_host).await?;
        let report = self.measure(&target, &sink).await?;
        Ok(Report { folder: Some(dir), sync: Some(sync), ..report })
    }

    async fn measure(&self, target: &Target, sink: &Sink) -> Result<Report, Failure> {
        let seconds = Duration::from_secs(self.seconds);
        let creates = creates::measure(target, sink, self.connections, seconds).await?;
        let fires = fires::measure(target, sink, self.tasks, creates.per_second()).await?;
        let (connections, server) = (self.connections, self.server_url.clone());
        Ok(Report { server, folder: None, connections, creates, fires, sync: None })
    }

    fn show(&self, report: &Report) -> Result<(), Failure> {
        self.output.show(report, |report| report.told(self.output))
    }
}

/// The server that is measured, and what its tasks are known by.
#[derive(Debug)]
struct Target {
    /// How it is asked; one of its own is asked without anything.
    server: Option<Server>,
    url: String,
    bench: String,
    /// Nothing more is to be created.
    stops: Arc<AtomicBool>,
}

impl Target {
    fn of(server: Server) -> Self {
        let bench = format!("{:x}", crate::drill::moment::now());
        Self { server: Some(server), url: String::new(), bench, stops: Arc::default() }
    }

    fn client(&self) -> Result<Client, Failure> {
        match &self.server {
            Some(server) => server.client(),
            None => Ok(Client::new(&self.url)?),
        }
    }

    fn stop(&self) {
        self.stops.store(true, Ordering::Release);
    }

    fn is_stopped(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }

    /// A one-shot at `due`.
    fn task(&self, name: &str, due: i64, url: &str) -> NewTask {
        let id = format!("bench-{}-{name}", self.bench);
        let mut task = NewTask::one_shot(due, Callback::new(url)).with_id(id);
        task.options.labels = self.labels().into();
        task
    }

    fn labels(&self) -> BTreeMap<String, String> {
        BTreeMap::from([(LABEL.to_owned(), self.bench.clone())])
    }

    /// Asks whether somebody is there, and says what will be there for a while.
    async fn greet(&self, url: &str) -> Result<(), Failure> {
        let usage = |error| Failure::Usage(format!("--server-url: {error}"));
        Client::new(url).map_err(usage)?;
        let query = TaskQuery { limit: Some(1), ..TaskQuery::default() };
        match self.client()?.list_tasks(&query).await {
            Ok(_tasks) => {}
            Err(error @ ClientError::Unreachable { .. }) => {
                let cure = "Start it, or name another with --server-url";
                return Err(Failure::Failed(format!("{error} {cure}")));
            }
            Err(error) => return Err(error.into()),
        }
        note(&format!(
            "tasks with the label {LABEL}={} are created on {url}, and deleted at the end",
            self.bench
        ));
        Ok(())
    }

    /// Deletes the tasks, whatever the measurement came to.
    async fn clean(&self, measured: Result<Report, Failure>) -> Result<Report, Failure> {
        let deleting = async { delete_all(&self.client()?, &self.labels()).await };
        let deleted: Result<u64, Failure> = timeout(CLEAN_MAX, deleting)
            .await
            .unwrap_or_else(|_late| Err(Failure::Failed("deleting takes too long".to_owned())));
        match deleted {
            Ok(count) => note(&format!("{count} tasks are deleted")),
            Err(failure) => {
                failure.say();
                complain(&format!(
                    "tasks are left behind: delete them with `xcron_server task delete --label \
                     {LABEL}={} --yes`",
                    self.bench
                ));
                if let Err(failure) = measured {
                    failure.say();
                }
                return Err(Failure::Said);
            }
        }
        measured
    }
}
