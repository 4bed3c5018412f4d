//! A history: the lines that a recorder wrote, in memory.

pub mod begin;
pub mod definition;
pub mod event;
pub mod line;
pub mod op;
pub mod read;
pub mod receipt;
pub mod remains;
pub mod write;

use crate::judge::settings::Settings;
use crate::judge::verdict::Verdict;
use begin::{Begin, End};
use line::Line;

/// All that was recorded of one run, in the order in which it was recorded.
///
/// The order of lines means nothing but that `begin` is first and `end` is last: every line
/// carries its times.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// The first line.
    pub begin: Begin,
    /// The lines in between.
    pub lines: Vec<Line>,
    /// The last line, missing if the recorder did not come to its end.
    pub end: Option<End>,
}

impl History {
    /// A history of which only the first line is known.
    #[must_use]
    pub const fn new(begin: Begin) -> Self {
        Self { begin, lines: Vec::new(), end: None }
    }

    /// Adds one line: an operation, a receipt, ... or the end.
    pub fn push(&mut self, line: impl Into<Line>) {
        match line.into() {
            Line::Begin(begin) => self.begin = begin,
            Line::End(end) => self.end = Some(end),
            line => self.lines.push(line),
        }
    }

    /// Judges it by the promises of xcron, with the default [`Settings`].
    #[must_use]
    pub fn judge(&self) -> Verdict {
        self.judge_with(&Settings::default())
    }

    /// Judges it by the promises of xcron.
    #[must_use]
    pub fn judge_with(&self, settings: &Settings) -> Verdict {
        crate::judge::judge(self, settings)
    }
}
