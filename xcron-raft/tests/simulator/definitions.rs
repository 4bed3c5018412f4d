//! Tasks that a client may create: drawn once, said in xcron's words and in the checker's.

use std::time::Duration;

use xcron_checker as checker;
use xcron_core::{
    Callback, DeliveryMode, DstFold, DstGap, Misfire, NewTask, Overlap, RetryPolicy, Schedule,
    TaskDefinition, TaskId, Timestamp,
};

use crate::dice::Dice;
use crate::targets::KINDS;

/// Zones in which clocks change, and where they do not.
const ZONES: [&str; 6] = [
    "UTC",
    "Europe/Berlin",
    "America/New_York",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Tokyo",
];

/// A task in both tongues.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    pub(crate) task: NewTask,
    pub(crate) definition: checker::Definition,
}

impl Draft {
    /// The same with the schedule of `other`.
    pub(crate) fn scheduled_as(&self, other: &Self) -> Self {
        let mut definition = self.definition.clone();
        definition.schedule = other.definition.schedule.clone();
        Self { task: task(self.task.id.as_str(), &definition), definition }
    }
}

/// Draws a definition for a task called `id`; `now_s` is the present second.
pub(crate) fn draw(dice: &mut Dice, id: &str, now_s: i64, places: usize) -> Draft {
    let once = dice.chance(650);
    let schedule = if once { one_shot(dice, now_s) } else { cron(dice, now_s) };
    let mut definition = checker::Definition::new(schedule);
    definition.target = target(dice);
    // With few places, what goes to a slow target waits for as long as that takes.
    let waits = ["sim://slow", "sim://hang"].iter().any(|kind| definition.target.starts_with(kind));
    definition.observed = !definition.target.starts_with("sim://dead") && (places > 2 || !waits);
    policies(dice, &mut definition, once, now_s);
    Draft { task: task(id, &definition), definition }
}

/// Draws a one-shot that is due between `least` and `most` seconds from now, at a good target.
pub(crate) fn draw_soon(dice: &mut Dice, id: &str, now_s: i64, least: u64, most: u64) -> Draft {
    let at_s = now_s + dice.between(least, most) as i64;
    let mut definition = checker::Definition::once(at_s);
    definition.target = format!("sim://ok/{}", dice.below(8));
    Draft { task: task(id, &definition), definition }
}

/// Draws a one-shot that is due at `at_s`, with many others, at a target that takes long if it is
/// to `jam`.
pub(crate) fn draw_one_of_many(dice: &mut Dice, id: &str, at_s: i64, jam: bool) -> Draft {
    let mut definition = checker::Definition::once(at_s);
    definition.target = if jam { "sim://jam/0".to_owned() } else { "sim://ok/many".to_owned() };
    definition.observed = !jam;
    definition.timeout_s = dice.between(4, 9) as i64;
    Draft { task: task(id, &definition), definition }
}

fn one_shot(dice: &mut Dice, now_s: i64) -> checker::Schedule {
    let ahead = match dice.below(10) {
        0 => -(dice.below(50) as i64),
        1..=4 => dice.below(5) as i64,
        5..=8 => dice.below(40) as i64,
        _ => dice.below(400) as i64,
    };
    checker::Schedule::At { at_s: now_s + ahead }
}

fn cron(dice: &mut Dice, now_s: i64) -> checker::Schedule {
    let zone = *dice.pick(&ZONES);
    let seconds = dice.below(60);
    let expression = match dice.below(10) {
        0 => "* * * * * *".to_owned(),
        1 => format!("*/{} * * * * *", dice.pick(&[2, 5, 7, 10, 15])),
        2 => format!("{seconds} * * * * *"),
        3 => "* * * * *".to_owned(),
        4 => format!("{seconds},{} */2 * * * *", dice.below(60)),
        5 => format!("*/{} * * * *", dice.pick(&[2, 3, 5])),
        // Fixed local times around now, which a change of clocks moves or repeats.
        _ => {
            let minute = (now_s / 60).rem_euclid(60) as u64;
            let list: Vec<String> = (1..=3)
                .map(|n| (minute + n * dice.between(1, 4)) % 60)
                .map(|minute| minute.to_string())
                .collect();
            format!("{} {} 0-23 * * *", dice.pick(&[0, 30]), list.join(","))
        }
    };
    checker::Schedule::Cron { cron: expression, timezone: zone.to_owned() }
}

