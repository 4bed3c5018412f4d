//! The checker is checked: hand-written histories, random edits of correct ones, the oracle.

#![expect(clippy::unwrap_used, reason = "a helper of a test has no other way to fail")]

mod table;

mod asked;
mod cluster;
mod dice;
mod edits;
mod firing;
mod format;
mod lookup;
mod model;
mod oracle;
mod outside;
mod random;
mod register;
mod repeats;
