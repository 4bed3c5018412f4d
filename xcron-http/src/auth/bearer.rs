//! The token in the head of a request.

use http::header::{AUTHORIZATION, HeaderMap};

/// The token that `headers` show, if any, or why what they show is none.
pub(super) fn bearer(headers: &HeaderMap) -> Result<Option<&[u8]>, &'static str> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err("authorization is there twice, expected one header");
    }
    let value = value.as_bytes();
    let space = value.iter().position(|byte| *byte == b' ').unwrap_or(value.len());
    let (scheme, rest) = value.split_at(space);
    let token = rest.trim_ascii_start();
    let is_token = !token.is_empty() && token.iter().all(u8::is_ascii_graphic);
    if !scheme.eq_ignore_ascii_case(b"bearer") || !is_token {
        return Err("authorization is not understood, expected Bearer and a token");
    }
    Ok(Some(token))
}

#[cfg(test)]
mod tests {
    use super::bearer;
    use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    /// Headers, and what they show.
    type Row = (&'static [&'static str], Result<Option<&'static str>, &'static str>);

    #[test]
    fn one_header_with_one_token_is_read_and_nothing_else() {
        let (twice, other) = ("there twice", "not understood");
        let table: [Row; 13] = [
            (&[], Ok(None)),
            (&["Bearer abc"], Ok(Some("abc"))),
            (&["bEARER   a.b-c~+/="], Ok(Some("a.b-c~+/="))),
            (&["Bearer a", "Bearer a"], Err(twice)),
            (&["Bearer a", ""], Err(twice)),
            (&[""], Err(other)),
            (&["Bearer"], Err(other)),
            (&["Bearer "], Err(other)),
            (&["Bearera b"], Err(other)),
            (&["Bearer a b"], Err(other)),
            (&["Bearer a\tb"], Err(other)),
            (&["Bearer é"], Err(other)),
            (&["Basic YTpi"], Err(other)),
        ];
        for (values, expected) in table {
            let mut headers = HeaderMap::new();
            for value in values {
                let value = HeaderValue::from_bytes(value.as_bytes()).unwrap();
                headers.append(AUTHORIZATION, value);
            }
            match (bearer(&headers), expected) {
                (Ok(read), Ok(expected)) => assert_eq!(read, expected.map(str::as_bytes)),
                (Err(said), Err(part)) => assert!(said.contains(part), "{values:?}: {said}"),
                (read, _) => panic!("{values:?}: {read:?}, expected {expected:?}"),
            }
        }
    }
}
