//! What every request passes through on its way in and every answer on its way out.

use super::admission::Admission;
use super::body::{BodyBudget, read_body};
use super::hygiene::{Unclean, judge};
use super::settings::ServerSettings;
use super::shield::shield;
use crate::answer::{Answer, Code, Pending, RequestIds, name_response};
use crate::auth::{Access, Act, Caller, Need, Needs};
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

/// Limits and names requests, asks who sends them, wraps answers, counts both.
#[derive(Debug)]
pub(crate) struct Gate {
    access: Access,
    needs: Needs,
    settings: ServerSettings,
    metrics: Metrics,
    clock: Arc<dyn Clock>,
    ids: RequestIds,
    admission: Admission,
    bodies: BodyBudget,
}

impl Gate {
    pub(crate) fn new(settings: ServerSettings, metrics: Metrics, clock: Arc<dyn Clock>) -> Self {
        let ids = RequestIds::new();
        let admission = Admission::new(settings.requests_in_flight_max);
        let bodies = BodyBudget::new(settings.bodies_bytes_max);
        let (access, needs) = (Access::open(), Needs(&[]));
        Self { access, needs, settings, metrics, clock, ids, admission, bodies }
    }

    /// The same, and each route is only for those of `access` who may do what it `needs`.
    pub(crate) fn for_those_of(self, access: Access, needs: Needs) -> Self {
        Self { access, needs, ..self }
    }

    /// The most requests of one caller. Where there are no tokens nobody can be told apart.
    fn per_caller_max(&self) -> usize {
        let max = self.settings.requests_in_flight_per_token_max;
        if self.access.has_tokens() { max } else { usize::MAX }
    }
}

/// Puts `gate` around every route of `router` and around what it answers to unknown ones.
///
/// Who asks is judged here and not in a layer of its own, because it has to be known before a
/// stranger's body takes any memory, and for the audit of what is refused.
pub(crate) fn guard(router: Router, gate: Gate) -> Router {
    router.layer(from_fn_with_state(Arc::new(gate), pass))
}

/// A place among the requests of one caller; dropping it makes room.
struct Own<'a>(&'a AtomicUsize);

impl<'a> Own<'a> {
    fn take(taken: &'a AtomicUsize, max: usize) -> Option<Self> {
        let place = Self(taken);
        (taken.fetch_add(1, Ordering::Relaxed) < max).then_some(place)
    }
}

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

async fn pass(State(gate): State<Arc<Gate>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let path = request.extensions().get::<MatchedPath>().cloned();
    let path = path.as_ref().map(MatchedPath::as_str);
    let is_write = request.method() == Method::POST;
    let id = gate.ids.next(gate.clock.now());
    let caller = gate.access.caller(request.headers());
    let who = caller.as_ref().map_or(Caller::ANONYMOUS, |caller| caller.name());
    let act = Act::begin(path, who, id);
    if let Some(act) = &act {
        request.extensions_mut().insert(act.subject());
    }
    let mut response = answer(&gate, request, next, path, caller).await;
    let mut code = Code::Done;
    if let Some(Pending(answer)) = response.extensions_mut().remove::<Pending>() {
        code = answer.code();
        let allow = response.headers_mut().remove(ALLOW);
        response = answer.wrap(id, is_write);
        if let Some(allow) = allow {
            response.headers_mut().insert(ALLOW, allow);
        }
    } else {
        name_response(&mut response, &id.to_string());
    }
    shield(response.headers_mut());
    if let Some(act) = act {
        act.end(code.number());
    }
    let status = response.status();
    gate.metrics.http().answered(path, status, began.elapsed());
    response
}

async fn answer(
    gate: &Gate,
    request: Request,
    next: Next,
    path: Option<&str>,
    caller: Result<&Caller, Answer>,
) -> Response {
    let (head, mut body) = request.into_parts();
    if let Some(unclean) = judge(&head) {
        return refusal(&unclean).into_response();
    }
    let caller = match admit(caller, gate.needs.of(path)) {
        Ok(caller) => caller,
        Err(refused) => return refused.into_response(),
    };
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
    let max = gate.per_caller_max();
    let own = caller.map(|caller| Own::take(&caller.in_flight, max));
    if matches!(own, Some(None)) {
        return overloaded(&format!("{max} requests with this token are being answered"));
    }
    // Whoever asks for health or metrics must be answered above all under overload.
    let is_limited = path.is_none_or(|path| path.starts_with("/xcron/"));
    let is_measured = is_limited && head.method == Method::POST;
    let Some(_place) = gate.admission.take(is_limited, is_measured) else {
        return overloaded("as many requests are being answered as the server takes on now");
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

/// Who may be served: nobody in particular where nothing is needed.
fn admit(caller: Result<&Caller, Answer>, need: Need) -> Result<Option<&Caller>, Answer> {
    if need == Need::Nothing {
        return Ok(None);
    }
    let caller = caller?;
    caller.check(need)?;
    Ok(Some(caller))
}

fn overloaded(limit: &str) -> Response {
    let message = format!("{limit}, the most allowed");
    Answer::error(Code::Overloaded, message).with_effect(Effect::None).into_response()
}

fn refusal(unclean: &Unclean) -> Answer {
    match unclean {
        Unclean::Ambiguous(message) => Answer::error(Code::Malformed, *message).closing(),
        Unclean::CrossOrigin(message) => Answer::error(Code::Forbidden, *message),
        Unclean::Unsupported(message) => Answer::error(Code::Malformed, *message),
    }
}
