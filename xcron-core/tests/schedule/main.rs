//! Schedules: tables that can be checked by hand, and an independent oracle.

mod cronie;
mod dst;
mod limits;
mod oracle;
mod properties;
mod refused;
mod transitions;
