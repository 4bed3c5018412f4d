//! The configuration as a value: one struct per component, with every default in this file.
//! What is not here is empty by default: the keys of [`PeerConfig`] and [`TlsConfig`].
//!
//! A value comes from a `--set` flag, else from the environment, else from the file, else it is
//! the default. Each layer is checked whole before anything starts: a key that does not exist, a
//! wrong type, a value out of range and a key that this version does not act upon are refused
//! with the place, the key and what was expected, never silently ignored.

mod contradictions;
mod document;
mod endpoint;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod key;
mod layers;
mod network;
mod peer;
mod peer_rules;
mod rule;
mod secret;
mod signing;
mod token;

pub use error::{ConfigError, ConfigErrors};
pub use layers::{Layers, load};
pub use network::{InvalidNetwork, Network};
pub use peer::PeerConfig;
pub use token::TokenConfig;

use secret::Secret;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use xcron_core::task::attempt::ANSWER_BYTES_MAX;

/// Everything that can be configured.
///
/// ```
/// use xcron_server::config::Config;
///
/// let config = Config::default();
/// assert_eq!(config.http_port, 8000);
/// assert!(config.to_toml().contains("http_port = 8000"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Who reads the logs.
    pub env: Env,
    /// Which events are logged: a level, or directives such as `info,xcron_raft=debug`.
    pub log: String,
    /// The address that all three ports bind.
    pub host: IpAddr,
    /// The API; 0 takes any free port, as with the other two.
    pub http_port: u16,
    /// Metrics and probes.
    pub monitor_port: u16,
    /// Traffic between nodes.
    pub peer_port: u16,
    /// Where everything durable lives.
    pub raft_dir: PathBuf,
    /// The time zone of tasks that name none.
    pub default_timezone: String,
    /// How long a stop waits for callbacks in flight.
    pub drain_seconds: u64,
    /// Who may call the API.
    pub auth: AuthConfig,
    /// What makes the API's port TLS.
    pub tls: TlsConfig,
    /// The other nodes.
    pub peer: PeerConfig,
    /// How the log is kept and replicated.
    pub raft: RaftConfig,
    /// How callbacks are made.
    pub callback: CallbackConfig,
    /// How much is too much.
    pub limits: LimitsConfig,
}

/// Who reads the logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Env {
    /// A person: text, in colour on a terminal.
    Debug,
    /// A machine: one JSON object a line.
    Prod,
}

/// Who may call the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthConfig {
    /// Bearer tokens.
    pub tokens: Vec<TokenConfig>,
    /// Whether whoever reaches the port may call without one. Not where there are tokens or
    /// `host` is not a loopback address, unless it is written down.
    pub allow_anonymous: bool,
}

/// What makes the API's port TLS: both files or none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsConfig {
    /// The certificate that clients are shown, with what it was signed by; a PEM file.
    pub cert: String,
    /// The key of that certificate.
    pub key: String,
}

/// How the log is kept, and when nodes believe that there is no leader.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RaftConfig {
    /// The length of a segment of the log; segments are allocated in full.
    pub segment_bytes: u64,
    /// How much log is written before a snapshot takes its place.
    pub snapshot_log_bytes: u64,
    /// How often a leader says that it is there.
    pub heartbeat_ms: u64,
    /// How long it may be silent before another node stands for election.
    pub election_timeout_ms: u64,
}

/// A leader of which fewer heartbeats are missed has not gone.
const HEARTBEATS_PER_ELECTION_MIN: u64 = 3;

/// How callbacks are made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CallbackConfig {
    /// How long an attempt of a task that says nothing about it may take.
    pub timeout_seconds: u64,
    /// The most attempts in flight.
    pub max_in_flight: usize,
    /// The most attempts in flight to one host and port.
    pub max_in_flight_per_host: usize,
    /// The most bytes of an answer that the history keeps.
    pub max_answer_kept_bytes: usize,
    /// Addresses that are never connected to.
    pub deny: Vec<Network>,
    /// Exceptions to `deny`.
    pub allow: Vec<Network>,
    /// The variable that holds what callbacks are signed with: one secret, or a new and an old one.
    pub signing_secret_env: String,
    /// What `signing_secret_env` named, when the configuration was loaded.
    #[serde(skip)]
    signing_secret: Option<Secret>,
}

/// How much is too much.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitsConfig {
    /// The most tasks that may exist.
    pub max_tasks: u64,
    /// The most bytes in the body of one request.
    pub max_body_bytes: usize,
    /// The most bytes in the body of a batch.
    pub max_batch_body_bytes: usize,
    /// The most bytes in the body of a callback.
    pub max_callback_body_bytes: usize,
    /// The most items in a batch.
    pub max_batch: usize,
    /// How many ended runs of each task are remembered.
    pub history_per_task: usize,
    /// How long a finished task is kept.
    pub finished_retention_seconds: u64,
    /// The most finished tasks that are kept, the oldest going first.
    pub max_finished_tasks: u64,
    /// The most requests in flight with one token.
    pub max_requests_in_flight_per_token: usize,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            env: Env::Prod,
            log: "info".into(),
            host: IpAddr::V4(Ipv4Addr::LOCALHOST),
            http_port: 8_000,
            monitor_port: 9_910,
            peer_port: 8_899,
            raft_dir: "./data/".into(),
            default_timezone: "UTC".into(),
            drain_seconds: 30,
            auth: AuthConfig::default(),
            tls: TlsConfig::default(),
            peer: PeerConfig::default(),
            raft: RaftConfig::default(),
            callback: CallbackConfig::default(),
            limits: LimitsConfig::default(),
        }
    }
}

impl Default for AuthConfig {
    fn default() -> Self {
        Self { tokens: Vec::new(), allow_anonymous: true }
    }
}

impl Default for RaftConfig {
    fn default() -> Self {
        Self {
            segment_bytes: 67_108_864,
            snapshot_log_bytes: 268_435_456,
            heartbeat_ms: 50,
            election_timeout_ms: 250,
        }
    }
}

impl Default for CallbackConfig {
    fn default() -> Self {
        Self {
            timeout_seconds: 10,
            max_in_flight: 1_024,
            max_in_flight_per_host: 256,
            max_answer_kept_bytes: ANSWER_BYTES_MAX,
            deny: vec![
                Network::from_v4([169, 254, 0, 0], 16),
                Network::from_v6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),
                Network::from_v4([0, 0, 0, 0], 8),
            ],
            allow: Vec::new(),
            signing_secret_env: String::new(),
            signing_secret: None,
        }
    }
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            max_tasks: 20_000_000,
            max_body_bytes: 1_048_576,
            max_batch_body_bytes: 16_777_216,
            max_callback_body_bytes: 65_536,
            max_batch: 10_000,
            history_per_task: 20,
            finished_retention_seconds: 604_800,
            max_finished_tasks: 1_000_000,
            max_requests_in_flight_per_token: 1_024,
        }
    }
}

impl Config {
    /// The configuration as a file that would load as the same. Secrets never stand in it: keys
    /// name the environment variable that holds one.
    ///
    /// # Panics
    /// Never: every value has a form in TOML, which a test of the defaults shows.
    #[must_use]
    pub fn to_toml(&self) -> String {
        toml::to_string(self).expect("a configuration consists of plain TOML values")
    }

    /// The same for programs.
    ///
    /// # Panics
    /// Never: every value that has a form in TOML has one in JSON.
    #[must_use]
    pub fn to_json(&self) -> String {
        let json = serde_json::to_string_pretty(self);
        json.expect("a configuration consists of plain JSON values") + "\n"
    }
}
