//! One node's API over a connection that is kept, and what an answer of it means.

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper::header::{CONTENT_TYPE, HOST};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use xcron_checker::Outcome;

/// The most bytes of an answer that are taken in.
const ANSWER_BYTES_MAX: usize = 4 << 20;

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoAnswer {
    /// Nothing was sent.
    Unsent,
    /// It was sent, as far as anybody can tell.
    Lost,
}

/// What a node answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    pub(super) outcome: Option<Outcome>,
    /// What it said of itself, when it refused.
    pub(super) message: String,
    pub(super) data: Value,
}

/// A connection to a node, made when it is needed.
#[derive(Debug, Default)]
pub(super) struct Api(Option<(SocketAddr, SendRequest<Full<Bytes>>)>);

impl Api {
    /// A question.
    pub(super) async fn get(
        &mut self,
        address: SocketAddr,
        path: &str,
        within: Duration,
    ) -> Result<Answer, NoAnswer> {
        self.ask(address, Request::get(path), Bytes::new(), within).await
    }

    /// A call.
    pub(super) async fn post(
        &mut self,
        address: SocketAddr,
        path: &str,
        body: &Value,
        within: Duration,
    ) -> Result<Answer, NoAnswer> {
        self.ask(address, Request::post(path), body.to_string().into(), within).await
    }

    async fn ask(
        &mut self,
        address: SocketAddr,
        request: hyper::http::request::Builder,
        body: Bytes,
        within: Duration,
    ) -> Result<Answer, NoAnswer> {
        let request = request
            .header(HOST, address.to_string())
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body))
            .map_err(|_malformed| NoAnswer::Unsent)?;
        let connected = timeout(within, self.connect(address)).await;
        let mut sender = connected.map_err(|_late| NoAnswer::Unsent)??;
        let exchange = async {
            let answer = sender.send_request(request).await.ok()?.into_body();
            let body = Limited::new(answer, ANSWER_BYTES_MAX).collect().await.ok()?.to_bytes();
            serde_json::from_slice(&body).ok()
        };
        let answer: Option<Value> = timeout(within, exchange).await.ok().flatten();
        let answer = answer.ok_or(NoAnswer::Lost)?;
        // After a failure the next request begins with another connection.
        self.0 = Some((address, sender));
        Ok(understood(answer))
    }

    async fn connect(&mut self, address: SocketAddr) -> Result<SendRequest<Full<Bytes>>, NoAnswer> {
        if let Some((kept, mut sender)) = self.0.take()
            && kept == address
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let stream = TcpStream::connect(address).await.map_err(|_refused| NoAnswer::Unsent)?;
        stream.set_nodelay(true).map_err(|_closed| NoAnswer::Unsent)?;
        let made = handshake(TokioIo::new(stream)).await;
        let (sender, driver) = made.map_err(|_closed| NoAnswer::Unsent)?;
        // It ends with the connection, and its failure shows in the answer.
        tokio::spawn(async move { drop(driver.await) });
        Ok(sender)
    }
}

/// What an envelope says.
fn understood(mut envelope: Value) -> Answer {
    let effect = envelope["data"]["effect"].as_str();
    let outcome = match (envelope["code"].as_i64(), effect) {
        (Some(0), _) => Some(Outcome::Ok),
        (Some(1404), _) => Some(Outcome::Absent),
        (Some(1409), _) => Some(Outcome::Conflict),
        (Some(1429 | 1500 | 1503), Some("unknown")) => Some(Outcome::Unknown),
        // A question has no effect to speak of.
        (Some(1429 | 1500 | 1503), _) => Some(Outcome::None),
        (Some(_), _) => Some(Outcome::Refused),
        (None, _) => None,
    };
    let message = envelope["message"].as_str().unwrap_or_default().to_owned();
    let data = envelope.get_mut("data").map(Value::take).unwrap_or_default();
    Answer { outcome, message, data }
}

#[cfg(test)]
mod tests {
    use super::understood;
    use serde_json::{Value, json};
    use xcron_checker::Outcome;

    #[test]
    fn a_code_says_whether_it_is_done() {
        for (code, data, expected) in [
            (0, json!({"task_id": "a"}), Outcome::Ok),
            (1002, Value::Null, Outcome::Refused),
            (1404, Value::Null, Outcome::Absent),
            (1409, Value::Null, Outcome::Conflict),
            (1429, json!({"effect": "none"}), Outcome::None),
            (1503, json!({"effect": "none"}), Outcome::None),
            (1503, json!({"effect": "unknown"}), Outcome::Unknown),
            (1503, Value::Null, Outcome::None),
        ] {
            let answer = understood(json!({"code": code, "message": "why", "data": data}));
            assert_eq!(answer.outcome, Some(expected), "{code} {data}");
        }
        assert_eq!(understood(json!("no envelope")).outcome, None);
    }
}
