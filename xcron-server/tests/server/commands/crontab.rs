//! `task import-crontab`.

use super::start;
use serde_json::{Value, json};

const CRONTAB: &str = "\
# m h dom mon dow command
MAILTO=ops@example.com
CRON_TZ=Europe/Paris
30 2 * * *   /opt/nightly --date=\\%F
@daily       /opt/daily
@reboot      /opt/start
61 * * * *   /opt/bad
TZ=UTC
*/5 * * * *  mail ops%hello%
";

#[tokio::test]
async fn each_line_becomes_a_task_and_is_the_same_task_again() {
    let (_home, server, user) = start().await;
    user.writes("crontab", CRONTAB);
    let url = "http://127.0.0.1:9/run/{id}";
    let import = ["task", "import-crontab", "crontab", "--url", url, "--label", "from=crontab"];
    let complaints = [
        "note: line 2: MAILTO is not set for the command\n",
        "error: line 6: @reboot is no time: nothing was made of it\n",
        "error: line 7: minute: `61` is out of range, expected 0 to 59\n",
    ];
    let tried = user.types(&[&import[..], &["--dry-run"]].concat()).await;
    assert_eq!((tried.code, tried.err.as_str()), (Some(1), complaints.concat().as_str()));
    assert_eq!(tried.out.lines().last(), Some("3 created, 0 unchanged (nothing was done)"));
    assert_eq!(user.reads(&["task", "list"]).await["tasks"], json!([]));
    let done = user.types(&import).await;
    assert_eq!((done.code, done.out.lines().last()), (Some(1), Some("3 created, 0 unchanged")));
    let again = user.types(&import).await;
    assert_eq!((again.code, again.out.lines().last()), (Some(1), Some("3 unchanged")));

    let listed = user.reads(&["task", "list", "--label", "from=crontab"]).await;
    let tasks = listed["tasks"].as_array().expect("tasks");
    let of = |format: &str| -> &Value {
        tasks.iter().find(|task| task["format"] == format).expect("a task")
    };
    let nightly = of("30 2 * * *");
    assert_eq!(nightly["timezone"], "Europe/Paris");
    assert_eq!(nightly["callback"]["body"], json!({"command": "/opt/nightly --date=%F"}));
    let id = nightly["task_id"].as_str().expect("an id");
    assert!(id.starts_with("crontab-"), "{id}");
    assert_eq!(nightly["callback"]["url"], format!("http://127.0.0.1:9/run/{id}"));
    assert_eq!(of("@daily")["name"], "/opt/daily");
    let mail = of("*/5 * * * *");
    assert_eq!(mail["timezone"], "UTC");
    assert_eq!(mail["callback"]["body"], json!({"command": "mail ops", "stdin": "hello\n\n"}));
    server.stop().await;
}

#[tokio::test]
async fn a_crontab_of_the_system_comes_from_stdin_with_users() {
    let (_home, server, user) = start().await;
    let words = ["task", "import-crontab", "-", "--url", "http://127.0.0.1:9/", "--system"];
    let words = [&words[..], &["--id-prefix", "host7-", "--tz", "Asia/Tokyo"]].concat();
    user.feeds(&words, "17 * * * *\troot\tcd / && run-parts /etc\n").await.done();
    let task = &user.reads(&["task", "list"]).await["tasks"][0];
    assert_eq!(task["callback"]["body"], json!({"command": "cd / && run-parts /etc"}));
    assert_eq!((&task["format"], &task["timezone"]), (&json!("17 * * * *"), &json!("Asia/Tokyo")));
    assert!(task["task_id"].as_str().is_some_and(|id| id.starts_with("host7-")), "{task}");
    let refused =
        user.feeds(&[&words[..], &["--id-prefix", "a b"]].concat(), "@daily root x").await;
    assert_eq!(refused.code, Some(2), "twice the same flag");
    user.types(&["task", "import-crontab", "absent", "--url", "http://a/"])
        .await
        .refused(1, &["absent: No such file"]);
    assert_eq!(user.types(&["task", "import-crontab", "crontab"]).await.code, Some(2), "no URL");
    server.stop().await;
}
