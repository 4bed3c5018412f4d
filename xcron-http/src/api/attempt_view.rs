//! One attempt of a run, as it is shown to whoever asks for attempts.

use serde::Serialize;
use std::sync::Arc;
use xcron_core::AttemptRecord;

#[derive(Serialize)]
pub(super) struct AttemptView {
    attempt: u32,
    node: u64,
    started_at: i64,
    ended_at: i64,
    latency_ms: Option<u64>,
    status: &'static str,
    http_status: Option<u16>,
    error: Option<Arc<str>>,
    /// What the target said. It is not to be trusted: escaped like every text of JSON, and no more.
    response: Option<Arc<str>>,
}

impl AttemptView {
    pub(super) fn of(made: AttemptRecord) -> Self {
        Self {
            attempt: made.attempt,
            node: made.node,
            started_at: made.started_at.as_secs(),
            ended_at: made.ended_at.as_secs(),
            latency_ms: made.latency_ms(),
            status: made.end.as_str(),
            http_status: made.code,
            error: made.error,
            response: made.answer,
        }
    }
}
