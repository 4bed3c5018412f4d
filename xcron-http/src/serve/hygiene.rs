//! What a request must not look like, because another party on its way could read it otherwise.

use http::header::{CONTENT_LENGTH, CONTENT_TYPE, EXPECT, HOST, HeaderMap, ORIGIN};
use http::request::Parts;
use http::{HeaderValue, Method, Version};

/// Why a request is refused by its head alone.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Unclean {
    /// It is ambiguous: nothing that follows on the connection can be trusted.
    Ambiguous(&'static str),
    /// A web page of another origin made a browser send it.
    CrossOrigin(&'static str),
    /// It says something that is not supported.
    Unsupported(&'static str),
}

/// What is wrong with a head, if anything.
pub(super) fn judge(head: &Parts) -> Option<Unclean> {
    let headers = &head.headers;
    let mut hosts = headers.get_all(HOST).iter();
    match (hosts.next(), hosts.next()) {
        (None, _) if head.version == Version::HTTP_11 => {
            return Some(Unclean::Ambiguous("host is missing, expected one host header"));
        }
        (Some(_), Some(_)) => {
            return Some(Unclean::Ambiguous("host is there twice, expected one host header"));
        }
        _ => {}
    }
    if headers.get_all(CONTENT_LENGTH).iter().count() > 1 {
        return Some(Unclean::Ambiguous("content-length is there twice, expected one"));
    }
    if is_expectation_unknown(headers) {
        return Some(Unclean::Unsupported("expect is unknown, expected 100-continue or none"));
    }
    if head.method == Method::POST {
        if is_cross_origin(headers) {
            let message = "origin is another one than host, expected no cross-origin request";
            return Some(Unclean::CrossOrigin(message));
        }
        if !is_utf8(headers) {
            let message = "content-type names another charset, expected application/json in UTF-8";
            return Some(Unclean::Unsupported(message));
        }
    }
    None
}

fn is_expectation_unknown(headers: &HeaderMap) -> bool {
    let known = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"100-continue");
    headers.get_all(EXPECT).iter().any(|value| !known(value))
}

/// A browser names the page's origin in whatever a page of another origin makes it send.
fn is_cross_origin(headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return false;
    };
    let host = headers.get(HOST).map_or(&b""[..], HeaderValue::as_bytes);
    let authority = origin.as_bytes().split(|byte| *byte == b'/').nth(2).unwrap_or_default();
    !authority.eq_ignore_ascii_case(host)
}

/// A body is read as JSON whatever type it names, because `curl -d` names a form's; what keeps a
/// web page from using that is the check of its origin. But another charset would be misread.
fn is_utf8(headers: &HeaderMap) -> bool {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else {
        return !headers.contains_key(CONTENT_TYPE);
    };
    let Ok(text) = first.to_str() else {
        return false;
    };
    text.split(';').skip(1).all(|part| match part.trim().split_once('=') {
        Some((name, value)) if name.trim_end().eq_ignore_ascii_case("charset") => {
            value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
        }
        _ => true,
    })
}

#[cfg(test)]
mod tests {
    use super::{Unclean, judge};
    use http::Request;

    #[test]
    fn a_head_is_judged_by_what_it_says() {
        let ok = "ok";
        let table: [(&[(&str, &str)], &str); 17] = [
            (&[("host", "a")], ok),
            (&[], "ambiguous"),
            (&[("host", "a"), ("host", "b")], "ambiguous"),
            (&[("host", "a"), ("content-length", "2"), ("content-length", "2")], "ambiguous"),
            (&[("host", "a"), ("expect", "100-continue")], ok),
            (&[("host", "a"), ("expect", "foo")], "unsupported"),
            (&[("host", "a"), ("origin", "http://a")], ok),
            (&[("host", "a:80"), ("origin", "http://a")], "cross-origin"),
            (&[("host", "a"), ("origin", "http://b")], "cross-origin"),
            (&[("host", "a"), ("origin", "null")], "cross-origin"),
            (&[("host", "a"), ("content-type", "application/json")], ok),
            (&[("host", "a"), ("content-type", "Application/JSON; Charset=\"UTF-8\"")], ok),
            (&[("host", "a"), ("content-type", "application/json;charset=utf-16")], "unsupported"),
            (&[("host", "a"), ("content-type", "text/plain")], ok),
            (&[("host", "a"), ("content-type", "application/x-www-form-urlencoded")], ok),
            (&[("host", "a"), ("content-type", "")], ok),
            (
                &[("host", "a"), ("content-type", "application/json"), ("content-type", "a/b")],
                "unsupported",
            ),
        ];
        for (headers, expected) in table {
            let mut request = Request::post("/");
            for (name, value) in headers {
                request = request.header(*name, *value);
            }
            let judged = match judge(&request.body(()).unwrap().into_parts().0) {
                None => ok,
                Some(Unclean::Ambiguous(_)) => "ambiguous",
                Some(Unclean::CrossOrigin(_)) => "cross-origin",
                Some(Unclean::Unsupported(_)) => "unsupported",
            };
            assert_eq!(judged, expected, "{headers:?}");
        }
    }
}
