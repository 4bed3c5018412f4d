//! A drill: a throw-away cluster of this same program is put under load, killed, stopped and
//! partitioned; then every callback is accounted for.
//!
//! - `options`, `error`: what may be asked, and why it could not be done.
//! - `nodes`, `process`, `watchdog`: the cluster. `links`, `proxy`: what is between its nodes.
//!   `owner`: who is at the other end of a connection.
//! - `menu`, `task`, `api`, `load`: what is asked of it. `sink`: who is called.
//! - `plan`, `inject`: what is done to it. `health`, `watch`: what that does to it.
//!   `stalls`: what the machine does to all of them.
//! - `drain`, `record`, `report`: what remains, what is written down, and what is said.
//!
//! What was promised is judged by `xcron_checker`, which shares no code with the server.

mod api;
mod drain;
mod error;
mod health;
mod inject;
mod links;
mod load;
mod menu;
pub(crate) mod moment;
mod nodes;
mod options;
mod owner;
mod plan;
pub(crate) mod process;
mod proxy;
mod random;
mod record;
mod report;
mod sink;
mod stalls;
mod task;
mod watch;
pub(crate) mod watchdog;

pub use error::DrillError;
pub use options::Options;

use crate::signals::Signals;
use error::system;
use inject::Injector;
use links::{Links, NODES};
use load::Load;
use moment::{Micros, SECOND, now, shown};
use nodes::{Directory, Nodes};
use plan::Fault;
use proxy::Proxies;
use record::Recorder;
use report::{Audit, Story, Watched, say};
use sink::Sink;
use stalls::Stalls;
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::{Instant, sleep_until};
use watch::Watch;
use watchdog::Watchdog;
use xcron_checker::judge::settings::Settings;
use xcron_checker::{Begin, History, Verdict};

/// Runs a drill, or audits the history of an earlier one; whether every promise was kept.
///
/// # Errors
/// When it could not be done, which says nothing about promises.
pub async fn run(options: &Options) -> Result<bool, DrillError> {
    if let Some(file) = &options.audit {
        return audit(file);
    }
    if !owner::is_known_here() {
        return Err(DrillError::NotHere);
    }
    let refused = |error| std::io::Error::other(format!("{error}"));
    let signals = Signals::take().map_err(refused);
    let mut signals = signals.map_err(system("signals cannot be received"))?;
    let seed = options.seed.unwrap_or_else(|| now().unsigned_abs() % SEEDS);
    let mut stage = Stage::set(options, seed).await?;
    let outcome = tokio::select! {
        biased;
        () = signals.next() => Err(DrillError::Stopped),
        outcome = drill(&mut stage, options, seed) => outcome,
    };
    // Whatever happened: first they end, then their folder goes.
    stage.nodes.end().await?;
    outcome
}

/// Audits a history that was kept.
fn audit(path: &Path) -> Result<bool, DrillError> {
    let problem = |problem: String| DrillError::History { path: path.to_owned(), problem };
    let file = File::open(path).map_err(|error| problem(error.to_string()))?;
    let history = History::read(BufReader::new(file));
    let history = history.map_err(|error| problem(error.to_string()))?;
    let verdict = judge(&history);
    let audit = Audit { history: &history, verdict: &verdict, watched: None };
    say(&audit.to_string());
    Ok(audit.is_clean())
}

/// How many seeds are drawn from when none is given: few enough to be typed again.
const SEEDS: u64 = 1_000_000;

/// How late a callback may be. Nodes, clients and targets share one machine with whatever else runs
/// on it: that this is slow shows as lateness in the audit, and breaks no promise.
const LATE_MAX: Duration = Duration::from_secs(3);

/// How long after the last fault everything must have gone its way, beside that.
const SETTLE: Duration = Duration::from_secs(5);

/// The part of requests, in percent, of which nobody may know what they came to. Every fault leaves
/// what is under way unknown, and a drill has many faults for few requests.
const UNKNOWN_PERCENT_MAX: f64 = 5.0;

/// One of so many runs at least must have been owed for certain, whatever was done to the nodes.
const OWED_PART: usize = 4;

/// The verdict on a drill.
fn judge(history: &History) -> Verdict {
    let promised = Settings::default();
    let (late_max_us, unknown_percent_max) = (LATE_MAX.as_micros() as Micros, UNKNOWN_PERCENT_MAX);
    let tolerant = Settings { late_max_us, unknown_percent_max, ..promised.clone() };
    let mut verdict = history.judge_with(&tolerant);
    // Which times are healthy depends on how late a callback may be; these are the promised ones.
    verdict.figures.lateness_healthy_us = history.judge_with(&promised).figures.lateness_healthy_us;
    let (expected, fired) = (verdict.figures.expected, verdict.figures.fired);
    if expected < fired / OWED_PART {
        let why = format!("only {expected} of {fired} runs had to fire, the rest was excused");
        verdict.weaknesses.push(why);
    }
    verdict
}

