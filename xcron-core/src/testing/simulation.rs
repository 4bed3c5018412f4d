//! A scheduler in virtual time: a year of schedules in a moment.

use super::SimClock;
use crate::engine::{EngineError, STALL, TICK};
use crate::{Clock, Scheduler, Timestamp};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::BoxFuture;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

/// How long before something is due the engine is up to see it come: less than what it takes for
/// a pause in which something was missed, and more than it claims ahead.
const APPROACH: Duration = Duration::from_secs(2);

/// A scheduler that runs in virtual time.
///
/// Whenever nobody has anything to do, the clock moves on to the next instant that somebody waits
/// for; spans in which nothing is due cost nothing. So everything that the scheduler waits for has
/// to wait by the clock, or be there at once: its store, and what its dispatcher does. The
/// scheduler is one that was built with the same clock.
///
/// Between two calls time stands still and tasks may be created, paused, triggered or read. To stop
/// it in order is [`stop`](Self::stop); to drop it is `kill -9`, with what is in flight. What comes
/// after a restart is another simulation over the same store.
///
/// ```
/// use std::sync::Arc;
/// use futures::executor::block_on;
/// use xcron_core::testing::{ScriptedDispatcher, SimClock, Simulation};
/// use xcron_core::{Callback, MemoryStore, NewTask, Outcome, Schedule, Scheduler};
/// use xcron_core::{TaskDefinition, TaskId, Timestamp};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = SimClock::at(Timestamp::from_secs(1_798_761_600)); // 2027-01-01T00:00:00Z
/// let targets = ScriptedDispatcher::new(Arc::new(clock.clone()));
/// targets.script("billing", [Outcome::failed("503")]);
/// let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), Arc::new(targets.clone()))
///     .clock(Arc::new(clock.clone()))
///     .build();
///
/// let monthly = Schedule::parse_cron("0 1 1 * *", "Europe/Berlin")?;
/// let definition = TaskDefinition::new(monthly, Callback::new("billing"));
/// block_on(scheduler.create(NewTask::new(TaskId::parse("billing")?, definition)))?;
///
/// let mut year = Simulation::begin(&scheduler, &clock);
/// year.run_until(Timestamp::from_secs(1_830_297_600))?; // 2028-01-01T00:00:00Z
/// year.stop()?;
/// assert_eq!(targets.receipts().len(), 13); // twelve months, one of them at the second attempt
/// # Ok(())
/// # }
/// ```
pub struct Simulation {
    clock: SimClock,
    scheduler: Scheduler,
    engine: BoxFuture<'static, Result<(), EngineError>>,
    stop: oneshot::Sender<()>,
}

impl fmt::Debug for Simulation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulation").field("clock", &self.clock).finish_non_exhaustive()
    }
}

impl Simulation {
    /// Begins to run `scheduler`, which goes by `clock`.
    #[must_use]
    pub fn begin(scheduler: &Scheduler, clock: &SimClock) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let running = scheduler.clone();
        let engine = async move { running.run(stopped.map(|_| ())).await }.boxed();
        Self { clock: clock.clone(), scheduler: scheduler.clone(), engine, stop }
    }

    /// Runs until the clock shows `until`.
    ///
    /// # Errors
    /// When the scheduler ended by itself, as [`Scheduler::run`] does when its store fails or it
    /// runs already.
    pub fn run_until(&mut self, until: Timestamp) -> Result<(), EngineError> {
        self.run_beside(until, std::future::ready(()))
    }

    /// The same with `script` beside it, which waits by the clock and acts when its time has come.
    /// It is dropped where it is at `until`.
    ///
    /// # Errors
    /// The same.
    pub fn run_beside(
        &mut self,
        until: Timestamp,
        script: impl Future<Output = ()>,
    ) -> Result<(), EngineError> {
        let mut script = std::pin::pin!(script.fuse());
        loop {
            let ended = until_quiet(|context| {
                let _acted = script.as_mut().poll(context);
                self.engine.poll_unpin(context)
            });
            if let Some(ended) = ended {
                return ended;
            }
            let now = self.clock.now();
            let next = self.next_instant(now, until).min(until);
            if next <= now {
                return Ok(());
            }
            self.clock.set(next);
        }
    }

    /// Stops in order: what is in flight may end, for as long as
    /// [`Settings::drain`](crate::Settings::drain) says, and the clock goes on meanwhile.
    ///
    /// # Errors
    /// When the scheduler ended by itself.
    pub fn stop(self) -> Result<(), EngineError> {
        let Self { clock, mut engine, stop, .. } = self;
        // One that has ended already has nothing to be told.
        let _ended = stop.send(());
        loop {
            if let Some(ended) = until_quiet(|context| engine.poll_unpin(context)) {
                return ended;
            }
            let wake = clock.next_wake();
            clock.set(wake.expect("a scheduler that stops waits by the clock of its simulation"));
        }
    }

    /// The instant to go on to from `now`.
    ///
    /// An engine that has something in hand is taken from wake to wake. One that has nothing would
    /// only look up every second: it is put to sleep until shortly before something is due. If
    /// somebody else wakes within that second it is not known who is who.
    fn next_instant(&self, now: Timestamp, until: Timestamp) -> Timestamp {
        let wakes = self.clock.wakes();
        let first = wakes.first().copied().unwrap_or(until);
        let others = wakes.get(1).copied().unwrap_or(until);
        if others <= now.plus(TICK) || !self.scheduler.load().is_idle() {
            return first;
        }
        let due = self.scheduler.parts.store.agenda().next_due;
        let approach = due.map_or(until, |due| due.minus(APPROACH));
        first.max(approach.min(others))
    }
}

const _: () = assert!(APPROACH.as_secs() < STALL.as_secs());

/// Polls until nobody has anything to do: what came of it, if it ended.
fn until_quiet<T>(mut poll: impl FnMut(&mut Context<'_>) -> Poll<T>) -> Option<T> {
    loop {
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        if let Poll::Ready(ended) = poll(&mut Context::from_waker(&waker)) {
            return Some(ended);
        }
        if !woken.0.load(Ordering::Acquire) {
            return None;
        }
    }
}

/// Notes that somebody has something to do.
#[derive(Default)]
struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Release);
    }
}
