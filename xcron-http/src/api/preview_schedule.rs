//! `GET /xcron/previewSchedule`.

use super::Api;
use super::choice::{self, Choice, DST_FOLD, DST_GAP};
use super::definition::{SECONDS_MAX, read_schedule};
use super::params::Params;
use super::refusal::Refusal;
use crate::answer::Answer;
use axum::extract::State;
use http::Uri;
use serde::Serialize;
use std::sync::Arc;
use xcron_core::Timestamp;
use xcron_core::schedule::DstMark;

/// Its parameters.
pub(super) const PARAMS: &[&str] =
    &["type", "format", "timezone", "from", "count", "dst_gap", "dst_fold"];
/// The most occurrences that are shown.
const COUNT_MAX: i64 = 100;
/// How many are shown by default.
const COUNT_DEFAULT: i64 = 10;

#[derive(Serialize)]
struct Preview {
    times: Vec<Time>,
    description: String,
}

#[derive(Serialize)]
struct Time {
    time: i64,
    local: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    dst: Option<DstMark>,
}

pub(super) async fn preview_schedule(
    State(api): State<Arc<Api>>,
    uri: Uri,
) -> Result<Answer, Refusal> {
    let mut params = Params::parse(uri.query())?;
    let Some(kind) = params.integer("type")? else {
        return Err(Refusal::field("type", "is missing, expected 1 (periodic) or 2 (one-shot)"));
    };
    let Some(format) = params.take("format") else {
        let problem = "is missing, expected a crontab expression or unix seconds";
        return Err(Refusal::field("format", problem));
    };
    let zone = params.take("timezone");
    let gap = take(&mut params, "dst_gap", DST_GAP)?;
    let fold = take(&mut params, "dst_fold", DST_FOLD)?;
    let from = params.integer("from")?;
    let count = params.integer("count")?.unwrap_or(COUNT_DEFAULT);
    params.finish(PARAMS)?;
    if let Some(from) = from
        && !(0..=SECONDS_MAX).contains(&from)
    {
        let problem = format!("is {from}, expected unix seconds from 0 to {SECONDS_MAX}");
        return Err(Refusal::field("from", problem));
    }
    if !(1..=COUNT_MAX).contains(&count) {
        let problem = format!("is {count}, expected 1 to {COUNT_MAX}");
        return Err(Refusal::field("count", problem));
    }
    let settings = &api.settings;
    let schedule = read_schedule(kind, &format, zone.as_deref(), settings, (gap, fold))?;
    // An occurrence at `from` itself is shown, so the search starts just before it.
    let from = from.map_or_else(|| api.scheduler.clock().now(), Timestamp::from_secs);
    let after = Timestamp::from_millis(from.as_millis().saturating_sub(1));
    let calendar = api.scheduler.calendar();
    let shown = calendar.preview(&schedule, after, usize::try_from(count).unwrap_or_default());
    let times = shown.into_iter().map(|shown| Time {
        time: shown.time.as_secs(),
        local: shown.local,
        dst: shown.dst,
    });
    let description = calendar.describe(&schedule);
    Ok(Answer::done(&Preview { times: times.collect(), description }))
}

fn take<T: Copy + Default>(
    params: &mut Params<'_>,
    name: &str,
    choice: &Choice<T>,
) -> Result<T, Refusal> {
    let Some(text) = params.take(name) else {
        return Ok(T::default());
    };
    let refuse = || Refusal::field(name, choice::expected(choice, &text));
    choice::find(choice, &text).ok_or_else(refuse)
}
