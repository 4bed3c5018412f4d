//! `task pause`, `task resume` and `task run`.

use super::outcome::each;
use crate::commands::failure::Failure;
use crate::commands::output::Output;
use crate::commands::server::Server;
use clap::Args;
use serde_json::json;

/// Which tasks are to be paused.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  xcron_server task pause billing --note 'bank is down'")]
pub struct Pause {
    /// Their ids.
    #[arg(value_name = "ID", required = true)]
    task_ids: Vec<String>,
    /// Why, for whoever looks at them.
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

/// Which tasks are to go on.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  xcron_server task resume billing invoices")]
pub struct Resume {
    /// Their ids.
    #[arg(value_name = "ID", required = true)]
    task_ids: Vec<String>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

/// Which task is to run now.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  xcron_server task run billing")]
pub struct Run {
    /// Its id.
    #[arg(value_name = "ID")]
    task_id: String,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Pause {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let (client, note) = (self.server.client()?, self.note.as_deref());
        each(&client, self.output, "paused", &self.task_ids, async |client, id| {
            client.pause_task(id, note).await
        })
        .await
    }
}

impl Resume {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        each(&client, self.output, "resumed", &self.task_ids, async |client, id| {
            client.resume_task(id).await
        })
        .await
    }
}

impl Run {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let run_id = self.server.client()?.trigger_task(&self.task_id).await?;
        self.output.show(&json!({ "run_id": run_id }), |_| format!("{run_id}\n"))
    }
}