fn target(dice: &mut Dice) -> String {
    // Half of all that is called is well.
    let kind = if dice.chance(500) { "ok" } else { dice.pick(&KINDS) };
    format!("sim://{kind}/{}", dice.below(6))
}

fn policies(dice: &mut Dice, definition: &mut checker::Definition, once: bool, now_s: i64) {
    let misfires = [checker::Misfire::FireOnce, checker::Misfire::FireAll, checker::Misfire::Skip];
    definition.misfire = *dice.pick(&misfires);
    if dice.chance(200) {
        definition.misfire_window_s = Some(dice.between(1, 120) as i64);
    }
    let overlaps = [checker::Overlap::Allow, checker::Overlap::Skip, checker::Overlap::Queue];
    definition.overlap = *dice.pick(&overlaps);
    if dice.chance(200) {
        definition.delivery = checker::DeliveryMode::AtMostOnce;
    }
    let backoff_min_s = dice.between(1, 3) as i64;
    definition.retry = checker::Retry {
        attempts_max: dice.between(1, 4) as u32,
        backoff_min_s,
        backoff_max_s: backoff_min_s + dice.below(8) as i64,
        age_max_s: dice.between(10, 600) as i64,
    };
    definition.timeout_s = dice.between(1, 12) as i64;
    if dice.chance(200) {
        definition.jitter_s = dice.between(1, 8) as i64;
    }
    if dice.chance(500) {
        definition.dst_fold = checker::DstFold::Both;
    }
    if dice.chance(500) {
        definition.dst_gap = checker::DstGap::Skip;
    }
    if !once {
        if dice.chance(150) {
            definition.runs_max = Some(dice.between(1, 20));
        }
        if dice.chance(150) {
            definition.start_s = Some(now_s + dice.below(60) as i64);
        }
        if dice.chance(150) {
            definition.end_s = Some(now_s + dice.between(60, 600) as i64);
        }
    }
}

/// The task that a definition of the checker means.
fn task(id: &str, definition: &checker::Definition) -> NewTask {
    let gap = match definition.dst_gap {
        checker::DstGap::Shift => DstGap::Shift,
        checker::DstGap::Skip => DstGap::Skip,
    };
    let fold = match definition.dst_fold {
        checker::DstFold::First => DstFold::First,
        checker::DstFold::Both => DstFold::Both,
    };
    let schedule = match &definition.schedule {
        checker::Schedule::At { at_s } => Schedule::Once(Timestamp::from_secs(*at_s)),
        checker::Schedule::Cron { cron, timezone } => {
            Schedule::cron(cron, timezone, gap, fold).expect("only good expressions are drawn")
        }
    };
    let seconds = |seconds: i64| Duration::from_secs(seconds.unsigned_abs());
    let mut out = TaskDefinition::new(schedule, Callback::new(definition.target.as_str()));
    out.misfire = match definition.misfire {
        checker::Misfire::FireOnce => Misfire::FireOnce,
        checker::Misfire::FireAll => Misfire::FireAll,
        checker::Misfire::Skip => Misfire::Skip,
    };
    out.misfire_window = seconds(definition.window_s());
    out.overlap = match definition.overlap {
        checker::Overlap::Allow => Overlap::Allow,
        checker::Overlap::Skip => Overlap::Skip,
        checker::Overlap::Queue => Overlap::Queue,
    };
    out.delivery = match definition.delivery {
        checker::DeliveryMode::AtLeastOnce => DeliveryMode::AtLeastOnce,
        checker::DeliveryMode::AtMostOnce => DeliveryMode::AtMostOnce,
    };
    out.retry = RetryPolicy {
        max_attempts: definition.retry.attempts_max,
        min_backoff_seconds: definition.retry.backoff_min_s as u32,
        max_backoff_seconds: definition.retry.backoff_max_s as u32,
        max_age_seconds: definition.retry.age_max_s as u32,
    };
    out.timeout = seconds(definition.timeout_s);
    out.jitter = seconds(definition.jitter_s);
    out.max_runs = definition.runs_max;
    out.start_time = definition.start_s.map(Timestamp::from_secs);
    out.end_time = definition.end_s.map(Timestamp::from_secs);
    let id = TaskId::parse(id).expect("only good ids are drawn");
    NewTask { id, definition: out, paused: definition.paused }
}
