//! The judge: from a history to a verdict.

pub mod settings;
pub mod verdict;

use crate::history::History;
use settings::Settings;
use verdict::Verdict;

/// Judges `history` by `settings`.
#[must_use]
pub fn judge(history: &History, _settings: &Settings) -> Verdict {
    let mut verdict = Verdict::new(&history.begin.label);
    verdict.weak("no rule is built yet");
    verdict
}
