//! One of three left: it promises nothing that it cannot keep, and says so.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY};
use crate::target::{Target, now_secs};
use crate::turn;
use crate::view::{call, page, query};
use hyper::StatusCode;
use serde_json::{Value, json};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_quorum_nothing_is_promised_and_with_one_everything_works() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let far = now_secs() + 3_600;
    for leader_survives in [false, true] {
        let name = |what: &str| format!("{what}-{leader_survives}");
        let before = one_shot(&name("before"), far, &target.prompt());
        cluster.done("/xcron/createTask", before).await;
        let leader = cluster.leader().await;
        let survivor = if leader_survives { leader } else { (leader + 1) % 3 };
        let address = cluster.http(survivor);
        // It has seen the task, so that it can show it later.
        let shows = async || (query(address, &name("before"), "stale").await?.0 == 0).then_some(());
        cluster.until(RECOVERY, "the survivor has applied the task", shows).await;
        for step in 1..=2 {
            cluster.kill((survivor + step) % 3).await;
        }
        let unready = async || {
            let (status, why) = cluster.readiness(survivor).await?;
            (status == StatusCode::SERVICE_UNAVAILABLE && !why.trim().is_empty()).then_some(())
        };
        cluster.until(RECOVERY, "the survivor says that it is not ready", unready).await;
        let (status, _) = page(address, "/healthz").await.expect("it lives");
        assert_eq!(status, StatusCode::OK);

        let task = one_shot(&name("during"), far, &target.prompt());
        let created = call(address, "/xcron/createTask", task.clone()).await;
        let created = effect(created, "a create");
        let delete = json!({ "task_id": name("before") });
        let deleted = call(address, "/xcron/deleteTask", delete).await;
        let deleted = effect(deleted, "a delete");
        let (code, said) = query(address, &name("before"), "linearizable").await.expect("an end");
        assert_eq!(code, 1503, "a linearizable read: {said}");
        let (code, found) = query(address, &name("before"), "stale").await.expect("an answer");
        assert_eq!((code, &found["task_id"]), (0, &json!(name("before"))), "{found}");

        cluster.start((survivor + 1) % 3).await;
        cluster.await_whole(RECOVERY).await;
        // What was certainly not done is not done later either.
        let found = query(address, &name("during"), "linearizable").await.expect("an answer");
        assert!(found.0 == 1404 || found.0 == 0 && created == "unknown", "{created}: {found:?}");
        let found = query(address, &name("before"), "linearizable").await.expect("an answer");
        assert!(found.0 == 0 || found.0 == 1404 && deleted == "unknown", "{deleted}: {found:?}");
        cluster.done("/xcron/createTask", task).await;
        cluster.start((survivor + 2) % 3).await;
        cluster.await_whole(RECOVERY).await;
    }
}

/// The effect that an answer admits to, which must be that there is no quorum.
fn effect(answer: Option<(i64, Value)>, what: &str) -> String {
    let (code, said) = answer.unwrap_or_else(|| panic!("{what} got no answer"));
    assert_eq!(code, 1503, "{what}: {said}");
    let effect = said["data"]["effect"].as_str().unwrap_or_default().to_owned();
    assert!(["none", "unknown"].contains(&&*effect), "{what}: {said}");
    effect
}
