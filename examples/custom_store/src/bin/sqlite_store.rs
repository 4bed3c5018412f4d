//! Two schedulers on one SQLite file: a hundred one-shots, each fired exactly once.

use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::{FutureExt, StreamExt};
use futures_timer::Delay;
use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;
use xcron_core::{Callback, Clock, Delivery, NewTask, Outcome, Schedule, Scheduler};
use xcron_core::{SystemClock, TaskDefinition, TaskId, dispatch_fn};
use xcron_stores::SqliteStore;

/// How many tasks there are.
const TASKS: usize = 100;
/// How many runs of each task are remembered.
const HISTORY: usize = 20;
/// How long a run too many would have to show itself.
const WATCH: Duration = Duration::from_secs(1);

/// A run, and the scheduler that fired it.
type Fired = (String, char);

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("tasks.db");
    let (fired, mut runs) = unbounded();
    let schedulers = [scheduler(&path, 'a', fired.clone())?, scheduler(&path, 'b', fired)?];
    create_tasks(&schedulers)?;

    let mut seen: BTreeMap<String, Vec<char>> = BTreeMap::new();
    let mut stops = Vec::new();
    thread::scope(|scope| {
        for scheduler in &schedulers {
            let (stop, stopped) = oneshot::channel::<()>();
            stops.push(stop);
            scope.spawn(move || {
                let stopped = stopped.map(|_| ());
                block_on(scheduler.run(stopped)).expect("the database works");
            });
        }
        block_on(async {
            while seen.len() < TASKS {
                let (run, by) = runs.next().await.expect("both schedulers live");
                seen.entry(run).or_default().push(by);
            }
            Delay::new(WATCH).await;
        });
        while let Ok((run, by)) = runs.try_recv() {
            seen.entry(run).or_default().push(by);
        }
        stops.clear(); // a dropped sender resolves the future that a scheduler runs until
    });
    check(&seen, &schedulers[0])
}

/// A scheduler with a connection of its own, as if it were another process.
fn scheduler(
    path: &Path,
    name: char,
    fired: UnboundedSender<Fired>,
) -> Result<Scheduler, Box<dyn Error>> {
    let store = SqliteStore::open(path, HISTORY)?;
    let dispatcher = dispatch_fn(move |delivery: Delivery| {
        // Whoever counts the runs may have stopped counting.
        let _stopped = fired.unbounded_send((delivery.run_id().to_string(), name));
        async { Outcome::succeeded() }
    });
    Ok(Scheduler::builder(Arc::new(store), dispatcher).build())
}

/// One-shots that are due within the next two seconds, created through both schedulers in turn.
fn create_tasks(schedulers: &[Scheduler; 2]) -> Result<(), Box<dyn Error>> {
    let now = SystemClock::new().now();
    for (number, scheduler) in (0..TASKS).zip(schedulers.iter().cycle()) {
        let at = now.plus(Duration::from_millis(1_000 + 10 * number as u64));
        let definition = TaskDefinition::new(Schedule::Once(at), Callback::new("once"));
        let id = TaskId::parse(&format!("one-shot-{number}"))?;
        block_on(scheduler.create(NewTask::new(id, definition)))?;
    }
    Ok(())
}

/// Every task has fired once, and the database says so too.
fn check(seen: &BTreeMap<String, Vec<char>>, scheduler: &Scheduler) -> Result<(), Box<dyn Error>> {
    let by = |name: char| seen.values().flatten().filter(|by| **by == name).count();
    let finished = scheduler.counts().finished;
    println!("{} tasks fired: {} by a, {} by b", seen.len(), by('a'), by('b'));
    println!("{finished} tasks are finished in the database");
    if let Some((run, by)) = seen.iter().find(|(_, by)| by.len() != 1) {
        return Err(format!("{run} was fired {} times, by {by:?}", by.len()).into());
    }
    if seen.len() != TASKS || finished != TASKS as u64 {
        return Err(format!("expected {TASKS} tasks to fire and to finish").into());
    }
    Ok(())
}
