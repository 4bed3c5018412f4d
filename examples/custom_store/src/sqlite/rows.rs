//! From rows to tasks.

use super::failure::Failure;
use rusqlite::{Connection, OptionalExtension, Params, Row};
use std::sync::Arc;
use xcron_core::store::PAGE_TASKS_MAX;
use xcron_core::{Revision, Task, TaskCounts, TaskId, TaskState, TaskWithHistory, Timestamp};

/// The tasks that a query ending in `rest` selects.
pub(crate) fn page(
    connection: &Connection,
    rest: &str,
    parameters: impl Params,
) -> Result<Vec<Task>, Failure> {
    let query = format!("SELECT id, definition, state, revision FROM tasks {rest}");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query(parameters)?;
    let mut tasks = Vec::new();
    while let Some(row) = rows.next()? {
        tasks.push(task(row)?);
    }
    Ok(tasks)
}

/// The most tasks of a page of which `limit` are asked for.
pub(crate) fn limit(limit: usize) -> i64 {
    i64::try_from(limit.min(PAGE_TASKS_MAX)).unwrap_or(i64::MAX)
}

fn task(row: &Row<'_>) -> Result<Task, Failure> {
    let text = |column: usize| row.get_ref(column)?.as_str().map_err(rusqlite::Error::from);
    Ok(Task {
        id: serde_json::from_value(text(0)?.into())?,
        definition: Arc::new(serde_json::from_str(text(1)?)?),
        state: serde_json::from_str(text(2)?)?,
        revision: Revision(row.get::<_, i64>(3)?.cast_unsigned()),
    })
}

/// The state of the task named `id`.
pub(crate) fn state(connection: &Connection, id: &TaskId) -> Result<Option<TaskState>, Failure> {
    let query = "SELECT state FROM tasks WHERE id = ?1";
    let mut statement = connection.prepare_cached(query)?;
    let state = statement.query_row([id.as_str()], |row| row.get::<_, String>(0)).optional()?;
    Ok(state.map(|state| serde_json::from_str(&state)).transpose()?)
}

/// The tasks that a query ending in `rest` selects, with how their latest occurrences ended.
pub(crate) fn page_with_history(
    connection: &Connection,
    rest: &str,
    parameters: impl Params,
) -> Result<Vec<TaskWithHistory>, Failure> {
    let query = format!("SELECT id, definition, state, revision, history FROM tasks {rest}");
    let mut statement = connection.prepare_cached(&query)?;
    let mut rows = statement.query(parameters)?;
    let mut tasks = Vec::new();
    while let Some(row) = rows.next()? {
        let history = row.get_ref(4)?.as_str().map_err(rusqlite::Error::from)?;
        tasks.push(TaskWithHistory { task: task(row)?, history: serde_json::from_str(history)? });
    }
    Ok(tasks)
}

/// The earliest instant at which somebody must decide about a task.
pub(crate) fn next_due(connection: &Connection) -> Result<Option<Timestamp>, Failure> {
    let query = "SELECT min(due_at) FROM tasks WHERE due_at IS NOT NULL";
    let mut statement = connection.prepare_cached(query)?;
    let due: Option<i64> = statement.query_row([], |row| row.get(0))?;
    Ok(due.map(Timestamp::from_millis))
}

/// How many tasks there are, by status.
pub(crate) fn counts(connection: &Connection) -> Result<TaskCounts, Failure> {
    let query = "SELECT active, paused, finished FROM counters";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement.query_row([], |row| {
        let count = |column| row.get(column).map(i64::cast_unsigned);
        Ok(TaskCounts { active: count(0)?, paused: count(1)?, finished: count(2)? })
    })?)
}
