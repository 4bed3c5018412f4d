//! Lives: each opened store is a holder of its own, until it is gone for certain.
//!
//! A life holds the lock of a file of its own, next to the database; the operating system lets go
//! of it when the process has ended, however it ended, and not before. This is as good as the
//! lock: it asks for one machine, as SQLite itself does.

use super::failure::Failure;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::fs::{self, File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use xcron_core::Timestamp;

/// One life of a store: the lock is let go of when it is dropped.
#[derive(Debug)]
pub(crate) struct Life {
    pub(crate) number: i64,
    database: PathBuf,
    _lock: File,
}

impl Life {
    /// Begins the next life on `database`. Its lock is held before anybody can see its number.
    pub(crate) fn begin(connection: &mut Connection, database: &Path) -> Result<Self, Failure> {
        let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let next = "UPDATE counters SET life = life + 1 RETURNING life";
        let number = transaction.query_row(next, [], |row| row.get(0))?;
        let lock = File::create(lock_path(database, number))?;
        lock.lock()?;
        transaction.execute("INSERT INTO lives (life) VALUES (?1)", [number])?;
        transaction.commit()?;
        Ok(Self { number, database: database.to_owned(), _lock: lock })
    }

    /// Whether another life may be firing what is due.
    pub(crate) fn has_others(&self, connection: &Connection) -> Result<bool, Failure> {
        Ok(!others(connection, self.number)?.is_empty())
    }

    /// Notes which other lives have ended, and makes what they were sending due at once.
    pub(crate) fn bury(&self, connection: &mut Connection) -> Result<(), Failure> {
        for life in others(connection, self.number)? {
            let path = lock_path(&self.database, life);
            if !has_ended(&path)? {
                continue;
            }
            let behavior = TransactionBehavior::Immediate;
            let transaction = connection.transaction_with_behavior(behavior)?;
            transaction.execute("UPDATE lives SET gone = 1 WHERE life = ?1", [life])?;
            let due = "UPDATE tasks SET due_at = ?1 \
                WHERE id IN (SELECT task FROM sending WHERE life = ?2)";
            transaction.execute(due, params![Timestamp::MIN.as_millis(), life])?;
            transaction.commit()?;
            // The file has done its work; one that stays behind is in nobody's way.
            let _stays = fs::remove_file(path);
        }
        Ok(())
    }
}

/// Whether `life` certainly sends nothing any more.
pub(crate) fn is_gone(connection: &Connection, life: i64) -> Result<bool, Failure> {
    let query = "SELECT gone FROM lives WHERE life = ?1";
    let mut statement = connection.prepare_cached(query)?;
    Ok(statement.query_row([life], |row| row.get(0)).optional()?.unwrap_or(false))
}

/// The lives that nobody knows to be gone, but for `own`.
fn others(connection: &Connection, own: i64) -> Result<Vec<i64>, Failure> {
    let query = "SELECT life FROM lives WHERE NOT gone AND life <> ?1";
    let mut statement = connection.prepare_cached(query)?;
    let lives = statement.query_map([own], |row| row.get(0))?;
    Ok(lives.collect::<Result<_, _>>()?)
}

/// Whether nobody holds the lock at `path`. A lock file that is missing belonged to the original
/// of a database that was copied: nobody sends for the copy.
fn has_ended(path: &Path) -> Result<bool, Failure> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error.into()),
    };
    match file.try_lock() {
        Ok(()) => Ok(true),
        Err(TryLockError::WouldBlock) => Ok(false),
        Err(TryLockError::Error(error)) => Err(error.into()),
    }
}

fn lock_path(database: &Path, life: i64) -> PathBuf {
    let mut path = database.as_os_str().to_owned();
    path.push(format!(".life-{life}"));
    path.into()
}
