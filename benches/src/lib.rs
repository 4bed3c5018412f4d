//! The load tool: what xcron does per second and how late, against limits measured beside it.
//!
//! Machines are shared and noisy, so a figure is a ratio: rounds with xcron alternate with rounds
//! of a bare loop that does only what cannot be left out (the *limit*), and the median of the
//! rounds' ratios is the figure. Absolute numbers are printed and promise nothing.
//!
//! ```sh
//! cargo run --release -p xcron-benches --bin load            # the full report
//! cargo run --release -p xcron-benches --bin load -- --quick # a first impression
//! ```
//!
//! - [`server`]: the server process under test. [`sink`] and [`ledger`]: who receives its
//!   callbacks, and what was received when.
//! - [`hole`]: targets that never answer.
//! - [`client`]: keep-alive connections that post as fast as they are answered.
//! - [`crowd`] and [`wire`]: many clients, refused and coming back.
//! - [`limits`]: the bare loops. [`figures`]: the measurements.
//! - [`report`], [`statistics`]: what is written into `benches/results`.

pub mod client;
pub mod crowd;
pub mod fault;
pub mod figures;
pub mod hole;
pub mod ledger;
pub mod limits;
pub mod options;
pub mod report;
pub mod server;
pub mod sink;
pub mod statistics;
pub mod wall;
pub mod wire;
pub mod work;
