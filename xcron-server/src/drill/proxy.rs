//! What stands between the nodes: each is reached through a port of the drill, which passes bytes
//! on as far as the link between the two allows.

use super::error::{DrillError, system};
use super::links::{Gate, Links, NODES};
use super::nodes::Directory;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The most bytes that are on their way in one direction of a connection, beside the kernel's.
const BUFFER_BYTES: usize = 64 * 1024;

/// How many segments a sender has on their way without hearing that one has arrived: what TCP
/// begins with. A link that is silent in one direction soon is in the other.
const UNHEARD_MAX: u32 = 10;

/// The ports by which the nodes know each other.
#[derive(Debug)]
pub(super) struct Proxies {
    addresses: [SocketAddr; NODES],
    /// Ends with the drill.
    _accepting: JoinSet<()>,
}

impl Proxies {
    /// Listens for each node.
    pub(super) async fn start(links: &Links, nodes: &Directory) -> Result<Self, DrillError> {
        let mut bound = Vec::new();
        for _ in 0..NODES {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await;
            let listener = listener.map_err(system("a port of loopback cannot be bound"))?;
            let address = listener.local_addr();
            bound.push((address.map_err(system("a port does not tell its address"))?, listener));
        }
        // Founders are numbered in the order of their addresses' texts, and so are ours.
        bound.sort_by_key(|(address, _)| address.to_string());
        let addresses = std::array::from_fn(|to| bound[to].0);
        let mut accepting = JoinSet::new();
        for (to, (_, listener)) in bound.into_iter().enumerate() {
            accepting.spawn(accept(listener, to, links.clone(), nodes.clone()));
        }
        Ok(Self { addresses, _accepting: accepting })
    }

    pub(super) const fn addresses(&self) -> [SocketAddr; NODES] {
        self.addresses
    }
}

async fn accept(listener: TcpListener, to: usize, links: Links, nodes: Directory) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            biased;
            Some(_ended) = connections.join_next() => {}
            accepted = listener.accept() => {
                // Whoever was not accepted tries again.
                let Ok((stream, remote)) = accepted else { continue };
                connections.spawn(lead(stream, remote, to, links.gate(), nodes.clone()));
            }
        }
    }
}

/// Leads one connection to node `to`. It ends when either side ends it or its link is cut.
async fn lead(stream: TcpStream, remote: SocketAddr, to: usize, mut gate: Gate, nodes: Directory) {
    let Some(from) = nodes.owner(remote).await else { return };
    if !gate.opens(from, to).await || !gate.opens(to, from).await {
        return;
    }
    let Some(address) = nodes.peer(to) else { return };
    let Ok(target) = TcpStream::connect(address).await else { return };
    let at_once = [stream.set_nodelay(true), target.set_nodelay(true)];
    if at_once.iter().any(io::Result::is_err) {
        return;
    }
    let ((from_read, from_write), (to_read, to_write)) = (stream.into_split(), target.into_split());
    let there = pass(from_read, to_write, gate.clone(), from, to);
    let back = pass(to_read, from_write, gate, to, from);
    tokio::select! {
        biased;
        () = there => {}
        () = back => {}
    }
}

/// Passes bytes on in one direction until their end.
async fn pass(
    mut source: OwnedReadHalf,
    mut target: OwnedWriteHalf,
    mut gate: Gate,
    from: usize,
    to: usize,
) {
    let mut buffer = vec![0; BUFFER_BYTES];
    let mut unheard = 0;
    while gate.opens(from, to).await {
        if gate.is_open(to, from) {
            unheard = 0;
        } else if unheard == UNHEARD_MAX {
            gate.changed().await;
            continue;
        }
        let read = tokio::select! {
            biased;
            () = gate.changed() => continue,
            read = source.read(&mut buffer) => read,
        };
        let Ok(bytes @ 1..) = read else { return };
        unheard += 1;
        // What was read when the link fell silent is kept like everything behind it.
        if !gate.opens(from, to).await {
            return;
        }
        if target.write_all(&buffer[..bytes]).await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{UNHEARD_MAX, pass};
    use crate::drill::links::{Link, Links, Matrix, deaf, isolated};
    use std::time::Duration;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    async fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let (one, other) = tokio::join!(TcpStream::connect(address), listener.accept());
        (one.expect("a connection"), other.expect("a connection").0)
    }

    /// A writer and a reader with the link from node 0 to node 1 in between.
    async fn linked(links: &Links) -> (OwnedWriteHalf, OwnedReadHalf) {
        let ((sender, read), (write, receiver)) = (pair().await, pair().await);
        let (_, sender) = sender.into_split();
        let (read, _) = read.into_split();
        let (_, write) = write.into_split();
        tokio::spawn(pass(read, write, links.gate(), 0, 1));
        (sender, receiver.into_split().0)
    }

    #[tokio::test]
    async fn a_silent_link_keeps_what_an_open_one_passes_on() {
        let links = Links::new();
        let (mut sender, mut receiver) = linked(&links).await;
        let mut byte = [0];
        sender.write_all(b"a").await.expect("it is open");
        receiver.read_exact(&mut byte).await.expect("it is open");
        links.set(isolated(0, Link::Silent));
        sender.write_all(b"b").await.expect("nobody is told");
        let held = timeout(Duration::from_millis(50), receiver.read_exact(&mut byte)).await;
        assert!(held.is_err(), "{byte:?} came through a silent link");
        links.set(Matrix::default());
        receiver.read_exact(&mut byte).await.expect("it is open again");
        assert_eq!(&byte, b"b");
    }

    #[tokio::test]
    async fn who_is_not_heard_to_have_received_is_soon_sent_no_more() {
        let links = Links::new();
        let (mut sender, mut receiver) = linked(&links).await;
        let mut byte = [0];
        links.set(deaf(0, Link::Silent));
        for _ in 0..UNHEARD_MAX {
            sender.write_all(b"a").await.expect("it is open");
            receiver.read_exact(&mut byte).await.expect("it is open");
        }
        sender.write_all(b"b").await.expect("nobody is told");
        let held = timeout(Duration::from_millis(50), receiver.read_exact(&mut byte)).await;
        assert!(held.is_err(), "{byte:?} came through");
        links.set(Matrix::default());
        receiver.read_exact(&mut byte).await.expect("it is open again");
        assert_eq!(&byte, b"b");
    }

    #[tokio::test]
    async fn a_cut_link_ends_its_connections_and_no_others() {
        let links = Links::new();
        let (_sender, mut receiver) = linked(&links).await;
        links.set(isolated(2, Link::Cut));
        let mut byte = [0];
        let other = timeout(Duration::from_millis(50), receiver.read(&mut byte)).await;
        assert!(other.is_err(), "a cut of another link ended this one");
        links.set(isolated(1, Link::Cut));
        assert_eq!(receiver.read(&mut byte).await.expect("a clean end"), 0);
    }
}
