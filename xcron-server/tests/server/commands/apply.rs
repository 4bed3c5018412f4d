//! `task apply` and `task export`.

use super::{User, start};
use crate::process::Home;
use serde_json::{Value, json};

const FILE: &str = "\
# Two tasks.
tasks:
  - task_id: billing
    type: 1
    format: '0 9 * * MON-FRI'
    timezone: europe/paris
    labels: {team: billing}
    callback: &callback
      url: HTTP://127.0.0.1:9/a/../bill
      body: {amount: 1.10, n: 123456789012345678901234567890}
      headers: {X-Tenant: '7'}
    retry: {max_attempts: 5}
  - task_id: closing
    type: 2
    format: '4102444800'
    timezone: Europe/Paris
    labels: {team: billing}
    callback: *callback
";

async fn applies(user: &User, words: &[&str]) -> String {
    user.gets(&[&["task", "apply", "-f", "tasks.yaml"], words].concat()).await
}

#[tokio::test]
async fn a_file_is_applied_once_and_then_only_where_it_differs() {
    let (_home, server, user) = start().await;
    user.writes("tasks.yaml", FILE);
    let tried = applies(&user, &["--dry-run"]).await;
    let expected = "billing would be created\nclosing would be created\n\
                    2 created, 0 unchanged (nothing was done)\n";
    assert_eq!(tried, expected);
    assert_eq!(user.reads(&["task", "list"]).await["tasks"], json!([]));
    let done = "billing created\nclosing created\n2 created, 0 unchanged\n";
    assert_eq!(applies(&user, &[]).await, done);
    let mut api = server.api().await;
    let body = api.query("billing").await["callback"]["body"].clone();
    assert_eq!(body["amount"], json!(1.1));
    let raw = user.gets(&["task", "get", "billing"]).await;
    assert!(raw.contains("{\"amount\":1.10,\"n\":123456789012345678901234567890}"), "{raw}");
    let same = "billing unchanged\nclosing unchanged\n2 unchanged\n";
    assert_eq!(applies(&user, &[]).await, same);

    let changed = FILE.replace("max_attempts: 5", "max_attempts: 6, max_age_seconds: 86400");
    let changed = changed.replace("0 9 *", "0 10 *").replace("1.10", "1.1");
    user.writes("tasks.yaml", &(changed + "    paused: true\n"));
    let line = "format \"0 9 * * MON-FRI\" -> \"0 10 * * MON-FRI\", callback.body \
                {\"amount\":1.10,\"n\":123456789012345678901234567890} -> \
                {\"amount\":1.1,\"n\":123456789012345678901234567890}, retry.max_attempts 5 -> 6";
    let tried = applies(&user, &["--dry-run"]).await;
    assert!(tried.contains(&format!("billing would be updated: {line}\n")), "{tried}");
    assert_eq!(api.query("billing").await["version"], 1);
    let report = user.reads(&["task", "apply", "-f", "tasks.yaml"]).await;
    assert_eq!((&report["updated"], &report["failed"]), (&json!(2), &json!(0)));
    let field = json!({"field": "paused", "from": "false", "to": "true"});
    assert_eq!(report["tasks"][1]["fields"][1], field, "{report}");
    let shown = api.query("billing").await;
    assert_eq!((&shown["format"], &shown["version"]), (&json!("0 10 * * MON-FRI"), &json!(2)));
    assert_eq!(api.query("closing").await["state"], "paused");
    assert_eq!(applies(&user, &[]).await, same);
    server.stop().await;
}

