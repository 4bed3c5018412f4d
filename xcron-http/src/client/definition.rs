//! What a task is to be: what `createTask` and `updateTask` are told.

use super::body::Body;
use super::options::TaskOptions;
use super::setting::Setting;
use crate::api::{CALLBACK_FIELDS, TASK_FIELDS};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::collections::BTreeMap;
use xcron_core::Method;

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

/// A task that is to be created. What is `None` or open is left out, and the server fills in its
/// default.
///
/// ```
/// use xcron_http::client::{Callback, NewTask};
/// use xcron_core::Misfire;
///
/// let mut task = NewTask::one_shot(1_893_456_000, Callback::new("http://127.0.0.1:9000/"));
/// task.options.misfire = Misfire::Skip.into();
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
    /// What may be left open.
    #[serde(flatten)]
    pub options: TaskOptions,
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
/// callback.body = Body::json(r#"{"order": 7}"#)?.into();
/// # Ok::<(), xcron_http::client::InvalidBody>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Where to.
    pub url: String,
    /// What it sends.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub body: Setting<Body>,
    /// How; POST by default.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub method: Setting<Method>,
    /// Further headers.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub headers: Setting<BTreeMap<String, String>>,
}

/// What is to change of a task; what is `None` or open stays as it is.
///
/// ```
/// use xcron_http::client::{Setting, TaskChange};
///
/// let mut change = TaskChange::of("billing");
/// change.format = Some("0 10 * * *".to_owned());
/// change.options.end_time = Setting::Default;
/// let json = serde_json::to_string(&change).unwrap();
/// assert_eq!(json, r#"{"task_id":"billing","format":"0 10 * * *","end_time":null}"#);
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
    /// What it may be left without.
    #[serde(flatten)]
    pub options: TaskOptions,
}

/// What is to change of a callback; what is `None` or open stays as it is.
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
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub body: Setting<Body>,
    /// How.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub method: Setting<Method>,
    /// All further headers that it is to have.
    #[serde(default, skip_serializing_if = "Setting::is_open")]
    pub headers: Setting<BTreeMap<String, String>>,
}

impl NewTask {
    /// The names of its fields.
    pub const FIELDS: &'static [&'static str] = TASK_FIELDS;

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
            options: TaskOptions::default(),
            paused: None,
        }
    }
}

impl Callback {
    /// The names of its fields.
    pub const FIELDS: &'static [&'static str] = CALLBACK_FIELDS;

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
