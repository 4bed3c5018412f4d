//! A client that costs next to nothing: it writes bytes and reads an answer, also one that comes
//! before anything was asked, as from a server that turns a connection away.

use crate::fault::Result;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The most bytes of an answer.
const ANSWER_BYTES_MAX: usize = 65_536;

/// One keep-alive connection.
#[derive(Debug)]
pub struct Wire {
    stream: TcpStream,
    received: Vec<u8>,
}

/// What was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// The status.
    pub status: u16,
    /// What `retry-after` says.
    pub retry_after: Option<Duration>,
    /// Whether the connection ends with this answer.
    pub closes: bool,
    /// The body.
    pub body: String,
}

impl Wire {
    /// Connects to `address`.
    ///
    /// # Errors
    /// When nobody listens there.
    pub async fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, received: Vec::new() })
    }

    /// Sends one request and reads the whole answer.
    ///
    /// # Errors
    /// When the connection ends without one.
    pub async fn send(&mut self, request: &[u8]) -> Result<Reply> {
        // Whoever was turned away cannot write, but may read why.
        let _turned_away = self.stream.write_all(request).await;
        loop {
            if let Some((reply, bytes)) = read(&self.received)? {
                self.received.drain(..bytes);
                return Ok(reply);
            }
            if self.received.len() > ANSWER_BYTES_MAX {
                return Err(format!("an answer of over {ANSWER_BYTES_MAX} bytes").into());
            }
            if self.stream.read_buf(&mut self.received).await? == 0 {
                return Err("the connection was closed without an answer".into());
            }
        }
    }
}

/// The request that posts `body` to `path`.
#[must_use]
pub fn post(api: SocketAddr, path: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {api}\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// The first answer in `bytes`, if all of it is there, and its length.
fn read(bytes: &[u8]) -> Result<Option<(Reply, usize)>> {
    let Some(head_bytes) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&bytes[..head_bytes])?;
    let header = |name: &str| {
        head.lines().skip(1).find_map(|line| {
            let (is, value) = line.split_once(':')?;
            is.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    };
    let length: usize = header("content-length").unwrap_or("0").parse()?;
    let whole = head_bytes + 4 + length;
    let Some(body) = bytes.get(head_bytes + 4..whole) else {
        return Ok(None);
    };
    let status = head.split(' ').nth(1).unwrap_or_default().parse()?;
    let retry_after = header("retry-after").and_then(|seconds| seconds.parse().ok());
    let reply = Reply {
        status,
        retry_after: retry_after.map(Duration::from_secs),
        closes: header("connection") == Some("close"),
        body: String::from_utf8_lossy(body).into_owned(),
    };
    Ok(Some((reply, whole)))
}

#[cfg(test)]
mod tests {
    use super::read;
    use std::time::Duration;

    #[test]
    fn an_answer_is_read_when_all_of_it_is_there() {
        let whole =
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\ncontent-length: 2\r\n\r\n{}";
        for cut in 0..whole.len() {
            assert_eq!(read(&whole.as_bytes()[..cut]).expect("an answer"), None, "{cut}");
        }
        let two = [whole, whole].concat();
        let (reply, bytes) = read(two.as_bytes()).expect("an answer").expect("all of it");
        assert_eq!((reply.status, reply.body.as_str(), bytes), (429, "{}", whole.len()));
        assert_eq!((reply.retry_after, reply.closes), (Some(Duration::from_secs(1)), false));
        assert!(read(b"HTTP/1.1 x\r\n\r\n").is_err());
    }
}
