//! JSON text as it was written, without the blanks between its parts.

/// The deepest nesting that a callback's body may have.
pub(super) const DEPTH_MAX: usize = 64;

/// `text`, which is one JSON value, without blanks outside its strings: every number and every
/// string stays as it was written, so that no amount is ever rounded on its way.
///
/// `None` when it is nested deeper than [`DEPTH_MAX`].
pub(crate) fn compact(text: &str) -> Option<String> {
    let mut compact = String::with_capacity(text.len());
    let (mut depth, mut is_string, mut is_escaped) = (0_usize, false, false);
    for character in text.chars() {
        if is_string {
            is_string = is_escaped || character != '"';
            is_escaped = !is_escaped && character == '\\';
        } else {
            match character {
                ' ' | '\t' | '\n' | '\r' => continue,
                '"' => is_string = true,
                '{' | '[' => depth += 1,
                '}' | ']' => depth -= 1,
                _ => {}
            }
            if depth > DEPTH_MAX {
                return None;
            }
        }
        compact.push(character);
    }
    Some(compact)
}

#[cfg(test)]
mod tests {
    use super::{DEPTH_MAX, compact};

    #[test]
    fn blanks_go_and_everything_else_stays() {
        let table = [
            (" 1.10 ", "1.10"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
            ("{ \"a b\" : [ 1 , 2.50e0 ] }", "{\"a b\":[1,2.50e0]}"),
            (r#"[ "\" \\" , "x" ]"#, r#"["\" \\","x"]"#),
            ("{\n\t\"ä\" : \"ö ü\"\r\n}", "{\"ä\":\"ö ü\"}"),
            (r#"{ "b" : 1 , "a" : 2 }"#, r#"{"b":1,"a":2}"#),
        ];
        for (text, expected) in table {
            assert_eq!(compact(text).as_deref(), Some(expected));
        }
    }

    #[test]
    fn the_depth_has_a_limit() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(compact(&nested(DEPTH_MAX)).is_some());
        assert!(compact(&nested(DEPTH_MAX + 1)).is_none());
        assert!(compact(&format!("[\"{}\"]", "[".repeat(100))).is_some());
    }
}
