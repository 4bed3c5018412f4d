//! From the configuration, as users write it, to the settings of each part.

use crate::config::{Config, Network, PeerConfig};
use std::time::Duration;
use xcron_core::Settings;
use xcron_http::{Access, ApiSettings, DispatchSettings, ServerSettings};
use xcron_raft::RaftSettings;

/// The longest that a stop waits for requests that are being answered.
const ANSWERS_DRAIN_MAX: Duration = Duration::from_secs(10);

impl Config {
    /// What the scheduler keeps to.
    #[must_use]
    pub fn scheduler_settings(&self) -> Settings {
        Settings {
            in_flight_max: self.callback.max_in_flight,
            in_flight_per_destination_max: self.callback.max_in_flight_per_host,
            tasks_max: self.limits.max_tasks,
            finished_max: self.limits.max_finished_tasks,
            finished_retention: Duration::from_secs(self.limits.finished_retention_seconds),
            drain: Duration::from_secs(self.drain_seconds),
            ..Settings::default()
        }
    }

    /// What the store keeps to.
    #[must_use]
    pub fn raft_settings(&self) -> RaftSettings {
        let mut settings = RaftSettings::new(&self.raft_dir);
        // The rule of the key allows at most 1,000.
        settings.failed_retention_s = self.limits.finished_retention_seconds;
        settings.history_max = u32::try_from(self.limits.history_per_task).unwrap_or(u32::MAX);
        settings.segment_bytes = self.raft.segment_bytes;
        settings.snapshot_log_bytes = self.raft.snapshot_log_bytes;
        settings.heartbeat_ms = self.raft.heartbeat_ms;
        settings.election_timeout_ms = self.raft.election_timeout_ms;
        let canonical =
            |hosts: &[String]| hosts.iter().map(|host| PeerConfig::canonical(host)).collect();
        settings.advertise = PeerConfig::canonical(&self.peer.advertise);
        settings.peer_hosts = canonical(&self.peer.peer_hosts);
        settings.join = canonical(&self.peer.join);
        settings
    }

    /// What the dispatcher keeps to.
    #[must_use]
    pub fn dispatch_settings(&self) -> DispatchSettings {
        let texts = |networks: &[Network]| networks.iter().map(Network::to_string).collect();
        DispatchSettings {
            deny: texts(&self.callback.deny),
            allow: texts(&self.callback.allow),
            body_bytes_max: self.limits.max_callback_body_bytes,
            answer_kept_bytes_max: self.callback.max_answer_kept_bytes,
            signing: self.callback.signing_secrets(),
            ..DispatchSettings::default()
        }
    }

    /// What the API fills in.
    #[must_use]
    pub fn api_settings(&self) -> ApiSettings {
        ApiSettings {
            default_timezone: self.default_timezone.clone(),
            default_timeout: Duration::from_secs(self.callback.timeout_seconds),
            history_max: self.limits.history_per_task,
            batch_max: self.limits.max_batch,
        }
    }

    /// Who may call the API.
    #[must_use]
    pub fn access(&self) -> Access {
        let auth = &self.auth;
        let access = if auth.allow_anonymous { Access::open() } else { Access::by_token() };
        auth.tokens.iter().fold(access, |access, token| match token.digest() {
            Some(digest) => access.with_token(&token.name, digest, token.role),
            None => access, // a configuration that was not loaded holds no token
        })
    }

    /// What the API's and the monitor's servers keep to.
    #[must_use]
    pub fn server_settings(&self) -> ServerSettings {
        ServerSettings {
            body_bytes_max: self.limits.max_body_bytes,
            batch_body_bytes_max: self.limits.max_batch_body_bytes,
            requests_in_flight_per_token_max: self.limits.max_requests_in_flight_per_token,
            drain: Duration::from_secs(self.drain_seconds).min(ANSWERS_DRAIN_MAX),
            ..ServerSettings::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Config;
    use xcron_core::Settings;
    use xcron_http::{ApiSettings, DispatchSettings, ServerSettings};
    use xcron_raft::RaftSettings;

    #[test]
    fn the_default_configuration_gives_every_part_its_own_defaults() {
        let config = Config::default();
        assert_eq!(config.scheduler_settings(), Settings::default());
        assert_eq!(config.raft_settings(), RaftSettings::new("./data/"));
        assert_eq!(config.api_settings(), ApiSettings::default());
        assert_eq!(config.server_settings(), ServerSettings::default());
        let (ours, theirs) = (config.dispatch_settings(), DispatchSettings::default());
        assert_eq!((ours.deny, ours.allow), (theirs.deny, theirs.allow));
        assert_eq!((ours.body_bytes_max, ours.signing), (theirs.body_bytes_max, theirs.signing));
    }
}
