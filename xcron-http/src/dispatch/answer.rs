//! A target's answer as an outcome.

use super::retry_after::retry_after;
use super::settings::DispatchSettings;
use http::{Response, StatusCode};
use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use xcron_core::{Outcome, Timestamp};

/// How long the body of an answer that says "done" is waited for: to keep its beginning, and to use
/// the connection again.
const REST_MAX: Duration = Duration::from_secs(1);

/// What `response` means, and whether its connection can be used again.
pub(super) async fn judge(
    response: Response<Incoming>,
    deadline: Instant,
    settings: &DispatchSettings,
    now: impl Fn() -> Timestamp + Send,
) -> (Outcome, bool) {
    let (head, body) = response.into_parts();
    if head.status.is_success() {
        let read = read(body, deadline.min(Instant::now() + REST_MAX), settings).await;
        let outcome = Outcome::succeeded().with_code(head.status.as_u16()).with_answer(&read.kept);
        return (outcome, read.is_whole);
    }
    let read = read(body, deadline, settings).await;
    let error = describe(head.status, &read.kept);
    let outcome = match head.status {
        StatusCode::GONE => Outcome::refused(error),
        _ => Outcome::failed(error),
    };
    let outcome = outcome.with_code(head.status.as_u16()).with_answer(&read.kept);
    let wish = match head.status {
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            retry_after(&head.headers, now())
        }
        _ => None,
    };
    let outcome = match wish {
        Some(wish) => outcome.with_retry_after(wish.min(settings.retry_after_max)),
        None => outcome,
    };
    (outcome, read.is_whole)
}

/// What was read of a body.
struct Read {
    kept: Vec<u8>,
    is_whole: bool,
}

/// Reads `body` up to the limits, and keeps its beginning.
async fn read(mut body: Incoming, deadline: Instant, settings: &DispatchSettings) -> Read {
    let mut read = Read { kept: Vec::new(), is_whole: body.is_end_stream() };
    let mut bytes = 0;
    while !read.is_whole && bytes < settings.answer_bytes_max {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => {
                let Some(part) = frame.data_ref() else {
                    continue;
                };
                bytes += part.len();
                let room = settings.answer_kept_bytes_max.saturating_sub(read.kept.len());
                let room = room.min(part.len());
                read.kept.extend_from_slice(&part[..room]);
                read.is_whole = body.is_end_stream();
            }
            Ok(None) => read.is_whole = true,
            // The status has said all that matters.
            Ok(Some(Err(_))) | Err(_) => break,
        }
    }
    read
}

fn describe(status: StatusCode, kept: &[u8]) -> String {
    let text = String::from_utf8_lossy(kept);
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    let text: String = text.chars().map(printable).collect();
    let text = text.trim();
    let hint = if status.is_redirection() { " (not followed)" } else { "" };
    if text.is_empty() {
        return format!("answered {status}{hint}");
    }
    format!("answered {status}{hint}: {text}")
}
