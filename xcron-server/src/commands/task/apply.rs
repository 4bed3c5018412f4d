//! `task apply`: makes tasks be as a file says.

use super::difference::{Difference, Differences};
use super::document::{read_text, tasks};
use crate::commands::failure::{Failure, complain, told};
use crate::commands::output::{Output, printable};
use crate::commands::pair::{label, map};
use crate::commands::progress::Progress;
use crate::commands::server::Server;
use clap::Args;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use xcron_http::client::{Client, ClientError, Defaults, ItemResult, NewTask, TaskQuery};

/// How many tasks are created by one call: as many as have room in it, however long their bodies.
const BATCH: usize = 25;

const EXAMPLES: &str = "\
Examples:
  xcron_server task apply -f tasks.yaml --dry-run
  xcron_server task apply -f tasks.yaml --prune --label team=billing --yes

  # tasks.yaml
  tasks:
    - task_id: billing
      type: 1                      # 1 = crontab expression, 2 = once
      format: '0 9 * * MON-FRI'
      timezone: Europe/Paris
      labels: {team: billing}
      callback: {url: 'http://127.0.0.1:9000/bill', body: {run: daily}}";

/// What tasks are to be like.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Apply {
    /// The file, - for stdin.
    #[arg(short, long, value_name = "FILE")]
    file: PathBuf,
    /// Shows what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    /// Deletes those with --label that are not in the file; needs --yes or --dry-run.
    #[arg(long, requires = "labels")]
    prune: bool,
    /// Which tasks --prune looks at; may be repeated, then they have all of them.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label, requires = "prune")]
    labels: Vec<(String, String)>,
    /// Lets --prune delete.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Apply {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        if self.prune && !self.yes && !self.dry_run {
            let why = "--prune deletes tasks: add --yes, or --dry-run to see which";
            return Err(Failure::Usage(why.to_owned()));
        }
        let text = read_text(&self.file)?;
        let wanted = tasks(&text).map_err(|problem| Failure::file(&self.file, &problem))?;
        if self.prune && wanted.is_empty() {
            let why = "holds no task, and --prune would delete all that have the label: if that is \
                       meant, use task delete --label";
            return Err(Failure::file(&self.file, &why));
        }
        let client = self.server.client()?;
        let mut work = Work::declaring(&client, self.dry_run).await?;
        let mut done = work.apply(&wanted).await;
        if let (Ok(()), true, Some(labels)) = (&done, self.prune, map(&self.labels)) {
            let query = TaskQuery { labels, ..TaskQuery::default() };
            done = work.prune(&wanted, query).await;
        }
        let reported = work.report(self.output);
        done?;
        reported
    }
}

/// Applies tasks one after the other, and remembers what became of each.
pub(super) struct Work<'a> {
    client: &'a Client,
    dry_run: bool,
    /// What a task that says nothing more is like.
    defaults: Option<Defaults>,
    tasks: Vec<Applied>,
}

/// What became of one task.
#[derive(Debug, Serialize)]
struct Applied {
    task_id: String,
    result: Became,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fields: Vec<Difference>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Became {
    Created,
    Updated,
    Unchanged,
    Deleted,
    Failed,
}

/// What became of all of them.
#[derive(Debug, Serialize)]
struct Report<'a> {
    created: usize,
    updated: usize,
    unchanged: usize,
    deleted: usize,
    failed: usize,
    dry_run: bool,
    tasks: &'a [Applied],
}

impl<'a> Work<'a> {
    /// Lets what is left open go back to its default.
    async fn declaring(client: &'a Client, dry_run: bool) -> Result<Self, ClientError> {
        let defaults = Some(client.defaults().await?);
        Ok(Self { defaults, ..Self::keeping(client, dry_run) })
    }

    /// Keeps what is left open as it is.
    pub(super) fn keeping(client: &'a Client, dry_run: bool) -> Self {
        Self { client, dry_run, defaults: None, tasks: Vec::new() }
    }

    /// Creates what is missing and updates what differs; ends early when nobody answers.
    pub(super) async fn apply(&mut self, wanted: &[NewTask]) -> Result<(), ClientError> {
        let mut progress = Progress::begin("tasks");
        let mut missing = Vec::new();
        for (index, new) in wanted.iter().enumerate() {
            progress.items(index, wanted.len());
            let id = new.task_id.as_deref().unwrap_or_default();
            match self.client.task(id).await {
                Ok(task) => {
                    let differences = Differences::between(&task, new, self.defaults.as_ref());
                    self.update(id, &differences).await?;
                }
                Err(error) if error.code() == Some(1404) => missing.push(new.clone()),
                Err(error) => self.failed(id, error)?,
            }
            if missing.len() == BATCH {
                self.create(&std::mem::take(&mut missing)).await?;
            }
        }
        self.create(&missing).await
    }

