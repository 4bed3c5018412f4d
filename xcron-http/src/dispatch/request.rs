//! A delivery as an HTTP request.

use super::Request;
use super::target::Target;
use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST, HeaderMap, USER_AGENT};
use http::{HeaderName, HeaderValue, Method};
use http_body_util::Full;
use std::sync::Arc;
use xcron_core::{CallbackBody, Delivery};

const TASK_ID: HeaderName = HeaderName::from_static("xcron-task-id");
const RUN_ID: HeaderName = HeaderName::from_static("xcron-run-id");
const SCHEDULED_TIME: HeaderName = HeaderName::from_static("xcron-scheduled-time");
const ATTEMPT: HeaderName = HeaderName::from_static("xcron-attempt");
const FENCE: HeaderName = HeaderName::from_static("xcron-fence");
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");
const AGENT: HeaderValue = HeaderValue::from_static(concat!("xcron/", env!("CARGO_PKG_VERSION")));
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const DEFAULT_BODY: &[u8] = b"{}";

/// The request that `delivery` makes of `target`, and the bytes of its body.
pub(super) fn build(delivery: &Delivery, target: &Target) -> Result<(Request, Bytes), String> {
    let callback = delivery.callback();
    let method = method(callback.method);
    let mut headers = HeaderMap::with_capacity(15 + callback.headers.len());
    headers.insert(HOST, target.authority.clone());
    headers.insert(USER_AGENT, AGENT);
    let body = match &callback.body {
        Some(CallbackBody::Text(text) | CallbackBody::Json(text)) => {
            Some(Bytes::from_owner(SharedText(Arc::clone(text))))
        }
        // A body that nobody asked for makes many servers refuse these two.
        None if method == Method::GET || method == Method::DELETE => None,
        None => Some(Bytes::from_static(DEFAULT_BODY)),
    };
    if body.is_some() {
        headers.insert(CONTENT_TYPE, JSON);
    }
    for (name, value) in &callback.headers {
        let name = HeaderName::try_from(name).map_err(|error| error.to_string())?;
        let value = HeaderValue::try_from(value).map_err(|error| error.to_string())?;
        headers.insert(name, value);
    }
    let text = |text: String| HeaderValue::try_from(text).map_err(|error| error.to_string());
    let run_id = text(delivery.run_id().to_string())?;
    headers.insert(TASK_ID, text(delivery.run_id().task().to_string())?);
    headers.insert(IDEMPOTENCY_KEY, run_id.clone());
    headers.insert(RUN_ID, run_id);
    headers.insert(SCHEDULED_TIME, delivery.scheduled_time().as_secs().into());
    headers.insert(ATTEMPT, delivery.attempt().into());
    headers.insert(FENCE, delivery.fence().into());
    let body = body.unwrap_or_default();
    let mut request = http::Request::new(Full::new(body.clone()));
    *request.method_mut() = method;
    *request.uri_mut() = target.uri.clone();
    *request.headers_mut() = headers;
    Ok((request, body))
}

const fn method(method: xcron_core::Method) -> Method {
    match method {
        xcron_core::Method::Post => Method::POST,
        xcron_core::Method::Put => Method::PUT,
        xcron_core::Method::Patch => Method::PATCH,
        xcron_core::Method::Get => Method::GET,
        xcron_core::Method::Delete => Method::DELETE,
    }
}

/// A task's body, shared by all of its runs.
struct SharedText(Arc<str>);

impl AsRef<[u8]> for SharedText {
    fn as_ref(&self) -> &[u8] {
        self.0.as_bytes()
    }
}
