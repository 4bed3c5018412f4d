//! Every page, in both languages, wide and narrow.

use crate::api::every_second;
use crate::browser::Browser;
use crate::process::Home;
use crate::target::Target;

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
        browser.call("Page.reload", serde_json::json!({})).await;
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
    task["labels"] = serde_json::json!({ text: text });
    task["retry"] = serde_json::json!({"max_attempts": 1});
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
        assert_eq!(browser.value(made).await, serde_json::json!(0), "{page}");
    }
    browser.assert_clean(&origin);
    server.stop().await;
}
