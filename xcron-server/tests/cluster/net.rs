//! A network of its own: each node in a namespace, with one link to its peers and one to clients.
//!
//! Only the links between peers are cut, so that clients and callbacks still get through to a
//! node that its peers have lost.

use crate::tools::{find, run};
use std::net::Ipv4Addr;
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
        let process = std::process::id();
        let laid = LAID.fetch_add(1, Ordering::Relaxed);
        let number = 64 + u8::try_from(process % 120).expect("small") + laid;
        let net = Self { name: format!("xc{:x}{laid}", process & 0xffff), number, nodes };
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

    /// The words that run a program as a node.
    pub(crate) fn runner(&self, node: usize) -> Vec<String> {
        let ip = find("ip").expect("the network was laid with it").display().to_string();
        vec![ip, "netns".to_owned(), "exec".to_owned(), self.namespace(node)]
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

    /// Mends everything.
    pub(crate) fn heal(&self) {
        for node in 0..usize::from(self.nodes) {
            self.must(&["ip", "link", "set", &format!("{}p{node}", self.name), "up"]);
            let flush = ["neigh", "flush", "all", "nud", "permanent", "dev", "peers"];
            let namespace = self.namespace(node);
            self.must(&[&["ip", "-n", &namespace][..], &flush].concat());
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

#[test]
fn links_between_peers_are_cut_and_mended_one_way_and_both() {
    let net = match Net::lay(2) {
        Ok(net) => net,
        Err(why) => return crate::tools::did_not_run("links that are cut", &why),
    };
    let listens = std::net::TcpListener::bind((net.outside(), 0)).expect("an address outside");
    let port = listens.local_addr().expect("an address").port();
    let reaches = |node: usize, address: Ipv4Addr, port: u16| {
        // The end of a connection attempt: made, or refused because nobody listens there.
        let script = format!("exec 3<>/dev/tcp/{address}/{port}");
        let [ip, words @ ..] = &net.runner(node)[..] else { panic!("a program and its words") };
        let mut command = std::process::Command::new(ip);
        command.args(words).args(["timeout", "1", "bash", "-c", &script]);
        let output = command.output().expect("a shell");
        output.status.success() || String::from_utf8_lossy(&output.stderr).contains("refused")
    };
    let peers = |from: usize, to: usize| reaches(from, net.peer_address(to), 9);
    assert!(peers(0, 1) && peers(1, 0), "they reach each other");
    net.isolate(0);
    assert!(!peers(0, 1) && !peers(1, 0), "one is isolated");
    assert!(reaches(0, net.outside(), port), "clients are still there");
    net.heal();
    assert!(peers(0, 1) && peers(1, 0), "it is mended");
    // What is lost one way has no answer, whoever asks.
    net.lose(0, 1);
    assert!(!peers(0, 1) && !peers(1, 0), "one does not get through to the other");
    net.heal();
    assert!(peers(0, 1) && peers(1, 0), "it is mended again");
}
