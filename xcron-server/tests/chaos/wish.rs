//! The tasks of the load: drawn, said in the words of the API, and recognised again.

use crate::dice::Dice;
use crate::manner::Manner;
use crate::recorder::now_us;
use crate::sink::Sink;
use serde_json::{Value, json};
use xcron_checker::{
    Definition, DeliveryMode, DstFold, DstGap, Misfire, Overlap, Retry, Schedule, Seen, TaskPhase,
};

/// How far ahead a one-shot is due at most, in seconds.
const AHEAD_MAX: u64 = 8;

/// How much longer than its own time a task may go on: all its retries.
pub(crate) const TAIL_S: i64 = 12;

const CRONS: [&str; 6] = [
    "* * * * * *",
    "*/2 * * * * *",
    "*/3 * * * * *",
    "*/5 * * * * *",
    "1-59/7 * * * * *",
    "0,10,11,12,40 * * * * *",
];

const ZONES: [&str; 4] = ["UTC", "Europe/Berlin", "Asia/Kolkata", "Australia/Lord_Howe"];

/// A task that somebody wants.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) id: String,
    pub(crate) definition: Definition,
    body: Option<String>,
}

impl Wish {
    /// A one-shot that is due soon.
    pub(crate) fn one_shot(id: String, dice: &mut Dice, sink: &Sink) -> Self {
        let ahead = i64::try_from(dice.between(1, AHEAD_MAX)).expect("small");
        let definition = Definition::once(now_us() / 1_000_000 + ahead);
        Self { id, definition, body: Some("{\"of\":\"load\"}".to_owned()) }.drawn(dice, sink)
    }

    /// A task that repeats and whose last occurrence is not after `end_s`.
    pub(crate) fn cron(id: String, dice: &mut Dice, sink: &Sink, end_s: i64) -> Self {
        let mut definition = Definition::cron(dice.pick(&CRONS), dice.pick(&ZONES));
        definition.end_s = Some(end_s);
        definition.misfire = dice.pick(&[Misfire::FireOnce, Misfire::FireAll, Misfire::Skip]);
        definition.overlap = dice.pick(&[Overlap::Allow, Overlap::Skip, Overlap::Queue]);
        if dice.chance(40) {
            definition.runs_max = Some(dice.between(1, 20));
        }
        if dice.chance(20) {
            definition.misfire_window_s = i64::try_from(dice.between(2, 20)).ok();
        }
        Self { id, definition, body: None }.drawn(dice, sink)
    }

    /// A large one-shot that is not due before the year 2100.
    pub(crate) fn bulk(id: String, sink: &Sink, bytes: usize) -> Self {
        let mut definition = Definition::once(4_102_444_800);
        definition.target = sink.url(Manner::Prompt);
        Self { id, definition, body: Some("x".repeat(bytes)) }
    }

    /// A plain one-shot that is due in some seconds.
    pub(crate) fn plain(id: String, sink: &Sink, ahead_s: i64) -> Self {
        let mut definition = Definition::once(now_us() / 1_000_000 + ahead_s);
        definition.target = sink.url(Manner::Prompt);
        Self { id, definition, body: None }
    }

    /// The same with a target, half of which do not behave, and policies.
    fn drawn(mut self, dice: &mut Dice, sink: &Sink) -> Self {
        let good = [Manner::Prompt, Manner::Prompt, Manner::Slow];
        let manner = if dice.chance(50) { dice.pick(&Manner::BAD) } else { dice.pick(&good) };
        let definition = &mut self.definition;
        definition.target = sink.url(manner);
        definition.observed = manner.is_observed();
        definition.timeout_s = i64::try_from(dice.between(1, 2)).expect("small");
        if dice.chance(20) {
            definition.delivery = DeliveryMode::AtMostOnce;
        }
        if dice.chance(10) {
            definition.jitter_s = i64::try_from(dice.between(1, 2)).expect("small");
        }
        definition.retry = Retry {
            attempts_max: u32::try_from(dice.between(1, 4)).expect("small"),
            backoff_min_s: 1,
            backoff_max_s: i64::try_from(dice.between(1, 2)).expect("small"),
            age_max_s: 86_400,
        };
        self
    }

