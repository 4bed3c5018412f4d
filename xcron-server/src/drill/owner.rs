//! Which process holds the other end of a connection on this machine.
//!
//! Nodes that share an address cannot be told apart by it, and what they send to a target does not
//! say who sends. Linux tells it of every socket, and of one's own processes without privileges.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

/// The table of this machine's IPv4 connections.
const CONNECTIONS: &str = "/proc/net/tcp";

/// Whether this system can tell.
pub(super) fn is_known_here() -> bool {
    Path::new(CONNECTIONS).exists()
}

/// Which of `pids` holds the socket that is bound to `address`, by its place in the list.
pub(super) fn owner(address: SocketAddr, pids: &[Option<u32>]) -> Option<usize> {
    let table = fs::read_to_string(CONNECTIONS).ok()?;
    let wanted = hexadecimal(address)?;
    let socket = table.lines().find_map(|line| socket_of(line, &wanted))?;
    pids.iter().position(|pid| pid.is_some_and(|pid| holds(pid, &socket)))
}

/// `address` as the table writes it; it holds IPv4 only.
fn hexadecimal(address: SocketAddr) -> Option<String> {
    let SocketAddr::V4(address) = address else { return None };
    let ip = u32::from_ne_bytes(address.ip().octets());
    Some(format!("{ip:08X}:{:04X}", address.port()))
}

/// What the descriptor of this line's socket links to, if `address` is its own address.
fn socket_of(line: &str, address: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let own = words.nth(1)?;
    let inode = words.nth(7)?;
    // A socket that nobody holds any more has no inode.
    (own == address && inode != "0").then(|| format!("socket:[{inode}]"))
}

fn holds(pid: u32, socket: &str) -> bool {
    let Ok(descriptors) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
    let mut links = descriptors.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
    links.any(|link| link.as_os_str() == socket)
}

#[cfg(test)]
mod tests {
    use super::{hexadecimal, is_known_here, owner, socket_of};
    use std::net::{TcpListener, TcpStream};

    #[test]
    fn a_line_of_the_table_names_an_address_and_a_socket() {
        let line = "   1: 0100007F:1F90 0100007F:D431 01 00000000:00000000 00:00000000 00000000 \
                    1000        0 77205 1 0000000000000000 20 4 30 10 -1";
        let address = hexadecimal("127.0.0.1:8080".parse().expect("an address"));
        assert_eq!(address.as_deref(), Some("0100007F:1F90"));
        assert_eq!(socket_of(line, "0100007F:1F90").as_deref(), Some("socket:[77205]"));
        assert_eq!(socket_of(line, "0100007F:D431"), None, "that is the other end");
        assert_eq!(socket_of(&line.replace("77205", "0"), "0100007F:1F90"), None);
        assert_eq!(socket_of("sl  local_address", "0100007F:1F90"), None);
    }

    #[test]
    fn a_connection_leads_to_the_process_that_made_it() {
        if !is_known_here() {
            return;
        }
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let ours = TcpStream::connect(listener.local_addr().expect("one")).expect("a connection");
        let address = ours.local_addr().expect("an address");
        let (nobody, this) = (None, Some(std::process::id()));
        assert_eq!(owner(address, &[nobody, this]), Some(1));
        assert_eq!(owner(address, &[nobody, nobody]), None);
    }
}
