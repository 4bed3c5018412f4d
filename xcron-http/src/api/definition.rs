//! The definition of a task, read from its fields.

use super::callback::callback;
use super::choice::{self, DELIVERY, DST_FOLD, DST_GAP, MISFIRE, OVERLAP};
use super::fields::{Fields, short};
use super::refusal::Refusal;
use super::settings::ApiSettings;
use crate::answer::Code;
use std::time::Duration;
use xcron_core::{
    DstFold, DstGap, NewTask, RetryPolicy, Schedule, TaskDefinition, TaskId, Timestamp,
};

/// The first is of a task that is created alone, the last of one that is updated alone.
const ALL_FIELDS: &[&str] = &[
    "paused",
    "task_id",
    "type",
    "format",
    "callback",
    "name",
    "labels",
    "timezone",
    "start_time",
    "end_time",
    "max_runs",
    "misfire",
    "misfire_window_seconds",
    "overlap",
    "delivery",
    "retry",
    "timeout_seconds",
    "jitter_seconds",
    "dst_gap",
    "dst_fold",
    "version",
];
/// The fields of a task that is created.
pub(super) const FIELDS: &[&str] = ALL_FIELDS.split_at(ALL_FIELDS.len() - 1).0;
/// The fields of a task that is updated.
pub(super) const UPDATE_FIELDS: &[&str] = ALL_FIELDS.split_at(1).1;
/// The fields of `retry`.
pub(super) const RETRY_FIELDS: &[&str] =
    &["max_attempts", "min_backoff_seconds", "max_backoff_seconds", "max_age_seconds"];
/// The last second of the year 9999, the last that a time can name.
pub(super) const SECONDS_MAX: i64 = 253_402_300_799;

/// Reads a task that somebody wants; `generated` names it when its creator does not.
pub(super) fn new_task(
    mut fields: Fields<'_>,
    settings: &ApiSettings,
    generated: impl FnOnce() -> String,
) -> Result<NewTask, Refusal> {
    let schedule = schedule(&mut fields, settings, None)?;
    let mut definition = TaskDefinition::new(schedule, callback(&mut fields, None)?);
    definition.timeout = settings.default_timeout;
    let id = match fields.text("task_id")? {
        Some(id) => TaskId::parse(&id)?,
        None => TaskId::parse(&generated())?,
    };
    policies(&mut fields, &mut definition)?;
    let paused = fields.flag("paused")?.unwrap_or_default();
    fields.finish(FIELDS)?;
    definition.check()?;
    Ok(NewTask { id, definition, paused })
}

/// Reads what is to change of the definition `base`; what is absent stays as it is there, and what
/// is null goes back to its default, if it has one.
pub(super) fn changed(
    mut fields: Fields<'_>,
    settings: &ApiSettings,
    base: &TaskDefinition,
) -> Result<TaskDefinition, Refusal> {
    let mut definition = reset(&fields, settings, base);
    definition.schedule = schedule(&mut fields, settings, Some(&definition.schedule))?;
    definition.callback = callback(&mut fields, Some(&base.callback))?;
    policies(&mut fields, &mut definition)?;
    fields.finish(UPDATE_FIELDS)?;
    definition.check()?;
    Ok(definition)
}

/// `base` with the default of whatever is null.
fn reset(fields: &Fields<'_>, settings: &ApiSettings, base: &TaskDefinition) -> TaskDefinition {
    let mut definition = base.clone();
    let default = TaskDefinition::new(base.schedule.clone(), base.callback.clone());
    for name in fields.nulls() {
        match name {
            "name" => definition.name = None,
            "labels" => definition.labels.clear(),
            "start_time" => definition.start_time = None,
            "end_time" => definition.end_time = None,
            "max_runs" => definition.max_runs = None,
            "misfire" => definition.misfire = default.misfire,
            "overlap" => definition.overlap = default.overlap,
            "delivery" => definition.delivery = default.delivery,
            "retry" => definition.retry = default.retry,
            "timeout_seconds" => definition.timeout = settings.default_timeout,
            "jitter_seconds" => definition.jitter = default.jitter,
            _ => {}
        }
    }
    let follows = base.misfire_window == base.misfire.default_window();
    if follows || fields.nulls().any(|name| name == "misfire_window_seconds") {
        definition.misfire_window = definition.misfire.default_window();
    }
    if let Schedule::Cron(cron) = &mut definition.schedule {
        for name in fields.nulls() {
            match name {
                "timezone" => cron.timezone = settings.default_timezone.as_str().into(),
                "dst_gap" => cron.dst_gap = DstGap::default(),
                "dst_fold" => cron.dst_fold = DstFold::default(),
                _ => {}
            }
        }
    }
    definition
}

/// Reads everything of a definition but its schedule and its callback.
fn policies(fields: &mut Fields<'_>, definition: &mut TaskDefinition) -> Result<(), Refusal> {
    if let Some(name) = fields.text("name")? {
        definition.name = Some(name.into_owned());
    }
    if let Some(labels) = fields.texts("labels")? {
        definition.labels = labels;
    }
    definition.start_time = time(fields, "start_time")?.or(definition.start_time);
    definition.end_time = time(fields, "end_time")?.or(definition.end_time);
    definition.max_runs = fields.count("max_runs")?.or(definition.max_runs);
    let misfire = choice::take(fields, "misfire", MISFIRE, definition.misfire)?;
    if misfire != definition.misfire {
        // The window that follows from the policy changes with it.
        if definition.misfire_window == definition.misfire.default_window() {
            definition.misfire_window = misfire.default_window();
        }
        definition.misfire = misfire;
    }
    if let Some(window) = seconds(fields, "misfire_window_seconds")? {
        definition.misfire_window = window;
    }
    definition.overlap = choice::take(fields, "overlap", OVERLAP, definition.overlap)?;
    definition.delivery = choice::take(fields, "delivery", DELIVERY, definition.delivery)?;
    definition.retry = retry(fields, definition.retry)?;
    if let Some(timeout) = seconds(fields, "timeout_seconds")? {
        definition.timeout = timeout;
    }
    if let Some(jitter) = seconds(fields, "jitter_seconds")? {
        definition.jitter = jitter;
    }
    Ok(())
}

