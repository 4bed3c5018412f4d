//! A backup on its way, chunk by chunk.

use super::Client;
use super::connection::{Connection, described};
use super::error::ClientError;
use bytes::Bytes;
use http::Response;
use http::header::{CONTENT_DISPOSITION, CONTENT_TYPE};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::fmt;
use tokio::time::timeout;

/// A backup on its way; dropping it ends it.
///
/// ```
/// # async fn example(client: &xcron_http::client::Client)
/// # -> Result<(), xcron_http::client::ClientError> {
/// let mut backup = client.backup().await?;
/// let mut file = Vec::new();
/// while let Some(chunk) = backup.chunk().await? {
///     file.extend_from_slice(&chunk);
/// }
/// # Ok(())
/// # }
/// ```
pub struct Backup<'a> {
    client: &'a Client,
    body: Incoming,
    name: Option<String>,
    is_backup: bool,
    _connection: Connection,
}

impl<'a> Backup<'a> {
    pub(super) fn new(
        client: &'a Client,
        connection: Connection,
        answer: Response<Incoming>,
    ) -> Self {
        let header = |name| answer.headers().get(name)?.to_str().ok();
        let name = header(CONTENT_DISPOSITION)
            .and_then(|text| text.split_once("filename=\"")?.1.split_once('"'))
            .map(|(name, _)| name.to_owned());
        let is_backup = header(CONTENT_TYPE) == Some("application/octet-stream");
        Self { client, body: answer.into_body(), name, is_backup, _connection: connection }
    }

    /// What the server calls it. Not to be trusted: somebody else's name for a file.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// The next bytes, or `None` after the last: only then it is whole.
    ///
    /// # Errors
    /// When it breaks off, or nothing comes for as long as a call may take.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, ClientError> {
        if !self.is_backup {
            return Err(self.client.not_understood("it is no backup but another page"));
        }
        loop {
            let waited = timeout(self.client.timeout, self.body.frame()).await;
            let problem =
                || format!("nothing more of the backup came in {:?}", self.client.timeout);
            let Some(frame) = waited.map_err(|_elapsed| self.client.unanswered(&problem()))? else {
                return Ok(None);
            };
            let broken = |error| format!("the backup broke off: {}", described(&error));
            let frame = frame.map_err(|error| self.client.unanswered(&broken(error)))?;
            // Other frames are trailers, which say nothing here.
            if let Ok(bytes) = frame.into_data() {
                return Ok(Some(bytes));
            }
        }
    }
}

impl fmt::Debug for Backup<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Backup").field("name", &self.name).finish_non_exhaustive()
    }
}
