//! tokio-cron-scheduler: one-shots at an instant and crons of seconds, kept in memory.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;
use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};
use tokio::io::AsyncReadExt;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_cron_scheduler::{Job, JobScheduler};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;
type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

const DAY_SECS: u64 = 86_400;
/// As many at a time as every load of this tool.
const IN_FLIGHT: usize = 64;
/// Runs that wait for their turn; with the default of 200 some of a burst are lost.
const CHANNEL: usize = 100_000;

/// What the runner asks for; see the README beside the adapters.
struct Asked {
    work: String,
    sink: String,
    body: Bytes,
    first: u64,
    tasks: u64,
    due_secs: u64,
    time: Duration,
}

/// Who is called when a task is due.
struct Target {
    client: Client<HttpConnector, Full<Bytes>>,
    calls: Semaphore,
    asked: Asked,
}

fn given(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

impl Asked {
    fn read() -> Result<Self> {
        Ok(Self {
            work: given("PEER_WORK")?,
            sink: given("PEER_SINK")?,
            body: given("PEER_BODY")?.into(),
            first: given("PEER_FIRST")?.parse()?,
            tasks: given("PEER_TASKS")?.parse()?,
            due_secs: given("PEER_DUE")?.parse()?,
            time: Duration::from_secs(given("PEER_SECONDS")?.parse()?),
        })
    }
}

impl Target {
    async fn call(&self, number: u64) -> Result<()> {
        let _turn = self.calls.acquire().await?;
        let request = Request::post(&self.asked.sink)
            .header("content-type", "application/json")
            .header("xcron-task-id", format!("load-{number}"))
            .body(Full::new(self.asked.body.clone()))?;
        let answer = self.client.request(request).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        if status.is_success() { Ok(()) } else { Err(format!("the target said {status}").into()) }
    }

    fn calling(self: &Arc<Self>, number: u64) -> Call {
        let target = Arc::clone(self);
        Box::pin(async move {
            if let Err(error) = target.call(number).await {
                eprintln!("task {number}: {error}");
            }
        })
    }
}

/// The monotonic instant of Unix seconds.
fn instant_of(secs: u64) -> Result<Instant> {
    let due = UNIX_EPOCH + Duration::from_secs(secs);
    Ok(Instant::now() + due.duration_since(SystemTime::now())?)
}

async fn add(scheduler: &JobScheduler, target: &Arc<Target>, number: u64, due: u64) -> Result<()> {
    let called = Arc::clone(target);
    let call = move |_, _| called.calling(number);
    let job = if target.asked.work == "steady" {
        Job::new_async("* * * * * *", call)?
    } else {
        Job::new_one_shot_at_instant_async(instant_of(due)?, call)?
    };
    scheduler.add(job).await?;
    Ok(())
}

/// Adds all tasks that were asked for, or as many as there is time for, some at a time; how many
/// and how long it took.
async fn create(scheduler: &JobScheduler, target: &Arc<Target>) -> Result<(u64, Duration)> {
    let asked = &target.asked;
    let is_timed = asked.work == "create";
    let due = if is_timed {
        SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs() + DAY_SECS
    } else {
        asked.due_secs
    };
    let (time_max, tasks_max) =
        if is_timed { (asked.time, u64::MAX) } else { (Duration::MAX, asked.tasks) };
    let (begun, next) = (Instant::now(), Arc::new(AtomicU64::new(0)));
    let mut lanes = JoinSet::new();
    for _ in 0..IN_FLIGHT {
        let (scheduler, target, next) = (scheduler.clone(), Arc::clone(target), Arc::clone(&next));
        lanes.spawn(async move {
            let mut created = 0;
            while begun.elapsed() < time_max {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= tasks_max {
                    break;
                }
                add(&scheduler, &target, target.asked.first + number, due).await?;
                created += 1;
            }
            Ok::<u64, Box<dyn Error + Send + Sync>>(created)
        });
    }
    let mut created = 0;
    while let Some(lane) = lanes.join_next().await {
        created += lane??;
    }
    Ok((created, begun.elapsed()))
}

#[tokio::main]
async fn main() -> Result<()> {
    let asked = Asked::read()?;
    let mut client = Client::builder(TokioExecutor::new());
    let client = client.pool_max_idle_per_host(IN_FLIGHT).build_http();
    let target = Arc::new(Target { client, calls: Semaphore::new(IN_FLIGHT), asked });
    let scheduler = JobScheduler::new_with_channel_size(CHANNEL).await?;
    scheduler.start().await?;
    let (created, took) = create(&scheduler, &target).await?;
    let version = "tokio-cron-scheduler 0.15.1";
    let seconds = took.as_secs_f64();
    println!("{}", json!({ "version": version, "created": created, "seconds": seconds }));
    let mut ends = Vec::new();
    tokio::io::stdin().read_to_end(&mut ends).await?;
    // Not all of its tasks end by themselves.
    std::process::exit(0);
}
