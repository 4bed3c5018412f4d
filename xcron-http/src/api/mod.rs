//! The API: text becomes core types at the edge, a handler asks the scheduler, an answer goes out.
//!
//! | call | file |
//! |---|---|
//! | `POST /xcron/createTask` | `create_task`, with `definition` and `callback` for its fields |
//! | `POST /xcron/deleteTask` | `delete_task` |
//! | `POST /xcron/updateTask` | `update_task` |
//! | `POST /xcron/pauseTask`, `/xcron/resumeTask` | `pause_task` |
//! | `POST /xcron/triggerTask` | `trigger_task` |
//! | `POST /xcron/createTasks` | `create_tasks` |
//! | `POST /xcron/deleteTasks` | `delete_tasks` |
//! | `GET /xcron/listTasks` | `list_tasks`, with `selection` for which |
//! | `GET /xcron/listRuns` | `list_runs`, with `run_view` for what it shows |
//! | `POST /xcron/retryRun` | `retry_run` |
//! | `GET /xcron/queryTask` | `query_task`, with `task_view`, `options_view` for what it shows |
//! | `GET /xcron/defaults` | `defaults` |
//! | `GET /xcron/previewSchedule` | `preview_schedule` |
//! | `GET /xcron/audit` | `audit` |
//! | `GET /xcron/cluster` | `cluster_status` |
//! | `POST /xcron/cluster/removeNode` | `remove_node` |
//! | `POST /xcron/cluster/transferLeader` | `transfer_leader` |
//! | `GET /xcron/cluster/backup` | `backup` |
//! | `GET /xcron/metrics` | `node_metrics` |
//! | `GET /healthz`, `/readyz` | `health` |
//! | `GET /openapi.json` | `openapi` |
//!
//! Which role each of them needs stands in `needs`.

mod attempt_view;
mod audit;
mod backup;
mod callback;
mod choice;
mod cluster_status;
mod create_task;
mod create_tasks;
mod defaults;
mod definition;
mod delete_task;
mod delete_tasks;
mod fields;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod health;
mod list_runs;
mod list_tasks;
mod needs;
mod node_metrics;
mod openapi;
mod options_view;
mod params;
mod pause_task;
mod preview_schedule;
mod query_task;
mod raw_json;
mod refusal;
mod remove_node;
mod retry_run;
mod routes;
mod run_view;
mod selection;
mod settings;
mod task_view;
mod transfer_leader;
mod trigger_task;
mod update_task;

pub(crate) use callback::FIELDS as CALLBACK_FIELDS;
pub(crate) use definition::{FIELDS as TASK_FIELDS, RETRY_FIELDS};
pub(crate) use health::health_routes;
pub(crate) use raw_json::compact;
pub use routes::api_router;
pub(crate) use routes::{not_found, wrong_method};
pub use settings::ApiSettings;

use crate::answer::{Code, RequestIds};
use crate::cluster::Cluster;
use crate::metrics::Metrics;
use refusal::Refusal;
use std::sync::Arc;
use tokio::sync::Semaphore;
use xcron_core::Scheduler;

/// What the handlers share.
#[derive(Debug)]
struct Api {
    scheduler: Scheduler,
    settings: ApiSettings,
    ids: RequestIds,
    metrics: Metrics,
    cluster: Option<Arc<dyn Cluster>>,
    /// A place for each backup that may be on its way.
    backups: Arc<Semaphore>,
}

impl Api {
    /// The cluster, or the refusal of a call that needs one.
    fn cluster(&self) -> Result<&dyn Cluster, Refusal> {
        let none = || Refusal::new(Code::NotFound, "this server has no cluster");
        self.cluster.as_deref().ok_or_else(none)
    }
}
