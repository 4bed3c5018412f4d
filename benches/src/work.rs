//! The work itself: the tasks that are created and the requests that carry them.

use crate::fault::Result;
use bytes::Bytes;
use http_body_util::Full;
use hyper::Request;
use hyper::header::{CONTENT_TYPE, HOST, USER_AGENT};
use serde::{Deserialize, Serialize};
use std::net::SocketAddr;

/// A request with a body that is all there.
pub type Post = Request<Full<Bytes>>;

/// The body of every callback: about as much as an order number and a signature take.
pub const CALLBACK_BODY: &str = "{\"order\":\"8d5e957f297893487bd98fa830fa6413\",\
    \"amount\":\"1299.00\",\"currency\":\"EUR\",\"note\":\"due\"}";

/// What is asked of `createTask`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CreateTask {
    /// 1 is periodic, 2 one-shot.
    #[serde(rename = "type")]
    pub kind: u8,
    /// A crontab expression or Unix seconds.
    pub format: String,
    /// Whom to call.
    pub callback: CallbackOf,
    /// The caller's name for the task.
    pub task_id: String,
}

/// Whom to call with what.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct CallbackOf {
    /// Where to.
    pub url: String,
    /// What is sent.
    pub body: String,
}

/// The name of task `number`.
#[must_use]
pub fn task_id(number: usize) -> String {
    format!("load-{number}")
}

/// The number of the task with this name.
#[must_use]
pub fn number_of(task_id: &[u8]) -> Option<usize> {
    std::str::from_utf8(task_id.strip_prefix(b"load-")?).ok()?.parse().ok()
}

/// The request that creates task `number`, due at `due_secs`, calling `sink`.
///
/// # Errors
/// Never in practice: every part is well formed.
pub fn create_task(
    api: SocketAddr,
    sink: SocketAddr,
    number: usize,
    due_secs: u64,
) -> Result<Post> {
    create_task_at(api, &format!("http://{sink}/callback"), number, due_secs)
}

/// The same calling `url`.
///
/// # Errors
/// Never in practice: every part is well formed.
pub fn create_task_at(api: SocketAddr, url: &str, number: usize, due_secs: u64) -> Result<Post> {
    post(api, "/xcron/createTask", create_task_body(url, number, due_secs)?)
}

/// The body of a request that creates task `number`, due at `due_secs`, calling `url`.
///
/// # Errors
/// Never in practice: every part is well formed.
pub fn create_task_body(url: &str, number: usize, due_secs: u64) -> Result<Vec<u8>> {
    Ok(serde_json::to_vec(&one_shot(url, number, due_secs))?)
}

/// Task `number`, due at `due_secs`, calling `url` with [`CALLBACK_BODY`].
#[must_use]
pub fn one_shot(url: &str, number: usize, due_secs: u64) -> CreateTask {
    CreateTask {
        kind: 2,
        format: due_secs.to_string(),
        callback: CallbackOf { url: url.to_owned(), body: CALLBACK_BODY.into() },
        task_id: task_id(number),
    }
}

/// The request that posts `body` to `path`.
///
/// # Errors
/// Never in practice: every part is well formed.
pub fn post(api: SocketAddr, path: &str, body: Vec<u8>) -> Result<Post> {
    let request =
        Request::post(path).header(HOST, api.to_string()).header(CONTENT_TYPE, "application/json");
    Ok(request.body(Full::new(body.into()))?)
}

/// The request that asks for task `number`.
///
/// # Errors
/// Never in practice: every part is well formed.
pub fn query_task(api: SocketAddr, number: usize) -> Result<Post> {
    let path = format!("/xcron/queryTask?task_id={}", task_id(number));
    Ok(Request::get(path).header(HOST, api.to_string()).body(Full::default())?)
}

/// A request of the same form and size as a callback of task `number`.
///
/// # Errors
/// Never in practice: every part is well formed.
pub fn callback(sink: SocketAddr, number: usize) -> Result<Post> {
    let id = task_id(number);
    let run_id = format!("{id}@1800000000");
    let request = Request::post("/callback")
        .header(HOST, sink.to_string())
        .header(USER_AGENT, "xcron/0.1.0")
        .header(CONTENT_TYPE, "application/json")
        .header("xcron-task-id", id)
        .header("xcron-run-id", &run_id)
        .header("xcron-scheduled-time", "1800000000")
        .header("xcron-attempt", "1")
        .header("xcron-fence", "1234567")
        .header("idempotency-key", run_id);
    Ok(request.body(Full::new(Bytes::from_static(CALLBACK_BODY.as_bytes())))?)
}

#[cfg(test)]
mod tests {
    use super::{number_of, task_id};

    #[test]
    fn a_number_survives_its_name() {
        assert_eq!(number_of(task_id(42).as_bytes()), Some(42));
        for other in ["", "load-", "load-x", "other-1"] {
            assert_eq!(number_of(other.as_bytes()), None);
        }
    }
}
