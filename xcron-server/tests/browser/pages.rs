//! Every page, in both languages, wide and narrow.

use crate::api::every_second;
use crate::browser::Browser;
use crate::process::Home;
use crate::target::Target;
use serde_json::json;
use std::time::Duration;

const PAGES: [&str; 10] = [
    "overview",
    "tasks",
    "task?id=beat",
    "runs",
    "dead",
    "timeline",
    "cluster",
    "audit",
    "new",
    "edit?id=beat",
];

const FITS: &str = "document.documentElement.scrollWidth <= innerWidth";

#[tokio::test]
async fn every_page_shows_without_an_error_in_both_languages_at_two_sizes() {
    let Some(mut browser) = Browser::open("every page").await else { return };
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    server.api().await.create(every_second("beat", &target.prompt())).await;
    target.await_calls("a callback", |calls| !calls.is_empty()).await;
    let origin = format!("http://{}/", server.http);
    browser.go(&origin).await;
    for (language, heading) in [("en", "Audit"), ("zh", "对账")] {
        browser.value(&format!("localStorage.setItem('xcron.language', '{language}')")).await;
        browser.call("Page.reload", json!({})).await;
        for (width, height) in [(1280, 800), (390, 844)] {
            browser.resize(width, height).await;
            for page in PAGES {
                browser.go(&format!("{origin}#/{page}")).await;
                let shown = format!("location.hash === '#/{page}' && document.querySelector('h1')");
                browser.until(page, &shown).await;
                browser.until(&format!("{page} {width} wide"), FITS).await;
                let wrong = browser.value("document.querySelector('.error')?.innerText").await;
                assert!(wrong.is_null(), "{page}: {wrong}");
            }
            browser.go(&format!("{origin}#/audit")).await;
            browser.see(heading).await;
        }
    }
    browser.assert_clean(&origin);
    server.stop().await;
}

#[tokio::test]
async fn what_a_task_says_of_itself_is_never_markup() {
    let Some(mut browser) = Browser::open("hostile texts").await else { return };
    let home = Home::new();
    let server = home.start().await;
    let mut task = every_second("hostile", "http://127.0.0.1:9/?<script>");
    let text = "<img src=x onerror=document.title=1><script>document.title=1</script>";
    task["name"] = text.into();
    task["labels"] = json!({ text: text });
    task["retry"] = json!({"max_attempts": 1});
    server.api().await.create(task).await;
    let origin = format!("http://{}/", server.http);
    for page in ["overview", "tasks", "task?id=hostile", "runs", "timeline", "edit?id=hostile"] {
        browser.go(&format!("{origin}#/{page}")).await;
        browser.until(page, &format!("location.hash === '#/{page}'")).await;
        let name = "[...document.querySelectorAll('main *')].some((each) => \
                    (each.value ?? each.textContent).includes('<script>'))";
        if page != "runs" && page != "timeline" {
            browser.until(page, name).await;
        }
        let made = "document.querySelectorAll('img, main script').length";
        assert_eq!(browser.value(made).await, json!(0), "{page}");
    }
    browser.assert_clean(&origin);
    server.stop().await;
}

#[tokio::test]
async fn another_page_is_shown_while_the_mouse_is_held_down() {
    let Some(mut browser) = Browser::open("a held mouse").await else { return };
    let home = Home::new();
    let server = home.start().await;
    let origin = format!("http://{}/", server.http);
    browser.go(&origin).await;
    let event = json!({"type": "mousePressed", "x": 400, "y": 400, "button": "left",
        "clickCount": 1});
    browser.call("Input.dispatchMouseEvent", event).await;
    browser.until("it is pressed", "document.querySelector('.frame').matches(':active')").await;
    browser.go(&format!("{origin}#/tasks")).await;
    browser.see("There are no tasks yet").await;
    browser.until("the role", "document.querySelector('.health').innerText === 'leader'").await;
    browser.assert_clean(&origin);
    server.stop().await;
}

const OUT_OF_SIGHT: &str = "Object.defineProperty(document, 'visibilityState', \
                            { value: 'hidden', configurable: true }); \
                            document.dispatchEvent(new Event('visibilitychange'))";
const IN_SIGHT: &str = "delete document.visibilityState; \
                        document.dispatchEvent(new Event('visibilitychange'))";
/// Longer than any page rests between two looks at what is live.
const REST: Duration = Duration::from_secs(4);

#[tokio::test]
async fn a_page_out_of_sight_asks_for_nothing_and_goes_on_when_it_is_seen_again() {
    let Some(mut browser) = Browser::open("a page out of sight").await else { return };
    let home = Home::new();
    let server = home.start().await;
    let origin = format!("http://{}/", server.http);
    browser.go(&origin).await;
    browser.see("Nothing is due within an hour").await;
    browser.value(OUT_OF_SIGHT).await;
    // What was under way may still come, and what comes after it must not.
    tokio::time::sleep(REST).await;
    browser.value("true").await;
    let before = browser.asked().len();
    tokio::time::sleep(REST).await;
    browser.value("true").await;
    assert_eq!(browser.asked().len(), before, "{:?}", &browser.asked()[before..]);
    browser.value(IN_SIGHT).await;
    let again = "performance.getEntriesByType('resource').at(-1).startTime";
    let last = browser.value(again).await;
    browser.until("another look", &format!("{again} > {last}")).await;
    assert!(browser.asked().len() > before);
    browser.assert_clean(&origin);
    server.stop().await;
}
