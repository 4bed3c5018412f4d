//! A network of its own: each node in a namespace, with one link to its peers and one to clients.
//!
//! Only the links between peers are cut, so that clients and callbacks still get through to a
//! node that its peers have lost.

use super::tools::{find, run};
use std::net::Ipv4Addr;
use std::process::Command;
use std::sync::atomic::{AtomicU8, Ordering};

/// A machine's address that nobody has: what is sent there is lost without a word.
const NOBODY: &str = "02:00:00:00:00:ff";

static LAID: AtomicU8 = AtomicU8::new(0);

/// Namespaces and bridges, gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Net {
    /// Begins the name of everything that belongs to it.
    name: String,
    /// The second byte of its addresses.
    number: u8,
    nodes: u8,
}

impl Net {
    /// Lays a network for so many nodes; why that is not possible here otherwise.
    pub(crate) fn lay(nodes: u8) -> Result<Self, String> {
        Self::lay_as("xc", nodes)
    }

    /// The same with names that begin so and go on with the id of this process.
    pub(crate) fn lay_as(prefix: &str, nodes: u8) -> Result<Self, String> {
        let process = std::process::id();
        let laid = LAID.fetch_add(1, Ordering::Relaxed);
        let number = 64 + u8::try_from(process % 120).expect("small") + laid;
        let net = Self { name: format!("{prefix}{:x}-{laid}", process), number, nodes };
        for (bridge, third) in [("p", 1), ("c", 2)] {
            let bridge = format!("{}{bridge}", net.name);
            run(&["ip", "link", "add", &bridge, "type", "bridge"])?;
            run(&["ip", "link", "set", &bridge, "up"])?;
            if third == 2 {
                let outside = format!("{}/24", net.outside());
                run(&["ip", "addr", "add", &outside, "dev", &bridge])?;
            }
        }
        for node in 0..nodes {
            let namespace = net.namespace(node.into());
            run(&["ip", "netns", "add", &namespace])?;
            net.link(&namespace, "p", "peers", node, net.peer_address(node.into()))?;
            net.link(&namespace, "c", "clients", node, net.client_address(node.into()))?;
            run(&["ip", "-n", &namespace, "link", "set", "lo", "up"])?;
        }
        Ok(net)
    }

    /// Links a namespace with a bridge.
    fn link(
        &self,
        namespace: &str,
        bridge: &str,
        inner: &str,
        node: u8,
        address: Ipv4Addr,
    ) -> Result<(), String> {
        let bridge = format!("{}{bridge}", self.name);
        let outer = format!("{bridge}{node}");
        let kind = ["type", "veth", "peer", "name", inner, "netns", namespace];
        run(&[&["ip", "link", "add", &outer][..], &kind].concat())?;
        run(&["ip", "link", "set", &outer, "master", &bridge])?;
        run(&["ip", "link", "set", &outer, "up"])?;
        run(&["ip", "-n", namespace, "addr", "add", &format!("{address}/24"), "dev", inner])?;
        run(&["ip", "-n", namespace, "link", "set", inner, "up"])
    }

    /// The name of a node's namespace.
    pub(crate) fn namespace(&self, node: usize) -> String {
        format!("{}n{node}", self.name)
    }

    /// The words that run a program as a node. It sees the same file systems as everybody, which
    /// `ip netns exec` does not promise: a disk that one program still holds cannot be unmounted.
    pub(crate) fn runner(&self, node: usize) -> Vec<String> {
        let enter = find("nsenter").map_or("nsenter".to_owned(), |path| path.display().to_string());
        vec![enter, format!("--net=/run/netns/{}", self.namespace(node))]
    }

    /// A node's address among its peers.
    pub(crate) fn peer_address(&self, node: usize) -> Ipv4Addr {
        self.address(1, node + 1)
    }

    /// A node's address for clients, and where its callbacks come from.
    pub(crate) fn client_address(&self, node: usize) -> Ipv4Addr {
        self.address(2, node + 1)
    }

    /// Where clients and the target of callbacks are.
    pub(crate) fn outside(&self) -> Ipv4Addr {
        self.address(2, 254)
    }

    fn address(&self, third: u8, fourth: usize) -> Ipv4Addr {
        Ipv4Addr::new(10, self.number, third, u8::try_from(fourth).expect("few nodes"))
    }

    /// Cuts a node off from all its peers.
    pub(crate) fn isolate(&self, node: usize) {
        self.must(&["ip", "link", "set", &format!("{}p{node}", self.name), "down"]);
    }

    /// Loses what one node sends to another.
    pub(crate) fn lose(&self, from: usize, to: usize) {
        let (namespace, to) = (self.namespace(from), self.peer_address(to).to_string());
        let entry = ["neigh", "replace", &to, "lladdr", NOBODY, "dev", "peers", "nud", "permanent"];
        self.must(&[&["ip", "-n", &namespace][..], &entry].concat());
    }

    /// Whether what a node sends to an address and port there is answered, be it with a refusal.
    pub(crate) fn reaches(&self, from: usize, to: Ipv4Addr, port: u16) -> bool {
        let script = format!("exec 3<>/dev/tcp/{to}/{port}");
        let [enter, words @ ..] = &self.runner(from)[..] else { return false };
        let mut command = Command::new(enter);
        command.args(words).args(["timeout", "2", "bash", "-c", &script]);
        let Ok(output) = command.output() else { return false };
        output.status.success() || String::from_utf8_lossy(&output.stderr).contains("refused")
    }

    /// Whether one node reaches another as a peer.
    pub(crate) fn are_linked(&self, from: usize, to: usize) -> bool {
        self.reaches(from, self.peer_address(to), 9)
    }

    /// Lets no more than so many bytes a second leave a node for its peers.
    pub(crate) fn narrow(&self, node: usize, bytes_per_second: u32) -> Result<(), String> {
        let rate = format!("{bytes_per_second}bps");
        let shape = ["tbf", "rate", &rate, "burst", "8192", "latency", "2s"];
        let words = ["tc", "-n", &self.namespace(node), "qdisc", "replace", "dev", "peers", "root"];
        run(&[&words[..], &shape].concat())
    }

    /// Mends everything.
    pub(crate) fn heal(&self) {
        for node in 0..usize::from(self.nodes) {
            self.must(&["ip", "link", "set", &format!("{}p{node}", self.name), "up"]);
            let namespace = self.namespace(node);
            // Whom it has lost by address, and whom it has asked for in vain: both are asked anew.
            for which in [&["all", "nud", "permanent"][..], &[]] {
                let flush = [&["ip", "-n", &namespace, "neigh", "flush"], which, &["dev", "peers"]];
                self.must(&flush.concat());
            }
            // There may be nothing to take away.
            drop(run(&["tc", "-n", &namespace, "qdisc", "del", "dev", "peers", "root"]));
        }
    }

    fn must(&self, words: &[&str]) {
        run(words).unwrap_or_else(|error| panic!("{}: {error}", self.name));
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        for node in 0..usize::from(self.nodes) {
            drop(run(&["ip", "netns", "del", &self.namespace(node)]));
        }
        for bridge in ["p", "c"] {
            drop(run(&["ip", "link", "del", &format!("{}{bridge}", self.name)]));
        }
    }
}
