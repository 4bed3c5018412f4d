//! Lives: each opened store is a holder of its own, until it is gone for certain.
//!
//! A life holds an advisory lock on a connection of its own, and asks on that same connection
//! whether a claim stands. PostgreSQL lets go of the lock when the connection ends: when the
//! process has ended, however it ended, or could not be reached for about ten seconds. From then
//! on the life gets no answer, so it starts no attempt any more, whatever it believes of itself.

use super::failure::Failure;
use super::rows::Parameter;
use postgres::types::Type;
use postgres::{Client, GenericClient};
use xcron_core::Timestamp;

/// Begins the next life. Its lock is held before anybody can see its number.
pub(crate) fn begin(client: &mut Client) -> Result<i32, Failure> {
    let mut transaction = client.transaction()?;
    let next = "UPDATE counters SET life = life + 1 RETURNING life";
    let life: i32 = transaction.query_typed_one(next, &[])?.get(0);
    let lock = "SELECT pg_advisory_lock(hashtext(current_schema()), $1)";
    transaction.query_typed(lock, &[(&life, Type::INT4)])?;
    transaction.execute_typed("INSERT INTO lives VALUES ($1)", &[(&life, Type::INT4)])?;
    transaction.commit()?;
    Ok(life)
}

/// Notes which lives but for `own` have ended, and makes what they were sending due at once.
pub(crate) fn bury_others(client: &mut Client, own: i32) -> Result<(), Failure> {
    for life in others(client, own)? {
        let mut transaction = client.transaction()?;
        let lock = "SELECT pg_try_advisory_xact_lock(hashtext(current_schema()), $1)";
        let has_ended = transaction.query_typed_one(lock, &[(&life, Type::INT4)])?.get(0);
        if has_ended {
            bury(&mut transaction, life)?;
        }
        transaction.commit()?;
    }
    Ok(())
}

/// Ends the life `own` in order, so that nobody has to find out.
pub(crate) fn end(client: &mut Client, own: i32) -> Result<(), Failure> {
    let mut transaction = client.transaction()?;
    bury(&mut transaction, own)?;
    Ok(transaction.commit()?)
}

/// The lives that nobody knows to be gone, but for `own`.
pub(crate) fn others(client: &mut impl GenericClient, own: i32) -> Result<Vec<i32>, Failure> {
    let query = "SELECT life FROM lives WHERE life <> $1";
    let rows = client.query_typed(query, &[(&own, Type::INT4)])?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

fn bury(transaction: &mut impl GenericClient, life: i32) -> Result<(), Failure> {
    // First the lock that commits wait for each other with: they see this life or they do not.
    let next =
        "UPDATE counters SET revision = revision + 1 RETURNING pg_notify(current_schema(), '')";
    transaction.query_typed(next, &[])?;
    let life: Parameter<'_> = (&life, Type::INT4);
    transaction.execute_typed("DELETE FROM lives WHERE life = $1", std::slice::from_ref(&life))?;
    let due = "UPDATE tasks SET due_at = $2 WHERE senders <> '{}' AND $1 = ANY (senders)";
    transaction.execute_typed(due, &[life, (&Timestamp::MIN.as_millis(), Type::INT8)])?;
    Ok(())
}
