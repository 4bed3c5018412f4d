//! Who may call a running server, and what nobody finds out by it.

use crate::process::{Home, PATIENCE, Server};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

const READER: &str = "reader-token-0123456789";
const ADMIN: &str = "admin-token-0123456789";

fn home() -> Home {
    let tokens = "[{ name = \"reader\", token_env = \"XCRON_READER\", role = \"read\" }, \
                  { name = \"ops\", token_env = \"XCRON_OPS\", role = \"admin\" }]";
    Home::new()
        .with("XCRON_AUTH__TOKENS", tokens)
        .with("XCRON_READER", READER)
        .with("XCRON_OPS", ADMIN)
}

/// One request with these headers, and all of its answer.
async fn ask(addr: SocketAddr, line: &str, headers: &str) -> String {
    let mut stream = TcpStream::connect(addr).await.expect("the server listens");
    let request = format!(
        "{line} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n{headers}content-length: 2\r\n\r\n{{}}"
    );
    stream.write_all(request.as_bytes()).await.expect("a request is sent");
    let mut answer = Vec::new();
    let read = timeout(PATIENCE, stream.read_to_end(&mut answer)).await;
    read.expect("an answer in time").expect("an answer");
    String::from_utf8_lossy(&answer).into_owned()
}

async fn ask_with(server: &Server, line: &str, token: &str) -> String {
    ask(server.http, line, &format!("authorization: Bearer {token}\r\n")).await
}

#[tokio::test]
async fn tokens_are_asked_for_and_told_to_nobody() {
    let home = home().with("XCRON_LOG", "trace");
    let mut server = home.start().await;
    let transfer = "POST /xcron/cluster/transferLeader";
    let mut told = Vec::new();
    for (line, token, status) in [
        ("GET /xcron/cluster", READER, "200"),
        ("GET /xcron/cluster", "no-token-of-this-server", "401"),
        (transfer, READER, "403"),
        ("GET /xcron/cluster/backup", ADMIN, "200"),
    ] {
        let answer = ask_with(&server, line, token).await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{line} {token}: {answer}");
        told.push(answer);
    }
    assert!(ask(server.http, transfer, "").await.starts_with("HTTP/1.1 401 "));
    assert!(ask(server.http, "GET /healthz", "").await.starts_with("HTTP/1.1 200 "));
    let metrics = ask(server.monitor, "GET /metrics", "").await;
    assert!(metrics.starts_with("HTTP/1.1 200 "), "the monitor port asks for none");
    assert!(metrics.to_ascii_lowercase().contains("x-content-type-options: nosniff"));
    told.push(metrics);
    server.signal("TERM");
    told.push(server.ended().await.1);
    for (text, secret) in told.iter().flat_map(|text| [(text, READER), (text, ADMIN)]) {
        assert!(!text.contains(secret), "{secret} is in {text}");
    }
}

#[tokio::test]
async fn the_audit_log_is_heard_at_any_level() {
    for (log, count) in [("off", 1), ("error", 1), ("info", 1), ("info,xcron::audit=off", 0)] {
        let home = home().with("XCRON_LOG", log);
        let mut server = home.start().await;
        ask_with(&server, "POST /xcron/cluster/removeNode", READER).await;
        server.signal("TERM");
        let (_, said) = server.ended().await;
        let audit: Vec<_> = said.lines().filter(|line| line.contains("xcron::audit")).collect();
        assert_eq!(audit.len(), count, "{log}: {said}");
        for line in audit {
            assert!(
                line.contains("\"who\":\"reader\"") && line.contains("\"code\":1403"),
                "{line}"
            );
        }
    }
}

#[tokio::test]
async fn a_line_that_lets_everybody_in_beside_tokens_is_warned_of() {
    let warning = "who shows no token may do everything";
    for (home, is_warned) in
        [(home(), false), (home().with("XCRON_AUTH__ALLOW_ANONYMOUS", true), true)]
    {
        let mut server = home.start().await;
        let status = if is_warned { "200" } else { "401" };
        let answer = ask(server.http, "GET /xcron/cluster", "").await;
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        server.signal("TERM");
        assert_eq!(server.ended().await.1.contains(warning), is_warned);
    }
}
