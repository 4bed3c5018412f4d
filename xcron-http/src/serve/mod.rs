//! Serving: sockets in, requests to a router, answers out, with a limit on everything.
//!
//! # Why an accept loop of our own
//!
//! A client that connects and sends nothing, half a head, or one byte a second costs a server a
//! connection for as long as the server lets it. Ready-made loops let it for ever. Here a
//! connection is always in one of five phases, each with a deadline: *silent* (nothing came yet),
//! *head* (some of a request's head came), *busy* (a request is being answered; the gate limits
//! that), *sending* (an answer that is made while it is sent; enough of it must go out) and *idle*
//! (between requests).
//!
//! | part | limits |
//! |---|---|
//! | [`Server`] | connections, graceful stop |
//! | `turned_away` | how soon clients come back for whom there was no connection |
//! | `handshake` | handshakes of TLS under way, and how long each may take |
//! | `connection` | head bytes and count, deadlines of the phases, lingering close |
//! | `gate` | who asks, requests in flight, body bytes and deadline, request deadline, panics |
//!
//! What is no HTTP at all is answered by a bare status line and a closed connection; everything
//! that could be read as a request gets the envelope.

mod admission;
mod body;
mod connection;
mod gate;
mod handshake;
mod hygiene;
mod phase;
mod port;
mod sent;
mod server;
mod settings;
mod shield;
mod socket;
mod tls;
mod turned_away;

pub(crate) use body::WholeBody;
pub(crate) use gate::{Gate, guard};
pub use port::Port;
pub use server::Server;
pub use settings::ServerSettings;
pub use tls::{InvalidTls, ServerTls};
