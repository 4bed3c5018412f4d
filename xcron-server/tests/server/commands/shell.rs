//! What needs no server: `next`, completions, man pages, help; and how output ends.

use super::{User, start};
use serde_json::{Value, json};
use std::process::Stdio;
use tokio::time::timeout;

fn alone() -> (tempfile::TempDir, User) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let user = User { folder: folder.path().to_owned(), env: Vec::new() };
    (folder, user)
}

#[tokio::test]
async fn next_says_what_the_server_would_say() {
    let (_home, server, user) = start().await;
    let mut api = server.api().await;
    let from = "2026-03-28T00:00:00Z";
    for (expression, zone, extra) in [
        ("30 2 * * *", "Europe/Paris", &[][..]),
        ("30 2 * * *", "Europe/Paris", &["--dst-gap", "skip"]),
        ("*/20 * * * * *", "UTC", &[]),
        ("0 0 L * FRI#2", "America/New_York", &[]),
    ] {
        let words = ["next", expression, "--tz", zone, "--from", from, "--count", "5"];
        let json = user.reads(&[&words[..], extra].concat()).await;
        let format = expression.replace(' ', "+").replace('#', "%23");
        let gap = if extra.is_empty() { "" } else { "&dst_gap=skip" };
        let path = format!(
            "/xcron/previewSchedule?type=1&format={format}&timezone={zone}&from=1774656000\
             &count=5{gap}"
        );
        let (code, shown) = api.get(&path).await.expect("an answer");
        assert_eq!((code, &shown), (0, &json), "{expression}");
    }
    server.stop().await;
    let words = ["next", "30 2 * * *", "--tz", "Europe/Paris", "--from", from, "--count", "2"];
    let expected = "\
At 02:30 (Europe/Paris)
LOCAL                      UTC                   UNIX        DST
2026-03-28T02:30:00+01:00  2026-03-28T01:30:00Z  1774661400
2026-03-29T03:00:00+02:00  2026-03-29T01:00:00Z  1774746000  shifted
";
    assert_eq!(user.gets(&words).await, expected, "the server has stopped");
    user.types(&["next", "0 25 * * *"]).await.refused(2, &["hour: `25` is out of range"]);
    user.types(&["next", "@daily", "--tz", "Mars"]).await.refused(2, &["Mars"]);
    assert_eq!(user.types(&["next", "@daily", "--count", "0"]).await.code, Some(2));
}

#[tokio::test]
async fn completions_and_man_pages_name_every_command() {
    let (_folder, user) = alone();
    let commands = ["import-crontab", "completions", "force-new-cluster", "retry"];
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let text = user.gets(&["completions", shell]).await;
        for command in commands {
            assert!(text.contains(command), "{shell}: {command}");
        }
    }
    assert_eq!(user.types(&["completions", "cmd"]).await.code, Some(2));
    let page = user.gets(&["man"]).await;
    assert!(page.contains(".TH xcron_server 1"), "{page}");
    assert!(page.contains("Exit codes: 0 done, 1 the server said no"), "{page}");
    std::fs::create_dir(user.folder.join("man1")).expect("a folder");
    user.gets(&["man", "--dir", "man1"]).await;
    let pages: Vec<String> = std::fs::read_dir(user.folder.join("man1"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    for page in ["xcron_server.1", "xcron_server-task-apply.1", "xcron_server-cluster-remove.1"] {
        assert!(pages.iter().any(|name| name == page), "{page} is not in {pages:?}");
    }
    user.types(&["man", "--dir", "absent"]).await.refused(1, &["absent: No such file"]);
}

#[tokio::test]
async fn help_has_examples_and_tells_the_exit_codes() {
    let (_folder, user) = alone();
    let help = user.gets(&["--help"]).await;
    for words in ["XCRON_SERVER_URL", "XCRON_TOKEN", "Exit codes: 0 done, 1 ", "2 wrong usage"] {
        assert!(help.contains(words), "{words:?} is not in {help}");
    }
    for words in [
        &["task", "create"][..],
        &["task", "get"],
        &["task", "list"],
        &["task", "delete"],
        &["task", "pause"],
        &["task", "resume"],
        &["task", "run"],
        &["task", "apply"],
        &["task", "export"],
        &["task", "import-crontab"],
        &["runs"],
        &["retry"],
        &["next"],
        &["cluster", "status"],
        &["cluster", "remove"],
        &["cluster", "transfer"],
        &["backup"],
        &["audit"],
        &["completions"],
        &["man"],
    ] {
        let help = user.gets(&[words, &["--help"]].concat()).await;
        let example = format!("\n  xcron_server {}", words.join(" "));
        assert!(help.contains("Example") && help.contains(&example), "{words:?}: {help}");
    }
    for words in
        [&["task"][..], &["nonsense"], &["task", "get"], &["task", "get", "a", "-o", "xml"]]
    {
        let said = user.types(words).await;
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
    }
}

#[tokio::test]
async fn a_reader_who_leaves_is_no_failure() {
    let (_home, server, user) = start().await;
    user.gets(&["task", "create", "--task-id", "a", "--cron", "@daily", "--url", "http://a/"])
        .await;
    for words in [
        &["task", "list"][..],
        &["task", "list", "-o", "json"],
        &["task", "get", "a"],
        &["task", "export"],
        &["next", "@daily"],
        &["completions", "bash"],
        &["man"],
    ] {
        let (reader, writer) = std::io::pipe().expect("a pipe");
        drop(reader);
        let mut command = user.command(words);
        command.stdout(Stdio::from(writer)).stdin(Stdio::null());
        let output = timeout(super::PATIENCE, command.output()).await.expect("an end in time");
        let output = output.expect("a process");
        assert_eq!(output.status.code(), Some(0), "{words:?}: {output:?}");
        assert!(output.stderr.is_empty(), "{words:?}: {output:?}");
    }
    server.stop().await;
}

#[tokio::test]
async fn colours_are_for_terminals_and_for_those_who_ask_for_them() {
    let (_home, server, user) = start().await;
    let url = "http://127.0.0.1:9/";
    user.gets(&["task", "create", "--task-id", "a", "--cron", "@daily", "--url", url]).await;
    let escape = '\u{1b}';
    assert!(!user.gets(&["task", "list"]).await.contains(escape), "this is no terminal");
    let always = user.gets(&["task", "list", "--color", "always"]).await;
    assert!(always.contains("\u{1b}[32mactive\u{1b}[0m"), "{always:?}");
    let json = user.gets(&["task", "list", "--color", "always", "-o", "json"]).await;
    assert!(!json.contains(escape));
    let shown: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(shown["tasks"][0]["task_id"], json!("a"));
    // What a terminal would obey is shown and not sent.
    let name = "\u{1b}[2Jgone\u{202e}";
    user.gets(&["task", "create", "--at", "+1d", "--task-id", "b", "--url", url, "--name", name])
        .await;
    let got = user.gets(&["task", "get", "b"]).await;
    assert!(got.contains("name      \\u{1b}[2Jgone\\u{202e}\n"), "{got:?}");
    server.stop().await;
}
