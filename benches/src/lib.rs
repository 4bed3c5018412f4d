//! The load tool: what xcron does per second and how late, against limits measured beside it.
//!
//! Machines are shared and noisy, so a figure is a ratio: rounds with xcron alternate with rounds
//! of a bare loop that does only what cannot be left out (the *limit*), and the median of the
//! rounds' ratios is the figure. Absolute numbers are printed and promise nothing.
//!
//! ```sh
//! cargo run --release -p xcron-benches --bin load            # the full report
//! cargo run --release -p xcron-benches --bin load -- --quick # a first impression
//! cargo run --release -p xcron-benches --bin load -- --only p1 --only p2
//! cargo run --release -p xcron-benches --bin load -- --only p1 --against ANOTHER_SERVER
//! cargo run --release -p xcron-benches --bin load -- compare BEFORE.json AFTER.json
//! ```
//!
//! The full report takes about an hour and a half, and with ten million pending tasks 8 GB of
//! memory and as much of the disk that it is started on; `--tasks` asks for fewer. P14 is a part
//! of what `cargo bench -p xcron-benches` times, which also counts instructions where there is a
//! valgrind.
//!
//! - [`server`], [`process`] and [`watch`]: the server process under test, and its memory.
//!   [`cluster`]: several of them. [`sink`] and [`ledger`]: who receives its callbacks, and what
//!   was received when.
//! - [`hole`]: targets that never answer.
//! - [`client`]: keep-alive connections that post as fast as they are answered. [`batch`]: many
//!   tasks a request. [`stream`]: so many requests a second.
//! - [`crowd`] and [`wire`]: many clients, refused and coming back.
//! - [`limits`]: the bare loops. [`figures`]: the measurements.
//! - [`report`], [`statistics`], [`timeline`] and [`plot`]: what is written into `benches/results`.
//!   [`compare`]: two reports side by side.
//! - [`peers`]: the same work on other schedulers, by another program of this crate.
//! - [`instructions`]: counts what does not depend on the machine's mood.

pub mod batch;
pub mod client;
pub mod cluster;
pub mod compare;
pub mod crowd;
pub mod fault;
pub mod figures;
pub mod hole;
pub mod instructions;
pub mod ledger;
pub mod limits;
pub mod options;
pub mod peers;
pub mod plot;
pub mod process;
pub mod program;
pub mod report;
pub mod server;
pub mod sink;
pub mod statistics;
pub mod stream;
pub mod timeline;
pub mod wall;
pub mod watch;
pub mod wire;
pub mod work;
