//! One connection: requests come in, are worked on side by side, and answers go out as they come.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, SplitSink, SplitStream};
use futures::{FutureExt, SinkExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::time::timeout;

use super::Service;
use super::seats::Seat;
use super::welcome::welcome;
use crate::net::Stream;
use crate::peer::counts::Wrong;
use crate::peer::frames::{self, Frames};
use crate::peer::identity::{Identity, Kind};
use crate::peer::limits::{
    FRAME_BYTES_MAX, IN_FLIGHT_PER_CONNECTION_MAX, REQUEST_COST_MIN, REQUEST_WAIT_MAX, cost,
};
use crate::peer::party::Party;
use crate::peer::request::{Arrival, RESPONSE_HEAD_BYTES, Request, Response, Status};

/// Answers to pings that wait to be written; further ones are left out.
const PONGS_MAX: usize = 8;

/// Serves `stream` until it ends or something wrong comes.
pub(super) async fn serve(
    stream: Box<dyn Stream>,
    remote: String,
    mut seat: Seat,
    party: Party,
    service: Arc<dyn Service>,
) {
    let wrong = match welcome(stream, &mut seat, &party).await {
        Ok((frames, from)) => converse(frames, from, &party, &*service).await,
        Err(wrong) => wrong,
    };
    party.tally().count(wrong);
    match wrong {
        // These have proved to know the secret, so somebody has configured them this way.
        Wrong::Cluster | Wrong::Node | Wrong::Version => {
            tracing::warn!(remote, own = %party.identity(), %wrong, "a peer was turned away");
        }
        _ => tracing::debug!(remote, %wrong, "a peer's connection ended"),
    }
}

/// An answer on its way out, and the room that its request takes until it is written.
type Outgoing = (Bytes, Option<OwnedSemaphorePermit>);
type Work<'a> = BoxFuture<'a, Outgoing>;

async fn converse(frames: Frames, from: Identity, party: &Party, service: &dyn Service) -> Wrong {
    let (sink, stream) = frames.split();
    let (begun, begins) = mpsc::channel(IN_FLIGHT_PER_CONNECTION_MAX);
    let (ended, ends) = mpsc::channel(IN_FLIGHT_PER_CONNECTION_MAX + PONGS_MAX);
    let room = Arc::new(Semaphore::new(IN_FLIGHT_PER_CONNECTION_MAX));
    let reader = Reader { from, party, service, room, begun, ended: ended.clone() };
    // One task, three parts of it: a slow reader at the other end stops the third, and by the
    // room that is not given back the first, but never the work.
    tokio::select! {
        biased;
        wrong = reader.read(stream) => wrong,
        wrong = work(begins, ended) => wrong,
        wrong = write(sink, ends, party) => wrong,
    }
}

/// Takes requests in.
struct Reader<'a> {
    from: Identity,
    party: &'a Party,
    service: &'a dyn Service,
    room: Arc<Semaphore>,
    begun: mpsc::Sender<Work<'a>>,
    ended: mpsc::Sender<Outgoing>,
}

