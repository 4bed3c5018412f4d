//! The server as a process: real signals, real kills, real sockets, a real disk.

mod callers;
mod commands;
mod crash;
mod drill;
#[cfg(feature = "failpoints")]
mod failpoints;
mod fire;
#[path = "../harness/mod.rs"]
#[allow(dead_code, reason = "every test binary uses its part of it")]
mod harness;
mod refuse;
mod secured;
mod start;
mod stop;

use harness::{api, process, target};
