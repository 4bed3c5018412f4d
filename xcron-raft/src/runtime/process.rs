//! A process of a simulation: its tasks are paused together and killed together.
//!
//! ```
//! use std::time::Duration;
//! use xcron_raft::runtime::Process;
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let process = Process::new(7);
//! let task = process.spawn(async { 1 });
//! process.kill();
//! assert!(task.await.is_err(), "it was killed before it ran");
//! # });
//! # Ok::<(), std::io::Error>(())
//! ```

use std::cell::RefCell;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::task::{AbortHandle, JoinHandle};
use tokio::time::Instant;

/// Handles of tasks that have ended are forgotten whenever so many have gathered.
const TASKS_KEPT: usize = 64;

thread_local! {
    static CURRENT: RefCell<Option<Process>> = const { RefCell::new(None) };
}

/// A process of a simulation; clones are the same process.
#[derive(Clone)]
pub struct Process(Arc<Mutex<State>>);

struct State {
    is_dead: bool,
    is_paused: bool,
    /// Tasks that something has woken while the process was paused.
    woken: Vec<Waker>,
    tasks: Vec<AbortHandle>,
    tidy_at: usize,
    random: u64,
    disk_delay_us: (u64, u64),
    disk_stalls_until: Option<Instant>,
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let State { is_dead, is_paused, .. } = &*self.state();
        let (dead, paused) = (is_dead, is_paused);
        f.debug_struct("Process").field("dead", dead).field("paused", paused).finish()
    }
}

impl Process {
    /// A process whose random numbers follow from `seed`.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(State {
            is_dead: false,
            is_paused: false,
            woken: Vec::new(),
            tasks: Vec::new(),
            tidy_at: TASKS_KEPT,
            random: seed,
            disk_delay_us: (0, 0),
            disk_stalls_until: None,
        })))
    }

    /// The process whose task is being polled.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.with(|current| current.borrow().clone())
    }

    /// Runs `task` as a part of this process; what it spawns is a part of it too.
    pub fn spawn<T>(&self, task: impl Future<Output = T> + Send + 'static) -> JoinHandle<T>
    where
        T: Send + 'static,
    {
        let handle = tokio::spawn(self.adopt(task));
        let mut state = self.state();
        if state.tasks.len() >= state.tidy_at {
            state.tasks.retain(|task| !task.is_finished());
            state.tidy_at = 2 * state.tasks.len() + TASKS_KEPT;
        }
        state.tasks.push(handle.abort_handle());
        if state.is_dead {
            handle.abort();
        }
        handle
    }

    /// `task` as a part of this process: it moves only while the process does.
    pub(crate) fn adopt<F: Future>(&self, task: F) -> impl Future<Output = F::Output> + use<F> {
        Member { process: self.clone(), task: Some(Box::pin(task)) }
    }

    /// Ends the process as `kill -9` does: none of its tasks goes on.
    pub fn kill(&self) {
        let tasks = {
            let mut state = self.state();
            state.is_dead = true;
            state.woken.clear();
            std::mem::take(&mut state.tasks)
        };
        tasks.iter().for_each(AbortHandle::abort);
    }

    /// Whether it was killed.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.state().is_dead
    }

    /// Stops the process as `SIGSTOP` does: nothing of it moves until [`Process::resume`].
    pub fn pause(&self) {
        self.state().is_paused = true;
    }

    /// Lets it go on.
    pub fn resume(&self) {
        let woken = {
            let mut state = self.state();
            state.is_paused = false;
            std::mem::take(&mut state.woken)
        };
        woken.into_iter().for_each(Waker::wake);
    }

    /// Whether it is paused.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.state().is_paused
    }

    /// Lets each write and sync take between `least` and `most`.
    pub fn set_disk_delay(&self, least: Duration, most: Duration) {
        let us = |duration: Duration| duration.as_micros() as u64;
        self.state().disk_delay_us = (us(least), us(most).max(us(least)));
    }

    /// Lets no write and sync that begins from now on end before `until`.
    pub fn stall_disk_until(&self, until: Instant) {
        self.state().disk_stalls_until = Some(until);
    }

    /// How long the next write and sync takes.
    pub(crate) fn disk_delay(&self) -> Duration {
        let drawn = self.random();
        let state = self.state();
        let (least, most) = state.disk_delay_us;
        let own = Duration::from_micros(least + drawn % (most - least + 1));
        let stalled = state.disk_stalls_until.map(|until| until.duration_since(Instant::now()));
        stalled.unwrap_or_default() + own
    }

    /// The next random number of this process.
    pub(crate) fn random(&self) -> u64 {
        crate::disk::memory::next_random(&mut self.state().random)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A task of a process.
struct Member<F> {
    process: Process,
    task: Option<Pin<Box<F>>>,
}

/// Says whose task is being polled, for as long as it lives.
struct Entered(Option<Process>);

impl Entered {
    fn new(process: &Process) -> Self {
        Self(CURRENT.with(|current| current.replace(Some(process.clone()))))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        let before = self.0.take();
        CURRENT.with(|current| *current.borrow_mut() = before);
    }
}

impl<F: Future> Future for Member<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        {
            let mut state = self.process.state();
            if state.is_dead {
                return Poll::Pending;
            }
            if state.is_paused {
                state.woken.push(cx.waker().clone());
                return Poll::Pending;
            }
        }
        let _entered = Entered::new(&self.process);
        let Some(task) = &mut self.task else {
            return Poll::Pending;
        };
        task.as_mut().poll(cx)
    }
}

impl<F> Drop for Member<F> {
    fn drop(&mut self) {
        // What its parts do when they are dropped, they do as a part of the process.
        let _entered = Entered::new(&self.process);
        self.task = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_paused_process_stands_still_and_goes_on_where_it_was() {
        let process = Process::new(1);
        let task = process.spawn(async {
            tokio::time::sleep(Duration::from_millis(10)).await;
            super::super::spawn(async { Process::current().is_some() }).await
        });
        process.pause();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert!(!task.is_finished());
        process.resume();
        assert!(task.await.unwrap().unwrap(), "what a task spawns belongs to its process");
        assert!(Process::current().is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn a_killed_process_runs_no_further() {
        let process = Process::new(1);
        let task = process.spawn(async {
            tokio::time::sleep(Duration::from_millis(10)).await;
        });
        tokio::time::sleep(Duration::from_millis(1)).await;
        process.kill();
        assert!(task.await.unwrap_err().is_cancelled());
        let later = process.spawn(async {});
        assert!(later.await.unwrap_err().is_cancelled(), "nor anything new");
    }
}
