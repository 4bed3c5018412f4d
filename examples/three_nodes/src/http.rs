//! A request to the API of a node: an envelope comes back.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::handshake;
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::error::Error;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// What a step comes to.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// How long a node may take to answer.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// The most bytes of an answer that are taken in.
const ANSWER_BYTES_MAX: usize = 1 << 20;

/// The answer to a `GET` of `path`.
pub(crate) async fn get(address: SocketAddr, path: &str) -> Result<Value> {
    send(address, Request::get(path), Bytes::new()).await
}

/// The answer to a `POST` of `body` to `path`.
pub(crate) async fn post(address: SocketAddr, path: &str, body: &Value) -> Result<Value> {
    send(address, Request::post(path), body.to_string().into()).await
}

/// What is in the envelope, or why nothing is.
async fn send(
    address: SocketAddr,
    request: hyper::http::request::Builder,
    body: Bytes,
) -> Result<Value> {
    let request = request
        .header("host", address.to_string())
        .header("content-type", "application/json")
        .body(Full::new(body))?;
    let exchange = async {
        let stream = TcpStream::connect(address).await?;
        let (mut sender, driver) = handshake(TokioIo::new(stream)).await?;
        // Its failure shows in the answer.
        tokio::spawn(async move { drop(driver.await) });
        let answer = sender.send_request(request).await?.into_body();
        let body = Limited::new(answer, ANSWER_BYTES_MAX).collect().await?.to_bytes();
        Result::Ok(serde_json::from_slice::<Value>(&body)?)
    };
    let mut envelope = timeout(ANSWER_MAX, exchange).await??;
    if envelope["code"] == 0 {
        return Ok(envelope["data"].take());
    }
    Err(format!("{address} answers {}: {}", envelope["code"], envelope["message"]).into())
}
