//! `/healthz`: the process lives. `/readyz`: it can serve linearizable reads and writes.

use super::refusal::Refusal;
use crate::answer::{Answer, Code};
use axum::Router;
use axum::extract::State;
use axum::routing::get;
use serde::Serialize;
use std::time::Duration;
use tokio::time::timeout;
use xcron_core::Scheduler;

/// How long the store may take to say that it is ready.
const READY_MAX: Duration = Duration::from_secs(2);

#[derive(Serialize)]
struct Health {
    status: &'static str,
}

/// Both routes.
pub(crate) fn health_routes(scheduler: Scheduler) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(scheduler)
}

async fn healthz() -> Answer {
    Answer::done(&Health { status: "ok" })
}

async fn readyz(State(scheduler): State<Scheduler>) -> Result<Answer, Refusal> {
    let unready = |message: String| Refusal::new(Code::Unavailable, message);
    match timeout(READY_MAX, scheduler.ready()).await {
        Ok(Ok(())) => Ok(Answer::done(&Health { status: "ready" })),
        Ok(Err(error)) => Err(unready(error.to_string())),
        Err(_elapsed) => {
            let seconds = READY_MAX.as_secs();
            Err(unready(format!("the store did not answer within {seconds} s")))
        }
    }
}
