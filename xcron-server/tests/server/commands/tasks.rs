//! `task create`, `get`, `list`, `delete`, `pause`, `resume` and `run`.

use super::start;
use serde_json::json;

const URL: &str = "http://127.0.0.1:9/";

#[tokio::test]
async fn every_flag_of_create_reaches_the_task() {
    let (_home, server, user) = start().await;
    let words = [
        &["task", "create", "--task-id", "a", "--cron", "30 2 * * *", "--name", "n"][..],
        &["--label", "team=billing", "--label", "env=prod", "--paused", "--tz", "Europe/Paris"],
        &["--url", URL, "--body", "{\"amount\": 1.10}", "--method", "put", "--header", "X-A: b"],
        &["--timeout", "30", "--start", "1800000000", "--end", "2100-01-01T00:00:00Z"],
        &["--max-runs", "9", "--jitter", "60", "--dst-gap", "skip", "--dst-fold", "both"],
        &["--misfire", "fire_all", "--misfire-window", "7200", "--overlap", "queue"],
        &["--delivery", "at_most_once", "--max-attempts", "5", "--min-backoff", "2"],
        &["--max-backoff", "30", "--max-age", "600"],
    ];
    assert_eq!(user.gets(&words.concat()).await, "a\n");
    let shown = server.api().await.query("a").await;
    let expected = json!({
        "type": 1, "format": "30 2 * * *", "name": "n", "paused": true, "timezone": "Europe/Paris",
        "labels": {"team": "billing", "env": "prod"}, "timeout_seconds": 30,
        "start_time": 1_800_000_000, "end_time": 4_102_444_800_i64, "max_runs": 9,
        "jitter_seconds": 60, "dst_gap": "skip", "dst_fold": "both", "misfire": "fire_all",
        "misfire_window_seconds": 7_200, "overlap": "queue", "delivery": "at_most_once",
        "retry": {"max_attempts": 5, "min_backoff_seconds": 2, "max_backoff_seconds": 30,
            "max_age_seconds": 600},
    });
    for (field, value) in expected.as_object().expect("an object") {
        assert_eq!(&shown[field], value, "{field}");
    }
    let callback = &shown["callback"];
    assert_eq!((&callback["method"], &callback["headers"]["x-a"]), (&json!("PUT"), &json!("b")));
    let text = user.gets(&["task", "get", "a"]).await;
    let lines = [
        "task_id   a\n",
        "state     paused\n",
        "timezone  Europe/Paris\n",
        "start     2027-01-15T08:00:00Z\n",
        "callback  PUT http://127.0.0.1:9/\n",
        "body      {\"amount\":1.10}\n",
        "retry     5 attempts, 2 to 30 s apart, for 600 s\n",
        "misfire   fire_all, up to 7200 s old\n",
    ];
    for line in lines {
        assert!(text.contains(line), "{line:?} is not in {text}");
    }
    assert_eq!(user.reads(&["task", "get", "a"]).await, shown);
    server.stop().await;
}

#[tokio::test]
async fn a_one_shot_is_given_in_three_ways_and_a_body_by_a_file() {
    let (_home, server, user) = start().await;
    for (id, at) in [("a", "4102444800"), ("b", "2100-01-01T00:00:00Z"), ("c", "+10m")] {
        user.gets(&["task", "create", "--task-id", id, "--at", at, "--url", URL]).await;
    }
    user.writes("body", "order=7\n");
    let words = ["task", "create", "--at", "+1d", "--url", URL, "--body-file", "body"];
    let created = user.reads(&[&words[..], &["--task-id", "d"]].concat()).await;
    assert_eq!(created, json!({"task_id": "d"}));
    let words = ["task", "create", "--at", "+1d", "--url", URL, "--body-file", "-"];
    let fed = user.feeds(&[&words[..], &["--task-id", "e"]].concat(), "[1, 2.0]").await;
    assert_eq!(fed.done(), "e\n");
    let mut api = server.api().await;
    for id in ["a", "b"] {
        assert_eq!(api.query(id).await["format"], "4102444800");
    }
    let shown = api.query("c").await;
    let seconds = |value: &serde_json::Value| value.as_str().and_then(|text| text.parse().ok());
    let (due, created): (i64, i64) =
        (seconds(&shown["format"]).expect("a time"), seconds(&shown["create_time"]).expect("one"));
    // The clock may have gone on between the two.
    assert!((created + 540..=created + 600).contains(&due), "{created} {due}");
    assert_eq!(api.query("d").await["callback"]["body"], "order=7\n");
    assert_eq!(api.query("e").await["callback"]["body"].to_string(), "[1,2.0]");
    server.stop().await;
}

