//! The life of a task: made in the form, fired, paused, run by hand, deleted.

use crate::browser::Browser;
use crate::process::Home;
use crate::target::Target;
use serde_json::json;

#[tokio::test]
async fn a_task_is_made_by_the_form_fires_is_paused_and_run_by_hand() {
    let Some(mut browser) = Browser::open("the life of a task").await else { return };
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    let origin = format!("http://{}/", server.http);
    browser.go(&origin).await;
    browser.press("New task").await;
    browser.write("Name", "Pay out").await;
    browser.write("Id", "pay-out").await;
    browser.write("Labels", "team: money").await;
    browser.write("Crontab expression", "* * * * * *").await;
    browser.see("Every second").await;
    browser.write("URL", &target.prompt()).await;
    browser.press("Create task").await;
    browser.until("the page of the task", "location.hash === '#/task?id=pay-out'").await;
    target.await_calls("a callback", |calls| !calls.is_empty()).await;
    browser.until("its run", "document.querySelector('table .badge.ok')").await;

    browser.press("Pause").await;
    browser.write("Note (why)", "while we look").await;
    browser.press("Pause").await;
    browser.see("while we look").await;
    let paused = server.api().await.query("pay-out").await;
    assert_eq!((&paused["state"], &paused["note"]), (&json!("paused"), &json!("while we look")));
    assert_eq!(paused["labels"], json!({"team": "money"}));

    browser.press("Run now").await;
    browser.press("Run now").await;
    browser.see("Started: pay-out@").await;
    let started = "document.querySelector('.toasts').innerText.match(/Started: (\\S+)/)[1]";
    let started = browser.value(started).await.as_str().unwrap_or_default().to_owned();
    target
        .await_calls("the run by hand", |calls| calls.iter().any(|call| call.run() == started))
        .await;

    browser.press("Delete").await;
    browser.write("Type pay-out to delete it", "pay-out").await;
    browser.press("Delete").await;
    browser.see("There are no tasks yet").await;
    browser.assert_clean(&origin);
    server.stop().await;
}

#[tokio::test]
async fn a_field_that_is_emptied_goes_back_to_its_default() {
    let Some(mut browser) = Browser::open("emptied fields").await else { return };
    let home = Home::new();
    let server = home.start().await;
    let mut api = server.api().await;
    let callback = json!({"url": "http://127.0.0.1:9/", "body": "x"});
    let retry = json!({"max_attempts": 7, "max_age_seconds": 60});
    api.create(json!({"task_id": "t", "type": 1, "format": "@daily", "callback": callback,
        "name": "Pay out", "max_runs": 9, "retry": retry}))
        .await;
    let origin = format!("http://{}/", server.http);
    browser.go(&format!("{origin}#/edit?id=t")).await;
    for field in ["Name", "Most runs", "Attempts in all"] {
        browser.empty(field).await;
    }
    browser.press("Save").await;
    browser.until("the page of the task", "location.hash === '#/task?id=t'").await;
    let shown = api.query("t").await;
    assert_eq!((&shown["name"], &shown["max_runs"]), (&json!(null), &json!(null)));
    assert_eq!(shown["retry"]["max_attempts"], 3);
    assert_eq!(shown["retry"]["max_age_seconds"], 60, "what was left alone stays");
    assert_eq!((&shown["callback"]["body"], &shown["version"]), (&json!("x"), &json!(2)));
    browser.assert_clean(&origin);
    server.stop().await;
}

#[tokio::test]
async fn a_field_says_what_is_wrong_with_it() {
    let Some(mut browser) = Browser::open("errors at fields").await else { return };
    let home = Home::new();
    let server = home.start().await;
    let origin = format!("http://{}/", server.http);
    browser.go(&format!("{origin}#/new")).await;
    browser.write("Crontab expression", "61 * * * *").await;
    let at = |field: &str| format!("document.getElementById('f-{field}-error').textContent");
    let wrong = format!("{}.includes('expected 0 to 59')", at("format"));
    browser.until("the error of the expression", &wrong).await;
    browser.write("Crontab expression", "0 9 * * *").await;
    browser.until("no error", &format!("{} === ''", at("format"))).await;
    browser.write("URL", "ftp://example.org/").await;
    browser.press("Create task").await;
    let wrong = format!("{}.includes('expected http or https')", at("callback.url"));
    browser.until("the error of the address", &wrong).await;
    browser.forgive("400 (Bad Request)");
    browser.assert_clean(&origin);
    server.stop().await;
}
