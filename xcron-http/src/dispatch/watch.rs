//! The last look before bytes leave.
//!
//! From the request that is handed to a connection to its bytes on the wire a process may sleep
//! for seconds, and its run may be somebody else's when it wakes. So the stream itself asks, for
//! every write, whether the attempt may still be sent.

use std::io;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use xcron_core::Delivery;

/// What a connection carries, and how far it has come.
#[derive(Debug, Default)]
enum State {
    /// Nothing that needs leave: it is idle, or a TLS handshake.
    #[default]
    Free,
    /// The attempt whose bytes come next.
    Handed(Delivery),
    /// The attempt whose first bytes have left.
    Leaving(Delivery),
    /// Its claim was lost before anything left.
    Kept,
    /// Its claim was lost when a part had left.
    Cut,
}

/// How an attempt was held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Held {
    /// Nothing has left.
    Whole,
    /// A part has left.
    InPart,
}

/// Watches the writes of one connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Watch(Arc<Mutex<State>>);

impl Watch {
    /// The bytes from here on are those of `delivery`.
    pub(super) fn hand_over(&self, delivery: &Delivery) {
        *self.state() = State::Handed(delivery.clone());
    }

    /// Whether the attempt that was handed over was held back.
    pub(super) fn held(&self) -> Option<Held> {
        match *self.state() {
            State::Kept => Some(Held::Whole),
            State::Cut => Some(Held::InPart),
            State::Free | State::Handed(_) | State::Leaving(_) => None,
        }
    }

    /// Asked for every write.
    fn leave(&self) -> io::Result<()> {
        let mut state = self.state();
        let next = match std::mem::take(&mut *state) {
            State::Handed(delivery) if delivery.start() => State::Leaving(delivery),
            State::Leaving(delivery) if delivery.may_start() => State::Leaving(delivery),
            State::Free => State::Free,
            State::Handed(_) | State::Kept => State::Kept,
            State::Leaving(_) | State::Cut => State::Cut,
        };
        let may = matches!(next, State::Free | State::Leaving(_));
        *state = next;
        if may { Ok(()) } else { Err(io::Error::other("the claim no longer stands")) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A stream whose writes are watched.
#[derive(Debug)]
pub(super) struct Watched<S> {
    stream: S,
    watch: Watch,
}

impl<S> Watched<S> {
    pub(super) const fn new(stream: S, watch: Watch) -> Self {
        Self { stream, watch }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.watch.leave()?;
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.watch.leave()?;
        Pin::new(&mut self.stream).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
