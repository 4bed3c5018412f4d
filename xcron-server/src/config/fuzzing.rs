//! What loading a configuration promises about whatever somebody wrote: it is refused line by line
//! with a place and a reason, or it is in force and can be written down.

use super::layers::{Layers, lay};
use super::{Config, ConfigErrors, document};
use std::ffi::OsString;
use std::path::Path;

/// What stands between a file, variables and flags, and in none of them.
const SEPARATOR: u8 = 0xff;
/// Where the secret of the cluster is, if anybody looks.
const SECRET: (&str, &str) = ("SECRET", "correct-horse-battery-staple");

/// Loads what stands in `bytes`: a file, then a variable (`V`) or a flag (anything else) at a time,
/// with bytes between them that no text holds.
pub(crate) fn check(bytes: &[u8]) {
    let mut parts = bytes.split(|byte| *byte == SEPARATOR).map(String::from_utf8_lossy);
    let text = parts.next().unwrap_or_default();
    let mut layers = Layers { variables: vec![secret()], ..Layers::default() };
    for part in parts {
        match part.strip_prefix('V') {
            Some(variable) => {
                let (name, value) = variable.split_once('=').unwrap_or((variable, ""));
                layers.variables.push((name.into(), value.into()));
            }
            None => layers.flags.push(part.into_owned()),
        }
    }
    match load(&text, &layers) {
        Ok(config) => in_force(&config, layers),
        Err(errors) => told(&errors, bytes.len()),
    }
}

fn secret() -> (OsString, OsString) {
    (SECRET.0.into(), SECRET.1.into())
}

fn load(text: &str, layers: &Layers) -> Result<Config, ConfigErrors> {
    lay(document::entries(Path::new("xcron.toml"), text), layers)
}

/// Written down, a configuration is the same; its bounds hold and its secret is not in it.
fn in_force(config: &Config, mut layers: Layers) {
    let text = config.to_toml();
    assert!(!text.contains(SECRET.1), "a secret is in no file");
    assert!(!format!("{config:?}").contains(SECRET.1), "nor in a log");
    // Only the variables that are secrets stay.
    let holds_token = |name: &str| config.auth.tokens.iter().any(|token| token.token_env == name);
    layers.variables.retain(|(name, _)| {
        let name = name.to_string_lossy();
        !name.starts_with("XCRON_") || holds_token(&name)
    });
    layers.flags.clear();
    assert_eq!(load(&text, &layers).as_ref(), Ok(config), "{text}");
    let is_guarded = config.host.is_loopback() || !config.auth.tokens.is_empty();
    assert!(is_guarded || config.auth.allow_anonymous);
    assert!(config.raft.election_timeout_ms >= 3 * config.raft.heartbeat_ms);
    assert!(config.limits.max_callback_body_bytes <= config.limits.max_body_bytes);
    assert!(config.limits.max_tasks > 0 && config.callback.max_in_flight > 0);
    assert!(!config.raft_dir.as_os_str().is_empty());
    assert!(config.peer.peer_hosts.is_empty() || config.peer.join.is_empty());
}

/// Every line names a place and says what is wrong, in print.
fn told(errors: &ConfigErrors, input_bytes: usize) {
    assert!(!errors.0.is_empty());
    let text = errors.to_string();
    assert_eq!(text.lines().count(), errors.0.len(), "one line each: {text}");
    for line in text.lines() {
        assert!(!line.chars().any(char::is_control), "{line:?}");
        assert!(line.split_once(": ").is_some(), "{line:?}");
        assert!(line.len() < 1_000 + input_bytes, "{} bytes", line.len());
        assert!(!line.contains(SECRET.1), "a secret is shown: {line}");
    }
}
