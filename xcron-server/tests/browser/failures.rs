//! A run that failed: found among the dead letters, read, retried.

use crate::api::one_shot;
use crate::browser::Browser;
use crate::process::{Home, Server};
use crate::target::{Target, now_secs};
use serde_json::json;
use std::time::Duration;

/// Waits until the newest format of the log is in force: before that, in the first moments of a
/// cluster, runs that fail are kept with all others and are no dead letters.
async fn await_format(server: &Server) {
    let mut api = server.api().await;
    api.await_ready().await;
    loop {
        let (_, cluster) = api.get("/xcron/cluster").await.expect("an answer");
        if cluster["format"] == cluster["nodes"][0]["format_max"] {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn a_failed_run_is_found_read_and_retried() {
    let Some(mut browser) = Browser::open("a failed run").await else { return };
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    await_format(&server).await;
    let mut task = one_shot("invoice-7", now_secs(), &target.failing());
    task["retry"] = json!({"max_attempts": 1});
    server.api().await.create(task).await;
    let origin = format!("http://{}/", server.http);
    browser.go(&origin).await;
    browser.press("Dead letters").await;
    browser.see("invoice-7").await;
    browser.see("answered 500").await;
    // The row opens with the keyboard alone.
    browser.value("document.querySelector('[role=grid]').focus()").await;
    browser.strike("ArrowDown").await;
    browser.strike("Enter").await;
    browser.see("Error and answer").await;
    browser.see("#1").await;
    browser.until("its name in the address", "location.hash.includes('run=invoice-7%40')").await;
    // Whoever goes elsewhere and comes back finds it open: it stands in the address.
    browser.value("location.hash = '#/audit'").await;
    browser.until("no run", "!document.querySelector('dialog')").await;
    browser.value("history.back()").await;
    browser.see("Error and answer").await;

    target.let_go();
    browser.press("Retry").await;
    browser.see("1 run is open again").await;
    browser.see("No dead letters").await;
    target.await_calls("the retry", |calls| calls.len() == 2).await;
    let calls = target.calls();
    assert_eq!(calls[0].run(), calls[1].run(), "a retry has the same run id");
    browser.press("Runs").await;
    browser.see("succeeded").await;
    browser.assert_clean(&origin);
    server.stop().await;
}
