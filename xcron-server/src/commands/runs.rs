//! `runs`: what became of occurrences.

use super::failure::Failure;
use super::listing::{Listing, Portion};
use super::output::Output;
use super::server::{Freshness, Server};
use super::table::Cell;
use super::times::{Moment, shown};
use clap::Args;
use xcron_http::client::{Attempt, Run, RunQuery};

/// What a run may be, ended or open.
const STATUSES: [&str; 10] = [
    "succeeded",
    "failed",
    "unknown",
    "cancelled",
    "skipped_misfire",
    "skipped_overlap",
    "skipped_paused",
    "queued",
    "running",
    "retrying",
];

/// The columns of runs.
pub(super) const HEADINGS: &[&str] =
    &["RUN", "STATUS", "ATTEMPT", "STARTED", "ENDED", "HTTP", "ERROR"];

const EXAMPLES: &str = "\
Examples:
  xcron_server runs --task billing --attempts
  xcron_server runs --status failed --from -1d        # the dead letters of a day
  xcron_server runs --status failed --all -o json | jq -r '.runs[].run_id'";

/// Which runs are to be listed.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Runs {
    /// Of this task.
    #[arg(long = "task", value_name = "ID")]
    task_id: Option<String>,
    /// With this status.
    #[arg(long, value_parser = STATUSES)]
    status: Option<String>,
    /// Scheduled from then on.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Scheduled before then.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Moment>,
    /// Shows each attempt.
    #[arg(long)]
    attempts: bool,
    #[command(flatten)]
    portion: Portion,
    #[command(flatten)]
    freshness: Freshness,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Runs {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.freshness.client(&self.server)?;
        let mut query = RunQuery {
            task_id: self.task_id.clone(),
            status: self.status.clone(),
            from: self.from.map(Moment::secs),
            to: self.to.map(Moment::secs),
            attempts: self.attempts,
            limit: None,
            cursor: self.portion.cursor.clone(),
        };
        let mut listing = Listing::new(self.output, &self.portion, "runs", HEADINGS);
        while let Some(limit) = listing.wanted() {
            query.limit = Some(limit);
            let page = client.list_runs(&query).await?;
            listing.page(&page.runs, rows)?;
            query.cursor = page.next_cursor;
            if query.cursor.is_none() {
                break;
            }
        }
        listing.end(query.cursor.as_deref())
    }
}

/// A run, and its attempts below it where they were asked for.
pub(super) fn rows(run: &Run) -> Vec<Vec<Cell>> {
    let name = match run.count {
        0 | 1 => run.run_id.clone(),
        more => format!("{} and {} before it", run.run_id, more - 1),
    };
    let row = vec![
        Cell::new(name),
        Cell::state(&run.status),
        Cell::of(run.attempt),
        Cell::maybe(run.started_at.map(shown)),
        Cell::maybe(run.ended_at.map(shown)),
        Cell::maybe(run.http_status),
        Cell::new(run.error.as_deref().unwrap_or_default()),
    ];
    std::iter::once(row).chain(run.attempts.iter().flatten().map(attempt)).collect()
}

fn attempt(attempt: &Attempt) -> Vec<Cell> {
    let latency = attempt.latency_ms.map_or_else(String::new, |ms| format!(", {ms} ms"));
    vec![
        Cell::faint(format!("  on node {}{latency}", attempt.node)),
        Cell::state(&attempt.status),
        Cell::of(attempt.attempt),
        Cell::of(shown(attempt.started_at)),
        Cell::of(shown(attempt.ended_at)),
        Cell::maybe(attempt.http_status),
        Cell::new(attempt.error.as_deref().or(attempt.response.as_deref()).unwrap_or_default()),
    ]
}
