//! Two processes on one PostgreSQL: of a hundred one-shots each is fired by one of them, also those
//! of the one that is killed in the middle; only what it had in flight is attempted again.
//!
//! `DATABASE_URL=postgres://user@host/name` says which database, in which the example makes a
//! schema of its own and drops it; without it a PostgreSQL is started in a temporary folder.

use futures::FutureExt;
use futures::channel::oneshot;
use futures::executor::block_on;
use futures_timer::Delay;
use postgres::{Config, NoTls};
use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::io::{self, BufRead, BufReader};
use std::process::{self, Child, Command, Stdio};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::time::{Duration, Instant};
use xcron_core::{Callback, Clock, Delivery, NewTask, Outcome, Schedule, Scheduler};
use xcron_core::{SystemClock, TaskDefinition, TaskId, dispatch_fn};
use xcron_stores::PostgresStore;
use xcron_stores::postgres::server::Server;

/// How many tasks there are, and when the first is due after they are created.
const TASKS: usize = 100;
const HEAD_START: Duration = Duration::from_secs(2);
/// Between one and the next.
const APART: Duration = Duration::from_millis(20);
/// How long a run takes, so that some are in flight whenever a process is killed.
const RUN: Duration = Duration::from_millis(100);
/// After how many runs one of the two is killed.
const KILLED_AFTER: usize = TASKS / 2;
/// How long all of it may take, and how long a run too many has to show itself.
const PATIENCE: Duration = Duration::from_secs(60);
const WATCH: Duration = Duration::from_secs(1);
/// How long to wait for an attempt before looking whether all is over.
const LOOK: Duration = Duration::from_millis(50);
/// How many runs of each task are remembered.
const HISTORY: usize = 20;

/// What a step comes to.
type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

fn main() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match &arguments[..] {
        [] => tell(),
        [name, database, schema] => work(name, database, schema),
        _ => Err("expected no arguments: DATABASE_URL says which database".into()),
    }
}

/// One of the two processes: fires what is due until its input ends.
fn work(name: &str, database: &str, schema: &str) -> Result<()> {
    let store = PostgresStore::open(database, schema, HISTORY)?;
    let name = name.to_owned();
    let dispatcher = dispatch_fn(move |delivery: Delivery| {
        println!("{} {} {name}", delivery.run_id(), delivery.attempt());
        async {
            Delay::new(RUN).await;
            Outcome::succeeded()
        }
    });
    let (stop, stopped) = oneshot::channel::<()>();
    thread::spawn(move || {
        // Nothing comes but the end: of the other process's wish, or of itself.
        let _ended = io::copy(&mut io::stdin(), &mut io::sink());
        drop(stop);
    });
    let scheduler = Scheduler::builder(Arc::new(store), dispatcher).build();
    Ok(block_on(scheduler.run(stopped.map(|_| ())))?)
}

fn tell() -> Result<()> {
    let url = env::var("DATABASE_URL").ok();
    if url.is_none() {
        println!("DATABASE_URL names no database: one is started in a temporary folder");
    }
    let server = if url.is_none() { Server::start()? } else { None };
    let Some(database) = url.or(server.as_ref().map(Server::database)) else {
        return Err("there is no PostgreSQL here: set DATABASE_URL, or install one".into());
    };
    let config: Config = database.parse()?;
    let mut client = config.connect(NoTls)?;
    let schema = format!("xcron_example_{}", process::id());
    let told = show(&database, &schema);
    client.batch_execute(&format!("DROP SCHEMA IF EXISTS {schema} CASCADE"))?;
    told
}

