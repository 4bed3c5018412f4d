//! What a node says about its cluster, and pages of nodes that may be dead or asleep.

use super::api::Api;
use hyper::{Method, StatusCode};
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::time::timeout;

/// How long a node that is well may take for a page; for anything, no node takes five times that.
const ANSWER_TIME: Duration = Duration::from_secs(2);

/// The answer to `GET /xcron/cluster`.
#[derive(Clone, Debug)]
pub(crate) struct View(Value);

/// What it says about one node.
#[derive(Clone, Debug)]
pub(crate) struct NodeView(Value);

impl View {
    /// As the node at `address` sees it; `None` when it does not say.
    pub(crate) async fn of(address: SocketAddr) -> Option<Self> {
        let (status, text) = page(address, "/xcron/cluster").await?;
        let mut envelope: Value = serde_json::from_str(&text).ok()?;
        (status == StatusCode::OK).then(|| Self(envelope["data"].take()))
    }

    pub(crate) fn cluster_id(&self) -> String {
        self.0["cluster_id"].to_string()
    }

    /// The node that was asked.
    pub(crate) fn node_id(&self) -> u64 {
        self.0["node_id"].as_u64().unwrap_or_else(|| panic!("no node_id: {}", self.0))
    }

    pub(crate) fn leader(&self) -> Option<u64> {
        self.0["leader"].as_u64()
    }

    pub(crate) fn term(&self) -> u64 {
        self.0["term"].as_u64().unwrap_or_else(|| panic!("no term: {}", self.0))
    }

    pub(crate) fn nodes(&self) -> Vec<NodeView> {
        let nodes = self.0["nodes"].as_array();
        let nodes = nodes.unwrap_or_else(|| panic!("no nodes: {}", self.0));
        nodes.iter().cloned().map(NodeView).collect()
    }

    pub(crate) fn node(&self, id: u64) -> Option<NodeView> {
        self.nodes().into_iter().find(|node| node.id() == id)
    }

    /// The ids of those that vote.
    pub(crate) fn voters(&self) -> Vec<u64> {
        self.nodes().iter().filter(|node| node.is_voter()).map(NodeView::id).collect()
    }
}

impl NodeView {
    pub(crate) fn id(&self) -> u64 {
        self.0["node_id"].as_u64().unwrap_or_else(|| panic!("no node_id: {}", self.0))
    }

    pub(crate) fn address(&self) -> &str {
        self.0["addr"].as_str().unwrap_or_else(|| panic!("no addr: {}", self.0))
    }

    pub(crate) fn role(&self) -> &str {
        self.0["role"].as_str().unwrap_or_else(|| panic!("no role: {}", self.0))
    }

    pub(crate) fn is_voter(&self) -> bool {
        self.0["is_voter"].as_bool().unwrap_or_else(|| panic!("no is_voter: {}", self.0))
    }

    /// All that is said.
    pub(crate) const fn json(&self) -> &Value {
        &self.0
    }
}

/// The status and text of a page; `None` when the node does not answer in time.
pub(crate) async fn page(address: SocketAddr, path: &str) -> Option<(StatusCode, String)> {
    let asking = async {
        let mut api = Api::try_connect(address).await.ok()?;
        let (status, body) = api.send(Method::GET, path, None).await.ok()?;
        Some((status, String::from_utf8_lossy(&body).into_owned()))
    };
    timeout(ANSWER_TIME, asking).await.ok()?
}

/// The answer to a call, as code and data; `None` when the node does not answer in time.
pub(crate) async fn call(address: SocketAddr, path: &str, body: Value) -> Option<(i64, Value)> {
    let calling = async { Api::try_connect(address).await.ok()?.call(path, body).await.ok() };
    timeout(5 * ANSWER_TIME, calling).await.ok()?
}

/// The code and data of `queryTask`; `None` when the node does not answer in time.
pub(crate) async fn query(address: SocketAddr, task: &str, how: &str) -> Option<(i64, Value)> {
    let path = format!("/xcron/queryTask?task_id={task}&consistency={how}");
    let asking = async { Api::try_connect(address).await.ok()?.get(&path).await.ok() };
    timeout(5 * ANSWER_TIME, asking).await.ok()?
}
