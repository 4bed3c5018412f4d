//! P8: whether creating and firing cost more beside many tasks than beside few.

use super::Populated;
use crate::fault::Result;
use crate::figures::Bench;
use crate::figures::create::create;
use crate::figures::fire::Bursts;
use crate::report::{Figure, Round};
use crate::server::Server;
use crate::sink::Sink;
use crate::wall;
use serde_json::json;

/// How many few are.
const FEW: usize = 10_000;
/// Where the numbers of tasks begin that are created in a round, for each round again.
const FIRST: usize = 1_000_000_000;
const DAY_SECS: u64 = 86_400;

/// Measures both in alternating rounds: the server with few tasks is a new one in each, since what
/// is created would soon be many.
pub(super) async fn measure(bench: &Bench, many: &Populated) -> Result<[Figure; 2]> {
    let (rounds, burst) = (bench.options.rounds(), bench.options.burst());
    let figure = |what| Figure::new("P8", what, "0.8").against("many", "few");
    let mut created = figure("acknowledged durable createTask/s beside many tasks and beside few");
    let mut fired = figure("fired and settled callbacks/s beside many tasks and beside few");
    let sink = Sink::start(2 * rounds * burst)?;
    let mut bursts = Bursts::default();
    for round in 0..rounds {
        let few = Populated::fill(bench, FEW).await?;
        let first = (1 + round) * FIRST;
        let plain = creates(bench, &few.server, &sink, first).await?;
        let beside = creates(bench, &many.server, &sink, first).await?;
        created.rounds.push(Round::new(beside, plain));
        let numbers = |half: usize| (2 * round + half) * burst..(2 * round + half + 1) * burst;
        let plain = bursts.fire(&few.server, &sink, numbers(0)).await?;
        let beside = bursts.fire(&many.server, &sink, numbers(1)).await?;
        fired.rounds.push(Round::new(beside.rate(), plain.rate()));
    }
    for figure in [&mut created, &mut fired] {
        figure.note("pending tasks, many", json!(many.tasks));
        figure.note("pending tasks, few", json!(FEW));
    }
    fired.note("one-shots due together", json!(burst));
    Ok([created, fired])
}

async fn creates(bench: &Bench, server: &Server, sink: &Sink, first: usize) -> Result<f64> {
    let due_secs = wall::now_micros() / 1_000_000 + DAY_SECS;
    Ok(create(server, sink, first, due_secs, bench.options.round_time()).await?.rate())
}
