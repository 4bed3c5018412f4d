//! What happened: the history that is judged, and a trace whose hash tells two runs apart.

use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};

use xcron_checker::{Begin, End, Fault, History, Line, Op, Receipt};

use crate::clock::Truth;

/// The most events that are kept to be shown when a run is red.
const EVENTS_MAX: usize = 200_000;

/// Takes down what happens; everybody writes into the same one.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) truth: Truth,
    state: Mutex<State>,
    keeps_events: bool,
}

#[derive(Debug, Default)]
struct State {
    receipts: Vec<Receipt>,
    lines: Vec<Line>,
    violations: Vec<String>,
    hash: u64,
    events: Vec<String>,
}

impl Recorder {
    pub(crate) fn new(truth: Truth, keeps_events: bool) -> Self {
        let state = State { hash: 0xcbf2_9ce4_8422_2325, ..State::default() };
        Self { truth, state: Mutex::new(state), keeps_events }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn now_us(&self) -> i64 {
        self.truth.now_us()
    }

    /// Adds a line to the history.
    pub(crate) fn line(&self, line: impl Into<Line>) {
        let line = line.into();
        self.trace(&format!("{line:?}"));
        self.state().lines.push(line);
    }

    /// Adds an operation.
    pub(crate) fn op(&self, op: Op) {
        self.line(op);
    }

    /// Adds a receipt; its number, to say later that it was answered.
    pub(crate) fn receipt(&self, receipt: Receipt) -> usize {
        self.trace(&format!("{receipt:?}"));
        let mut state = self.state();
        state.receipts.push(receipt);
        state.receipts.len() - 1
    }

    /// Notes that the answer to a receipt was written now.
    pub(crate) fn answered(&self, receipt: usize) {
        let now = self.now_us();
        self.state().receipts[receipt].answered_us = Some(now);
    }

    /// Adds a fault that took effect and is over.
    pub(crate) fn fault(&self, fault: Fault) {
        self.line(fault);
    }

    /// Notes what must not be, other than what the judge finds.
    pub(crate) fn violation(&self, what: impl Into<String>) {
        let what = format!("{:.3} s: {}", self.truth.elapsed().as_secs_f64(), what.into());
        self.trace(&what);
        self.state().violations.push(what);
    }

    /// Adds an event to the trace.
    pub(crate) fn trace(&self, event: &str) {
        let at = self.now_us();
        let mut state = self.state();
        let bytes = at.to_le_bytes().into_iter().chain(event.bytes());
        state.hash = bytes
            .fold(state.hash, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        if self.keeps_events && state.events.len() < EVENTS_MAX {
            let mut text = String::new();
            let _never_fails = write!(text, "{:>12.6} {event}", self.truth.elapsed().as_secs_f64());
            state.events.push(text);
        }
    }

    /// Everything, at the end.
    pub(crate) fn finish(&self, begin: Begin) -> Recorded {
        let end = End::complete(self.now_us());
        let mut state = self.state();
        let mut history = History::new(begin);
        let receipts = std::mem::take(&mut state.receipts);
        let receipts_count = receipts.len();
        history.lines = std::mem::take(&mut state.lines);
        history.lines.extend(receipts.into_iter().map(Line::Receipt));
        history.push(end);
        Recorded {
            history,
            receipts: receipts_count,
            violations: std::mem::take(&mut state.violations),
            hash: state.hash,
            events: std::mem::take(&mut state.events),
        }
    }
}

/// What was recorded of a run.
#[derive(Debug)]
pub(crate) struct Recorded {
    pub(crate) history: History,
    pub(crate) receipts: usize,
    pub(crate) violations: Vec<String>,
    /// Two runs of one seed are compared by it.
    #[cfg_attr(not(tokio_unstable), expect(dead_code, reason = "runs differ without it"))]
    pub(crate) hash: u64,
    pub(crate) events: Vec<String>,
}
