//! Several seeds, one after the other, and what is said about them.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::plan::Plan;
use crate::simulation::{Report, run};

/// The most red seeds that are told in full.
const TOLD_MAX: usize = 5;

/// Seeds to run.
#[derive(Debug)]
pub(crate) struct Series {
    first: u64,
    seeds: u64,
    nodes: Option<u64>,
    minutes: u64,
    is_alone: bool,
}

/// What a series came to.
#[derive(Debug, Default)]
struct Sums {
    simulated: Duration,
    faults: BTreeMap<String, u64>,
    operations: usize,
    receipts: usize,
    red: Vec<String>,
}

pub(crate) fn number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name} is {text:?}, expected a number")))
}

impl Series {
    /// What the environment asks for.
    pub(crate) fn from_environment() -> Self {
        let alone = number("XCRON_SIM_SEED");
        Self {
            first: alone.or(number("XCRON_SIM_FIRST")).unwrap_or(1),
            seeds: if alone.is_some() { 1 } else { number("XCRON_SIM_SEEDS").unwrap_or(4) },
            nodes: number("XCRON_SIM_NODES"),
            minutes: number("XCRON_SIM_MINUTES").unwrap_or(3),
            is_alone: alone.is_some(),
        }
    }

    /// One seed.
    pub(crate) fn of_one(seed: u64, nodes: u64, minutes: u64) -> Self {
        Self { first: seed, seeds: 1, nodes: Some(nodes), minutes, is_alone: true }
    }

    fn plan(&self, seed: u64) -> Plan {
        let drawn = *Dice::new(seed, "nodes").pick(&[3, 3, 3, 5, 5, 7]);
        Plan::draw(seed, self.nodes.unwrap_or(drawn), self.minutes)
    }

    /// Runs them on all cores, tells what there was, and fails if a seed is red.
    pub(crate) fn run(&self) {
        let began = Instant::now();
        let sums = self.each(|seed| {
            let report = run(self.plan(seed), self.is_alone);
            self.keep(&report);
            report
        });
        sums.tell(self.seeds, began.elapsed());
        assert!(sums.red.is_empty(), "{} of {} seeds are red", sums.red.len(), self.seeds);
    }

    /// Runs each of them twice and fails unless both say the same.
    #[cfg(tokio_unstable)]
    pub(crate) fn run_twice(&self) {
        let differing = Mutex::new(Vec::new());
        let sums = self.each(|seed| {
            let first = run(self.plan(seed), false);
            let second = run(self.plan(seed), false);
            if first.recorded.hash != second.recorded.hash {
                differing.lock().expect("no panic").push(seed);
            }
            first
        });
        let differing = differing.into_inner().expect("no panic");
        println!("{} seeds ran twice, {} of them differ", self.seeds, differing.len());
        assert!(differing.is_empty(), "these seeds are not replayed: {differing:?}");
        assert!(sums.red.is_empty(), "{} of {} seeds are red", sums.red.len(), self.seeds);
    }

    fn each(&self, simulate: impl Fn(u64) -> Report + Sync) -> Sums {
        let next = AtomicU64::new(self.first);
        let sums = Mutex::new(Sums::default());
        let threads =
            thread::available_parallelism().map_or(1, usize::from).min(self.seeds as usize);
        thread::scope(|scope| {
            for _ in 0..threads {
                scope.spawn(|| {
                    loop {
                        let seed = next.fetch_add(1, Ordering::SeqCst);
                        if seed >= self.first + self.seeds {
                            return;
                        }
                        let report = simulate(seed);
                        sums.lock().expect("no panic").add(&report);
                    }
                });
            }
        });
        sums.into_inner().expect("no panic")
    }

    /// Writes the trace and the history of a seed that is run alone.
    fn keep(&self, report: &Report) {
        if !self.is_alone {
            return;
        }
        if let Ok(path) = env::var("XCRON_SIM_TRACE") {
            fs::write(path, report.recorded.events.join("\n")).expect("the trace can be written");
        }
        if let Ok(path) = env::var("XCRON_SIM_HISTORY") {
            let file = fs::File::create(path).expect("the history can be written");
            report.recorded.history.write(file).expect("the history can be written");
        }
    }
}

impl Sums {
    fn add(&mut self, report: &Report) {
        self.simulated += report.span;
        self.operations += report.verdict.figures.operations;
        self.receipts += report.recorded.receipts;
        for line in &report.recorded.history.lines {
            if let xcron_checker::Line::Fault(fault) = line {
                *self.faults.entry(fault.name.clone()).or_default() += 1;
            }
        }
        if report.is_green() {
            return;
        }
        let Plan { seed, nodes, span, .. } = &report.plan;
        let minutes = span.as_secs() / 60;
        let replay = format!(
            "XCRON_SIM_SEED={seed} XCRON_SIM_NODES={nodes} XCRON_SIM_MINUTES={minutes} \
             cargo simulate seeds_are_green"
        );
        if self.red.len() < TOLD_MAX {
            println!("RED {replay}");
            report.recorded.violations.iter().take(10).for_each(|what| println!("  {what}"));
            println!("{}", report.verdict);
        }
        self.red.push(replay);
    }

    fn tell(&self, seeds: u64, took: Duration) {
        let hours = self.simulated.as_secs_f64() / 3_600.0;
        let times = self.simulated.as_secs_f64() / took.as_secs_f64();
        let faults: u64 = self.faults.values().sum();
        println!(
            "{seeds} seeds, {hours:.2} simulated hours in {:.1} s: {times:.0} times real time",
            took.as_secs_f64()
        );
        println!(
            "{faults} faults, {} operations, {} receipts, {} seeds red",
            self.operations,
            self.receipts,
            self.red.len()
        );
        println!("{:?}", self.faults);
        self.red.iter().for_each(|replay| println!("RED {replay}"));
    }
}