/// What somebody sets by hand, and what the file says of it.
const FIELDS: &[(&str, &str)] = &[
    (r#"{"name": "by hand"}"#, r#"name "by hand" -> null"#),
    (r#"{"labels": {"a": "b"}}"#, r#"labels {"a":"b"} -> {}"#),
    (r#"{"timezone": "Asia/Tokyo"}"#, r#"timezone "Asia/Tokyo" -> "Europe/Paris""#),
    (r#"{"start_time": 5}"#, "start_time 5 -> null"),
    (r#"{"end_time": 4102444800}"#, "end_time 4102444800 -> null"),
    (r#"{"max_runs": 3}"#, "max_runs 3 -> null"),
    (
        r#"{"misfire": "fire_all"}"#,
        r#"misfire "fire_all" -> "fire_once", misfire_window_seconds 3600 -> 31536000"#,
    ),
    (r#"{"misfire_window_seconds": 9}"#, "misfire_window_seconds 9 -> 31536000"),
    (r#"{"overlap": "queue"}"#, r#"overlap "queue" -> "allow""#),
    (r#"{"delivery": "at_most_once"}"#, r#"delivery "at_most_once" -> "at_least_once""#),
    (
        r#"{"retry": {"max_attempts": 9, "max_age_seconds": 8}}"#,
        "retry.max_attempts 9 -> 3, retry.max_age_seconds 8 -> 86400",
    ),
    (r#"{"timeout_seconds": 8}"#, "timeout_seconds 8 -> 7"),
    (r#"{"jitter_seconds": 4}"#, "jitter_seconds 4 -> 0"),
    (r#"{"dst_gap": "skip"}"#, r#"dst_gap "skip" -> "shift""#),
    (r#"{"dst_fold": "both"}"#, r#"dst_fold "both" -> "first""#),
    (r#"{"callback": {"body": "x"}}"#, r#"callback.body "x" -> null"#),
    (r#"{"callback": {"method": "PUT"}}"#, r#"callback.method "PUT" -> "POST""#),
    (r#"{"callback": {"headers": {"a": "b"}}}"#, r#"callback.headers {"a":"b"} -> {}"#),
];

#[tokio::test]
async fn what_the_file_leaves_open_goes_back_to_the_default_of_the_server() {
    let home = Home::new().with("XCRON_DEFAULT_TIMEZONE", "Europe/Paris");
    let home = home.with("XCRON_CALLBACK__TIMEOUT_SECONDS", 7);
    let server = home.start().await;
    let mut api = server.api().await;
    api.await_ready().await;
    let user = User::of(home.path(), server.http);
    let task = "{task_id: t, type: 1, format: '@daily', callback: {url: 'http://127.0.0.1:9/'}";
    user.writes("tasks.yaml", &format!("{task}}}"));
    applies(&user, &[]).await;
    let mut fresh = api.query("t").await;
    for (set, told) in FIELDS {
        let mut change: Value = serde_json::from_str(set).expect("JSON");
        change["task_id"] = json!("t");
        api.call("/xcron/updateTask", change).await.expect("an answer");
        let tried = applies(&user, &["--dry-run"]).await;
        let expected = format!("t would be updated: {told}\n1 updated, 0 unchanged");
        assert!(tried.starts_with(&expected), "{set}: {tried}");
        assert_ne!(api.query("t").await["version"], fresh["version"], "{set}: it was set");
        let done = applies(&user, &[]).await;
        assert_eq!(done, format!("t updated: {told}\n1 updated, 0 unchanged\n"));
        let now = api.query("t").await;
        // Versions only grow, and a schedule that was another has its next time worked out anew.
        for field in ["version", "next_time"] {
            fresh[field] = now[field].clone();
        }
        assert_eq!(now, fresh, "{set}");
    }
    assert_eq!(applies(&user, &[]).await, "t unchanged\n1 unchanged\n");

    // Null says no more than nothing, and a task that was paused by hand stays so.
    user.writes("tasks.yaml", &format!("{task}, name: null, retry: null, end_time: null}}"));
    user.gets(&["task", "pause", "t"]).await;
    assert_eq!(applies(&user, &[]).await, "t unchanged\n1 unchanged\n");
    assert_eq!(api.query("t").await["state"], "paused");
    server.stop().await;
}

#[tokio::test]
async fn what_is_not_in_the_file_is_deleted_only_by_its_label_and_with_yes() {
    let (_home, server, user) = start().await;
    user.writes("tasks.yaml", FILE);
    applies(&user, &[]).await;
    let mut api = server.api().await;
    for (id, team) in [("old", "billing"), ("other", "shipping")] {
        let callback = json!({"url": "http://127.0.0.1:9/"});
        api.create(json!({"task_id": id, "type": 1, "format": "@daily", "callback": callback,
            "labels": {"team": team}}))
            .await;
    }
    let prune = ["--prune", "--label", "team=billing"];
    let words = [&["task", "apply", "-f", "tasks.yaml"][..], &prune].concat();
    user.types(&words).await.refused(2, &["--prune deletes tasks: add --yes, or --dry-run"]);
    let tried = applies(&user, &[&prune[..], &["--dry-run"]].concat()).await;
    assert!(tried.contains("\nold would be deleted\n2 unchanged, 1 deleted (nothing"), "{tried}");
    let done = applies(&user, &[&prune[..], &["--yes"]].concat()).await;
    let expected = "billing unchanged\nclosing unchanged\nold deleted\n2 unchanged, 1 deleted\n";
    assert_eq!(done, expected);
    assert_eq!(api.query("other").await["state"], "active");
    user.writes("empty.yaml", "# nothing yet\n");
    let empty = ["task", "apply", "-f", "empty.yaml"];
    assert_eq!(user.gets(&empty).await, "0 unchanged\n");
    let said = user.types(&[&empty[..], &prune, &["--yes"]].concat()).await;
    said.refused(1, &["empty.yaml: holds no task, and --prune would delete all"]);
    assert_eq!(api.query("billing").await["state"], "active");
    let code = user.types(&["task", "apply", "-f", "tasks.yaml", "--prune", "--yes"]).await.code;
    assert_eq!(code, Some(2), "without a label nothing says which");
    server.stop().await;
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_a_bad_task_does_not_stop_the_others() {
    let (_home, server, user) = start().await;
    for (file, expected) in [
        ("tasks: [", "tasks.yaml: "),
        ("- task_id: a", "tasks.yaml: task 1: a: missing field `type`"),
        ("{task_id: a, retries: 5}", "retries is no field"),
    ] {
        user.writes("tasks.yaml", file);
        user.types(&["task", "apply", "-f", "tasks.yaml"]).await.refused(1, &[expected]);
    }
    user.types(&["task", "apply", "-f", "absent"]).await.refused(1, &["absent: No such file"]);
    assert_eq!(user.types(&["task", "apply"]).await.code, Some(2));
    user.writes("tasks.yaml", &FILE.replace("0 9 * * MON-FRI", "0 25 * * *"));
    let said = user.types(&["task", "apply", "-f", "tasks.yaml"]).await;
    said.refused(1, &["error: billing: format: hour: `25` is out of range", "(code 1001)"]);
    assert_eq!(said.out, "closing created\n1 created, 0 unchanged, 1 failed\n");
    server.stop().await;
}

#[tokio::test]
async fn what_is_exported_is_unchanged_when_it_is_applied() {
    let (_home, server, user) = start().await;
    user.writes("tasks.yaml", &(FILE.to_owned() + "    paused: true\n"));
    applies(&user, &[]).await;
    let words = [
        &["task", "create", "--task-id", "every", "--cron", "30 2 * * *"][..],
        &["--name", "ä \"n\"\n", "--tz", "Asia/Tokyo"],
        &["--url", "http://127.0.0.1:9/", "--body", "text \u{7f}\n---\n"],
        &["--method", "DELETE", "--start", "now", "--end", "+500d", "--max-runs", "3"],
        &["--misfire", "skip", "--overlap", "skip", "--delivery", "at_most_once", "--jitter", "5"],
        &["--dst-gap", "skip", "--dst-fold", "both", "--max-attempts", "1", "--timeout", "9"],
    ];
    user.gets(&words.concat()).await;
    let many: Vec<Value> = (0..150)
        .map(|number| {
            json!({"task_id": format!("m{number:03}"), "type": 2, "format": "4102444800",
            "callback": {"url": "http://127.0.0.1:9/"}})
        })
        .collect();
    let mut api = server.api().await;
    api.call("/xcron/createTasks", json!({"tasks": many})).await.expect("an answer");
    let exported = user.gets(&["task", "export"]).await;
    let json: Value = serde_json::from_str(&exported).expect("JSON");
    assert_eq!(json["tasks"].as_array().map(Vec::len), Some(153));
    let words = ["task", "apply", "-f", "-"];
    let again = user.feeds(&words, &exported).await.done();
    assert!(again.ends_with("\n153 unchanged\n"), "{again}");

    // On another server they are the same tasks.
    let (_other_home, other, stranger) = start().await;
    let moved = stranger.feeds(&words, &exported).await.done();
    assert!(moved.ends_with("\n153 created, 0 unchanged\n"), "{moved}");
    assert_eq!(stranger.gets(&["task", "export"]).await, exported);
    let labelled = stranger.gets(&["task", "export", "--label", "team=billing"]).await;
    let json: Value = serde_json::from_str(&labelled).expect("JSON");
    assert_eq!(json["tasks"].as_array().map(Vec::len), Some(2));
    other.stop().await;
    server.stop().await;
}
