//! What a run is asked for, from the environment.

use std::time::Duration;

/// How long faults go on, in seconds.
const SECONDS: &str = "XCRON_CHAOS_SECONDS";

/// What everything is drawn from.
const SEED: &str = "XCRON_CHAOS_SEED";

/// Set to anything, the history of a run that passed stays too.
const KEEP: &str = "XCRON_CHAOS_KEEP";

const SECONDS_DEFAULT: u64 = 45;
const SECONDS_MAX: u64 = 24 * 3_600;
const SEED_DEFAULT: u64 = 4;

/// How long a run lasts and what it is drawn from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Settings {
    pub(crate) faults_for: Duration,
    pub(crate) seed: u64,
    pub(crate) keep: bool,
}

impl Settings {
    pub(crate) fn from_env() -> Self {
        let seconds = number(SECONDS, SECONDS_DEFAULT);
        assert!((10..=SECONDS_MAX).contains(&seconds), "{SECONDS} is {seconds}: 10 to a day");
        let keep = std::env::var_os(KEEP).is_some();
        Self { faults_for: Duration::from_secs(seconds), seed: number(SEED, SEED_DEFAULT), keep }
    }

    /// The command that repeats the run.
    pub(crate) fn command(&self) -> String {
        format!(
            "{SEED}={} {SECONDS}={} cargo test -p xcron-server --test chaos -- --nocapture",
            self.seed,
            self.faults_for.as_secs()
        )
    }
}

fn number(name: &str, default: u64) -> u64 {
    let Some(text) = std::env::var_os(name) else { return default };
    let text = text.to_string_lossy();
    text.parse().unwrap_or_else(|_| panic!("{name} is {text}, expected a number"))
}
