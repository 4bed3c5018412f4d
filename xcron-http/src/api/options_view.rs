//! What the creator of a task may leave open, as it is shown: with the values that it has.

use super::choice::{DELIVERY, DST_FOLD, DST_GAP, METHOD, MISFIRE, OVERLAP, name_of};
use serde::Serialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use xcron_core::{Callback, CallbackBody, RetryPolicy, Schedule, TaskDefinition, Timestamp};

/// Those beside the callback.
#[derive(Serialize)]
pub(super) struct OptionsView<'a> {
    name: Option<&'a str>,
    labels: &'a BTreeMap<String, String>,
    timezone: Option<&'a str>,
    dst_gap: Option<&'static str>,
    dst_fold: Option<&'static str>,
    start_time: Option<i64>,
    end_time: Option<i64>,
    max_runs: Option<u64>,
    misfire: &'static str,
    misfire_window_seconds: u64,
    overlap: &'static str,
    delivery: &'static str,
    retry: RetryPolicy,
    timeout_seconds: u64,
    jitter_seconds: u64,
}

/// Those of the callback.
#[derive(Serialize)]
pub(super) struct CallbackOptionsView<'a> {
    body: Option<BodyView<'a>>,
    method: &'static str,
    headers: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum BodyView<'a> {
    Text(&'a str),
    Json(&'a RawValue),
}

impl<'a> OptionsView<'a> {
    pub(super) fn of(definition: &'a TaskDefinition) -> Self {
        let cron = match &definition.schedule {
            Schedule::Cron(cron) => Some(cron),
            Schedule::Once(_) => None,
        };
        Self {
            name: definition.name.as_deref(),
            labels: &definition.labels,
            timezone: cron.map(|cron| &*cron.timezone),
            dst_gap: cron.map(|cron| name_of(DST_GAP, cron.dst_gap)),
            dst_fold: cron.map(|cron| name_of(DST_FOLD, cron.dst_fold)),
            start_time: definition.start_time.map(Timestamp::as_secs),
            end_time: definition.end_time.map(Timestamp::as_secs),
            max_runs: definition.max_runs,
            misfire: name_of(MISFIRE, definition.misfire),
            misfire_window_seconds: definition.misfire_window.as_secs(),
            overlap: name_of(OVERLAP, definition.overlap),
            delivery: name_of(DELIVERY, definition.delivery),
            retry: definition.retry,
            timeout_seconds: definition.timeout.as_secs(),
            jitter_seconds: definition.jitter.as_secs(),
        }
    }
}

impl<'a> CallbackOptionsView<'a> {
    pub(super) fn of(callback: &'a Callback) -> Self {
        let body = callback.body.as_ref().map(|body| match body {
            CallbackBody::Text(text) => BodyView::Text(text),
            // What was stored as JSON is JSON; if it ever is not, it is shown as text.
            CallbackBody::Json(text) => {
                serde_json::from_str(text).map_or(BodyView::Text(text), BodyView::Json)
            }
        });
        Self { body, method: name_of(METHOD, callback.method), headers: &callback.headers }
    }
}
