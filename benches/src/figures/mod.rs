//! The measurements, one per file, by their names in the list of figures to reach.

pub mod batches;
pub mod bytes;
pub mod create;
pub mod decisions;
mod drain;
pub mod failover;
pub mod fire;
pub mod isolation;
pub mod lateness;
pub mod overload;
pub mod populated;
pub mod rush;
pub mod spread;

use crate::cluster::{self, Setting};
use crate::fault::Result;
use crate::ledger::Ledger;
use crate::options::{FigureName, Options};
use crate::report::Figure;
use crate::server::{Launch, Server};
use crate::sink::Sink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// What every measurement needs.
#[derive(Clone, Debug)]
pub struct Bench {
    /// What was asked for.
    pub options: Options,
    /// The server's binary.
    pub binary: PathBuf,
    /// Where servers get their directories: on the disk that is measured.
    pub within: PathBuf,
}

impl Bench {
    /// A server that knows no tasks.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn server(&self) -> Result<Server> {
        self.launch(Launch::default()).await
    }

    /// The same, started as `launch` says.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn launch(&self, launch: Launch) -> Result<Server> {
        Server::start(&self.binary, &self.within, &launch).await
    }

    /// Three nodes with `settings` that know no tasks.
    ///
    /// # Errors
    /// When one does not start, or none leads in time.
    pub async fn cluster(&self, settings: &[Setting]) -> Result<Vec<Server>> {
        cluster::start(&self.binary, &self.within, settings).await
    }

    /// The directory of the disk that is measured.
    #[must_use]
    pub fn within(&self) -> &Path {
        &self.within
    }
}

/// What is measured in one go: a figure, or some that share a server.
type Part = (&'static [FigureName], &'static str);

/// All of it, in the order of the list of figures to reach but for those that share a server.
const PARTS: [Part; 12] = [
    (&[FigureName::P1], "P1: fired and settled callbacks/s"),
    (&[FigureName::P2], "P2: acknowledged durable createTask/s"),
    (&[FigureName::P3], "P3: creates in batches of 1,000"),
    (&[FigureName::P4], "P4: bytes of log for a create and for a fire"),
    (&[FigureName::P5], "P5: lateness with 1,000 runs due at each whole second"),
    (&[FigureName::P6], "P6: a million one-shots due in one second"),
    (&populated::NAMES, "P7, P8, P9, P10, P13: beside ten million pending tasks"),
    (&[FigureName::P11], "P11: lateness after kill -9 of the leader of three"),
    (&[FigureName::P12], "P12: fired callbacks/s of three nodes against one"),
    (&[FigureName::P14], "P14: the next occurrence, a claim, reading what is due"),
    (&[FigureName::P15], "P15: lateness beside as many runs to targets that never answer"),
    (&[FigureName::Overload], "Overload: ten times the clients, ten times the runs"),
];

/// Measures what is asked for until one of the measurements fails: what was measured before that
/// took its time.
pub async fn measure(bench: &Bench) -> (Vec<Figure>, Result<()>) {
    let mut figures = Vec::new();
    for part in wanted(bench) {
        eprintln!("{} ...", part.1);
        match measure_part(bench, part).await {
            Ok(measured) => figures.extend(measured),
            Err(fault) => return (figures, Err(fault)),
        }
    }
    (figures, Ok(()))
}

/// Measures what is asked for of two servers, a round of one and a round of the other. P14 starts
/// none, so there is only one of it: it is left out.
///
/// # Errors
/// When one of the measurements fails.
pub async fn alternate(one: &Bench, other: &Bench) -> Result<(Vec<Figure>, Vec<Figure>)> {
    let single = |bench: &Bench| {
        let options = Options { rounds: Some(1), trials: Some(1), ..bench.options.clone() };
        Bench { options, ..bench.clone() }
    };
    let (mut of_one, mut of_other) = (Vec::new(), Vec::new());
    for part in wanted(one).filter(|part| part.0 != [FigureName::P14]) {
        let (mut rounds_of_one, mut rounds_of_other) = (Vec::new(), Vec::new());
        let only_trials = part.0 == [FigureName::P11];
        let rounds = if only_trials { one.options.trials() } else { one.options.rounds() };
        for round in 1..=rounds {
            eprintln!("{}, round {round} of {rounds}, one server and the other ...", part.1);
            rounds_of_one.push(measure_part(&single(one), part).await?);
            rounds_of_other.push(measure_part(&single(other), part).await?);
        }
        of_one.extend(Figure::joined(rounds_of_one));
        of_other.extend(Figure::joined(rounds_of_other));
    }
    Ok((of_one, of_other))
}

fn wanted(bench: &Bench) -> impl Iterator<Item = Part> {
    PARTS.into_iter().filter(|(names, _)| names.iter().any(|name| bench.options.wants(*name)))
}

async fn measure_part(bench: &Bench, (names, _): Part) -> Result<Vec<Figure>> {
    Ok(match names[0] {
        FigureName::P1 => vec![fire::measure(bench).await?],
        FigureName::P2 => vec![create::measure(bench).await?],
        FigureName::P3 => vec![batches::measure(bench).await?],
        FigureName::P4 => bytes::measure(bench).await?,
        FigureName::P5 => vec![lateness::measure(bench).await?],
        FigureName::P6 => vec![rush::measure(bench).await?],
        FigureName::P11 => vec![failover::measure(bench).await?],
        FigureName::P12 => vec![spread::measure(bench).await?],
        FigureName::P14 => decisions::measure(bench).await?,
        FigureName::P15 => isolation::measure(bench).await?,
        FigureName::Overload => vec![overload::measure(bench).await?],
        FigureName::P7 | FigureName::P8 | FigureName::P9 | FigureName::P10 | FigureName::P13 => {
            populated::measure(bench).await?
        }
    })
}

/// Waits until the ledger holds `received` callbacks, at most `time_max`; a shortfall shows in
/// the account.
async fn await_callbacks(ledger: &Ledger, received: u64, time_max: Duration) {
    let begun = Instant::now();
    while ledger.received() < received && begun.elapsed() < time_max {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Creates the tasks `numbers`, task `n` due at `due_secs(n)`, and insists on all of them.
async fn create_all(
    server: &Server,
    sink: &Sink,
    numbers: std::ops::Range<usize>,
    due_secs: impl Fn(usize) -> u64 + Send + Sync + 'static,
) -> Result<crate::client::Tally> {
    let (api, target) = (server.api(), sink.address());
    create_tasks(server, numbers, move |n| crate::work::create_task(api, target, n, due_secs(n)))
        .await
}

/// Sends `make(n)` for each `n` in `numbers`, and insists on all of them.
async fn create_tasks(
    server: &Server,
    numbers: std::ops::Range<usize>,
    make: impl Fn(usize) -> Result<crate::work::Post> + Send + Sync + 'static,
) -> Result<crate::client::Tally> {
    let (api, wanted) = (server.api(), numbers.len() as u64);
    let tally = crate::client::load(api, numbers, Duration::from_secs(120), make).await?;
    if tally.done != wanted {
        let refusal = tally.first_refusal.unwrap_or_else(|| "they took too long".into());
        return Err(format!("{} of {wanted} tasks were created: {refusal}", tally.done).into());
    }
    Ok(tally)
}
