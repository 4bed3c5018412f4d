//! The page of guarantees names tests that exist, for every promise, and every mutant.

use super::lexer::tokens;
use super::none;
use super::sources::{self, Source};

const PAGE: &str = "docs/guarantees.md";
const TESTED: &str = "## Where each promise is tested";
const FOUND: &str = "## What the simulator found";
const MUTANTS: &str = "### Mutants";
const PROMISES: usize = 20;

#[test]
fn what_a_guarantee_is_tested_by_exists() {
    let texts = sources::texts();
    let page = page(&texts);
    let mut breaches = Vec::new();
    let tested = rows(page, TESTED).into_iter().map(|row| (row.line, row.cells.get(1).copied()));
    let found = rows(page, FOUND).into_iter().map(|row| (row.line, row.cells.last().copied()));
    for (line, tests) in tested.chain(found) {
        for missing in missing(tests.unwrap_or_default(), &texts) {
            breaches.push(page.at(line, &missing));
        }
    }
    none("a test that the page of guarantees names exists", breaches);
}

#[test]
fn every_promise_has_its_row_and_a_test() {
    let texts = sources::texts();
    let page = page(&texts);
    let rows = rows(page, TESTED);
    let mut breaches = Vec::new();
    for promise in (1..=PROMISES).map(|number| format!("I{number}")) {
        let own: Vec<&Row<'_>> = rows.iter().filter(|row| row.cells[0] == promise).collect();
        let [row] = own[..] else {
            breaches.push(page.at(1, &format!("{promise} has {} rows of tests", own.len())));
            continue;
        };
        if !is_filled(row) {
            breaches.push(page.at(row.line, &format!("{promise} names no test, or not how far")));
        }
    }
    if rows.len() != PROMISES {
        breaches.push(page.at(1, &format!("{} rows for {PROMISES} promises", rows.len())));
    }
    none("each promise has one row that names its tests and says how far they go", breaches);
}

#[test]
fn every_mutant_has_its_row() {
    let texts = sources::texts();
    let page = page(&texts);
    let source = texts.iter().find(|source| source.path == "xcron-core/src/mutant.rs");
    let names = names_of_mutants(&source.expect("there are mutants").text);
    assert!(!names.is_empty(), "the table of mutants was found");
    let shown: Vec<String> = rows(page, MUTANTS).iter().map(|row| row.cells[0].into()).collect();
    let expected: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    assert_eq!(
        shown, expected,
        "{PAGE} shows the mutants in the order of xcron-core/src/mutant.rs"
    );
}

/// A row of a table.
#[derive(Debug)]
struct Row<'a> {
    line: usize,
    cells: Vec<&'a str>,
}

/// Whether a row of the table of tests names a function, and says something in its last cell.
fn is_filled(row: &Row<'_>) -> bool {
    let [_, tests, covered] = row.cells[..] else {
        return false;
    };
    quoted(tests).into_iter().any(|word| !is_path(word)) && !covered.is_empty()
}

fn page(texts: &[Source]) -> &Source {
    texts.iter().find(|source| source.path == PAGE).expect("there is a page of guarantees")
}

/// The rows of the tables below `heading`, without their heads, up to the next heading.
fn rows<'a>(page: &'a Source, heading: &str) -> Vec<Row<'a>> {
    let lines = (1..).zip(page.text.lines());
    let mut below = lines.skip_while(|(_, line)| *line != heading).skip(1).peekable();
    let mut rows = Vec::new();
    while let Some((line, text)) = below.next_if(|(_, text)| !text.starts_with('#')) {
        let inner = text.strip_prefix('|').and_then(|text| text.strip_suffix('|'));
        if text.starts_with("|---") {
            rows.pop();
        } else if let Some(inner) = inner {
            rows.push(Row { line, cells: inner.split('|').map(str::trim).collect() });
        }
    }
    rows
}

/// What stands between backquotes.
fn quoted(text: &str) -> Vec<&str> {
    text.split('`').skip(1).step_by(2).collect()
}

fn is_path(word: &str) -> bool {
    word.contains('/') && word.ends_with(".rs")
}

fn is_function(word: &str) -> bool {
    !word.is_empty()
        && word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
}

/// What `text` names and nobody finds: files, and functions in the file named before them.
fn missing(text: &str, texts: &[Source]) -> Vec<String> {
    let mut missing = Vec::new();
    let mut file = None;
    for word in quoted(text) {
        if is_path(word) {
            file = texts.iter().find(|source| source.path == word);
            if file.is_none() {
                missing.push(format!("there is no file {word}"));
            }
        } else if is_function(word) {
            let has = |file: &Source| {
                let tokens = tokens(&file.text);
                tokens.windows(2).any(|pair| pair[0].text == "fn" && pair[1].text == word)
            };
            if !file.is_some_and(has) {
                let file = file.map_or("a file that exists", |file| &file.path);
                missing.push(format!("there is no fn {word} in {file}"));
            }
        }
    }
    missing
}

/// The names in the table of mutants.
fn names_of_mutants(source: &str) -> Vec<&str> {
    let table = source.lines().skip_while(|line| !line.contains("const TABLE"));
    let entries = table.skip(1).take_while(|line| !line.trim_start().starts_with(']'));
    entries.filter_map(|line| line.split('"').nth(1)).collect()
}

#[test]
fn missing_files_and_functions_are_found() {
    let file = |path: &str, text: &str| Source { path: path.to_owned(), text: text.to_owned() };
    let texts = [file("a/b.rs", "fn c() {} // fn d()"), file("a/e.rs", "async fn d() {}")];
    let cases: [(&str, &[&str]); 6] = [
        ("`a/b.rs` `c`; `a/e.rs` `d`", &[]),
        ("`a/b.rs` `c`, `d`", &["there is no fn d in a/b.rs"]),
        ("`a/x.rs`", &["there is no file a/x.rs"]),
        ("`c`", &["there is no fn c in a file that exists"]),
        ("`a/x.rs` `c`", &["there is no file a/x.rs", "there is no fn c in a file that exists"]),
        ("`a/b.rs` `c` `kill -9` and c, d", &[]),
    ];
    for (text, expected) in cases {
        assert_eq!(missing(text, &texts), expected, "{text}");
    }
}

#[test]
fn rows_without_a_test_or_a_word_on_how_far_are_found() {
    let lines = [
        "# A",
        "| I9 | `b` | c |",
        "## B",
        "| x | y | z |",
        "|---|---|---|",
        "| I1 | `a/b.rs` `c` | d |",
        "| I2 | `a/b.rs` | d |",
        "| I3 | `a/b.rs` `c` | |",
        "| I4 | | d |",
        "e",
        "# C",
        "| I5 | `f` | g |",
    ];
    let text = lines.join("\n");
    let page = Source { path: PAGE.to_owned(), text };
    let found: Vec<(&str, usize, bool)> =
        rows(&page, "## B").iter().map(|row| (row.cells[0], row.line, is_filled(row))).collect();
    assert_eq!(found, [("I1", 6, true), ("I2", 7, false), ("I3", 8, false), ("I4", 9, false)]);
}

#[test]
fn names_of_mutants_are_read_from_their_table() {
    let lines = ["(X, \"x\")", "const TABLE: [] = [", "(A, \"a-b\", \"c\"),", "];", "(D, \"d\")"];
    assert_eq!(names_of_mutants(&lines.join("\n")), ["a-b"]);
}
