//! A history as another program may write it: other white space, another order of fields and of
//! lines, optional fields left out or null.

/// A one-shot, a cron task and a deleted task, all correct.
pub(crate) const CORRECT: &str = include_str!("outside.jsonl");
