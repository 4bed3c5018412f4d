//! How long does the next occurrence of a cron expression take that was read before?

use criterion::{Criterion, criterion_group, criterion_main};
use std::hint::black_box;
use xcron_core::Timestamp;
use xcron_core::schedule::{Calendar, DstFold, DstGap, Schedule};

fn cron_next(criterion: &mut Criterion) {
    let expressions = [
        ("every second", "* * * * * *", "UTC"),
        ("every five minutes", "*/5 * * * *", "UTC"),
        ("weekdays at nine in Paris", "0 9 * * MON-FRI", "Europe/Paris"),
        ("the last day of a month in New York", "30 2 L * *", "America/New_York"),
        ("the 29th of February", "0 0 29 2 *", "UTC"),
    ];
    let mut group = criterion.benchmark_group("next occurrence, expression cached");
    let calendar = Calendar::default();
    for (name, expression, zone) in expressions {
        let schedule = Schedule::cron(expression, zone, DstGap::default(), DstFold::default())
            .expect("a good expression");
        let mut from = Timestamp::from_secs(1_800_000_000);
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let next = calendar.next_after(black_box(&schedule), from);
                from = next.unwrap_or(from);
                next
            });
        });
    }
    group.finish();
}

criterion_group!(benches, cron_next);
criterion_main!(benches);
