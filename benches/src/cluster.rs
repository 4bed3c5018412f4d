//! Several servers that are one cluster.

use crate::fault::Result;
use crate::server::{Launch, Server};
use serde_json::json;
use std::net::TcpListener;
use std::path::Path;
use std::time::{Duration, Instant};

/// How many nodes a cluster has.
pub const NODES: usize = 3;
/// How long a cluster may take to be ready, and to have a leader.
const FORM_MAX: Duration = Duration::from_secs(20);

/// A setting of every node, as a variable of its environment.
pub type Setting = (&'static str, String);

/// Starts [`NODES`] servers with `settings` that are one cluster, each of them ready.
///
/// # Errors
/// When one does not start, or is not ready in time.
pub async fn start(binary: &Path, within: &Path, settings: &[Setting]) -> Result<Vec<Server>> {
    let free = || TcpListener::bind("127.0.0.1:0");
    let held: [_; NODES] = [free()?, free()?, free()?];
    let ports =
        held.iter().map(|port| Ok(port.local_addr()?.port())).collect::<Result<Vec<_>>>()?;
    drop(held);
    let hosts: Vec<String> = ports.iter().map(|port| format!("127.0.0.1:{port}")).collect();
    let hosts = json!(hosts).to_string();
    let mut servers = Vec::new();
    for port in ports {
        let mut settings = settings.to_vec();
        settings.push(("XCRON_PEER_PORT", port.to_string()));
        settings.push(("XCRON_PEER__PEER_HOSTS", hosts.clone()));
        let launch = Launch { settings, ..Launch::default() };
        servers.push(Server::start(binary, within, &launch).await?);
    }
    for server in &servers {
        server.ready(FORM_MAX).await?;
    }
    Ok(servers)
}

/// Which of `servers`, all of which run, leads; waits until one does.
///
/// # Errors
/// When none does in time.
pub async fn leader(servers: &[Server]) -> Result<usize> {
    let begun = Instant::now();
    while begun.elapsed() < FORM_MAX {
        for (index, server) in servers.iter().enumerate() {
            if server.metric("xcron_raft_is_leader", "").await? > 0.0 {
                return Ok(index);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Err(format!("{} nodes had no leader in time", servers.len()).into())
}
