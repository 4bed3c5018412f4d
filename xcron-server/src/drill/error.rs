//! Why a drill could not be done, each in one line that names the cure.

use std::io;
use std::path::PathBuf;

/// Why a drill could not be done.
#[derive(Debug, thiserror::Error)]
pub enum DrillError {
    /// This system does not tell whose connection is whose.
    #[error(
        "a drill needs Linux: it learns from /proc/net/tcp which node a connection belongs to, \
         and this system has none; run it in a Linux container"
    )]
    NotHere,
    /// The operating system refused something that always works.
    #[error("{what}: {error}; is there room, and are descriptors and processes left?")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// A node did not start, or ended by itself.
    #[error("node {node} {what}: {said}; run it again with --keep and read its log")]
    Node {
        /// Which one.
        node: usize,
        /// What it did.
        what: &'static str,
        /// What it said last.
        said: String,
    },
    /// The cluster never began, or did not come back after the last fault.
    #[error(
        "the cluster is not ready {after_s} s {since}: {said}; run it again with --keep and \
             read the logs of the nodes"
    )]
    NotReady {
        /// How long it was waited for.
        after_s: u64,
        /// Since when.
        since: &'static str,
        /// What stands in the way.
        said: String,
    },
    /// A history that was to be audited cannot be read.
    #[error("{}: {problem}; name a history.jsonl that --keep left", .path.display())]
    History {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Somebody stopped the drill.
    #[error("stopped by a signal, nothing was judged; the nodes are ended")]
    Stopped,
}

/// Says what the system refused.
pub(super) fn system(what: &'static str) -> impl Fn(io::Error) -> DrillError {
    move |error| DrillError::System { what, error }
}
