//! P7, P8, P9, P10 and P13: what it costs to have ten million tasks that are not due.
//!
//! One server is filled once, and then looked at from all sides: its memory (`memory`), what it
//! does when nothing is due (`idle`), creating and firing beside so many tasks (`growth`), while a
//! snapshot of them is built (`snapshot`), and after it was killed (`restart`).

mod growth;
mod idle;
mod memory;
mod restart;
mod snapshot;

use super::Bench;
use crate::batch;
use crate::fault::Result;
use crate::options::FigureName;
use crate::report::Figure;
use crate::server::{Launch, Server};
use crate::wall;
use crate::work::{CallbackOf, CreateTask, task_id};
use std::time::Duration;

/// The figures that share the server.
pub const NAMES: [FigureName; 5] =
    [FigureName::P7, FigureName::P8, FigureName::P9, FigureName::P10, FigureName::P13];

/// Where every task calls: 60 bytes.
const URL: &str = "http://127.0.0.1:9000/v1/tenants/8d5e957f/invoices/clearing/";
/// What it sends: 100 bytes.
const BODY: &str = "{\"order\":\"8d5e957f297893487bd98fa830fa6413\",\"amount\":\"1299.00\",\
                    \"currency\":\"EUR\",\"note\":\"clearing\"}  ";
/// Where their numbers begin, so that those which fire can begin with 0.
const FIRST: usize = 100_000_000;
/// How long after the fill the first of them is due: nothing is, however long it is measured.
const DUE_IN_SECS: usize = 7 * 86_400;
/// Over how many seconds they are spread.
const SPREAD_SECS: usize = 86_400;
/// The most tasks that a server may hold unless it is told otherwise.
const TASKS_MAX: usize = 20_000_000;
/// How many tasks a second a fill is expected to reach at least.
const FILL_PER_SECOND_MIN: usize = 1_000;
/// How long the server is left alone after it was filled, and after a snapshot.
const REST: Duration = Duration::from_secs(3);

const _: () = assert!(URL.len() == 60 && BODY.len() == 100);

/// A server that holds many tasks.
struct Populated {
    server: Server,
    tasks: usize,
    /// Its resident memory before there was any.
    resident_empty: u64,
    /// Tasks created per second.
    filled: f64,
}

/// Fills a server and measures those of [`NAMES`] that are asked for.
///
/// # Errors
/// When the server fails, refuses a task or loses one.
pub async fn measure(bench: &Bench) -> Result<Vec<Figure>> {
    let mut figures = Vec::new();
    let wants = |name| bench.options.wants(name);
    let mut populated = Populated::fill(bench, bench.options.tasks()).await?;
    if wants(FigureName::P7) {
        figures.push(memory::measure(&populated)?);
    }
    if wants(FigureName::P13) {
        figures.push(idle::with_tasks(bench, &populated).await?);
    }
    if wants(FigureName::P8) {
        figures.extend(growth::measure(bench, &populated).await?);
    }
    if wants(FigureName::P10) {
        figures.push(snapshot::measure(bench, &populated).await?);
    }
    if wants(FigureName::P9) {
        figures.push(restart::measure(bench, &mut populated).await?);
    }
    drop(populated);
    if wants(FigureName::P13) {
        figures.push(idle::of_a_cluster(bench).await?);
    }
    Ok(figures)
}

impl Populated {
    /// A server of its own with `tasks` tasks, at rest.
    async fn fill(bench: &Bench, tasks: usize) -> Result<Self> {
        // Room for what is created beside them.
        let tasks_max = (tasks * 2).max(TASKS_MAX);
        let settings = vec![("XCRON_LIMITS__MAX_TASKS", tasks_max.to_string())];
        let server = bench.launch(Launch { settings, ..Launch::default() }).await?;
        let resident_empty = server.process()?.resident_bytes()?;
        let first_secs = wall::now_micros() / 1_000_000 + DUE_IN_SECS as u64;
        let make = move |number| pending(number, first_secs);
        let time_max = Duration::from_secs((60 + tasks / FILL_PER_SECOND_MIN) as u64);
        let filled =
            batch::create(server.api(), FIRST..FIRST + tasks, time_max, make).await?.whole()?;
        if filled.done != tasks as u64 {
            return Err(format!("{} of {tasks} tasks were created in time", filled.done).into());
        }
        let populated = Self { server, tasks, resident_empty, filled: filled.rate() };
        snapshot::written(&populated.server).await?;
        tokio::time::sleep(REST).await;
        Ok(populated)
    }
}

fn pending(number: usize, first_secs: u64) -> CreateTask {
    let callback = CallbackOf { url: URL.into(), body: BODY.into() };
    let format = (first_secs + (number % SPREAD_SECS) as u64).to_string();
    CreateTask { kind: 2, format, callback, task_id: task_id(number) }
}
