//! The seam between this crate and a network: connect and accept, so that tests can replace the
//! network by one that refuses, cuts and stays silent.

#[cfg(any(test, feature = "testing"))]
pub mod memory;
mod real;

use std::fmt::Debug;
use std::io;

use async_trait::async_trait;
use tokio::io::{AsyncRead, AsyncWrite};

pub use real::{RealListener, RealNet};

/// A connection: bytes in order in both directions, until it ends.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// The network as one node sees it.
///
/// # Contract
///
/// - An address is `host:port`; the host is resolved anew at every call, because a node may come
///   back somewhere else under its name.
/// - A failed connect has had no effect; waiting has no limit of its own, the caller has one.
#[async_trait]
pub trait Net: Debug + Send + Sync + 'static {
    /// Connects to whoever listens at `address`.
    async fn connect(&self, address: &str) -> io::Result<Box<dyn Stream>>;
}

/// An address at which this node listens.
///
/// # Contract
///
/// - A failed accept concerns one connection; the next may succeed.
/// - Dropping the future of an accept loses no connection.
#[async_trait]
pub trait Listener: Debug + Send + Sync + 'static {
    /// The next connection and, for logs, where it comes from.
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, String)>;

    /// The address really bound.
    fn local_address(&self) -> String;
}

/// No network: nobody is ever reached.
#[derive(Debug, Clone, Copy)]
pub struct NoNet;

#[async_trait]
impl Net for NoNet {
    async fn connect(&self, _address: &str) -> io::Result<Box<dyn Stream>> {
        Err(io::Error::other("this node has no network"))
    }
}