    async fn create(&mut self, tasks: &[NewTask]) -> Result<(), ClientError> {
        let ids = tasks.iter().map(|task| task.task_id.as_deref().unwrap_or_default());
        if self.dry_run {
            ids.for_each(|id| self.done(id, Became::Created, Vec::new()));
            return Ok(());
        }
        if tasks.is_empty() {
            return Ok(());
        }
        let results = self.client.create_tasks(tasks).await?;
        for (id, result) in ids.zip(results) {
            match result {
                ItemResult::Done { .. } => self.done(id, Became::Created, Vec::new()),
                ItemResult::Refused { code, message } => {
                    self.note_failed(id, format!("{message} (code {code})"));
                }
            }
        }
        Ok(())
    }

    async fn update(&mut self, id: &str, differences: &Differences) -> Result<(), ClientError> {
        if differences.fields.is_empty() {
            self.done(id, Became::Unchanged, Vec::new());
            return Ok(());
        }
        if !self.dry_run {
            if differences.is_update()
                && let Err(error) = self.client.update_task(&differences.change).await
            {
                return self.failed(id, error);
            }
            let paused = match differences.pause {
                Some(true) => self.client.pause_task(id, None).await,
                Some(false) => self.client.resume_task(id).await,
                None => Ok(()),
            };
            if let Err(error) = paused {
                return self.failed(id, error);
            }
        }
        self.done(id, Became::Updated, differences.fields.clone());
        Ok(())
    }

    /// Deletes what `query` finds and `wanted` does not hold.
    async fn prune(&mut self, wanted: &[NewTask], query: TaskQuery) -> Result<(), ClientError> {
        let kept: BTreeSet<_> = wanted.iter().filter_map(|task| task.task_id.clone()).collect();
        let mut pages = self.client.task_pages(query);
        while let Some(tasks) = pages.next_page().await? {
            for id in tasks.into_iter().map(|task| task.task_id).filter(|id| !kept.contains(id)) {
                match self.dry_run {
                    true => self.done(&id, Became::Deleted, Vec::new()),
                    false => match self.client.delete_task(&id).await {
                        Ok(()) => self.done(&id, Became::Deleted, Vec::new()),
                        Err(error) => self.failed(&id, error)?,
                    },
                }
            }
        }
        Ok(())
    }

    /// Notes a refusal; anything else ends the work, because the next would fail in the same way.
    fn failed(&mut self, id: &str, error: ClientError) -> Result<(), ClientError> {
        match error {
            ClientError::Refused(_) => {
                self.note_failed(id, told(&error));
                Ok(())
            }
            error => Err(error),
        }
    }

    fn note_failed(&mut self, id: &str, error: String) {
        let (task_id, fields) = (id.to_owned(), Vec::new());
        self.tasks.push(Applied { task_id, result: Became::Failed, fields, error: Some(error) });
    }

    fn done(&mut self, id: &str, result: Became, fields: Vec<Difference>) {
        self.tasks.push(Applied { task_id: id.to_owned(), result, fields, error: None });
    }

    /// Prints what became of each and of all; an error when anything failed.
    pub(super) fn report(&self, output: Output) -> Result<(), Failure> {
        for Applied { task_id, error, .. } in &self.tasks {
            if let Some(error) = error {
                complain(&format!("{task_id}: {error}"));
            }
        }
        let count = |became| self.tasks.iter().filter(|task| task.result == became).count();
        let report = Report {
            created: count(Became::Created),
            updated: count(Became::Updated),
            unchanged: count(Became::Unchanged),
            deleted: count(Became::Deleted),
            failed: count(Became::Failed),
            dry_run: self.dry_run,
            tasks: &self.tasks,
        };
        let printed = output.show(&report, Report::told);
        if report.failed == 0 { printed } else { Err(Failure::Said) }
    }
}

impl Report<'_> {
    fn told(&self) -> String {
        let would = if self.dry_run { "would be " } else { "" };
        let mut text = String::new();
        for Applied { task_id, result, fields, .. } in self.tasks {
            let done = match result {
                Became::Created => format!("{would}created"),
                Became::Updated => format!("{would}updated: {}", told_all(fields)),
                Became::Deleted => format!("{would}deleted"),
                Became::Unchanged => "unchanged".to_owned(),
                // Why was said on stderr.
                Became::Failed => continue,
            };
            text.push_str(&format!("{} {done}\n", printable(task_id)));
        }
        let counts = [
            (self.created, "created"),
            (self.updated, "updated"),
            (self.unchanged, "unchanged"),
            (self.deleted, "deleted"),
            (self.failed, "failed"),
        ];
        let counts = counts.into_iter().filter(|(count, name)| *count > 0 || *name == "unchanged");
        let counts: Vec<_> = counts.map(|(count, name)| format!("{count} {name}")).collect();
        let nothing = if self.dry_run { " (nothing was done)" } else { "" };
        format!("{text}{}{nothing}\n", counts.join(", "))
    }
}

/// What differs, in one line.
fn told_all(fields: &[Difference]) -> String {
    let told = |Difference { field, from, to }: &Difference| format!("{field} {from} -> {to}");
    printable(&fields.iter().map(told).collect::<Vec<_>>().join(", "))
}
