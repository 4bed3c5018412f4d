//! A table as text: aligned, cut to a width where there is one, coloured where that is wanted.

use super::output::printable;
use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// What is between two columns.
const GAP: &str = "  ";
/// No column is cut below this.
const NARROWEST: usize = 6;
/// Columns of which a part says nothing.
const WHOLE: [&str; 8] = ["STATE", "STATUS", "NEXT", "STARTED", "ENDED", "LOCAL", "UTC", "UNIX"];

/// Rows of cells below their headings.
#[derive(Clone, Debug, Default)]
pub(super) struct Table {
    headings: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
    /// As wide as each column has to be.
    widths: Vec<usize>,
    /// Which columns are never cut.
    is_whole: Vec<bool>,
}

/// Text with what it means.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cell {
    text: String,
    tone: Tone,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Tone {
    #[default]
    Plain,
    Good,
    Bad,
    Odd,
    Faint,
}

impl Table {
    /// A table with these headings.
    pub(super) fn new(headings: &[&'static str]) -> Self {
        let widths = headings.iter().map(|heading| heading.width()).collect();
        let is_whole = headings.iter().map(|heading| WHOLE.contains(heading)).collect();
        Self { headings: headings.to_vec(), rows: Vec::new(), widths, is_whole }
    }

    /// A table of so many columns without headings.
    pub(super) fn bare(columns: usize) -> Self {
        Self { widths: vec![0; columns], is_whole: vec![true; columns], ..Self::default() }
    }

    /// Adds a row, which has a cell for every column.
    pub(super) fn row(&mut self, cells: Vec<Cell>) {
        for (width, cell) in self.widths.iter_mut().zip(&cells) {
            *width = (*width).max(cell.text.width());
        }
        self.rows.push(cells);
    }

    /// The same columns for further rows, below what was printed already.
    pub(super) fn go_on(&mut self) {
        self.headings.clear();
        self.rows.clear();
    }

    /// The table as lines, no longer than `width` as far as that can be.
    pub(super) fn laid_out(&self, width: Option<usize>, colours: bool) -> String {
        let widths = width.map_or_else(|| self.widths.clone(), |width| self.fitted(width));
        let headings = self.headings.iter().map(|heading| Cell::faint(*heading)).collect();
        let first = (!self.headings.is_empty()).then_some(headings);
        let mut text = String::new();
        for row in first.iter().chain(&self.rows) {
            let mut line = String::new();
            let mut owed = 0;
            for (cell, width) in row.iter().zip(&widths) {
                // Blanks are only written before a cell that follows: no line ends with one.
                line.push_str(&" ".repeat(owed));
                let shown = cut(&cell.text, *width);
                owed = width.saturating_sub(shown.width()) + GAP.len();
                if shown.is_empty() {
                    owed = width + GAP.len();
                }
                line.push_str(&cell.tone.around(&shown, colours));
            }
            text.push_str(line.trim_end_matches(' '));
            text.push('\n');
        }
        text
    }

    /// The widths of columns that make lines of `max`, if that can be: the widest give way first.
    fn fitted(&self, max: usize) -> Vec<usize> {
        let mut widths = self.widths.clone();
        let gaps = GAP.len() * widths.len().saturating_sub(1);
        while widths.iter().sum::<usize>() + gaps > max {
            let columns = widths.iter_mut().zip(&self.is_whole);
            match columns.filter(|(_, is_whole)| !**is_whole).map(|(width, _)| width).max() {
                Some(widest) if *widest > NARROWEST => *widest -= 1,
                _ => break,
            }
        }
        widths
    }
}

impl Cell {
    /// Text that means nothing more.
    pub(super) fn new(text: impl AsRef<str>) -> Self {
        Self { text: printable(text.as_ref()), tone: Tone::Plain }
    }

    /// A number, or whatever else shows itself.
    pub(super) fn of(value: impl ToString) -> Self {
        Self::new(value.to_string())
    }

    /// What is not there is a dash.
    pub(super) fn maybe(value: Option<impl ToString>) -> Self {
        value.map_or_else(|| Self::faint("-"), Self::of)
    }

    /// Text that stays in the background.
    pub(super) fn faint(text: impl AsRef<str>) -> Self {
        Self { tone: Tone::Faint, ..Self::new(text) }
    }

    /// Something that is wrong unless `good`.
    pub(super) fn judged(text: impl AsRef<str>, good: bool) -> Self {
        Self { tone: if good { Tone::Good } else { Tone::Bad }, ..Self::new(text) }
    }

    /// The state of a task or a run.
    pub(super) fn state(name: &str) -> Self {
        let tone = match name {
            "active" | "succeeded" => Tone::Good,
            "failed" | "unknown" | "lost" => Tone::Bad,
            "finished" | "queued" => Tone::Faint,
            _ => Tone::Odd,
        };
        Self { tone, ..Self::new(name) }
    }
}

impl Tone {
    fn around(self, text: &str, colours: bool) -> String {
        let code = match self {
            _ if !colours || text.is_empty() => return text.to_owned(),
            Self::Plain => return text.to_owned(),
            Self::Good => "32",
            Self::Bad => "31",
            Self::Odd => "33",
            Self::Faint => "2",
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }
}

/// `text` in at most `width` columns.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let (mut shown, mut used) = (String::new(), 1);
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > width {
            break;
        }
        shown.push(c);
    }
    shown + "…"
}

#[cfg(test)]
mod tests {
    use super::{Cell, Table};

    fn table() -> Table {
        let mut table = Table::new(&["TASK", "STATE", "URL"]);
        let url = "http://127.0.0.1:9000/a/long/path";
        table.row(vec![Cell::new("billing"), Cell::state("active"), Cell::new(url)]);
        table.row(vec![Cell::new("每天"), Cell::state("failed"), Cell::new("")]);
        table
    }

    #[test]
    fn columns_are_aligned_and_no_line_ends_with_blanks() {
        let expected = "TASK     STATE   URL\n\
                        billing  active  http://127.0.0.1:9000/a/long/path\n\
                        每天     failed\n";
        assert_eq!(table().laid_out(None, false), expected);
    }

    #[test]
    fn the_widest_columns_give_way_to_the_width_of_a_terminal_and_states_stay_whole() {
        let expected = "TASK     STATE   URL\n\
                        billing  active  http://127.0…\n\
                        每天     failed\n";
        assert_eq!(table().laid_out(Some(30), false), expected);
        let expected = "TASK    STATE   URL\n\
                        billi…  active  http:…\n\
                        每天    failed\n";
        assert_eq!(table().laid_out(Some(10), false), expected);
    }

    #[test]
    fn colours_surround_the_text_and_not_the_blanks() {
        let shown = table().laid_out(None, true);
        let lines: Vec<&str> = shown.lines().collect();
        assert!(lines[1].starts_with("billing  \u{1b}[32mactive\u{1b}[0m  http"), "{shown}");
        assert!(lines[2].ends_with("\u{1b}[31mfailed\u{1b}[0m"), "{shown}");
    }

    #[test]
    fn further_rows_keep_the_columns() {
        let mut table = table();
        table.go_on();
        table.row(vec![Cell::new("a"), Cell::new("b"), Cell::new("c")]);
        assert_eq!(table.laid_out(None, false), "a        b       c\n");
    }
}
