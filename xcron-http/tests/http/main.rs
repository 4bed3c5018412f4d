//! The crate as its users meet it: real sockets on both sides.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod access;
mod accounts;
mod addresses;
mod attempts;
mod audit;
mod backups;
mod client;
mod client_answers;
mod cluster;
mod clusters;
mod dashboard;
mod definitions;
mod deliveries;
mod dispatching;
mod end_to_end;
mod evasions;
mod exchanges;
mod health;
mod limits;
mod management;
mod names;
mod openapi;
mod pooling;
mod repeats;
mod server;
mod server_tls;
mod signatures;
mod sink;
mod stores;
mod tasks;
mod tls;
mod verdicts;
