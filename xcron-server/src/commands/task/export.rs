//! `task export`: what `apply` reads.

use crate::commands::failure::Failure;
use crate::commands::output::{json, print};
use crate::commands::pair::{label, map};
use crate::commands::server::Server;
use clap::Args;
use xcron_http::client::TaskQuery;

const EXAMPLES: &str = "\
Examples:
  xcron_server task export > tasks.json
  xcron_server task export | XCRON_SERVER_URL=http://10.0.0.9:8000 xcron_server task apply -f -";

/// Which tasks are to be written.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Export {
    /// Only those with this label; may be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Those too that have no occurrence left.
    #[arg(long)]
    finished: bool,
    #[command(flatten)]
    server: Server,
}

impl Export {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let labels = map(&self.labels).unwrap_or_default();
        let mut pages = client.task_pages(TaskQuery { labels, ..TaskQuery::default() });
        let mut between = "";
        print("{\"tasks\": [")?;
        while let Some(tasks) = pages.next_page().await? {
            let tasks = tasks.iter().filter(|task| self.finished || task.state != "finished");
            for task in tasks {
                print(&format!("{between}\n{}", json(&task.definition())?))?;
                between = ",";
            }
        }
        print("\n]}\n")
    }
}
