//! P11: how late runs are that are due after the leader of three nodes was killed.
//!
//! One-shots are due at every whole second. The leader is killed by `kill -9` between two of them,
//! in each trial at another phase of the second; then it is started again, and the next trial
//! begins when all three nodes are ready.

use super::{Bench, create_all};
use crate::cluster;
use crate::fault::Result;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::statistics::percentile;
use crate::wall;
use serde_json::json;
use std::ops::Range;
use std::time::{Duration, Instant};

/// The runs due at each whole second.
const PER_SECOND: usize = 200;
/// The whole seconds of a trial, and after how many of them the leader is killed.
const SECONDS: usize = 8;
const SECONDS_BEFORE: u64 = 3;
/// How long all of a trial may take to be fired when its last second is over.
const DRAIN_MAX: Duration = Duration::from_secs(30);
/// How long a second callback of a task is waited for.
const REPEAT_WAIT: Duration = Duration::from_secs(1);
/// How long a node that was started again may take to be ready.
const READY_MAX: Duration = Duration::from_secs(30);
/// A callback that came so long after the kill may have been on its way.
const ON_ITS_WAY: u64 = 100_000;

const MICROS_PER_SEC: u64 = 1_000_000;

/// What one trial came to; times in microseconds.
struct Trial {
    worst: u64,
    /// Tasks that were called more than once, the first time before the kill,
    in_flight: u64,
    /// and after it.
    repeated: u64,
    phase: u64,
}

/// Measures it in trials, one after the other.
///
/// # Errors
/// When a node fails otherwise, or a callback is lost or early.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let trials = bench.options.trials();
    let what = "worst lateness in milliseconds of a run due after kill -9 of the leader of three";
    let mut figure = Figure::new("P11", what, "800 at most, each 1500").against("ms", "");
    let tasks = SECONDS * PER_SECOND;
    let sink = Sink::start(trials * tasks)?;
    let mut servers = bench.cluster(&[]).await?;
    let (mut seen, seed) = (Vec::new(), wall::now_micros() % MICROS_PER_SEC);
    for trial in 0..trials {
        let phase = phase(seed, trial);
        let numbers = trial * tasks..(trial + 1) * tasks;
        let came = kill_leader(&mut servers, &sink, numbers, phase).await?;
        figure.rounds.push(Round::alone(came.worst as f64 / 1_000.0));
        seen.push(came);
    }
    let worst: Vec<u64> = seen.iter().map(|trial| trial.worst / 1_000).collect();
    let worst = worst.into_iter().max().unwrap_or_default();
    let sum = |of: fn(&Trial) -> u64| seen.iter().map(of).sum::<u64>();
    let phases: Vec<u64> = seen.iter().map(|trial| trial.phase / 1_000).collect();
    figure.note("trials", json!(trials));
    figure.note("worst of all trials, milliseconds", json!(worst));
    figure.note("kill after a whole second, milliseconds", json!(phases));
    figure.note("runs due at each whole second", json!(PER_SECOND));
    figure.note("runs in all", json!(trials * tasks));
    figure.note("lost or early", 0);
    figure.note("made again, first called before the kill", sum(|trial| trial.in_flight));
    figure.note("made again, first called after the kill", sum(|trial| trial.repeated));
    Ok(figure)
}

/// When in its second the leader is killed in this trial, in microseconds: by the golden ratio, so
/// that any number of trials is spread over the second, from a start that chance has chosen.
fn phase(seed: u64, trial: usize) -> u64 {
    (seed + trial as u64 * 618_034) % MICROS_PER_SEC
}

async fn kill_leader(
    servers: &mut [Server],
    sink: &Sink,
    numbers: Range<usize>,
    phase: u64,
) -> Result<Trial> {
    let leader = cluster::leader(servers).await?;
    let (first, tasks) = (numbers.start, numbers.len());
    let start_secs = wall::now_micros() / MICROS_PER_SEC + 3;
    let due_secs = move |n: usize| start_secs + ((n - first) / PER_SECOND) as u64;
    let due_at = move |n: usize| due_secs(n) * MICROS_PER_SEC;
    let asked = &servers[(leader + 1) % servers.len()];
    create_all(asked, sink, numbers.clone(), due_secs).await?;
    if wall::now_micros() > due_at(first) {
        return Err("the tasks were due before all of them were created".into());
    }
    wall::sleep_until((start_secs + SECONDS_BEFORE) * MICROS_PER_SEC + phase).await;
    let killed_at = wall::now_micros();
    servers[leader].kill().await?;
    wall::sleep_until(due_at(first + tasks - 1)).await;
    let (ledger, begun) = (sink.ledger(), Instant::now());
    while ledger.account(numbers.clone(), due_at).missing > 0 && begun.elapsed() < DRAIN_MAX {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    servers[leader].restart().await?;
    for server in &*servers {
        server.ready(READY_MAX).await?;
    }
    tokio::time::sleep(REPEAT_WAIT).await;
    let account = ledger.account(numbers.clone(), due_at);
    if account.missing > 0 || account.early > 0 {
        return Err(format!("of {tasks} tasks some were lost or early: {account:?}").into());
    }
    let after = numbers.clone().filter(|n| due_at(*n) >= killed_at);
    let worst = percentile(&ledger.lateness(after, due_at), 1.0);
    let before = |n: &usize| ledger.first_at(*n) <= Some(killed_at + ON_ITS_WAY);
    let in_flight = ledger.account(numbers.filter(before), due_at).repeated;
    Ok(Trial { worst, in_flight, repeated: account.repeated - in_flight, phase })
}

#[cfg(test)]
mod tests {
    use super::phase;

    #[test]
    fn twenty_kills_leave_no_part_of_a_second_out() {
        for seed in [0, 123_456, 999_999] {
            let mut phases: Vec<u64> = (0..20).map(|trial| phase(seed, trial)).collect();
            phases.sort_unstable();
            let gap = phases.windows(2).map(|pair| pair[1] - pair[0]).max();
            assert!(gap < Some(120_000), "{phases:?}");
        }
    }
}