    /// When the last of it is over, at the latest and without faults, in unix seconds.
    pub(crate) fn over_s(&self) -> i64 {
        match &self.definition.schedule {
            Schedule::At { at_s } => at_s + TAIL_S,
            Schedule::Cron { .. } => self.definition.end_s.unwrap_or(i64::MAX) + TAIL_S,
        }
    }

    /// The body of `createTask`.
    pub(crate) fn json(&self) -> Value {
        let it = &self.definition;
        let mut task = json!({
            "task_id": self.id,
            "callback": { "url": it.target },
            "misfire": word(&it.misfire),
            "misfire_window_seconds": it.window_s(),
            "overlap": word(&it.overlap),
            "delivery": word(&it.delivery),
            "timeout_seconds": it.timeout_s,
            "jitter_seconds": it.jitter_s,
            "retry": {
                "max_attempts": it.retry.attempts_max,
                "min_backoff_seconds": it.retry.backoff_min_s,
                "max_backoff_seconds": it.retry.backoff_max_s,
                "max_age_seconds": it.retry.age_max_s,
            },
        });
        if let Some(body) = &self.body {
            task["callback"]["body"] = json!(body);
        }
        match &it.schedule {
            Schedule::At { at_s } => {
                task["type"] = json!(2);
                task["format"] = json!(at_s.to_string());
            }
            Schedule::Cron { cron, timezone } => {
                task["type"] = json!(1);
                task["format"] = json!(cron);
                task["timezone"] = json!(timezone);
            }
        }
        for (name, value) in [("start_time", it.start_s), ("end_time", it.end_s)] {
            if let Some(value) = value {
                task[name] = json!(value);
            }
        }
        if let Some(runs) = it.runs_max {
            task["max_runs"] = json!(runs);
        }
        task
    }
}

/// The word of the API for a choice.
fn word(choice: &impl serde::Serialize) -> Value {
    serde_json::to_value(choice).expect("a word")
}

/// What `queryTask` shows of a task.
pub(crate) fn seen(found: &Value) -> Seen {
    Seen {
        fingerprint: definition(found).map(|definition| definition.fingerprint()),
        state: phase(found),
        next_s: found["next_time"].as_i64(),
        run_count: found["run_count"].as_u64(),
        succeeded: found["success_count"].as_u64(),
        failed: found["failure_count"].as_u64(),
        skipped: found["skip_count"].as_u64(),
    }
}

/// The phase of a task as `queryTask` shows it.
pub(crate) fn phase(found: &Value) -> Option<TaskPhase> {
    serde_json::from_value(found["state"].clone()).ok()
}

/// The definition of a task as `queryTask` shows it.
fn definition(found: &Value) -> Option<Definition> {
    let format = found["format"].as_str()?;
    let mut it = match found["type"].as_u64()? {
        1 => Definition::cron(format, found["timezone"].as_str()?),
        _ => Definition::once(format.parse().ok()?),
    };
    it.misfire = choice::<Misfire>(&found["misfire"])?;
    it.misfire_window_s = found["misfire_window_seconds"].as_i64();
    it.overlap = choice::<Overlap>(&found["overlap"])?;
    it.delivery = choice::<DeliveryMode>(&found["delivery"])?;
    it.retry = Retry {
        attempts_max: u32::try_from(found["retry"]["max_attempts"].as_u64()?).ok()?,
        backoff_min_s: found["retry"]["min_backoff_seconds"].as_i64()?,
        backoff_max_s: found["retry"]["max_backoff_seconds"].as_i64()?,
        age_max_s: found["retry"]["max_age_seconds"].as_i64()?,
    };
    it.timeout_s = found["timeout_seconds"].as_i64()?;
    it.jitter_s = found["jitter_seconds"].as_i64()?;
    it.dst_gap = choice::<DstGap>(&found["dst_gap"]).unwrap_or_default();
    it.dst_fold = choice::<DstFold>(&found["dst_fold"]).unwrap_or_default();
    it.start_s = found["start_time"].as_i64();
    it.end_s = found["end_time"].as_i64();
    it.runs_max = found["max_runs"].as_u64();
    it.target = found["callback"]["url"].as_str()?.to_owned();
    Some(it)
}

fn choice<T: serde::de::DeserializeOwned>(value: &Value) -> Option<T> {
    serde_json::from_value(value.clone()).ok()
}
