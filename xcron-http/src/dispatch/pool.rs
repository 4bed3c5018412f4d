//! Connections to destinations: the idle ones, kept for a few seconds, and how fast new ones are
//! made.
//!
//! Many servers queue only 128 connections until they accept them, and their kernels drop what
//! comes on top: whoever is dropped tries again a second later. A burst that opened a connection
//! for each of its attempts would lose that second. So only so many connections of a destination
//! are *new* at a time: from the dial until the first answer, or for a tenth of a second.

use super::link::Link;
use super::settings::DispatchSettings;
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

/// How often connections that were idle for too long are closed.
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// The connections of a dispatcher.
#[derive(Debug)]
pub(super) struct Pool {
    idle_max: Duration,
    per_destination_max: usize,
    connections_max: usize,
    new_max: usize,
    new_for: Duration,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    destinations: BTreeMap<Arc<str>, Destination>,
    idle_count: usize,
    /// Runs while there are any.
    sweeper: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Destination {
    /// The one that was used last at the end.
    idle: Vec<Idle>,
    /// How many connections are new.
    new_count: usize,
    /// Attempts that wait for a connection, longest first.
    waiting: VecDeque<oneshot::Sender<Turn>>,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    since: Instant,
}

/// What an attempt gets when it is its turn.
#[derive(Debug)]
pub(super) enum Turn {
    /// A connection that was used before.
    Used(Link),
    /// Leave to make a new one, which is held until it has answered.
    Dial(Newcomer),
}

impl Destination {
    /// The idle connection that was used last, unless it is too old or closed.
    fn take(&mut self, idle_max: Duration) -> Option<Link> {
        while let Some(last) = self.idle.pop() {
            if last.since.elapsed() < idle_max && !last.link.is_closed() {
                return Some(last.link);
            }
        }
        None
    }

    /// Offers `turn` to whoever waits longest; it comes back if nobody does.
    fn offer(&mut self, mut turn: Turn) -> Option<Turn> {
        while let Some(waiting) = self.waiting.pop_front() {
            match waiting.send(turn) {
                Ok(()) => return None,
                Err(unwanted) => turn = unwanted,
            }
        }
        Some(turn)
    }

    fn is_empty(&self) -> bool {
        self.idle.is_empty() && self.new_count == 0 && self.waiting.is_empty()
    }
}

impl Pool {
    pub(super) fn new(settings: &DispatchSettings) -> Arc<Self> {
        Arc::new(Self {
            idle_max: settings.idle_max,
            per_destination_max: settings.idle_per_destination_max,
            connections_max: settings.idle_connections_max,
            new_max: settings.new_connections_max.max(1),
            new_for: settings.new_connection_for,
            state: Mutex::default(),
        })
    }

    /// Waits for a connection to `destination`, or for leave to make one.
    pub(super) async fn turn(self: &Arc<Self>, destination: &Arc<str>) -> Turn {
        loop {
            let waiting = match self.turn_now(destination) {
                Ok(turn) => return turn,
                Err(waiting) => waiting,
            };
            if let Ok(turn) = waiting.await {
                return turn;
            }
        }
    }

    fn turn_now(self: &Arc<Self>, destination: &Arc<str>) -> Result<Turn, oneshot::Receiver<Turn>> {
        let mut state = self.state();
        let state = &mut *state;
        let at = state.destinations.entry(Arc::clone(destination)).or_default();
        let before = at.idle.len();
        let taken = at.take(self.idle_max);
        state.idle_count -= before - at.idle.len();
        if let Some(link) = taken {
            return Ok(Turn::Used(link));
        }
        if at.new_count < self.new_max {
            at.new_count += 1;
            return Ok(Turn::Dial(self.newcomer(destination)));
        }
        while at.waiting.front().is_some_and(oneshot::Sender::is_closed) {
            at.waiting.pop_front();
        }
        let (sender, receiver) = oneshot::channel();
        at.waiting.push_back(sender);
        Err(receiver)
    }

    /// Keeps `link` for the next attempt, if there is one or there is room.
    pub(super) fn put(self: &Arc<Self>, destination: &Arc<str>, link: Link) {
        let mut state = self.state();
        let state = &mut *state;
        if link.is_closed() {
            return;
        }
        let at = state.destinations.entry(Arc::clone(destination)).or_default();
        let Some(Turn::Used(link)) = at.offer(Turn::Used(link)) else { return };
        if at.idle.len() >= self.per_destination_max || state.idle_count >= self.connections_max {
            state.forget_if_empty(destination);
            return;
        }
        at.idle.push(Idle { link, since: Instant::now() });
        state.idle_count += 1;
        if state.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            state.sweeper = Some(tokio::spawn(sweep_until_empty(Arc::downgrade(self))));
        }
    }

    /// A place among the new connections of `destination`, which is counted already.
    fn newcomer(self: &Arc<Self>, destination: &Arc<str>) -> Newcomer {
        let (answered, ended) = oneshot::channel::<()>();
        let place = Place { pool: Arc::downgrade(self), destination: Arc::clone(destination) };
        let new_for = self.new_for;
        tokio::spawn(async move {
            // It has answered, is gone, or is not new any more: all the same.
            let _ended = timeout(new_for, ended).await;
            drop(place);
        });
        Newcomer { _answered: answered }
    }

    /// Passes on the place of a connection that is not new any more.
    fn leave(self: &Arc<Self>, destination: &Arc<str>) {
        let mut unwanted = None;
        let mut state = self.state();
        if let Some(at) = state.destinations.get_mut(destination) {
            at.new_count -= 1;
            if !at.waiting.is_empty() {
                at.new_count += 1;
                unwanted = at.offer(Turn::Dial(self.newcomer(destination)));
            }
        }
        state.forget_if_empty(destination);
        drop(state);
        drop(unwanted);
    }

    /// Closes what was idle for too long; whether anything is left.
    fn sweep(&self) -> bool {
        let mut state = self.state();
        let mut count = 0;
        state.destinations.retain(|_, at| {
            at.idle.retain(|one| one.since.elapsed() < self.idle_max && !one.link.is_closed());
            count += at.idle.len();
            !at.is_empty()
        });
        state.idle_count = count;
        if count == 0 {
            state.sweeper = None;
        }
        count > 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn forget_if_empty(&mut self, destination: &Arc<str>) {
        if self.destinations.get(destination).is_some_and(Destination::is_empty) {
            self.destinations.remove(destination);
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(sweeper) = self.state().sweeper.take() {
            sweeper.abort();
        }
    }
}

/// A connection that is new for as long as this is held, but not for longer than a new one may.
#[derive(Debug)]
pub(super) struct Newcomer {
    _answered: oneshot::Sender<()>,
}

/// A counted place among the new connections of a destination.
struct Place {
    pool: Weak<Pool>,
    destination: Arc<str>,
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(pool) = self.pool.upgrade() {
            pool.leave(&self.destination);
        }
    }
}

async fn sweep_until_empty(pool: Weak<Pool>) {
    loop {
        sleep(SWEEP_EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        if !pool.sweep() {
            return;
        }
    }
}
