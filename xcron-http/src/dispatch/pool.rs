//! Idle connections, kept for a few seconds.

use super::link::Link;
use super::settings::DispatchSettings;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

/// How often connections that were idle for too long are closed.
const SWEEP_EVERY: Duration = Duration::from_millis(500);

/// The idle connections of a dispatcher.
#[derive(Debug)]
pub(super) struct Pool {
    idle_max: Duration,
    per_destination_max: usize,
    connections_max: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// By destination, the one that was used last at the end.
    idle: BTreeMap<Arc<str>, Vec<Idle>>,
    count: usize,
    /// Runs while there are any.
    sweeper: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Idle {
    link: Link,
    since: Instant,
}

impl Pool {
    pub(super) fn new(settings: &DispatchSettings) -> Arc<Self> {
        Arc::new(Self {
            idle_max: settings.idle_max,
            per_destination_max: settings.idle_per_destination_max,
            connections_max: settings.idle_connections_max,
            state: Mutex::default(),
        })
    }

    /// The connection to `destination` that was used last, unless it is too old or closed.
    pub(super) fn take(&self, destination: &str) -> Option<Link> {
        let mut state = self.state();
        let idle = state.idle.get_mut(destination)?;
        let (before, mut taken) = (idle.len(), None);
        while let Some(last) = idle.pop() {
            if last.since.elapsed() < self.idle_max && !last.link.is_closed() {
                taken = Some(last.link);
                break;
            }
        }
        let gone = before - idle.len();
        state.count -= gone;
        taken
    }

    /// Keeps `link`, if there is room.
    pub(super) fn put(self: &Arc<Self>, destination: &Arc<str>, link: Link) {
        let mut state = self.state();
        if link.is_closed() || state.count >= self.connections_max {
            return;
        }
        let others = state.idle.get(destination).map_or(0, Vec::len);
        if others >= self.per_destination_max {
            return;
        }
        let idle = Idle { link, since: Instant::now() };
        if let Some(others) = state.idle.get_mut(destination) {
            others.push(idle);
        } else {
            state.idle.insert(Arc::clone(destination), vec![idle]);
        }
        state.count += 1;
        if state.sweeper.as_ref().is_none_or(JoinHandle::is_finished) {
            state.sweeper = Some(tokio::spawn(sweep_until_empty(Arc::downgrade(self))));
        }
    }

    /// Closes what was idle for too long; whether anything is left.
    fn sweep(&self) -> bool {
        let mut state = self.state();
        let mut count = 0;
        state.idle.retain(|_destination, idle| {
            idle.retain(|one| one.since.elapsed() < self.idle_max && !one.link.is_closed());
            count += idle.len();
            !idle.is_empty()
        });
        state.count = count;
        if count == 0 {
            state.sweeper = None;
        }
        count > 0
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(sweeper) = self.state().sweeper.take() {
            sweeper.abort();
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
