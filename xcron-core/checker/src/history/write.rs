//! Writing a history as JSON Lines.

use crate::history::History;
use crate::history::line::Line;
use std::io::{self, Write};

/// Writes lines as they happen.
///
/// ```
/// use xcron_checker::history::write::Writer;
/// use xcron_checker::{Begin, End, History};
///
/// let mut text = Vec::new();
/// let mut writer = Writer::new(&mut text);
/// writer.line(Begin::new(0, 3))?;
/// writer.line(End::complete(5))?;
/// assert!(History::read(&text[..]).is_ok());
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
}

impl<W: Write> Writer<W> {
    /// Writes to `out`, which is better buffered.
    pub const fn new(out: W) -> Self {
        Self { out }
    }

    /// Writes one line.
    ///
    /// # Errors
    /// What the output failed with.
    pub fn line(&mut self, line: impl Into<Line>) -> io::Result<()> {
        serde_json::to_writer(&mut self.out, &line.into())?;
        self.out.write_all(b"\n")
    }

    /// Flushes and gives the output back.
    ///
    /// # Errors
    /// What the output failed with.
    pub fn finish(mut self) -> io::Result<W> {
        self.out.flush()?;
        Ok(self.out)
    }
}

impl History {
    /// Writes the whole history.
    ///
    /// # Errors
    /// What `out` failed with.
    pub fn write(&self, out: impl Write) -> io::Result<()> {
        let mut writer = Writer::new(out);
        writer.line(self.begin.clone())?;
        for line in &self.lines {
            writer.line(line.clone())?;
        }
        if let Some(end) = &self.end {
            writer.line(end.clone())?;
        }
        writer.finish().map(drop)
    }
}
