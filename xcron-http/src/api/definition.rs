//! The definition of a task, read from its fields.

use super::callback::callback;
use super::choice::{DELIVERY, DST_FOLD, DST_GAP, MISFIRE, OVERLAP, one_of};
use super::fields::{Fields, short};
use super::refusal::Refusal;
use super::settings::ApiSettings;
use crate::answer::Code;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::Duration;
use xcron_core::{
    DeliveryMode, DstFold, DstGap, Misfire, NewTask, Overlap, RetryPolicy, Schedule,
    TaskDefinition, TaskId, Timestamp,
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
pub(crate) const FIELDS: &[&str] = ALL_FIELDS.split_at(ALL_FIELDS.len() - 1).0;
/// The fields of a task that is updated.
pub(super) const UPDATE_FIELDS: &[&str] = ALL_FIELDS.split_at(1).1;
/// The fields of `retry`.
pub(crate) const RETRY_FIELDS: &[&str] =
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
    policies(&mut fields, settings, &mut definition)?;
    let paused = fields.flag("paused")?.unwrap_or_default();
    fields.finish(FIELDS)?;
    definition.check()?;
    Ok(NewTask { id, definition, paused })
}

/// Reads what is to change of the definition `base`; what is absent stays as it is there, and what
/// is null goes back to its default, or stays if it has none.
pub(super) fn changed(
    mut fields: Fields<'_>,
    settings: &ApiSettings,
    base: &TaskDefinition,
) -> Result<TaskDefinition, Refusal> {
    let mut definition = base.clone();
    definition.schedule = schedule(&mut fields, settings, Some(&base.schedule))?;
    definition.callback = callback(&mut fields, Some(&base.callback))?;
    policies(&mut fields, settings, &mut definition)?;
    fields.finish(UPDATE_FIELDS)?;
    definition.check()?;
    Ok(definition)
}

/// Reads everything of a definition but its schedule and its callback.
fn policies(
    fields: &mut Fields<'_>,
    settings: &ApiSettings,
    to: &mut TaskDefinition,
) -> Result<(), Refusal> {
    fields.set("name", &mut to.name, None, Fields::owned_text)?;
    fields.set("labels", &mut to.labels, BTreeMap::new(), Fields::texts)?;
    fields.set("start_time", &mut to.start_time, None, time)?;
    fields.set("end_time", &mut to.end_time, None, time)?;
    fields.set("max_runs", &mut to.max_runs, None, Fields::count)?;
    let follows = to.misfire_window == to.misfire.default_window();
    fields.set("misfire", &mut to.misfire, Misfire::default(), one_of(MISFIRE))?;
    let window = to.misfire.default_window();
    // The window that follows from the policy changes with it.
    to.misfire_window = if follows { window } else { to.misfire_window };
    fields.set("misfire_window_seconds", &mut to.misfire_window, window, seconds)?;
    fields.set("overlap", &mut to.overlap, Overlap::default(), one_of(OVERLAP))?;
    fields.set("delivery", &mut to.delivery, DeliveryMode::default(), one_of(DELIVERY))?;
    let base = to.retry;
    let retry = |fields: &mut Fields<'_>, name| retry(fields, name, base);
    fields.set("retry", &mut to.retry, RetryPolicy::default(), retry)?;
    fields.set("timeout_seconds", &mut to.timeout, settings.default_timeout, seconds)?;
    fields.set("jitter_seconds", &mut to.jitter, Duration::ZERO, seconds)
}

/// Reads the schedule; what is absent is as in `base`, if there is one.
fn schedule(
    fields: &mut Fields<'_>,
    settings: &ApiSettings,
    base: Option<&Schedule>,
) -> Result<Schedule, Refusal> {
    let (kind, format) = (fields.integer("type")?, fields.text("format")?);
    let (mut zone, mut gap, mut fold) = match base {
        Some(Schedule::Cron(cron)) => {
            (Some(Cow::Borrowed(&*cron.timezone)), cron.dst_gap, cron.dst_fold)
        }
        _ => (None, DstGap::default(), DstFold::default()),
    };
    fields.set("timezone", &mut zone, None, |fields, name| fields.text(name))?;
    fields.set("dst_gap", &mut gap, DstGap::default(), one_of(DST_GAP))?;
    fields.set("dst_fold", &mut fold, DstFold::default(), one_of(DST_FOLD))?;
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

fn retry(
    task: &mut Fields<'_>,
    name: &'static str,
    base: RetryPolicy,
) -> Result<Option<RetryPolicy>, Refusal> {
    let Some(mut fields) = task.object(name, "retry.")? else {
        return Ok(None);
    };
    let (mut to, default) = (base, RetryPolicy::default());
    for (name, target, default) in [
        ("max_attempts", &mut to.max_attempts, default.max_attempts),
        ("min_backoff_seconds", &mut to.min_backoff_seconds, default.min_backoff_seconds),
        ("max_backoff_seconds", &mut to.max_backoff_seconds, default.max_backoff_seconds),
        ("max_age_seconds", &mut to.max_age_seconds, default.max_age_seconds),
    ] {
        fields.set(name, target, default, small)?;
    }
    fields.finish(RETRY_FIELDS)?;
    to.check()?;
    Ok(Some(to))
}

/// A number with a small bound: what does not fit is far beyond it, and is refused for that.
fn small(fields: &mut Fields<'_>, name: &'static str) -> Result<Option<u32>, Refusal> {
    Ok(fields.count(name)?.map(|number| u32::try_from(number).unwrap_or(u32::MAX)))
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
