//! Rust as words and marks, without comments and without what stands in quotes.

/// An identifier, a number, or one mark; a literal in quotes is the mark `"`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// The tokens of `source`.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut lexer = Lexer { source, at: 0, line: 1, tokens: Vec::new() };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    source: &'a str,
    at: usize,
    line: usize,
    tokens: Vec<Token<'a>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.source[self.at..]
    }

    /// Takes in the next token, or the gap before it; `false` at the end.
    fn step(&mut self) -> bool {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            return false;
        };
        if first.is_whitespace() {
            self.skip(first.len_utf8());
        } else if rest.starts_with("//") {
            self.skip(rest.find('\n').unwrap_or(rest.len()));
        } else if rest.starts_with("/*") {
            self.skip(comment(rest));
        } else if first == '"' {
            self.literal(quoted(rest, '"'));
        } else if first == '\'' {
            self.quote();
        } else if is_word(first) {
            self.word();
        } else {
            self.push(first.len_utf8());
        }
        true
    }

    /// A word, unless it is the prefix of a literal or of a raw identifier.
    fn word(&mut self) {
        let rest = self.rest();
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        let hashes = after.len() - after.trim_start_matches('#').len();
        let opens = after[hashes..].starts_with('"');
        match word {
            "r" | "br" | "cr" if opens => {
                let close = format!("\"{}", "#".repeat(hashes));
                let body = end + hashes + 1;
                let length = rest[body..].find(&close).map(|found| body + found + close.len());
                self.literal(length.unwrap_or(rest.len()));
            }
            "b" | "c" if opens && hashes == 0 => self.literal(end + quoted(after, '"')),
            "r" if hashes == 1 => {
                let name = after[1..].find(|c| !is_word(c)).unwrap_or(after.len() - 1);
                self.push(end + 1 + name);
            }
            _ => self.push(end),
        }
    }

    /// A character, or a lifetime, which is no token here.
    fn quote(&mut self) {
        let rest = self.rest();
        let mut inner = rest[1..].chars();
        let escaped = inner.next() == Some('\\');
        if escaped || inner.next() == Some('\'') {
            self.literal(quoted(rest, '\''));
        } else {
            let name = rest[1..].find(|c| !is_word(c)).unwrap_or(rest.len() - 1);
            self.skip(1 + name);
        }
    }

    fn literal(&mut self, length: usize) {
        self.tokens.push(Token { text: "\"", line: self.line });
        self.skip(length);
    }

    fn push(&mut self, length: usize) {
        let text = &self.rest()[..length];
        self.tokens.push(Token { text, line: self.line });
        self.skip(length);
    }

    fn skip(&mut self, length: usize) {
        self.line += self.rest()[..length].matches('\n').count();
        self.at += length;
    }
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the literal at the start of `text`, both its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        if !escaped && c == quote {
            return at + 1;
        }
        escaped = !escaped && c == '\\';
    }
    text.len()
}

/// The length of the block comment at the start of `text`; they nest.
fn comment(text: &str) -> usize {
    let (mut depth, mut at) = (0_usize, 0);
    while at < text.len() {
        let rest = &text.as_bytes()[at..];
        match rest {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    text.len()
}

#[test]
fn comments_and_quoted_text_are_no_code() {
    let cases = [
        ("a // b\nc", "a c"),
        ("a /* b /* c */ d */ e", "a e"),
        ("\"b // c\" d", "\" d"),
        (r#""b \" c" d"#, "\" d"),
        ("r#\"b \" c\"# d", "\" d"),
        ("br\"b\" c\"d\" b\"e\" f", "\" \" \" f"),
        ("r#fn x", "r#fn x"),
        ("'{' b'\\'' '\\\\' 'ä' x", "\" b \" \" \" x"),
        ("&'a str", "& str"),
        ("f::<'static>()", "f : : < > ( )"),
        ("\"open", "\""),
        ("/* open", ""),
        ("1_000..2", "1_000 . . 2"),
    ];
    for (source, expected) in cases {
        let found: Vec<&str> = tokens(source).iter().map(|token| token.text).collect();
        assert_eq!(found.join(" "), expected, "{source}");
    }
}

#[test]
fn lines_are_counted_through_comments_and_quotes() {
    let source = "a\n/* \n */ b \"\n\n\" c\nr\"\n\" d";
    let lines: Vec<(&str, usize)> = tokens(source).iter().map(|t| (t.text, t.line)).collect();
    assert_eq!(lines, [("a", 1), ("b", 3), ("\"", 3), ("c", 5), ("\"", 6), ("d", 7)]);
}
