//! Size is design: lines of a file, lines of a function, columns of a line.

use super::lexer::{Token, tokens};
use super::{none, sources};

const FILE_LINES_MAX: usize = 500;
const FUNCTION_LINES_MAX: usize = 70;
const COLUMNS_MAX: usize = 100;

#[test]
fn a_file_has_at_most_500_lines() {
    let lines = |source: &sources::Source| source.text.lines().count();
    let breaches = sources::code().into_iter().filter(|source| lines(source) > FILE_LINES_MAX);
    let breaches = breaches.map(|source| source.at(lines(&source), "the last line"));
    none("a file has at most 500 lines, its tests included", breaches.collect());
}

#[test]
fn a_function_has_at_most_70_lines() {
    let mut breaches = Vec::new();
    for source in sources::code() {
        for function in functions(&tokens(&source.text)) {
            if function.lines > FUNCTION_LINES_MAX {
                let breach = format!("fn {} has {} lines", function.name, function.lines);
                breaches.push(source.at(function.line, &breach));
            }
        }
    }
    none("a function has at most 70 lines, from its signature to its last brace", breaches);
}

#[test]
fn a_line_has_at_most_100_columns() {
    let mut breaches = Vec::new();
    for source in sources::code() {
        for (index, line) in source.text.lines().enumerate() {
            let columns = line.chars().count();
            if columns > COLUMNS_MAX {
                breaches.push(source.at(index + 1, &format!("{columns} columns")));
            }
        }
    }
    none("a line has at most 100 columns", breaches);
}

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
struct Function<'a> {
    name: &'a str,
    line: usize,
    lines: usize,
}

/// The functions among `tokens`, those within others included.
fn functions<'a>(tokens: &[Token<'a>]) -> Vec<Function<'a>> {
    let words = tokens.windows(2).enumerate().filter(|(_, pair)| pair[0].text == "fn");
    let named = words.filter(|(_, pair)| pair[1].text.starts_with(is_letter));
    let bodies = named.filter_map(|(at, pair)| {
        let end = last_brace(&tokens[at..])?;
        Some(Function { name: pair[1].text, line: pair[0].line, lines: end - pair[0].line + 1 })
    });
    bodies.collect()
}

fn is_letter(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// The line of the brace that closes the body of the function that `tokens` begin with; `None`
/// when it has no body.
fn last_brace(tokens: &[Token<'_>]) -> Option<usize> {
    let (mut brackets, mut braces) = (0_usize, 0_usize);
    for token in tokens {
        match token.text {
            "(" | "[" => brackets += 1,
            ")" | "]" => brackets = brackets.saturating_sub(1),
            ";" if brackets == 0 && braces == 0 => return None,
            "{" => braces += 1,
            "}" if braces == 1 => return Some(token.line),
            "}" => braces -= 1,
            _ => {}
        }
    }
    None
}

#[test]
fn functions_are_measured_from_signature_to_brace() {
    let source = "
        trait A { fn no_body(&self) -> [u8; 3]; }
        fn one() {}
        fn three(f: fn(u8) -> u8) -> [u8; 2] {
            let brace = '}'; // }
        }
        impl B {
            const fn outer(&self)
            where
                Self: Sized,
            {
                fn inner() {
                    if true { \"}\" } else { \"{\" };
                }
            }
        }
        macro_rules! m { () => { fn $name() {} } }
    ";
    let tokens = tokens(source);
    let found: Vec<_> = functions(&tokens).iter().map(|f| (f.name, f.line, f.lines)).collect();
    assert_eq!(found, [("one", 3, 1), ("three", 4, 3), ("outer", 8, 8), ("inner", 12, 3)]);
}

#[test]
fn a_function_of_71_lines_is_found() {
    for (statements, found) in [(68, 0), (69, 1)] {
        let source = format!("fn long() {{\n{}}}\n", "step();\n".repeat(statements));
        let functions = functions(&tokens(&source)).into_iter();
        assert_eq!(functions.filter(|f| f.lines > FUNCTION_LINES_MAX).count(), found);
    }
}
