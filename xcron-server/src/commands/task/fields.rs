//! The flags that say what a task is to be.

use super::document::read_text;
use crate::commands::choice::{DELIVERY, DST_FOLD, DST_GAP, METHOD, MISFIRE, OVERLAP, one_of};
use crate::commands::failure::Failure;
use crate::commands::pair::{header, label, map};
use crate::commands::times::Moment;
use clap::Args;
use std::path::PathBuf;
use xcron_core::{DeliveryMode, DstFold, DstGap, Method, Misfire, Overlap};
use xcron_http::client::{Body, Callback, NewTask, Retry, TaskOptions};

/// What a task is to be.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(super) struct Fields {
    /// Due by a crontab expression of 5 fields, or 6 with leading seconds, or @daily and its like.
    #[arg(long, value_name = "EXPRESSION", conflicts_with = "at", required_unless_present = "at")]
    cron: Option<String>,
    /// Due once: Unix seconds, RFC 3339 with an offset, or a span from now such as +10m.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    at: Option<Moment>,
    /// Its id, of letters, digits and ._:- ; the server makes one up without it.
    #[arg(long, value_name = "ID")]
    task_id: Option<String>,
    /// Free text.
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,
    /// A label; may be repeated.
    #[arg(long = "label", value_name = "KEY=VALUE", value_parser = label)]
    labels: Vec<(String, String)>,
    /// Created paused.
    #[arg(long)]
    paused: bool,
    #[command(flatten)]
    callback: CallbackFields,
    #[command(flatten)]
    times: TimeFields,
    #[command(flatten)]
    policies: PolicyFields,
    #[command(flatten)]
    retry: RetryFields,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(next_help_heading = "Callback")]
struct CallbackFields {
    /// What is called when it is due.
    #[arg(long)]
    url: String,
    /// What is sent: a JSON object or array without its blanks, anything else as it is typed.
    #[arg(long, value_name = "TEXT", conflicts_with = "body_file")]
    body: Option<String>,
    /// The same from a file, - for stdin.
    #[arg(long, value_name = "FILE")]
    body_file: Option<PathBuf>,
    /// How it is called; POST by default.
    #[arg(long, value_parser = one_of::<Method>(METHOD), ignore_case = true)]
    method: Option<Method>,
    /// A further header; may be repeated.
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
    /// How long an attempt may take, connecting included.
    #[arg(long, value_name = "SECONDS")]
    timeout: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(next_help_heading = "Schedule")]
struct TimeFields {
    /// The IANA zone of the crontab expression, such as Europe/Paris.
    #[arg(long, value_name = "ZONE")]
    tz: Option<String>,
    /// No occurrence before it.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    start: Option<Moment>,
    /// No occurrence after it.
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    end: Option<Moment>,
    /// Finished after so many runs.
    #[arg(long, value_name = "N")]
    max_runs: Option<u64>,
    /// Each run is spread over so long after its occurrence.
    #[arg(long, value_name = "SECONDS")]
    jitter: Option<u64>,
    /// A fixed local time that does not exist is moved behind the gap, or left out.
    #[arg(long, value_name = "HOW", value_parser = one_of::<DstGap>(DST_GAP))]
    dst_gap: Option<DstGap>,
    /// A fixed local time that exists twice fires the first time, or both.
    #[arg(long, value_name = "HOW", value_parser = one_of::<DstFold>(DST_FOLD))]
    dst_fold: Option<DstFold>,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(next_help_heading = "Policies")]
struct PolicyFields {
    /// What becomes of occurrences that were missed while nobody could fire.
    #[arg(long, value_name = "HOW", value_parser = one_of::<Misfire>(MISFIRE))]
    misfire: Option<Misfire>,
    /// Occurrences older than this are skipped, whatever --misfire says.
    #[arg(long, value_name = "SECONDS")]
    misfire_window: Option<u64>,
    /// When a run is due and the last has not ended.
    #[arg(long, value_name = "HOW", value_parser = one_of::<Overlap>(OVERLAP))]
    overlap: Option<Overlap>,
    /// Whether a run may be attempted again.
    #[arg(long, value_name = "HOW", value_parser = one_of::<DeliveryMode>(DELIVERY))]
    delivery: Option<DeliveryMode>,
}

