//! `/openapi.json`, the API for programs to read.

use axum::response::{IntoResponse, Response};
use http::header::CONTENT_TYPE;

/// The description of the API, kept by hand and compared with it by a test.
pub(super) const OPENAPI: &str = include_str!("openapi.json");

pub(super) async fn openapi() -> Response {
    ([(CONTENT_TYPE, "application/json")], OPENAPI).into_response()
}
