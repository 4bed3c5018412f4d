//! Stores over databases that are there already, as an example of putting the scheduler on yours:
//! several schedulers share one database and never fire an occurrence twice.
//!
//! - [`SqliteStore`]: one file, for the processes of one machine.
//! - [`PostgresStore`]: a schema of a PostgreSQL, for processes on as many machines as you like.
//! - `batch`: what a batch of changes comes to, decided on values; both stores only read what a
//!   batch needs and write what it came to.
//!
//! Each keeps the contract of [`Store`](xcron_core::Store), call by call, and runs the suites that
//! are published with it.
//!
//! What makes them safe is little. Each claim is a change that names the revision it was decided
//! on, and the database lets one writer in at a time; so one of two schedulers gets a conflict
//! instead of a run. And each opened store is a *life*, a holder of claims of its own, whose end is
//! told by a lock that the operating system or the database lets go of when the process has ended,
//! however it ended. A heartbeat would not do: who does not beat may only be slow, and may send
//! after all. So a process that hangs keeps what it has claimed until it ends or goes on.

mod batch;
pub mod postgres;
pub mod sqlite;

pub use postgres::PostgresStore;
pub use sqlite::SqliteStore;
