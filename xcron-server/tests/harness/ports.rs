//! Ports that are known before anybody listens on them, and stay free while nobody does.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::atomic::{AtomicU16, Ordering};

/// Below what Linux gives to outgoing connections by itself (32768 to 60999): such a port is not
/// taken by one while its server is down.
const FIRST: u16 = 18_000;
const COUNT: u16 = 14_000;

static TAKEN: AtomicU16 = AtomicU16::new(0);

/// A port of the loopback interface that nobody listens on and that nobody else is given.
pub(crate) fn free_port() -> u16 {
    // Where to begin differs between test binaries that run at the same time.
    let begin = u16::try_from(std::process::id() % u32::from(COUNT / 100)).expect("small") * 100;
    for _ in 0..COUNT {
        let next = TAKEN.fetch_add(1, Ordering::Relaxed);
        let port = FIRST + (begin + next % COUNT) % COUNT;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no free port between {FIRST} and {}", FIRST + COUNT);
}
