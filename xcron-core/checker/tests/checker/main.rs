//! The checker is checked: hand-written histories, random edits of correct ones, the oracle.

mod table;

mod cluster;
mod firing;
mod oracle;
mod register;
mod repeats;
