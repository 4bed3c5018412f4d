//! A Chromium without a window, spoken to over its DevTools protocol, and what it complains of.

use crate::process::PATIENCE;
use crate::tools::{did_not_run, find};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

/// Names the browser.
const NAMED: &str = "XCRON_CHROMIUM";
const PROGRAMS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Chromium reads commands from its file 3 and answers into its file 4; here they are the pipes of
/// stdin and stdout.
const WITH_PIPES: &str = r#"exec "$0" "$@" 3<&0 4>&1 0</dev/null 1>/dev/null"#;
/// Domains whose events are listened to.
const HEARD: [&str; 4] = ["Runtime", "Log", "Network", "Page"];

/// One browser with one page.
#[derive(Debug)]
pub(crate) struct Browser {
    _child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
    calls: u64,
    session: Option<String>,
    complaints: Vec<String>,
    asked: Vec<String>,
    profile: TempDir,
}

impl Browser {
    /// A browser, unless this machine has none; then it is said that `test` did not run.
    pub(crate) async fn open(test: &str) -> Option<Self> {
        let named = std::env::var_os(NAMED).map(PathBuf::from);
        let found = named.or_else(|| PROGRAMS.iter().find_map(|program| find(program)));
        let Some(program) = found else {
            did_not_run(test, "there is no chromium");
            return None;
        };
        Some(Self::start(&program).await)
    }

    async fn start(program: &Path) -> Self {
        let profile = tempfile::tempdir().expect("a temporary directory");
        let stderr = File::create(profile.path().join("stderr")).expect("a file");
        let mut child = Command::new("sh")
            .args(["-c", WITH_PIPES])
            .arg(program)
            .args(["--headless", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe"])
            .args(["--no-first-run", "--disable-background-networking", "--window-size=1280,800"])
            .arg(format!("--user-data-dir={}", profile.path().join("profile").display()))
            .arg("about:blank")
            .env_remove("DISPLAY")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(stderr)
            .kill_on_drop(true)
            .spawn()
            .expect("a shell");
        let to = child.stdin.take().expect("stdin is piped");
        let from = BufReader::new(child.stdout.take().expect("stdout is piped"));
        let (complaints, asked) = (Vec::new(), Vec::new());
        let _child = child;
        let mut browser =
            Self { _child, to, from, calls: 0, session: None, complaints, asked, profile };
        let target = browser.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let attach = json!({"targetId": target["targetId"], "flatten": true});
        let attached = browser.call("Target.attachToTarget", attach).await;
        browser.session = attached["sessionId"].as_str().map(str::to_owned);
        for domain in HEARD {
            browser.call(&format!("{domain}.enable"), json!({})).await;
        }
        browser
    }

    /// Calls a method of the protocol and answers its result.
    pub(crate) async fn call(&mut self, method: &str, params: Value) -> Value {
        self.calls += 1;
        let id = self.calls;
        let mut message = json!({"id": id, "method": method, "params": params});
        if let Some(session) = &self.session {
            message["sessionId"] = json!(session);
        }
        let mut bytes = message.to_string().into_bytes();
        bytes.push(0);
        let answer = timeout(PATIENCE, async {
            self.to.write_all(&bytes).await.ok()?;
            loop {
                let heard = self.hear().await?;
                if heard["id"] == json!(id) {
                    return Some(heard);
                }
            }
        });
        let Ok(Some(mut answer)) = answer.await else {
            let said = std::fs::read_to_string(self.profile.path().join("stderr"));
            panic!("the browser did not answer {method}: {}", said.unwrap_or_default());
        };
        assert!(answer["error"].is_null(), "{method}: {}", answer["error"]);
        answer["result"].take()
    }

    /// The next message; none if the browser has ended.
    async fn hear(&mut self) -> Option<Value> {
        let mut bytes = Vec::new();
        self.from.read_until(0, &mut bytes).await.ok()?;
        bytes.pop()?;
        let message: Value = serde_json::from_slice(&bytes).ok()?;
        self.note(&message["method"], &message["params"]);
        Some(message)
    }

    /// Keeps what a page must not do.
    fn note(&mut self, method: &Value, event: &Value) {
        match method.as_str() {
            Some("Runtime.exceptionThrown") => self.complaints.push(event.to_string()),
            Some("Runtime.consoleAPICalled") if event["type"] != "log" => {
                self.complaints.push(event["args"].to_string());
            }
            Some("Log.entryAdded") if event["entry"]["level"] == "error" => {
                self.complaints.push(event["entry"].to_string());
            }
            Some("Network.requestWillBeSent") => {
                let url = event["request"]["url"].as_str().unwrap_or_default();
                self.asked.push(url.to_owned());
            }
            _ => {}
        }
    }

    /// Every address that was asked for.
    pub(crate) fn asked(&self) -> &[String] {
        &self.asked
    }

    /// Forgets complaints that hold `text`, of which there must be some.
    pub(crate) fn forgive(&mut self, text: &str) {
        let before = self.complaints.len();
        self.complaints.retain(|complaint| !complaint.contains(text));
        assert!(self.complaints.len() < before, "no complaint of {text}");
    }

    /// Nothing was complained of, and nothing left `origin`.
    pub(crate) fn assert_clean(&self, origin: &str) {
        assert!(self.complaints.is_empty(), "{}", self.complaints.join("\n"));
        // The browser draws its own controls with pictures that are their own address.
        let is_own = |url: &&String| url.starts_with(origin) || url.starts_with("data:image/");
        let foreign: Vec<_> = self.asked.iter().filter(|url| !is_own(url)).collect();
        assert!(foreign.is_empty(), "{foreign:?}");
    }
}
