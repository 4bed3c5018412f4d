//! The file that `apply` reads: tasks in YAML or JSON, each checked before anything is done.

use super::yaml;
use crate::commands::failure::Failure;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use xcron_http::client::{Callback, NewTask, Retry, TaskOptions};

/// The most bytes of a file.
const BYTES_MAX: u64 = 64 << 20;

type Object = BTreeMap<String, Box<RawValue>>;

/// The text of a file, - for stdin.
pub(super) fn read_text(path: &Path) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match path.to_str() {
        Some("-") => std::io::stdin().lock().take(BYTES_MAX + 1).read_to_string(&mut text),
        _ => std::fs::File::open(path)
            .and_then(|file| file.take(BYTES_MAX + 1).read_to_string(&mut text)),
    };
    match read {
        Ok(bytes) if bytes as u64 > BYTES_MAX => {
            Err(Failure::file(path, &format!("is longer than {BYTES_MAX} bytes")))
        }
        Ok(_) => Ok(text),
        Err(error) => Err(Failure::file(path, &error)),
    }
}

/// The tasks that `text` describes.
pub(super) fn tasks(text: &str) -> Result<Vec<NewTask>, String> {
    let documents = match serde_json::from_str::<&RawValue>(text) {
        Ok(json) => vec![json.get().to_owned()],
        Err(_not_json) => yaml::documents(text)?,
    };
    let mut items: Vec<Box<RawValue>> = Vec::new();
    for document in documents.iter().filter(|document| !matches!(document.as_str(), "" | "null")) {
        items.extend(listed(document)?);
    }
    let mut ids = BTreeSet::new();
    let mut tasks = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        let task = task(item.get()).map_err(|problem| format!("task {}: {problem}", index + 1))?;
        let id = task.task_id.clone().unwrap_or_default();
        if !ids.insert(id.clone()) {
            return Err(format!("task {}: task_id {id} is there twice", index + 1));
        }
        tasks.push(task);
    }
    Ok(tasks)
}

/// The tasks of a document: one, a list, or a list under `tasks`.
fn listed(document: &str) -> Result<Vec<Box<RawValue>>, String> {
    let expected = "expected a task, a list of tasks, or tasks: with a list";
    if document.starts_with('[') {
        return serde_json::from_str(document).map_err(|error| error.to_string());
    }
    let object: Object = serde_json::from_str(document).map_err(|_| expected.to_owned())?;
    let Some(tasks) = object.get("tasks") else {
        return RawValue::from_string(document.to_owned())
            .map(|task| vec![task])
            .map_err(|error| error.to_string());
    };
    if let Some(other) = object.keys().find(|key| *key != "tasks") {
        return Err(format!("{other} stands beside tasks, {expected}"));
    }
    serde_json::from_str(tasks.get()).map_err(|_| format!("tasks is no list, {expected}"))
}

fn task(json: &str) -> Result<NewTask, String> {
    let fields: Object = read(json).map_err(|_| "is no object, expected fields of a task")?;
    let id = fields.get("task_id").map_or("without task_id", |id| id.get().trim_matches('"'));
    let named = |problem: String| format!("{id}: {problem}");
    check(&fields, "", NewTask::FIELDS).map_err(named)?;
    for (part, known) in [("callback", Callback::FIELDS), ("retry", Retry::FIELDS)] {
        if let Some(inner) = fields.get(part).and_then(|inner| read::<Object>(inner.get()).ok()) {
            check(&inner, &format!("{part}."), known).map_err(named)?;
        }
    }
    // Alone they say which of them is wrong, as part of a task they do not.
    let _named: TaskOptions = read(json).map_err(named)?;
    let task: NewTask = read(json).map_err(named)?;
    match task.task_id {
        Some(_) => Ok(task),
        None => Err("task_id is missing, expected the name by which it is found again".to_owned()),
    }
}

fn check(object: &Object, within: &str, known: &[&str]) -> Result<(), String> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(unknown) => {
            let known = known.join(", ");
            Err(format!("{within}{unknown} is no field, expected one of {known}"))
        }
    }
}

/// Reads JSON; an error names the field.
fn read<T: DeserializeOwned>(json: &str) -> Result<T, String> {
    serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json)).map_err(|e| {
        let (path, problem) = (e.path().to_string(), e.inner().to_string());
        // Where in a line that nobody has written says nothing.
        let problem = problem.rsplit_once(" at line ").map_or(problem.as_str(), |cut| cut.0);
        if path == "." { problem.to_owned() } else { format!("{path}: {problem}") }
    })
}

