//! Headers that keep a browser from making more of an answer than it is.

use http::header::{
    CACHE_CONTROL, HeaderMap, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

const SHIELD: [(HeaderName, HeaderValue); 4] = [
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    // Tasks and their callbacks are nobody else's to keep.
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
];

/// Adds to `headers` what every answer has; what its handler said itself stays.
pub(super) fn shield(headers: &mut HeaderMap) {
    for (name, value) in SHIELD {
        headers.entry(name).or_insert(value);
    }
}
