//! Targets that answer as a test says.

use crate::{Callback, CallbackError, Clock, Delivery, Dispatcher, Outcome, Timestamp};
use async_trait::async_trait;
use futures::channel::oneshot;
use futures::future::{Either, select};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a target received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The run, as in `xcron-run-id`.
    pub run_id: String,
    /// The attempt, from 1.
    pub attempt: u32,
    /// The fencing token.
    pub fence: u64,
    /// The occurrence's instant.
    pub scheduled_time: Timestamp,
    /// When it arrived.
    pub at: Timestamp,
}

/// A dispatcher whose targets, named by URL, answer as scripted: at first with the outcomes given
/// to [`script`](Self::script), then with success; or not before they are released.
///
/// ```
/// use std::sync::Arc;
/// use xcron_core::testing::{ScriptedDispatcher, SimClock};
/// use xcron_core::{Outcome, Timestamp};
///
/// let clock = Arc::new(SimClock::at(Timestamp::from_secs(0)));
/// let targets = ScriptedDispatcher::new(clock);
/// targets.script("flaky", [Outcome::failed("503")]);
/// assert!(targets.receipts().is_empty());
/// ```
#[derive(Clone, Debug)]
pub struct ScriptedDispatcher {
    clock: Arc<dyn Clock>,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug, Default)]
struct Inner {
    scripts: BTreeMap<String, VecDeque<Outcome>>,
    delays: BTreeMap<String, Duration>,
    receipts: Vec<Receipt>,
    held: BTreeMap<String, Vec<oneshot::Sender<()>>>,
}

impl ScriptedDispatcher {
    /// Targets that note the time of `clock` on what they receive.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, inner: Arc::default() }
    }

    /// Lets the target `url` answer with `outcomes`, one an attempt, and then with success.
    pub fn script(&self, url: &str, outcomes: impl IntoIterator<Item = Outcome>) {
        self.inner().scripts.entry(url.to_owned()).or_default().extend(outcomes);
    }

    /// Lets the target `url` take `delay` for each answer; an attempt that times out before fails.
    pub fn delay(&self, url: &str, delay: Duration) {
        self.inner().delays.insert(url.to_owned(), delay);
    }

    /// Makes the target `url` receive and not answer until [`release`](Self::release).
    pub fn hold(&self, url: &str) {
        self.inner().held.entry(url.to_owned()).or_default();
    }

    /// Makes the target `url` answer what it holds, and answer at once from now on.
    pub fn release(&self, url: &str) {
        for waiting in self.inner().held.remove(url).unwrap_or_default() {
            // An attempt that was dropped meanwhile needs no answer.
            let _dropped = waiting.send(());
        }
    }

    /// Everything received so far, in order.
    #[must_use]
    pub fn receipts(&self) -> Vec<Receipt> {
        self.inner().receipts.clone()
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Dispatcher for ScriptedDispatcher {
    fn validate(&self, callback: Callback) -> Result<Callback, CallbackError> {
        if callback.url.is_empty() {
            return Err(CallbackError("url is empty, expected the name of a target".into()));
        }
        Ok(callback)
    }

    fn destination(&self, callback: &Callback) -> Arc<str> {
        Arc::clone(&callback.url)
    }

    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        if !delivery.start() {
            return Outcome::not_started();
        }
        let url = delivery.callback().url.to_string();
        let (outcome, held, delay) = {
            let mut inner = self.inner();
            inner.receipts.push(Receipt {
                run_id: delivery.run_id().to_string(),
                attempt: delivery.attempt(),
                fence: delivery.fence(),
                scheduled_time: delivery.scheduled_time(),
                at: self.clock.now(),
            });
            let script = inner.scripts.get_mut(&url).and_then(VecDeque::pop_front);
            let held = inner.held.get_mut(&url).map(|held| {
                let (waiting, released) = oneshot::channel();
                held.push(waiting);
                released
            });
            let delay = inner.delays.get(&url).copied();
            (script.unwrap_or_else(Outcome::succeeded), held, delay)
        };
        if let Some(delay) = delay {
            let answered = self.clock.sleep(delay);
            if let Either::Right(_) = select(answered, Box::pin(delivery.timed_out())).await {
                return Outcome::failed("timed out");
            }
        }
        if let Some(released) = held {
            // A dropped script answers at once.
            let _answered = released.await;
        }
        outcome
    }
}
