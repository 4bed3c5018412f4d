//! How many instructions take the paths that every run goes through? Counted by callgrind, so that
//! it is the same on a busy machine; written beside the reports of the load tool.

mod pending;

use pending::{PAGE, filled, moved, page};
use std::collections::BTreeMap;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use xcron_benches::fault::Result;
use xcron_benches::instructions::{Instructions, count, has_callgrind};
use xcron_core::decide::{ClaimContext, admit, claim};
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};
use xcron_core::testing::sample;
use xcron_core::{Callback, Holder, NewTask, Revision, Task, TaskDefinition, Timestamp};

/// That of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const RESULTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/results");

const NOW_SECS: i64 = 1_800_000_000;
/// The pending tasks of the due index: fewer than in its bench, as callgrind is slow.
const PENDING: i64 = 100_000;

/// An operation: its name, how often it is done, how many of a kind one of them is, and what does
/// it so often.
type Operation = (&'static str, u32, usize, fn(u32));

const OPERATIONS: [Operation; 7] = [
    ("next occurrence, every five minutes", 1_000, 1, |n| occurrences("*/5 * * * *", "UTC", n)),
    ("next occurrence, weekdays at nine in Paris", 1_000, 1, |n| {
        occurrences("0 9 * * MON-FRI", "Europe/Paris", n);
    }),
    ("next occurrence, the last day of a month in New York", 1_000, 1, |n| {
        occurrences("30 2 L * *", "America/New_York", n);
    }),
    ("claim of a one-shot", 1_000, 1, |n| claims(once(), n)),
    ("claim of a cron task", 1_000, 1, |n| claims(cron("* * * * *", "UTC"), n)),
    ("due index, read one of the 1,000 earliest", 10, PAGE, read_due),
    ("due index, read one of the 1,000 earliest and move it to the end", 10, PAGE, move_due),
];

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [count, name, times] = &arguments[..]
        && count == "count"
    {
        let found = OPERATIONS.iter().find(|operation| operation.0 == name);
        let (_, _, _, repeat) = found.ok_or("there is no such operation")?;
        repeat(times.parse()?);
        return Ok(());
    }
    if !arguments.iter().any(|argument| argument == "--bench") {
        // A test of the benches: each works.
        OPERATIONS.iter().for_each(|(_, _, _, repeat)| repeat(1));
        return Ok(());
    }
    if !has_callgrind() {
        eprintln!("instructions are not counted: there is no valgrind");
        return Ok(());
    }
    let (program, results) = (std::env::current_exe()?, Path::new(RESULTS));
    let mut operations = BTreeMap::new();
    for (name, times, of_a_kind, _) in OPERATIONS {
        let instructions = count(&program, name, times)? / of_a_kind as f64;
        println!("{name}: {instructions:.0}");
        operations.insert(name.to_owned(), instructions);
    }
    let counted = Instructions::of(operations);
    if let Some(before) = Instructions::read(results)? {
        println!("\n{}", counted.since(&before));
    }
    counted.write(results)
}

fn once() -> Schedule {
    Schedule::Once(Timestamp::from_secs(NOW_SECS))
}

fn cron(expression: &str, zone: &str) -> Schedule {
    Schedule::cron(expression, zone, DstGap::default(), DstFold::default())
        .expect("a good expression")
}

/// Goes on from one occurrence to the next, and begins again after some.
fn occurrences(expression: &str, zone: &str, times: u32) {
    let (schedule, calendar) = (cron(expression, zone), Calendar::default());
    let mut from = Timestamp::from_secs(NOW_SECS);
    for number in 0..times {
        let next = calendar.next_after(black_box(&schedule), from);
        from = match next {
            Some(next) if number % 100 < 99 => next,
            _ => Timestamp::from_secs(NOW_SECS),
        };
    }
    black_box(from);
}

fn claims(schedule: Schedule, times: u32) {
    let (calendar, now) = (Calendar::default(), Timestamp::from_secs(NOW_SECS));
    let definition = TaskDefinition::new(schedule, Callback::new("http://127.0.0.1:9000/"));
    let id = sample::id("invoice-7");
    let wanted = NewTask::new(id.clone(), definition.clone());
    let state = admit(&wanted, &calendar, Timestamp::from_secs(NOW_SECS - 60));
    let state = state.expect("an acceptable task");
    let task = Task { id, definition: Arc::new(definition), state, revision: Revision(1) };
    let context = ClaimContext {
        calendar: &calendar,
        now,
        until: now,
        active_since: Timestamp::from_secs(NOW_SECS - 3_600),
        holder: Holder { node: 1, incarnation: 1 },
        is_gone: &|_holder| false,
    };
    assert!(claim(&task, &context).start.is_some(), "it is due");
    for _ in 0..times {
        black_box(claim(black_box(&task), &context));
    }
}

fn read_due(times: u32) {
    let index = filled(PENDING);
    for _ in 0..times {
        black_box(page(&index));
    }
}

fn move_due(times: u32) {
    let (mut index, mut last) = (filled(PENDING), PENDING);
    for _ in 0..times {
        index.apply(moved(&index, last));
        last += PAGE as i64;
    }
}
