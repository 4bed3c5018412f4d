//! How far long work is, on a terminal and nowhere else.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// How often it is shown at the most.
const EVERY: Duration = Duration::from_millis(100);
/// How many columns a bar has.
const BAR: u64 = 30;

/// Work on its way, shown on stderr; the line is gone when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    what: &'static str,
    is_shown: bool,
    begun: Instant,
    last: Option<Instant>,
}

impl Progress {
    pub(super) fn begin(what: &'static str) -> Self {
        Self { what, is_shown: stderr().is_terminal(), begun: Instant::now(), last: None }
    }

    /// `done` of `all` items are done.
    pub(super) fn items(&mut self, done: usize, all: usize) {
        self.say(|what, _| {
            let (done, all) = (done as u64, all as u64);
            let full = (done * BAR).checked_div(all).unwrap_or(BAR).min(BAR) as usize;
            let bar = "#".repeat(full) + &"-".repeat(BAR as usize - full);
            format!("{what} [{bar}] {done} of {all}")
        });
    }

    /// So many bytes are there; nobody knows how many are to come.
    pub(super) fn bytes(&mut self, bytes: u64) {
        self.say(|what, begun| {
            let rate = bytes as f64 / begun.elapsed().as_secs_f64().max(0.001);
            format!("{what} {}, {}/s", size(bytes), size(rate as u64))
        });
    }

    fn say(&mut self, line: impl FnOnce(&str, Instant) -> String) {
        if !self.is_shown || self.last.is_some_and(|last| last.elapsed() < EVERY) {
            return;
        }
        self.last = Some(Instant::now());
        // Who cannot be shown anything goes without.
        drop(write!(stderr(), "\r\u{1b}[K{}", line(self.what, self.begun)));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if self.last.is_some() {
            drop(write!(stderr(), "\r\u{1b}[K"));
        }
    }
}

/// So many bytes, in a unit that people read.
pub(super) fn size(bytes: u64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < units.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", units[unit]) }
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn a_size_is_short() {
        for (bytes, expected) in [
            (0, "0 B"),
            (1_023, "1023 B"),
            (1_024, "1.0 KiB"),
            (1_600_000, "1.5 MiB"),
            (u64::MAX, "16777216.0 TiB"),
        ] {
            assert_eq!(size(bytes), expected);
        }
    }
}