/// What a drill stands on; dropped, it ends its processes and then removes its folder.
#[derive(Debug)]
struct Stage {
    links: Links,
    recorder: Recorder,
    directory: Directory,
    nodes: Nodes,
    _proxies: Proxies,
    dir: TempDir,
}

impl Stage {
    async fn set(options: &Options, seed: u64) -> Result<Self, DrillError> {
        let mut dir = tempfile::Builder::new()
            .prefix("xcron-drill-")
            .tempdir()
            .map_err(system("a temporary folder cannot be made"))?;
        dir.disable_cleanup(options.keep);
        let label = format!("drill of {} s, seed {seed}", options.seconds);
        say(&format!("{label}: three nodes of this program on loopback\n"));
        if options.keep {
            say(&format!("kept in {}\n", dir.path().display()));
        }
        let program = std::env::current_exe().map_err(system("this program is not found"))?;
        let recorder = Recorder::new(Begin::new(now(), NODES as u32).label(label));
        let (links, directory) = (Links::new(), Directory::default());
        let proxies = Proxies::start(&links, &directory).await?;
        let watchdog = Watchdog::start((!options.keep).then_some(dir.path()))?;
        let peers = proxies.addresses();
        let nodes = Nodes::new(&program, dir.path(), peers, directory.clone(), watchdog);
        Ok(Self { links, recorder, directory, nodes, _proxies: proxies, dir })
    }
}

/// From the start of the nodes to the audit; whether every promise was kept.
async fn drill(stage: &mut Stage, options: &Options, seed: u64) -> Result<bool, DrillError> {
    let story = Story::begin();
    for node in 0..NODES {
        stage.nodes.start(node).await?;
    }
    drain::ready(&stage.directory, "after the start").await?;
    for node in 0..NODES {
        if let Some(http) = stage.directory.http(node) {
            story.tell(&format!("node {} listens on {http}", node + 1));
        }
    }
    let watch = Watch::start(&stage.directory, &stage.recorder);
    let stalls = Stalls::watch(&stage.recorder);
    let length = Duration::from_secs(options.seconds);
    let plan = plan::draw(seed, length);
    let (tasks, recovery) = torment(stage, &watch, story, seed, length, &plan).await?;
    story.tell("nothing is left to do; every node is asked what has become of every task");
    drain::remains(&stage.directory, &tasks, &stage.recorder).await?;
    stage.nodes.check()?;

    let history = stage.recorder.finish();
    if options.keep {
        let file = File::create(stage.dir.path().join("history.jsonl"));
        let written = file.and_then(|file| history.write(BufWriter::new(file)));
        written.map_err(system("the history cannot be written"))?;
    }
    let verdict = judge(&history);
    let leaderless = watch.leaderless_longest();
    let watched = Some(Watched { leaderless, recovery, stalls: stalls.seen() });
    let audit = Audit { history: &history, verdict: &verdict, watched };
    say(&audit.to_string());
    if !audit.is_clean() {
        let seconds = options.seconds;
        say(&format!("again: xcron_server drill --seconds {seconds} --seed {seed} --keep\n"));
    }
    Ok(audit.is_clean())
}

/// Load and faults, until both are over and the cluster is well: the tasks that there may be, and
/// how long the cluster took to be well.
async fn torment(
    stage: &mut Stage,
    watch: &Watch,
    story: Story,
    seed: u64,
    length: Duration,
    plan: &[Fault],
) -> Result<(Vec<String>, Micros), DrillError> {
    let Stage { links, recorder, directory, nodes, .. } = stage;
    let sink = Sink::start(recorder, directory).await?;
    let (begun, end_s) = (Instant::now(), now() / SECOND + length.as_secs() as i64);
    let load = Load::begin(seed, directory, sink.url(), recorder, end_s).await;
    story.tell(&format!("{} clients create, delete and look at tasks", load::CLIENTS));
    let healed = Injector::new(nodes, links, watch, recorder, &story).run(plan).await?;
    drain::ready(directory, "after the last fault").await?;
    let (recovery, well) = (now() - healed, Instant::now());
    sleep_until(begun + length).await;
    let tasks = load.end().await;
    let callbacks = recorder.callbacks();
    story.tell(&format!(
        "the load ends with {} tasks and {callbacks} callbacks; all nodes were ready {} after the \
         last fault",
        tasks.len(),
        shown(recovery)
    ));
    drain::drained(directory, &tasks).await?;
    // What has not come by then is lost, and not late.
    sleep_until((begun + length).max(well + SETTLE) + LATE_MAX).await;
    Ok((tasks, recovery))
}
