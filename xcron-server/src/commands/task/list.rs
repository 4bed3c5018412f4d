//! `task list`.

use crate::commands::failure::Failure;
use crate::commands::listing::{Listing, Portion};
use crate::commands::output::Output;
use crate::commands::pair::{label, map};
use crate::commands::server::{Freshness, Server};
use crate::commands::table::Cell;
use crate::commands::times::{Moment, shown};
use clap::{Args, ValueEnum};
use xcron_http::client::{Kind, Task, TaskQuery};

const EXAMPLES: &str = "\
Examples:
  xcron_server task list --state active --label team=billing
  xcron_server task list --due-before +1h
  xcron_server task list --all -o json | jq -r '.tasks[].task_id'";

/// Which tasks are to be listed.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct List {
    /// Of this kind.
    #[arg(long = "type")]
    kind: Option<KindName>,
    /// In this state.
    #[arg(long, value_parser = ["active", "paused", "finished"])]
    state: Option<String>,
    /// With this label; may be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// With this text in id, name or URL.
    #[arg(short, long, value_name = "TEXT")]
    query: Option<String>,
    /// Due before then.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    due_before: Option<Moment>,
    #[command(flatten)]
    portion: Portion,
    #[command(flatten)]
    freshness: Freshness,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindName {
    Periodic,
    OneShot,
}

impl List {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.freshness.client(&self.server)?;
        let mut query = TaskQuery {
            kind: self.kind.map(|kind| match kind {
                KindName::Periodic => Kind::Periodic,
                KindName::OneShot => Kind::OneShot,
            }),
            state: self.state.clone(),
            labels: map(&self.labels).unwrap_or_default(),
            text: self.query.clone(),
            due_before: self.due_before.map(Moment::secs),
            limit: None,
            cursor: self.portion.cursor.clone(),
        };
        let headings = ["TASK", "STATE", "SCHEDULE", "ZONE", "NEXT", "RUNS", "FAILED", "URL"];
        let mut listing = Listing::new(self.output, &self.portion, "tasks", &headings);
        while let Some(limit) = listing.wanted() {
            query.limit = Some(limit);
            let page = client.list_tasks(&query).await?;
            listing.page(&page.tasks, |task| vec![row(task)])?;
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        listing.end(query.cursor.as_deref())
    }
}

fn row(task: &Task) -> Vec<Cell> {
    let schedule = match task.kind {
        Kind::Periodic => task.format.clone(),
        Kind::OneShot => format!("at {}", once(task)),
    };
    vec![
        Cell::new(&task.task_id),
        Cell::state(&task.state),
        Cell::new(schedule),
        Cell::maybe(task.options.timezone.as_ref()),
        Cell::maybe(task.next_time.map(shown)),
        Cell::of(task.run_count),
        Cell::of(task.failure_count),
        Cell::new(&task.callback.url),
    ]
}

/// When a one-shot is due.
pub(super) fn once(task: &Task) -> String {
    task.format.parse().map_or_else(|_| task.format.clone(), shown)
}
