//! The same work on xcron and on other schedulers, in one run, with one sink.
//!
//! In each round everyone has a turn at each kind of work: many one-shots due together, with the
//! bare loop just after; crons due at each instant; and creates. Whoever has a turn starts with
//! an empty store and is gone at its end, so nobody disturbs anybody else. What fails is written
//! into the report and keeps nobody else from their turn.
//!
//! [`catalog`] is who there is and [`mod@install`] gets them; [`adapter`] speaks with a peer's
//! adapter, which stands on a [`service`]; [`entrant`] is what xcron and peers have in common;
//! [`arrivals`] counts what came, and [`standing`] is what is written about it.

pub mod adapter;
pub mod arrivals;
pub mod catalog;
pub mod entrant;
pub mod install;
pub mod options;
pub mod programs;
pub mod service;
pub mod standing;

use crate::fault::Result;
use crate::limits::dispatch;
use crate::sink::Sink;
use crate::{server, wall};
use adapter::{Asked, Created, Work};
use arrivals::{Arrivals, Plan};
use entrant::{AtWork, Entrant};
use install::install;
use options::Options;
use standing::{Drain, Skipped, Standing, Standings};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long an entrant may take to start, beside what creating takes.
const START_SECS: u64 = 6;
/// How long the runs of one-shots may take altogether, and how long none of them may come.
const DRAIN_MAX: Duration = Duration::from_secs(180);
const SILENCE_MAX: Duration = Duration::from_secs(20);
/// How long the runs of the last instant of crons may take.
const STEADY_MAX: Duration = Duration::from_secs(30);
/// How long a second run of a task is waited for.
const REPEAT_WAIT: Duration = Duration::from_millis(500);
/// How long tasks are created where that is what counts, and how long the bare loop runs.
const LOAD_TIME: Duration = Duration::from_secs(3);
/// How much before its first instant a cron has to be there.
const WARM_UP_SECS: u64 = 2;

const MICROS_PER_SEC: u64 = 1_000_000;

/// What a run of the tool needs.
struct Stage {
    options: Options,
    sink: Sink,
    arrivals: Arc<Arrivals>,
    /// The number of the next task.
    next: usize,
    /// Creates per second of those that have created.
    creates: BTreeMap<&'static str, f64>,
}

/// Measures everyone that is asked for.
///
/// # Errors
/// When xcron's server cannot be had, or nothing can be written where everyone is to run.
pub async fn measure(mut options: Options) -> Result<Standings> {
    std::fs::create_dir_all(&options.cache)?;
    options.cache = options.cache.canonicalize()?;
    let binary = server::binary(options.server.as_deref()).await?;
    let (mut entrants, mut skipped) = (vec![Entrant::Xcron(binary)], Vec::new());
    for peer in options.peers() {
        match install(peer, &options.cache, options.apt).await {
            Ok(installed) => entrants.push(Entrant::Peer(installed)),
            Err(fault) => {
                eprintln!("{} is left out: {fault}", peer.name);
                skipped.push(Skipped { name: peer.name, reason: fault.to_string() });
            }
        }
    }
    let mut standings: Vec<Standing> = entrants.iter().map(Standing::of).collect();
    let arrivals = Arc::<Arrivals>::default();
    let sink = Sink::start_noting(0, Some(Arc::clone(&arrivals)))?;
    let mut stage = Stage { options, sink, arrivals, next: 0, creates: BTreeMap::new() };
    for round in 1..=stage.options.rounds {
        for (entrant, standing) in entrants.iter().zip(&mut standings) {
            for (work, called) in TURNS {
                eprintln!("round {round}: {}, {called} ...", entrant.name());
                if let Err(fault) = stage.turn(entrant, work, standing).await {
                    eprintln!("{} failed: {fault}", entrant.name());
                    standing.failures.push(format!("round {round}, {called}: {fault}"));
                }
            }
        }
    }
    let Options { tasks, crons, .. } = stage.options;
    Ok(Standings::new(tasks, crons, standings, skipped))
}

/// The kinds of work in their order, and what they are called.
const TURNS: [(Work, &str); 3] = [
    (Work::Drain, "one-shots due together"),
    (Work::Steady, "crons due at each instant"),
    (Work::Create, "creates"),
];

impl Stage {
    async fn turn(&mut self, entrant: &Entrant, work: Work, standing: &mut Standing) -> Result<()> {
        match work {
            Work::Drain => self.drain(entrant, standing).await,
            Work::Steady => self.steady(entrant, standing).await,
            Work::Create => self.create(entrant, standing).await,
        }
    }

