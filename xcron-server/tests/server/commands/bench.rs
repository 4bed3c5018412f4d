//! `bench`: it measures, with a server of its own or of somebody else, and leaves nothing behind.

use super::{Said, User, start};
use crate::process::PATIENCE;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;
use tokio::process::Child;
use tokio::time::{Instant, sleep, timeout};

/// As little as can be measured.
const LITTLE: [&str; 7] = ["bench", "--seconds", "1", "--tasks", "50", "--connections", "2"];

/// How often somebody looks again.
const LOOK: std::time::Duration = std::time::Duration::from_millis(50);

fn entries(folder: &Path) -> usize {
    std::fs::read_dir(folder).expect("a folder").count()
}

fn signal(child: &Child, name: &str) {
    let pid = child.id().expect("it runs").to_string();
    let kill = format!("kill -{name} {pid}");
    let sent = std::process::Command::new("sh").args(["-c", &kill]).status();
    assert!(sent.expect("a shell").success());
}

/// Checks that the figures are those of a measurement.
fn assert_measured(report: &Value) {
    let positive = |figure: &Value| figure.as_f64().is_some_and(|figure| figure > 0.0);
    let (creates, fires) = (&report["creates"], &report["fires"]);
    assert_eq!((&report["connections"], &fires["count"]), (&json!(2), &json!(50)), "{report}");
    assert!(positive(&creates["count"]) && positive(&creates["per_second"]), "{report}");
    assert!(positive(&fires["per_second"]), "{report}");
    for spread in [&creates["latency_ms"], &fires["lateness_ms"]] {
        let [p50, p99, max] = ["p50", "p99", "max"].map(|name| spread[name].as_f64());
        assert!(p50.is_some() && p50 <= p99 && p99 <= max && max > Some(0.0), "{report}");
    }
}

#[tokio::test]
async fn a_server_of_its_own_is_measured_and_gone() {
    let folders = tempfile::tempdir().expect("a folder");
    let temporary = folders.path().to_str().expect("text");
    // Whoever has a server in mind for other commands does not have it measured.
    let nobody = "127.0.0.1:9".parse().expect("an address");
    let user = User::of(folders.path(), nobody).with("TMPDIR", temporary);
    let report = user.reads(&LITTLE).await;
    assert_measured(&report);
    assert_eq!((&report["server"], &report["folder"]), (&Value::Null, &json!(temporary)));
    assert!(report["disk_sync_ms"]["max"].as_f64() > Some(0.0), "{report}");
    assert_eq!(entries(folders.path()), 0, "it left something behind");
    let elsewhere = tempfile::tempdir().expect("a folder");
    let dir = elsewhere.path().to_str().expect("text");
    let table = user.gets(&[&LITTLE[..], &["--dir", dir]].concat()).await;
    for row in ["MEASURED ", "creates, latency ", "callbacks, lateness  50 ", "disk, one sync "] {
        assert!(table.contains(row), "{row:?} is not in {table}");
    }
    assert_eq!(entries(elsewhere.path()), 0, "it left something behind");
}

#[tokio::test]
async fn what_was_created_on_a_server_is_deleted_and_nothing_else() {
    let (_home, server, user) = start().await;
    let create = ["task", "create", "--task-id", "mine", "--at", "+1d", "--url"];
    user.gets(&[&create[..], &["http://127.0.0.1:9/"]].concat()).await;
    let url = format!("http://{}", server.http);
    let words = [&LITTLE[..], &["--server-url", &url, "-o", "json"]].concat();
    let Said { code, out, err } = user.types(&words).await;
    assert_eq!(code, Some(0), "{err}");
    let report: Value = serde_json::from_str(&out).expect("JSON");
    assert_measured(&report);
    assert_eq!((&report["server"], &report["disk_sync_ms"]), (&json!(url), &Value::Null));
    assert!(err.starts_with("tasks with the label xcron-bench="), "{err}");
    assert!(err.ends_with(" tasks are deleted\n"), "{err}");
    let left = user.reads(&["task", "list"]).await;
    let left: Vec<_> = left["tasks"].as_array().expect("a list").iter().collect();
    assert!(matches!(left[..], [task] if task["task_id"] == "mine"), "{left:?}");
    server.stop().await;
}

/// Waits until `is_so`.
async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let begun = Instant::now();
    while !is_so().await {
        assert!(begun.elapsed() < PATIENCE, "{what} takes too long");
        sleep(LOOK).await;
    }
}

#[tokio::test]
async fn a_bench_that_is_interrupted_deletes_what_it_created() {
    let (_home, server, user) = start().await;
    let url = format!("http://{}", server.http);
    for name in ["INT", "TERM"] {
        let mut command = user.command(&["bench", "--seconds", "300", "--server-url", &url]);
        let child = command.stdin(Stdio::null()).spawn().expect("a process");
        let is_any = async || user.reads(&["task", "list"]).await["tasks"] != json!([]);
        until("the first task", is_any).await;
        signal(&child, name);
        let output = timeout(PATIENCE, child.wait_with_output()).await.expect("an end in time");
        let output = output.expect("a process");
        let err = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{err}");
        assert!(err.ends_with("error: stopped by a signal, nothing was measured\n"), "{err}");
        assert_eq!(user.reads(&["task", "list"]).await["tasks"], json!([]), "{name}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_bench_that_is_interrupted_or_killed_leaves_no_server() {
    for (name, code) in [("INT", Some(1)), ("KILL", None)] {
        let folders = tempfile::tempdir().expect("a folder");
        let nobody = "127.0.0.1:9".parse().expect("an address");
        let user = User::of(folders.path(), nobody);
        let dir = folders.path().to_str().expect("text");
        let mut command = user.command(&["bench", "--seconds", "300", "--dir", dir]);
        let mut child = command.stdin(Stdio::null()).spawn().expect("a process");
        let folder = async || entries(folders.path()) > 0;
        until("its folder", folder).await;
        signal(&child, name);
        let status = timeout(PATIENCE, child.wait()).await.expect("an end in time");
        assert_eq!(status.expect("a process").code(), code, "{name}");
        until("the end of the folder", async || entries(folders.path()) == 0).await;
    }
}

#[tokio::test]
async fn what_no_bench_can_be_asked_is_refused_by_name() {
    let folder = tempfile::tempdir().expect("a folder");
    let user = User::of(folder.path(), "127.0.0.1:9".parse().expect("an address"));
    for (words, code, expected) in [
        (&["--seconds", "0"][..], 2, "'--seconds <N>'"),
        (&["--connections", "1025"], 2, "'--connections <N>'"),
        (&["--tasks", "100001"], 2, "'--tasks <N>'"),
        (&["--callback-host", "127.0.0.1"], 2, "--server-url <URL>"),
        (&["--server-url", "http://127.0.0.1:9", "--dir", "."], 2, "--dir"),
        (&["--server-url", "nowhere"], 2, "--server-url: \"nowhere\" is no URL"),
        (&["--server-url", "http://127.0.0.1:9"], 1, "name another with --server-url"),
        (&["--dir", "missing"], 2, "--dir is missing: "),
    ] {
        let said = user.types(&[&["bench"][..], words].concat()).await;
        assert_eq!((said.code, said.out.as_str()), (Some(code), ""), "{said:?}");
        said.complains(&[expected]);
    }
}
