//! How long does the decision take that turns a due task into an attempt?

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use std::sync::Arc;
use xcron_core::decide::{ClaimContext, admit, claim};
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};
use xcron_core::{Callback, Holder, NewTask, Revision, Task, TaskDefinition, TaskId, Timestamp};

/// That of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const NOW_SECS: i64 = 1_800_000_000;

fn task(calendar: &Calendar, schedule: Schedule) -> Task {
    let definition = TaskDefinition::new(schedule, Callback::new("http://127.0.0.1:9000/"));
    let id = TaskId::parse("invoice-7").expect("a good id");
    let created_at = Timestamp::from_secs(NOW_SECS - 60);
    let wanted = NewTask::new(id.clone(), definition.clone());
    let state = admit(&wanted, calendar, created_at).expect("an acceptable task");
    Task { id, definition: Arc::new(definition), state, revision: Revision(1) }
}

fn decide(criterion: &mut Criterion) {
    let calendar = Calendar::default();
    let now = Timestamp::from_secs(NOW_SECS);
    let context = ClaimContext {
        calendar: &calendar,
        now,
        until: now,
        active_since: Timestamp::from_secs(NOW_SECS - 3_600),
        holder: Holder { node: 1, incarnation: 1 },
        is_gone: &|_holder| false,
    };
    let every_minute = Schedule::cron("* * * * *", "UTC", DstGap::default(), DstFold::default())
        .expect("a good expression");
    let mut group = criterion.benchmark_group("claim");
    for (name, schedule) in [("a one-shot", Schedule::Once(now)), ("a cron task", every_minute)] {
        let task = task(&calendar, schedule);
        assert!(claim(&task, &context).start.is_some(), "{name} is due");
        group.bench_function(name, |bencher| bencher.iter(|| claim(black_box(&task), &context)));
    }
    group.finish();
}

criterion_group!(benches, decide);
criterion_main!(benches);
