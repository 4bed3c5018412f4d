//! Schedules: tables that can be checked by hand, and an independent oracle.

#![expect(clippy::unwrap_used, reason = "a helper of a test has no other way to fail")]

mod cronie;
mod dst;
mod gaps;
mod independent;
mod limits;
mod oracle;
mod properties;
mod refused;
mod transitions;
