//! The targets of callbacks, and the dispatcher of a node that calls them.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::oneshot;
use tokio::time::sleep;
use xcron_checker::Receipt;
use xcron_core::{Callback, CallbackError, Clock, Delivery, Dispatcher, Occurrence, Outcome};
use xcron_raft::runtime::Process;

use crate::dice::Dice;
use crate::record::Recorder;

/// What the targets do, by the first part of their names.
pub(crate) const KINDS: [&str; 8] =
    ["ok", "slow", "flaky", "hang", "dead", "reset", "gone", "busy"];

/// How long a `busy` target asks to be left alone.
pub(crate) const BUSY: Duration = Duration::from_secs(2);

/// All targets; they live outside of every node.
#[derive(Debug)]
pub(crate) struct Targets {
    pub(crate) recorder: Arc<Recorder>,
    pub(crate) dice: Mutex<Dice>,
}

/// What a target does with one request.
#[derive(Clone, Copy, Debug)]
struct Script {
    /// 0 when it never answers.
    code: u16,
    after: Duration,
}

impl Targets {
    fn script(&self, kind: &str) -> Script {
        let mut dice = self.dice.lock().unwrap_or_else(PoisonError::into_inner);
        let quick = dice.scaled_millis(1, 40);
        let slow = dice.millis(500, 9_000);
        let fails = dice.chance(450);
        match kind {
            "slow" => Script { code: 200, after: slow },
            "flaky" => Script { code: if fails { 500 } else { 200 }, after: quick },
            "hang" => Script { code: if fails { 0 } else { 200 }, after: slow * 2 },
            "reset" => Script { code: if fails { 0 } else { 200 }, after: quick },
            "gone" => Script { code: if fails { 410 } else { 200 }, after: quick },
            "jam" => Script { code: if fails { 0 } else { 200 }, after: slow / 2 },
            "busy" => Script { code: if fails { 429 } else { 200 }, after: quick },
            _ => Script { code: 200, after: quick },
        }
    }
}

/// The dispatcher of one life of a node.
#[derive(Debug)]
pub(crate) struct SimDispatcher {
    pub(crate) node: u64,
    pub(crate) targets: Arc<Targets>,
    pub(crate) process: Process,
    pub(crate) clock: Arc<dyn Clock>,
}

/// The kind of the target at `url`, which is `sim://kind/number`.
fn kind(url: &str) -> &str {
    url.trim_start_matches("sim://").split('/').next().unwrap_or_default()
}

impl SimDispatcher {
    fn receipt(&self, delivery: &Delivery, answer: String) -> Receipt {
        let recorder = &self.targets.recorder;
        let run = delivery.run_id();
        let task = run.task().to_string();
        let scheduled_s = delivery.scheduled_time().as_secs();
        let mut receipt = Receipt::new(task, run.to_string(), scheduled_s, recorder.now_us());
        receipt.answer = answer;
        receipt.attempt = delivery.attempt();
        receipt.fence = delivery.fence();
        receipt.manual = matches!(run.occurrence(), Occurrence::Manual { .. });
        receipt.node = Some(self.node);
        receipt.sender_clock_us = Some(self.clock.now().as_millis() * 1_000);
        receipt
    }

    /// Sends the request; resolves with the code of the answer, never if there is none.
    async fn exchange(&self, delivery: &Delivery, kind: &str) -> Option<u16> {
        let Script { code, after } = self.targets.script(kind);
        let answer = match (kind, code) {
            ("reset", 0) => "reset".to_owned(),
            (_, 0) => "hang".to_owned(),
            (_, code) => code.to_string(),
        };
        let mut receipt = self.receipt(delivery, answer);
        if code == 429 {
            receipt.retry_after_s = Some(BUSY.as_secs() as i64);
        }
        let recorder = self.targets.recorder.clone();
        let number = recorder.receipt(receipt);
        if code == 0 {
            if kind == "reset" {
                sleep(after).await;
                return None;
            }
            return std::future::pending().await;
        }
        let (answer, answered) = oneshot::channel();
        let process = self.process.clone();
        // The target answers whether or not anybody is there to hear it.
        tokio::spawn(async move {
            sleep(after).await;
            if !process.is_dead() && answer.send(code).is_ok() {
                recorder.answered(number);
            }
        });
        let code = answered.await.ok();
        sleep(Duration::from_millis(1)).await;
        code
    }
}

#[async_trait]
impl Dispatcher for SimDispatcher {
    fn validate(&self, callback: Callback) -> Result<Callback, CallbackError> {
        Ok(callback)
    }

    fn destination(&self, callback: &Callback) -> Arc<str> {
        callback.url.clone()
    }

    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        let url = delivery.callback().url.clone();
        let kind = kind(&url);
        let timed_out = delivery.timed_out();
        let (run, fence) = (delivery.run_id(), delivery.fence());
        self.targets.recorder.trace(&format!("node {} dials for {run} {fence}", self.node));
        // What dialling takes.
        let dialled = Duration::from_millis(1 + delivery.fence() % 4);
        let attempt = async {
            sleep(dialled).await;
            if kind == "dead" {
                return Outcome::failed("connection refused");
            }
            if !delivery.start() {
                return Outcome::not_started();
            }
            match self.exchange(&delivery, kind).await {
                Some(200) => Outcome::succeeded().with_code(200),
                Some(410) => Outcome::refused("gone").with_code(410),
                Some(429) => Outcome::failed("busy").with_code(429).with_retry_after(BUSY),
                Some(code) => Outcome::failed("it failed").with_code(code),
                None => Outcome::failed("connection reset"),
            }
        };
        tokio::select! {
            biased;
            outcome = attempt => outcome,
            () = timed_out => Outcome::failed("timed out"),
        }
    }
}
