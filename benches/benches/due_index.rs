//! How long does it take per task to read what is due, and to move it on, among a million pending?

mod pending;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use pending::{PAGE, filled, moved, page};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// That of the server.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PENDING: i64 = 1_000_000;

fn due_index(criterion: &mut Criterion) {
    let (mut index, mut last) = (filled(PENDING), PENDING);
    let mut group = criterion.benchmark_group("due index of 1,000,000");
    group.throughput(Throughput::Elements(PAGE as u64));
    // Each page is read once. Tasks come to be due that nothing has touched for long, so those of
    // a page that is read again and again would be in caches as they never are.
    group.bench_function("read the 1,000 earliest", |bencher| {
        bencher.iter_custom(|times| {
            let mut taken = Duration::ZERO;
            for _ in 0..times {
                let begun = Instant::now();
                black_box(page(&index));
                taken += begun.elapsed();
                index.apply(moved(&index, last));
                last += PAGE as i64;
            }
            taken
        });
    });
    group.bench_function("move the 1,000 earliest to the end", |bencher| {
        bencher.iter_custom(|times| {
            let mut taken = Duration::ZERO;
            for _ in 0..times {
                let entry = moved(&index, last);
                last += PAGE as i64;
                let begun = Instant::now();
                index.apply(entry);
                taken += begun.elapsed();
            }
            taken
        });
    });
    group.finish();
}

criterion_group!(benches, due_index);
criterion_main!(benches);
