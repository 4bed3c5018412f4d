//! Broken and unusual HTTP exchanges: what comes back, and that the server goes on.

use crate::server::{Reply, TestServer, read_to_end};
use serde_json::json;
use tokio::io::AsyncWriteExt;

/// What comes back.
#[derive(Clone, Copy, Debug)]
enum Expected {
    /// The envelope with this code, under this status.
    Envelope(u16, u64),
    /// A bare status line: it could not be read as a request.
    Bare(u16),
    /// The end of the connection, without a word.
    Closed,
}

use Expected::{Bare, Closed, Envelope};

/// (what it is, the bytes that are sent, what comes back); the socket stays open.
const BYTES: &[(&str, &[u8], Expected)] = &[
    ("garbage", b"\x01\x02\x03\x04\r\n\r\n", Bare(400)),
    ("a TLS hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", Bare(400)),
    ("no version", b"GET /\r\n\r\n", Bare(400)),
    ("an HTTP/2 preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", Closed),
    ("silence", b"", Closed),
    ("half a head", b"GET /healthz HTTP/1.1\r\nhos", Closed),
    ("a line and no more", b"GET /healthz HTTP/1.1\r\n", Closed),
    ("blank lines and no more", b"\r\n\r\n\r\n", Closed),
    ("bare line feeds", b"GET /healthz HTTP/1.1\nhost: a\nconnection: close\n\n", OK),
];
const OK: Expected = Envelope(200, 0);
const BAD: Expected = Envelope(400, 1000);

/// (what it is, request line, header lines, body, what comes back).
const REQUESTS: &[(&str, &str, &str, &str, Expected)] = &[
    ("HTTP/9.9", "GET / HTTP/9.9", "host: a", "", Bare(400)),
    ("HTTP/2.0 in words", "GET / HTTP/2.0", "host: a", "", Bare(400)),
    ("no host", "GET / HTTP/1.1", "x: y", "", BAD),
    ("two hosts", "GET / HTTP/1.1", "host: a\r\nhost: b", "", BAD),
    ("no host in HTTP/1.0", "GET /healthz HTTP/1.0", "x: y", "", OK),
    ("a space before a colon", "GET / HTTP/1.1", "host : a", "", Bare(400)),
    ("a folded header", "GET / HTTP/1.1", "host: a\r\n b", "", Bare(400)),
    ("NUL in a header", "GET / HTTP/1.1", "host: a\0b", "", Bare(400)),
    ("a header without a colon", "GET / HTTP/1.1", "host", "", Bare(400)),
    ("CONNECT", "CONNECT a:80 HTTP/1.1", CLOSE, "", Envelope(404, 1404)),
    ("TRACE", "TRACE / HTTP/1.1", CLOSE, "", Envelope(405, 1405)),
    ("OPTIONS *", "OPTIONS * HTTP/1.1", CLOSE, "", Envelope(404, 1404)),
    ("post in small letters", "post /xcron/createTask HTTP/1.1", CLOSE, "", Envelope(405, 1405)),
    ("POST on a GET route", "POST /xcron/queryTask HTTP/1.1", CLOSE, "", Envelope(405, 1405)),
    ("POST on the cluster", "POST /xcron/cluster HTTP/1.1", CLOSE, "", Envelope(405, 1405)),
    ("POST on the backup", "POST /xcron/cluster/backup HTTP/1.1", CLOSE, "", Envelope(405, 1405)),
];
const CLOSE: &str = "host: a\r\nconnection: close";

