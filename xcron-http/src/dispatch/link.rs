//! A connection to a target, with the task that moves its bytes.

use super::Request;
use super::watch::{Held, Watch};
use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;
use xcron_core::Delivery;

/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 65_536;

/// A connection; dropping it closes it at once, whatever is under way.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Full<bytes::Bytes>>,
    watch: Watch,
    task: AbortHandle,
}

/// Why there is no answer.
pub(super) enum SendError {
    /// The connection was closed meanwhile; here is the request, of which not a byte has left.
    Unsent(Box<Request>),
    /// The claim no longer stands; nothing has left.
    NotStarted,
    /// What went wrong.
    Failed(String),
}

impl Link {
    /// Speaks HTTP over `stream`, at whose bottom is `watch`.
    pub(super) async fn over<S>(stream: S, watch: Watch) -> Result<Self, String>
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let handshake =
            Builder::new().max_buf_size(HEAD_BYTES_MAX).handshake(TokioIo::new(stream)).await;
        let (sender, connection) = handshake.map_err(|error| error.to_string())?;
        let task = tokio::spawn(async move {
            // Whoever waits for an answer is told; an idle connection has nobody to tell.
            let _ended = connection.await;
        });
        Ok(Self { sender, watch, task: task.abort_handle() })
    }

    /// Whether it can take a request; waits for the rest of the last answer to be done with.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Whether it is certainly closed.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends `request`, which is what `delivery` asks for, and returns the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request,
        delivery: &Delivery,
    ) -> Result<Response<Incoming>, SendError> {
        self.watch.hand_over(delivery);
        let sent = self.sender.try_send_request(request).await;
        sent.map_err(|mut error| match (self.watch.held(), error.take_message()) {
            (Some(Held::Whole), _) => SendError::NotStarted,
            (Some(Held::InPart), _) => {
                SendError::Failed("the claim was lost while it was being sent".to_owned())
            }
            (None, Some(unsent)) => SendError::Unsent(Box::new(unsent)),
            (None, None) => SendError::Failed(describe(error.error())),
        })
    }
}

#[cfg(feature = "fuzzing")]
impl Link {
    /// Sends `request`, which no claim stands behind.
    pub(super) async fn send_freely(
        &mut self,
        request: Request,
    ) -> Result<Response<Incoming>, String> {
        self.sender.send_request(request).await.map_err(|error| describe(&error))
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An error with what caused it.
fn describe(error: &hyper::Error) -> String {
    let cause = std::error::Error::source(error);
    cause.map_or_else(|| error.to_string(), |cause| format!("{error}: {cause}"))
}
