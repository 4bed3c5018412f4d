//! What a key accepts: one value against one rule.

use super::network::Network;
use std::net::IpAddr;
use std::str::FromStr;
use toml::Value;
use tracing_subscriber::EnvFilter;
use xcron_core::schedule::{DstFold, DstGap, Schedule};

/// What a key accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Rule {
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// An integer within these bounds, both included.
    Integer { min: i64, max: i64 },
    /// `true` or `false`.
    Boolean,
    /// An IP address.
    Address,
    /// A path.
    Directory,
    /// The name of a time zone.
    Zone,
    /// Which events are logged.
    LogFilter,
    /// A list of ranges of addresses.
    Networks,
    /// Its default only: this version does not act upon it.
    NotYet,
}

/// The most characters of a refused value that are shown.
const SHOWN_MAX: usize = 60;

impl Rule {
    /// Reads what an environment variable or a flag says; a text that does not fit is left as it
    /// is, for [`check`](Self::check) to refuse.
    pub(super) fn read(self, text: &str) -> Value {
        let as_given = || Value::String(text.into());
        match self {
            Self::Boolean => text.parse().map_or_else(|_| as_given(), Value::Boolean),
            Self::Networks | Self::NotYet if text.trim_start().starts_with('[') => {
                Value::from_str(text.trim()).unwrap_or_else(|_| as_given())
            }
            Self::Integer { .. } | Self::NotYet => {
                text.parse().map_or_else(|_| as_given(), Value::Integer)
            }
            Self::Networks => {
                let items = text.split(',').map(|item| Value::String(item.trim().into()));
                Value::Array(if text.trim().is_empty() { Vec::new() } else { items.collect() })
            }
            _ => as_given(),
        }
    }

    /// Accepts `value`, or says what was expected and what was found.
    pub(super) fn check(self, value: &Value, default: &Value) -> Result<(), String> {
        let good = match (self, value) {
            (Self::OneOf(words), Value::String(word)) => words.contains(&word.as_str()),
            (Self::Integer { min, max }, Value::Integer(n)) => (min..=max).contains(n),
            (Self::Boolean, Value::Boolean(_)) => true,
            (Self::Address, Value::String(text)) => text.parse::<IpAddr>().is_ok(),
            (Self::Directory, Value::String(text)) => !text.is_empty() && !text.contains('\0'),
            (Self::Zone, Value::String(name)) => is_zone(name),
            (Self::LogFilter, Value::String(text)) => {
                !text.is_empty() && EnvFilter::try_new(text).is_ok()
            }
            (Self::Networks, Value::Array(items)) => return items.iter().try_for_each(network),
            // The value is not shown: it may be a secret that somebody put in the wrong place.
            (Self::NotYet, value) if value != default && !is_nothing(value) => {
                return Err("is not supported yet in this version, remove it".into());
            }
            (Self::NotYet, _) => true,
            _ => false,
        };
        if good {
            return Ok(());
        }
        Err(format!("expected {}, found {}", self.expected(), found(value)))
    }

    fn expected(self) -> String {
        match self {
            Self::OneOf(words) => {
                words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(" or ")
            }
            Self::Integer { min, max } => format!("an integer from {min} to {max}"),
            Self::Boolean => "true or false".into(),
            Self::Address => "an IP address such as \"127.0.0.1\"".into(),
            Self::Directory => "the path of a directory".into(),
            Self::Zone => "an IANA time zone such as \"Europe/Paris\"".into(),
            Self::LogFilter => "a log level such as \"info\" or \"info,xcron_raft=debug\"".into(),
            Self::Networks => "a list of networks such as [\"10.0.0.0/8\"]".into(),
            Self::NotYet => "nothing".into(),
        }
    }
}

/// An empty list or text written down for a key without effect does no harm.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn is_zone(name: &str) -> bool {
    Schedule::cron("* * * * *", name, DstGap::default(), DstFold::default()).is_ok()
}

fn network(item: &Value) -> Result<(), String> {
    let Value::String(text) = item else {
        return Err(format!("expected {}, found {}", Rule::Networks.expected(), found(item)));
    };
    match text.parse::<Network>() {
        Ok(_) => Ok(()),
        Err(error) => Err(format!("{error}, found {}", found(item))),
    }
}

/// A refused value as it may stand in a message: on one line, short, printable.
fn found(value: &Value) -> String {
    match value {
        Value::Table(_) => "a table".into(),
        Value::Array(_) => "a list".into(),
        Value::String(text) => {
            let shown: String = text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect();
            let rest = if text.chars().nth(SHOWN_MAX).is_some() { "..." } else { "" };
            format!("\"{shown}{rest}\"")
        }
        other => other.to_string(),
    }
}
