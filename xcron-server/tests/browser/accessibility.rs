//! What axe finds wrong with a page for whoever cannot see it, or sees little: nothing serious.

use crate::api::every_second;
use crate::browser::Browser;
use crate::process::Home;
use crate::target::Target;
use serde_json::{Value, json};
use std::time::Duration;

/// axe-core 4.14.1 by Deque Systems, under the licence beside it; see `axe/README.md`.
const AXE: &str = include_str!("axe/axe.min.js");

const VIOLATIONS: &str = "axe.run(document, { resultTypes: ['violations'] }).then((found) => \
    found.violations.filter((each) => ['serious', 'critical'].includes(each.impact)) \
        .flatMap((each) => each.nodes.map((node) => \
            `${each.id}: ${node.html}: ${node.failureSummary}`.replaceAll('\\n', ' '))))";

/// What nobody should do, and what axe calls it.
const WRONG: &[(&str, &str)] = &[
    ("document.createElement('button')", "button-name"),
    ("document.createElement('input')", "label"),
    (
        "(() => { const faint = document.createElement('p'); faint.textContent = 'Faint'; \
      faint.style.cssText = 'color: #777; background: #666'; return faint; })()",
        "color-contrast",
    ),
];

/// The pages, and what stands there once all has come.
const PAGES: &[(&str, &str)] = &[
    ("overview", "Failing tasks"),
    ("tasks", "resting"),
    ("task?id=beat", "Most runs"),
    ("task?id=failing", "Connection refused"),
    ("task?id=resting", "Resume"),
    ("runs", "beat"),
    ("dead", "Connection refused"),
    ("timeline", ":45"),
    ("cluster", "this one"),
    ("audit", "succeeded"),
    ("new", "Create task"),
    ("edit?id=beat", "Every second"),
];

/// What opens on a page: where, what is pressed, and what is seen then.
const OPENED: &[(&str, &str, &str)] = &[
    ("overview", "Keyboard", "Move in a list, open"),
    ("tasks", "Select all that match", "selected"),
    ("task?id=beat", "Pause", "Note (why)"),
    ("task?id=beat", "Delete", "Type beat to delete it"),
    ("dead", "failing", "Error and answer"),
];

impl Browser {
    /// What axe finds wrong with what is shown.
    async fn violations(&mut self) -> String {
        if self.value("typeof axe").await == "undefined" {
            self.value(&format!("{AXE}; true")).await;
        }
        let found = self.value(VIOLATIONS).await;
        let found: Vec<_> = found.as_array().expect("a list").iter().map(text).collect();
        found.join("\n")
    }

    /// What the system of its user prefers.
    async fn prefer(&mut self, scheme: &str) {
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features})).await;
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

#[tokio::test]
async fn no_page_has_a_serious_violation_in_light_or_dark() {
    let Some(mut browser) = Browser::open("axe").await else { return };
    let (home, target) = (Home::new(), Target::start().await);
    let server = home.start().await;
    let mut api = server.api().await;
    // Something of every colour: runs that succeed, fail and are skipped, tasks that rest.
    api.create(every_second("beat", &target.prompt())).await;
    let mut failing = every_second("failing", "http://127.0.0.1:9/");
    failing["retry"] = json!({"max_attempts": 1});
    failing["labels"] = json!({"team": "billing", "env": "prod"});
    api.create(failing).await;
    let mut resting = every_second("resting", &target.prompt());
    resting["paused"] = json!(true);
    api.create(resting).await;
    while api.get("/xcron/listRuns?status=failed").await.expect("an answer").1["runs"] == json!([])
    {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let origin = format!("http://{}/", server.http);
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        for (page, seen) in PAGES {
            browser.go(&format!("{origin}#/{page}")).await;
            browser.until(page, &format!("location.hash === '#/{page}'")).await;
            browser.see(seen).await;
            assert_eq!(browser.violations().await, "", "{page}, {scheme}");
        }
        for (page, press, seen) in OPENED {
            browser.go(&format!("{origin}#/{page}")).await;
            browser.call("Page.reload", json!({})).await;
            browser.press(press).await;
            browser.see(seen).await;
            assert_eq!(browser.violations().await, "", "{press} of {page}, {scheme}");
        }
    }
    // It does find what is wrong.
    for (made, id) in WRONG {
        browser.value(&format!("globalThis.made?.remove(); globalThis.made = {made}; true")).await;
        browser.value("document.querySelector('h1').after(made); true").await;
        let found = browser.violations().await;
        assert!(found.starts_with(&format!("{id}: ")) && !found.contains('\n'), "{id}: {found}");
    }
    browser.assert_clean(&origin);
    server.stop().await;
}
