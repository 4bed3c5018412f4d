//! What a key accepts: one value against one rule.

use super::endpoint::Endpoint;
use super::network::Network;
use super::token;
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
    /// Nothing, or an address that other nodes dial.
    Endpoint,
    /// A list of them.
    Endpoints,
    /// A list of tokens for the API.
    Tokens,
    /// Nothing, or the name of an environment variable.
    Variable,
    /// Nothing, or the path of a file.
    File,
}

/// The most characters of a refused value that are shown.
const SHOWN_MAX: usize = 60;
/// The most nodes that a list names.
const ENDPOINTS_MAX: usize = 16;
/// The longest name of an environment variable.
const VARIABLE_BYTES_MAX: usize = 128;

impl Rule {
    /// Reads what an environment variable or a flag says; a text that does not fit is left as it
    /// is, for [`check`](Self::check) to refuse.
    pub(super) fn read(self, text: &str) -> Value {
        let as_given = || Value::String(text.into());
        match self {
            Self::Boolean => text.parse().map_or_else(|_| as_given(), Value::Boolean),
            Self::Networks | Self::Endpoints | Self::Tokens
                if text.trim_start().starts_with('[') =>
            {
                Value::from_str(text.trim()).unwrap_or_else(|_| as_given())
            }
            Self::Integer { .. } => text.parse().map_or_else(|_| as_given(), Value::Integer),
            Self::Networks | Self::Endpoints => {
                let items = text.split(',').map(|item| Value::String(item.trim().into()));
                Value::Array(if text.trim().is_empty() { Vec::new() } else { items.collect() })
            }
            Self::Tokens if text.trim().is_empty() => Value::Array(Vec::new()),
            _ => as_given(),
        }
    }

    /// Accepts `value`, or says what was expected and what was found.
    pub(super) fn check(self, value: &Value) -> Result<(), String> {
        let good = match (self, value) {
            (Self::OneOf(words), Value::String(word)) => words.contains(&word.as_str()),
            (Self::Integer { min, max }, Value::Integer(n)) => (min..=max).contains(n),
            (Self::Boolean, Value::Boolean(_)) => true,
            (Self::Address, Value::String(text)) => text.parse::<IpAddr>().is_ok(),
            (Self::Directory, Value::String(text)) => !text.is_empty() && is_path(text),
            (Self::Zone, Value::String(name)) => is_zone(name),
            (Self::LogFilter, Value::String(text)) => {
                !text.is_empty() && EnvFilter::try_new(text).is_ok()
            }
            (Self::Networks, Value::Array(items)) => return items.iter().try_for_each(network),
            (Self::Endpoint, Value::String(text)) if text.is_empty() => true,
            (Self::Endpoint, Value::String(_)) => return endpoint(value).map(drop),
            (Self::Endpoints, Value::Array(items)) => return endpoints(items),
            (Self::File, Value::String(text)) => is_path(text),
            (Self::Tokens, Value::Array(items)) => return token::check(items),
            (Self::Variable, Value::String(name)) if is_variable(name) => true,
            // The value is not shown: it may be the secret itself.
            (Self::Variable | Self::Tokens, _) => {
                return Err(format!("expected {}", self.expected()));
            }
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
            Self::Endpoint => "\"host:port\" such as \"10.0.0.1:8899\"".into(),
            Self::Endpoints => "a list of \"host:port\" such as [\"10.0.0.1:8899\"]".into(),
            Self::Tokens => format!("a list such as [{}]", token::example()),
            Self::Variable => "the name of an environment variable, not its value".into(),
            Self::File => "the path of a file".into(),
        }
    }
}

/// Whether a path can be opened, and shown when it cannot.
fn is_path(text: &str) -> bool {
    !text.chars().any(char::is_control)
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

fn endpoint(item: &Value) -> Result<Endpoint, String> {
    let Value::String(text) = item else {
        return Err(format!("expected {}, found {}", Rule::Endpoint.expected(), found(item)));
    };
    text.parse().map_err(|expected| format!("{expected}, found {}", found(item)))
}

fn endpoints(items: &[Value]) -> Result<(), String> {
    if items.len() > ENDPOINTS_MAX {
        return Err(format!("expected at most {ENDPOINTS_MAX} addresses, found {}", items.len()));
    }
    let mut known: Vec<Endpoint> = Vec::with_capacity(items.len());
    for item in items {
        let endpoint = endpoint(item)?;
        if known.contains(&endpoint) {
            return Err(format!("expected each address once, found {} again", found(item)));
        }
        known.push(endpoint);
    }
    Ok(())
}

pub(super) fn is_variable(name: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let begins_well = !name.starts_with(|first: char| first.is_ascii_digit());
    name.len() <= VARIABLE_BYTES_MAX && begins_well && name.bytes().all(is_part)
}

/// A refused value as it may stand in a message: on one line, short, printable.
pub(super) fn found(value: &Value) -> String {
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
