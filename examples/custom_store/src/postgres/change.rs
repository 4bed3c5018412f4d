//! A batch of changes as one transaction: what it finds, and what it writes.

use super::failure::Failure;
use super::view::View;
use crate::batch::{self, Found, Writes, Written};
use postgres::types::Type;
use postgres::{Client, Transaction};
use std::collections::BTreeMap;
use xcron_core::{Change, Committed, Revision, TaskCounts, TaskId, TaskState, Timestamp};

/// Makes `changes`, in order, and durable; with what the database looks like then.
pub(crate) fn commit(
    client: &mut Client,
    changes: Vec<Change>,
    history_max: usize,
) -> Result<(Vec<Committed>, View), Failure> {
    let mut transaction = client.transaction()?;
    // Whoever holds this row is the one writer; everything below sees what was committed before.
    let query = "SELECT revision, active, paused, finished FROM counters FOR UPDATE";
    let row = transaction.query_typed_one(query, &[])?;
    let number = |column| row.get::<_, i64>(column).cast_unsigned();
    let counts = TaskCounts { active: number(1), paused: number(2), finished: number(3) };
    let found = find(&mut transaction, &changes)?;
    let writes = batch::apply(changes, found, Revision(number(0)), counts, history_max);
    write(&mut transaction, &writes)?;
    let view = View::read(&mut transaction)?;
    transaction.commit().map_err(Failure::Unanswered)?;
    Ok((writes.committed, view))
}

/// The tasks that `changes` name, as far as they exist.
fn find(
    transaction: &mut Transaction<'_>,
    changes: &[Change],
) -> Result<BTreeMap<TaskId, Found>, Failure> {
    let named = batch::named(changes);
    let (ids, ends): (Vec<&str>, Vec<bool>) =
        named.iter().map(|(id, ends)| (id.as_str(), *ends)).unzip();
    let query = "SELECT id, revision, status, CASE WHEN ends THEN history ELSE '[]' END \
        FROM unnest($1, $2) AS named (id, ends) JOIN tasks USING (id)";
    let parameters = [(&ids as _, Type::TEXT_ARRAY), (&ends as _, Type::BOOL_ARRAY)];
    let rows = transaction.query_typed(query, &parameters)?;
    let found = |row: &postgres::Row| {
        let id = serde_json::from_value(row.get::<_, &str>(0).into())?;
        let (revision, status) = (row.get::<_, i64>(1), batch::status(row.get(2)));
        let revision = Revision(revision.cast_unsigned());
        Ok((id, Found { revision, status, history: serde_json::from_str(row.get(3))? }))
    };
    rows.iter().map(found).collect()
}

fn write(transaction: &mut Transaction<'_>, writes: &Writes) -> Result<(), Failure> {
    if !writes.deleted.is_empty() {
        let ids: Vec<&str> = writes.deleted.iter().map(TaskId::as_str).collect();
        let delete = "DELETE FROM tasks WHERE id = ANY ($1)";
        transaction.execute_typed(delete, &[(&ids, Type::TEXT_ARRAY)])?;
    }
    if !writes.written.is_empty() {
        write_tasks(transaction, &writes.written)?;
    }
    let update = "UPDATE counters SET revision = $1, active = $2, paused = $3, finished = $4 \
        RETURNING pg_notify(current_schema(), '')";
    let TaskCounts { active, paused, finished } = writes.counts;
    let numbers = [writes.newest.0, active, paused, finished].map(u64::cast_signed);
    let numbers: Vec<_> = numbers.iter().map(|number| (number as _, Type::INT8)).collect();
    transaction.query_typed(update, &numbers)?;
    Ok(())
}

/// The columns of the tasks to write, each as an array.
#[derive(Default)]
struct Columns<'a> {
    ids: Vec<&'a str>,
    definitions: Vec<Option<String>>,
    states: Vec<String>,
    revisions: Vec<i64>,
    statuses: Vec<&'a str>,
    due_at: Vec<Option<i64>>,
    finished_at: Vec<Option<i64>>,
    histories: Vec<Option<String>>,
    have_failed: Vec<Option<bool>>,
    senders: Vec<String>,
}

impl<'a> Columns<'a> {
    fn of(tasks: &'a [Written], view: &View) -> Result<Self, Failure> {
        let mut columns = Self::default();
        for Written { id, revision, definition, state, history } in tasks {
            let definition = definition.as_deref().map(serde_json::to_string).transpose()?;
            let due_at = batch::due_at(state, |life| view.is_gone(life));
            columns.ids.push(id.as_str());
            columns.definitions.push(definition);
            columns.states.push(serde_json::to_string(state)?);
            columns.revisions.push(revision.0.cast_signed());
            columns.statuses.push(state.status.as_str());
            columns.due_at.push(due_at.map(Timestamp::as_millis));
            columns.finished_at.push(state.finished_at.map(Timestamp::as_millis));
            columns.histories.push(history.as_ref().map(serde_json::to_string).transpose()?);
            columns.have_failed.push(history.as_deref().map(batch::has_failed));
            columns.senders.push(senders(state));
        }
        Ok(columns)
    }
}

/// All of `tasks` in two statements: those that exist, then those that do not.
fn write_tasks(transaction: &mut Transaction<'_>, tasks: &[Written]) -> Result<(), Failure> {
    // Who lives cannot change before the commit: whoever buries a life waits for it.
    let view = View::read(transaction)?;
    let columns = Columns::of(tasks, &view)?;
    let update = "WITH news AS (SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
            AS news (id, definition, state, revision, status, due_at, finished_at, history, \
                has_failed, senders)), \
        updated AS (UPDATE tasks SET definition = coalesce(news.definition, tasks.definition), \
            state = news.state, revision = news.revision, status = news.status, \
            due_at = news.due_at, finished_at = news.finished_at, \
            history = coalesce(news.history, tasks.history), \
            has_failed = coalesce(news.has_failed, tasks.has_failed), \
            senders = news.senders::INTEGER[] FROM news WHERE tasks.id = news.id \
            RETURNING tasks.id) \
        INSERT INTO tasks SELECT id, definition, state, revision, status, due_at, finished_at, \
            history, has_failed, senders::INTEGER[] FROM news \
            WHERE id NOT IN (SELECT id FROM updated)";
    let parameters = [
        (&columns.ids as _, Type::TEXT_ARRAY),
        (&columns.definitions as _, Type::TEXT_ARRAY),
        (&columns.states as _, Type::TEXT_ARRAY),
        (&columns.revisions as _, Type::INT8_ARRAY),
        (&columns.statuses as _, Type::TEXT_ARRAY),
        (&columns.due_at as _, Type::INT8_ARRAY),
        (&columns.finished_at as _, Type::INT8_ARRAY),
        (&columns.histories as _, Type::TEXT_ARRAY),
        (&columns.have_failed as _, Type::BOOL_ARRAY),
        (&columns.senders as _, Type::TEXT_ARRAY),
    ];
    transaction.execute_typed(update, &parameters)?;
    Ok(())
}

/// The lives that send an attempt, as PostgreSQL writes an array.
fn senders(state: &TaskState) -> String {
    let lives: Vec<String> = batch::senders(state).map(|life| life.to_string()).collect();
    format!("{{{}}}", lives.join(","))
}