impl Reader<'_> {
    async fn read(self, mut stream: SplitStream<Frames>) -> Wrong {
        loop {
            let next = frames::next(&mut stream, self.party.tally());
            let frame = match timeout(self.party.limits.idle_max, next).await {
                Ok(Ok(frame)) => frame,
                Ok(Err(wrong)) => return wrong,
                Err(_) if self.is_idle() => return Wrong::Ended,
                Err(_) => continue,
            };
            let bytes = frame.len();
            match Arrival::decode(frame) {
                Ok(Arrival::Ping) => self.pong(),
                Ok(Arrival::Request(request)) => {
                    if let Err(wrong) = self.begin(request, bytes).await {
                        return wrong;
                    }
                }
                Err(wrong) => return wrong,
            }
        }
    }

    fn is_idle(&self) -> bool {
        self.room.available_permits() == IN_FLIGHT_PER_CONNECTION_MAX
    }

    fn pong(&self) {
        let alive = Response { id: 0, status: Status::Alive, body: Bytes::new() };
        // When there is no room, what fills it shows that the connection lives.
        let _left_out = self.ended.try_send((alive.encode(), None));
    }

    /// Has `request` worked on as soon as there is room for it.
    async fn begin(&self, request: Request, bytes: usize) -> Result<(), Wrong> {
        let own = self.party.identity();
        match request.target {
            Some(target) if target.cluster != own.cluster => return Err(Wrong::Cluster),
            Some(target) if target.node != own.node => return Err(Wrong::Node),
            _ => {}
        }
        let permits = u32::try_from(cost(bytes).div_ceil(REQUEST_COST_MIN)).unwrap_or(u32::MAX);
        let room = Arc::clone(&self.room).acquire_many_owned(permits).await;
        let room = room.map_err(|_closed| Wrong::Ended)?;
        let work = if self.service.admits(request.kind, self.from) {
            self.party.tally().requests.add(1);
            answer(self.service, self.party, self.from, request, room).boxed()
        } else {
            self.party.tally().count(Wrong::NotAdmitted);
            let body = not_admitted(request.kind, self.from);
            let refusal = Response { id: request.id, status: Status::NotAdmitted, body };
            std::future::ready((refusal.encode(), Some(room))).boxed()
        };
        self.begun.send(work).await.map_err(|_closed| Wrong::Ended)
    }
}

fn not_admitted(kind: Kind, from: Identity) -> Bytes {
    format!("does not take requests of kind {} from {from}", kind.0).into()
}

/// Has the service answer, for as long as somebody waits.
async fn answer(
    service: &dyn Service,
    party: &Party,
    from: Identity,
    request: Request,
    room: OwnedSemaphorePermit,
) -> Outgoing {
    let wait = Duration::from_millis(request.wait_ms.into()).min(REQUEST_WAIT_MAX);
    let serving = service.serve(from, request.kind, request.body);
    let (status, body) = match timeout(wait, serving).await {
        Ok(Ok(body)) if body.len() + RESPONSE_HEAD_BYTES > FRAME_BYTES_MAX => {
            party.tally().count(Wrong::TooLong);
            (Status::Refused, format!("has an answer of {} bytes, too long", body.len()).into())
        }
        Ok(Ok(body)) => (Status::Ok, body),
        Ok(Err(text)) => (Status::Refused, Bytes::from(text)),
        Err(_) => {
            party.tally().count(Wrong::TimedOut);
            // Nobody waits for it, but it shows that this side lives.
            (Status::GivenUp, Bytes::new())
        }
    };
    (Response { id: request.id, status, body }.encode(), Some(room))
}

/// Works on what has begun.
async fn work(mut begins: mpsc::Receiver<Work<'_>>, ended: mpsc::Sender<Outgoing>) -> Wrong {
    let mut works = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some(outgoing) = works.next() => {
                if ended.send(outgoing).await.is_err() {
                    return Wrong::Ended;
                }
            }
            begins = begins.recv() => match begins {
                Some(work) => works.push(work),
                None => return Wrong::Ended,
            },
        }
    }
}

/// Writes what has ended; as much as there is before it flushes.
async fn write(
    mut sink: SplitSink<Frames, Bytes>,
    mut ends: mpsc::Receiver<Outgoing>,
    party: &Party,
) -> Wrong {
    let write_max = party.limits.write_max;
    while let Some(first) = ends.recv().await {
        let mut next = Some(first);
        while let Some((frame, room)) = next {
            party.tally().bytes_out.add(frame.len() as u64);
            match timeout(write_max, sink.feed(frame)).await {
                Ok(Ok(())) => drop(room),
                Ok(Err(error)) => return frames::wrong(&error),
                Err(_) => return Wrong::TimedOut,
            }
            next = ends.try_recv().ok();
        }
        match timeout(write_max, sink.flush()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => return frames::wrong(&error),
            Err(_) => return Wrong::TimedOut,
        }
    }
    Wrong::Ended
}
