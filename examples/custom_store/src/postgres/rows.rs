//! From rows to tasks.

use super::failure::Failure;
use postgres::types::{ToSql, Type};
use postgres::{Client, Row};
use std::sync::Arc;
use xcron_core::store::PAGE_TASKS_MAX;
use xcron_core::{Claim, Revision, Task, TaskWithHistory};

/// A value of a statement, with its type.
pub(crate) type Parameter<'a> = (&'a (dyn ToSql + Sync), Type);

/// The tasks that a query ending in `rest` selects.
pub(crate) fn page(
    client: &mut Client,
    rest: &str,
    parameters: &[Parameter<'_>],
) -> Result<Vec<Task>, Failure> {
    let query = format!("SELECT id, definition, state, revision FROM tasks {rest}");
    client.query_typed(&query, parameters)?.iter().map(task).collect()
}

/// The tasks that a query ending in `rest` selects, with how their latest occurrences ended.
pub(crate) fn page_with_history(
    client: &mut Client,
    rest: &str,
    parameters: &[Parameter<'_>],
) -> Result<Vec<TaskWithHistory>, Failure> {
    let query = format!("SELECT id, definition, state, revision, history FROM tasks {rest}");
    let rows = client.query_typed(&query, parameters)?;
    let with_history = |row: &Row| {
        let history = serde_json::from_str(row.get(4))?;
        Ok(TaskWithHistory { task: task(row)?, history })
    };
    rows.iter().map(with_history).collect()
}

/// The most tasks of a page of which `limit` are asked for.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit.min(PAGE_TASKS_MAX)).unwrap_or(i64::MAX)
}

fn task(row: &Row) -> Result<Task, Failure> {
    Ok(Task {
        id: serde_json::from_value(row.get::<_, &str>(0).into())?,
        definition: Arc::new(serde_json::from_str(row.get(1))?),
        state: serde_json::from_str(row.get(2))?,
        revision: Revision(row.get::<_, i64>(3).cast_unsigned()),
    })
}

/// Whether the task of `claim` still holds it.
pub(crate) fn holds(client: &mut Client, claim: &Claim) -> Result<bool, Failure> {
    let query = "SELECT state FROM tasks WHERE id = $1";
    let row = client.query_typed_opt(query, &[(&claim.task.as_str(), Type::TEXT)])?;
    let state = row.map(|row| serde_json::from_str(row.get(0))).transpose()?;
    Ok(state.is_some_and(|state| claim.stands_in(&state)))
}
