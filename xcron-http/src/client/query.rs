//! Which tasks or runs somebody wants to see.

use super::definition::Kind;
use std::collections::BTreeMap;

/// Which tasks. What is `None` or empty does not choose.
///
/// ```
/// use xcron_http::client::TaskQuery;
///
/// let paused = TaskQuery { state: Some("paused".to_owned()), ..TaskQuery::default() };
/// assert_eq!(paused.limit, None);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskQuery {
    /// Of this kind.
    pub kind: Option<Kind>,
    /// `active`, `paused` or `finished`.
    pub state: Option<String>,
    /// With all of these labels.
    pub labels: BTreeMap<String, String>,
    /// With this text in id, name or URL.
    pub text: Option<String>,
    /// Due before then, in Unix seconds.
    pub due_before: Option<i64>,
    /// The most tasks of one page, up to 1000; 100 by default.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Which runs. What is `None` does not choose.
///
/// ```
/// use xcron_http::client::RunQuery;
///
/// let dead = RunQuery { status: Some("failed".to_owned()), ..RunQuery::default() };
/// assert!(!dead.attempts);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunQuery {
    /// Of this task.
    pub task_id: Option<String>,
    /// With this status.
    pub status: Option<String>,
    /// Scheduled from then on, in Unix seconds.
    pub from: Option<i64>,
    /// Scheduled before then, in Unix seconds.
    pub to: Option<i64>,
    /// With their attempts.
    pub attempts: bool,
    /// The most runs of one page, up to 1000; 100 by default.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// The parameters of a call, those that say something.
#[derive(Debug, Default)]
pub(super) struct Params(pub(super) Vec<(&'static str, String)>);

impl Params {
    pub(super) fn with(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.0.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// A parameter whose value has a name in JSON.
    pub(super) fn named(self, name: &'static str, value: Option<impl serde::Serialize>) -> Self {
        let text = value.and_then(|value| serde_json::to_value(value).ok());
        self.with(name, text.map(|text| text.as_str().map_or(text.to_string(), str::to_owned)))
    }
}

impl TaskQuery {
    pub(super) fn params(&self) -> Params {
        let params = Params::default()
            .named("type", self.kind)
            .with("state", self.state.as_ref())
            .with("q", self.text.as_ref())
            .with("due_before", self.due_before)
            .with("limit", self.limit)
            .with("cursor", self.cursor.as_ref());
        self.labels.iter().fold(params, |params, (key, value)| {
            params.with("label", Some(format!("{key}:{value}")))
        })
    }
}

impl RunQuery {
    pub(super) fn params(&self) -> Params {
        Params::default()
            .with("task_id", self.task_id.as_ref())
            .with("status", self.status.as_ref())
            .with("from", self.from)
            .with("to", self.to)
            .with("attempts", self.attempts.then_some(true))
            .with("limit", self.limit)
            .with("cursor", self.cursor.as_ref())
    }
}
