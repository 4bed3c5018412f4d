//! What happened when: callbacks per second, how late they were, and the memory of the server.

use crate::ledger::Ledger;
use crate::statistics::percentile;
use crate::watch::Memory;

/// In how many steps a timeline is divided, unless they would be shorter than the shortest.
const STEPS: u64 = 100;
/// The shortest step, in microseconds.
const STEP_MIN: u64 = 20_000;

/// Values over time, each with the seconds since the beginning.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Timeline {
    /// Callbacks per second.
    pub rate: Vec<(f64, f64)>,
    /// The 99th percentile of their lateness, in milliseconds.
    pub lateness: Vec<(f64, f64)>,
    /// Resident memory, in MiB.
    pub resident: Vec<(f64, f64)>,
}

impl Timeline {
    /// That of `tasks`, of which task `n` was due at `due_at(n)`, from `from` on, and of the
    /// memory that was `seen` since then; times in microseconds since the Unix epoch.
    #[must_use]
    pub fn of(
        ledger: &Ledger,
        tasks: impl IntoIterator<Item = usize>,
        due_at: impl Fn(usize) -> u64,
        from: u64,
        seen: &[Memory],
    ) -> Self {
        let called = tasks.into_iter().filter_map(|task| Some((task, ledger.first_at(task)?)));
        let calls: Vec<(u64, u64)> = called
            .map(|(task, at)| (at.saturating_sub(from), at.saturating_sub(due_at(task))))
            .collect();
        let span = calls.iter().map(|(at, _)| at + 1).max().unwrap_or_default();
        let step = span.div_ceil(STEPS).max(STEP_MIN);
        let mut steps = vec![Vec::new(); span.div_ceil(step) as usize];
        for (at, late) in calls {
            steps[(at / step) as usize].push(late);
        }
        let seconds = |micros: u64| micros as f64 / 1e6;
        let mut timeline = Self::default();
        for (number, late) in (0..).zip(&mut steps) {
            late.sort_unstable();
            let middle = seconds(number * step + step / 2);
            timeline.rate.push((middle, late.len() as f64 / seconds(step)));
            if !late.is_empty() {
                let tail = percentile(late, 0.99) as f64 / 1e3;
                timeline.lateness.push((middle, tail));
            }
        }
        let during = seen.iter().filter(|memory| (from..=from + span).contains(&memory.at));
        let point = |memory: &Memory| {
            (seconds(memory.at - from), memory.resident_bytes as f64 / 1_048_576.0)
        };
        timeline.resident = during.map(point).collect();
        timeline
    }
}

#[cfg(test)]
mod tests {
    use super::Timeline;
    use crate::ledger::Ledger;
    use crate::wall;
    use crate::watch::Memory;

    #[test]
    fn calls_are_counted_in_the_steps_in_which_they_came() {
        let (ledger, from) = (Ledger::new(3), wall::now_micros());
        ledger.record(0);
        ledger.record(1);
        let memory = |at, mebibytes: u64| Memory { at, resident_bytes: mebibytes << 20 };
        let seen = [memory(from - 1, 1), memory(from, 2), memory(from + 60_000_000, 3)];
        let timeline = Timeline::of(&ledger, 0..3, |_| 0, from, &seen);
        let calls: f64 = timeline.rate.iter().map(|(_, rate)| rate * 0.02).sum();
        assert!((calls - 2.0).abs() < 1e-6, "task 2 was not called: {timeline:?}");
        assert!(timeline.lateness.iter().all(|(_, millis)| *millis >= from as f64 / 1e3));
        assert_eq!(timeline.resident, [(0.0, 2.0)]);
        assert_eq!(Timeline::of(&ledger, [], |_| 0, from, &[]), Timeline::default());
    }
}
