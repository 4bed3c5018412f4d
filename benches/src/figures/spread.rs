//! P12: fired callbacks per second of three nodes against one, with targets that take their time.

use super::{Bench, await_callbacks, create_all};
use crate::cluster::Setting;
use crate::fault::Result;
use crate::report::{Figure, Round};
use crate::server::{Launch, Server};
use crate::sink::Sink;
use crate::statistics::median;
use crate::wall;
use serde_json::json;
use std::time::Duration;

/// After how long the target answers.
const ANSWERS_AFTER: Duration = Duration::from_millis(100);
/// How many callbacks a node makes at a time: 2,560 a second at the most.
const PLACES: &str = "256";
/// The one-shots that are due together on one node; three get as many each.
const TASKS: usize = 15_000;
/// How long it may take to create those of one node.
const CREATING: Duration = Duration::from_secs(6);
/// How long they may take to be fired.
const DRAIN_MAX: Duration = Duration::from_secs(60);
/// How long a second callback of a task is waited for.
const REPEAT_WAIT: Duration = Duration::from_millis(500);

const MICROS_PER_SEC: u64 = 1_000_000;

/// Measures it in alternating rounds, each with servers of its own.
///
/// # Errors
/// When a server fails, or a callback is lost, repeated or early.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let what = "fired callbacks/s of three nodes against one, targets that answer after 100 ms";
    let mut figure = Figure::new("P12", what, "2.7").against("three nodes", "one node");
    let (mut one, mut three) = (Vec::new(), Vec::new());
    for _ in 0..bench.options.rounds() {
        let servers = vec![bench.launch(Launch { settings: places(), ..Launch::default() }).await?];
        one.push(fired(&servers).await?);
        let servers = bench.cluster(&places()).await?;
        three.push(fired(&servers).await?);
        figure.rounds.push(Round::new(three[three.len() - 1], one[one.len() - 1]));
    }
    figure.note("callbacks at a time and node", json!(PLACES));
    figure.note("fired/s of one node, median", median(&one));
    figure.note("fired/s of three nodes, median", median(&three));
    figure.note("fired exactly once", json!(4 * TASKS * bench.options.rounds()));
    figure.note("fired early, twice or not at all", 0);
    Ok(figure)
}

fn places() -> Vec<Setting> {
    vec![
        ("XCRON_CALLBACK__MAX_IN_FLIGHT", PLACES.to_owned()),
        ("XCRON_CALLBACK__MAX_IN_FLIGHT_PER_HOST", PLACES.to_owned()),
    ]
}

/// How many callbacks a second the servers make, from the first to the last.
async fn fired(servers: &[Server]) -> Result<f64> {
    let tasks = TASKS * servers.len();
    let sink = Sink::start(tasks)?;
    sink.answer_after(ANSWERS_AFTER);
    let creating = CREATING * u32::try_from(servers.len())?;
    let due_secs = wall::now_micros() / MICROS_PER_SEC + creating.as_secs();
    let due_at = due_secs * MICROS_PER_SEC;
    create_all(&servers[0], &sink, 0..tasks, move |_| due_secs).await?;
    if wall::now_micros() + MICROS_PER_SEC / 4 > due_at {
        return Err("the tasks were due before all of them were created".into());
    }
    wall::sleep_until(due_at).await;
    await_callbacks(sink.ledger(), tasks as u64, DRAIN_MAX).await;
    tokio::time::sleep(REPEAT_WAIT).await;
    let account = sink.ledger().account(0..tasks, |_| due_at);
    if account.once != tasks as u64 || account.early != 0 {
        return Err(format!("not each of {tasks} tasks fired once and on time: {account:?}").into());
    }
    let micros = account.last_at.saturating_sub(account.first_at).max(1);
    Ok(tasks as f64 * MICROS_PER_SEC as f64 / micros as f64)
}
