//! What is to happen at the due moment: the callback of a task.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::sync::Arc;

/// The request that a dispatcher makes when a run is due.
///
/// The core does not interpret it: [`Dispatcher::validate`](crate::Dispatcher::validate) decides
/// what is acceptable, so a dispatcher of your own may give `url` another meaning.
///
/// ```
/// use xcron_core::{Callback, CallbackBody};
///
/// let mut callback = Callback::new("http://127.0.0.1:9000/charge");
/// callback.body = Some(CallbackBody::Text("{\"order\": 7}".into()));
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Callback {
    /// Where to.
    pub url: Arc<str>,
    /// How.
    pub method: Method,
    /// Further headers, by lower-case name.
    pub headers: BTreeMap<String, String>,
    /// What is sent; the dispatcher's default when there is none.
    pub body: Option<CallbackBody>,
}

impl Callback {
    /// A `POST` to `url` without further headers or body.
    #[must_use]
    pub fn new(url: impl Into<Arc<str>>) -> Self {
        Self { url: url.into(), method: Method::Post, headers: BTreeMap::new(), body: None }
    }
}

/// The method of a callback.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `POST`
    #[default]
    Post,
    /// `PUT`
    Put,
    /// `PATCH`
    Patch,
    /// `GET`
    Get,
    /// `DELETE`
    Delete,
}

impl Method {
    /// The method's name in capitals.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Get => "GET",
            Self::Delete => "DELETE",
        }
    }
}

/// The body of a callback, kept in the form in which it was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CallbackBody {
    /// Given as text: sent byte for byte.
    Text(Arc<str>),
    /// Given as a JSON value: sent as this JSON text.
    Json(Arc<str>),
}

impl CallbackBody {
    /// The bytes that are sent, as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Text(text) | Self::Json(text) => text,
        }
    }
}
