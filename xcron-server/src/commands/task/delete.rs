//! `task delete`.

use super::outcome::each;
use crate::commands::failure::Failure;
use crate::commands::output::Output;
use crate::commands::pair::{label, map};
use crate::commands::server::Server;
use clap::Args;
use serde_json::json;
use std::collections::BTreeMap;
use xcron_http::client::{Client, TaskQuery};

const EXAMPLES: &str = "\
Examples:
  xcron_server task delete billing invoices
  xcron_server task delete --label team=billing          # says how many that would be
  xcron_server task delete --label team=billing --yes";

/// Which tasks are to be deleted.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Delete {
    /// Their ids.
    #[arg(value_name = "ID", required_unless_present = "labels", conflicts_with = "labels")]
    task_ids: Vec<String>,
    /// All that have this label; may be repeated, then they have all of them.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Does it, instead of saying how many have the label.
    #[arg(long)]
    yes: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Delete {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        match map(&self.labels) {
            None => {
                each(&client, self.output, "deleted", &self.task_ids, async |client, id| {
                    client.delete_task(id).await
                })
                .await
            }
            Some(labels) if self.yes => {
                let deleted = delete_all(&client, &labels).await?;
                self.output.show(&json!({ "deleted": deleted }), |_| format!("deleted {deleted}\n"))
            }
            Some(labels) => {
                let query = TaskQuery { labels, ..TaskQuery::default() };
                let (mut count, mut pages) = (0, client.task_pages(query));
                while let Some(tasks) = pages.next_page().await? {
                    count += tasks.len();
                }
                let why = format!("{count} tasks would be deleted: add --yes to delete them");
                Err(Failure::Usage(why))
            }
        }
    }
}

/// Deletes all tasks with these labels; how many there were.
pub(in crate::commands) async fn delete_all(
    client: &Client,
    labels: &BTreeMap<String, String>,
) -> Result<u64, Failure> {
    let mut all = 0;
    loop {
        let (deleted, more) = client.delete_labelled(labels).await?;
        all += deleted;
        if !more {
            return Ok(all);
        }
    }
}
