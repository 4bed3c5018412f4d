//! The replicated state: a function of the log and of nothing else.
//!
//! Everything is in persistent trees and maps: a copy costs nanoseconds and shares what did not
//! change. So readers and snapshots work on a copy and never wait for the writer, nor it for them.
//! A task is one allocation of bytes (`record`), which every index of it holds (`index`).

mod due;
mod index;
mod record;
mod restoring;
mod roster;
#[cfg(test)]
mod tests;
mod view;

pub(crate) use record::{Record, take as take_field};
pub(crate) use restoring::{Restored, Restoring};
pub(crate) use roster::{
    FORMAT_KEEPS_ATTEMPTS, FORMAT_KEEPS_FAILED, FORMAT_MAX, FORMAT_MIN, FORMAT_SHORT_PUTS,
};
pub(crate) use roster::{Member, Roster};
pub(crate) use view::View;
