//! One connection of a line: writes what waits, hands out what is answered, and notices silence.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};

use super::line::Line;
use crate::peer::counts::Wrong;
use crate::peer::error::{CallError, CallErrorKind};
use crate::peer::frames::{self, Frames};
use crate::peer::identity::Lane;
use crate::peer::limits::LONG_FRAME_BYTES;
use crate::peer::request::{Request, Response, Status, ping};

/// How a connection ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) error: CallError,
    /// Whether the peer has answered anything on it.
    pub(super) has_answered: bool,
}

/// Serves `line` over `frames` until the connection ends, has been idle for long, or is idle when
/// one of another lane to the same target breaks: whoever is called next must not be the one who
/// finds out that this one is dead too.
pub(super) async fn run(mut frames: Frames, line: &Line) -> Ended {
    frames::allow_requests(&mut frames);
    let (sink, stream) = frames.split();
    let pulse = Pulse::new(line);
    let breaks = line.breaks.subscribe();
    let over = tokio::select! {
        biased;
        error = read(stream, line, &pulse) => Over::Broken(error),
        over = write(sink, line, &pulse, breaks) => over,
    };
    let has_answered = pulse.has_answered();
    let error = match over {
        Over::Broken(error) => {
            if has_answered {
                line.breaks.send_modify(|count| *count += 1);
            }
            error
        }
        Over::Unneeded(error) => error,
    };
    Ended { error, has_answered }
}

/// Why a connection is not used any more.
enum Over {
    Broken(CallError),
    Unneeded(CallError),
}

/// When something was last said, and what that means.
#[derive(Debug)]
struct Pulse {
    beat: Mutex<Beat>,
    ping_after: Duration,
    silence_max: Duration,
    /// After a long frame.
    silence_long_max: Duration,
    idle_max: Duration,
}

#[derive(Clone, Copy, Debug)]
struct Beat {
    /// The last frame in either direction.
    moved_at: Instant,
    /// Since when the peer owes a frame.
    owes_since: Option<Instant>,
    /// The last long frame to the peer.
    long_at: Option<Instant>,
    is_pinged: bool,
    has_answered: bool,
}

/// What to do when there is nothing to send.
enum Quiet {
    WaitUntil(Instant),
    Ping,
    Idle,
    Dead,
}

impl Pulse {
    fn new(line: &Line) -> Self {
        let limits = &line.party.limits;
        let moved_at = Instant::now();
        let (owes_since, long_at) = (None, None);
        let beat = Beat { moved_at, owes_since, long_at, is_pinged: false, has_answered: false };
        Self {
            beat: Mutex::new(beat),
            ping_after: limits.ping_after,
            silence_max: limits.silence_max,
            silence_long_max: match line.destination.lane {
                Lane::Raft => limits.silence_max,
                Lane::Bulk => limits.silence_long_max,
            },
            idle_max: limits.client_idle_max,
        }
    }

    fn wrote(&self, bytes: usize) {
        let now = Instant::now();
        let mut beat = self.beat();
        if bytes > LONG_FRAME_BYTES {
            beat.long_at = Some(now);
        }
        beat.moved_at = now;
        beat.owes_since = beat.owes_since.or(Some(now));
    }

    fn heard(&self, owes_more: bool) {
        let now = Instant::now();
        let owes_since = owes_more.then_some(now);
        let mut beat = self.beat();
        let long_at = beat.long_at.filter(|_| owes_more);
        *beat = Beat { moved_at: now, owes_since, long_at, is_pinged: false, has_answered: true };
    }

    /// Whether the peer owes a frame; if it does not come, that is noticed anyway.
    fn is_owed(&self) -> bool {
        self.beat().owes_since.is_some()
    }

    fn has_answered(&self) -> bool {
        self.beat().has_answered
    }

