//! The monitor port: metrics and health, nothing that changes anything.

use super::Metrics;
use crate::api::{health_routes, not_found, wrong_method};
use crate::serve::{Gate, ServerSettings, guard};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::header::CONTENT_TYPE;
use std::sync::Arc;
use xcron_core::Scheduler;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// `/metrics`, `/healthz` and `/readyz` of `scheduler`.
pub fn monitor_router(
    scheduler: &Scheduler,
    settings: ServerSettings,
    metrics: &Metrics,
) -> Router {
    let router = Router::new()
        .route("/metrics", get(show))
        .with_state(metrics.clone())
        .merge(health_routes(scheduler.clone()))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method);
    guard(router, Gate::new(settings, metrics.clone(), Arc::clone(scheduler.clock())))
}

async fn show(State(metrics): State<Metrics>) -> Response {
    ([(CONTENT_TYPE, OPEN_METRICS)], metrics.encode()).into_response()
}
