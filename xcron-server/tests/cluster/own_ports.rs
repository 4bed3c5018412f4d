//! Callbacks stay away from the ports between the nodes, whichever node makes them.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY};
use crate::target::now_secs;
use crate::turn;
use crate::view;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_callback_goes_to_a_peer_or_monitor_port_of_any_member() {
    let _turn = turn::beside_others().await;
    let cluster = Cluster::prepare(3).formed().await;
    let leader = cluster.leader().await;
    let due = now_secs() + 86_400;
    let asked = cluster.http(leader);
    let own = cluster.members[leader].monitor().expect("it runs");
    let peers = cluster.members.iter().map(|member| member.peer_port);
    for (number, port) in peers.chain([own.port()]).enumerate() {
        let what = format!("callbacks to port {port} are refused");
        for (way, host) in ["127.0.0.1", "0x7f.1", "[::ffff:7f00:1]", "0.0.0.0"].iter().enumerate()
        {
            let task =
                one_shot(&format!("t-{number}-{way}"), due, &format!("http://{host}:{port}/"));
            let refused = async || {
                let (code, _) = view::call(asked, "/xcron/createTask", task.clone()).await?;
                (code == 1003).then_some(())
            };
            cluster.until(RECOVERY, &what, refused).await;
        }
        // What a name means shows when it is dialled.
        let name = format!("name-{number}");
        let mut task = one_shot(&name, now_secs(), &format!("http://localhost:{port}/"));
        task["retry"] = json!({ "max_attempts": 1 });
        cluster.done("/xcron/createTask", task).await;
        let ended = async || {
            let (_, task) = view::query(asked, &name, "linearizable").await?;
            let run = task["last_runs"].get(0)?.clone();
            (run["status"] == "failed").then(|| run["error"].to_string())
        };
        let error = cluster.until(RECOVERY, "the run ends", ended).await;
        assert!(error.contains("a denied address"), "{error}");
    }
    let task = one_shot("elsewhere", due, "http://127.0.0.1:1/");
    cluster.done("/xcron/createTask", task).await;
}
