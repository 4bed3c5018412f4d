//! A request's body, whole, within its size, its time and its share of the memory.

use super::settings::ServerSettings;
use crate::answer::{Answer, Code};
use axum::body::Body;
use axum::extract::{FromRequest, Request};
use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use http_body_util::BodyExt;
use hyper::body::Body as _;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::timeout;
use xcron_core::Effect;

/// The memory that all bodies together may take.
#[derive(Debug)]
pub(super) struct BodyBudget {
    max: usize,
    used: AtomicUsize,
}

/// What one body takes of it, until dropped.
#[derive(Debug)]
pub(super) struct BodyShare<'a> {
    budget: &'a BodyBudget,
    bytes: usize,
}

impl BodyBudget {
    pub(super) const fn new(max: usize) -> Self {
        Self { max, used: AtomicUsize::new(0) }
    }

    pub(super) const fn share(&self) -> BodyShare<'_> {
        BodyShare { budget: self, bytes: 0 }
    }
}

impl BodyShare<'_> {
    /// Takes `bytes` more; `false` when the budget has no more.
    fn take(&mut self, bytes: usize) -> bool {
        let before = self.budget.used.fetch_add(bytes, Ordering::Relaxed);
        self.bytes += bytes;
        before + bytes <= self.budget.max
    }
}

impl Drop for BodyShare<'_> {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

/// The whole of `body`, or why it is refused; it may have `max` bytes.
pub(super) async fn read_body(
    body: Body,
    max: usize,
    settings: &ServerSettings,
    share: &mut BodyShare<'_>,
) -> Result<Bytes, Answer> {
    if body.size_hint().lower() > max as u64 {
        return Err(too_large(max)); // before a byte of it was read
    }
    match timeout(settings.body_max, collect(body, max, share)).await {
        Ok(read) => read,
        Err(_elapsed) => {
            let seconds = settings.body_max.as_secs_f64();
            let message = format!("the body did not arrive within {seconds} s");
            Err(Answer::error(Code::Malformed, message).closing())
        }
    }
}

async fn collect(mut body: Body, max: usize, share: &mut BodyShare<'_>) -> Result<Bytes, Answer> {
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| {
            let message = format!("the body could not be read: {error}");
            Answer::error(Code::Malformed, message).closing()
        })?;
        let Ok(bytes) = frame.into_data() else {
            continue;
        };
        if first.len() + rest.len() + bytes.len() > max {
            return Err(too_large(max));
        }
        if !share.take(bytes.len()) {
            let message = "the bodies of other requests take all memory that they may take";
            let refused = Answer::error(Code::Overloaded, message);
            return Err(refused.with_effect(Effect::None).closing());
        }
        if first.is_empty() {
            first = bytes; // most bodies come in one piece: no copy
        } else {
            rest.extend_from_slice(&bytes);
        }
    }
    if rest.is_empty() {
        return Ok(first);
    }
    let mut whole = BytesMut::with_capacity(first.len() + rest.len());
    whole.extend_from_slice(&first);
    whole.extend_from_slice(&rest);
    Ok(whole.freeze())
}

fn too_large(max: usize) -> Answer {
    let message = format!("the body is too large, expected at most {max} bytes");
    Answer::error(Code::TooLarge, message).closing()
}

/// The body that the gate has read.
#[derive(Debug)]
pub(crate) struct WholeBody(pub(crate) Bytes);

impl<S: Sync> FromRequest<S> for WholeBody {
    type Rejection = Answer;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Answer> {
        let whole = request.into_body().collect().now_or_never();
        let unread = || Answer::error(Code::Internal, "the body was not read");
        let body = whole.and_then(Result::ok).ok_or_else(unread)?;
        Ok(Self(body.to_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Body, BodyBudget, Bytes, ServerSettings, read_body};
    use futures::stream;
    use std::convert::Infallible;

    fn pieces(texts: &'static [&'static str]) -> Body {
        Body::from_stream(stream::iter(texts.iter().copied().map(Ok::<_, Infallible>)))
    }

    async fn read(body: Body, budget: &BodyBudget) -> Result<Bytes, Answer> {
        read_body(body, 4, &ServerSettings::default(), &mut budget.share()).await
    }

    #[tokio::test]
    async fn a_body_is_taken_up_to_its_limit_and_not_beyond() {
        let budget = BodyBudget::new(100);
        for texts in [&["abcd"][..], &["ab", "cd"], &["a", "b", "", "cd"]] {
            assert_eq!(read(pieces(texts), &budget).await.unwrap(), Bytes::from("abcd"));
        }
        for body in [pieces(&["abcde"]), pieces(&["abcd", "e"]), Body::from("abcde")] {
            assert_eq!(read(body, &budget).await.unwrap_err().code().number(), 1413);
        }
    }

    #[tokio::test]
    async fn all_bodies_together_take_no_more_than_the_budget() {
        let budget = BodyBudget::new(6);
        let mut held = budget.share();
        assert!(held.take(3));
        assert_eq!(read(Body::from("abcd"), &budget).await.unwrap_err().code().number(), 1429);
        assert!(read(Body::from("abc"), &budget).await.is_ok());
        drop(held);
        assert!(read(Body::from("abcd"), &budget).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_body_that_never_ends_is_refused_in_time() {
        let body = Body::from_stream(stream::pending::<Result<Bytes, Infallible>>());
        let refused = read(body, &BodyBudget::new(100)).await.unwrap_err();
        assert_eq!(refused.code().number(), 1000);
    }
}
