//! What was done to a cluster and when: for the judge, and for whoever reads a failure.

use super::target::now_millis;
use std::io::Write;
use std::sync::{Arc, Mutex};

/// Something done to a cluster that may interrupt what its nodes were doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Milliseconds since the Unix epoch, just before it was done.
    pub(crate) at: u64,
    pub(crate) what: String,
}

/// Notes in order of time; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Timeline {
    begun: u64,
    notes: Arc<Mutex<Vec<(u64, String)>>>,
    faults: Arc<Mutex<Vec<Fault>>>,
}

impl Timeline {
    pub(crate) fn new() -> Self {
        Self { begun: now_millis(), notes: Arc::default(), faults: Arc::default() }
    }

    /// Notes what happens now.
    pub(crate) fn note(&self, what: impl Into<String>) {
        self.notes.lock().expect("nobody panics").push((now_millis(), what.into()));
    }

    /// Notes what is done now, which may repeat runs that are in flight.
    pub(crate) fn fault(&self, what: impl Into<String>) {
        let fault = Fault { at: now_millis(), what: what.into() };
        self.note(fault.what.clone());
        self.faults.lock().expect("nobody panics").push(fault);
    }

    /// Everything of the kind so far, in order.
    pub(crate) fn faults(&self) -> Vec<Fault> {
        self.faults.lock().expect("nobody panics").clone()
    }

    /// The notes as text, one a line, with both clocks: since the beginning, and of the day.
    pub(crate) fn text(&self) -> String {
        let notes = self.notes.lock().expect("nobody panics");
        let line = |(at, what): &(u64, String)| {
            format!("  {:>9} ms  (unix {at})  {what}\n", at.saturating_sub(self.begun))
        };
        notes.iter().map(line).collect()
    }
}

/// Says something even when the test that says it passes.
pub(crate) fn plainly(what: &str) {
    // Written past the capture of the test harness, which takes in only what macros print.
    drop(writeln!(std::io::stderr(), "{what}"));
}
