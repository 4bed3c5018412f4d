//! What callbacks are signed with.

use super::contradictions::Judge;
use super::{CallbackConfig, Config};
use xcron_http::SigningSecrets;

impl CallbackConfig {
    /// What callbacks are signed with, as the environment held it when the configuration was
    /// loaded; `None` when `signing_secret_env` is empty.
    #[must_use]
    pub fn signing_secrets(&self) -> Option<SigningSecrets> {
        self.read_secrets().and_then(Result::ok)
    }

    /// The secrets, or what is wrong with them; `None` when there is nothing to read.
    fn read_secrets(&self) -> Option<Result<SigningSecrets, String>> {
        let secret = self.signing_secret.as_ref()?;
        let text = std::str::from_utf8(secret.bytes());
        let text = text.map_err(|_| "has bytes that are no text, expected whsec_...".to_owned());
        Some(text.and_then(|text| SigningSecrets::parse(text).map_err(|error| error.to_string())))
    }
}

pub(super) fn judge_signing(config: &Config, judge: &mut Judge<'_>) {
    let (callback, key) = (&config.callback, "callback.signing_secret_env");
    let variable = &callback.signing_secret_env;
    if variable.is_empty() {
        return;
    }
    match callback.read_secrets() {
        Some(Ok(_)) => {}
        Some(Err(problem)) => judge.refuse(key, format!("the variable {variable} {problem}")),
        None => {
            // A secret that was put here instead of a name has small letters, and is not shown.
            let has_small = variable.bytes().any(|byte| byte.is_ascii_lowercase());
            let which = if has_small { "that it names" } else { variable };
            let problem = format!("the variable {which} is not set, set it to whsec_...");
            judge.refuse(key, problem);
        }
    }
}
