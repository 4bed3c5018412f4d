//! Deliveries as an engine makes them, taken out of its hands before they are sent.

use async_trait::async_trait;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Mutex, mpsc};
use tokio::task::JoinHandle;
use tokio::time::timeout;
use xcron_core::{
    Callback, CallbackError, Clock, Delivery, Dispatcher, MemoryStore, NewTask, Outcome, Schedule,
    Scheduler, SystemClock, TaskDefinition, TaskId,
};
use xcron_http::{DispatchSettings, HttpDispatcher};

use crate::server::PATIENCE;

/// Claims runs for callbacks, and hands them out instead of sending them.
pub(crate) struct Deliveries {
    pub(crate) scheduler: Scheduler,
    pub(crate) dispatcher: Arc<HttpDispatcher>,
    claimed: Mutex<mpsc::Receiver<Delivery>>,
    engine: JoinHandle<()>,
}

#[derive(Debug)]
struct Taker {
    dispatcher: Arc<HttpDispatcher>,
    claimed: mpsc::Sender<Delivery>,
}

#[async_trait]
impl Dispatcher for Taker {
    fn validate(&self, callback: Callback) -> Result<Callback, CallbackError> {
        self.dispatcher.validate(callback)
    }

    fn destination(&self, callback: &Callback) -> Arc<str> {
        self.dispatcher.destination(callback)
    }

    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        self.claimed.send(delivery).await.unwrap();
        // It stays claimed for as long as the test likes.
        std::future::pending().await
    }
}

impl Deliveries {
    pub(crate) fn new() -> Self {
        Self::with(DispatchSettings::default())
    }

    pub(crate) fn with(settings: DispatchSettings) -> Self {
        Self::by_clock(settings, Arc::new(SystemClock::new()))
    }

    /// The same with attempts made by `clock`.
    pub(crate) fn by_clock(settings: DispatchSettings, clock: Arc<dyn Clock>) -> Self {
        Self::of(HttpDispatcher::new(settings).unwrap(), clock)
    }

    /// Attempts that `dispatcher` is to make by `clock`.
    pub(crate) fn of(dispatcher: HttpDispatcher, clock: Arc<dyn Clock>) -> Self {
        let dispatcher = Arc::new(dispatcher);
        let (sender, receiver) = mpsc::channel(64);
        let taker = Taker { dispatcher: Arc::clone(&dispatcher), claimed: sender };
        let scheduler =
            Scheduler::builder(Arc::new(MemoryStore::new()), Arc::new(taker)).clock(clock).build();
        let running = scheduler.clone();
        let engine = tokio::spawn(async move {
            running.run(std::future::pending()).await.unwrap();
        });
        Self { scheduler, dispatcher, claimed: Mutex::new(receiver), engine }
    }

    /// A claimed first attempt of a task named `id` that is due now.
    pub(crate) async fn claim(&self, id: &str, callback: Callback, limit: Duration) -> Delivery {
        let mut definition = TaskDefinition::new(Schedule::Once(self.now()), callback);
        definition.timeout = limit;
        let task = NewTask::new(TaskId::parse(id).unwrap(), definition);
        self.scheduler.create(task).await.unwrap();
        let mut claimed = self.claimed.lock().await;
        timeout(PATIENCE, claimed.recv()).await.unwrap().unwrap()
    }

    /// The outcome of one attempt to send `callback`.
    pub(crate) async fn send(&self, id: &str, callback: Callback) -> Outcome {
        let delivery = self.claim(id, callback, PATIENCE).await;
        timeout(PATIENCE, self.dispatcher.dispatch(delivery)).await.unwrap()
    }

    /// The same for a bare `POST` to `url`.
    pub(crate) async fn post(&self, id: &str, url: &str) -> Outcome {
        self.send(id, Callback::new(url)).await
    }

    fn now(&self) -> xcron_core::Timestamp {
        xcron_core::Timestamp::from_secs(self.scheduler.clock().now().as_secs())
    }
}

impl Drop for Deliveries {
    fn drop(&mut self) {
        self.engine.abort();
    }
}
