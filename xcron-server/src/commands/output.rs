//! What is printed: tables for people, JSON for programs.

use super::failure::Failure;
use super::table::{Cell, Table};
use clap::{Args, ValueEnum};
use serde::Serialize;
use std::io::{IsTerminal, Write, stderr, stdout};

/// How data is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
#[command(next_help_heading = "Output")]
pub(super) struct Output {
    /// A table for people, or the `data` of the server's answer for programs.
    #[arg(short, long, value_name = "FORMAT", default_value = "table")]
    output: Format,
    /// Whether tables have colours; auto: on a terminal, unless NO_COLOR is set.
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    color: Color,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    Table,
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Color {
    Auto,
    Always,
    Never,
}

impl Output {
    /// Whether a program reads it.
    pub(super) fn is_json(self) -> bool {
        self.output == Format::Json
    }

    /// Prints `data` as JSON, or what `text` makes of it.
    pub(super) fn show<T: Serialize>(
        self,
        data: &T,
        text: impl FnOnce(&T) -> String,
    ) -> Result<(), Failure> {
        if self.is_json() {
            return print(&format!("{}\n", json(data)?));
        }
        print(&text(data))
    }

    /// A table as text, ended by a line break; cut to the width of the terminal if it goes there.
    pub(super) fn laid_out(self, table: &Table) -> String {
        table.laid_out(width(), self.has_colours())
    }

    /// What has a name, one line each, aligned and never cut.
    pub(super) fn facts(self, facts: Vec<(&str, Cell)>) -> String {
        let mut table = Table::bare(2);
        for (name, value) in facts {
            table.row(vec![Cell::faint(name), value]);
        }
        self.laid_out(&table)
    }

    fn has_colours(self) -> bool {
        match self.color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => {
                let unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
                !unwanted && stdout().is_terminal()
            }
        }
    }
}

/// Data as JSON for programs and for people who look at what programs get.
pub(super) fn json(data: &impl Serialize) -> Result<String, Failure> {
    serde_json::to_string_pretty(data).map_err(|error| Failure::Failed(error.to_string()))
}

/// Writes to stdout.
pub(super) fn print(text: &str) -> Result<(), Failure> {
    let mut stdout = stdout().lock();
    stdout.write_all(text.as_bytes())?;
    Ok(stdout.flush()?)
}

/// Says something beside what is printed, to whoever listens.
pub(super) fn note(text: &str) {
    drop(writeln!(stderr(), "{text}"));
}

/// How many columns the terminal has that stdout goes to.
fn width() -> Option<usize> {
    let stdout = stdout();
    if !stdout.is_terminal() {
        return None;
    }
    let size = rustix::termios::tcgetwinsize(&stdout).ok()?;
    Some(usize::from(size.ws_col)).filter(|width| *width > 0)
}

/// Text without anything that means something to a terminal: a target's answer may hold it.
pub(super) fn printable(text: &str) -> String {
    let is_plain = |c: char| !c.is_control() && !('\u{200e}'..='\u{202e}').contains(&c);
    text.chars()
        .flat_map(|c| {
            let escaped = (!is_plain(c)).then(|| c.escape_default());
            let plain = is_plain(c).then_some(c);
            plain.into_iter().chain(escaped.into_iter().flatten())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn nothing_reaches_a_terminal_that_would_steer_it() {
        assert_eq!(printable("größer 大"), "größer 大");
        assert_eq!(printable("a\u{1b}[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\nc\\u{202e}");
    }
}
