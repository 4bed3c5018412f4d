//! `GET /xcron/cluster/backup`: the one answer that is no envelope but a file, sent while it is
//! being made.

use super::Api;
use super::params::Params;
use super::refusal::Refusal;
use crate::answer::Code;
use crate::cluster::Backup;
use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures::stream;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http::{Uri, Version};
use std::sync::Arc;
use tokio::sync::OwnedSemaphorePermit;
use tokio::sync::mpsc::Receiver;

/// The most backups on their way at a time: each holds a copy of the state.
pub(super) const BACKUPS_MAX: usize = 2;

pub(super) async fn backup(
    State(api): State<Arc<Api>>,
    version: Version,
    uri: Uri,
) -> Result<Response, Refusal> {
    let cluster = api.cluster()?;
    Params::parse(uri.query())?.finish(&[])?;
    if version < Version::HTTP_11 {
        // There a body ends with its connection: one that broke off would look complete.
        let problem = format!("is {version:?}, expected HTTP/1.1");
        return Err(Refusal::field("the version of HTTP", problem));
    }
    let Ok(place) = Arc::clone(&api.backups).try_acquire_owned() else {
        let message = format!("{BACKUPS_MAX} backups are on their way, the most allowed");
        return Err(Refusal::new(Code::Overloaded, message));
    };
    let Backup { name, chunks } = cluster.backup().await?;
    let disposition = format!("attachment; filename=\"{}\"", plain(&name));
    let headers =
        [(CONTENT_TYPE, "application/octet-stream".to_owned()), (CONTENT_DISPOSITION, disposition)];
    Ok((headers, streamed(chunks, place)).into_response())
}

/// The chunks as a body, which holds its place until it has ended or is dropped.
fn streamed(chunks: Receiver<Result<Bytes, String>>, place: OwnedSemaphorePermit) -> Body {
    Body::from_stream(stream::unfold((chunks, place), |(mut chunks, place)| async move {
        let chunk = chunks.recv().await?;
        if let Err(error) = &chunk {
            tracing::error!(%error, "a backup broke off");
        }
        Some((chunk, (chunks, place)))
    }))
}

/// A name without anything that means something in a header or a path.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '_' };
    name.chars().map(plain).collect()
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_name_is_harmless_in_a_header_and_in_a_shell() {
        let table = [
            ("xcron-1893456000.backup", "xcron-1893456000.backup"),
            ("a\"b\r\nc", "a_b__c"),
            ("../é", "..__"),
        ];
        for (given, expected) in table {
            assert_eq!(plain(given), expected, "{given}");
        }
    }
}