/// (what it is, header lines of a createTask beside `host`, body, what comes back).
const CREATES: &[(&str, &str, &str, Expected)] = &[
    ("no body", "connection: close", "", BAD),
    ("two equal lengths", "content-length: 2\r\ncontent-length: 2", "{}", BAD),
    ("two lengths", "content-length: 2\r\ncontent-length: 3", "{}", Bare(400)),
    ("a signed length", "content-length: +2", "{}", Bare(400)),
    ("a negative length", "content-length: -1", "{}", Bare(400)),
    ("a list of lengths", "content-length: 2, 2", "{}", Bare(400)),
    ("a length in words", "content-length: two", "{}", Bare(400)),
    ("a length of a terabyte", "content-length: 1000000000000", "", Envelope(413, 1413)),
    ("a body that stops", "content-length: 62", "{\"typ", BAD),
    ("an unknown coding", "transfer-encoding: xchunked", "", Bare(400)),
    ("chunked is not last", "transfer-encoding: chunked, identity", "", Bare(400)),
    ("a bad chunk size", "transfer-encoding: chunked", "xyz\r\n", BAD),
    ("a chunk size too far", "transfer-encoding: chunked", "fffffffffffffffff\r\n", BAD),
    ("a chunk that stops", "transfer-encoding: chunked", "5\r\nab", BAD),
    (
        "sound chunks of an unsound task",
        "connection: close\r\ntransfer-encoding: chunked",
        "2\r\n{}\r\n0\r\n\r\n",
        BAD,
    ),
    ("an unknown expectation", "connection: close\r\nexpect: foo", "", BAD),
    (
        "an unsound task under another content type",
        "connection: close\r\ncontent-type: text/plain\r\ncontent-length: 2",
        "{}",
        BAD,
    ),
    (
        "another charset",
        "connection: close\r\ncontent-length: 2\r\n\
         content-type: application/json; charset=utf-16",
        "{}",
        BAD,
    ),
    (
        "a page of another origin",
        "connection: close\r\norigin: http://evil.example\r\ncontent-length: 2",
        "{}",
        Envelope(403, 1403),
    ),
];

/// (what it is, path of a GET, what comes back).
const PATHS: &[(&str, &str, Expected)] = &[
    ("GET on a POST route", "/xcron/createTask", Envelope(405, 1405)),
    ("GET on removeNode", "/xcron/cluster/removeNode", Envelope(405, 1405)),
    ("GET on transferLeader", "/xcron/cluster/transferLeader", Envelope(405, 1405)),
    ("a path below the cluster", "/xcron/cluster/nodes", Envelope(404, 1404)),
    ("an unknown path", "/xcron/noSuchCall", Envelope(404, 1404)),
    ("another case", "/xcron/QueryTask?task_id=a", Envelope(404, 1404)),
    ("a slash at the end", "/xcron/queryTask/?task_id=a", Envelope(404, 1404)),
    ("two slashes", "//xcron/queryTask", Envelope(404, 1404)),
    ("dots", "/xcron/../healthz", Envelope(404, 1404)),
    ("encoded dots", "/%2e%2e/healthz", Envelope(404, 1404)),
    ("an encoded NUL", "/%00", Envelope(404, 1404)),
    ("another host's URL", "http://example.com/healthz", OK),
    ("an unknown parameter", "/xcron/queryTask?task_id=a&x=1", BAD),
    ("a parameter twice", "/xcron/queryTask?task_id=a&task_id=b", BAD),
    ("no parameter", "/xcron/queryTask", BAD),
    ("a bad id", "/xcron/queryTask?task_id=a%20b", BAD),
    ("bytes that are no text", "/xcron/queryTask?task_id=%ff%fe", BAD),
    ("an unknown consistency", "/xcron/queryTask?task_id=a&consistency=no", BAD),
    ("an unknown task", "/xcron/queryTask?task_id=nobody", Envelope(404, 1404)),
    ("a preview without type", "/xcron/previewSchedule?format=@daily", BAD),
    ("a preview of type 3", "/xcron/previewSchedule?type=3&format=@daily", Envelope(400, 1020)),
    ("a preview of 101", "/xcron/previewSchedule?type=1&format=@daily&count=101", BAD),
    ("a preview of none", "/xcron/previewSchedule?type=1&format=@daily&count=0", BAD),
    ("a preview of nonsense", "/xcron/previewSchedule?type=1&format=x", Envelope(400, 1001)),
    ("a preview on Mars", "/xcron/previewSchedule?type=1&format=@daily&timezone=Mars/X", BAD),
    ("a preview from nowhere", "/xcron/previewSchedule?type=1&format=@daily&from=x", BAD),
];

