//! A year of one's own schedules in a second: what becomes of each occurrence when clocks change,
//! a target fails, and the program is killed.
//!
//! The test below does the same: this is how schedules are checked before they are trusted.

use futures::executor::block_on;
use jiff::civil::DateTime;
use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};
use xcron_core::testing::{ScriptedDispatcher, SimClock, Simulation};
use xcron_core::{Callback, Consistency, MemoryStore, Misfire, NewTask, Outcome, RunRecord};
use xcron_core::{Schedule, Scheduler, TaskDefinition, TaskId, Timestamp};

const ZONE: &str = "Europe/Berlin";
/// How many runs of each task are remembered: more than there are in the year.
const HISTORY: usize = 1_000;

/// What the billing is to come to: on the first of each month at one o'clock, summer or winter. The
/// target takes five seconds to answer.
const BILLING: &str = "\
2027-01-01 01:00 +01:00  succeeded, 1 attempt, 5 s later
2027-02-01 01:00 +01:00  succeeded, 3 attempts, 18 s later
2027-03-01 01:00 +01:00  succeeded, 1 attempt, 5 s later
2027-04-01 01:00 +02:00  succeeded, 1 attempt, 5 s later
2027-05-01 01:00 +02:00  succeeded, 1 attempt, 5 s later
2027-06-01 01:00 +02:00  succeeded, 1 attempt, 5 s later
2027-07-01 01:00 +02:00  succeeded, 2 attempts, 201605 s later
2027-08-01 01:00 +02:00  succeeded, 1 attempt, 5 s later
2027-09-01 01:00 +02:00  succeeded, 1 attempt, 5 s later
2027-10-01 01:00 +02:00  succeeded, 1 attempt, 5 s later
2027-11-01 01:00 +01:00  succeeded, 1 attempt, 5 s later
2027-12-01 01:00 +01:00  succeeded, 1 attempt, 5 s later
";

/// What is not plain about what runs at half past two each night: clocks skip that time in March,
/// and three nights pass while the program is down; such runs are not made up for. In October,
/// when the time comes twice, it runs the first time.
const NIGHTLY: &str = "\
2027-03-28 03:00 +02:00  succeeded, 1 attempt, 0 s later
2027-07-03 02:30 +02:00  skipped_misfire, 0 attempts, 23400 s later, for 3 nights
";

fn main() -> Result<(), Box<dyn Error>> {
    let begun = Instant::now();
    let year = Year::simulate()?;
    print!("billing\n{}nightly, where it is not plain\n{}", year.billing, year.nightly);
    println!("{} nights in all; a year took {:?}", year.nights, begun.elapsed());
    if year != Year::expected() {
        return Err(format!("expected {:#?}", Year::expected()).into());
    }
    Ok(())
}

/// What became of the tasks, an occurrence a line.
#[derive(Debug, PartialEq, Eq)]
struct Year {
    billing: String,
    nightly: String,
    nights: u64,
}

impl Year {
    fn expected() -> Self {
        Self { billing: BILLING.to_owned(), nightly: NIGHTLY.to_owned(), nights: 365 }
    }

    fn simulate() -> Result<Self, Box<dyn Error>> {
        let clock = SimClock::at(berlin("2027-01-01T00:00")?);
        let store = Arc::new(MemoryStore::with_history(HISTORY));
        let targets = ScriptedDispatcher::new(Arc::new(clock.clone()));
        targets.delay("billing", Duration::from_secs(5));
        let process = || {
            Scheduler::builder(Arc::clone(&store) as _, Arc::new(targets.clone()))
                .clock(Arc::new(clock.clone()))
                .build()
        };

        let scheduler = process();
        block_on(scheduler.create(task("billing", "0 1 1 * *", Misfire::FireOnce)?))?;
        block_on(scheduler.create(task("nightly", "30 2 * * *", Misfire::Skip)?))?;
        let mut running = Simulation::begin(&scheduler, &clock);

        // In February the target refuses twice.
        running.run_until(berlin("2027-01-31T12:00")?)?;
        targets.script("billing", [Outcome::failed("503"), Outcome::failed("503")]);

        // Two seconds into the billing of July the process is killed; another one starts when
        // somebody notices, on the third.
        running.run_until(berlin("2027-07-01T01:00:02")?)?;
        drop(running);
        store.restart();
        clock.set(berlin("2027-07-03T09:00")?);

        let scheduler = process();
        let mut running = Simulation::begin(&scheduler, &clock);
        running.run_until(berlin("2028-01-01T00:00")?)?;
        running.stop()?;
        let nightly = history(&scheduler, "nightly")?;
        let is_odd = |line: &String| !line.ends_with("succeeded, 1 attempt, 0 s later\n");
        let is_shifted = |line: &String| !line.contains(" 02:30 ");
        let lines = nightly.iter().map(line).collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            billing: history(&scheduler, "billing")?.iter().map(line).collect::<Result<_, _>>()?,
            nightly: lines.into_iter().filter(|line| is_odd(line) || is_shifted(line)).collect(),
            nights: nightly.iter().map(|run| run.count).sum(),
        })
    }
}

/// A task at the target of its own name.
fn task(name: &str, crontab: &str, misfire: Misfire) -> Result<NewTask, Box<dyn Error>> {
    let schedule = Schedule::parse_cron(crontab, ZONE)?;
    let mut definition = TaskDefinition::new(schedule, Callback::new(name));
    definition.misfire = misfire;
    Ok(NewTask::new(TaskId::parse(name)?, definition))
}

/// What became of each occurrence of the task, the first one first.
fn history(scheduler: &Scheduler, name: &str) -> Result<Vec<RunRecord>, Box<dyn Error>> {
    let found = block_on(scheduler.get(&TaskId::parse(name)?, Consistency::Linearizable))?;
    let mut history = found.ok_or("the task is gone")?.history;
    history.reverse();
    Ok(history)
}

fn line(run: &RunRecord) -> Result<String, Box<dyn Error>> {
    let due = run.occurrence.time();
    let (end, attempts) = (run.end.as_str(), run.attempts);
    let plural = if attempts == 1 { "" } else { "s" };
    let late = run.ended_at.since(due).as_secs();
    let nights = if run.count == 1 { String::new() } else { format!(", for {} nights", run.count) };
    let due = local(due)?;
    Ok(format!("{due}  {end}, {attempts} attempt{plural}, {late} s later{nights}\n"))
}

/// The instant of a time in Berlin that is there once.
fn berlin(civil: &str) -> Result<Timestamp, Box<dyn Error>> {
    let zoned = civil.parse::<DateTime>()?.in_tz(ZONE)?;
    Ok(Timestamp::from_millis(zoned.timestamp().as_millisecond()))
}

/// What the clocks in Berlin show then.
fn local(at: Timestamp) -> Result<String, Box<dyn Error>> {
    let zoned = jiff::Timestamp::from_millisecond(at.as_millis())?.in_tz(ZONE)?;
    Ok(zoned.strftime("%Y-%m-%d %H:%M %:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::Year;

    #[test]
    fn the_year_comes_to_what_was_expected() {
        assert_eq!(Year::simulate().expect("a year"), Year::expected());
    }
}
