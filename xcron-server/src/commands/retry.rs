//! `retry`: failed runs again.

use super::failure::Failure;
use super::output::Output;
use super::server::Server;
use clap::Args;
use serde_json::json;

const EXAMPLES: &str = "\
Examples:
  xcron_server retry billing@1893456000
  xcron_server retry --task billing --all-failed";

/// Which runs are to run again.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Retry {
    /// A failed run.
    #[arg(value_name = "RUN_ID", required_unless_present = "task_id", conflicts_with = "task_id")]
    run_id: Option<String>,
    /// Runs of this task.
    #[arg(long = "task", value_name = "ID", requires = "all_failed")]
    task_id: Option<String>,
    /// All that failed.
    #[arg(long, requires = "task_id")]
    all_failed: bool,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Retry {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        let client = self.server.client()?;
        let run_ids = match (&self.run_id, &self.task_id) {
            (Some(run_id), _) => client.retry_run(run_id).await?,
            (None, Some(task_id)) => client.retry_failed(task_id).await?,
            (None, None) => return Err(Failure::Usage("a RUN_ID is missing".to_owned())),
        };
        self.output.show(&json!({ "run_ids": run_ids }), |_| {
            let lines = run_ids.iter().map(|run_id| format!("retried {run_id}\n")).collect();
            if run_ids.is_empty() { "nothing has failed\n".to_owned() } else { lines }
        })
    }
}
