//! Which path and method leads to which handler.

use super::audit::audit;
use super::backup::{BACKUPS_MAX, backup};
use super::cluster_status::cluster_status;
use super::create_task::create_task;
use super::create_tasks::create_tasks;
use super::defaults::defaults;
use super::delete_task::delete_task;
use super::delete_tasks::delete_tasks;
use super::fields::short;
use super::health::health_routes;
use super::list_runs::list_runs;
use super::list_tasks::list_tasks;
use super::needs::NEEDS;
use super::node_metrics::node_metrics;
use super::openapi::openapi;
use super::pause_task::{pause_task, resume_task};
use super::preview_schedule::preview_schedule;
use super::query_task::query_task;
use super::remove_node::remove_node;
use super::retry_run::retry_run;
use super::transfer_leader::transfer_leader;
use super::trigger_task::trigger_task;
use super::update_task::update_task;
use super::{Api, ApiSettings};
use crate::answer::{Answer, Code, RequestIds};
use crate::auth::Access;
use crate::cluster::Cluster;
use crate::dashboard::dashboard_routes;
use crate::metrics::Metrics;
use crate::serve::{Gate, ServerSettings, guard};
use axum::Router;
use axum::routing::{MethodRouter, get, post};
use http::{Method, Uri};
use std::sync::Arc;
use tokio::sync::Semaphore;
use xcron_core::Scheduler;

/// The API of `scheduler`, health and dashboard included, ready for a [`Server`](crate::Server).
///
/// Without a `cluster` its calls answer 1404. Who may call what is for `access` to say.
///
/// ```
/// use std::sync::Arc;
/// use xcron_core::{MemoryStore, Outcome, Scheduler, dispatch_fn};
/// use xcron_http::{Access, ApiSettings, Metrics, ServerSettings, api_router};
///
/// let dispatcher = dispatch_fn(|_delivery| async { Outcome::succeeded() });
/// let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher).build();
/// let (api, server) = (ApiSettings::default(), ServerSettings::default());
/// let router = api_router(scheduler, api, server, &Metrics::new(), None, Access::open());
/// # drop(router);
/// ```
pub fn api_router(
    scheduler: Scheduler,
    settings: ApiSettings,
    server: ServerSettings,
    metrics: &Metrics,
    cluster: Option<Arc<dyn Cluster>>,
    access: Access,
) -> Router {
    let gate = Gate::new(server, metrics.clone(), Arc::clone(scheduler.clock()));
    let health = health_routes(scheduler.clone());
    let (ids, backups) = (RequestIds::new(), Arc::new(Semaphore::new(BACKUPS_MAX)));
    let api =
        Arc::new(Api { scheduler, settings, ids, metrics: metrics.clone(), cluster, backups });
    let mut router = Router::new();
    for (path, methods) in routes() {
        router = router.route(path, methods);
    }
    let router = router
        .with_state(api)
        .merge(health)
        .merge(dashboard_routes())
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method);
    guard(router, gate.for_those_of(access, NEEDS))
}

fn routes() -> [(&'static str, MethodRouter<Arc<Api>>); 21] {
    [
        ("/xcron/createTask", post(create_task)),
        ("/xcron/deleteTask", post(delete_task)),
        ("/xcron/queryTask", get(query_task)),
        ("/xcron/updateTask", post(update_task)),
        ("/xcron/pauseTask", post(pause_task)),
        ("/xcron/resumeTask", post(resume_task)),
        ("/xcron/triggerTask", post(trigger_task)),
        ("/xcron/createTasks", post(create_tasks)),
        ("/xcron/deleteTasks", post(delete_tasks)),
        ("/xcron/listTasks", get(list_tasks)),
        ("/xcron/listRuns", get(list_runs)),
        ("/xcron/retryRun", post(retry_run)),
        ("/xcron/audit", get(audit)),
        ("/xcron/defaults", get(defaults)),
        ("/xcron/previewSchedule", get(preview_schedule)),
        ("/xcron/cluster", get(cluster_status)),
        ("/xcron/cluster/removeNode", post(remove_node)),
        ("/xcron/cluster/transferLeader", post(transfer_leader)),
        ("/xcron/cluster/backup", get(backup)),
        ("/xcron/metrics", get(node_metrics)),
        ("/openapi.json", get(openapi)),
    ]
}

/// Answers to paths that do not exist.
pub(crate) async fn not_found(uri: Uri) -> Answer {
    Answer::error(Code::NotFound, format!("there is no path {}", short(uri.path())))
}

/// Answers to methods that a path does not have; `allow` is added by the router.
pub(crate) async fn wrong_method(method: Method, uri: Uri) -> Answer {
    let (method, path) = (short(method.as_str()), short(uri.path()));
    Answer::error(Code::MethodNotAllowed, format!("{path} does not take {method}"))
}

#[cfg(test)]
mod tests {
    use super::{NEEDS, routes};
    use crate::api::openapi::OPENAPI;
    use crate::dashboard::PATHS;
    use serde_json::Value;
    use std::collections::BTreeSet;

    #[test]
    fn the_description_has_every_route_and_no_other() {
        let document: Value = serde_json::from_str(OPENAPI).unwrap();
        let described: BTreeSet<&str> =
            document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
        let mut routed: BTreeSet<&str> = routes().iter().map(|(path, _)| *path).collect();
        // Files of the dashboard are for the page alone: no program is to ask for them.
        routed.extend(["/healthz", "/readyz", PATHS[0]]);
        assert_eq!(described, routed);
    }

    #[test]
    fn every_route_says_what_it_needs_of_its_caller() {
        let mut routed: BTreeSet<&str> = routes().iter().map(|(path, _)| *path).collect();
        routed.extend(["/healthz", "/readyz"].into_iter().chain(PATHS));
        let said: BTreeSet<&str> = NEEDS.0.iter().map(|(path, _)| *path).collect();
        assert_eq!(said, routed);
        assert_eq!(NEEDS.0.len(), said.len(), "a path stands in the table twice");
    }
}
