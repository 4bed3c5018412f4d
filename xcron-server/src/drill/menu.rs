//! What a drill's tasks are like: drawn so that every policy and every kind of target occurs.

use super::random::Random;
use xcron_checker::{Definition, DeliveryMode, Misfire, Overlap, Retry};

/// Paths of the sink, and how many of a hundred tasks call each.
const TARGETS: [(u64, &str); 10] = [
    (66, "/ok"),
    (8, "/slow/200"),
    (4, "/slow/1200"),
    (7, "/flaky"),
    (4, "/status/500"),
    (2, "/status/302"),
    (2, "/status/410"),
    (2, "/busy"),
    (2, "/hang"),
    (3, "/reset"),
];

/// Of a hundred tasks, how many recur, may be attempted only once, and are spread.
const CRONS: u64 = 4;
const AT_MOST_ONCE: u64 = 10;
const SPREAD: u64 = 10;

/// The furthest that a one-shot is in the future, in seconds.
const AHEAD_MAX: u64 = 8;

/// A task for the load, at `now_s`, with nothing due after `end_s`, which is later.
pub(super) fn draw(random: &mut Random, now_s: i64, end_s: i64) -> Definition {
    if random.chance(CRONS) {
        return short_cron(random, now_s, end_s);
    }
    let due = (now_s + 1 + random.below(AHEAD_MAX) as i64).min(end_s);
    let mut task = Definition::once(due);
    task.target = target(random).to_owned();
    if random.chance(AT_MOST_ONCE) {
        task.delivery = DeliveryMode::AtMostOnce;
    }
    if random.chance(SPREAD) {
        task.jitter_s = 1 + random.below(2) as i64;
    }
    patient(task)
}

fn target(random: &mut Random) -> &'static str {
    let mut left = random.below(100);
    for (share, path) in TARGETS {
        if left < share {
            return path;
        }
        left -= share;
    }
    "/ok"
}

/// Retries that fit into a drill.
fn patient(mut task: Definition) -> Definition {
    task.retry = Retry { attempts_max: 3, backoff_min_s: 1, backoff_max_s: 2, ..Retry::default() };
    if task.target == "/hang" {
        (task.timeout_s, task.retry.attempts_max) = (1, 2);
    }
    task
}

/// A task that recurs for a few seconds.
fn short_cron(random: &mut Random, now_s: i64, end_s: i64) -> Definition {
    let expressions = ["* * * * * *", "*/2 * * * * *", "*/3 * * * * *"];
    let mut task = Definition::cron(expressions[random.below(3) as usize], "UTC");
    task.target = ["/ok", "/slow/1200", "/flaky"][random.below(3) as usize].to_owned();
    task.misfire = [Misfire::FireOnce, Misfire::FireAll, Misfire::Skip][random.below(3) as usize];
    task.overlap = [Overlap::Allow, Overlap::Skip, Overlap::Queue][random.below(3) as usize];
    task.start_s = Some(now_s + 1);
    task.end_s = Some((now_s + 6 + random.below(6) as i64).min(end_s));
    if random.chance(50) {
        task.runs_max = Some(2 + random.below(4));
    }
    patient(task)
}

/// The tasks that recur from the beginning until `end_s`.
pub(super) fn long_crons(now_s: i64, end_s: i64) -> Vec<Definition> {
    let mut tasks = Vec::new();
    for (expression, misfire, overlap, target) in [
        ("* * * * * *", Misfire::FireOnce, Overlap::Allow, "/ok"),
        ("* * * * * *", Misfire::FireAll, Overlap::Allow, "/ok"),
        ("*/2 * * * * *", Misfire::Skip, Overlap::Allow, "/ok"),
        ("*/3 * * * * *", Misfire::FireAll, Overlap::Allow, "/flaky"),
        ("* * * * * *", Misfire::FireOnce, Overlap::Skip, "/slow/1200"),
        ("*/2 * * * * *", Misfire::FireAll, Overlap::Queue, "/slow/200"),
    ] {
        let mut task = Definition::cron(expression, "UTC");
        (task.misfire, task.overlap) = (misfire, overlap);
        target.clone_into(&mut task.target);
        (task.start_s, task.end_s) = (Some(now_s + 1), Some(end_s));
        tasks.push(patient(task));
    }
    tasks[2].delivery = DeliveryMode::AtMostOnce;
    tasks
}

#[cfg(test)]
mod tests {
    use super::{TARGETS, draw};
    use crate::drill::random::Random;
    use std::collections::BTreeSet;
    use xcron_checker::Schedule;

    #[test]
    fn every_kind_of_target_is_called_and_nothing_is_due_at_once_or_too_late() {
        assert_eq!(TARGETS.iter().map(|(share, _)| share).sum::<u64>(), 100);
        let mut random = Random::new(1, 2);
        let mut targets = BTreeSet::new();
        for _ in 0..2_000 {
            let task = draw(&mut random, 1_000, 1_006);
            if let Schedule::At { at_s } = task.schedule {
                assert!((1_001..=1_006).contains(&at_s), "{at_s}");
            }
            assert!(task.end_s.is_none_or(|end_s| end_s <= 1_006), "{task:?}");
            targets.insert(task.target);
        }
        assert!(TARGETS.iter().all(|(_, path)| targets.contains(*path)), "{targets:?}");
    }
}
