//! What a store knows without asking: the earliest due task, the counts, who lives, and whether
//! the clock of this machine is right.

use super::failure::Failure;
use futures::channel::oneshot;
use postgres::GenericClient;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use xcron_core::{Clock, SystemClock, TaskCounts, Timestamp};

/// How far the clock of this machine may be off the database's: several machines agree on what
/// time it is by that one.
pub(crate) const CLOCK_OFF_MAX: Duration = Duration::from_millis(500);

/// The database as of one revision.
#[derive(Clone, Debug, Default)]
pub(crate) struct View {
    revision: i64,
    pub(crate) next_due: Option<Timestamp>,
    pub(crate) counts: TaskCounts,
    newest_life: i32,
    lives: Vec<i32>,
    /// How far the clock of this machine is off, at least.
    pub(crate) clock_off: Duration,
}

impl View {
    /// What `client` sees, within its transaction if it is one.
    pub(crate) fn read(client: &mut impl GenericClient) -> Result<Self, Failure> {
        let query = "SELECT revision, active, paused, finished, life, \
            ARRAY(SELECT life FROM lives), (SELECT min(due_at) FROM tasks), \
            (extract(epoch FROM clock_timestamp()) * 1000)::BIGINT FROM counters";
        let clock = SystemClock::new();
        let asked_at = clock.now();
        let row = client.query_typed_one(query, &[])?;
        let answered_at = clock.now();
        let count = |column| row.get::<_, i64>(column).cast_unsigned();
        let counts = TaskCounts { active: count(1), paused: count(2), finished: count(3) };
        let theirs = Timestamp::from_millis(row.get(7));
        Ok(Self {
            revision: row.get(0),
            next_due: row.get::<_, Option<i64>>(6).map(Timestamp::from_millis),
            counts,
            newest_life: row.get(4),
            lives: row.get(5),
            clock_off: asked_at.since(theirs).max(theirs.since(answered_at)),
        })
    }

    /// Whether `life` certainly sends nothing any more. One that is newer than this view is not
    /// known yet.
    pub(crate) fn is_gone(&self, life: i64) -> bool {
        let is_alive = |life| self.lives.contains(&life);
        life <= i64::from(self.newest_life) && !i32::try_from(life).is_ok_and(is_alive)
    }
}

/// The newest view, and who waits for another.
#[derive(Debug, Default)]
pub(crate) struct Views {
    newest: Mutex<View>,
    waiting: Mutex<Vec<oneshot::Sender<()>>>,
}

impl Views {
    pub(crate) fn get(&self) -> View {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes `view` in, unless a newer one came first, and wakes whoever waits.
    pub(crate) fn put(&self, view: View) {
        {
            let mut newest = self.newest.lock().unwrap_or_else(PoisonError::into_inner);
            if view.revision < newest.revision {
                return;
            }
            *newest = view;
        }
        self.wake();
    }

    /// Makes whoever waits look again.
    pub(crate) fn wake(&self) {
        let waiting = std::mem::take(&mut *self.waiting());
        for waker in waiting {
            // Whoever waited may have left meanwhile; then nobody needs to be told.
            let _left = waker.send(());
        }
    }

    /// Resolves at the next view; to be asked for before looking at the present one.
    pub(crate) fn next(&self) -> oneshot::Receiver<()> {
        let (waker, woken) = oneshot::channel();
        let mut waiting = self.waiting();
        waiting.retain(|waker| !waker.is_canceled());
        waiting.push(waker);
        woken
    }

    fn waiting(&self) -> std::sync::MutexGuard<'_, Vec<oneshot::Sender<()>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
