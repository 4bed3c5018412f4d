//! A list of ten thousand tasks.

use crate::browser::Browser;
use crate::process::{Home, Server};
use serde_json::{Value, json};

const TASKS: usize = 10_000;
const BATCH: usize = 2_000;
/// What the page asks for at a time.
const PAGE: usize = 200;
/// What fits into a window, and some more above and below it.
const ROWS_MAX: u64 = 60;

/// Notes how many rows there were at any time, and how long the page could do nothing else.
const WATCH: &str = "globalThis.most = 0; globalThis.longest = 0;
    const count = () => {
        most = Math.max(most, document.querySelectorAll('[role=row]').length);
    };
    addEventListener('DOMContentLoaded', () => new MutationObserver(count)
        .observe(document.body, { childList: true, subtree: true }));
    new PerformanceObserver((seen) => {
        longest = Math.max(longest, ...seen.getEntries().map(({ duration }) => duration));
    }).observe({ type: 'longtask', buffered: true });";

const END: &str = "(() => { const list = document.querySelector('[role=grid]');
    list.scrollTop = list.scrollHeight;
    const isWhole = document.querySelector('.title').innerText.includes('10,000 loaded');
    return isWhole && list.innerText.includes('bulk-09999'); })()";

/// The list of a new server with ten thousand tasks, which is watched from its beginning.
async fn open(browser: &mut Browser) -> (Home, Server, String) {
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
        let (code, told) =
            api.call("/xcron/createTasks", json!({"tasks": tasks})).await.expect("an answer");
        assert_eq!(code, 0, "{told}");
    }
    let origin = format!("http://{}/", server.http);
    let watch = json!({"source": WATCH});
    browser.call("Page.addScriptToEvaluateOnNewDocument", watch).await;
    browser.go(&format!("{origin}#/tasks")).await;
    browser.see("bulk-00000").await;
    (home, server, origin)
}

/// How often a page of the list was asked for, with `part` in the address. What is in sight is
/// asked for again and again besides, and is less than a page.
fn pages(browser: &Browser, part: &str) -> usize {
    let page = format!("limit={PAGE}");
    let is_page = |url: &&String| url.contains("listTasks?") && url.contains(&page);
    browser.asked().iter().filter(is_page).filter(|url| url.contains(part)).count()
}

#[tokio::test]
async fn ten_thousand_tasks_are_a_few_rows_at_a_time_and_can_be_searched_and_paused() {
    let Some(mut browser) = Browser::open("ten thousand tasks").await else { return };
    let (_home, server, origin) = open(&mut browser).await;
    assert_eq!(pages(&browser, ""), 1, "the first page is enough to show the first rows");
    browser.until("all of them", END).await;
    assert_eq!(pages(&browser, ""), TASKS / PAGE, "each page is asked for once");

    browser.strike("/").await;
    browser.write("Search id, name, URL", "BULK-0123").await;
    browser.see("10 loaded").await;
    assert_eq!(pages(&browser, "q=BULK-0123"), 1, "the server searches");
    browser.press("Select all that match").await;
    browser.see("10 selected").await;
    browser.press("Pause").await;
    browser.press("Pause 10 tasks").await;
    browser.see("Paused 10 tasks").await;
    browser.until("the search in the address", "location.hash === '#/tasks?q=BULK-0123'").await;
    let mut api = server.api().await;
    let (_, paused) = api.get("/xcron/listTasks?state=paused").await.unwrap();
    assert_eq!(paused["tasks"].as_array().map(Vec::len), Some(10));
    let rows = browser.value("most").await.as_u64().unwrap();
    assert!((10..ROWS_MAX).contains(&rows), "{rows} rows at a time");
    browser.assert_clean(&origin);
    server.stop().await;
}

#[tokio::test]
#[ignore = "a figure for docs/dashboard.md; run it alone, with --nocapture"]
async fn the_longest_task_of_the_page_is_printed() {
    let Some(mut browser) = Browser::open("the longest task").await else { return };
    let (_home, server, _origin) = open(&mut browser).await;
    let mut longest = Vec::new();
    longest.push(("the first rows", browser.value("longest").await));
    browser.until("all of them", END).await;
    longest.push(("to the end and back", browser.value("longest").await));
    browser.value("longest = 0").await;
    browser.strike("/").await;
    for letter in "bulk-0123".chars() {
        browser.strike(&letter.to_string()).await;
    }
    browser.see("10 loaded").await;
    longest.push(("a search", browser.value("longest").await));
    for (what, longest) in longest {
        println!("{what}: the longest task of the main thread took {longest} ms (0: under 50)");
    }
    server.stop().await;
}
