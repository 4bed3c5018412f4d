//! The seam to the async runtime: what is spawned, what blocks, and what is random.
//!
//! In production these are tokio's tasks, threads and the system's randomness. In a simulation
//! (feature `testing`) all of a node happens inside a `Process`: its tasks can
//! be paused and killed together, what blocks becomes a task that takes as long as the disk of the
//! process, and every random number comes from the seed of the process.

#[cfg(any(test, feature = "testing"))]
mod process;

use std::future::Future;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use openraft::{AsyncRuntime, OptionalSend};
use openraft_rt_tokio::TokioRuntime;
use rand::SeedableRng;
use rand::rngs::SmallRng;

#[cfg(any(test, feature = "testing"))]
pub use process::Process;

/// Runs `task` beside the caller, and as a part of the caller's process.
pub(crate) fn spawn<T>(task: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T>
where
    T: Send + 'static,
{
    #[cfg(any(test, feature = "testing"))]
    if let Some(process) = Process::current() {
        return process.spawn(task);
    }
    tokio::spawn(task)
}

/// `task` as a part of the caller's process, for whoever spawns it by other means than [`spawn`].
#[cfg(any(test, feature = "testing"))]
pub(crate) fn adopt<F: Future>(task: F) -> impl Future<Output = F::Output> + use<F> {
    match Process::current() {
        Some(process) => futures::future::Either::Left(process.adopt(task)),
        None => futures::future::Either::Right(task),
    }
}

/// `task` itself: there is one process.
#[cfg(not(any(test, feature = "testing")))]
pub(crate) fn adopt<F: Future>(task: F) -> F {
    task
}

/// Runs `life` on a thread with a runtime of its own, so that nothing else delays it; in a
/// simulated process as a task, and then there is no thread to wait for.
///
/// # Errors
/// When the system gives no thread or no timers.
pub(crate) fn live_apart<L>(
    name: &str,
    life: impl FnOnce() -> L + Send + 'static,
) -> io::Result<Option<JoinHandle<()>>>
where
    L: Future<Output = ()> + Send + 'static,
{
    #[cfg(any(test, feature = "testing"))]
    if let Some(process) = Process::current() {
        drop(process.spawn(life()));
        return Ok(None);
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let run = move || runtime.block_on(life());
    thread::Builder::new().name(name.to_owned()).spawn(run).map(Some)
}

/// Does what blocks on the disk on a thread of its own; in a simulated process as a task, after
/// what its disk takes for it, and then there is no thread to wait for.
///
/// # Errors
/// When the system gives no thread.
pub(crate) fn block_apart(
    name: &str,
    work: impl FnOnce() + Send + 'static,
) -> io::Result<Option<JoinHandle<()>>> {
    #[cfg(any(test, feature = "testing"))]
    if let Some(process) = Process::current() {
        let delay = process.disk_delay();
        drop(process.spawn(async move {
            tokio::time::sleep(delay).await;
            work();
        }));
        return Ok(None);
    }
    thread::Builder::new().name(name.to_owned()).spawn(work).map(Some)
}

/// How long the disk of the simulated process takes for its next write and sync.
#[cfg(any(test, feature = "testing"))]
pub(crate) fn disk_delay() -> Duration {
    Process::current().map_or(Duration::ZERO, |process| process.disk_delay())
}

/// Bytes that nobody can predict; in a simulated process those of its seed.
///
/// # Panics
/// When the system has no randomness to give: nothing that is proved with predictable bytes is
/// proved.
pub(crate) fn nonce() -> [u8; 32] {
    #[cfg(any(test, feature = "testing"))]
    if let Some(process) = Process::current() {
        let mut nonce = [0; 32];
        for word in nonce.chunks_exact_mut(8) {
            word.copy_from_slice(&process.random().to_le_bytes());
        }
        return nonce;
    }
    let mut nonce = [0; 32];
    getrandom::fill(&mut nonce).expect("a running system has randomness");
    nonce
}

/// A number that is another one at every call and every start.
pub(crate) fn random() -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = nonce();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

/// The runtime that raft is run in: tokio, with the tasks and the randomness of this seam.
pub(crate) struct RaftRuntime(TokioRuntime);

impl std::fmt::Debug for RaftRuntime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("RaftRuntime").field(&self.0).finish()
    }
}

impl AsyncRuntime for RaftRuntime {
    type JoinError = <TokioRuntime as AsyncRuntime>::JoinError;
    type JoinHandle<T: OptionalSend + 'static> = tokio::task::JoinHandle<T>;
    type Sleep = <TokioRuntime as AsyncRuntime>::Sleep;
    type Instant = <TokioRuntime as AsyncRuntime>::Instant;
    type TimeoutError = <TokioRuntime as AsyncRuntime>::TimeoutError;
    type Timeout<R, T: Future<Output = R> + OptionalSend> = tokio::time::Timeout<T>;
    type ThreadLocalRng = SmallRng;
    type Mpsc = <TokioRuntime as AsyncRuntime>::Mpsc;
    type Watch = <TokioRuntime as AsyncRuntime>::Watch;
    type Oneshot = <TokioRuntime as AsyncRuntime>::Oneshot;
    type Mutex<T: OptionalSend + 'static> = <TokioRuntime as AsyncRuntime>::Mutex<T>;

    fn spawn<T>(future: T) -> Self::JoinHandle<T::Output>
    where
        T: Future + OptionalSend + 'static,
        T::Output: OptionalSend + 'static,
    {
        spawn(future)
    }

    fn sleep(duration: Duration) -> Self::Sleep {
        TokioRuntime::sleep(duration)
    }

    fn sleep_until(deadline: Self::Instant) -> Self::Sleep {
        TokioRuntime::sleep_until(deadline)
    }

    fn timeout<R, F: Future<Output = R> + OptionalSend>(
        duration: Duration,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout(duration, future)
    }

    fn timeout_at<R, F: Future<Output = R> + OptionalSend>(
        deadline: Self::Instant,
        future: F,
    ) -> Self::Timeout<R, F> {
        TokioRuntime::timeout_at(deadline, future)
    }

    fn is_panic(error: &Self::JoinError) -> bool {
        TokioRuntime::is_panic(error)
    }

    fn thread_rng() -> SmallRng {
        SmallRng::seed_from_u64(random())
    }

    fn new(threads: usize) -> Self {
        Self(TokioRuntime::new(threads))
    }

    fn block_on<F, T>(&mut self, future: F) -> T
    where
        F: Future<Output = T>,
    {
        self.0.block_on(future)
    }
}
