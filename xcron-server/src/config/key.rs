//! The table of keys: what each accepts, in the order in which they are documented.

use super::rule::Rule;

/// A key and what it accepts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Key {
    /// Its path, joined by dots.
    pub(super) path: &'static str,
    /// What it accepts.
    pub(super) rule: Rule,
}

const fn key(path: &'static str, rule: Rule) -> Key {
    Key { path, rule }
}

const fn integer(path: &'static str, min: i64, max: i64) -> Key {
    Key { path, rule: Rule::Integer { min, max } }
}

/// A day, an hour and so on are not worth a name here: every bound is in the key's own unit.
pub(super) const KEYS: &[Key] = &[
    key("env", Rule::OneOf(&["debug", "prod"])),
    key("log", Rule::LogFilter),
    key("host", Rule::Address),
    integer("http_port", 0, 65_535),
    integer("monitor_port", 0, 65_535),
    integer("peer_port", 0, 65_535),
    key("raft_dir", Rule::Directory),
    key("default_timezone", Rule::Zone),
    integer("drain_seconds", 0, 3_600),
    key("auth.tokens", Rule::Tokens),
    key("auth.allow_anonymous", Rule::Boolean),
    key("tls.cert", Rule::File),
    key("tls.key", Rule::File),
    key("peer.peer_hosts", Rule::Endpoints),
    key("peer.join", Rule::Endpoints),
    key("peer.advertise", Rule::Endpoint),
    key("peer.secret_env", Rule::Variable),
    key("peer.tls_cert", Rule::File),
    key("peer.tls_key", Rule::File),
    key("peer.tls_ca", Rule::File),
    integer("raft.segment_bytes", 65_536, 1_073_741_824),
    integer("raft.snapshot_log_bytes", 65_536, 1_099_511_627_776),
    integer("raft.heartbeat_ms", 10, 10_000),
    integer("raft.election_timeout_ms", 30, 60_000),
    integer("callback.timeout_seconds", 1, 1_800),
    integer("callback.max_in_flight", 1, 100_000),
    integer("callback.max_in_flight_per_host", 1, 100_000),
    integer("callback.max_answer_kept_bytes", 0, 1_024),
    key("callback.deny", Rule::Networks),
    key("callback.allow", Rule::Networks),
    key("callback.signing_secret_env", Rule::Variable),
    integer("limits.max_tasks", 1, 1_000_000_000),
    integer("limits.max_body_bytes", 1_024, 1_073_741_824),
    integer("limits.max_batch_body_bytes", 1_024, 268_435_456),
    integer("limits.max_callback_body_bytes", 1, 1_073_741_824),
    integer("limits.max_batch", 1, 100_000),
    integer("limits.history_per_task", 0, 1_000),
    integer("limits.finished_retention_seconds", 0, 315_360_000),
    integer("limits.max_finished_tasks", 0, 1_000_000_000),
    integer("limits.max_requests_in_flight_per_token", 1, 2_048),
];

/// The key at `path`.
pub(super) fn find(path: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.path == path)
}

/// Whether `path` is a table that holds keys.
pub(super) fn is_section(path: &str) -> bool {
    let holds = |key: &Key| key.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('.'));
    KEYS.iter().any(holds)
}

/// What the names of all variables that override a key begin with.
pub(super) const VARIABLE_PREFIX: &str = "XCRON_";

/// The environment variable that overrides the key at `path`, without its prefix.
pub(super) fn variable(path: &str) -> String {
    path.replace('.', "__").to_uppercase()
}

/// The one of `known` that was most likely meant by `written`, if any is near enough.
pub(super) fn meant<T: AsRef<str>>(written: &str, known: impl IntoIterator<Item = T>) -> Option<T> {
    let farthest = if written.len() < 10 { 1 } else { 2 };
    let letters = written.chars().count();
    let near = |name: T| {
        // Each edit changes the length by one at most, and the text may be of any length.
        if letters.abs_diff(name.as_ref().chars().count()) > farthest {
            return None;
        }
        let edits = distance(written, name.as_ref());
        (edits <= farthest).then_some((edits, name))
    };
    let nearest = known.into_iter().filter_map(near).min_by_key(|(edits, _)| *edits);
    nearest.map(|(_, name)| name)
}

/// The Levenshtein distance of two short texts.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, r) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(l != *r);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::{KEYS, distance, meant, variable};
    use crate::config::Config;
    use std::collections::BTreeSet;

    fn leaves(prefix: &str, table: &toml::Table, into: &mut BTreeSet<String>) {
        for (name, value) in table {
            match value {
                toml::Value::Table(section) => leaves(&format!("{prefix}{name}."), section, into),
                _ => drop(into.insert(format!("{prefix}{name}"))),
            }
        }
    }

    #[test]
    fn every_key_of_the_configuration_has_exactly_one_rule() {
        let mut configured = BTreeSet::new();
        let table = toml::Table::try_from(Config::default()).expect("plain values");
        leaves("", &table, &mut configured);
        let ruled: BTreeSet<_> = KEYS.iter().map(|key| key.path.to_owned()).collect();
        assert_eq!(ruled, configured);
        assert_eq!(ruled.len(), KEYS.len(), "a key stands in the table twice");
    }

    #[test]
    fn a_variable_is_the_path_in_capitals() {
        assert_eq!(variable("http_port"), "HTTP_PORT");
        assert_eq!(variable("peer.peer_hosts"), "PEER__PEER_HOSTS");
    }

    #[test]
    fn a_slip_of_the_pen_is_recognized_and_another_word_is_not() {
        for (left, right, edits) in [("", "", 0), ("abc", "abc", 0), ("abc", "axc", 1)] {
            assert_eq!(distance(left, right), edits);
        }
        let known = || KEYS.iter().map(|key| key.path);
        assert_eq!(meant("htp_port", known()), Some("http_port"));
        assert_eq!(meant("port", known()), None);
    }
}
