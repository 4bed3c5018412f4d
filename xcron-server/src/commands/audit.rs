//! `audit`: every occurrence that was expected against what became of it.

use super::failure::{Failure, complain};
use super::output::Output;
use super::server::{Freshness, Server};
use super::table::{Cell, Table};
use super::times::Moment;
use clap::Args;
use xcron_http::client::{Account, Audit as Answer, AuditQuery};

const EXAMPLES: &str = "\
Examples:
  xcron_server audit
  xcron_server audit --from -1d --detail
  xcron_server audit --task billing -o json";

/// What is to be added up.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Audit {
    /// Occurrences from then on.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    from: Option<Moment>,
    /// Occurrences before then; until now without it.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    to: Option<Moment>,
    /// Of this task.
    #[arg(long = "task", value_name = "ID")]
    task_id: Option<String>,
    /// For each task too.
    #[arg(long)]
    detail: bool,
    #[command(flatten)]
    freshness: Freshness,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Audit {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.freshness.client(&self.server)?;
        let mut query = AuditQuery {
            from: self.from.map(Moment::secs),
            to: self.to.map(Moment::secs),
            task_id: self.task_id.clone(),
            detail: self.detail,
            limit: None,
            cursor: None,
        };
        let mut all = client.audit(&query).await?;
        while let Some(cursor) = all.next_cursor.take() {
            query.cursor = Some(cursor);
            let page = client.audit(&query).await?;
            all.total.add(&page.total);
            all.tasks += page.tasks;
            all.unreadable += page.unreadable;
            let more = page.details.unwrap_or_default();
            all.details = all.details.map(|details| [details, more].concat());
            all.next_cursor = page.next_cursor;
        }
        let printed = self.output.show(&all, |all| told(all, self.output));
        if all.total.difference != 0 {
            let difference = all.total.difference;
            complain(&format!(
                "{difference} occurrences have no outcome or more than one: look at --detail, and \
                 report it as a bug"
            ));
            return Err(Failure::Said);
        }
        printed
    }
}

fn told(audit: &Answer, output: Output) -> String {
    let total = &audit.total;
    let mut facts = vec![("tasks", Cell::of(audit.tasks)), ("expected", Cell::of(total.expected))];
    facts.extend(total.outcomes.iter().map(|(name, count)| (name.as_str(), Cell::of(count))));
    facts.push(("pending", Cell::of(total.pending)));
    facts.push(("difference", difference(total)));
    if audit.unreadable > 0 {
        facts.push(("unreadable", Cell::judged(audit.unreadable.to_string(), false)));
    }
    let text = output.facts(facts);
    let Some(details) = &audit.details else { return text };
    let headings = ["TASK", "EXPECTED", "SUCCEEDED", "FAILED", "OTHER", "PENDING", "DIFFERENCE"];
    let mut table = Table::new(&headings);
    for detail in details {
        let of = |name: &str| detail.sums.outcomes.get(name).copied().unwrap_or_default();
        let (succeeded, failed) = (of("succeeded"), of("failed"));
        let other = detail.sums.outcomes.values().sum::<u64>() - succeeded - failed;
        table.row(vec![
            Cell::new(&detail.task_id),
            Cell::of(detail.sums.expected),
            Cell::of(succeeded),
            Cell::of(failed),
            Cell::of(other),
            Cell::of(detail.sums.pending),
            difference(&detail.sums),
        ]);
    }
    format!("{text}\n{}", output.laid_out(&table))
}

fn difference(account: &Account) -> Cell {
    Cell::judged(account.difference.to_string(), account.difference == 0)
}
