//! How long does it take per task to read what is due and move it on, among a million pending?

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use futures::executor::block_on;
use xcron_core::testing::sample;
use xcron_core::{Change, MemoryStore, Store, Timestamp};

const PENDING: i64 = 1_000_000;
const POPPED: usize = 1_000;

fn create(number: i64) -> Change {
    let id = sample::id(&format!("task-{number:07}"));
    let definition = sample::one_shot("http://127.0.0.1:9000/", number).into();
    Change::Create { id, definition, state: sample::due_at(number) }
}

fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    let numbers: Vec<i64> = (1..=PENDING).collect();
    for chunk in numbers.chunks(4_096) {
        let changes = chunk.iter().map(|number| create(*number)).collect();
        let committed = block_on(store.commit(changes)).expect("a commit");
        assert!(committed.iter().all(Result::is_ok));
    }
    store
}

fn due_index(criterion: &mut Criterion) {
    let store = filled();
    let mut group = criterion.benchmark_group("due index of 1,000,000");
    group.throughput(Throughput::Elements(POPPED as u64));
    group.bench_function("read the 1,000 earliest", |bencher| {
        bencher.iter(|| block_on(store.due(Timestamp::MAX, POPPED)).expect("a page"));
    });
    let mut next = PENDING;
    let mut moved = || {
        let due = block_on(store.due(Timestamp::MAX, POPPED)).expect("a page");
        let moved = due.into_iter().map(|task| {
            next += 1;
            let (id, expected) = (task.id, task.revision);
            Change::Put {
                id,
                expected,
                definition: None,
                state: sample::due_at(next),
                ended: vec![],
            }
        });
        moved.collect::<Vec<_>>()
    };
    group.bench_function("move the 1,000 earliest to the end", |bencher| {
        let commit = |changes| block_on(store.commit(changes)).expect("a commit");
        bencher.iter_batched(&mut moved, commit, BatchSize::PerIteration);
    });
    group.finish();
}

criterion_group!(benches, due_index);
criterion_main!(benches);
