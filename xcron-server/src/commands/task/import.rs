//! `task import-crontab`.

use super::apply::Work;
use super::crontab::{Crontab, Manner};
use super::document::read_text;
use crate::commands::failure::{Failure, complain};
use crate::commands::output::{Output, note, printable};
use crate::commands::pair::{label, map};
use crate::commands::server::Server;
use clap::Args;
use std::path::PathBuf;

const EXAMPLES: &str = "\
Examples:
  crontab -l | xcron_server task import-crontab - --url http://127.0.0.1:9000/run --dry-run
  xcron_server task import-crontab /etc/crontab --system --tz Europe/Paris \\
      --url 'http://127.0.0.1:9000/run/{id}' --id-prefix host7- --label from=crontab";

/// Which crontab, and what is to be called.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct ImportCrontab {
    /// The crontab, - for stdin.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What is called with the command; {id} stands for the id of the task.
    #[arg(long, alias = "url-template")]
    url: String,
    /// What ids begin with.
    #[arg(long, value_name = "TEXT", default_value = "crontab-")]
    id_prefix: String,
    /// The zone of lines before the first CRON_TZ or TZ; the server's default without it.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// A user stands before each command, as in /etc/crontab.
    #[arg(long)]
    system: bool,
    /// A label of all its tasks; may be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Shows what would be done, and does nothing.
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl ImportCrontab {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let manner = Manner {
            zone: self.tz.as_deref(),
            has_users: self.system,
            id_prefix: &self.id_prefix,
            url: &self.url,
        };
        let mut read = Crontab::read(&read_text(&self.file)?, manner);
        for task in &mut read.tasks {
            task.options.labels = map(&self.labels).into();
        }
        for (line, what) in &read.notes {
            note(&format!("note: line {line}: {}", printable(what)));
        }
        for (line, problem) in &read.bad {
            complain(&format!("line {line}: {problem}"));
        }
        let client = self.server.client()?;
        // A crontab says when and what, and nothing about the rest: that stays.
        let mut work = Work::keeping(&client, self.dry_run);
        let done = work.apply(&read.tasks).await;
        let reported = work.report(self.output);
        done?;
        if read.bad.is_empty() { reported } else { Err(Failure::Said) }
    }
}
