//! What each path needs of its caller.

use crate::auth::{Need, Needs, Role};

const NOTHING: Need = Need::Nothing;
const READ: Need = Need::Role(Role::Read);
const WRITE: Need = Need::Role(Role::Write);
const ADMIN: Need = Need::Role(Role::Admin);

/// One line for each route, which a test holds against the routes.
pub(super) const NEEDS: Needs = Needs(&[
    ("/xcron/createTask", WRITE),
    ("/xcron/deleteTask", WRITE),
    ("/xcron/updateTask", WRITE),
    ("/xcron/pauseTask", WRITE),
    ("/xcron/resumeTask", WRITE),
    ("/xcron/triggerTask", WRITE),
    ("/xcron/createTasks", WRITE),
    ("/xcron/deleteTasks", WRITE),
    ("/xcron/retryRun", WRITE),
    ("/xcron/listTasks", READ),
    ("/xcron/listRuns", READ),
    ("/xcron/audit", READ),
    ("/xcron/queryTask", READ),
    ("/xcron/defaults", READ),
    ("/xcron/previewSchedule", READ),
    ("/xcron/cluster", READ),
    ("/xcron/metrics", READ),
    ("/xcron/cluster/removeNode", ADMIN),
    ("/xcron/cluster/transferLeader", ADMIN),
    // It reads, but all there is, callbacks with their headers and bodies included.
    ("/xcron/cluster/backup", ADMIN),
    ("/openapi.json", NOTHING),
    // The dashboard holds nothing of anybody: what it shows comes from the paths above.
    ("/", NOTHING),
    ("/assets/{version}/{file}", NOTHING),
    ("/healthz", NOTHING),
    ("/readyz", NOTHING),
]);
