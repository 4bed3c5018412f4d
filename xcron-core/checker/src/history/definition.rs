//! What a task was defined to be, in the checker's own words.

use serde::{Deserialize, Serialize};

/// When a task is due: `{"cron": "...", "timezone": "..."}` or `{"at_s": ...}`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "ScheduleText", into = "ScheduleText")]
pub enum Schedule {
    /// By a crontab expression.
    Cron {
        /// The expression.
        cron: String,
        /// The IANA name of its zone.
        timezone: String,
    },
    /// Once.
    At {
        /// In seconds of unix time.
        at_s: i64,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct ScheduleText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cron: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    timezone: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at_s: Option<i64>,
}

impl TryFrom<ScheduleText> for Schedule {
    type Error = &'static str;

    fn try_from(text: ScheduleText) -> Result<Self, Self::Error> {
        match text {
            ScheduleText { cron: Some(cron), timezone, at_s: None } => {
                let timezone = timezone.unwrap_or_else(|| "UTC".to_owned());
                Ok(Self::Cron { cron, timezone })
            }
            ScheduleText { cron: None, timezone: None, at_s: Some(at_s) } => Ok(Self::At { at_s }),
            _ => Err("a schedule is either {cron, timezone} or {at_s}"),
        }
    }
}

impl From<Schedule> for ScheduleText {
    fn from(schedule: Schedule) -> Self {
        match schedule {
            Schedule::Cron { cron, timezone } => {
                Self { cron: Some(cron), timezone: Some(timezone), at_s: None }
            }
            Schedule::At { at_s } => Self { cron: None, timezone: None, at_s: Some(at_s) },
        }
    }
}

/// What happens to missed occurrences.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Misfire {
    /// The latest of them runs.
    #[default]
    FireOnce,
    /// Each of them runs.
    FireAll,
    /// None of them runs.
    Skip,
}

/// What happens when a run is due and an earlier one has not ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// They run side by side.
    #[default]
    Allow,
    /// The later one is skipped.
    Skip,
    /// One waits, further ones are skipped.
    Queue,
}

/// How often a run may be attempted at all.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeliveryMode {
    /// Until it succeeds or the retries are used up.
    #[default]
    AtLeastOnce,
    /// Once.
    AtMostOnce,
}

/// What happens to local times that do not exist.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DstGap {
    /// They are due once, at the first instant after the gap.
    #[default]
    Shift,
    /// They are not due.
    Skip,
}

/// What happens to local times that exist twice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DstFold {
    /// They are due the first time.
    #[default]
    First,
    /// They are due both times.
    Both,
}

/// When failed attempts are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Retry {
    /// Attempts in all.
    pub attempts_max: u32,
    /// The least wait before the second attempt.
    pub backoff_min_s: i64,
    /// The longest backoff.
    pub backoff_max_s: i64,
    /// The age beyond which a run is not attempted again.
    pub age_max_s: i64,
}

impl Default for Retry {
    fn default() -> Self {
        Self { attempts_max: 3, backoff_min_s: 1, backoff_max_s: 300, age_max_s: 86_400 }
    }
}

impl Retry {
    /// No retries.
    #[must_use]
    pub fn none() -> Self {
        Self { attempts_max: 1, ..Self::default() }
    }
}

/// A task's definition. Whatever a line leaves out has the default of the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Definition {
    /// When it is due.
    pub schedule: Schedule,
    /// What happens to missed occurrences.
    #[serde(default)]
    pub misfire: Misfire,
    /// Missed occurrences older than this are skipped; without it the default of the policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub misfire_window_s: Option<i64>,
    /// What happens when runs would overlap.
    #[serde(default)]
    pub overlap: Overlap,
    /// How often a run may be attempted.
    #[serde(default)]
    pub delivery: DeliveryMode,
    /// When failed attempts are repeated.
    #[serde(default)]
    pub retry: Retry,
    /// How long an attempt may take.
    #[serde(default = "ten")]
    pub timeout_s: i64,
    /// Each run is spread over this long after its occurrence.
    #[serde(default)]
    pub jitter_s: i64,
    /// Local times that do not exist.
    #[serde(default)]
    pub dst_gap: DstGap,
    /// Local times that exist twice.
    #[serde(default)]
    pub dst_fold: DstFold,
    /// Nothing is due before this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_s: Option<i64>,
    /// Nothing is due after this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_s: Option<i64>,
    /// The most runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub runs_max: Option<u64>,
    /// Created paused.
    #[serde(default)]
    pub paused: bool,
    /// What it calls.
    #[serde(default)]
    pub target: String,
    /// Whether whatever reaches its target is recorded as a receipt. Not so for a dead port or
    /// a target that resets before it reads: nothing is concluded from receipts that are missing.
    #[serde(default = "yes")]
    pub observed: bool,
}

const fn ten() -> i64 {
    10
}

const fn yes() -> bool {
    true
}

impl Definition {
    /// A task by `schedule` with the defaults of the API.
    #[must_use]
    pub fn new(schedule: Schedule) -> Self {
        Self {
            schedule,
            misfire: Misfire::default(),
            misfire_window_s: None,
            overlap: Overlap::default(),
            delivery: DeliveryMode::default(),
            retry: Retry::default(),
            timeout_s: 10,
            jitter_s: 0,
            dst_gap: DstGap::default(),
            dst_fold: DstFold::default(),
            start_s: None,
            end_s: None,
            runs_max: None,
            paused: false,
            target: String::new(),
            observed: true,
        }
    }

    /// A one-shot.
    #[must_use]
    pub fn once(at_s: i64) -> Self {
        Self::new(Schedule::At { at_s })
    }

    /// A cron task.
    #[must_use]
    pub fn cron(cron: impl Into<String>, timezone: impl Into<String>) -> Self {
        Self::new(Schedule::Cron { cron: cron.into(), timezone: timezone.into() })
    }

    /// How far back missed occurrences are made up for: a year, or an hour with `fire_all`.
    #[must_use]
    pub fn window_s(&self) -> i64 {
        self.misfire_window_s.unwrap_or(match self.misfire {
            Misfire::FireAll => 3_600,
            Misfire::FireOnce | Misfire::Skip => 365 * 86_400,
        })
    }

    /// A short text that is the same for definitions between which a client cannot tell a
    /// difference, to note in [`Seen`](crate::Seen). Whether it is paused plays no part, and
    /// neither does whether it is observed.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let same = Self {
            paused: false,
            observed: true,
            misfire_window_s: Some(self.window_s()),
            ..self.clone()
        };
        let text = serde_json::to_string(&same).unwrap_or_default();
        let hash = text.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        format!("{hash:016x}")
    }
}