#[tokio::test]
async fn what_cannot_be_created_is_refused_with_the_field() {
    let (_home, server, user) = start().await;
    let create = async |words: &[&str]| {
        user.types(&[&["task", "create", "--url", URL], words].concat()).await
    };
    let hour = create(&["--cron", "0 25 * * *"]).await;
    hour.refused(1, &["format: hour: `25` is out of range, expected 0 to 23 (code 1001)"]);
    create(&["--cron", "@daily", "--tz", "Mars"]).await.refused(1, &["Mars", "(code 1000)"]);
    create(&["--at", "2000-01-01T00:00:00Z"]).await.refused(1, &["(code 1002)"]);
    create(&["--cron", "@daily", "--header", "host: a"]).await.refused(1, &["host", "(code 1003)"]);
    create(&["--cron", "@daily", "--task-id", "a b"]).await.refused(1, &["task_id", "(code 1000)"]);
    create(&["--cron", "@daily", "--task-id", "a"]).await.done();
    create(&["--cron", "@daily", "--task-id", "a"]).await.done();
    create(&["--cron", "@hourly", "--task-id", "a"]).await.refused(1, &["(code 1409)"]);
    for (words, expected) in [
        (&[][..], "--cron"),
        (&["--cron", "@daily", "--at", "+1m"], "cannot be used with"),
        (&["--at", "soon"], "expected Unix seconds (1893456000), RFC 3339"),
        (&["--cron", "@daily", "--misfire", "later"], "[possible values: fire_once, fire_all,"),
        (&["--cron", "@daily", "--label", "team"], "expected key=value"),
        (&["--cron", "@daily", "--header", "x"], "expected name:value"),
        (&["--cron", "@daily", "--body", "a", "--body-file", "b"], "cannot be used with"),
        (&["--cron", "@daily", "--timeout", "5s"], "invalid digit"),
        (&["--cron", "@daily", "--colour"], "unexpected argument"),
    ] {
        let said = create(words).await;
        assert_eq!((said.code, said.out.as_str()), (Some(2), ""), "{said:?}");
        said.complains(&["error: ", expected]);
    }
    let absent = create(&["--cron", "@daily", "--body-file", "absent"]).await;
    absent.refused(1, &["absent: No such file"]);
    server.stop().await;
}

