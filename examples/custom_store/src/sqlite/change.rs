//! A batch of changes within its one transaction: what it finds, and what it writes.

use super::failure::Failure;
use super::life;
use crate::batch::{self, Found, Writes, Written};
use rusqlite::{OptionalExtension, Transaction, params};
use std::collections::BTreeMap;
use xcron_core::{Change, Committed, Revision, TaskId, TaskState, Timestamp};

/// Makes `changes`, in order; each that does not conflict gets the next revision.
pub(crate) fn apply(
    transaction: &Transaction<'_>,
    changes: Vec<Change>,
    history_max: usize,
) -> Result<Vec<Committed>, Failure> {
    let query = "SELECT revision FROM counters";
    let newest: i64 = transaction.query_row(query, [], |row| row.get(0))?;
    let mut tasks = BTreeMap::new();
    for id in batch::named(&changes).into_keys() {
        if let Some(found) = find(transaction, id)? {
            tasks.insert(id.clone(), found);
        }
    }
    let counts = super::rows::counts(transaction)?;
    let newest = Revision(newest.cast_unsigned());
    let writes = batch::apply(changes, tasks, newest, counts, history_max);
    write(transaction, &writes)?;
    Ok(writes.committed)
}

fn find(transaction: &Transaction<'_>, id: &TaskId) -> Result<Option<Found>, Failure> {
    let query = "SELECT revision, status, history FROM tasks WHERE id = ?1";
    let mut statement = transaction.prepare_cached(query)?;
    let read = |row: &rusqlite::Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: Option<(i64, String, String)> =
        statement.query_row([id.as_str()], read).optional()?;
    let Some((revision, status, history)) = found else {
        return Ok(None);
    };
    let (revision, status) = (Revision(revision.cast_unsigned()), batch::status(&status));
    Ok(Some(Found { revision, status, history: serde_json::from_str(&history)? }))
}

fn write(transaction: &Transaction<'_>, writes: &Writes) -> Result<(), Failure> {
    for id in &writes.deleted {
        transaction.prepare_cached("DELETE FROM tasks WHERE id = ?1")?.execute([id.as_str()])?;
    }
    for task in &writes.written {
        write_task(transaction, task)?;
        note_senders(transaction, task.id.as_str(), &task.state)?;
    }
    let update = "UPDATE counters SET revision = ?1, active = ?2, paused = ?3, finished = ?4";
    let numbers = [writes.newest.0, writes.counts.active, writes.counts.paused];
    let [newest, active, paused] = numbers.map(u64::cast_signed);
    let finished = writes.counts.finished.cast_signed();
    transaction.prepare_cached(update)?.execute([newest, active, paused, finished])?;
    Ok(())
}

fn write_task(transaction: &Transaction<'_>, task: &Written) -> Result<(), Failure> {
    let Written { id, revision, definition, state, history } = task;
    let definition = definition.as_deref().map(serde_json::to_string).transpose()?;
    let has_failed = history.as_deref().map(batch::has_failed);
    let history = history.as_ref().map(serde_json::to_string).transpose()?;
    let due_at = due_at(transaction, state)?;
    let finished_at = state.finished_at.map(Timestamp::as_millis);
    let update = "UPDATE tasks SET definition = coalesce(?2, definition), state = ?3, \
        revision = ?4, status = ?5, due_at = ?6, finished_at = ?7, \
        history = coalesce(?8, history), has_failed = coalesce(?9, has_failed) WHERE id = ?1";
    let insert = "INSERT INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
    let (text, status) = (serde_json::to_string(state)?, state.status.as_str());
    let revision = revision.0.cast_signed();
    let values = params![
        id.as_str(),
        definition,
        text,
        revision,
        status,
        due_at,
        finished_at,
        history,
        has_failed
    ];
    if transaction.prepare_cached(update)?.execute(values)? == 0 {
        transaction.prepare_cached(insert)?.execute(values)?;
    }
    Ok(())
}

/// What the task is ordered by.
fn due_at(transaction: &Transaction<'_>, state: &TaskState) -> Result<Option<i64>, Failure> {
    let mut gone = Vec::new();
    for life in batch::senders(state) {
        if life::is_gone(transaction, life)? {
            gone.push(life);
        }
    }
    Ok(batch::due_at(state, |life| gone.contains(&life)).map(Timestamp::as_millis))
}

fn note_senders(transaction: &Transaction<'_>, id: &str, state: &TaskState) -> Result<(), Failure> {
    transaction.prepare_cached("DELETE FROM sending WHERE task = ?1")?.execute([id])?;
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO sending VALUES (?1, ?2)")?;
    for life in batch::senders(state) {
        insert.execute(params![life, id])?;
    }
    Ok(())
}
