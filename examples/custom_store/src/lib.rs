//! A store over SQLite, as an example of putting the scheduler on a database that is there
//! already: several schedulers share one file and never fire an occurrence twice.
//!
//! - [`SqliteStore`]: the contract of [`Store`](xcron_core::Store), call by call.
//! - `change`: what a change does to the tables. `rows`: from rows to tasks.
//! - `life`: which holders are gone for certain. `failure`: what an error means to the caller.
//!
//! What makes it safe is little: each claim is a change that names the revision it was decided
//! on, SQLite lets one writer in at a time, and so one of two schedulers gets a conflict instead
//! of a run.
//!
//! What it is not: fast. SQLite blocks its caller, so each call here blocks the engine for as
//! long as SQLite takes to sync. A change by another scheduler is noticed within
//! [`POLL`](store::POLL), so a task that is due sooner than that after its creation may be late by
//! as much.

mod change;
mod failure;
mod life;
mod rows;
pub mod store;

pub use store::SqliteStore;
