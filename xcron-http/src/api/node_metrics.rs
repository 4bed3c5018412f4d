//! `GET /xcron/metrics`: what the monitor port shows, for whoever may read but cannot reach it.
//!
//! A browser may ask the dashboard's own origin only, and the monitor port is another one.

use super::Api;
use crate::metrics::in_words;
use axum::extract::State;
use axum::response::Response;
use http::HeaderMap;
use std::sync::Arc;

pub(super) async fn node_metrics(State(api): State<Arc<Api>>, headers: HeaderMap) -> Response {
    in_words(&api.metrics, &headers)
}
