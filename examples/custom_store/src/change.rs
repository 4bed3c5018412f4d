//! What a change does to the tables, within the one transaction of its batch.

use crate::failure::Failure;
use crate::life;
use rusqlite::{OptionalExtension, Transaction, params};
use xcron_core::store::FAILED_RUNS_MAX;
use xcron_core::task::attempt::{FAILED_ATTEMPTS_BYTES_MAX, OTHER_ATTEMPTS_BYTES_MAX};
use xcron_core::{Change, Committed, Conflict, Phase, Revision, RunEnd, RunRecord, TaskId};
use xcron_core::{TaskState, Timestamp};

/// Makes `changes`, in order; each that does not conflict gets the next revision.
pub(crate) fn apply(
    transaction: &Transaction<'_>,
    changes: &[Change],
    history_max: usize,
) -> Result<Vec<Committed>, Failure> {
    let query = "SELECT revision FROM counters";
    let mut newest: i64 = transaction.query_row(query, [], |row| row.get(0))?;
    let mut committed = Vec::with_capacity(changes.len());
    for change in changes {
        let current = revision_of(transaction, change.id())?;
        if let Some(conflict) = conflict(change, current) {
            committed.push(Err(conflict));
            continue;
        }
        newest += 1;
        write(transaction, change, newest, history_max)?;
        committed.push(Ok(Revision(newest.cast_unsigned())));
    }
    transaction.execute("UPDATE counters SET revision = ?1", [newest])?;
    Ok(committed)
}

fn revision_of(transaction: &Transaction<'_>, id: &TaskId) -> Result<Option<Revision>, Failure> {
    let query = "SELECT revision FROM tasks WHERE id = ?1";
    let mut statement = transaction.prepare_cached(query)?;
    let revision: Option<i64> = statement.query_row([id.as_str()], |row| row.get(0)).optional()?;
    Ok(revision.map(|revision| Revision(revision.cast_unsigned())))
}

/// Why `change` does not happen to a task that is at the revision `current`.
fn conflict(change: &Change, current: Option<Revision>) -> Option<Conflict> {
    let expected = match change {
        Change::Create { .. } => return current.map(|_| Conflict::Exists),
        Change::Put { expected, .. } => Some(*expected),
        Change::Delete { expected, .. } => *expected,
    };
    match current {
        None => Some(Conflict::Missing),
        Some(current) if expected.is_none_or(|expected| expected == current) => None,
        Some(current) => Some(Conflict::Stale { current }),
    }
}

fn write(
    transaction: &Transaction<'_>,
    change: &Change,
    revision: i64,
    history_max: usize,
) -> Result<(), Failure> {
    let id = change.id().as_str();
    match change {
        Change::Create { definition, state, .. } => {
            let insert = "INSERT INTO tasks VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
            let definition = serde_json::to_string(&**definition)?;
            let text = serde_json::to_string(state)?;
            let due_at = due_at(transaction, state)?;
            let finished_at = state.finished_at.map(Timestamp::as_millis);
            let status = state.status.as_str();
            transaction.prepare_cached(insert)?.execute(params![
                id,
                definition,
                text,
                revision,
                status,
                due_at,
                finished_at
            ])?;
            note_senders(transaction, id, state)
        }
        Change::Put { definition, state, ended, .. } => {
            let update = "UPDATE tasks SET definition = coalesce(?2, definition), state = ?3, \
                revision = ?4, status = ?5, due_at = ?6, finished_at = ?7 WHERE id = ?1";
            let definition = definition.as_deref().map(serde_json::to_string).transpose()?;
            let text = serde_json::to_string(state)?;
            let due_at = due_at(transaction, state)?;
            let finished_at = state.finished_at.map(Timestamp::as_millis);
            let status = state.status.as_str();
            transaction.prepare_cached(update)?.execute(params![
                id,
                definition,
                text,
                revision,
                status,
                due_at,
                finished_at
            ])?;
            note_senders(transaction, id, state)?;
            remember(transaction, id, ended, history_max)
        }
        Change::Delete { .. } => {
            transaction.prepare_cached("DELETE FROM tasks WHERE id = ?1")?.execute([id])?;
            Ok(())
        }
    }
}

