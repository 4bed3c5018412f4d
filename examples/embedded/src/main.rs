//! Embeds the scheduler: three ticks of an every-second crontab, without an async runtime.

use futures::StreamExt;
use futures::channel::mpsc;
use futures::executor::block_on;
use std::error::Error;
use std::sync::Arc;
use xcron_core::{
    Callback, Clock, MemoryStore, NewTask, Outcome, Schedule, Scheduler, SystemClock,
};
use xcron_core::{TaskDefinition, TaskId, Timestamp, dispatch_fn};

/// How many ticks are waited for.
const TICKS: usize = 3;

fn main() -> Result<(), Box<dyn Error>> {
    let (fired, ticks) = mpsc::unbounded();
    let dispatcher = dispatch_fn(move |delivery| {
        println!("{} attempt {}", delivery.run_id(), delivery.attempt());
        let tick = (delivery.scheduled_time(), SystemClock::new().now());
        // Whoever counts the ticks may have stopped counting.
        let _stopped = fired.unbounded_send(tick);
        async { Outcome::succeeded() }
    });
    let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher).build();

    let every_second = Schedule::parse_cron("* * * * * *", "UTC")?;
    let definition = TaskDefinition::new(every_second, Callback::new("tick"));
    block_on(scheduler.create(NewTask::new(TaskId::parse("tick")?, definition)))?;

    let mut seen = Vec::new();
    let enough = async { seen = ticks.take(TICKS).collect().await };
    block_on(scheduler.run(enough))?; // fires until `enough` resolves
    check(&seen)
}

/// Every second ticked, none before its time.
fn check(seen: &[(Timestamp, Timestamp)]) -> Result<(), Box<dyn Error>> {
    for (due, at) in seen {
        println!("due at {due:?}, fired {:?} later", at.since(*due));
        if at < due {
            return Err(format!("{due:?} fired early, at {at:?}").into());
        }
    }
    let follows = |pair: &[(Timestamp, Timestamp)]| pair[1].0.as_secs() == pair[0].0.as_secs() + 1;
    if seen.len() != TICKS || !seen.windows(2).all(follows) {
        return Err(format!("a second is missing or doubled in {seen:?}").into());
    }
    Ok(())
}
