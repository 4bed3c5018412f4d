//! The definition of a task as bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use prost::Message;
use serde::Deserialize;
use serde::de::value::{Error as ValueError, MapDeserializer};
use xcron_core::schedule::{CronSchedule, DstFold, DstGap, Schedule};
use xcron_core::task::definition::TaskDefinition;
use xcron_core::task::policy::{DeliveryMode, Misfire, Overlap, RetryPolicy};
use xcron_core::{Callback, CallbackBody, Method, Timestamp};

use super::Unreadable;

#[derive(Clone, PartialEq, Message)]
struct DefinitionMessage {
    #[prost(string, optional, tag = "1")]
    name: Option<String>,
    #[prost(btree_map = "string, string", tag = "2")]
    labels: BTreeMap<String, String>,
    #[prost(oneof = "ScheduleKind", tags = "3, 4")]
    schedule: Option<ScheduleKind>,
    #[prost(message, optional, tag = "5")]
    callback: Option<CallbackMessage>,
    #[prost(sint64, optional, tag = "6")]
    start_ms: Option<i64>,
    #[prost(sint64, optional, tag = "7")]
    end_ms: Option<i64>,
    #[prost(uint64, optional, tag = "8")]
    max_runs: Option<u64>,
    #[prost(uint32, tag = "9")]
    misfire: u32,
    #[prost(uint64, tag = "10")]
    misfire_window_ms: u64,
    #[prost(uint32, tag = "11")]
    overlap: u32,
    #[prost(uint32, tag = "12")]
    delivery: u32,
    #[prost(message, optional, tag = "13")]
    retry: Option<RetryMessage>,
    #[prost(uint64, tag = "14")]
    timeout_ms: u64,
    #[prost(uint64, tag = "15")]
    jitter_ms: u64,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum ScheduleKind {
    #[prost(message, tag = "3")]
    Cron(CronMessage),
    #[prost(sint64, tag = "4")]
    OnceMs(i64),
}

#[derive(Clone, PartialEq, Message)]
struct CronMessage {
    #[prost(string, tag = "1")]
    expression: String,
    #[prost(string, tag = "2")]
    timezone: String,
    #[prost(uint32, tag = "3")]
    gap: u32,
    #[prost(uint32, tag = "4")]
    fold: u32,
}

#[derive(Clone, PartialEq, Message)]
struct CallbackMessage {
    #[prost(string, tag = "1")]
    url: String,
    #[prost(uint32, tag = "2")]
    method: u32,
    #[prost(btree_map = "string, string", tag = "3")]
    headers: BTreeMap<String, String>,
    #[prost(oneof = "BodyKind", tags = "4, 5")]
    body: Option<BodyKind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum BodyKind {
    #[prost(string, tag = "4")]
    Text(String),
    #[prost(string, tag = "5")]
    Json(String),
}

#[derive(Clone, PartialEq, Message)]
struct RetryMessage {
    #[prost(uint32, tag = "1")]
    max_attempts: u32,
    #[prost(uint32, tag = "2")]
    min_backoff_seconds: u32,
    #[prost(uint32, tag = "3")]
    max_backoff_seconds: u32,
    #[prost(uint32, tag = "4")]
    max_age_seconds: u32,
}

/// The bytes of `definition`.
pub(crate) fn encode(definition: &TaskDefinition) -> Vec<u8> {
    let retry = definition.retry;
    DefinitionMessage {
        name: definition.name.clone(),
        labels: definition.labels.clone(),
        schedule: Some(encode_schedule(&definition.schedule)),
        callback: Some(encode_callback(&definition.callback)),
        start_ms: definition.start_time.map(Timestamp::as_millis),
        end_ms: definition.end_time.map(Timestamp::as_millis),
        max_runs: definition.max_runs,
        misfire: match definition.misfire {
            Misfire::FireOnce => 0,
            Misfire::FireAll => 1,
            Misfire::Skip => 2,
        },
        misfire_window_ms: millis(definition.misfire_window),
        overlap: match definition.overlap {
            Overlap::Allow => 0,
            Overlap::Skip => 1,
            Overlap::Queue => 2,
        },
        delivery: match definition.delivery {
            DeliveryMode::AtLeastOnce => 0,
            DeliveryMode::AtMostOnce => 1,
        },
        retry: (retry != RetryPolicy::default()).then_some(RetryMessage {
            max_attempts: retry.max_attempts,
            min_backoff_seconds: retry.min_backoff_seconds,
            max_backoff_seconds: retry.max_backoff_seconds,
            max_age_seconds: retry.max_age_seconds,
        }),
        timeout_ms: millis(definition.timeout),
        jitter_ms: millis(definition.jitter),
    }
    .encode_to_vec()
}

/// The definition whose bytes these are.
pub(crate) fn decode(bytes: &[u8]) -> Result<TaskDefinition, Unreadable> {
    let message = DefinitionMessage::decode(bytes)?;
    let schedule = message.schedule.ok_or_else(|| Unreadable::unknown("schedule"))?;
    let callback = message.callback.ok_or_else(|| Unreadable::unknown("callback"))?;
    let definition = TaskDefinition {
        name: message.name,
        labels: message.labels,
        start_time: message.start_ms.map(Timestamp::from_millis),
        end_time: message.end_ms.map(Timestamp::from_millis),
        max_runs: message.max_runs,
        misfire: match message.misfire {
            0 => Misfire::FireOnce,
            1 => Misfire::FireAll,
            2 => Misfire::Skip,
            _ => return Err(Unreadable::unknown("misfire policy")),
        },
        misfire_window: Duration::from_millis(message.misfire_window_ms),
        overlap: match message.overlap {
            0 => Overlap::Allow,
            1 => Overlap::Skip,
            2 => Overlap::Queue,
            _ => return Err(Unreadable::unknown("overlap policy")),
        },
        delivery: match message.delivery {
            0 => DeliveryMode::AtLeastOnce,
            1 => DeliveryMode::AtMostOnce,
            _ => return Err(Unreadable::unknown("delivery mode")),
        },
        retry: message.retry.map_or_else(RetryPolicy::default, |retry| RetryPolicy {
            max_attempts: retry.max_attempts,
            min_backoff_seconds: retry.min_backoff_seconds,
            max_backoff_seconds: retry.max_backoff_seconds,
            max_age_seconds: retry.max_age_seconds,
        }),
        timeout: Duration::from_millis(message.timeout_ms),
        jitter: Duration::from_millis(message.jitter_ms),
        ..TaskDefinition::new(decode_schedule(schedule)?, decode_callback(callback)?)
    };
    Ok(definition)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn encode_schedule(schedule: &Schedule) -> ScheduleKind {
    match schedule {
        Schedule::Once(at) => ScheduleKind::OnceMs(at.as_millis()),
        Schedule::Cron(cron) => ScheduleKind::Cron(CronMessage {
            expression: cron.expression.to_string(),
            timezone: cron.timezone.to_string(),
            gap: match cron.dst_gap {
                DstGap::Shift => 0,
                DstGap::Skip => 1,
            },
            fold: match cron.dst_fold {
                DstFold::First => 0,
                DstFold::Both => 1,
            },
        }),
    }
}

fn decode_schedule(kind: ScheduleKind) -> Result<Schedule, Unreadable> {
    let cron = match kind {
        ScheduleKind::OnceMs(at) => return Ok(Schedule::Once(Timestamp::from_millis(at))),
        ScheduleKind::Cron(cron) => cron,
    };
    let gap = match cron.gap {
        0 => "shift",
        1 => "skip",
        _ => return Err(Unreadable::unknown("dst_gap")),
    };
    let fold = match cron.fold {
        0 => "first",
        1 => "both",
        _ => return Err(Unreadable::unknown("dst_fold")),
    };
    // It was checked when it was made: reading it back must not parse it again.
    let fields = [
        ("expression", &*cron.expression),
        ("timezone", &*cron.timezone),
        ("dst_gap", gap),
        ("dst_fold", fold),
    ];
    let fields = MapDeserializer::<_, ValueError>::new(fields.into_iter());
    let cron = CronSchedule::deserialize(fields);
    Ok(Schedule::Cron(cron.map_err(|error| Unreadable::new(error.to_string()))?))
}

fn encode_callback(callback: &Callback) -> CallbackMessage {
    CallbackMessage {
        url: callback.url.to_string(),
        method: match callback.method {
            Method::Post => 0,
            Method::Put => 1,
            Method::Patch => 2,
            Method::Get => 3,
            Method::Delete => 4,
        },
        headers: callback.headers.clone(),
        body: callback.body.as_ref().map(|body| match body {
            CallbackBody::Text(text) => BodyKind::Text(text.to_string()),
            CallbackBody::Json(text) => BodyKind::Json(text.to_string()),
        }),
    }
}

fn decode_callback(message: CallbackMessage) -> Result<Callback, Unreadable> {
    let mut callback = Callback::new(message.url);
    callback.method = match message.method {
        0 => Method::Post,
        1 => Method::Put,
        2 => Method::Patch,
        3 => Method::Get,
        4 => Method::Delete,
        _ => return Err(Unreadable::unknown("callback method")),
    };
    callback.headers = message.headers;
    callback.body = message.body.map(|body| match body {
        BodyKind::Text(text) => CallbackBody::Text(text.into()),
        BodyKind::Json(text) => CallbackBody::Json(text.into()),
    });
    Ok(callback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_definition_comes_back_as_it_was() {
        let cron = Schedule::cron("0 9 * * MON", "Europe/Paris", DstGap::Skip, DstFold::Both);
        let mut definition = TaskDefinition::new(cron.unwrap(), Callback::new("http://a/b"));
        assert_eq!(decode(&encode(&definition)).unwrap(), definition);
        definition.name = Some("n".into());
        definition.labels.insert("k".into(), "v".into());
        definition.callback.method = Method::Patch;
        definition.callback.headers.insert("x-a".into(), "b".into());
        definition.callback.body = Some(CallbackBody::Json("{}".into()));
        definition.start_time = Some(Timestamp::MIN);
        definition.end_time = Some(Timestamp::MAX);
        definition.max_runs = Some(u64::MAX);
        definition.misfire = Misfire::Skip;
        definition.misfire_window = Duration::ZERO;
        definition.overlap = Overlap::Queue;
        definition.delivery = DeliveryMode::AtMostOnce;
        definition.retry.max_attempts = 7;
        definition.jitter = Duration::from_secs(9);
        assert_eq!(decode(&encode(&definition)).unwrap(), definition);
        definition.schedule = Schedule::Once(Timestamp::from_millis(-5));
        definition.callback.body = Some(CallbackBody::Text(String::new().into()));
        assert_eq!(decode(&encode(&definition)).unwrap(), definition);
    }
}
