//! A judge of what a cluster did, that shares no code with the cluster.
//!
//! A test records a [`History`]: what clients asked and were told, what targets received, which
//! faults were injected and what state remained. [`History::judge`] compares it with what xcron
//! promises and answers with a [`Verdict`]. Which instants a schedule means is worked out anew
//! by [`oracle`]; of the schedule code of xcron-core nothing is used, only the tz database is
//! the same.
//!
//! ```
//! use xcron_checker::{Begin, Definition, End, FinalTask, History, Op, Receipt};
//!
//! const S: i64 = 1_000_000;
//! let mut history = History::new(Begin::new(0, 1).label("an example"));
//! history.push(Op::create("t-1", Definition::once(10), S).answered_ok(S + 5_000));
//! history.push(Receipt::new("t-1", "t-1@10", 10, 10 * S + 900).answered("200", 10 * S + 2_000));
//! history.push(FinalTask::finished("t-1").succeeded(1));
//! history.push(End::complete(20 * S));
//! assert!(history.judge().is_pass(), "{}", history.judge());
//! ```
//!
//! | module | is |
//! |---|---|
//! | [`history`] | the format: its lines, how they are written and read |
//! | [`oracle`] | which instants a definition means |
//! | [`judge`] | the rules and the verdict |
//!
#![doc = include_str!("../HISTORY.md")]

pub mod history;
pub mod judge;
pub mod oracle;

pub use history::History;
pub use history::begin::{Begin, End};
pub use history::definition::{
    Definition, DeliveryMode, DstFold, DstGap, Misfire, Overlap, Retry, Schedule,
};
pub use history::event::{Fault, SenderLost, Tenure, Unhealthy};
pub use history::line::Line;
pub use history::op::{Call, Op, Outcome, Seen, TaskPhase};
pub use history::read::ReadError;
pub use history::receipt::Receipt;
pub use history::remains::{FinalTask, OpenRun, StateHash};
pub use judge::settings::Settings;
pub use judge::verdict::{Figures, Invariant, Verdict, Violation};
