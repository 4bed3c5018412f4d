//! What a callback sends, kept as it was written.

use crate::api::compact;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;

/// What a callback sends.
///
/// ```
/// use xcron_http::client::Body;
///
/// let body = Body::json("{ \"amount\": 1.10 }")?;
/// assert_eq!(body, Body::Json("{\"amount\":1.10}".to_owned())); // no number is rounded
/// assert_eq!(Body::json("\"hello\"")?, Body::Text("hello".to_owned()));
/// # Ok::<(), xcron_http::client::InvalidBody>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// Sent byte for byte.
    Text(String),
    /// JSON other than a string, sent as it is written here; [`Body::json`] makes it.
    Json(String),
}

/// A body that is no JSON, or nested too deeply.
///
/// ```
/// use xcron_http::client::Body;
///
/// assert!(Body::json("{").unwrap_err().to_string().starts_with("the body is no JSON: EOF"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the body is no JSON: {0}")]
pub struct InvalidBody(String);

impl Body {
    /// What JSON text means as a body: a string is text, anything else is sent without the blanks
    /// between its parts, numbers as they were written.
    ///
    /// # Errors
    /// When it is no JSON.
    pub fn json(text: &str) -> Result<Self, InvalidBody> {
        let raw: &RawValue = serde_json::from_str(text).map_err(|e| InvalidBody(e.to_string()))?;
        Self::read(raw)
    }

    fn read(raw: &RawValue) -> Result<Self, InvalidBody> {
        let text = raw.get();
        if text.starts_with('"') {
            let text = serde_json::from_str(text).map_err(|e| InvalidBody(e.to_string()))?;
            return Ok(Self::Text(text));
        }
        let compacted = compact(text).map(Self::Json);
        compacted.ok_or_else(|| InvalidBody("it is nested too deeply".to_owned()))
    }
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Text(text) => text.serialize(serializer),
            Self::Json(json) => {
                let raw: &RawValue =
                    serde_json::from_str(json).map_err(serde::ser::Error::custom)?;
                raw.serialize(serializer)
            }
        }
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        Self::read(&raw).map_err(serde::de::Error::custom)
    }
}
