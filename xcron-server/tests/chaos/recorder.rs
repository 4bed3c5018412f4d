//! The history of a run as it is written down, on the true clock.

use crate::target::now_micros;
use std::path::Path;
use std::sync::{Arc, Mutex};
use xcron_checker::{Begin, End, History, Line};

/// Everything that was seen; clones share it.
#[derive(Clone, Debug)]
pub(crate) struct Recorder {
    history: Arc<Mutex<History>>,
    /// What this test found wrong by itself.
    wrongs: Arc<Mutex<Vec<String>>>,
    begun_us: i64,
}

/// Now, in microseconds of unix time.
pub(crate) fn now_us() -> i64 {
    i64::try_from(now_micros()).expect("a near date")
}

impl Recorder {
    pub(crate) fn new(label: &str, nodes: u32, lease_us: i64) -> Self {
        let begun_us = now_us();
        let begin = Begin::new(begun_us, nodes).label(label).lease_us(lease_us);
        let history = Arc::new(Mutex::new(History::new(begin)));
        Self { history, wrongs: Arc::default(), begun_us }
    }

    /// Writes a line down.
    pub(crate) fn push(&self, line: impl Into<Line>) {
        self.history.lock().expect("nobody panics").push(line);
    }

    /// Notes a broken promise that the judge of histories does not know.
    pub(crate) fn wrong(&self, what: impl Into<String>) {
        let what = what.into();
        self.say(&format!("WRONG: {what}"));
        self.wrongs.lock().expect("nobody panics").push(what);
    }

    pub(crate) fn wrongs(&self) -> Vec<String> {
        self.wrongs.lock().expect("nobody panics").clone()
    }

    /// Tells whoever watches, with the time since the beginning.
    pub(crate) fn say(&self, what: &str) {
        let since = (now_us() - self.begun_us) / 1_000;
        println!("  {:>4}.{:03} s  {what}", since / 1_000, since % 1_000);
    }

    /// All of it, ended now.
    pub(crate) fn end(&self) -> History {
        let mut history = self.history.lock().expect("nobody panics").clone();
        history.push(End::complete(now_us()));
        history
    }

    /// Writes what there is to a file, for a look at a run that came to no end.
    pub(crate) fn save(history: &History, path: &Path) {
        let file = std::fs::File::create(path).expect("a file for the history");
        history.write(std::io::BufWriter::new(file)).expect("a disk for the history");
    }
}
