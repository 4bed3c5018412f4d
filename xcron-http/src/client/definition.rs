//! What a task is to be: the fields of `createTask` and `updateTask`.

use super::body::Body;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use xcron_core::{DeliveryMode, DstFold, DstGap, Method, Misfire, Overlap};

/// Whether a task is due again and again or once.
///
/// ```
/// use xcron_http::client::Kind;
///
/// assert_eq!(serde_json::to_string(&Kind::OneShot).unwrap(), "2");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By a crontab expression; 1 in the API.
    Periodic,
    /// At one instant; 2 in the API.
    OneShot,
}

/// A task that is to be created. A field that is `None` or empty is left out, and the server fills
/// in its default.
///
/// ```
/// use xcron_http::client::{Callback, NewTask};
/// use xcron_core::Misfire;
///
/// let mut task = NewTask::one_shot(1_893_456_000, Callback::new("http://127.0.0.1:9000/"));
/// task.misfire = Some(Misfire::Skip);
/// let json = serde_json::to_string(&task).unwrap();
/// assert!(json.starts_with(r#"{"type":2,"format":"1893456000","callback":{"#));
/// assert!(json.ends_with(r#""misfire":"skip"}"#));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewTask {
    /// Its id; the server makes one up when there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
    /// Which kind of schedule `format` is.
    #[serde(rename = "type")]
    pub kind: Kind,
    /// A crontab expression, or Unix seconds in decimal digits.
    pub format: String,
    /// The request that is made when it is due.
    pub callback: Callback,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Free text by key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// The IANA zone of the crontab expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// No occurrence before it, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<i64>,
    /// No occurrence after it, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// Finished after so many runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_runs: Option<u64>,
    /// What becomes of occurrences that were missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misfire: Option<Misfire>,
    /// Occurrences older than this are skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misfire_window_seconds: Option<u64>,
    /// What becomes of an occurrence while an earlier run has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// Whether a run may be attempted again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryMode>,
    /// When a failed attempt is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How long an attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// Each run is spread over so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_seconds: Option<u64>,
    /// What becomes of a fixed local time that does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_gap: Option<DstGap>,
    /// What becomes of a fixed local time that exists twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_fold: Option<DstFold>,
    /// Created paused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paused: Option<bool>,
}

/// The request that a task makes when it is due.
///
/// ```
/// use xcron_http::client::{Body, Callback};
///
/// let mut callback = Callback::new("https://example.com/charge");
/// callback.body = Some(Body::json(r#"{"order": 7}"#)?);
/// # Ok::<(), xcron_http::client::InvalidBody>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Where to.
    pub url: String,
    /// What it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// How; POST by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Further headers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
}

/// When a failed attempt is repeated; what is `None` has its default, or stays as it is.
///
/// ```
/// use xcron_http::client::Retry;
///
/// let once = Retry { max_attempts: Some(1), ..Retry::default() };
/// assert_eq!(serde_json::to_string(&once).unwrap(), r#"{"max_attempts":1}"#);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// Attempts in all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_attempts: Option<u32>,
    /// Before the second attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_backoff_seconds: Option<u32>,
    /// Between two attempts at most.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_backoff_seconds: Option<u32>,
    /// After the claim, beyond which a run is not attempted again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_age_seconds: Option<u32>,
}

/// What is to change of a task; what is `None` stays as it is.
///
/// ```
/// use xcron_http::client::TaskChange;
///
/// let mut change = TaskChange::of("billing");
/// change.format = Some("0 10 * * *".to_owned());
/// let json = serde_json::to_string(&change).unwrap();
/// assert_eq!(json, r#"{"task_id":"billing","format":"0 10 * * *"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct TaskChange {
    /// Which task.
    pub task_id: String,
    /// Refused unless the task has this version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// Which kind of schedule `format` is.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// A crontab expression, or Unix seconds in decimal digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// What changes of the callback.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub callback: Option<CallbackChange>,
    /// Free text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// All labels that it is to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub labels: Option<BTreeMap<String, String>>,
    /// The IANA zone of the crontab expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// No occurrence before it, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<i64>,
    /// No occurrence after it, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<i64>,
    /// Finished after so many runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_runs: Option<u64>,
    /// What becomes of occurrences that were missed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misfire: Option<Misfire>,
    /// Occurrences older than this are skipped.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub misfire_window_seconds: Option<u64>,
    /// What becomes of an occurrence while an earlier run has not ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub overlap: Option<Overlap>,
    /// Whether a run may be attempted again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delivery: Option<DeliveryMode>,
    /// When a failed attempt is repeated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry: Option<Retry>,
    /// How long an attempt may take.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout_seconds: Option<u64>,
    /// Each run is spread over so long.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub jitter_seconds: Option<u64>,
    /// What becomes of a fixed local time that does not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_gap: Option<DstGap>,
    /// What becomes of a fixed local time that exists twice.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dst_fold: Option<DstFold>,
}

/// What is to change of a callback; what is `None` stays as it is.
///
/// ```
/// use xcron_http::client::CallbackChange;
///
/// let moved = CallbackChange { url: Some("http://10.0.0.2/".into()), ..Default::default() };
/// assert_eq!(serde_json::to_string(&moved).unwrap(), r#"{"url":"http://10.0.0.2/"}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CallbackChange {
    /// Where to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it sends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Body>,
    /// How.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// All further headers that it is to have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub headers: Option<BTreeMap<String, String>>,
}

impl NewTask {
    /// A task that is due by a crontab expression.
    #[must_use]
    pub fn periodic(expression: impl Into<String>, callback: Callback) -> Self {
        Self::new(Kind::Periodic, expression.into(), callback)
    }

    /// A task that is due once, in Unix seconds.
    #[must_use]
    pub fn one_shot(at: i64, callback: Callback) -> Self {
        Self::new(Kind::OneShot, at.to_string(), callback)
    }

    /// The same under a name of the caller's choice. Creating it again changes nothing, so that a
    /// create whose answer was lost can simply be repeated.
    #[must_use]
    pub fn with_id(mut self, task_id: impl Into<String>) -> Self {
        self.task_id = Some(task_id.into());
        self
    }

    /// A task with nothing but what it must have.
    #[must_use]
    pub fn new(kind: Kind, format: String, callback: Callback) -> Self {
        Self {
            task_id: None,
            kind,
            format,
            callback,
            name: None,
            labels: None,
            timezone: None,
            start_time: None,
            end_time: None,
            max_runs: None,
            misfire: None,
            misfire_window_seconds: None,
            overlap: None,
            delivery: None,
            retry: None,
            timeout_seconds: None,
            jitter_seconds: None,
            dst_gap: None,
            dst_fold: None,
            paused: None,
        }
    }
}

impl Callback {
    /// A POST of `{}` to `url`.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), ..Self::default() }
    }
}

impl TaskChange {
    /// A change of nothing yet.
    #[must_use]
    pub fn of(task_id: impl Into<String>) -> Self {
        Self { task_id: task_id.into(), ..Self::default() }
    }
}

impl Serialize for Kind {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u8(match self {
            Self::Periodic => 1,
            Self::OneShot => 2,
        })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match u64::deserialize(deserializer)? {
            1 => Ok(Self::Periodic),
            2 => Ok(Self::OneShot),
            other => {
                let problem = format!("{other}, expected 1 (periodic) or 2 (one-shot)");
                Err(serde::de::Error::custom(problem))
            }
        }
    }
}