/// Reads the schedule; what is absent is as in `base`, if there is one.
fn schedule(
    fields: &mut Fields<'_>,
    settings: &ApiSettings,
    base: Option<&Schedule>,
) -> Result<Schedule, Refusal> {
    let (kind, format) = (fields.integer("type")?, fields.text("format")?);
    let zone = fields.text("timezone")?;
    let cron = match base {
        Some(Schedule::Cron(cron)) => Some(cron),
        _ => None,
    };
    let (gap, fold) = cron.map_or_else(Default::default, |cron| (cron.dst_gap, cron.dst_fold));
    let gap = choice::take(fields, "dst_gap", DST_GAP, gap)?;
    let fold = choice::take(fields, "dst_fold", DST_FOLD, fold)?;
    let base_kind = base.map(|base| if matches!(base, Schedule::Cron(_)) { 1 } else { 2 });
    let Some(kind) = kind.or(base_kind) else {
        return Err(fields.missing("type", "1 (periodic) or 2 (one-shot)"));
    };
    let base = base.filter(|_| base_kind == Some(kind));
    let known = base.map(|base| match base {
        Schedule::Cron(cron) => cron.expression.to_string(),
        Schedule::Once(at) => at.as_secs().to_string(),
    });
    let Some(format) = format.or(known.map(Into::into)) else {
        return Err(fields.missing("format", "a string: a crontab expression or unix seconds"));
    };
    let zone = zone.or(cron.map(|cron| cron.timezone.as_ref().into()));
    read_schedule(kind, &format, zone.as_deref(), settings, (gap, fold))
}

/// Reads a schedule from its parts; the zone of a one-shot means nothing but must exist.
pub(super) fn read_schedule(
    kind: i64,
    format: &str,
    zone: Option<&str>,
    settings: &ApiSettings,
    (gap, fold): (DstGap, DstFold),
) -> Result<Schedule, Refusal> {
    match kind {
        1 => Ok(Schedule::cron(format, zone.unwrap_or(&settings.default_timezone), gap, fold)?),
        2 => {
            // Only a zone that was named is looked at: an expression costs more than the rest.
            zone.map_or(Ok(()), |zone| Schedule::cron("@daily", zone, gap, fold).map(drop))?;
            unix_seconds(format).map(Schedule::Once)
        }
        other => {
            let message = format!("type is {other}, expected 1 (periodic) or 2 (one-shot)");
            Err(Refusal::new(Code::Type, message))
        }
    }
}

fn unix_seconds(format: &str) -> Result<Timestamp, Refusal> {
    let refuse = |problem: &str| Refusal::new(Code::Format, format!("format {problem}"));
    let digits = format.strip_prefix('-').unwrap_or(format);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        let problem = format!("is `{}`, expected unix seconds such as 1893456000", short(format));
        return Err(refuse(&problem));
    }
    match format.parse() {
        Ok(seconds) if seconds <= SECONDS_MAX => Ok(Timestamp::from_secs(seconds)),
        _ => {
            let problem = format!(
                "is `{}`, after the year 9999: expected unix seconds, not milliseconds",
                short(format)
            );
            Err(refuse(&problem))
        }
    }
}

fn retry(fields: &mut Fields<'_>, base: RetryPolicy) -> Result<RetryPolicy, Refusal> {
    let mut policy = base;
    let Some(mut fields) = fields.object("retry", "retry.")? else {
        return Ok(policy);
    };
    let default = RetryPolicy::default();
    for name in fields.nulls() {
        match name {
            "max_attempts" => policy.max_attempts = default.max_attempts,
            "min_backoff_seconds" => policy.min_backoff_seconds = default.min_backoff_seconds,
            "max_backoff_seconds" => policy.max_backoff_seconds = default.max_backoff_seconds,
            "max_age_seconds" => policy.max_age_seconds = default.max_age_seconds,
            _ => {}
        }
    }
    let targets = [
        ("max_attempts", &mut policy.max_attempts),
        ("min_backoff_seconds", &mut policy.min_backoff_seconds),
        ("max_backoff_seconds", &mut policy.max_backoff_seconds),
        ("max_age_seconds", &mut policy.max_age_seconds),
    ];
    for (name, target) in targets {
        if let Some(number) = fields.count(name)? {
            // What does not fit is far beyond every bound; the check below names it.
            *target = u32::try_from(number).unwrap_or(u32::MAX);
        }
    }
    fields.finish(RETRY_FIELDS)?;
    policy.check()?;
    Ok(policy)
}

fn seconds(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Duration>, Refusal> {
    Ok(fields.count(name)?.map(Duration::from_secs))
}

fn time(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<Timestamp>, Refusal> {
    let Some(seconds) = fields.integer(name)? else {
        return Ok(None);
    };
    if !(0..=SECONDS_MAX).contains(&seconds) {
        let problem = format!("is {seconds}, expected unix seconds from 0 to {SECONDS_MAX}");
        return Err(fields.refuse(name, &problem));
    }
    Ok(Some(Timestamp::from_secs(seconds)))
}