/// What the task is ordered by: at once while a run of a gone life waits.
fn due_at(transaction: &Transaction<'_>, state: &TaskState) -> Result<Option<i64>, Failure> {
    for life in senders(state) {
        if life::is_gone(transaction, life)? {
            return Ok(Some(Timestamp::MIN.as_millis()));
        }
    }
    Ok(state.due_at.map(Timestamp::as_millis))
}

fn note_senders(transaction: &Transaction<'_>, id: &str, state: &TaskState) -> Result<(), Failure> {
    transaction.prepare_cached("DELETE FROM sending WHERE task = ?1")?.execute([id])?;
    let mut insert = transaction.prepare_cached("INSERT OR IGNORE INTO sending VALUES (?1, ?2)")?;
    for life in senders(state) {
        insert.execute(params![life, id])?;
    }
    Ok(())
}

/// The lives that send an attempt of the task.
fn senders(state: &TaskState) -> impl Iterator<Item = i64> {
    state.runs.iter().filter_map(|run| match run.phase {
        Phase::Sending { holder, .. } => Some(holder.incarnation.cast_signed()),
        Phase::Queued | Phase::Waiting { .. } => None,
    })
}

/// Adds `ended` to the history of the task, oldest first, and forgets what exceeds the limits: one
/// for failed runs, one for all others. A failed run that ends again is forgotten as it was.
fn remember(
    transaction: &Transaction<'_>,
    id: &str,
    ended: &[RunRecord],
    history_max: usize,
) -> Result<(), Failure> {
    let again = "DELETE FROM history WHERE task = ?1 AND failed AND run = ?2";
    let mut again = transaction.prepare_cached(again)?;
    let insert = "INSERT INTO history (task, run, failed, record) VALUES (?1, ?2, ?3, ?4)";
    let mut insert = transaction.prepare_cached(insert)?;
    for record in ended {
        let run = serde_json::to_string(&record.occurrence)?;
        again.execute(params![id, run])?;
        let (failed, record) = (record.end == RunEnd::Failed, serde_json::to_string(record)?);
        insert.execute(params![id, run, failed, record])?;
    }
    if ended.is_empty() {
        return Ok(());
    }
    let forget = "DELETE FROM history WHERE task = ?1 AND failed = ?2 AND number NOT IN \
        (SELECT number FROM history WHERE task = ?1 AND failed = ?2 \
        ORDER BY number DESC LIMIT ?3)";
    let mut forget = transaction.prepare_cached(forget)?;
    let bounds = [
        (false, history_max, OTHER_ATTEMPTS_BYTES_MAX),
        (true, FAILED_RUNS_MAX, FAILED_ATTEMPTS_BYTES_MAX),
    ];
    for (failed, kept, attempts_bytes_max) in bounds {
        forget.execute(params![id, failed, i64::try_from(kept).unwrap_or(i64::MAX)])?;
        bound_attempts(transaction, id, failed, attempts_bytes_max)?;
    }
    Ok(())
}

/// Lets go of the attempts of the older runs of the task beyond what they may take.
fn bound_attempts(
    transaction: &Transaction<'_>,
    id: &str,
    failed: bool,
    bytes_max: usize,
) -> Result<(), Failure> {
    let query = "SELECT number, record FROM history WHERE task = ?1 AND failed = ?2 \
        ORDER BY number DESC";
    let mut numbers: Vec<i64> = Vec::new();
    let mut runs: Vec<RunRecord> = Vec::new();
    let mut statement = transaction.prepare_cached(query)?;
    let mut rows = statement.query(params![id, failed])?;
    while let Some(row) = rows.next()? {
        numbers.push(row.get(0)?);
        runs.push(serde_json::from_str(row.get_ref(1)?.as_str().map_err(rusqlite::Error::from)?)?);
    }
    let before: Vec<usize> = runs.iter().map(RunRecord::attempts_bytes).collect();
    RunRecord::bound_attempts(&mut runs, bytes_max);
    let update = "UPDATE history SET record = ?2 WHERE number = ?1";
    let mut update = transaction.prepare_cached(update)?;
    for ((number, run), before) in numbers.iter().zip(&runs).zip(before) {
        if run.attempts_bytes() != before {
            update.execute(params![number, serde_json::to_string(run)?])?;
        }
    }
    Ok(())
}
