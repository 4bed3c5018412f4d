//! The limits of the transport, in one place.

use std::time::Duration;

/// The most bytes of a frame before the proof: a hello has some 150.
pub(super) const HELLO_BYTES_MAX: usize = 4_096;
/// The most bytes of a frame after it.
pub(crate) const FRAME_BYTES_MAX: usize = 24 << 20;
/// The most requests of one connection that are not answered yet.
pub(super) const IN_FLIGHT_PER_CONNECTION_MAX: usize = 1_024;
/// The most bytes of those requests. A small one counts as [`REQUEST_COST_MIN`], so that one sum
/// keeps both limits.
pub(super) const IN_FLIGHT_BYTES_MAX: usize = 64 << 20;
/// What the smallest request costs of [`IN_FLIGHT_BYTES_MAX`].
pub(super) const REQUEST_COST_MIN: usize = IN_FLIGHT_BYTES_MAX / IN_FLIGHT_PER_CONNECTION_MAX;
/// The most calls that wait for their turn on one lane to one target.
pub(super) const WAITING_MAX: usize = 4_096;
/// The most bytes of those calls.
pub(super) const WAITING_BYTES_MAX: usize = 64 << 20;
/// The most connections that have proved that they know the secret.
pub(super) const CONNECTIONS_MAX: usize = 256;
/// The most connections that have not.
pub(super) const STRANGERS_MAX: usize = 64;
/// A frame of more bytes may be on its way for long.
pub(crate) const LONG_FRAME_BYTES: usize = 64 << 10;

/// The most lanes to targets that a node keeps.
pub(super) const LINES_MAX: usize = 256;
/// The longest that a server works on one request, whatever its caller says.
pub(super) const REQUEST_WAIT_MAX: Duration = Duration::from_secs(300);

/// What tests make smaller, and the deadlines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PeerLimits {
    /// The most connections that have proved that they know the secret.
    pub(crate) connections_max: usize,
    /// The most connections that have not; one more ends the oldest of them.
    pub(crate) strangers_max: usize,
    /// How long an attempt to connect may take.
    pub(crate) connect_max: Duration,
    /// How long a handshake may take, TLS included.
    pub(crate) handshake_max: Duration,
    /// How long it may take until what was written before is on its way.
    pub(crate) write_max: Duration,
    /// How long a proven connection may be without frames before the server closes it.
    pub(crate) idle_max: Duration,
    /// How long before its client does. Shorter, so that no request meets a closing server.
    pub(crate) client_idle_max: Duration,
    /// How long an unanswered client waits before it asks whether the connection still lives.
    pub(crate) ping_after: Duration,
    /// How long it waits in all before it gives the connection up.
    pub(crate) silence_max: Duration,
    /// The same after a frame of more than [`LONG_FRAME_BYTES`] on the bulk lane, which may be on
    /// its way for long.
    pub(crate) silence_long_max: Duration,
    /// How long calls fail at once after the first failed connect; doubles with each one.
    pub(crate) backoff_min: Duration,
    /// The longest of these pauses.
    pub(crate) backoff_max: Duration,
}

impl Default for PeerLimits {
    fn default() -> Self {
        Self {
            connections_max: CONNECTIONS_MAX,
            strangers_max: STRANGERS_MAX,
            connect_max: Duration::from_millis(1_500),
            handshake_max: Duration::from_secs(3),
            write_max: Duration::from_secs(10),
            idle_max: Duration::from_secs(60),
            client_idle_max: Duration::from_secs(45),
            ping_after: Duration::from_millis(500),
            silence_max: Duration::from_secs(2),
            silence_long_max: Duration::from_secs(10),
            backoff_min: Duration::from_millis(50),
            backoff_max: Duration::from_secs(1),
        }
    }
}

impl PeerLimits {
    /// How long calls fail at once after `failures` failed connects in a row.
    pub(super) fn backoff(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(16);
        (self.backoff_min * (1 << doublings)).min(self.backoff_max)
    }
}

/// What a request of `bytes` costs of [`IN_FLIGHT_BYTES_MAX`].
pub(super) fn cost(bytes: usize) -> usize {
    bytes.clamp(REQUEST_COST_MIN, IN_FLIGHT_BYTES_MAX)
}
