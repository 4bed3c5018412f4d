//! What is wrong with values that are good by themselves.

use super::Config;
use super::error::{ConfigError, Origin};
use super::layers::Entry;
use super::peer_rules::judge_peers;
use super::signing::judge_signing;
use std::collections::BTreeMap;
use std::ffi::OsString;

/// Collects what is wrong, each with where the value of its key came from.
#[derive(Debug)]
pub(super) struct Judge<'a> {
    given: &'a BTreeMap<&'a str, Entry>,
    errors: Vec<ConfigError>,
}

impl Judge<'_> {
    /// Whether somebody gave a value to the key at `path`.
    fn is_given(&self, path: &str) -> bool {
        self.given.contains_key(path)
    }

    /// Refuses the value of the key at `path`.
    pub(super) fn refuse(&mut self, path: &str, problem: impl Into<String>) {
        let origin = self.given.get(path).map_or(Origin::Default, |entry| entry.origin.clone());
        self.errors.push(ConfigError::new(origin, path, problem));
    }
}

/// All that is wrong with `config`, the values of which were `given`, with secrets among
/// `variables`.
pub(super) fn contradictions(
    config: &Config,
    given: &BTreeMap<&str, Entry>,
    variables: &[(OsString, OsString)],
) -> Vec<ConfigError> {
    let mut judge = Judge { given, errors: Vec::new() };
    judge_access(config, &mut judge);
    judge_tokens(config, variables, &mut judge);
    judge_tls(config, &mut judge);
    judge_ports(config, &mut judge);
    judge_peers(config, &mut judge);
    judge_raft(config, &mut judge);
    judge_signing(config, &mut judge);
    let (body, callback) = (config.limits.max_body_bytes, config.limits.max_callback_body_bytes);
    if callback > body {
        let problem = format!("{callback} is more than limits.max_body_bytes, which is {body}");
        judge.refuse("limits.max_callback_body_bytes", problem);
    }
    judge.errors
}

fn judge_access(config: &Config, judge: &mut Judge<'_>) {
    if !config.auth.tokens.is_empty() {
        return;
    }
    if !config.auth.allow_anonymous {
        let problem = "false would let nobody in, add a token to auth.tokens";
        judge.refuse("auth.allow_anonymous", problem);
    } else if !config.host.is_loopback() && !judge.is_given("auth.allow_anonymous") {
        let problem = format!(
            "{} can be reached from other machines and no token is asked for, \
             add one to auth.tokens, set auth.allow_anonymous = true to accept that, or use \
             127.0.0.1",
            config.host
        );
        judge.refuse("host", problem);
    }
}

fn judge_tokens(config: &Config, variables: &[(OsString, OsString)], judge: &mut Judge<'_>) {
    let mut known = Vec::new();
    for token in &config.auth.tokens {
        let digest = match token.read(variables) {
            Ok(digest) => digest,
            Err(problem) => {
                judge.refuse("auth.tokens", problem);
                continue;
            }
        };
        if let Some((_, other)) = known.iter().find(|(known, _)| *known == digest) {
            let problem = format!(
                "\"{}\" and \"{other}\" are the same token, expected one of its own for each",
                token.name
            );
            judge.refuse("auth.tokens", problem);
        }
        known.push((digest, token.name.as_str()));
    }
}

fn judge_tls(config: &Config, judge: &mut Judge<'_>) {
    let (cert, key) = (&config.tls.cert, &config.tls.key);
    for (empty, named, path) in [("tls.cert", "tls.key", cert), ("tls.key", "tls.cert", key)] {
        if path.is_empty() && cert.is_empty() != key.is_empty() {
            judge.refuse(empty, format!("is empty but {named} is not, set both files or none"));
        }
    }
}

fn judge_ports(config: &Config, judge: &mut Judge<'_>) {
    let ports = [
        ("http_port", config.http_port),
        ("monitor_port", config.monitor_port),
        ("peer_port", config.peer_port),
    ];
    for (i, (name, port)) in ports.iter().enumerate() {
        let taken = ports[..i].iter().find(|(_, earlier)| *port != 0 && earlier == port);
        if let Some((earlier, _)) = taken {
            judge.refuse(name, format!("{port} is {earlier} already, expected another port"));
        }
    }
}

fn judge_raft(config: &Config, judge: &mut Judge<'_>) {
    let (timeout, heartbeat) = (config.raft.election_timeout_ms, config.raft.heartbeat_ms);
    let min = heartbeat * super::HEARTBEATS_PER_ELECTION_MIN;
    if timeout < min {
        let problem = format!(
            "{timeout} is less than three times raft.heartbeat_ms, which is {heartbeat}, \
             expected at least {min}"
        );
        judge.refuse("raft.election_timeout_ms", problem);
    }
}
