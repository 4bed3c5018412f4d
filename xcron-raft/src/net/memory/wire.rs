//! A connection in memory: bytes that arrive in order after what their way takes, until it is cut.

use std::collections::VecDeque;
use std::fmt;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::way::Way;

/// What is on its way in one direction of a connection, in bytes.
const WINDOW_BYTES: usize = 65_536;

/// What both ends of a connection share.
#[derive(Debug)]
pub(super) struct Wire {
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    is_cut: bool,
    is_silent: bool,
    /// What the first end sends, and what the second does.
    halves: [Half; 2],
}

/// One direction of a connection.
#[derive(Debug)]
struct Half {
    way: Arc<Way>,
    packets: VecDeque<Packet>,
    bytes: usize,
    /// Nothing arrives before this: packets do not overtake each other.
    arrives_after: Option<Instant>,
    is_ended: bool,
    is_read: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Debug)]
struct Packet {
    arrives_at: Instant,
    bytes: Vec<u8>,
    read: usize,
}

impl Half {
    fn new(way: Arc<Way>) -> Self {
        Self {
            way,
            packets: VecDeque::new(),
            bytes: 0,
            arrives_after: None,
            is_ended: false,
            is_read: true,
            reader: None,
            writer: None,
        }
    }

    fn wake(&mut self) {
        self.reader.take().into_iter().for_each(Waker::wake);
        self.writer.take().into_iter().for_each(Waker::wake);
    }
}

impl Wire {
    /// Both ends of a connection, whose first end sends on `there` and receives on `back`.
    pub(super) fn connect(there: Arc<Way>, back: Arc<Way>) -> (End, End, Arc<Self>) {
        let halves = [Half::new(there), Half::new(back)];
        let state = Mutex::new(State { is_cut: false, is_silent: false, halves });
        let wire = Arc::new(Self { state });
        let end = |own| End { wire: wire.clone(), own, arrival: None };
        (end(0), end(1), wire.clone())
    }

    /// Ends the connection: both ends see a reset.
    pub(super) fn cut(&self) {
        let mut state = self.state();
        state.is_cut = true;
        state.halves.iter_mut().for_each(Half::wake);
    }

    /// Lets all that is sent vanish, for as long as the connection lives.
    pub(super) fn silence(&self) {
        self.state().is_silent = true;
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// One end of a connection.
pub(super) struct End {
    wire: Arc<Wire>,
    /// Which half this end sends on; it receives on the other.
    own: usize,
    /// Until when the first packet is on its way.
    arrival: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("End").field("wire", &self.wire).field("own", &self.own).finish()
    }
}

impl End {
    /// What has arrived, or when the next packet does.
    fn receive(&self, cx: &Context<'_>, buffer: &mut ReadBuf<'_>) -> Received {
        let mut state = self.wire.state();
        if state.is_cut {
            return Received::Cut;
        }
        let is_silent = state.is_silent;
        let half = &mut state.halves[1 - self.own];
        half.reader = Some(cx.waker().clone());
        if is_silent || half.way.holds_up(cx) {
            return Received::Nothing;
        }
        let Some(packet) = half.packets.front_mut() else {
            return if half.is_ended { Received::Bytes } else { Received::Nothing };
        };
        if packet.arrives_at > Instant::now() {
            return Received::At(packet.arrives_at);
        }
        let left = &packet.bytes[packet.read..];
        let count = left.len().min(buffer.remaining());
        buffer.put_slice(&left[..count]);
        packet.read += count;
        if packet.read == packet.bytes.len() {
            half.packets.pop_front();
        }
        half.bytes -= count;
        half.writer.take().into_iter().for_each(Waker::wake);
        Received::Bytes
    }
}

enum Received {
    /// Some bytes, or none at the end.
    Bytes,
    Nothing,
    At(Instant),
    Cut,
}

impl Drop for End {
    fn drop(&mut self) {
        let mut state = self.wire.state();
        state.halves[self.own].is_ended = true;
        state.halves[1 - self.own].is_read = false;
        state.halves.iter_mut().for_each(Half::wake);
    }
}

impl AsyncRead for End {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            match self.receive(cx, buffer) {
                Received::Bytes => return Poll::Ready(Ok(())),
                Received::Cut => return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into())),
                Received::Nothing => return Poll::Pending,
                Received::At(at) => {
                    let sleep = self.arrival.get_or_insert_with(|| Box::pin(sleep_until(at)));
                    if sleep.deadline() != at {
                        sleep.as_mut().reset(at);
                    }
                    if sleep.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                }
            }
        }
    }
}

impl AsyncWrite for End {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let mut state = self.wire.state();
        if state.is_cut {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        if state.is_silent {
            return Poll::Ready(Ok(bytes.len()));
        }
        let half = &mut state.halves[self.own];
        if !half.is_read || half.is_ended {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = WINDOW_BYTES - half.bytes;
        if room == 0 {
            half.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let bytes = &bytes[..bytes.len().min(room)];
        let now = Instant::now();
        let arrives_at = half.arrives_after.unwrap_or(now).max(now + half.way.delay());
        half.arrives_after = Some(arrives_at);
        half.bytes += bytes.len();
        half.packets.push_back(Packet { arrives_at, bytes: bytes.to_vec(), read: 0 });
        half.reader.take().into_iter().for_each(Waker::wake);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let half = &mut self.wire.state().halves[self.own];
        half.is_ended = true;
        half.wake();
        Poll::Ready(Ok(()))
    }
}
