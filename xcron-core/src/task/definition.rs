//! What a task is to do and when: the part of a task that only its owner changes.

use crate::Timestamp;
use crate::schedule::Schedule;
use crate::task::callback::Callback;
use crate::task::id::{InvalidField, TaskId};
use crate::task::policy::{DeliveryMode, Misfire, Overlap, RetryPolicy, within};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// The most labels of a task.
pub const LABELS_MAX: usize = 16;
/// The most bytes of a task's name, of a label's key and of its value.
pub const TEXT_BYTES_MAX: usize = 256;
/// The longest that one attempt may take, in seconds.
pub const TIMEOUT_SECONDS_MAX: u64 = 1_800;
/// The widest spread of a run, in seconds.
pub const JITTER_SECONDS_MAX: u64 = 86_400;
/// The widest misfire window, in seconds: ten years.
pub const MISFIRE_WINDOW_SECONDS_MAX: u64 = 3_650 * 86_400;

/// Everything that the owner of a task decides.
///
/// ```
/// use xcron_core::{Callback, Schedule, TaskDefinition, Timestamp};
///
/// let at = Schedule::Once(Timestamp::from_secs(4_102_444_800));
/// let mut definition = TaskDefinition::new(at, Callback::new("http://127.0.0.1:9000/"));
/// definition.max_runs = Some(1);
/// assert!(definition.check().is_ok());
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskDefinition {
    /// Free text.
    pub name: Option<String>,
    /// Free text by key, to find tasks by.
    pub labels: BTreeMap<String, String>,
    /// When it runs.
    pub schedule: Schedule,
    /// What is called.
    pub callback: Callback,
    /// Occurrences before this instant do not exist.
    pub start_time: Option<Timestamp>,
    /// Occurrences after this instant do not exist.
    pub end_time: Option<Timestamp>,
    /// The task is finished after so many runs.
    pub max_runs: Option<u64>,
    /// What happens to missed occurrences.
    pub misfire: Misfire,
    /// Missed occurrences older than this are skipped whatever the policy. Whole seconds.
    pub misfire_window: Duration,
    /// What happens when runs would overlap.
    pub overlap: Overlap,
    /// How often a run may be attempted at all.
    pub delivery: DeliveryMode,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// How long one attempt may take. Whole seconds.
    pub timeout: Duration,
    /// Each run is spread over this long after its occurrence. Whole seconds.
    pub jitter: Duration,
}

impl TaskDefinition {
    /// A task that calls `callback` by `schedule`, with the defaults of every policy and a
    /// timeout of 10 seconds.
    #[must_use]
    pub fn new(schedule: Schedule, callback: Callback) -> Self {
        Self {
            name: None,
            labels: BTreeMap::new(),
            schedule,
            callback,
            start_time: None,
            end_time: None,
            max_runs: None,
            misfire: Misfire::default(),
            misfire_window: Misfire::default().default_window(),
            overlap: Overlap::default(),
            delivery: DeliveryMode::default(),
            retry: RetryPolicy::default(),
            timeout: Duration::from_secs(10),
            jitter: Duration::ZERO,
        }
    }

    /// Checks the bounds of every field but the schedule, which is checked where it is parsed,
    /// and the callback, which the dispatcher judges.
    ///
    /// # Errors
    /// Names the first field out of bounds.
    pub fn check(&self) -> Result<(), InvalidField> {
        if let Some(name) = &self.name {
            short_text("name", name)?;
        }
        within("labels", self.labels.len() as u64, 0, LABELS_MAX as u64)?;
        for (key, value) in &self.labels {
            if key.is_empty() {
                return Err(InvalidField::new("labels", "has an empty key, expected some text"));
            }
            short_text("labels", key)?;
            short_text("labels", value)?;
        }
        if let (Some(start), Some(end)) = (self.start_time, self.end_time)
            && end < start
        {
            return Err(InvalidField::new("end_time", "is before start_time"));
        }
        if self.max_runs == Some(0) {
            return Err(InvalidField::new("max_runs", "is 0, expected at least 1"));
        }
        let window = self.misfire_window.as_secs();
        within("misfire_window_seconds", window, 0, MISFIRE_WINDOW_SECONDS_MAX)?;
        within("timeout_seconds", self.timeout.as_secs(), 1, TIMEOUT_SECONDS_MAX)?;
        within("jitter_seconds", self.jitter.as_secs(), 0, JITTER_SECONDS_MAX)?;
        self.retry.check()
    }
}

/// A task that somebody wants to exist: its id, its definition, and whether it starts paused.
///
/// ```
/// use xcron_core::{Callback, NewTask, Schedule, TaskDefinition, TaskId, Timestamp};
///
/// let at = Schedule::Once(Timestamp::from_secs(4_102_444_800));
/// let task = NewTask::new(
///     TaskId::parse("new-year-2100")?,
///     TaskDefinition::new(at, Callback::new("http://127.0.0.1:9000/")),
/// );
/// assert!(!task.paused);
/// # Ok::<(), xcron_core::InvalidField>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTask {
    /// The name under which it may be created once.
    pub id: TaskId,
    /// What it does.
    pub definition: TaskDefinition,
    /// Whether it waits to be resumed before its first run.
    pub paused: bool,
}

impl NewTask {
    /// A task that is active from its creation on.
    #[must_use]
    pub const fn new(id: TaskId, definition: TaskDefinition) -> Self {
        Self { id, definition, paused: false }
    }
}

fn short_text(field: &'static str, text: &str) -> Result<(), InvalidField> {
    if text.len() <= TEXT_BYTES_MAX {
        return Ok(());
    }
    let problem = format!("has {} bytes of text, expected at most {TEXT_BYTES_MAX}", text.len());
    Err(InvalidField::new(field, problem))
}
