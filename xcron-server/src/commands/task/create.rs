//! `task create`.

use super::fields::Fields;
use crate::commands::failure::Failure;
use crate::commands::output::Output;
use crate::commands::server::Server;
use clap::Args;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  xcron_server task create --task-id billing --cron '0 9 * * MON-FRI' --tz Europe/Paris \\
      --url http://127.0.0.1:9000/bill --body '{\"run\": \"daily\"}' --label team=billing
  xcron_server task create --at +10m --url http://127.0.0.1:9000/expire --body 'order=7'
  xcron_server task create --at 2030-01-01T00:00:00Z --url http://127.0.0.1:9000/close \\
      --delivery at_most_once";

/// What is to be created.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Create {
    #[command(flatten)]
    fields: Fields,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Create {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let task = self.fields.task()?;
        let task_id = self.server.client()?.create_task(&task).await?;
        self.output.show(&json!({ "task_id": task_id }), |_| format!("{task_id}\n"))
    }
}
