//! The envelope of every answer: `{uuid, code, message?, data}`.

use super::code::Code;
use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderName, HeaderValue};
use serde::Serialize;
use uuid::Uuid;
use xcron_core::Effect;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
const JSON: HeaderValue = HeaderValue::from_static("application/json");
const BEARER: HeaderValue = HeaderValue::from_static("Bearer");
const CLOSE: HeaderValue = HeaderValue::from_static("close");
const NO_DATA: &[u8] = b"{}";

/// What a request came to, before it is wrapped.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    code: Code,
    message: Option<String>,
    /// JSON text.
    data: Option<Vec<u8>>,
    effect: Option<Effect>,
    closes: bool,
}

/// An answer on its way to the gate, which alone wraps it.
#[derive(Clone, Debug)]
pub(crate) struct Pending(pub(crate) Answer);

impl Answer {
    /// Done, with `data` to show.
    pub(crate) fn done(data: &impl Serialize) -> Self {
        match serde_json::to_vec(data) {
            Ok(data) => Self { data: Some(data), ..Self::of(Code::Done, None) },
            Err(error) => Self::error(Code::Internal, format!("the answer is no JSON: {error}")),
        }
    }

    /// Not done, for the reason that `message` gives.
    pub(crate) fn error(code: Code, message: impl Into<String>) -> Self {
        Self::of(code, Some(message.into()))
    }

    /// The same, saying what became of the write that was asked for.
    pub(crate) const fn with_effect(mut self, effect: Effect) -> Self {
        self.effect = Some(effect);
        self
    }

    /// The same, and the connection is closed after it: what follows on it cannot be trusted.
    pub(crate) const fn closing(mut self) -> Self {
        self.closes = true;
        self
    }

    /// The code and the message, where an answer stands within another.
    pub(crate) fn told(self) -> (Code, String) {
        (self.code, self.message.unwrap_or_default())
    }

    /// What the request came to.
    pub(crate) const fn code(&self) -> Code {
        self.code
    }

    /// The HTTP answer to the request named `id`; `is_write` when it asked for a change.
    pub(crate) fn wrap(self, id: Uuid, is_write: bool) -> Response {
        let mut body = Vec::with_capacity(96 + self.data.as_ref().map_or(64, Vec::len));
        let mut id_text = [0; uuid::fmt::Hyphenated::LENGTH];
        let id_text: &str = id.hyphenated().encode_lower(&mut id_text);
        body.extend_from_slice(b"{\"uuid\":\"");
        body.extend_from_slice(id_text.as_bytes());
        body.extend_from_slice(format!("\",\"code\":{}", self.code.number()).as_bytes());
        if let Some(message) = &self.message {
            body.extend_from_slice(b",\"message\":");
            body.extend_from_slice(json_text(message).as_bytes());
        }
        body.extend_from_slice(b",\"data\":");
        if is_write && self.code.leaves_effect_open() {
            let effect = self.effect.unwrap_or(Effect::Unknown).as_str();
            body.extend_from_slice(format!("{{\"effect\":\"{effect}\"}}").as_bytes());
        } else {
            body.extend_from_slice(self.data.as_deref().unwrap_or(NO_DATA));
        }
        body.push(b'}');
        let mut response = Response::new(Body::from(Bytes::from(body)));
        *response.status_mut() = self.code.status();
        response.headers_mut().insert(CONTENT_TYPE, JSON);
        if let Some(seconds) = self.code.retry_after_seconds() {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(seconds));
        }
        if self.code == Code::Unauthorized {
            response.headers_mut().insert(WWW_AUTHENTICATE, BEARER);
        }
        if self.closes {
            response.headers_mut().insert(CONNECTION, CLOSE);
        }
        name_response(&mut response, id_text);
        response
    }

    fn of(code: Code, message: Option<String>) -> Self {
        Self { code, message, data: None, effect: None, closes: false }
    }
}

impl IntoResponse for Answer {
    /// A response that the gate still has to wrap; only the gate knows the request's id.
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = self.code.status();
        response.extensions_mut().insert(Pending(self));
        response
    }
}

/// Puts the request's id into `response`.
pub(crate) fn name_response(response: &mut Response, id: &str) {
    if let Ok(value) = HeaderValue::from_str(id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
}

fn json_text(message: &str) -> String {
    serde_json::to_string(message).unwrap_or_else(|_unreachable| "\"\"".to_owned())
}

#[cfg(test)]
mod tests {
    use super::{Answer, Code};
    use http_body_util::BodyExt;
    use serde_json::{Value, json};
    use uuid::Uuid;
    use xcron_core::Effect;

    async fn wrapped(answer: Answer, is_write: bool) -> (u16, Value) {
        let response = answer.wrap(Uuid::nil(), is_write);
        assert_eq!(response.headers()["x-request-id"], Uuid::nil().to_string());
        let status = response.status().as_u16();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap())
    }

    #[tokio::test]
    async fn an_answer_is_wrapped_with_its_id() {
        let id = Uuid::nil().to_string();
        let done = Answer::done(&json!({"task_id": "a"}));
        let expected = json!({"uuid": id, "code": 0, "data": {"task_id": "a"}});
        assert_eq!(wrapped(done, true).await, (200, expected));
        let missing = Answer::error(Code::NotFound, "no \"x\"\n");
        let message = "no \"x\"\n";
        let expected = json!({"uuid": id, "code": 1404, "message": message, "data": {}});
        assert_eq!(wrapped(missing, true).await, (404, expected));
    }

    #[tokio::test]
    async fn a_write_that_may_have_happened_says_so_and_a_read_does_not() {
        let failed = Answer::error(Code::Unavailable, "no quorum");
        assert_eq!(wrapped(failed.clone(), true).await.1["data"], json!({"effect": "unknown"}));
        assert_eq!(wrapped(failed.clone(), false).await.1["data"], json!({}));
        let refused = failed.with_effect(Effect::None);
        assert_eq!(wrapped(refused, true).await.1["data"], json!({"effect": "none"}));
    }
}
