//! Overload: ten times the clients that are answered at a time, and ten times the runs that the
//! target takes.
//!
//! A round at capacity has about as many clients as the server answers at a time, and nothing due.
//! A round of overload has ten times as many; each task is due at once, and its target answers so
//! slowly that runs pile up until the server holds as many tasks as it may. The clients come back
//! when they are told to. When it is over the target is fast again, and every task that was
//! acknowledged must come to be fired once.

use super::{Bench, await_callbacks, create_all};
use crate::client::Connection;
use crate::crowd::{Crowd, Told};
use crate::fault::Result;
use crate::report::{Figure, Round};
use crate::server::{Launch, Server};
use crate::sink::Sink;
use crate::statistics::{median, percentile};
use crate::wall;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How many clients keep a server at its capacity: nearly as many as it answers at a time, so that
/// ten times as many still fit into 20,000 open files.
const CLIENTS: usize = 1_800;
/// How many times as many come.
const TIMES: usize = 10;
/// The most tasks that the server may hold, so that its memory has a bound.
const TASKS_MAX: usize = 300_000;
/// The most finished ones among them.
const FINISHED_MAX: usize = 20_000;
/// The most connections that it keeps, but for a few that were used to fill it.
const CONNECTIONS_MAX: usize = 4_000;
/// The most tasks that a round may acknowledge.
const LEDGER_MAX: usize = 4_000_000;
/// After how long the target answers, 256 at a time: 1,280 runs a second.
const ANSWERS_AFTER: Duration = Duration::from_millis(200);
/// How many runs a second that is.
const RUNS_PER_SECOND: f64 = 1_280.0;
/// How long a round at capacity takes.
const CAPACITY_TIME: Duration = Duration::from_secs(10);
/// How long after its request a task is due.
const DUE_IN: Duration = Duration::from_secs(2);
/// How long what was piled up may take to be fired.
const DRAIN_MAX: Duration = Duration::from_secs(180);
/// How long a second callback of a task is waited for.
const REPEAT_WAIT: Duration = Duration::from_secs(1);
/// How often the memory of the server is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);

const DAY: Duration = Duration::from_secs(86_400);
const MICROS_PER_SEC: u64 = 1_000_000;

/// What one round of overload came to.
#[derive(Debug, Default)]
struct Overload {
    told: Told,
    resident_max: u64,
    fired: u64,
    audited: u64,
}

/// Measures it in alternating rounds.
///
/// # Errors
/// When a server fails, an acknowledged task is lost or doubled, the audit has a difference, or a
/// refusal leaves open what was done or when to come back.
pub async fn measure(bench: &Bench) -> Result<Figure> {
    let what = "latency p99 of admitted creates in microseconds, with ten times the clients and \
                ten times the runs";
    let mut figure = Figure::new("Overload", what, "2 at most").against("overload", "capacity");
    let full = full(bench).await?;
    let (mut residents, mut rates, mut plain_rates) = (Vec::new(), Vec::new(), Vec::new());
    let (mut medians, mut settled) = (Vec::new(), Vec::new());
    let mut total = Overload::default();
    for _ in 0..bench.options.rounds() {
        let plain = at_capacity(bench).await?;
        let over = overload(bench).await?;
        let p99 = |told: &Told| percentile(&told.latencies, 0.99) as f64;
        figure.rounds.push(Round::new(p99(&over.told), p99(&plain)));
        medians.push(percentile(&over.told.latencies, 0.5) as f64);
        settled.push(percentile(&over.told.settled, 0.99) as f64);
        residents.push(over.resident_max as f64);
        let seconds = bench.options.overload_time().as_secs_f64();
        rates.push(over.told.latencies.len() as f64 / seconds);
        plain_rates.push(plain.latencies.len() as f64 / CAPACITY_TIME.as_secs_f64());
        total.fired += over.fired;
        total.audited += over.audited;
        total.told.add(over.told);
    }
    figure.note("clients at capacity", json!(CLIENTS));
    figure.note("clients in overload", json!(TIMES * CLIENTS));
    figure.note("creates/s at capacity, median", median(&plain_rates));
    figure.note("creates/s admitted in overload, median", median(&rates));
    figure.note("runs/s that the target takes in overload", RUNS_PER_SECOND);
    figure.note("latency p50 in overload, microseconds, median", median(&medians));
    figure.note("latency p99 once all clients have come, microseconds, median", median(&settled));
    figure.note("tasks that the server may hold", json!(TASKS_MAX));
    figure.note(
        "resident bytes of a server that holds them, and its connections, at rest",
        json!(full),
    );
    let most = residents.iter().copied().fold(0.0, f64::max);
    figure.note("resident bytes in overload, at most", most);
    figure
        .note("the same in hundredths of those at rest (125 at most)", most / full as f64 * 100.0);
    for (refusal, times) in &total.told.refusals {
        figure.note(&format!("refused, {refusal}"), json!(times));
    }
    figure.note("refused without retry-after", json!(total.told.without_retry_after));
    figure.note("connections that broke without an answer", json!(total.told.broken));
    figure.note("creates whose outcome stayed open", json!(total.told.open.len()));
    figure.note("tasks acknowledged in overload", json!(total.told.acknowledged.len()));
    figure.note("of them fired exactly once", json!(total.fired));
    figure.note("of them lost, fired twice or early", 0);
    figure.note("tasks audited at the end of overload, difference 0", json!(total.audited));
    Ok(figure)
}

