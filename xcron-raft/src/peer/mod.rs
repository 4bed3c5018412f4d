//! The peer transport: requests between the nodes of a cluster, each with one answer.
//!
//! It knows nothing of raft. A request has a kind and a body of bytes; the service at the other
//! end says who may send it and answers it. What the transport promises:
//!
//! - Nothing is processed for anybody who has not proved to know the secret, and nothing that was
//!   meant for another cluster or node.
//! - A call that fails says whether it certainly had no effect ([`CallError::was_sent`]).
//! - Nothing waits for ever and nothing grows without a limit (`limits`); what arrives and is
//!   wrong is dropped and counted ([`PeerCounts`]).
//! - A lane of its own for what is long: no snapshot delays a heartbeat. Requests of one lane are
//!   sent in order, answered in any order.
//!
//! # On the wire
//!
//! ```text
//! client                                                  server
//!   │ hello: magic, versions, who I am, whom I want,         │
//!   │        nonce, lane                                     │
//!   ├───────────────────────────────────────────────────────►│
//!   │      proof "server" │ hello: magic, versions, version, │
//!   │                       who I am, nonce                  │
//!   │◄───────────────────────────────────────────────────────┤
//!   │ proof "client"  (empty: your proof is wrong)           │
//!   ├───────────────────────────────────────────────────────►│
//!   │           proof "verdict" │ welcome, or the reason why │
//!   │           not: version, cluster, node, room            │
//!   │◄───────────────────────────────────────────────────────┤
//!   │ requests and pings ►                       ◄ responses │
//! ```
//!
//! Each of these is a frame: a length of four bytes, little-endian, then as many bytes; at most
//! 4 KiB before the proof and 24 MiB after it. A proof is HMAC-SHA256, keyed with the secret, over
//! its label and both hellos (a verdict's also over the verdict). Both nonces are in it, so no
//! recorded proof is of use again; the labels differ, so none can be sent back. Hellos and verdicts
//! are messages with numbered fields, the same in every version of the protocol, so that two
//! versions can at least tell each other that they differ; requests and responses (`request`) have
//! a fixed head, which belongs to the version that was chosen.
//!
//! Reasons are given only after the proof, under a proof: a stranger learns from the server which
//! node it is and nothing else, and cannot put words into its mouth.
//!
//! # What it does not protect from
//!
//! Without TLS, whoever can *change* what is on its way can insert requests into a connection that
//! was proved: frames carry a checksum against accidents and no proof of their own. Nor are they
//! secret. Where the network between nodes is not trusted, give them certificates ([`PeerTls`]);
//! the same handshake then runs inside TLS.

mod client;
mod counts;
mod error;
mod frames;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod handshake;
mod hello;
mod identity;
mod limits;
mod party;
mod request;
mod secret;
mod server;
#[cfg(test)]
mod tests;
mod tls;

pub(crate) use client::Peers;
pub use counts::PeerCounts;
pub(crate) use error::{CallError, CallErrorKind};
pub(crate) use identity::{Identity, Kind, Lane};
#[cfg(test)]
use limits::{FRAME_BYTES_MAX, PeerLimits};
pub(crate) use party::Party;
pub use secret::Secret;
pub(crate) use server::{Service, accept_loop};
pub use tls::PeerTls;
