//! `cluster` and `backup`.

use super::{User, start};
use crate::process::{Home, PATIENCE};
use serde_json::json;
use std::time::Duration;
use tokio::time::{sleep, timeout};

#[tokio::test]
async fn a_cluster_of_one_is_shown_and_does_not_lose_its_only_node() {
    let (_home, server, user) = start().await;
    let text = user.gets(&["cluster", "status"]).await;
    for words in ["ready    yes\n", "leader   node 1\n", "\n\nNODE  ADDRESS", "leader  yes    yes"]
    {
        assert!(text.contains(words), "{words:?} is not in {text}");
    }
    let json = user.reads(&["cluster", "status"]).await;
    assert_eq!((&json["leader"], &json["nodes"][0]["role"]), (&json!(1), &json!("leader")));
    user.types(&["cluster", "remove", "7"]).await.refused(1, &["7", "(code 1404)"]);
    user.types(&["cluster", "remove", "1"]).await.refused(1, &["(code 1409)"]);
    user.types(&["cluster", "transfer", "7"]).await.refused(1, &["7", "(code 1404)"]);
    user.types(&["cluster", "transfer"]).await.refused(1, &["(code 1409)"]);
    for words in [&["cluster"][..], &["cluster", "remove"], &["cluster", "remove", "0"]] {
        assert_eq!(user.types(words).await.code, Some(2), "{words:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn a_backup_is_a_whole_file_that_another_cluster_begins_with() {
    let (home, server, user) = start().await;
    let create =
        ["task", "create", "--task-id", "a", "--cron", "@yearly", "--url", "http://127.0.0.1:9/"];
    user.gets(&create).await;
    let said = user.gets(&["backup", "-o", "one.backup"]).await;
    assert!(said.starts_with("one.backup: ") && said.ends_with(" bytes\n"), "{said}");
    user.types(&["backup", "--out", "one.backup"]).await.refused(2, &["exists already", "--force"]);
    user.gets(&["backup", "--out", "one.backup", "--force"]).await;
    let named = user.gets(&["backup"]).await;
    assert!(named.starts_with("xcron-"), "{named}");
    user.types(&["backup", "--out", "no/such/folder"]).await.refused(1, &["No such file"]);
    let mut files: Vec<String> = std::fs::read_dir(home.path())
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .filter(|name| !matches!(name.as_str(), "data" | "stderr"))
        .collect();
    files.sort();
    assert_eq!(files.len(), 2, "nothing else is left behind: {files:?}");
    server.stop().await;

    let another = Home::new();
    let backup = home.path().join("one.backup");
    let (code, said) = another.run(&["restore", backup.to_str().expect("text")]).await;
    assert_eq!(code, Some(0), "{said}");
    let server = another.start().await;
    server.api().await.await_ready().await;
    let user = User::of(another.path(), server.http);
    assert_eq!(user.reads(&["task", "get", "a"]).await["format"], "@yearly");
    server.stop().await;
}

#[tokio::test]
async fn leadership_is_handed_over_and_a_node_is_removed() {
    let (_home, mut first, user) = start().await;
    let another = Home::new().with("XCRON_PEER__JOIN", first.peer);
    let second = another.start().await;
    second.api().await.await_ready().await;
    let handing_over = async {
        loop {
            let said = user.types(&["cluster", "transfer", "2"]).await;
            match said.code {
                Some(0) => return said.done(),
                // It is still catching up.
                _ => said.refused(1, &["(code 1409)"]),
            }
            sleep(Duration::from_millis(100)).await;
        }
    };
    let done = timeout(PATIENCE, handing_over).await.expect("a transfer in time");
    assert_eq!(done, "node 2 leads\n");
    let user = User::of(another.path(), second.http);
    let removed = user.gets(&["cluster", "remove", "1"]).await;
    assert_eq!(removed, "removed node 1\n");
    let status = user.reads(&["cluster", "status"]).await;
    assert_eq!((&status["leader"], status["nodes"].as_array().map(Vec::len)), (&json!(2), Some(1)));
    let (ended, said) = first.ended().await;
    assert_eq!(ended.code(), Some(1), "{said}");
    second.stop().await;
}

#[tokio::test]
async fn a_node_without_a_majority_shows_what_it_knows_only_if_that_is_asked_for() {
    let (_home, mut first, user) = start().await;
    let url = "http://127.0.0.1:9/";
    user.gets(&["task", "create", "--task-id", "a", "--cron", "@yearly", "--url", url]).await;
    let another = Home::new().with("XCRON_PEER__JOIN", first.peer);
    let second = another.start().await;
    let voting = async {
        loop {
            let status = user.reads(&["cluster", "status"]).await;
            let nodes = status["nodes"].as_array().expect("nodes");
            if nodes.iter().filter(|node| node["is_voter"] == true).count() == 2 {
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(PATIENCE, voting).await.expect("two voters in time");
    second.kill().await;
    let said = user.types(&["task", "get", "a"]).await;
    said.refused(1, &["(code 1503)", "try again in 1 s"]);
    let create = ["task", "create", "--task-id", "b", "--cron", "@yearly", "--url", url];
    user.types(&create).await.refused(1, &["(code 1503)"]);
    for words in [&["task", "get", "a"][..], &["task", "list"], &["runs"], &["audit"]] {
        user.reads(&[words, &["--stale"]].concat()).await;
    }
    let listed = user.reads(&["task", "list", "--stale"]).await;
    assert_eq!(listed["tasks"][0]["task_id"], "a");
    first.begin_kill();
    first.ended().await;
}
