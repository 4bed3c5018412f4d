//! What tests of real processes stand on: a server's process, its API, a target for callbacks.

pub(crate) mod api;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod target;
