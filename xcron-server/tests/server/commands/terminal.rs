//! What only a terminal gets: colours, columns that are cut to its width, and progress.

use super::{User, start};
use crate::harness::tools::{did_not_run, find};
use crate::process::PATIENCE;
use std::process::Stdio;
use tokio::process::Command;
use tokio::time::timeout;

const COLOUR: &str = "\u{1b}[32mactive\u{1b}[0m";
const CLEARED: &str = "\r\u{1b}[K";

/// What a terminal of 80 columns is sent by a command, typed in the folder of `user`.
async fn sent(user: &User, words: &str) -> String {
    let script = find("script").expect("it was found before");
    let program = env!("CARGO_BIN_EXE_xcron_server");
    let typed = format!("stty cols 80; '{program}' {words}");
    let mut command = Command::new(script);
    command.args(["-qec", &typed, "/dev/null"]).current_dir(&user.folder).env_clear();
    command.env("PATH", "/usr/bin:/bin").env("SHELL", "/bin/sh").stdin(Stdio::null());
    command.envs(user.env.iter().map(|(name, value)| (name, value))).kill_on_drop(true);
    let output = timeout(PATIENCE, command.output()).await.expect("an end in time");
    let output = output.expect("a process");
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    String::from_utf8(output.stdout).expect("text")
}

/// How many columns the longest line has, without what steers the terminal.
fn widest(text: &str) -> usize {
    let plain = |line: &str| {
        let parts = line.split('\u{1b}').enumerate();
        let visible = parts.map(|(index, part)| match index {
            0 => part.chars().count(),
            _ => part.split_once('m').map_or(0, |(_, rest)| rest.chars().count()),
        });
        visible.sum::<usize>()
    };
    text.lines().map(plain).max().unwrap_or_default()
}

#[tokio::test]
async fn a_terminal_gets_colours_lines_of_its_width_and_progress() {
    if find("script").is_none() {
        did_not_run("a terminal gets colours", "there is no program called script");
        return;
    }
    let (_home, server, user) = start().await;
    let url = format!("http://127.0.0.1:9/{}", "long".repeat(30));
    let create = ["task", "create", "--cron", "@daily", "--url", &url, "--task-id"];
    user.gets(&[&create[..], &["a-name-of-some-length"]].concat()).await;
    let plain = user.gets(&["task", "list"]).await;
    assert!(plain.contains(&url) && !plain.contains('\u{1b}'), "{plain:?}");
    let shown = sent(&user, "task list").await;
    assert!(shown.contains(COLOUR) && shown.contains("…\r\n"), "{shown:?}");
    assert_eq!(widest(&shown), 80, "{shown:?}");
    let json = sent(&user, "task list -o json").await;
    assert!(json.contains(&url) && !json.contains('\u{1b}'), "{json:?}");
    let backup = sent(&user, "backup -o a.backup").await;
    assert!(backup.starts_with(&format!("{CLEARED}backup ")), "{backup:?}");
    assert!(
        backup.contains(&format!("/s{CLEARED}a.backup: ")),
        "it is gone in the end: {backup:?}"
    );
    std::fs::write(user.folder.join("tasks.json"), user.gets(&["task", "export"]).await)
        .expect("writing a file");
    let applied = sent(&user, "task apply -f tasks.json").await;
    assert!(applied.contains(&format!("] 0 of 1{CLEARED}a-name")), "{applied:?}");
    let without = user.with("NO_COLOR", "1");
    let shown = sent(&without, "task list").await;
    assert!(!shown.contains('\u{1b}') && shown.contains("…\r\n"), "{shown:?}");
    server.stop().await;
}