fn show(database: &str, schema: &str) -> Result<()> {
    let (began, attempts) = mpsc::channel();
    let mut killed = Worker::start("a", database, schema, began.clone())?;
    let _other = Worker::start("b", database, schema, began)?;
    // This process creates and reads: it has a store too, and runs nothing on it.
    let store = Arc::new(PostgresStore::open(database, schema, HISTORY)?);
    let never = dispatch_fn(|_| async { Outcome::not_started() });
    let scheduler = Scheduler::builder(store, never).build();
    create_tasks(&scheduler)?;

    let mut seen = Seen::default();
    seen.take(&attempts, |seen| seen.len() == KILLED_AFTER)?;
    killed.process.kill()?;
    println!("process a is killed, kill -9, after {} runs began", seen.0.len());
    seen.take(&attempts, |seen| {
        seen.len() == TASKS && scheduler.counts().finished == TASKS as u64
    })?;
    thread::sleep(WATCH);
    attempts.try_iter().for_each(|attempt| seen.note(attempt));
    seen.check()
}

/// One-shots, a little apart.
fn create_tasks(scheduler: &Scheduler) -> Result<()> {
    let mut at = SystemClock::new().now().plus(HEAD_START);
    for number in 0..TASKS {
        let definition = TaskDefinition::new(Schedule::Once(at), Callback::new("once"));
        let id = TaskId::parse(&format!("one-shot-{number}"))?;
        block_on(scheduler.create(NewTask::new(id, definition)))?;
        at = at.plus(APART);
    }
    Ok(())
}

/// The attempts of each run, in order.
#[derive(Default)]
struct Seen(BTreeMap<String, Vec<Attempt>>);

impl Seen {
    fn note(&mut self, attempt: Attempt) {
        self.0.entry(attempt.run.clone()).or_default().push(attempt);
    }

    /// Takes in what begins until that `is_enough`.
    fn take(
        &mut self,
        attempts: &Receiver<Attempt>,
        is_enough: impl Fn(&BTreeMap<String, Vec<Attempt>>) -> bool,
    ) -> Result<()> {
        let begun = Instant::now();
        while !is_enough(&self.0) {
            if begun.elapsed() > PATIENCE {
                return Err(format!("only {} of {TASKS} runs came to an end", self.0.len()).into());
            }
            if let Ok(attempt) = attempts.recv_timeout(LOOK) {
                self.note(attempt);
            }
        }
        Ok(())
    }

    /// Every run has one attempt, or a second by the other process of what was in flight.
    fn check(&self) -> Result<()> {
        let by = |name: &str| {
            let first = self.0.values().filter(|attempts| attempts[0].by == name);
            first.count()
        };
        println!("{} runs began: {} by a, {} by b", self.0.len(), by("a"), by("b"));
        let mut again = 0;
        for (run, attempts) in &self.0 {
            match &attempts[..] {
                [_] => {}
                [first, second] if first.is_followed_by(second) => again += 1,
                _ => return Err(format!("{run} was fired without a cause: {attempts:?}").into()),
            }
        }
        println!("{again} of them were in flight at the kill, and attempted again by b");
        println!("{TASKS} tasks are finished in the database");
        Ok(())
    }
}

/// An attempt that began.
#[derive(Debug)]
struct Attempt {
    run: String,
    number: u32,
    by: String,
}

impl Attempt {
    /// As a process prints it.
    fn parse(line: &str) -> Option<Self> {
        let mut words = line.split(' ').map(str::to_owned);
        let (run, number, by) = (words.next()?, words.next()?.parse().ok()?, words.next()?);
        Some(Self { run, number, by })
    }

    /// Whether `next` is what is made of this attempt when its process is killed.
    fn is_followed_by(&self, next: &Self) -> bool {
        self.by == "a" && next.by == "b" && next.number == self.number + 1
    }
}

/// A process that fires; dropped, it is stopped in order.
struct Worker {
    process: Child,
}

impl Worker {
    /// Starts this program again as `name`; what it begins goes to `began`.
    fn start(name: &str, database: &str, schema: &str, began: Sender<Attempt>) -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        command.args([name, database, schema]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn()?;
        let lines = BufReader::new(process.stdout.take().ok_or("no output")?).lines();
        thread::spawn(move || {
            let lines = lines.map_while(io::Result::ok);
            for attempt in lines.filter_map(|line| Attempt::parse(&line)) {
                // Whoever counts may have stopped counting.
                let _stopped = began.send(attempt);
            }
        });
        Ok(Self { process })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // One that was killed has ended already.
        let _ended = self.process.wait();
    }
}
