//! Tasks in the words of the API, from and to those of the checker.

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use xcron_checker::{Definition, FinalTask, OpenRun, Retry, Schedule, Seen, TaskPhase};

/// The body of a `createTask`; what is defined calls `sink`, on the path that is its target.
pub(super) fn request(task: &str, definition: &Definition, sink: &str) -> Value {
    let (kind, format, timezone) = match &definition.schedule {
        Schedule::Cron { cron, timezone } => (1, cron.clone(), Some(timezone)),
        Schedule::At { at_s } => (2, at_s.to_string(), None),
    };
    let Retry { attempts_max, backoff_min_s, backoff_max_s, age_max_s } = definition.retry;
    let mut body = json!({
        "task_id": task,
        "type": kind,
        "format": format,
        "callback": {"url": format!("{sink}{}", definition.target), "body": {"of": task}},
        "misfire": name(definition.misfire),
        "misfire_window_seconds": definition.window_s(),
        "overlap": name(definition.overlap),
        "delivery": name(definition.delivery),
        "retry": {
            "max_attempts": attempts_max,
            "min_backoff_seconds": backoff_min_s,
            "max_backoff_seconds": backoff_max_s,
            "max_age_seconds": age_max_s,
        },
        "timeout_seconds": definition.timeout_s,
        "jitter_seconds": definition.jitter_s,
    });
    let optional = [
        ("timezone", json!(timezone)),
        ("start_time", json!(definition.start_s)),
        ("end_time", json!(definition.end_s)),
        ("max_runs", json!(definition.runs_max)),
    ];
    for (field, value) in optional.into_iter().filter(|(_, value)| !value.is_null()) {
        body[field] = value;
    }
    body
}

/// The name that the checker, like the API, has for a choice.
fn name(choice: impl Serialize) -> Value {
    serde_json::to_value(choice).unwrap_or_default()
}

/// What `queryTask` says a task is defined to be; `None` when something of it is missing.
fn definition(view: &Value, sink: &str) -> Option<Definition> {
    let format = view["format"].as_str()?;
    let mut definition = match view["type"].as_i64()? {
        1 => Definition::cron(format, view["timezone"].as_str()?),
        _ => Definition::once(format.parse().ok()?),
    };
    definition.misfire = choice(&view["misfire"])?;
    definition.misfire_window_s = Some(view["misfire_window_seconds"].as_i64()?);
    definition.overlap = choice(&view["overlap"])?;
    definition.delivery = choice(&view["delivery"])?;
    let retry = &view["retry"];
    definition.retry = Retry {
        attempts_max: choice(&retry["max_attempts"])?,
        backoff_min_s: retry["min_backoff_seconds"].as_i64()?,
        backoff_max_s: retry["max_backoff_seconds"].as_i64()?,
        age_max_s: retry["max_age_seconds"].as_i64()?,
    };
    definition.timeout_s = view["timeout_seconds"].as_i64()?;
    definition.jitter_s = view["jitter_seconds"].as_i64()?;
    definition.start_s = view["start_time"].as_i64();
    definition.end_s = view["end_time"].as_i64();
    definition.runs_max = view["max_runs"].as_u64();
    let url = view["callback"]["url"].as_str()?;
    definition.target = url.strip_prefix(sink)?.to_owned();
    Some(definition)
}

fn choice<T: DeserializeOwned>(value: &Value) -> Option<T> {
    T::deserialize(value).ok()
}

fn phase(view: &Value) -> Option<TaskPhase> {
    choice(&view["state"])
}

/// What a query read.
pub(super) fn seen(view: &Value, sink: &str) -> Seen {
    // A definition that cannot be read is none that was asked for, and shows as such.
    let read = definition(view, sink).map(|definition| definition.fingerprint());
    Seen {
        fingerprint: Some(read.unwrap_or_else(|| "unreadable".to_owned())),
        state: phase(view),
        next_s: view["next_time"].as_i64(),
        run_count: view["run_count"].as_u64(),
        succeeded: view["success_count"].as_u64(),
        failed: view["failure_count"].as_u64(),
        skipped: view["skip_count"].as_u64(),
    }
}

/// What remained of a task.
pub(super) fn remains(task: &str, view: &Value) -> FinalTask {
    let number = |field: &str| view[field].as_u64().unwrap_or_default();
    let open = view["open_runs"].as_array().into_iter().flatten();
    let open = open.map(|run| OpenRun {
        run: run["run_id"].as_str().unwrap_or_default().to_owned(),
        scheduled_s: run["scheduled_time"].as_i64().unwrap_or_default(),
        attempt: choice(&run["attempt"]).unwrap_or_default(),
        // The API does not show it.
        fence: 0,
    });
    FinalTask {
        state: phase(view),
        next_s: view["next_time"].as_i64(),
        run_count: number("run_count"),
        succeeded: number("success_count"),
        failed: number("failure_count"),
        skipped: number("skip_count"),
        unknown: number("unknown_count"),
        cancelled: number("cancelled_count"),
        open_runs: open.collect(),
        ..FinalTask::active(task)
    }
}

#[cfg(test)]
mod tests {
    use super::{definition, remains, request, seen};
    use serde_json::{Value, json};
    use xcron_checker::{Definition, FinalTask, Misfire, Retry, TaskPhase};

    const SINK: &str = "http://127.0.0.1:9";

    fn cron() -> Definition {
        let mut cron = Definition::cron("*/2 * * * * *", "UTC");
        cron.misfire = Misfire::FireAll;
        cron.retry = Retry { attempts_max: 5, ..Retry::default() };
        cron.target = "/slow/200".to_owned();
        (cron.start_s, cron.end_s, cron.runs_max) = (Some(10), Some(20), Some(3));
        cron
    }

    /// What `queryTask` shows of a task that was asked for with `body`.
    fn view(mut body: Value) -> Value {
        body["state"] = json!("finished");
        body["run_count"] = json!(3);
        body["success_count"] = json!(2);
        body["failure_count"] = json!(1);
        body["open_runs"] = json!([]);
        body
    }

    #[test]
    fn what_is_asked_for_is_what_is_read_back() {
        let mut once = Definition::once(1_800_000_000);
        once.target = "/ok".to_owned();
        for asked in [once, cron()] {
            let read = definition(&view(request("t", &asked, SINK)), SINK);
            let read = read.expect("nothing is missing");
            assert_eq!(read.fingerprint(), asked.fingerprint(), "{read:?}");
        }
    }

    #[test]
    fn a_task_that_is_another_reads_as_another() {
        let mut changed = view(request("t", &cron(), SINK));
        changed["jitter_seconds"] = json!(1);
        let fingerprint = Some(cron().fingerprint());
        assert_ne!(seen(&changed, SINK).fingerprint, fingerprint);
        changed["jitter_seconds"] = Value::Null;
        assert_ne!(seen(&changed, SINK).fingerprint, fingerprint);
    }

    #[test]
    fn what_remains_is_read_with_its_sums() {
        let left = remains("t", &view(request("t", &cron(), SINK)));
        assert_eq!(left, FinalTask::finished("t").succeeded(2).failed(1));
        assert_eq!(left.state, Some(TaskPhase::Finished));
    }
}
