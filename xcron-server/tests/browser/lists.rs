//! A list of ten thousand tasks.

use crate::browser::Browser;
use crate::process::Home;
use serde_json::{Value, json};

const TASKS: usize = 10_000;
const BATCH: usize = 2_000;
/// What fits into a window, and some more above and below it.
const ROWS_MAX: u64 = 60;

const END: &str = "(() => { const list = document.querySelector('[role=grid]');
    list.scrollTop = list.scrollHeight;
    const isWhole = document.querySelector('.title').innerText.includes('10,000 loaded');
    return isWhole && list.innerText.includes('bulk-09999'); })()";
const ROWS: &str = "document.querySelectorAll('[role=row]').length";

#[tokio::test]
async fn ten_thousand_tasks_are_a_few_rows_at_a_time_and_can_be_searched_and_paused() {
    let Some(mut browser) = Browser::open("ten thousand tasks").await else { return };
    let home = Home::new();
    let server = home.start().await;
    let mut api = server.api().await;
    let task = |number: usize| {
        json!({
            "task_id": format!("bulk-{number:05}"), "type": 1, "format": "0 9 1 1 *",
            "callback": {"url": "http://127.0.0.1:9/"},
        })
    };
    for first in (0..TASKS).step_by(BATCH) {
        let tasks: Vec<Value> = (first..first + BATCH).map(task).collect();
        let (code, told) = api.call("/xcron/createTasks", json!({"tasks": tasks})).await.unwrap();
        assert_eq!(code, 0, "{told}");
    }
    let origin = format!("http://{}/", server.http);
    browser.go(&format!("{origin}#/tasks")).await;
    browser.see("bulk-00000").await;
    browser.until("all of them", END).await;
    let rows = browser.value(ROWS).await.as_u64().unwrap();
    assert!(rows < ROWS_MAX, "{rows} rows");

    browser.strike("/").await;
    browser.write("Search id, name, URL", "BULK-0123").await;
    browser.see("10 loaded").await;
    browser.press("Select all that match").await;
    browser.see("10 selected").await;
    browser.press("Pause").await;
    browser.press("Pause 10 tasks").await;
    browser.see("Paused 10 tasks").await;
    browser.until("the search in the address", "location.hash === '#/tasks?q=BULK-0123'").await;
    let (_, paused) = api.get("/xcron/listTasks?state=paused").await.unwrap();
    assert_eq!(paused["tasks"].as_array().map(Vec::len), Some(10));
    browser.assert_clean(&origin);
    server.stop().await;
}