/// The same with texts that are long.
fn long() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let create = |headers: &str, body: &str| {
        format!("POST /xcron/createTask HTTP/1.1\r\n{CLOSE}\r\n{headers}\r\n\r\n{body}")
    };
    let get = |path: &str, headers: &str| format!("GET {path} HTTP/1.1\r\n{headers}\r\n\r\n");
    let x = |count: usize| "x".repeat(count);
    let headers: String = (0..101).map(|number| format!("x-{number}: 1\r\n")).collect();
    let chunks = format!("11170\r\n{}\r\n0\r\n\r\n", x(70_000));
    let extended = format!("2;{}\r\n{{}}\r\n0\r\n\r\n", x(20_000));
    let too_large = Envelope(413, 1413);
    let cases = [
        ("101 headers", get("/", &headers), Bare(431)),
        ("a head of 70 KB", get("/", &format!("x: {}", x(70_000))), Bare(431)),
        ("a path of 15 KB", get(&format!("/{}", x(15_000)), CLOSE), Envelope(404, 1404)),
        ("a path of 70 KB", get(&format!("/{}", x(70_000)), CLOSE), Bare(431)),
        ("a long body", create("content-length: 70000", &x(70_000)), too_large),
        ("long chunks", create("transfer-encoding: chunked", &chunks), too_large),
        ("a long chunk extension", create("transfer-encoding: chunked", &extended), BAD),
    ];
    cases.into_iter().map(|(name, text, expected)| (name, text.into_bytes(), expected)).collect()
}

/// All of them.
fn exchanges() -> Vec<(&'static str, Vec<u8>, Expected)> {
    let mut all = long();
    all.extend(BYTES.iter().map(|(name, bytes, expected)| (*name, bytes.to_vec(), *expected)));
    for (name, line, headers, body, expected) in REQUESTS {
        let text = format!("{line}\r\n{headers}\r\n\r\n{body}");
        all.push((name, text.into_bytes(), *expected));
    }
    for (name, headers, body, expected) in CREATES {
        let text = format!("POST /xcron/createTask HTTP/1.1\r\nhost: a\r\n{headers}\r\n\r\n{body}");
        all.push((name, text.into_bytes(), *expected));
    }
    for (name, path, expected) in PATHS {
        all.push((name, format!("GET {path} HTTP/1.1\r\n{CLOSE}\r\n\r\n").into(), *expected));
    }
    all
}

#[tokio::test]
async fn broken_exchanges_are_answered_or_closed_and_the_server_goes_on() {
    let server = TestServer::start().await;
    let mut surprises = Vec::new();
    for (name, bytes, expected) in exchanges() {
        let text = server.exchange(&bytes).await;
        let reply = Reply::read(&text);
        let is_as_expected = match expected {
            Envelope(status, code) => {
                let has_allow = reply.header("allow").is_some();
                reply.status == status && reply.code() == code && has_allow == (status == 405)
            }
            Bare(status) => reply.status == status && reply.text.is_empty(),
            Closed => text.is_empty(),
        };
        if !is_as_expected {
            surprises.push(format!("{name}: expected {expected:?}, got {text}"));
        }
        server.assert_serves(name).await;
    }
    assert_eq!(surprises, Vec::<String>::new());
    assert_eq!(server.scheduler.counts().total(), 0);
}

#[tokio::test]
async fn what_follows_an_ambiguous_length_is_not_taken_for_a_request() {
    let server = TestServer::start().await;
    let smuggled = "POST /xcron/createTask HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\
        transfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    let text = server.exchange(smuggled.as_bytes()).await;
    assert!(text.matches("HTTP/1.1 ").count() <= 2, "{text}");
    server.assert_serves("a length beside chunks").await;
}

#[tokio::test]
async fn a_head_that_comes_byte_by_byte_is_given_up() {
    let server = TestServer::start().await;
    let mut stream = server.connect().await;
    for byte in b"GET /healthz HTTP/1.1\r\nhost: slow\r\nx: yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"
    {
        if stream.write_all(&[*byte]).await.is_err() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    assert_eq!(read_to_end(&mut stream).await, "");
    server.assert_serves("a slow head").await;
}

#[tokio::test]
async fn pipelined_requests_are_answered_in_order() {
    let server = TestServer::start().await;
    let mut bytes = Vec::new();
    for number in 0..500 {
        let path = format!("/xcron/queryTask?task_id=t{number}");
        bytes.extend(format!("GET {path} HTTP/1.1\r\nhost: a\r\n\r\n").bytes());
    }
    bytes.extend(b"GET /healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let text = server.exchange(&bytes).await;
    let mut rest = text.as_str();
    for number in 0..500 {
        let at = rest.find(&format!("\\\"t{number}\\\"")).unwrap_or_else(|| panic!("{number}"));
        rest = &rest[at..];
    }
    assert!(rest.contains(&json!({"status": "ok"}).to_string()));
}
