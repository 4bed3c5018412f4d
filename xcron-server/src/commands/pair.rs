//! Pairs that are typed as one word: labels and headers.

use std::collections::BTreeMap;

/// `key=value`.
pub(super) fn label(text: &str) -> Result<(String, String), String> {
    pair(text, '=', "expected key=value such as team=billing")
}

/// `name: value`.
pub(super) fn header(text: &str) -> Result<(String, String), String> {
    pair(text, ':', "expected name:value such as x-tenant:7")
}

fn pair(text: &str, between: char, expected: &str) -> Result<(String, String), String> {
    match text.split_once(between) {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err(expected.to_owned()),
    }
}

/// All pairs by their keys; `None` when there are none.
pub(super) fn map(pairs: &[(String, String)]) -> Option<BTreeMap<String, String>> {
    (!pairs.is_empty()).then(|| pairs.iter().cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::{header, label};

    #[test]
    fn a_pair_is_cut_at_its_first_mark() {
        let pair = |key: &str, value: &str| Ok((key.to_owned(), value.to_owned()));
        assert_eq!(label("a=b=c"), pair("a", "b=c"));
        assert_eq!(label("a="), pair("a", ""));
        assert_eq!(header("X-A: http://b"), pair("X-A", "http://b"));
        assert!(label("=b").is_err() && label("a").is_err() && header(":").is_err());
    }
}
