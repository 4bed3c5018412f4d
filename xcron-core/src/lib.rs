//! A task scheduler that people can trust with money, to embed in a Rust program.
//!
//! Someone says what is to happen and when; at that moment the callback is made, once, on time,
//! and every occurrence can be accounted for. One idea carries it: **decisions before the log,
//! effects in the log**. [`decide`] holds pure functions over values; a [`Store`] makes what they
//! decide durable in one total order; the engine only carries values between the two and a
//! [`Dispatcher`].
//!
//! ```
//! use std::sync::Arc;
//! use xcron_core::{Callback, MemoryStore, NewTask, Outcome, Schedule, Scheduler};
//! use xcron_core::{TaskDefinition, TaskId, dispatch_fn};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let dispatcher = dispatch_fn(|delivery| async move {
//!     println!("{} attempt {}", delivery.run_id(), delivery.attempt());
//!     Outcome::succeeded()
//! });
//! let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher).build();
//!
//! let every_second = Schedule::parse_cron("* * * * * *", "UTC")?;
//! let definition = TaskDefinition::new(every_second, Callback::new("tick"));
//! scheduler.create(NewTask::new(TaskId::parse("tick")?, definition)).await?;
//!
//! scheduler.run(std::future::ready(())).await?; // fires until the shutdown future resolves
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! - [`task`]: the vocabulary. [`schedule`]: when, in whose time zone.
//! - [`decide`]: admit, claim, settle.
//! - [`store`], [`Clock`], [`Dispatcher`]: the three seams; `testing` (a feature) holds the suites
//!   that every implementation runs, and doubles of the seams.
//! - [`Scheduler`]: the handle, and the engine behind [`Scheduler::run`].

pub mod decide;
#[doc(hidden)]
pub mod mutant;
pub mod schedule;
pub mod store;
pub mod task;
#[cfg(feature = "testing")]
pub mod testing;

mod clock;
mod dispatch;
mod dispatch_fn;
mod engine;
mod observe;
mod scheduler;
mod settings;
mod time;

pub use clock::{Clock, RECHECK, SystemClock};
pub use dispatch::{CallbackError, Delivery, Dispatcher, Outcome, Verdict};
pub use dispatch_fn::dispatch_fn;
pub use engine::{EngineError, Load};
pub use observe::{Event, NoObserver, Observer};
pub use schedule::{
    Calendar, CronSchedule, DstFold, DstGap, DstMark, PreviewTime, Schedule, ScheduleError,
    ScheduleErrorKind,
};
pub use scheduler::{ChangeError, CreateError, Created, DeleteError, Scheduler, SchedulerBuilder};
pub use settings::Settings;
pub use store::{
    Agenda, Change, Claim, Committed, Conflict, Consistency, Effect, Entrusted, MemoryStore,
    Sender, Store, StoreError, StoreErrorKind, TaskCounts,
};
pub use task::attempt::{AttemptEnd, AttemptRecord};
pub use task::callback::{Callback, CallbackBody, Method};
pub use task::definition::{NewTask, TaskDefinition};
pub use task::id::{InvalidField, Occurrence, RunId, TaskId};
pub use task::policy::{DeliveryMode, Misfire, Overlap, RetryPolicy};
pub use task::state::{Counters, Holder, OpenRun, Phase, RunEnd, RunRecord, TaskState, TaskStatus};
pub use task::{Revision, Task, TaskWithHistory};
pub use time::Timestamp;
