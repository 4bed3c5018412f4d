//! Where a task is not what a file says it should be.

use serde::Serialize;
use std::collections::BTreeMap;
use url::Url;
use xcron_core::RetryPolicy;
use xcron_http::client::{
    Callback, CallbackChange, Defaults, EffectiveOptions, Kind, NewTask, Retry, Setting, Task,
    TaskCallback, TaskChange, TaskOptions,
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

/// Collects what differs between what is known of a task, or of a part of it, and what is wanted.
struct Comparison<'a, S> {
    known: &'a S,
    /// What is wanted of what is left open; as it is when there is none.
    defaults: Option<&'a S>,
    differences: &'a mut Vec<Difference>,
}

impl Differences {
    /// Compares what the file names, and what it leaves open with its default; without `defaults`
    /// that may be as it is.
    pub(super) fn between(task: &Task, wanted: &NewTask, defaults: Option<&Defaults>) -> Self {
        let mut fields = Vec::new();
        let mut change = TaskChange::of(&task.task_id);
        change.version = Some(task.version);
        change.kind = differs(&mut fields, "type", &wanted.kind, &task.kind);
        let format = wanted.format.trim().to_owned();
        change.format = differs(&mut fields, "format", &format, &task.format);
        if change.kind.is_some() {
            change.format = Some(format);
        }
        change.callback = callback(&mut fields, task, &wanted.callback, defaults);
        change.options = options(&mut fields, &task.options, wanted, defaults);
        let wanted = wanted.paused.unwrap_or(task.paused);
        let pause = differs(&mut fields, "paused", &wanted, &task.paused);
        Self { change, pause, fields }
    }

    /// Whether there is more to do than to pause it or to let it go on.
    pub(super) fn is_update(&self) -> bool {
        self.fields.len() > usize::from(self.pause.is_some())
    }
}

impl<S> Comparison<'_, S> {
    /// What has to be said of a field for it to be as it is wanted.
    fn field<T: PartialEq + Clone + Serialize>(
        &mut self,
        field: &str,
        wanted: &Setting<T>,
        of: impl Fn(&S) -> Option<&T>,
    ) -> Setting<T> {
        let known = of(self.known);
        let (to, said) = match (wanted, self.defaults) {
            (Setting::To(value), _) => (Some(value), wanted.clone()),
            (_, Some(defaults)) => (of(defaults), Setting::Default),
            (_, None) => (known, Setting::Open),
        };
        if to == known {
            return Setting::Open;
        }
        self.differences.push(Difference::of(field, known, to));
        said
    }
}

impl Difference {
    fn of<T: Serialize>(field: &str, from: Option<&T>, to: Option<&T>) -> Self {
        let text = |value: Option<&T>| serde_json::to_string(&value).unwrap_or_default();
        Self { field: field.to_owned(), from: text(from), to: text(to) }
    }
}

/// What a field that has no default should be, if it is not.
fn differs<T: PartialEq + Clone + Serialize>(
    differences: &mut Vec<Difference>,
    field: &str,
    wanted: &T,
    known: &T,
) -> Option<T> {
    if wanted == known {
        return None;
    }
    differences.push(Difference::of(field, Some(known), Some(wanted)));
    Some(wanted.clone())
}

fn callback(
    differences: &mut Vec<Difference>,
    task: &Task,
    wanted: &Callback,
    defaults: Option<&Defaults>,
) -> Option<CallbackChange> {
    // The server keeps the normal form of a URL, and the names of headers in lower case.
    let url = Url::parse(&wanted.url).map_or_else(|_| wanted.url.clone(), String::from);
    let lower = wanted.headers.value().map(|headers| {
        let headers = headers.iter();
        headers
            .map(|(name, value)| (name.to_lowercase(), value.clone()))
            .collect::<BTreeMap<_, _>>()
    });
    let known = &task.callback;
    let defaults = defaults.map(|defaults| TaskCallback {
        url: known.url.clone(),
        body: defaults.callback.body.clone(),
        method: defaults.callback.method,
        headers: defaults.callback.headers.clone(),
    });
    let url = differs(differences, "callback.url", &url, &known.url);
    let mut seen = Comparison { known, defaults: defaults.as_ref(), differences };
    let change = CallbackChange {
        url,
        body: seen.field("callback.body", &wanted.body, |of| of.body.as_ref()),
        method: seen.field("callback.method", &wanted.method, |of| Some(&of.method)),
        headers: seen.field("callback.headers", &lower.into(), |of| Some(&of.headers)),
    };
    (change != CallbackChange::default()).then_some(change)
}

