//! What the fuzz targets of this crate check; the targets are functions of bytes that anybody can
//! replay.

pub use crate::api::fuzzing::check as requests;
pub use crate::dispatch::fuzzing::{answers, callbacks};

/// Asserts that `message` says what is wrong, briefly and in print.
pub(crate) fn assert_told(message: &str) {
    assert!(message.len() > 5 && message.len() < 2_000, "{message:?}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}
