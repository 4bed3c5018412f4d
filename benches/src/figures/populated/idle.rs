//! P13: what a server takes of the processor while nothing is due.

use super::{Populated, REST};
use crate::fault::Result;
use crate::figures::Bench;
use crate::process::Process;
use crate::report::{Figure, Round};
use serde_json::json;
use std::time::{Duration, Instant};

/// With many pending tasks.
pub(super) async fn with_tasks(bench: &Bench, populated: &Populated) -> Result<Figure> {
    let what = "hundredths of a core that an idle server takes beside its pending tasks";
    let mut figure = Figure::new("P13", what, "1 at most").against("hundredths", "");
    let processes = [populated.server.process()?];
    for _ in 0..bench.options.rounds() {
        figure.rounds.push(Round::alone(taken(&processes, bench.options.idle_time()).await?));
    }
    figure.note("pending tasks", json!(populated.tasks));
    figure.note("seconds of a round", json!(bench.options.idle_time().as_secs()));
    Ok(figure)
}

/// Of three nodes without tasks, by the one that takes most.
pub(super) async fn of_a_cluster(bench: &Bench) -> Result<Figure> {
    let what = "hundredths of a core that a node of an idle cluster of three takes, at most";
    let mut figure = Figure::new("P13", what, "3 at most").against("hundredths", "");
    let servers = bench.cluster(&[]).await?;
    tokio::time::sleep(REST).await;
    let processes = servers.iter().map(|server| server.process()).collect::<Result<Vec<_>>>()?;
    for _ in 0..bench.options.rounds() {
        figure.rounds.push(Round::alone(taken(&processes, bench.options.idle_time()).await?));
    }
    figure.note("seconds of a round", json!(bench.options.idle_time().as_secs()));
    Ok(figure)
}

/// The hundredths of a core that the busiest of `processes` takes for `time`.
async fn taken(processes: &[Process], time: Duration) -> Result<f64> {
    let times = || processes.iter().map(|process| process.processor_time());
    let before = times().collect::<Result<Vec<_>>>()?;
    let begun = Instant::now();
    tokio::time::sleep(time).await;
    let (after, passed) = (times().collect::<Result<Vec<_>>>()?, begun.elapsed());
    let shares = before.iter().zip(&after).map(|(before, after)| {
        after.saturating_sub(*before).as_secs_f64() / passed.as_secs_f64() * 100.0
    });
    Ok(shares.fold(0.0, f64::max))
}
