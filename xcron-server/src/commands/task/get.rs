//! `task get`.

use super::list::once;
use crate::commands::failure::Failure;
use crate::commands::output::Output;
use crate::commands::runs::{HEADINGS, rows};
use crate::commands::server::{Freshness, Server};
use crate::commands::table::{Cell, Table};
use crate::commands::times::{shown, shown_in};
use clap::Args;
use std::collections::BTreeMap;
use xcron_core::RetryPolicy;
use xcron_http::client::{Body, Kind, Task};

const EXAMPLES: &str = "\
Examples:
  xcron_server task get billing
  xcron_server task get billing --attempts -o json | jq .last_runs[0].attempts";

/// Which task is to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Get {
    /// Its id.
    #[arg(value_name = "ID")]
    task_id: String,
    /// Shows each attempt of its runs.
    #[arg(long)]
    attempts: bool,
    #[command(flatten)]
    freshness: Freshness,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Get {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.freshness.client(&self.server)?;
        let task = match self.attempts {
            true => client.task_with_attempts(&self.task_id).await?,
            false => client.task(&self.task_id).await?,
        };
        self.output.show(&task, |task| {
            let runs = task.open_runs.iter().chain(task.last_runs.iter().flatten());
            let mut table = Table::new(HEADINGS);
            let mut is_empty = true;
            for cells in runs.flat_map(rows) {
                table.row(cells);
                is_empty = false;
            }
            let facts = self.output.facts(facts(task));
            let runs = if is_empty { String::new() } else { self.output.laid_out(&table) };
            format!("{facts}{}{runs}", if is_empty { "" } else { "\n" })
        })
    }
}

fn facts(task: &Task) -> Vec<(&'static str, Cell)> {
    let mut facts =
        vec![("task_id", Cell::new(&task.task_id)), ("state", Cell::state(&task.state))];
    let options = &task.options;
    let mut add = |name, text: Option<String>| {
        facts.extend(text.filter(|text| !text.is_empty()).map(|text| (name, Cell::new(text))));
    };
    add("note", task.note.clone());
    add("name", options.name.clone());
    add("labels", Some(pairs(&options.labels, "=")));
    let schedule = match task.kind {
        Kind::Periodic => task.format.clone(),
        Kind::OneShot => format!("once, at {}", once(task)),
    };
    add("schedule", Some(schedule));
    add("timezone", options.timezone.clone());
    add("next", task.next_time.map(|secs| next(secs, options.timezone.as_deref())));
    add("start", options.start_time.map(shown));
    add("end", options.end_time.map(shown));
    add("max runs", options.max_runs.map(|runs| runs.to_string()));
    let method = task.callback.method.as_str();
    add("callback", Some(format!("{method} {}", task.callback.url)));
    add("headers", Some(pairs(&task.callback.headers, ": ")));
    add("body", task.callback.body.as_ref().map(text));
    add("timeout", Some(format!("{} s", options.timeout_seconds)));
    add("retry", Some(retry(&options.retry)));
    add(
        "misfire",
        Some(format!(
            "{}, up to {} s old",
            named(&options.misfire),
            options.misfire_window_seconds
        )),
    );
    add("overlap", Some(named(&options.overlap)));
    add("delivery", Some(named(&options.delivery)));
    let dst = options.dst_gap.zip(options.dst_fold);
    add("dst", dst.map(|(gap, fold)| format!("gap {}, fold {}", named(&gap), named(&fold))));
    add("jitter", Some(options.jitter_seconds).filter(|s| *s > 0).map(|s| format!("{s} s")));
    let counts = format!(
        "{}: {} succeeded, {} failed, {} unknown, {} cancelled; {} skipped",
        task.run_count,
        task.success_count,
        task.failure_count,
        task.unknown_count,
        task.cancelled_count,
        task.skip_count
    );
    add("runs", Some(counts));
    add("created", Some(task.create_time.parse().map_or(task.create_time.clone(), shown)));
    add("version", Some(task.version.to_string()));
    facts
}

fn next(secs: i64, zone: Option<&str>) -> String {
    let local = zone.filter(|zone| *zone != "UTC").and_then(|zone| shown_in(secs, zone));
    let local = local.map_or_else(String::new, |local| format!(" ({local})"));
    format!("{}{local}", shown(secs))
}

fn retry(retry: &RetryPolicy) -> String {
    let RetryPolicy { max_attempts, min_backoff_seconds, max_backoff_seconds, max_age_seconds } =
        retry;
    format!(
        "{max_attempts} attempts, {min_backoff_seconds} to {max_backoff_seconds} s apart, for \
         {max_age_seconds} s"
    )
}

fn pairs(pairs: &BTreeMap<String, String>, between: &str) -> String {
    let pairs: Vec<_> = pairs.iter().map(|(key, value)| format!("{key}{between}{value}")).collect();
    pairs.join(", ")
}

fn text(body: &Body) -> String {
    match body {
        Body::Text(text) | Body::Json(text) => text.clone(),
    }
}

/// The name that a choice has in the API.
fn named(choice: &impl serde::Serialize) -> String {
    let name = serde_json::to_value(choice).ok();
    name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default()
}