fn options(
    differences: &mut Vec<Difference>,
    known: &EffectiveOptions,
    task: &NewTask,
    defaults: Option<&Defaults>,
) -> TaskOptions {
    let mut wanted = task.options.clone();
    let mut defaults = defaults.map(|defaults| defaults.options.clone());
    if let Some(defaults) = &mut defaults {
        let misfire = wanted.misfire.value().unwrap_or(&defaults.misfire);
        defaults.misfire_window_seconds = misfire.default_window().as_secs();
    }
    if task.kind == Kind::OneShot {
        // It has no zone, whatever its file says.
        (wanted.timezone, wanted.dst_gap, wanted.dst_fold) = Default::default();
        if let Some(defaults) = &mut defaults {
            defaults.timezone.clone_from(&known.timezone);
            (defaults.dst_gap, defaults.dst_fold) = (known.dst_gap, known.dst_fold);
        }
    }
    if let (Some(zone), Some(same)) = (wanted.timezone.value(), &known.timezone)
        && zone.eq_ignore_ascii_case(same)
    {
        wanted.timezone = same.clone().into();
    }
    let retry = wanted.retry.value().copied().unwrap_or_default();
    let mut seen = Comparison { known, defaults: defaults.as_ref(), differences };
    TaskOptions {
        name: seen.field("name", &wanted.name, |of| of.name.as_ref()),
        labels: seen.field("labels", &wanted.labels, |of| Some(&of.labels)),
        timezone: seen.field("timezone", &wanted.timezone, |of| of.timezone.as_ref()),
        start_time: seen.field("start_time", &wanted.start_time, |of| of.start_time.as_ref()),
        end_time: seen.field("end_time", &wanted.end_time, |of| of.end_time.as_ref()),
        max_runs: seen.field("max_runs", &wanted.max_runs, |of| of.max_runs.as_ref()),
        misfire: seen.field("misfire", &wanted.misfire, |of| Some(&of.misfire)),
        misfire_window_seconds: seen.field(
            "misfire_window_seconds",
            &wanted.misfire_window_seconds,
            |of| Some(&of.misfire_window_seconds),
        ),
        overlap: seen.field("overlap", &wanted.overlap, |of| Some(&of.overlap)),
        delivery: seen.field("delivery", &wanted.delivery, |of| Some(&of.delivery)),
        retry: seen.retry(&retry),
        timeout_seconds: seen
            .field("timeout_seconds", &wanted.timeout_seconds, |of| Some(&of.timeout_seconds)),
        jitter_seconds: seen
            .field("jitter_seconds", &wanted.jitter_seconds, |of| Some(&of.jitter_seconds)),
        dst_gap: seen.field("dst_gap", &wanted.dst_gap, |of| of.dst_gap.as_ref()),
        dst_fold: seen.field("dst_fold", &wanted.dst_fold, |of| of.dst_fold.as_ref()),
    }
}

impl Comparison<'_, EffectiveOptions> {
    fn retry(&mut self, wanted: &Retry) -> Setting<Retry> {
        let mut field = |name: &str, wanted, of: fn(&RetryPolicy) -> &u32| {
            self.field(&format!("retry.{name}"), wanted, |options| Some(of(&options.retry)))
        };
        let change = Retry {
            max_attempts: field("max_attempts", &wanted.max_attempts, |of| &of.max_attempts),
            min_backoff_seconds: field("min_backoff_seconds", &wanted.min_backoff_seconds, |of| {
                &of.min_backoff_seconds
            }),
            max_backoff_seconds: field("max_backoff_seconds", &wanted.max_backoff_seconds, |of| {
                &of.max_backoff_seconds
            }),
            max_age_seconds: field("max_age_seconds", &wanted.max_age_seconds, |of| {
                &of.max_age_seconds
            }),
        };
        Some(change).filter(|change| *change != Retry::default()).into()
    }
}