#[tokio::test]
async fn a_list_goes_from_page_to_page_and_can_be_told_what_to_show() {
    let (_home, server, user) = start().await;
    let tasks: Vec<_> = (0..230)
        .map(|number| {
            let labels = if number % 100 == 0 { json!({"team": "a"}) } else { json!({}) };
            json!({"task_id": format!("t{number:03}"), "type": 1, "format": "@daily",
                "callback": {"url": URL}, "labels": labels})
        })
        .collect();
    let mut api = server.api().await;
    let created = api.call("/xcron/createTasks", json!({"tasks": tasks})).await.expect("an answer");
    assert_eq!(created.0, 0);
    let all = user.gets(&["task", "list", "--all"]).await;
    let lines: Vec<&str> = all.lines().collect();
    assert_eq!(lines.len(), 231, "one heading for all pages");
    assert!(lines[0].starts_with("TASK  STATE   SCHEDULE  ZONE  NEXT "), "{}", lines[0]);
    assert!(lines[230].starts_with("t229  active  @daily    UTC   2"), "{}", lines[230]);
    let some = user.types(&["task", "list", "--limit", "150"]).await;
    assert_eq!((some.code, some.out.lines().count()), (Some(0), 151));
    assert_eq!(some.err, "there are more: --all, or go on with --cursor 't149'\n");
    let rest = user.gets(&["task", "list", "--cursor", "t149"]).await;
    assert_eq!(rest.lines().count(), 81);
    let json = user.reads(&["task", "list", "--all"]).await;
    assert_eq!(
        (json["tasks"].as_array().map(Vec::len), &json["next_cursor"]),
        (Some(230), &json!(null))
    );
    let json = user.reads(&["task", "list", "--limit", "2"]).await;
    let shown = api.get("/xcron/listTasks?limit=2").await.expect("an answer").1;
    assert_eq!(json, shown, "what is printed is what the server answers");
    user.gets(&["task", "pause", "t001", "t002"]).await;
    for (words, count) in [
        (&["--label", "team=a"][..], 3),
        (&["--state", "paused"], 2),
        (&["--query", "T22"], 10),
        (&["--type", "one-shot"], 0),
        (&["--due-before", "+2d"], 228),
        (&["--due-before", "-1d"], 0),
    ] {
        let json = user.reads(&[&["task", "list", "--all"], words].concat()).await;
        assert_eq!(json["tasks"].as_array().map(Vec::len), Some(count), "{words:?}");
    }
    let none = user.types(&["task", "list", "--type", "one-shot"]).await;
    assert_eq!((none.out.as_str(), none.err.as_str()), ("", "no tasks to show\n"));
    server.stop().await;
}

#[tokio::test]
async fn tasks_are_paused_run_and_deleted_and_the_missing_do_not_stop_the_others() {
    let (_home, server, user) = start().await;
    for id in ["a", "b", "c", "d"] {
        let label = if id < "c" { "team=x" } else { "team=y" };
        let words = ["task", "create", "--task-id", id, "--cron", "@yearly", "--url", URL];
        user.gets(&[&words[..], &["--label", label]].concat()).await;
    }
    let paused = user.types(&["task", "pause", "a", "nope", "b", "--note", "bank is down"]).await;
    paused.refused(1, &["error: nope: there is no task \"nope\" (code 1404)"]);
    assert_eq!(paused.out, "paused a\npaused b\n");
    let text = user.gets(&["task", "get", "a"]).await;
    assert!(text.contains("note      bank is down\n"), "{text}");
    let resumed = user.reads(&["task", "resume", "a"]).await;
    assert_eq!(resumed, json!([{"task_id": "a", "result": "resumed"}]));
    assert_eq!(user.gets(&["task", "run", "a"]).await, "a@manual-1\n");
    user.types(&["task", "run", "nope"]).await.refused(1, &["(code 1404)"]);
    user.types(&["task", "get", "nope"]).await.refused(1, &["no task \"nope\" (code 1404)"]);

    let asked = user.types(&["task", "delete", "--label", "team=x"]).await;
    asked.refused(2, &["2 tasks would be deleted: add --yes"]);
    assert_eq!(user.reads(&["task", "list"]).await["tasks"].as_array().map(Vec::len), Some(4));
    let deleted = user.gets(&["task", "delete", "--label", "team=x", "--yes"]).await;
    assert_eq!(deleted, "deleted 2\n");
    let deleted = user.types(&["task", "delete", "a", "c", "-o", "json"]).await;
    deleted.refused(1, &["a: there is no task"]);
    let json: serde_json::Value = serde_json::from_str(&deleted.out).expect("JSON");
    assert_eq!((&json[0]["result"], &json[1]["result"]), (&json!(null), &json!("deleted")));
    let left = user.reads(&["task", "list"]).await;
    assert_eq!(left["tasks"][0]["task_id"], "d");
    for words in
        [&["task", "delete"][..], &["task", "delete", "d", "--label", "a=b"], &["task", "pause"]]
    {
        assert_eq!(user.types(words).await.code, Some(2), "{words:?}");
    }
    server.stop().await;
}
