//! What a schedule would do.

use super::definition::Kind;
use serde::{Deserialize, Serialize};
use xcron_core::schedule::DstMark;
use xcron_core::{DstFold, DstGap};

/// Which schedule, and what of it.
///
/// ```
/// use xcron_http::client::PreviewQuery;
///
/// let mut query = PreviewQuery::periodic("0 9 * * *");
/// query.timezone = Some("Europe/Paris".to_owned());
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PreviewQuery {
    /// Which kind of schedule `format` is.
    pub kind: Kind,
    /// A crontab expression, or Unix seconds in decimal digits.
    pub format: String,
    /// The IANA zone.
    pub timezone: Option<String>,
    /// From when on, in Unix seconds; from now by default.
    pub from: Option<i64>,
    /// How many occurrences, up to 100; 10 by default.
    pub count: Option<u32>,
    /// What becomes of a fixed local time that does not exist.
    pub dst_gap: Option<DstGap>,
    /// What becomes of a fixed local time that exists twice.
    pub dst_fold: Option<DstFold>,
}

/// What a schedule would do.
///
/// ```
/// use xcron_http::client::Preview;
///
/// let json = r#"{"times": [{"time": 0, "local": "1970-01-01T00:00:00+00:00"}],
///     "description": "at 00:00"}"#;
/// let preview: Preview = serde_json::from_str(json).unwrap();
/// assert_eq!(preview.times[0].dst, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    /// When it would fire.
    pub times: Vec<PreviewTime>,
    /// The schedule in words.
    pub description: String,
}

/// One occurrence.
///
/// ```
/// use xcron_http::client::PreviewTime;
///
/// let time = PreviewTime { time: 0, local: "1970-01-01T00:00:00+00:00".into(), dst: None };
/// assert_eq!(serde_json::to_string(&time).unwrap(),
///     r#"{"time":0,"local":"1970-01-01T00:00:00+00:00"}"#);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PreviewTime {
    /// In Unix seconds.
    pub time: i64,
    /// The local time with its offset, in the manner of RFC 3339.
    pub local: String,
    /// What a clock change did to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dst: Option<DstMark>,
}

impl PreviewQuery {
    /// Of a crontab expression.
    #[must_use]
    pub fn periodic(expression: impl Into<String>) -> Self {
        Self {
            kind: Kind::Periodic,
            format: expression.into(),
            timezone: None,
            from: None,
            count: None,
            dst_gap: None,
            dst_fold: None,
        }
    }
}
