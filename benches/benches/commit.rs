//! How long does a durable commit take, of one change and of 256?

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use xcron_core::testing::sample;
use xcron_core::{Change, Store};
use xcron_raft::{RaftSettings, RaftStore};

fn commit(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    // In the working directory, so that it is the disk that is asked about.
    let dir = tempfile::Builder::new().prefix(".xcron-commit-").tempdir_in(".").expect("a disk");
    let store = runtime.block_on(RaftStore::open(RaftSettings::new(dir.path()))).expect("a store");
    let mut group = criterion.benchmark_group("durable commit");
    let mut number = 0;
    for changes in [1, 256] {
        group.throughput(Throughput::Elements(changes));
        let mut batch = || -> Vec<Change> {
            (0..changes)
                .map(|_| {
                    number += 1;
                    let id = sample::id(&format!("task-{number}"));
                    let definition = sample::one_shot("http://127.0.0.1:9000/", 4_102_444_800);
                    let state = sample::due_at(4_102_444_800);
                    Change::Create { id, definition: definition.into(), state }
                })
                .collect()
        };
        group.bench_function(format!("of {changes}"), |bencher| {
            let commit = |changes| runtime.block_on(store.commit(changes)).expect("a commit");
            bencher.iter_batched(&mut batch, commit, BatchSize::PerIteration);
        });
    }
    group.finish();
    runtime.block_on(store.shutdown());
}

criterion_group!(benches, commit);
criterion_main!(benches);
