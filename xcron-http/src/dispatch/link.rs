//! A connection to a target, with the task that moves its bytes.

use super::Request;
use http::Response;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::client::conn::http1::{Builder, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::task::AbortHandle;

/// The most bytes of an answer's head.
const HEAD_BYTES_MAX: usize = 65_536;

/// A connection; dropping it closes it at once, whatever is under way.
#[derive(Debug)]
pub(super) struct Link {
    sender: SendRequest<Full<bytes::Bytes>>,
    task: AbortHandle,
}

/// A request without an answer.
pub(super) struct SendError {
    /// The request, if not a byte of it has left.
    pub(super) unsent: Option<Request>,
    /// What went wrong.
    pub(super) message: String,
}

impl Link {
    /// Speaks HTTP over `stream`.
    pub(super) async fn over<S>(stream: S) -> Result<Self, String>
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
        Ok(Self { sender, task: task.abort_handle() })
    }

    /// Whether it can take a request; waits for the rest of the last answer to be done with.
    pub(super) async fn ready(&mut self) -> bool {
        self.sender.ready().await.is_ok()
    }

    /// Whether it is certainly closed.
    pub(super) fn is_closed(&self) -> bool {
        self.sender.is_closed()
    }

    /// Sends `request`, and returns the head of the answer.
    pub(super) async fn send(
        &mut self,
        request: Request,
    ) -> Result<Response<Incoming>, Box<SendError>> {
        self.sender.try_send_request(request).await.map_err(|mut error| {
            let unsent = error.take_message();
            let message = describe(error.error());
            Box::new(SendError { unsent, message })
        })
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
