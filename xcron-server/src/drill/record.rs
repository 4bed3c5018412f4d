//! What happens in a drill, as it happens: the history that is judged at the end.

use super::moment::{Micros, now};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use xcron_checker::{Begin, End, History, Line, Receipt};

/// Takes down what happens, from all sides at once.
#[derive(Clone, Debug)]
pub(super) struct Recorder(Arc<Mutex<Lines>>);

#[derive(Debug)]
struct Lines {
    history: History,
    /// Apart, because what was answered shows later.
    receipts: Vec<Receipt>,
}

impl Recorder {
    pub(super) fn new(begin: Begin) -> Self {
        let lines = Lines { history: History::new(begin), receipts: Vec::new() };
        Self(Arc::new(Mutex::new(lines)))
    }

    fn lines(&self) -> MutexGuard<'_, Lines> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes anything but a receipt.
    pub(super) fn note(&self, line: impl Into<Line>) {
        self.lines().history.push(line);
    }

    /// Notes a callback that is not answered yet; its number is for [`answered`](Self::answered).
    pub(super) fn received(&self, receipt: Receipt) -> usize {
        let receipts = &mut self.lines().receipts;
        receipts.push(receipt);
        receipts.len() - 1
    }

    /// Notes what a callback was answered; `at` is missing when nothing was.
    pub(super) fn answered(&self, number: usize, answer: &str, at: Option<Micros>) {
        let receipt = &mut self.lines().receipts[number];
        answer.clone_into(&mut receipt.answer);
        receipt.answered_us = at;
    }

    /// How many callbacks there were so far.
    pub(super) fn callbacks(&self) -> usize {
        self.lines().receipts.len()
    }

    /// All of it, with its last line.
    pub(super) fn finish(&self) -> History {
        let mut lines = self.lines();
        let receipts = std::mem::take(&mut lines.receipts);
        let mut history = lines.history.clone();
        for receipt in receipts {
            history.push(receipt);
        }
        history.push(End::complete(now()));
        history
    }
}
