//! A store over SQLite.
//!
//! - [`SqliteStore`]: the contract of [`Store`](xcron_core::Store), call by call.
//! - `change`: what a batch reads and writes. `rows`: from rows to tasks.
//! - `life`: which holders are gone for certain. `failure`: what an error means to the caller.
//!
//! What it is not: fast. SQLite blocks its caller, so each call here blocks the engine for as
//! long as SQLite takes to sync. A change by another scheduler is noticed within [`POLL`], so a
//! task that is due sooner than that after its creation may be late by as much.

mod change;
mod failure;
mod life;
mod rows;
mod store;

pub use store::{POLL, SqliteStore};
