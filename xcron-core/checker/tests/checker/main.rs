//! The checker is checked: hand-written histories, random edits of correct ones, the oracle.

mod oracle;