/// Creates by as many clients as are answered at a time.
async fn at_capacity(bench: &Bench) -> Result<Told> {
    let sink = Sink::start(0)?;
    let server = bench.server().await?;
    let (api, sink) = (server.api(), sink.address());
    let crowd = Crowd { api, sink, clients: CLIENTS, time: CAPACITY_TIME, due_in: DAY };
    crowd.ask().await
}

/// The memory of a server that holds as many tasks and connections as it may, and does nothing.
async fn full(bench: &Bench) -> Result<u64> {
    let sink = Sink::start(0)?;
    let server = bench.launch(launch()).await?;
    let due_secs = wall::now_micros() / MICROS_PER_SEC + DAY.as_secs();
    create_all(&server, &sink, 0..TASKS_MAX, move |_| due_secs).await?;
    let mut connections = Vec::with_capacity(CONNECTIONS_MAX);
    while connections.len() < CONNECTIONS_MAX {
        let mut connection = Connection::open(server.api()).await?;
        connection.get(server.api(), "/healthz").await?;
        connections.push(connection);
    }
    tokio::time::sleep(REPEAT_WAIT).await;
    Ok(server.resident_bytes().ok_or("the server has no resident bytes")?)
}

fn launch() -> Launch {
    let settings = vec![
        ("XCRON_LIMITS__MAX_TASKS", TASKS_MAX.to_string()),
        ("XCRON_LIMITS__MAX_FINISHED_TASKS", FINISHED_MAX.to_string()),
    ];
    Launch { settings, ..Launch::default() }
}

async fn overload(bench: &Bench) -> Result<Overload> {
    let sink = Sink::start(LEDGER_MAX)?;
    let server = bench.launch(launch()).await?;
    sink.answer_after(ANSWERS_AFTER);
    let crowd = Crowd {
        api: server.api(),
        sink: sink.address(),
        clients: TIMES * CLIENTS,
        time: bench.options.overload_time(),
        due_in: DUE_IN,
    };
    let mut resident_max = 0;
    let mut look = tokio::time::interval(LOOK_EVERY);
    let mut asking = std::pin::pin!(crowd.ask());
    let told = loop {
        tokio::select! {
            biased;
            told = &mut asking => break told?,
            _ = look.tick() => {
                resident_max = resident_max.max(server.resident_bytes().unwrap_or_default());
            }
        }
    };
    let audited = audit(&server).await?;
    sink.answer_after(Duration::ZERO);
    let fired = drain(&server, &sink, &told).await?;
    Ok(Overload { told, resident_max, fired, audited })
}

/// Waits until everything acknowledged was called, and insists on once each.
async fn drain(server: &Server, sink: &Sink, told: &Told) -> Result<u64> {
    let (begun, acknowledged) = (Instant::now(), told.acknowledged.len() as u64);
    while server.metric("xcron_tasks", "state=\"active\"").await? > 0.0 {
        if begun.elapsed() > DRAIN_MAX {
            break; // what is missing shows in the account
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    await_callbacks(sink.ledger(), acknowledged, DRAIN_MAX.saturating_sub(begun.elapsed())).await;
    tokio::time::sleep(REPEAT_WAIT).await;
    let account = sink.ledger().account(told.acknowledged.iter().copied(), |_| 0);
    if account.once != acknowledged {
        return Err(format!("not each of {acknowledged} tasks fired once: {account:?}").into());
    }
    // A task that was refused, or that nobody asked for, must not be called either.
    let open = sink.ledger().account(told.open.iter().copied(), |_| 0);
    let expected = acknowledged + open.once;
    if sink.ledger().received() != expected {
        let received = sink.ledger().received();
        return Err(format!("{received} callbacks came, expected {expected}").into());
    }
    audit(server).await?;
    Ok(account.once)
}

/// Adds up every task's occurrences against what became of them; how many tasks there are.
async fn audit(server: &Server) -> Result<u64> {
    let mut connection = Connection::open(server.api()).await?;
    let (mut path, mut tasks) = ("/xcron/audit".to_owned(), 0);
    loop {
        let (status, body) = connection.get(server.api(), &path).await?;
        let answer: Value = serde_json::from_slice(&body)?;
        let data = &answer["data"];
        if status != 200 || data["difference"] != 0 || data["unreadable"] != 0 {
            return Err(format!("the audit has a difference: {status} {answer}").into());
        }
        tasks += data["tasks"].as_u64().ok_or("the audit counts no tasks")?;
        let Some(cursor) = data["next_cursor"].as_str() else { return Ok(tasks) };
        path = format!("/xcron/audit?cursor={cursor}");
    }
}