    fn quiet(&self) -> Quiet {
        let now = Instant::now();
        let mut beat = self.beat();
        let Some(since) = beat.owes_since else {
            let until = beat.moved_at + self.idle_max;
            return if now < until { Quiet::WaitUntil(until) } else { Quiet::Idle };
        };
        let long_until = beat.long_at.map_or(since, |at| at + self.silence_long_max);
        let (ping_at, dead_at) =
            (since + self.ping_after, long_until.max(since + self.silence_max));
        if now >= dead_at {
            Quiet::Dead
        } else if beat.is_pinged {
            Quiet::WaitUntil(dead_at)
        } else if now >= ping_at {
            beat.is_pinged = true;
            Quiet::Ping
        } else {
            Quiet::WaitUntil(ping_at)
        }
    }

    fn beat(&self) -> MutexGuard<'_, Beat> {
        self.beat.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(
    mut sink: SplitSink<Frames, Bytes>,
    line: &Line,
    pulse: &Pulse,
    mut breaks: watch::Receiver<u64>,
) -> Over {
    let write_max = line.party.limits.write_max;
    let unneeded = |why| Over::Unneeded(line.error(CallErrorKind::Unreachable, why));
    loop {
        if breaks.has_changed().unwrap_or_default() {
            breaks.mark_unchanged();
            if !pulse.is_owed() {
                return unneeded("was idle when another connection to it broke");
            }
        }
        while let Some(frame) = next_frame(line) {
            pulse.wrote(frame.len());
            line.party.tally().bytes_out.add(frame.len() as u64);
            if let Err(error) = in_time(write_max, sink.feed(frame), line).await {
                return Over::Broken(error);
            }
        }
        if let Err(error) = in_time(write_max, sink.flush(), line).await {
            return Over::Broken(error);
        }
        match pulse.quiet() {
            Quiet::WaitUntil(at) => tokio::select! {
                biased;
                _ = breaks.changed() => breaks.mark_changed(),
                () = line.work.notified() => {}
                () = sleep_until(at) => {}
            },
            Quiet::Ping => {
                if let Err(error) = in_time(write_max, sink.send(ping()), line).await {
                    return Over::Broken(error);
                }
            }
            Quiet::Idle => return unneeded("was idle"),
            Quiet::Dead => {
                return Over::Broken(line.error(CallErrorKind::Unreachable, "has gone silent"));
            }
        }
    }
}

/// The frame of the next call that the peer has room for.
fn next_frame(line: &Line) -> Option<Bytes> {
    let next = line.backlog(|backlog| backlog.send_next(Instant::now()));
    // Made after the lock is released: a long body takes a while to copy.
    let (id, kind, wait_ms, body) = next?;
    Some(Request { id, kind, target: line.destination.target, wait_ms, body }.encode())
}

async fn in_time(
    max: Duration,
    writing: impl Future<Output = std::io::Result<()>>,
    line: &Line,
) -> Result<(), CallError> {
    match timeout(max, writing).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            Err(line.error(CallErrorKind::Unreachable, &format!("ended the connection: {error}")))
        }
        Err(_) => Err(line.error(CallErrorKind::Unreachable, "takes nothing in")),
    }
}

async fn read(mut stream: SplitStream<Frames>, line: &Line, pulse: &Pulse) -> CallError {
    let tally = line.party.tally();
    loop {
        let frame = frames::next(&mut stream, tally).await;
        let response = match frame.and_then(Response::decode) {
            Ok(response) => response,
            Err(Wrong::Ended) => {
                return line.error(CallErrorKind::Unreachable, "ended the connection");
            }
            Err(wrong) => {
                tally.count(wrong);
                return CallError::wrong(&line.destination.address, wrong);
            }
        };
        let owes_more = line.backlog(|backlog| {
            if response.status != Status::Alive {
                backlog.answer(response.id, outcome(line, &response));
            }
            backlog.has_sent()
        });
        pulse.heard(owes_more);
        line.work.notify_one();
    }
}

fn outcome(line: &Line, response: &Response) -> Result<Bytes, CallError> {
    let text = String::from_utf8_lossy(&response.body);
    match response.status {
        Status::Ok => Ok(response.body.clone()),
        Status::Refused => Err(line.error(CallErrorKind::Refused, &text).with_sent(true)),
        Status::NotAdmitted => Err(line.error(CallErrorKind::Refused, &text)),
        Status::GivenUp | Status::Alive => {
            Err(line.error(CallErrorKind::Timeout, "gave up").with_sent(true))
        }
    }
}
