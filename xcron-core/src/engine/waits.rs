//! Everything the engine waits for, in one place and in a fixed order of precedence.

use super::Attempt;
use super::step::Done;
use crate::dispatch::{Delivery, Outcome};
use crate::store::{Agenda, Store};
use crate::{Clock, Timestamp};
use futures::FutureExt;
use futures::future::BoxFuture;
use futures::stream::{FuturesUnordered, StreamExt};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// What a dispatcher came back with.
pub(super) type Back = (Attempt, Delivery, Outcome);

/// Why the engine woke up.
pub(super) enum Wake {
    /// The scheduler is to stop.
    Shutdown,
    /// The time to drain is over.
    Drained,
    /// A step has read or committed.
    Step(Done),
    /// An attempt came back.
    Back(Back),
    /// The agenda has changed, or the alarm went off: look again.
    Look,
}

/// The futures that the engine waits for. They stay where they are between two waits, so that
/// waking up for one of them costs the others nothing.
#[derive(Default)]
pub(super) struct Waits {
    step: Option<BoxFuture<'static, Done>>,
    in_flight: FuturesUnordered<BoxFuture<'static, Back>>,
    news: Option<(Agenda, BoxFuture<'static, ()>)>,
    alarm: Option<(Timestamp, BoxFuture<'static, ()>)>,
    drain: Option<BoxFuture<'static, ()>>,
}

impl Waits {
    /// Whether a step is under way.
    pub(super) const fn has_step(&self) -> bool {
        self.step.is_some()
    }

    /// Whether attempts are in flight.
    pub(super) fn has_attempts(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Begins a step; there is none under way.
    pub(super) fn begin_step(&mut self, step: impl Future<Output = Done> + Send + 'static) {
        assert!(self.step.is_none(), "one step at a time, or commits would overtake each other");
        self.step = Some(step.boxed());
    }

    /// Puts an attempt in flight.
    pub(super) fn send(&self, attempt: impl Future<Output = Back> + Send + 'static) {
        self.in_flight.push(attempt.boxed());
    }

    /// Waits for what is news to `seen`.
    pub(super) fn listen(&mut self, store: &Arc<dyn Store>, seen: Agenda) {
        if self.news.as_ref().is_some_and(|(agenda, _)| *agenda == seen) {
            return;
        }
        let store = Arc::clone(store);
        self.news = Some((seen, async move { store.agenda_changed(seen).await }.boxed()));
    }

    /// Waits for `at` at the most: what wakes earlier stays, since another would cost more.
    pub(super) fn set_alarm(&mut self, clock: &Arc<dyn Clock>, at: Timestamp) {
        if self.alarm.as_ref().is_none_or(|(set, _)| *set > at) {
            self.alarm = Some((at, sleep(clock, at)));
        }
    }

    /// Stops waiting for attempts at `at`.
    pub(super) fn drain_until(&mut self, clock: &Arc<dyn Clock>, at: Timestamp) {
        self.drain = Some(sleep(clock, at));
    }

    /// The next thing that happens. May be dropped: nothing that happened is lost.
    pub(super) async fn next(
        &mut self,
        mut shutdown: Option<Pin<&mut impl Future<Output = ()>>>,
    ) -> Wake {
        poll_fn(|cx| {
            if let Some(shutdown) = shutdown.as_mut()
                && shutdown.as_mut().poll(cx).is_ready()
            {
                return Poll::Ready(Wake::Shutdown);
            }
            self.poll(cx)
        })
        .await
    }

    /// One more attempt that came back meanwhile, if there is one.
    pub(super) fn back_now(&mut self) -> Option<Back> {
        self.in_flight.next().now_or_never().flatten()
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        if let Some(step) = &mut self.step
            && let Poll::Ready(done) = step.poll_unpin(cx)
        {
            self.step = None;
            return Poll::Ready(Wake::Step(done));
        }
        if let Some(drain) = &mut self.drain
            && drain.poll_unpin(cx).is_ready()
        {
            self.drain = None;
            return Poll::Ready(Wake::Drained);
        }
        if let Poll::Ready(Some(back)) = self.in_flight.poll_next_unpin(cx) {
            return Poll::Ready(Wake::Back(back));
        }
        if let Some((_, alarm)) = &mut self.alarm
            && alarm.poll_unpin(cx).is_ready()
        {
            self.alarm = None;
            return Poll::Ready(Wake::Look);
        }
        if let Some((_, news)) = &mut self.news
            && news.poll_unpin(cx).is_ready()
        {
            self.news = None;
            return Poll::Ready(Wake::Look);
        }
        Poll::Pending
    }
}

fn sleep(clock: &Arc<dyn Clock>, at: Timestamp) -> BoxFuture<'static, ()> {
    let clock = Arc::clone(clock);
    async move { clock.sleep_until(at).await }.boxed()
}
