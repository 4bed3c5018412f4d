//! Who did what to the cluster, or tried to: one event for each call, for whoever must know later.

use axum::extract::FromRequestParts;
use http::request::Parts;
use std::convert::Infallible;
use std::sync::{Arc, OnceLock};
use uuid::Uuid;

/// The paths whose calls are written down begin with this.
const AUDITED: &str = "/xcron/cluster/";
/// What a call is about that names nothing smaller.
const WHOLE: &str = "the cluster";

/// What a call is about, noted by its handler once it has understood the request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Subject(Arc<OnceLock<u64>>);

impl Subject {
    /// Notes that it is about the node with this id.
    pub(crate) fn note_node(&self, node_id: u64) {
        // The first one stays; a handler names one only.
        let _named_already = self.0.set(node_id);
    }

    fn name(&self) -> String {
        self.0.get().map_or_else(|| WHOLE.to_owned(), |node_id| format!("node {node_id}"))
    }
}

impl<S: Sync> FromRequestParts<S> for Subject {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Infallible> {
        Ok(parts.extensions.get::<Self>().cloned().unwrap_or_default())
    }
}

/// One call that is written down when it ends, however it does.
#[derive(Debug)]
pub(crate) struct Act<'a> {
    who: &'a str,
    path: &'a str,
    subject: Subject,
    request_id: Uuid,
    code: Option<u16>,
}

impl<'a> Act<'a> {
    /// The call of `path` by `who`, if such calls are written down.
    pub(crate) fn begin(path: Option<&'a str>, who: &'a str, request_id: Uuid) -> Option<Self> {
        let path = path.filter(|path| path.starts_with(AUDITED))?;
        Some(Self { who, path, subject: Subject::default(), request_id, code: None })
    }

    /// What its handler will say that it is about.
    pub(crate) fn subject(&self) -> Subject {
        self.subject.clone()
    }

    /// It was answered with `code`.
    pub(crate) fn end(mut self, code: u16) {
        self.code = Some(code);
    }
}

impl Drop for Act<'_> {
    fn drop(&mut self) {
        let (who, what, on) = (self.who, self.path, self.subject.name());
        let request_id = self.request_id.to_string();
        match self.code {
            Some(code) => {
                tracing::info!(target: "xcron::audit", who, what, on, code, request_id, "audit");
            }
            // The client went before the answer: whether it was done is not known here.
            None => tracing::info!(target: "xcron::audit", who, what, on, request_id, "audit"),
        }
    }
}
