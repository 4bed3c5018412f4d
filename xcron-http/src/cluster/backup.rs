//! A backup on its way to a client.

use bytes::Bytes;
use tokio::sync::mpsc::Receiver;

/// A backup on its way, piece by piece.
///
/// An error among the chunks breaks the client's download off, so that it never looks complete.
/// The end of the channel is the end of the backup: whoever gives up sends an error first, and
/// whoever may panic is watched by somebody who does. A client that goes away closes the channel;
/// so does a download of which less than 64 KiB get through within
/// [`ServerSettings::idle_max`](crate::ServerSettings::idle_max), whichever side is the slow one.
///
/// ```
/// use bytes::Bytes;
/// use xcron_http::Backup;
///
/// # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
/// let (sender, chunks) = tokio::sync::mpsc::channel(2);
/// let mut backup = Backup { name: "xcron-1893456000.backup".into(), chunks };
/// sender.send(Ok(Bytes::from("half of it"))).await?;
/// sender.send(Err("the disk failed".into())).await?;
/// assert!(backup.chunks.recv().await.is_some_and(|chunk| chunk.is_ok()));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Backup {
    /// The name of the file that a client is told to write: letters, digits, `.`, `_` and `-`.
    pub name: String,
    /// What the file holds, in order, or why there will be no more.
    pub chunks: Receiver<Result<Bytes, String>>,
}