#[cfg(test)]
mod tests {
    use super::tasks;
    use serde_json::Value;
    use std::collections::BTreeSet;
    use xcron_http::client::{Body, Callback, NewTask, Retry};

    const FULL: &str = r#"{
        "task_id": "a", "type": 1, "format": "* * * * *",
        "callback":
            {"url": "http://a/", "body": {"n": 1.10}, "method": "PUT", "headers": {"x": "y"}},
        "name": "n", "labels": {"k": "v"}, "timezone": "UTC", "start_time": 1, "end_time": 2,
        "max_runs": 3, "misfire": "skip", "misfire_window_seconds": 4, "overlap": "queue",
        "delivery": "at_most_once", "timeout_seconds": 5, "jitter_seconds": 6, "dst_gap": "skip",
        "dst_fold": "both", "paused": true, "retry": {"max_attempts": 1, "min_backoff_seconds": 2,
        "max_backoff_seconds": 3, "max_age_seconds": 4}}"#;

    #[test]
    fn every_field_is_known_and_kept() {
        let read = tasks(FULL).expect("a good file");
        assert_eq!(read[0].callback.body, Body::Json("{\"n\":1.10}".to_owned()).into());
        let kept = serde_json::to_value(&read[0]).expect("JSON");
        let given: Value = serde_json::from_str(FULL).expect("JSON");
        assert_eq!(kept, given);
        let names = |value: &Value| -> BTreeSet<String> {
            value.as_object().expect("an object").keys().cloned().collect()
        };
        let known = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        assert_eq!(names(&given), known(NewTask::FIELDS));
        assert_eq!(names(&given["callback"]), known(Callback::FIELDS));
        assert_eq!(names(&given["retry"]), known(Retry::FIELDS));
    }

    #[test]
    fn tasks_are_listed_in_four_ways() {
        let one = "{task_id: a, type: 2, format: '5', callback: {url: http://a/}}";
        let two = one.replace(" a,", " b,");
        for (file, count) in [
            (one.to_owned(), 1),
            (format!("[{one}, {two}]"), 2),
            (format!("tasks:\n- {one}\n- {two}\n"), 2),
            (format!("---\n{one}\n---\n{two}\n"), 2),
            ("# nothing but a remark\n".to_owned(), 0),
            (String::new(), 0),
            ("tasks: []".to_owned(), 0),
        ] {
            assert_eq!(tasks(&file).map(|tasks| tasks.len()), Ok(count), "{file}");
        }
    }

    #[test]
    fn a_bad_file_is_refused_with_the_task_and_the_field() {
        let task = |more: &str| {
            format!("[{{task_id: a, type: 1, format: '@daily', callback: {{url: b}}, {more}}}]")
        };
        for (file, expected) in [
            ("just text".to_owned(), "expected a task, a list of tasks"),
            ("tasks: 5".to_owned(), "tasks is no list"),
            ("tasks: []\nversion: 1".to_owned(), "version stands beside tasks"),
            ("[5]".to_owned(), "task 1: is no object"),
            ("[{type: 1}]".to_owned(), "task 1: without task_id: missing field `format`"),
            ("[{type: 1, format: a, callback: {url: b}}]".to_owned(), "task_id is missing"),
            (task("retries: 5"), "task 1: a: retries is no field, expected one of paused,"),
            (task("retry: {max: 5}"), "task 1: a: retry.max is no field"),
            (task("misfire: later"), "a: misfire: unknown variant `later`, expected one of"),
            (task("timeout_seconds: 5s"), "a: timeout_seconds: invalid type: string \"5s\""),
            (task("retry: {max_attempts: -1}"), "a: retry.max_attempts: invalid value"),
            (task("format: '@hourly'"), "a: duplicate field `format`"),
        ] {
            let said = tasks(&file).expect_err(&file);
            assert!(said.contains(expected), "{file}: {said}");
        }
        let twice = "{task_id: a, type: 2, format: '5', callback: {url: b}}";
        let said = tasks(&format!("[{twice}, {twice}]")).expect_err("twice the same");
        assert_eq!(said, "task 2: task_id a is there twice");
    }
}
