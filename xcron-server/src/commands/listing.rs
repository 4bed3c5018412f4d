//! A list that comes page by page and is printed as it comes: what is long need not be kept.

use super::failure::Failure;
use super::output::{Output, note, print};
use super::table::{Cell, Table};
use clap::Args;
use serde::Serialize;

/// The most of one page: a task's body may be long, and an answer has a limit.
const PAGE: u32 = 100;

/// How much of a list is wanted.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(super) struct Portion {
    /// Prints at most so many.
    #[arg(long, value_name = "N", default_value_t = 100)]
    #[arg(value_parser = clap::value_parser!(u32).range(1..), conflicts_with = "all")]
    limit: u32,
    /// Prints all of them.
    #[arg(long)]
    all: bool,
    /// Goes on where an earlier list ended.
    #[arg(long, value_name = "CURSOR")]
    pub(super) cursor: Option<String>,
}

/// A list on its way to stdout.
pub(super) struct Listing<'a> {
    portion: &'a Portion,
    output: Output,
    /// What the list is called in JSON.
    name: &'static str,
    table: Table,
    printed: u32,
}

impl<'a> Listing<'a> {
    pub(super) fn new(
        output: Output,
        portion: &'a Portion,
        name: &'static str,
        headings: &[&'static str],
    ) -> Self {
        Self { portion, output, name, table: Table::new(headings), printed: 0 }
    }

    /// How many the next page should have; `None` when there are enough.
    pub(super) fn wanted(&self) -> Option<u32> {
        if self.portion.all {
            return Some(PAGE);
        }
        Some(PAGE.min(self.portion.limit.saturating_sub(self.printed))).filter(|left| *left > 0)
    }

    /// Prints a page.
    pub(super) fn page<T: Serialize>(
        &mut self,
        items: &[T],
        row: impl Fn(&T) -> Vec<Vec<Cell>>,
    ) -> Result<(), Failure> {
        let mut text = String::new();
        if self.output.is_json() {
            for item in items {
                let begin = if self.printed == 0 { self.begin() } else { ",\n".to_owned() };
                let json = serde_json::to_string(item);
                text.push_str(&begin);
                text.push_str(&json.map_err(|error| Failure::Failed(error.to_string()))?);
                self.printed += 1;
            }
            return print(&text);
        }
        items.iter().flat_map(row).for_each(|cells| self.table.row(cells));
        let is_first = self.printed == 0;
        self.printed += u32::try_from(items.len()).unwrap_or(u32::MAX);
        if is_first && items.is_empty() {
            return Ok(());
        }
        text = self.output.laid_out(&self.table);
        self.table.go_on();
        print(&text)
    }

    /// Ends the list; `next` is where another one could go on.
    pub(super) fn end(self, next: Option<&str>) -> Result<(), Failure> {
        if self.output.is_json() {
            let begin = if self.printed == 0 { self.begin() } else { String::new() };
            let next = serde_json::to_string(&next).unwrap_or_default();
            return print(&format!("{begin}\n],\"next_cursor\":{next}}}\n"));
        }
        if let Some(next) = next {
            note(&format!("there are more: --all, or go on with --cursor '{next}'"));
        } else if self.printed == 0 {
            note(&format!("no {} to show", self.name));
        }
        Ok(())
    }

    fn begin(&self) -> String {
        format!("{{\"{}\":[\n", self.name)
    }
}
