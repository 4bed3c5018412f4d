//! Lifts a closure to a dispatcher, for programs that embed the scheduler.

use crate::dispatch::{CallbackError, Delivery, Dispatcher, Outcome};
use crate::task::callback::Callback;
use async_trait::async_trait;
use futures::future::{Either, select};
use std::fmt;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

/// A dispatcher that calls `attempt` with each delivery that may start; an attempt that takes
/// longer than its timeout is dropped and has failed.
///
/// It accepts every callback: what `url` means is up to `attempt`, and tasks with the same `url`
/// share their limit of attempts in flight.
///
/// ```
/// use xcron_core::{Outcome, dispatch_fn};
///
/// let dispatcher = dispatch_fn(|delivery| async move {
///     match delivery.callback().url.as_ref() {
///         "backup" => Outcome::succeeded(),
///         other => Outcome::refused(format!("no such job: {other}")),
///     }
/// });
/// # let _ = dispatcher;
/// ```
pub fn dispatch_fn<F, A>(attempt: F) -> Arc<dyn Dispatcher>
where
    F: Fn(Delivery) -> A + Send + Sync + 'static,
    A: Future<Output = Outcome> + Send + 'static,
{
    Arc::new(DispatchFn(attempt))
}

struct DispatchFn<F>(F);

impl<F> fmt::Debug for DispatchFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("DispatchFn")
    }
}

#[async_trait]
impl<F, A> Dispatcher for DispatchFn<F>
where
    F: Fn(Delivery) -> A + Send + Sync + 'static,
    A: Future<Output = Outcome> + Send + 'static,
{
    fn validate(&self, callback: Callback) -> Result<Callback, CallbackError> {
        Ok(callback)
    }

    fn destination(&self, callback: &Callback) -> Arc<str> {
        Arc::clone(&callback.url)
    }

    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        if !delivery.start() {
            return Outcome::not_started();
        }
        let timeout = delivery.timeout();
        let timed_out = delivery.timed_out();
        let attempt = pin!((self.0)(delivery));
        match select(attempt, pin!(timed_out)).await {
            Either::Left((outcome, _)) => outcome,
            Either::Right(_) => Outcome::failed(format!("no answer within {timeout:?}")),
        }
    }
}
