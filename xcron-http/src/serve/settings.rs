//! The limits of a server, in one place.

use std::time::Duration;

/// The named limits of a [`Server`](super::Server) and of the requests it takes.
///
/// ```
/// use xcron_http::ServerSettings;
///
/// let settings = ServerSettings { body_bytes_max: 65_536, ..ServerSettings::default() };
/// assert_eq!(settings.connections_max, 4_096);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerSettings {
    /// The most connections open at a time; a further one is told 1429 and closed.
    pub connections_max: usize,
    /// The most handshakes of TLS under way; a further connection is closed.
    pub handshakes_max: usize,
    /// How long a handshake of TLS may take.
    pub handshake_max: Duration,
    /// How long a new connection may be silent, one with TLS after its handshake.
    pub silence_max: Duration,
    /// How long a request's head may take from its first byte.
    pub head_max: Duration,
    /// How long a connection may be idle between requests, and how long 64 KiB of an answer that
    /// is made while it is sent may take.
    pub idle_max: Duration,
    /// The most bytes of a request's head; beyond it, 431 and the end of the connection.
    pub head_bytes_max: usize,
    /// The most headers of a request; beyond it, 431 and the end of the connection.
    pub headers_max: usize,
    /// The most bytes of a request's body; beyond it, 1413.
    pub body_bytes_max: usize,
    /// The same of a batch: of `createTasks` and `deleteTasks`.
    pub batch_body_bytes_max: usize,
    /// The most bytes of bodies that are held at a time; beyond it, 1429.
    pub bodies_bytes_max: usize,
    /// How long a request's body may take.
    pub body_max: Duration,
    /// How long the answer to a request may take once its body is there; beyond it, 1503.
    pub request_max: Duration,
    /// The most requests worked on at a time; a further one is told 1429 and nothing is done.
    pub requests_in_flight_max: usize,
    /// The most of them with one token, and all without any together where there are tokens.
    pub requests_in_flight_per_token_max: usize,
    /// How long a stop waits for requests that are being answered.
    pub drain: Duration,
}

/// What hyper allows by itself, without a heap allocation for each request.
pub(super) const HEADERS_ON_STACK: usize = 100;

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            connections_max: 4_096,
            handshakes_max: 1_024,
            handshake_max: Duration::from_secs(5),
            silence_max: Duration::from_secs(5),
            head_max: Duration::from_secs(5),
            idle_max: Duration::from_secs(60),
            head_bytes_max: 16_384,
            headers_max: HEADERS_ON_STACK,
            body_bytes_max: 1_048_576,
            batch_body_bytes_max: 16_777_216,
            bodies_bytes_max: 268_435_456,
            body_max: Duration::from_secs(10),
            request_max: Duration::from_secs(10),
            requests_in_flight_max: 2_048,
            requests_in_flight_per_token_max: 1_024,
            drain: Duration::from_secs(10),
        }
    }
}

impl ServerSettings {
    /// The most bytes of the body of a request for `path`.
    pub(super) fn body_max_of(&self, path: &str) -> usize {
        match path {
            "/xcron/createTasks" | "/xcron/deleteTasks" => self.batch_body_bytes_max,
            _ => self.body_bytes_max,
        }
    }
}