    async fn drain(&mut self, entrant: &Entrant, standing: &mut Standing) -> Result<()> {
        let asked = self.asked(entrant, Work::Drain, self.options.tasks.min(entrant.tasks_max()));
        let due_at = asked.due_secs * MICROS_PER_SEC;
        let plan = Plan::together(asked.first..asked.first + asked.tasks, due_at);
        let (at_work, created) = self.begin(entrant, &asked).await?;
        standing.version.clone_from(&created.version);
        // Half of what it reached, so that the next round waits no longer than it has to.
        self.creates.insert(entrant.name(), created.rate() / 2.0);
        if wall::now_micros() + MICROS_PER_SEC / 4 > due_at {
            let Created { created, seconds, .. } = created;
            let what = "the tasks were due before all of them were there, use fewer";
            return Err(format!("{what}: {created} took {seconds:.1} s").into());
        }
        self.await_drained(&plan).await;
        let outcome = plan.judge(&self.arrivals.all());
        at_work.end().await?;
        let limit = dispatch::measure(&self.sink, LOAD_TIME).await?.rate();
        let fired = outcome.rate(due_at);
        standing.drained.add(plan.runs(), &outcome);
        standing.drains.push(Drain { fired, limit, share: fired / limit.max(1e-9) });
        Ok(())
    }

    async fn steady(&mut self, entrant: &Entrant, standing: &mut Standing) -> Result<()> {
        let asked = self.asked(entrant, Work::Steady, self.options.crons);
        let (at_work, created) = self.begin(entrant, &asked).await?;
        standing.version = created.version;
        let period_secs = entrant.period_secs();
        let ready_secs = (wall::now_micros() / MICROS_PER_SEC + WARM_UP_SECS).max(asked.due_secs);
        let plan = Plan {
            tasks: asked.first..asked.first + asked.tasks,
            from: ready_secs.next_multiple_of(period_secs) * MICROS_PER_SEC,
            period: period_secs * MICROS_PER_SEC,
            instants: (u64::from(self.options.seconds) / period_secs).max(1),
        };
        wall::sleep_until(plan.to()).await;
        let begun = Instant::now();
        let mut outcome = plan.judge(&self.arrivals.all());
        while outcome.lost > 0 && begun.elapsed() < STEADY_MAX {
            tokio::time::sleep(REPEAT_WAIT).await;
            outcome = plan.judge(&self.arrivals.all());
        }
        tokio::time::sleep(REPEAT_WAIT).await;
        standing.steady.add(plan.runs(), &plan.judge(&self.arrivals.all()));
        at_work.end().await
    }

    async fn create(&mut self, entrant: &Entrant, standing: &mut Standing) -> Result<()> {
        let asked = self.asked(entrant, Work::Create, 0);
        let (at_work, created) = self.begin(entrant, &asked).await?;
        standing.creates.push(created.rate());
        standing.batched_creates.extend(created.batched_rate());
        standing.version = created.version;
        at_work.end().await
    }

    /// So many `tasks` with numbers that nobody had, due when all of them can be there.
    fn asked(&mut self, entrant: &Entrant, work: Work, tasks: u32) -> Asked {
        let known = self.creates.get(entrant.name()).copied();
        let rate = known.unwrap_or(0.0).max(entrant.creates_per_second_min());
        let needed = START_SECS + (f64::from(tasks) / rate).ceil() as u64;
        let due_secs = wall::now_micros() / MICROS_PER_SEC + needed;
        let (first, tasks) = (self.next, tasks as usize);
        self.next += tasks;
        Asked { work, first, tasks, due_secs, time: LOAD_TIME }
    }

    /// Starts `entrant`; what came before it is forgotten.
    async fn begin(&self, entrant: &Entrant, asked: &Asked) -> Result<(AtWork, Created)> {
        self.arrivals.forget();
        entrant.start(&self.options.cache, self.sink.address(), asked).await
    }

    /// Waits until all of `plan` came, or nothing comes any more.
    async fn await_drained(&self, plan: &Plan) {
        let wanted = usize::try_from(plan.runs()).unwrap_or(usize::MAX);
        wall::sleep_until(plan.from).await;
        let due = Instant::now();
        let (mut seen, mut seen_at) = (self.arrivals.count(), due);
        while seen < wanted && due.elapsed() < DRAIN_MAX && seen_at.elapsed() < SILENCE_MAX {
            tokio::time::sleep(Duration::from_millis(5)).await;
            let count = self.arrivals.count();
            if count != seen {
                (seen, seen_at) = (count, Instant::now());
            }
        }
        tokio::time::sleep(REPEAT_WAIT).await;
    }
}
