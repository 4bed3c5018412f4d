//! Where a task is not what a file says it should be.

use serde::Serialize;
use std::collections::BTreeMap;
use url::Url;
use xcron_http::client::{
    Callback, CallbackChange, Kind, NewTask, Retry, Task, TaskCallback, TaskChange,
};

/// What has to change for a task to be what a file says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Differences {
    /// What to ask for, if it is anything but pausing.
    pub(super) change: TaskChange,
    /// Whether it has to be paused, or to go on.
    pub(super) pause: Option<bool>,
    pub(super) fields: Vec<Difference>,
}

/// One field that differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    pub(super) field: String,
    /// What it is, as JSON text.
    pub(super) from: String,
    /// What it should be, as JSON text.
    pub(super) to: String,
}

/// Collects what differs.
#[derive(Default)]
struct Comparison(Vec<Difference>);

impl Differences {
    /// Compares what the file names; what it does not name may be as it is.
    pub(super) fn between(task: &Task, wanted: &NewTask) -> Self {
        let mut seen = Comparison::default();
        let mut change = TaskChange::of(&task.task_id);
        change.version = Some(task.version);
        // A one-shot has no zone, whatever its file says.
        let is_cron = wanted.kind == Kind::Periodic;
        change.kind = seen.differs("type", Some(&wanted.kind), Some(&task.kind));
        let format = wanted.format.trim().to_owned();
        change.format = seen.differs("format", Some(&format), Some(&task.format));
        if change.kind.is_some() {
            change.format = Some(format);
        }
        change.callback = seen.callback(&task.callback, &wanted.callback);
        change.name = seen.differs("name", wanted.name.as_ref(), task.name.as_ref());
        change.labels = seen.differs("labels", wanted.labels.as_ref(), Some(&task.labels));
        let zone = wanted.timezone.as_ref().filter(|zone| {
            is_cron && !task.timezone.as_ref().is_some_and(|known| known.eq_ignore_ascii_case(zone))
        });
        change.timezone = seen.differs("timezone", zone, task.timezone.as_ref());
        let (start, end) = (wanted.start_time.as_ref(), wanted.end_time.as_ref());
        change.start_time = seen.differs("start_time", start, task.start_time.as_ref());
        change.end_time = seen.differs("end_time", end, task.end_time.as_ref());
        change.max_runs =
            seen.differs("max_runs", wanted.max_runs.as_ref(), task.max_runs.as_ref());
        change.misfire = seen.differs("misfire", wanted.misfire.as_ref(), Some(&task.misfire));
        let window = wanted.misfire_window_seconds.as_ref();
        change.misfire_window_seconds =
            seen.differs("misfire_window_seconds", window, Some(&task.misfire_window_seconds));
        change.overlap = seen.differs("overlap", wanted.overlap.as_ref(), Some(&task.overlap));
        change.delivery = seen.differs("delivery", wanted.delivery.as_ref(), Some(&task.delivery));
        change.retry = wanted.retry.as_ref().and_then(|retry| seen.retry(&task.retry, retry));
        let timeout = wanted.timeout_seconds.as_ref();
        change.timeout_seconds =
            seen.differs("timeout_seconds", timeout, Some(&task.timeout_seconds));
        let jitter = wanted.jitter_seconds.as_ref();
        change.jitter_seconds = seen.differs("jitter_seconds", jitter, Some(&task.jitter_seconds));
        let (gap, fold) = (wanted.dst_gap.as_ref(), wanted.dst_fold.as_ref());
        change.dst_gap = seen.differs("dst_gap", gap.filter(|_| is_cron), task.dst_gap.as_ref());
        change.dst_fold =
            seen.differs("dst_fold", fold.filter(|_| is_cron), task.dst_fold.as_ref());
        let pause = seen.differs("paused", wanted.paused.as_ref(), Some(&task.paused));
        Self { change, pause, fields: seen.0 }
    }

    /// Whether there is more to do than to pause it or to let it go on.
    pub(super) fn is_update(&self) -> bool {
        self.fields.len() > usize::from(self.pause.is_some())
    }
}

impl Comparison {
    /// What a field should be if it is not.
    fn differs<T: PartialEq + Clone + Serialize>(
        &mut self,
        field: &str,
        wanted: Option<&T>,
        known: Option<&T>,
    ) -> Option<T> {
        let wanted = wanted.filter(|wanted| Some(*wanted) != known)?;
        let text = |value: Option<&T>| serde_json::to_string(&value).unwrap_or_default();
        let (from, to) = (text(known), text(Some(wanted)));
        self.0.push(Difference { field: field.to_owned(), from, to });
        Some(wanted.clone())
    }

    fn callback(&mut self, known: &TaskCallback, wanted: &Callback) -> Option<CallbackChange> {
        // The server keeps the normal form of a URL, and the names of headers in lower case.
        let url = Url::parse(&wanted.url).map_or_else(|_| wanted.url.clone(), String::from);
        let lower: Option<BTreeMap<String, String>> = wanted.headers.as_ref().map(|headers| {
            headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone())).collect()
        });
        let change = CallbackChange {
            url: self.differs("callback.url", Some(&url), Some(&known.url)),
            body: self.differs("callback.body", wanted.body.as_ref(), known.body.as_ref()),
            method: self.differs("callback.method", wanted.method.as_ref(), Some(&known.method)),
            headers: self.differs("callback.headers", lower.as_ref(), Some(&known.headers)),
        };
        (change != CallbackChange::default()).then_some(change)
    }

    fn retry(&mut self, known: &Retry, wanted: &Retry) -> Option<Retry> {
        let mut number = |name: &str, wanted: Option<u32>, known: Option<u32>| {
            self.differs(&format!("retry.{name}"), wanted.as_ref(), known.as_ref())
        };
        let change = Retry {
            max_attempts: number("max_attempts", wanted.max_attempts, known.max_attempts),
            min_backoff_seconds: number(
                "min_backoff_seconds",
                wanted.min_backoff_seconds,
                known.min_backoff_seconds,
            ),
            max_backoff_seconds: number(
                "max_backoff_seconds",
                wanted.max_backoff_seconds,
                known.max_backoff_seconds,
            ),
            max_age_seconds: number(
                "max_age_seconds",
                wanted.max_age_seconds,
                known.max_age_seconds,
            ),
        };
        (change != Retry::default()).then_some(change)
    }
}
