//! Why the server did not start or had to stop, each in one line that names the cure.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use xcron_core::EngineError;

/// Why the server did not start or had to stop.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// Somebody else listens on a port.
    #[error("{key}: {address} is in use, stop whoever listens there or choose another port")]
    PortInUse {
        /// The key that names the port.
        key: &'static str,
        /// What was to be bound.
        address: SocketAddr,
    },
    /// `host` belongs to another machine.
    #[error("host: {0} is not an address of this machine, use one of its own or 127.0.0.1")]
    ForeignHost(std::net::IpAddr),
    /// The port is one that this user may not have.
    #[error("{key}: {address} may not be bound by this user, choose a port from 1024 on")]
    PortForbidden {
        /// The key that names the port.
        key: &'static str,
        /// What was to be bound.
        address: SocketAddr,
    },
    /// A port could not be bound for another reason.
    #[error("{key}: {address} cannot be bound: {error}")]
    Bind {
        /// The key that names the port.
        key: &'static str,
        /// What was to be bound.
        address: SocketAddr,
        /// Why not.
        error: io::Error,
    },
    /// The data directory cannot be used.
    #[error("raft_dir: {}: {problem}", .path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// What is wrong and what to do.
        problem: String,
    },
    /// A file that the configuration names cannot be used.
    #[error("{key}: {}: {problem}", .path.display())]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// What is wrong.
        problem: String,
    },
    /// The configuration does not fit the cluster, which only other nodes could tell.
    #[error("{0}")]
    Unusable(String),
    /// The store failed for good while it was in use.
    #[error(
        "the store failed: {problem}; nothing is acknowledged any more, start again once the \
         cause is gone"
    )]
    Storage {
        /// What went wrong.
        problem: String,
    },
    /// The operating system refused something that always works.
    #[error("{what}: {error}")]
    System {
        /// What was asked for.
        what: &'static str,
        /// Why not.
        error: io::Error,
    },
    /// A part of the server refused its settings, which the configuration should have caught.
    #[error("the configuration was accepted by mistake: {0}")]
    Settings(String),
    /// Nothing can be fired any more.
    #[error("{0}; nothing is acknowledged any more, start again once the cause is gone")]
    Engine(#[from] EngineError),
    /// A part of the server ended although nobody asked it to.
    #[error("{0} ended by a bug, the log says more")]
    Bug(&'static str),
    /// A second signal came while the first was being obeyed.
    #[error("stopped at once by a second signal; callbacks in flight are repeated at next start")]
    Interrupted,
}

impl ServerError {
    /// Why `address`, named by `key`, could not be bound.
    #[must_use]
    pub fn bind(key: &'static str, address: SocketAddr, error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::AddrInUse => Self::PortInUse { key, address },
            io::ErrorKind::AddrNotAvailable => Self::ForeignHost(address.ip()),
            io::ErrorKind::PermissionDenied => Self::PortForbidden { key, address },
            _ => Self::Bind { key, address, error },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::ServerError;
    use std::io::{Error, ErrorKind};

    #[test]
    fn a_port_that_cannot_be_had_names_its_key_and_the_cure() {
        let cases = [
            (ErrorKind::AddrInUse, "http_port: [::1]:80 is in use, stop whoever listens there"),
            (ErrorKind::AddrNotAvailable, "host: ::1 is not an address of this machine"),
            (ErrorKind::PermissionDenied, "http_port: [::1]:80 may not be bound by this user"),
            (ErrorKind::OutOfMemory, "http_port: [::1]:80 cannot be bound: out of memory"),
        ];
        for (kind, expected) in cases {
            let address = "[::1]:80".parse().expect("an address");
            let said = ServerError::bind("http_port", address, Error::from(kind)).to_string();
            assert!(said.starts_with(expected), "{said}");
        }
    }
}
