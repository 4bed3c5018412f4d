//! The body of an answer, which notes when nothing more of it has to be made.

use super::phase::Phases;
use axum::body::{Body, Bytes};
use hyper::body::{Frame, SizeHint};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A body on its way to the socket.
///
/// Almost every answer is there as a whole, and sending it is no phase of its own. One whose size
/// is not known yet is made while it is sent, which may take any time: the connection is in the
/// sending phase until it has ended.
#[derive(Debug)]
pub(super) struct Sent {
    body: Body,
    /// Of a body that is still being made.
    phases: Option<Arc<Phases>>,
}

impl Sent {
    pub(super) fn new(body: Body, phases: Arc<Phases>) -> Self {
        use hyper::body::Body as _;
        if body.is_end_stream() || body.size_hint().exact().is_some() {
            phases.request_ended();
            return Self { body, phases: None };
        }
        phases.sending_began();
        Self { body, phases: Some(phases) }
    }

    fn end(&mut self) {
        if let Some(phases) = self.phases.take() {
            phases.request_ended();
        }
    }
}

impl hyper::body::Body for Sent {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if !matches!(frame, Some(Ok(_))) {
            self.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sent {
    /// A body that nobody wants to the end has ended as well.
    fn drop(&mut self) {
        self.end();
    }
}
