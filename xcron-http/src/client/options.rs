//! What of a task may be left open: as it is asked for, and as it is then.

use super::setting::Setting;
use crate::api::RETRY_FIELDS;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use xcron_core::{DeliveryMode, DstFold, DstGap, Misfire, Overlap, RetryPolicy};

/// What is asked for: what is open gets its default when a task is created, and stays as it is when
/// one is changed.
///
/// ```
/// use xcron_http::client::{Setting, TaskOptions};
///
/// let mut options = TaskOptions { max_runs: 3.into(), ..TaskOptions::default() };
/// options.end_time = Setting::Default;
/// assert_eq!(serde_json::to_string(&options).unwrap(), r#"{"end_time":null,"max_runs":3}"#);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct TaskOptions {
    /// Free text.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub name: Setting<String>,
    /// Free text by key.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub labels: Setting<BTreeMap<String, String>>,
    /// The IANA zone of the crontab expression.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub timezone: Setting<String>,
    /// No occurrence before it, in Unix seconds.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub start_time: Setting<i64>,
    /// No occurrence after it, in Unix seconds.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub end_time: Setting<i64>,
    /// Finished after so many runs.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub max_runs: Setting<u64>,
    /// What becomes of occurrences that were missed.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub misfire: Setting<Misfire>,
    /// Occurrences older than this are skipped.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub misfire_window_seconds: Setting<u64>,
    /// What becomes of an occurrence while an earlier run has not ended.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub overlap: Setting<Overlap>,
    /// Whether a run may be attempted again.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub delivery: Setting<DeliveryMode>,
    /// When a failed attempt is repeated.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub retry: Setting<Retry>,
    /// How long an attempt may take.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub timeout_seconds: Setting<u64>,
    /// Each run is spread over so long.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub jitter_seconds: Setting<u64>,
    /// What becomes of a fixed local time that does not exist.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub dst_gap: Setting<DstGap>,
    /// What becomes of a fixed local time that exists twice.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub dst_fold: Setting<DstFold>,
}

/// When a failed attempt is repeated; what is open has its default, or stays as it is.
///
/// ```
/// use xcron_http::client::Retry;
///
/// let once = Retry { max_attempts: 1.into(), ..Retry::default() };
/// assert_eq!(serde_json::to_string(&once).unwrap(), r#"{"max_attempts":1}"#);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// Attempts in all.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub max_attempts: Setting<u32>,
    /// Before the second attempt.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub min_backoff_seconds: Setting<u32>,
    /// Between two attempts at most.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub max_backoff_seconds: Setting<u32>,
    /// After the claim, beyond which a run is not attempted again.
    #[serde(skip_serializing_if = "Setting::is_open")]
    pub max_age_seconds: Setting<u32>,
}

/// What it is then: every option of a task with the value that holds.
///
/// ```
/// # async fn example(client: &xcron_http::client::Client)
/// # -> Result<(), xcron_http::client::ClientError> {
/// let task = client.task("billing").await?;
/// assert_eq!(task.options.retry.max_attempts, 3);
/// let again = task.options.wanted();
/// # drop(again);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EffectiveOptions {
    /// Free text.
    pub name: Option<String>,
    /// Free text by key.
    pub labels: BTreeMap<String, String>,
    /// The IANA zone of the crontab expression; a one-shot has none.
    pub timezone: Option<String>,
    /// What becomes of a fixed local time that does not exist; a one-shot has none.
    pub dst_gap: Option<DstGap>,
    /// What becomes of a fixed local time that exists twice; a one-shot has none.
    pub dst_fold: Option<DstFold>,
    /// No occurrence before it, in Unix seconds.
    pub start_time: Option<i64>,
    /// No occurrence after it, in Unix seconds.
    pub end_time: Option<i64>,
    /// Finished after so many runs.
    pub max_runs: Option<u64>,
    /// What becomes of occurrences that were missed.
    pub misfire: Misfire,
    /// Occurrences older than this are skipped.
    pub misfire_window_seconds: u64,
    /// What becomes of an occurrence while an earlier run has not ended.
    pub overlap: Overlap,
    /// Whether a run may be attempted again.
    pub delivery: DeliveryMode,
    /// When a failed attempt is repeated.
    pub retry: RetryPolicy,
    /// How long an attempt may take.
    pub timeout_seconds: u64,
    /// Each run is spread over so long.
    pub jitter_seconds: u64,
}

impl Retry {
    /// The names of its fields.
    pub const FIELDS: &'static [&'static str] = RETRY_FIELDS;
}

impl From<RetryPolicy> for Retry {
    fn from(policy: RetryPolicy) -> Self {
        Self {
            max_attempts: policy.max_attempts.into(),
            min_backoff_seconds: policy.min_backoff_seconds.into(),
            max_backoff_seconds: policy.max_backoff_seconds.into(),
            max_age_seconds: policy.max_age_seconds.into(),
        }
    }
}

impl EffectiveOptions {
    /// What asks for these very options.
    #[must_use]
    pub fn wanted(&self) -> TaskOptions {
        let options = self.clone();
        TaskOptions {
            name: options.name.into(),
            labels: Some(options.labels).filter(|labels| !labels.is_empty()).into(),
            timezone: options.timezone.into(),
            start_time: options.start_time.into(),
            end_time: options.end_time.into(),
            max_runs: options.max_runs.into(),
            misfire: options.misfire.into(),
            misfire_window_seconds: options.misfire_window_seconds.into(),
            overlap: options.overlap.into(),
            delivery: options.delivery.into(),
            retry: Retry::from(options.retry).into(),
            timeout_seconds: options.timeout_seconds.into(),
            jitter_seconds: options.jitter_seconds.into(),
            dst_gap: options.dst_gap.into(),
            dst_fold: options.dst_fold.into(),
        }
    }
}
