//! `cluster`: who is in it, who leads, and changes of both.

use super::failure::Failure;
use super::output::Output;
use super::server::Server;
use super::table::{Cell, Table};
use clap::{Args, Subcommand};
use serde_json::json;
use xcron_http::{ClusterStatus, NodeStatus};

/// What is to be done with a cluster.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Cluster {
    /// Shows what the node that is asked knows of its cluster; the leader knows most.
    Status(Status),
    /// Takes a node out for good, a dead one too.
    Remove(Remove),
    /// Hands leadership over.
    Transfer(Transfer),
}

/// Which cluster is to be shown.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  xcron_server cluster status")]
pub struct Status {
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

/// Which node is to go.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = "Example:\n  xcron_server cluster remove 3")]
pub struct Remove {
    /// Its id, as `cluster status` shows it.
    #[arg(value_name = "NODE", value_parser = clap::value_parser!(u64).range(1..))]
    node_id: u64,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

/// Which node is to lead.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(
    after_help = "Examples:\n  xcron_server cluster transfer\n  xcron_server cluster transfer 2"
)]
pub struct Transfer {
    /// Its id; the most suitable other one without it.
    #[arg(value_name = "NODE", value_parser = clap::value_parser!(u64).range(1..))]
    node_id: Option<u64>,
    #[command(flatten)]
    server: Server,
    #[command(flatten)]
    output: Output,
}

impl Cluster {
    pub(super) async fn run(&self) -> Result<(), Failure> {
        match self {
            Self::Status(Status { server, output }) => {
                let status = server.client()?.cluster().await?;
                output.show(&status, |status| told(status, *output))
            }
            Self::Remove(Remove { node_id, server, output }) => {
                server.client()?.remove_node(*node_id).await?;
                output.show(&json!({}), |_| format!("removed node {node_id}\n"))
            }
            Self::Transfer(Transfer { node_id, server, output }) => {
                let leader = server.client()?.transfer_leader(*node_id).await?;
                output.show(&json!({ "leader": leader }), |_| format!("node {leader} leads\n"))
            }
        }
    }
}

fn told(status: &ClusterStatus, output: Output) -> String {
    let ready = status.ready.as_deref();
    let facts = vec![
        ("cluster", Cell::new(&status.cluster_id)),
        ("asked", Cell::new(format!("node {}", status.node_id))),
        ("ready", Cell::judged(ready.unwrap_or("yes"), ready.is_none())),
        ("leader", Cell::maybe(status.leader.map(|leader| format!("node {leader}")))),
        ("term", Cell::of(status.term)),
        ("format", Cell::of(status.format)),
    ];
    let headings =
        ["NODE", "ADDRESS", "ROLE", "VOTES", "REACHABLE", "LAG", "CLOCK", "SNAPSHOT", "VERSION"];
    let mut table = Table::new(&headings);
    status.nodes.iter().for_each(|node| table.row(row(node)));
    format!("{}\n{}", output.facts(facts), output.laid_out(&table))
}

fn row(node: &NodeStatus) -> Vec<Cell> {
    let yes = |is| if is { "yes" } else { "no" };
    vec![
        Cell::of(node.node_id),
        Cell::new(&node.addr),
        Cell::new(node.role.as_str()),
        Cell::new(yes(node.is_voter)),
        Cell::judged(yes(node.is_reachable), node.is_reachable),
        Cell::maybe(node.lag),
        Cell::maybe(node.clock_offset_ms.map(|ms| format!("{ms:+} ms"))),
        Cell::maybe(node.snapshot),
        Cell::new(&node.version),
    ]
}
