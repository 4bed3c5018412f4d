//! What a person does with a page: look, press, type, wait.

use crate::browser::Browser;
use crate::process::PATIENCE;
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// How often it is looked again.
const LOOK: Duration = Duration::from_millis(30);

/// What can be pressed: in the dialog if one is open, else in the page.
const FIND: &str = r#"((text) => {
    const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
    const all = [...top.querySelectorAll("button, a, summary, label, [role=row]")];
    const is = (each) => each.innerText.trim() === text || each.title === text;
    return all.find((each) => each.checkVisibility() && !each.disabled && is(each));
})"#;

/// A field by what stands beside it.
const FIELD: &str = r#"((text) => {
    const top = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document;
    const all = [...top.querySelectorAll("label")];
    return all.find((each) => each.control && each.innerText.trim() === text)?.control
        ?? top.querySelector(`[aria-label=${JSON.stringify(text)}]`);
})"#;

impl Browser {
    /// Goes to an address.
    pub(crate) async fn go(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url})).await;
        self.until("a page", "document.querySelector('main')?.childElementCount > 0").await;
    }

    /// The value of an expression of the page's language.
    pub(crate) async fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "awaitPromise": true, "returnByValue": true});
        let mut answer = self.call("Runtime.evaluate", params).await;
        let thrown = &answer["exceptionDetails"];
        assert!(thrown.is_null(), "{expression}: {thrown}");
        answer["result"]["value"].take()
    }

    /// Waits until an expression is true.
    pub(crate) async fn until(&mut self, what: &str, expression: &str) {
        self.found(what, &format!("({expression}) ? true : null")).await;
    }

    /// Waits until an expression has a value.
    async fn found(&mut self, what: &str, expression: &str) -> Value {
        let begun = Instant::now();
        loop {
            let value = self.value(expression).await;
            if !value.is_null() {
                return value;
            }
            if begun.elapsed() > PATIENCE {
                let seen = self.value("location.href + document.body.innerText").await;
                panic!("{what} did not come: {}", seen.as_str().unwrap_or_default());
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Waits until a text stands on the page.
    pub(crate) async fn see(&mut self, text: &str) {
        let expression = format!("document.body.innerText.includes({})", json!(text));
        self.until(text, &expression).await;
    }

    /// Presses what is called `text`, with a mouse, where it is.
    pub(crate) async fn press(&mut self, text: &str) {
        let find = format!(
            "(() => {{ const found = {FIND}({}); found?.scrollIntoView({{ block: 'center' }});
            const box = found?.getBoundingClientRect();
            return box && [box.x + box.width / 2, box.y + box.height / 2]; }})()",
            json!(text)
        );
        let place = self.found(text, &find).await;
        for kind in ["mousePressed", "mouseReleased"] {
            let (x, y) = (&place[0], &place[1]);
            let event = json!({"type": kind, "x": x, "y": y, "button": "left", "clickCount": 1});
            self.call("Input.dispatchMouseEvent", event).await;
        }
    }

    /// Puts `text` into the field called `label`, in the place of what it held.
    pub(crate) async fn write(&mut self, label: &str, text: &str) {
        let field = format!("{FIELD}({})", json!(label));
        let chosen = format!(
            "(() => {{ const field = {field}; field?.focus(); field?.select();
            return field && true; }})()"
        );
        self.found(label, &chosen).await;
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Empties the field called `label`.
    pub(crate) async fn empty(&mut self, label: &str) {
        let field = format!("{FIELD}({})", json!(label));
        self.until(label, &field).await;
        self.value(&format!("{field}.focus(), {field}.select()")).await;
        for kind in ["keyDown", "keyUp"] {
            let event = json!({"type": kind, "key": "Backspace", "windowsVirtualKeyCode": 8});
            self.call("Input.dispatchKeyEvent", event).await;
        }
        self.until(label, &format!("{field}.value === ''")).await;
    }

    /// Strikes a key.
    pub(crate) async fn strike(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if key.chars().count() == 1 && kind == "keyDown" { key } else { "" };
            let event = json!({"type": kind, "key": key, "text": text});
            self.call("Input.dispatchKeyEvent", event).await;
        }
    }

    /// Makes the window another size.
    pub(crate) async fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1,
            "mobile": width < 500});
        self.call("Emulation.setDeviceMetricsOverride", size).await;
    }
}
