//! Three server processes in one directory: built, started, asked, killed, stopped.

use crate::http::{Result, get};
use serde_json::json;
use std::ffi::OsString;
use std::fs::{self, File};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::time::sleep;

const NODES: usize = 3;
/// How long the cluster may take to begin, and to find another leader.
const START_MAX: Duration = Duration::from_secs(30);
const ELECTION_MAX: Duration = Duration::from_secs(10);

/// A server process; dropped, it is killed.
#[derive(Debug)]
struct Node {
    api: SocketAddr,
    process: Child,
}

/// The nodes that live, and where all of them keep their data.
#[derive(Debug)]
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    dir: TempDir,
}

/// Who leads, by its own word.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leader {
    pub(crate) id: u64,
    api: SocketAddr,
    term: u64,
}

/// The server, built with the settings that this program was built with.
pub(crate) async fn build_server() -> Result<PathBuf> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut build = Command::new(cargo);
    build.args(["build", "--quiet", "-p", "xcron-server"]);
    if !cfg!(debug_assertions) {
        build.arg("--release");
    }
    let built = build.current_dir(env!("CARGO_MANIFEST_DIR")).kill_on_drop(true).status().await?;
    let binary = std::env::current_exe()?.with_file_name("xcron_server");
    if built.success() && binary.is_file() {
        return Ok(binary);
    }
    Err(format!("{} could not be built", binary.display()).into())
}

impl Cluster {
    /// A directory without nodes.
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { nodes: Vec::new(), dir: tempfile::tempdir()? })
    }

    /// Starts the nodes; each knows of all and none is special.
    pub(crate) fn start(&mut self, binary: &Path) -> Result<()> {
        let ports = free_ports(2 * NODES)?;
        let (peer_ports, api_ports) = ports.split_at(NODES);
        let peers: Vec<_> = peer_ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let peers = json!(peers).to_string();
        for (place, (peer_port, api_port)) in peer_ports.iter().zip(api_ports).enumerate() {
            let home = self.dir.path().join(place.to_string());
            fs::create_dir(&home)?;
            let process = Command::new(binary)
                .env_clear()
                .envs([("XCRON_PEER__PEER_HOSTS", &peers), ("XCRON_LOG", &"warn".to_owned())])
                .envs([("XCRON_PEER_PORT", peer_port), ("XCRON_HTTP_PORT", api_port)].map(text))
                .env("XCRON_MONITOR_PORT", "0")
                .current_dir(&home)
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(File::create(home.join("stderr"))?)
                .kill_on_drop(true)
                .spawn()?;
            self.nodes.push(Node { api: ([127, 0, 0, 1], *api_port).into(), process });
        }
        Ok(())
    }

    /// Where the nodes that live answer.
    pub(crate) fn apis(&self) -> Vec<SocketAddr> {
        self.nodes.iter().map(|node| node.api).collect()
    }

    /// Waits until every node is ready.
    pub(crate) async fn ready(&mut self) -> Result<()> {
        let begun = Instant::now();
        for (place, node) in self.nodes.iter_mut().enumerate() {
            while let Err(why) = get(node.api, "/readyz").await {
                let ended = node.process.try_wait()?;
                if ended.is_some() || begun.elapsed() > START_MAX {
                    let said = self.dir.path().join(place.to_string()).join("stderr");
                    let said = fs::read_to_string(said).unwrap_or_default();
                    return Err(format!("a node does not get ready: {why}\n{said}").into());
                }
                sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Waits until one of those that live says that it leads.
    pub(crate) async fn leader(&self) -> Result<Leader> {
        let begun = Instant::now();
        while begun.elapsed() < ELECTION_MAX {
            let mut newest: Option<Leader> = None;
            for node in &self.nodes {
                let Ok(status) = get(node.api, "/xcron/cluster").await else { continue };
                let (Some(id), Some(term)) = (status["node_id"].as_u64(), status["term"].as_u64())
                else {
                    continue;
                };
                let leads = status["leader"].as_u64() == Some(id);
                if leads && newest.is_none_or(|leader| leader.term < term) {
                    newest = Some(Leader { id, api: node.api, term });
                }
            }
            if let Some(leader) = newest {
                return Ok(leader);
            }
            sleep(Duration::from_millis(10)).await;
        }
        Err(format!("no node leads within {ELECTION_MAX:?}").into())
    }

    /// Ends the process of `leader` as a power cut would: -9.
    pub(crate) async fn kill(&mut self, leader: Leader) -> Result<()> {
        if let Some(place) = self.nodes.iter().position(|node| node.api == leader.api) {
            self.nodes.remove(place).process.kill().await?;
        }
        Ok(())
    }

    /// Ends all of them; then nothing holds on to their directory any more.
    pub(crate) async fn stop(mut self) {
        for node in &mut self.nodes {
            // One that has ended already is as good.
            let _ended = node.process.kill().await;
        }
    }
}

fn text((name, port): (&'static str, &u16)) -> (&'static str, String) {
    (name, port.to_string())
}

/// Ports on which nobody listened a moment ago.
fn free_ports(count: usize) -> Result<Vec<u16>> {
    let listeners = (0..count).map(|_| TcpListener::bind("127.0.0.1:0"));
    let listeners = listeners.collect::<std::io::Result<Vec<_>>>()?;
    let ports = listeners.iter().map(|listener| Ok(listener.local_addr()?.port()));
    ports.collect()
}
