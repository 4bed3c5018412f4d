//! One call: a request goes out, an envelope comes back, and what is in it is read.

use super::Client;
use super::connection::{Connection, NoAnswer};
use super::error::{ClientError, Refused};
use super::query::Params;
use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Method, Request, Response};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::{Instant, timeout_at};
use xcron_core::Effect;

const USER: &str = concat!("xcron-client/", env!("CARGO_PKG_VERSION"));

/// How long a connection may take to be made.
const CONNECT_MAX: Duration = Duration::from_secs(5);

/// What an answer says that means nothing more than that it is done.
#[derive(Debug, Deserialize)]
pub(super) struct Done {}

#[derive(Deserialize)]
struct Envelope<'a> {
    uuid: String,
    code: u16,
    message: Option<String>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct Open {
    effect: Option<String>,
}

impl Client {
    /// Asks for `path` with what `query` says.
    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&'static str, String)],
    ) -> Result<T, ClientError> {
        self.call(Method::GET, &with_query(path, query), Bytes::new()).await
    }

    /// The same of what may be out of date, where that is wanted.
    pub(super) async fn read<T: DeserializeOwned>(
        &self,
        path: &str,
        params: Params,
    ) -> Result<T, ClientError> {
        let params = params.with("consistency", self.is_stale.then_some("stale"));
        self.get(path, &params.0).await
    }

    /// Sends `body` to `path`.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_vec(body)
            .map_err(|error| ClientError::Settings(format!("the request is no JSON: {error}")))?;
        self.call(Method::POST, path, body.into()).await
    }

    async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<T, ClientError> {
        let deadline = Instant::now() + self.timeout;
        let request = self.request(method, target, body)?;
        let (connection, answer) = self.exchange(request, deadline).await?;
        let (head, body) = answer.into_parts();
        let body = self.whole(body, deadline).await?;
        self.put_back(connection);
        self.understood(&head.headers, &body)
            .map_err(|problem| self.not_understood(&format!("{}, {problem}", head.status)))?
    }

    /// The request for `target`, with all its headers.
    pub(super) fn request(
        &self,
        method: Method,
        target: &str,
        body: Bytes,
    ) -> Result<Request<Full<Bytes>>, ClientError> {
        let mut request = Request::builder()
            .method(method)
            .uri(self.endpoint.target(target)?)
            .header(HOST, self.endpoint.authority())
            .header(USER_AGENT, USER)
            .header(ACCEPT, "application/json")
            .header(CONTENT_TYPE, "application/json");
        if let Some(token) = &self.token {
            request = request.header(AUTHORIZATION, token);
        }
        let request = request.body(Full::new(body));
        request.map_err(|error| ClientError::Settings(format!("no request can be made: {error}")))
    }

    /// Sends `request`; the head of the answer, and the connection that its rest comes over.
    pub(super) async fn exchange(
        &self,
        mut request: Request<Full<Bytes>>,
        deadline: Instant,
    ) -> Result<(Connection, Response<Incoming>), ClientError> {
        let late = || self.unanswered(&format!("not within {:?}", self.timeout));
        let mut kept = self.take_idle();
        loop {
            let was_kept = kept.is_some();
            let mut connection = match kept.take() {
                Some(connection) => connection,
                None => self.connect(deadline).await?,
            };
            // A connection that was kept may have been closed meanwhile. Then a read can be sent
            // again, and a change only if nothing of it has left.
            let again = (was_kept && request.method() == Method::GET).then(|| request.clone());
            let exchange = async {
                connection.is_ready().await;
                connection.send(request).await
            };
            let sent = timeout_at(deadline, exchange).await.map_err(|_elapsed| late())?;
            request = match (sent, again) {
                (Ok(answer), _) => return Ok((connection, answer)),
                (Err(NoAnswer::Unsent(unsent)), _) if was_kept => *unsent,
                (Err(NoAnswer::Failed(_)), Some(again)) => again,
                (Err(NoAnswer::Unsent(_)), _) => {
                    return Err(self.unreachable("it was closed at once"));
                }
                (Err(NoAnswer::Failed(problem)), None) => return Err(self.unanswered(&problem)),
            };
        }
    }

    async fn connect(&self, deadline: Instant) -> Result<Connection, ClientError> {
        let until = deadline.min(Instant::now() + CONNECT_MAX);
        let dialled = timeout_at(until, Connection::dial(&self.endpoint, &self.tls)).await;
        let dialled = dialled.unwrap_or_else(|_elapsed| Err("it takes too long".to_owned()));
        dialled.map_err(|problem| self.unreachable(&problem))
    }

    /// All of an answer's body, up to the limit.
    pub(super) async fn whole(
        &self,
        body: Incoming,
        deadline: Instant,
    ) -> Result<Bytes, ClientError> {
        let max = self.answer_bytes_max;
        let collected = timeout_at(deadline, Limited::new(body, max).collect()).await;
        let late = |_elapsed| self.unanswered(&format!("not all of it within {:?}", self.timeout));
        collected.map_err(late)?.map(http_body_util::Collected::to_bytes).map_err(|error| {
            if error.is::<LengthLimitError>() {
                return self.not_understood(&format!("it is longer than {max} bytes"));
            }
            self.unanswered(&error.to_string())
        })
    }

    /// What an envelope says: the data that is asked for, or why there is none.
    pub(super) fn understood<T: DeserializeOwned>(
        &self,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Result<Result<T, ClientError>, String> {
        let envelope: Envelope<'_> =
            serde_json::from_slice(body).map_err(|error| format!("no envelope: {error}"))?;
        let data = envelope.data.map_or("{}", RawValue::get);
        if envelope.code == 0 {
            let read = serde_json::from_str(data).map_err(|error| format!("data: {error}"))?;
            return Ok(Ok(read));
        }
        let open: Open = serde_json::from_str(data).unwrap_or_default();
        let effect = open.effect.map(|effect| match effect.as_str() {
            "none" => Effect::None,
            _ => Effect::Unknown,
        });
        let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
        Ok(Err(ClientError::Refused(Refused {
            code: envelope.code,
            message: envelope.message.unwrap_or_default(),
            effect,
            retry_after: seconds.map(Duration::from_secs),
            request_id: envelope.uuid,
        })))
    }

    fn take_idle(&self) -> Option<Connection> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// Keeps a connection whose answer was read to its end.
    fn put_back(&self, connection: Connection) {
        *self.idle.lock().unwrap_or_else(PoisonError::into_inner) = Some(connection);
    }

    pub(super) fn unreachable(&self, problem: &str) -> ClientError {
        ClientError::Unreachable { url: self.url().to_owned(), problem: problem.to_owned() }
    }

    pub(super) fn unanswered(&self, problem: &str) -> ClientError {
        ClientError::Unanswered { url: self.url().to_owned(), problem: problem.to_owned() }
    }

    pub(super) fn not_understood(&self, problem: &str) -> ClientError {
        ClientError::NotUnderstood { url: self.url().to_owned(), problem: problem.to_owned() }
    }
}

/// `path` with `query` behind it.
fn with_query(path: &str, query: &[(&str, String)]) -> String {
    if query.is_empty() {
        return path.to_owned();
    }
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    format!("{path}?{}", text.extend_pairs(query).finish())
}

#[cfg(test)]
mod tests {
    use super::with_query;

    #[test]
    fn what_is_asked_for_is_escaped() {
        assert_eq!(with_query("/a", &[]), "/a");
        let query = [("label", "a:b c".to_owned()), ("q", "ä&=".to_owned())];
        assert_eq!(with_query("/a", &query), "/a?label=a%3Ab+c&q=%C3%A4%26%3D");
    }
}
