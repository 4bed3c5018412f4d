//! `runs`, `retry` and `audit`.

use super::{User, start};
use crate::harness::target::Target;
use crate::process::PATIENCE;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::{sleep, timeout};

/// Waits until a task has so many runs with a status.
async fn until(user: &User, task: &str, status: &str, count: usize) -> Value {
    let asking = async {
        loop {
            let listed = user.reads(&["runs", "--task", task, "--status", status]).await;
            if listed["runs"].as_array().map(Vec::len) == Some(count) {
                return listed;
            }
            sleep(Duration::from_millis(20)).await;
        }
    };
    timeout(PATIENCE, asking).await.expect("runs in time")
}

#[tokio::test]
async fn failed_runs_are_shown_and_run_again() {
    let (_home, server, user) = start().await;
    let target = Target::start().await;
    let url = target.failing();
    let create = ["task", "create", "--task-id", "a", "--cron", "@yearly", "--url", &url];
    user.gets(&[&create[..], &["--max-attempts", "1"]].concat()).await;
    let none = user.gets(&["retry", "--task", "a", "--all-failed"]).await;
    assert_eq!(none, "nothing has failed\n");
    let run = user.gets(&["task", "run", "a"]).await;
    let run = run.trim_end();
    let listed = until(&user, "a", "failed", 1).await;
    assert_eq!(
        (&listed["runs"][0]["run_id"], &listed["runs"][0]["http_status"]),
        (&json!(run), &json!(500))
    );
    let text = user.gets(&["runs", "--status", "failed", "--from", "-1h", "--to", "+1h"]).await;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines.len(), 2, "{text}");
    assert!(lines[0].starts_with("RUN         STATUS  ATTEMPT  STARTED"), "{text}");
    assert!(lines[1].starts_with("a@manual-1  failed  1        20"), "{text}");
    assert!(lines[1].contains("  500   answered 500 Internal Server Error"), "{text}");
    let text = user.gets(&["runs", "--task", "a", "--attempts"]).await;
    assert!(text.lines().nth(2).is_some_and(|line| line.starts_with("  on node 1, ")), "{text}");
    let attempts = user.reads(&["runs", "--task", "a", "--attempts"]).await;
    assert_eq!(attempts["runs"][0]["attempts"][0]["status"], "failed");
    let earlier = user.reads(&["runs", "--to", "-1h"]).await;
    assert_eq!(earlier, json!({"runs": [], "next_cursor": null}));
    let got = user.gets(&["task", "get", "a"]).await;
    assert!(got.contains("\n\nRUN         STATUS"), "{got}");

    assert_eq!(user.gets(&["retry", run]).await, format!("retried {run}\n"));
    until(&user, "a", "failed", 1).await;
    target.let_go();
    let again = async {
        // The run that was retried above may still be under way.
        while user.gets(&["retry", "--task", "a", "--all-failed"]).await == "nothing has failed\n" {
            if user.reads(&["runs", "--status", "succeeded"]).await["runs"] != json!([]) {
                return;
            }
        }
    };
    timeout(PATIENCE, again).await.expect("a retry in time");
    until(&user, "a", "succeeded", 1).await;
    user.types(&["retry", run]).await.refused(1, &["(code 1404)"]);
    user.types(&["retry", "nonsense"]).await.refused(1, &["run_id", "(code 1000)"]);
    user.types(&["runs", "--task", "nope"]).await.refused(1, &["(code 1404)"]);
    for words in [&["retry"][..], &["retry", "--task", "a"], &["runs", "--status", "bad"]] {
        assert_eq!(user.types(words).await.code, Some(2), "{words:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn the_account_adds_up() {
    let (_home, server, user) = start().await;
    let target = Target::start().await;
    let (url, at) = (target.prompt(), "now");
    for id in ["a", "b"] {
        user.gets(&["task", "create", "--task-id", id, "--at", at, "--url", &url]).await;
        until(&user, id, "succeeded", 1).await;
    }
    let text = user.gets(&["audit"]).await;
    for line in [
        "tasks            2\n",
        "expected         2\n",
        "succeeded        2\n",
        "difference       0\n",
    ] {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
    let text = user.gets(&["audit", "--detail", "--from", "-1h"]).await;
    let last = text.lines().last().expect("lines");
    let words: Vec<&str> = last.split_whitespace().collect();
    assert_eq!(words, ["b", "1", "1", "0", "0", "0", "0"], "{text}");
    let json = user.reads(&["audit", "--task", "a"]).await;
    assert_eq!((&json["expected"], &json["outcomes"]["succeeded"]), (&json!(1), &json!(1)));
    user.types(&["audit", "--task", "nope"]).await.refused(1, &["(code 1404)"]);
    user.types(&["audit", "--from", "now", "--to", "-1h"]).await.refused(1, &["to is before from"]);
    server.stop().await;
}

#[tokio::test]
async fn pages_of_an_account_are_added_up_and_a_difference_fails() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answering = tokio::spawn(async move {
        loop {
            let (mut stream, _) = listener.accept().await.expect("a connection");
            let mut request = [0; 4_096];
            let read = stream.read(&mut request).await.expect("a request");
            let is_first = !String::from_utf8_lossy(&request[..read]).contains("cursor=a");
            let (id, cursor) = if is_first { ("a", "\"a\"") } else { ("b", "null") };
            let sums =
                "\"expected\":2,\"outcomes\":{\"succeeded\":1},\"pending\":0,\"difference\":1";
            let body = format!(
                "{{\"uuid\":\"u\",\"code\":0,\"data\":{{{sums},\"tasks\":1,\"unreadable\":0,\
                 \"details\":[{{\"task_id\":\"{id}\",{sums}}}],\"next_cursor\":{cursor}}}}}"
            );
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}"
            );
            stream.write_all(answer.as_bytes()).await.expect("a reader");
        }
    });
    let folder = tempfile::tempdir().expect("a temporary folder");
    let user = User::of(folder.path(), address);
    let said = user.types(&["audit", "--detail", "-o", "json"]).await;
    said.refused(1, &["2 occurrences have no outcome or more than one"]);
    let json: Value = serde_json::from_str(&said.out).expect("JSON");
    assert_eq!((&json["expected"], &json["outcomes"]["succeeded"]), (&json!(4), &json!(2)));
    assert_eq!(json["details"].as_array().map(Vec::len), Some(2));
    answering.abort();
}
