//! The clocks of the nodes: how far each is off, now and at any time before.

use crate::recorder::now_us;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// A step counts for what was sent so shortly before or after it.
const BLUR_US: i64 = 100_000;

/// Offsets in microseconds, each behind the time from which on it holds.
type Steps = Vec<(i64, i64)>;

/// The steps of each node's clock; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Clocks(Arc<Mutex<Vec<Steps>>>);

impl Clocks {
    pub(crate) fn new(nodes: usize) -> Self {
        Self(Arc::new(Mutex::new(vec![vec![(i64::MIN, 0)]; nodes])))
    }

    fn note(&self, place: usize, offset_us: i64) {
        self.0.lock().expect("nobody panics")[place].push((now_us(), offset_us));
    }

    /// What a node's clock showed at `at_us`: the later time, if it was set about then.
    pub(crate) fn shown_us(&self, place: usize, at_us: i64) -> i64 {
        let steps = self.0.lock().expect("nobody panics");
        let steps = &steps[place];
        let holds = |number: usize| {
            let (from, _) = steps[number];
            let until = steps.get(number + 1).map_or(i64::MAX, |step| step.0);
            from <= at_us.saturating_add(BLUR_US) && until >= at_us - BLUR_US
        };
        let offsets = (0..steps.len()).filter(|number| holds(*number)).map(|at| steps[at].1);
        at_us + offsets.max().expect("some offset holds at any time")
    }
}

/// The clock of one node, as far off as a file says.
#[derive(Debug)]
pub(crate) struct Clock {
    dir: PathBuf,
    place: usize,
    clocks: Clocks,
}

impl Clock {
    /// A clock that is right, kept in `dir`.
    pub(crate) fn new(dir: &Path, place: usize, clocks: &Clocks) -> Self {
        let clock = Self { dir: dir.to_owned(), place, clocks: clocks.clone() };
        clock.write(0);
        clock
    }

    /// Where the library looks.
    pub(crate) fn file(&self) -> PathBuf {
        self.dir.join(format!("clock-{}", self.place))
    }

    /// Steps it to so many milliseconds ahead of the true one.
    pub(crate) fn set(&self, offset_ms: i64) {
        self.write(offset_ms);
        self.clocks.note(self.place, offset_ms * 1_000);
    }

    fn write(&self, offset_ms: i64) {
        // Never seen half written.
        let next = self.dir.join(format!("clock-{}-next", self.place));
        let sign = if offset_ms < 0 { '-' } else { '+' };
        let ms = offset_ms.unsigned_abs();
        let text = format!("{sign}{}.{:03}\n", ms / 1_000, ms % 1_000);
        std::fs::write(&next, text).expect("a file");
        std::fs::rename(&next, self.file()).expect("the file takes its place");
    }
}
