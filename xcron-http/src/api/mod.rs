//! The API: text becomes core types at the edge, a handler asks the scheduler, an answer goes out.
//!
//! | call | file |
//! |---|---|
//! | `POST /xcron/createTask` | `create_task`, with `definition` and `callback` for its fields |
//! | `POST /xcron/deleteTask` | `delete_task` |
//! | `GET /xcron/queryTask` | `query_task`, with `task_view` for what it shows |
//! | `GET /xcron/previewSchedule` | `preview_schedule` |
//! | `GET /healthz`, `/readyz` | `health` |
//! | `GET /`, `/openapi.json` | `pages` |

mod callback;
mod choice;
mod create_task;
mod definition;
mod delete_task;
mod fields;
mod health;
mod pages;
mod params;
mod preview_schedule;
mod query_task;
mod raw_json;
mod refusal;
mod routes;
mod settings;
mod task_view;

pub(crate) use health::health_routes;
pub use routes::api_router;
pub(crate) use routes::{not_found, wrong_method};
pub use settings::ApiSettings;

use crate::answer::RequestIds;
use xcron_core::Scheduler;

/// What the handlers share.
#[derive(Debug)]
struct Api {
    scheduler: Scheduler,
    settings: ApiSettings,
    ids: RequestIds,
}
