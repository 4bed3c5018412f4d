//! What every request passes through on its way in and every answer on its way out.

use super::body::{BodyBudget, read_body};
use super::hygiene::{Unclean, judge};
use super::settings::ServerSettings;
use crate::answer::{Answer, Code, Pending, RequestIds, name_response};
use crate::metrics::Metrics;
use axum::Router;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use futures::FutureExt;
use http::Method;
use http::header::ALLOW;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::time::{Instant, timeout};
use xcron_core::{Clock, Effect};

/// Limits and names requests, wraps answers, counts both.
#[derive(Debug)]
pub(crate) struct Gate {
    settings: ServerSettings,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    ids: RequestIds,
    in_flight: AtomicUsize,
    bodies: BodyBudget,
}

impl Gate {
    pub(crate) fn new(settings: ServerSettings, metrics: Metrics, clock: Arc<dyn Clock>) -> Self {
        let (ids, in_flight) = (RequestIds::new(), AtomicUsize::new(0));
        let bodies = BodyBudget::new(settings.bodies_bytes_max);
        Self { settings, metrics, clock, ids, in_flight, bodies }
    }
}

/// Puts `gate` around every route of `router` and around what it answers to unknown ones.
///
/// Whoever wants to know who asks (a check of tokens, say) puts a layer of their own around the
/// routes before this one: what it answers is then wrapped and counted as well.
pub(crate) fn guard(router: Router, gate: Gate) -> Router {
    router.layer(from_fn_with_state(Arc::new(gate), pass))
}

/// A place among the requests in flight; dropping it makes room.
struct Place<'a>(&'a AtomicUsize);

impl<'a> Place<'a> {
    fn take(gate: &'a Gate, path: Option<&str>) -> Option<Self> {
        let place = Self(&gate.in_flight);
        let others = gate.in_flight.fetch_add(1, Ordering::Relaxed);
        // Whoever asks for health or metrics must be answered above all under overload.
        let is_limited = path.is_none_or(|path| path.starts_with("/xcron/"));
        (!is_limited || others < gate.settings.requests_in_flight_max).then_some(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn pass(State(gate): State<Arc<Gate>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map(MatchedPath::as_str);
    let is_write = request.method() == Method::POST;
    let id = gate.ids.next(gate.clock.now());
    let mut response = answer(&gate, request, next, path).await;
    if let Some(Pending(answer)) = response.extensions_mut().remove::<Pending>() {
        let allow = response.headers_mut().remove(ALLOW);
        response = answer.wrap(id, is_write);
        if let Some(allow) = allow {
            response.headers_mut().insert(ALLOW, allow);
        }
    } else {
        name_response(&mut response, &id.to_string());
    }
    let status = response.status();
    gate.metrics.http().answered(path, status, began.elapsed());
    response
}

async fn answer(gate: &Gate, request: Request, next: Next, path: Option<&str>) -> Response {
    let (head, mut body) = request.into_parts();
    if let Some(unclean) = judge(&head) {
        return refusal(&unclean).into_response();
    }
    // A slow body costs its client a connection, but nobody a place.
    let mut share = gate.bodies.share();
    if head.method == Method::POST
        && let Some(path) = path
    {
        match read_body(body, gate.settings.body_max_of(path), &gate.settings, &mut share).await {
            Ok(whole) => body = Body::from(whole),
            Err(refused) => return refused.into_response(),
        }
    }
    let Some(_place) = Place::take(gate, path) else {
        let max = gate.settings.requests_in_flight_max;
        let message = format!("{max} requests are being answered, the most allowed");
        return Answer::error(Code::Overloaded, message).with_effect(Effect::None).into_response();
    };
    let answer = AssertUnwindSafe(next.run(Request::from_parts(head, body))).catch_unwind();
    match timeout(gate.settings.request_max, answer).await {
        Ok(Ok(response)) => response,
        Ok(Err(_panic)) => {
            // The panic hook has said where; a client learns only that it is not its fault.
            tracing::error!(path, "a request ended by a bug");
            Answer::error(Code::Internal, "internal error").into_response()
        }
        Err(_elapsed) => {
            let seconds = gate.settings.request_max.as_secs_f64();
            Answer::error(Code::Unavailable, format!("no answer within {seconds} s"))
                .into_response()
        }
    }
}

fn refusal(unclean: &Unclean) -> Answer {
    match unclean {
        Unclean::Ambiguous(message) => Answer::error(Code::Malformed, *message).closing(),
        Unclean::CrossOrigin(message) => Answer::error(Code::Forbidden, *message),
        Unclean::Unsupported(message) => Answer::error(Code::Malformed, *message),
    }
}
