//! The server as a process: real signals, real kills, real sockets, a real disk.

mod api;
mod crash;
#[cfg(feature = "failpoints")]
mod failpoints;
mod fire;
mod process;
mod refuse;
mod start;
mod stop;
mod target;
