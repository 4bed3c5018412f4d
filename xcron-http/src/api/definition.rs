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

/// The fields of a task that is created.
pub(super) const FIELDS: &[&str] = &[
    "type",
    "format",
    "callback",
    "task_id",
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
    "paused",
];
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
    let schedule = schedule(&mut fields, settings)?;
    let mut definition = TaskDefinition::new(schedule, callback(&mut fields)?);
    let id = match fields.text("task_id")? {
        Some(id) => TaskId::parse(&id)?,
        None => TaskId::parse(&generated())?,
    };
    definition.name = fields.text("name")?.map(|name| name.into_owned());
    definition.labels = fields.texts("labels")?.unwrap_or_default();
    definition.start_time = time(&mut fields, "start_time")?;
    definition.end_time = time(&mut fields, "end_time")?;
    definition.max_runs = fields.count("max_runs")?;
    definition.misfire = choice::take(&mut fields, "misfire", MISFIRE)?;
    definition.misfire_window = seconds(&mut fields, "misfire_window_seconds")?
        .unwrap_or_else(|| definition.misfire.default_window());
    definition.overlap = choice::take(&mut fields, "overlap", OVERLAP)?;
    definition.delivery = choice::take(&mut fields, "delivery", DELIVERY)?;
    definition.retry = retry(&mut fields)?;
    definition.timeout =
        seconds(&mut fields, "timeout_seconds")?.unwrap_or(settings.default_timeout);
    definition.jitter = seconds(&mut fields, "jitter_seconds")?.unwrap_or_default();
    let paused = fields.flag("paused")?.unwrap_or_default();
    fields.finish(FIELDS)?;
    definition.check()?;
    Ok(NewTask { id, definition, paused })
}

fn schedule(fields: &mut Fields<'_>, settings: &ApiSettings) -> Result<Schedule, Refusal> {
    let Some(kind) = fields.integer("type")? else {
        return Err(fields.missing("type", "1 (periodic) or 2 (one-shot)"));
    };
    let Some(format) = fields.text("format")? else {
        return Err(fields.missing("format", "a string: a crontab expression or unix seconds"));
    };
    let zone = fields.text("timezone")?;
    let gap = choice::take(fields, "dst_gap", DST_GAP)?;
    let fold = choice::take(fields, "dst_fold", DST_FOLD)?;
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

fn retry(fields: &mut Fields<'_>) -> Result<RetryPolicy, Refusal> {
    let mut policy = RetryPolicy::default();
    let Some(mut fields) = fields.object("retry", "retry.")? else {
        return Ok(policy);
    };
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