#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(next_help_heading = "Retry")]
struct RetryFields {
    /// Attempts in all.
    #[arg(long = "max-attempts", value_name = "N")]
    attempts: Option<u32>,
    /// Before the second attempt.
    #[arg(long = "min-backoff", value_name = "SECONDS")]
    min_backoff: Option<u32>,
    /// Between two attempts at most.
    #[arg(long = "max-backoff", value_name = "SECONDS")]
    max_backoff: Option<u32>,
    /// After the claim, beyond which a run is not attempted again.
    #[arg(long = "max-age", value_name = "SECONDS")]
    max_age: Option<u32>,
}

impl Fields {
    /// The task that they describe.
    pub(super) fn task(&self) -> Result<NewTask, Failure> {
        let callback = self.callback.read()?;
        let mut task = match (&self.cron, self.at) {
            (Some(expression), _) => NewTask::periodic(expression, callback),
            (None, Some(at)) => NewTask::one_shot(at.secs(), callback),
            (None, None) => return Err(Failure::Usage("--cron or --at is missing".to_owned())),
        };
        task.task_id.clone_from(&self.task_id);
        task.paused = self.paused.then_some(true);
        let retry = Retry {
            max_attempts: self.retry.attempts.into(),
            min_backoff_seconds: self.retry.min_backoff.into(),
            max_backoff_seconds: self.retry.max_backoff.into(),
            max_age_seconds: self.retry.max_age.into(),
        };
        task.options = TaskOptions {
            name: self.name.clone().into(),
            labels: map(&self.labels).into(),
            timezone: self.times.tz.clone().into(),
            start_time: self.times.start.map(Moment::secs).into(),
            end_time: self.times.end.map(Moment::secs).into(),
            max_runs: self.times.max_runs.into(),
            misfire: self.policies.misfire.into(),
            misfire_window_seconds: self.policies.misfire_window.into(),
            overlap: self.policies.overlap.into(),
            delivery: self.policies.delivery.into(),
            retry: Some(retry).filter(|retry| *retry != Retry::default()).into(),
            timeout_seconds: self.callback.timeout.into(),
            jitter_seconds: self.times.jitter.into(),
            dst_gap: self.times.dst_gap.into(),
            dst_fold: self.times.dst_fold.into(),
        };
        Ok(task)
    }
}

impl CallbackFields {
    fn read(&self) -> Result<Callback, Failure> {
        let text = match (&self.body, &self.body_file) {
            (Some(text), _) => Some(text.clone()),
            (None, Some(path)) => Some(read_text(path)?),
            (None, None) => None,
        };
        let mut callback = Callback::new(&self.url);
        callback.body = text.map(body).into();
        callback.method = self.method.into();
        callback.headers = map(&self.headers).into();
        Ok(callback)
    }
}

/// What was typed as a body.
fn body(text: String) -> Body {
    match Body::json(&text) {
        Ok(json @ Body::Json(_)) if text.trim_start().starts_with(['{', '[']) => json,
        _ => Body::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::body;
    use xcron_http::client::Body;

    #[test]
    fn a_body_is_json_if_it_looks_like_it_and_is() {
        for (text, expected) in [
            ("{\"a\": 1.10}", Body::Json("{\"a\":1.10}".to_owned())),
            (" [ 1 ]\n", Body::Json("[1]".to_owned())),
            ("{a}", Body::Text("{a}".to_owned())),
            ("\"a\"", Body::Text("\"a\"".to_owned())),
            ("a=1&b=2", Body::Text("a=1&b=2".to_owned())),
            ("17", Body::Text("17".to_owned())),
        ] {
            assert_eq!(body(text.to_owned()), expected);
        }
    }
}
