//! The xcron server: configuration, command line, composition, signals and telemetry.
//!
//! This crate decides nothing about tasks: it reads a configuration, puts the parts together and
//! takes them down again. What a user can put right ends in one plain line on stderr that names
//! the cure.
//!
//! - [`config`]: every key, its default and what it accepts. [`cli`]: the command line.
//!   [`commands`]: what is asked of a running server.
//! - [`node`]: the parts put together, run and taken down. `settings`: what each is told.
//!   `own_ports`: where no callback may go.
//! - [`storage`]: what a node holds. [`membership`]: the cluster that it is part of.
//!   [`recovery`]: after a disaster.
//! - [`api_tls`], [`peer_tls`]: certificates, to clients and between nodes. `pem`: their files.
//! - [`drill`]: a throw-away cluster, put to the test.
//! - [`signals`], [`telemetry`], [`open_files`]: what it has to do with its process.
//! - [`error`]: why it did not start or had to stop.

pub mod api_tls;
pub mod cli;
pub mod commands;
pub mod config;
pub mod drill;
pub mod error;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
pub mod membership;
pub mod node;
pub mod open_files;
pub mod peer_tls;
pub mod recovery;
pub mod signals;
pub mod storage;
pub mod telemetry;

mod own_ports;
mod pem;
mod settings;
