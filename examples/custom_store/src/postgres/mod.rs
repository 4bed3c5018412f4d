//! A store over PostgreSQL.
//!
//! - [`PostgresStore`]: the contract of [`Store`](xcron_core::Store), call by call.
//! - `session`: connections with threads of their own. `failure`: what an error means to callers.
//! - `change`: what a batch reads and writes. `rows`: from rows to tasks.
//! - `life`: which holders are gone for certain. `view`: what this store knows without asking;
//!   `watch` keeps it up to date.
//! - [`server`]: a PostgreSQL for the time of an example or a test.
//!
//! What it asks of the database: that a session is one connection (a pooler that lends
//! connections for a transaction would lend the locks of `life` too), that a commit is on disk
//! when it is acknowledged, and that a standby which takes over has all of them. The connection
//! here is not encrypted; over a network give `session` a TLS connector in the place of `NoTls`.
//!
//! A commit takes some ten short statements, however many changes are in it, and commits wait for
//! each other. Changes by another store are told by `NOTIFY`, and looked for every [`POLL`].
//!
//! A store whose connection is lost is over: it may have been taken for dead, and what it has
//! claimed sent by others. Every call fails from then on, a scheduler that runs on it ends with
//! that error, and whoever runs it opens another store.

mod change;
mod failure;
mod life;
mod rows;
pub mod server;
mod session;
mod store;
mod view;
mod watch;

pub use store::PostgresStore;
pub use watch::POLL;
