//! Calls of the API over one keep-alive connection.

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;

/// A connection to one port of a server.
#[derive(Debug)]
pub(crate) struct Api {
    sender: SendRequest<Full<Bytes>>,
    host: String,
}

/// The end of the connection: the server stopped or was killed.
#[derive(Debug)]
pub(crate) struct Gone;

impl Api {
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        Self::try_connect(address).await.expect("the server listens")
    }

    pub(crate) async fn try_connect(address: SocketAddr) -> Result<Self, Gone> {
        let stream = TcpStream::connect(address).await.map_err(|_| Gone)?;
        stream.set_nodelay(true).expect("a socket option");
        let (sender, driver) = handshake(TokioIo::new(stream)).await.map_err(|_| Gone)?;
        tokio::spawn(async move { drop(driver.await) });
        let host = address.to_string();
        Ok(Self { sender, host })
    }

    /// Sends a request and reads the answer.
    pub(crate) async fn send(
        &mut self,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<(StatusCode, Bytes), Gone> {
        let bytes = body.map_or_else(Bytes::new, |body| body.to_string().into());
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(HOST, &self.host)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(bytes))
            .expect("a well-formed request");
        self.sender.ready().await.map_err(|_| Gone)?;
        let answer = self.sender.send_request(request).await.map_err(|_| Gone)?;
        let status = answer.status();
        let body = answer.into_body().collect().await.map_err(|_| Gone)?;
        Ok((status, body.to_bytes()))
    }

    /// The status and text of a page.
    pub(crate) async fn page(&mut self, path: &str) -> (StatusCode, String) {
        let (status, body) = self.send(Method::GET, path, None).await.expect("an answer");
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// The answer to a call, as code and data.
    pub(crate) async fn call(&mut self, path: &str, body: Value) -> Result<(i64, Value), Gone> {
        let (_, bytes) = self.send(Method::POST, path, Some(body)).await?;
        Ok(opened(&bytes))
    }

    /// The answer to a question, as code and data.
    pub(crate) async fn get(&mut self, path: &str) -> Result<(i64, Value), Gone> {
        let (_, bytes) = self.send(Method::GET, path, None).await?;
        Ok(opened(&bytes))
    }

    /// Creates a task and insists on its acknowledgement.
    pub(crate) async fn create(&mut self, task: Value) {
        let answer = self.call("/xcron/createTask", task).await.expect("an answer");
        assert_eq!(answer.0, 0, "{}", answer.1);
    }

    /// Deletes a task; the code of the answer.
    pub(crate) async fn delete(&mut self, task_id: &str) -> i64 {
        let body = json!({ "task_id": task_id });
        self.call("/xcron/deleteTask", body).await.expect("an answer").0
    }

    /// A task as the server describes it.
    pub(crate) async fn query(&mut self, task_id: &str) -> Value {
        let path = format!("/xcron/queryTask?task_id={task_id}");
        let (status, body) = self.send(Method::GET, &path, None).await.expect("an answer");
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
        serde_json::from_slice::<Value>(&body).expect("an envelope")["data"].take()
    }

    /// Waits until the server is ready.
    pub(crate) async fn await_ready(&mut self) {
        let begun = Instant::now();
        loop {
            let (status, text) = self.page("/readyz").await;
            if status == StatusCode::OK {
                return;
            }
            assert!(begun.elapsed() < super::process::PATIENCE, "not ready: {text}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// The code and the data of an envelope; all of it when the code is not 0.
fn opened(bytes: &[u8]) -> (i64, Value) {
    let mut envelope: Value = serde_json::from_slice(bytes).expect("an envelope");
    let code = envelope["code"].as_i64().expect("a code");
    (code, if code == 0 { envelope["data"].take() } else { envelope })
}

/// A one-shot task that calls `url` at `due_secs`.
pub(crate) fn one_shot(task_id: &str, due_secs: u64, url: &str) -> Value {
    json!({
        "task_id": task_id,
        "type": 2,
        "format": due_secs.to_string(),
        "callback": { "url": url, "body": format!("{{\"of\":\"{task_id}\"}}") },
    })
}

/// A task that calls `url` every second.
pub(crate) fn every_second(task_id: &str, url: &str) -> Value {
    let callback = json!({ "url": url });
    json!({ "task_id": task_id, "type": 1, "format": "* * * * * *", "callback": callback })
}
