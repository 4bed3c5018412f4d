//! The calls on the cluster: what they ask of it, and what its errors become.

use crate::clusters::Scripted;
use crate::server::{TestServer, quick};
use serde_json::{Value, json};
use std::sync::Arc;
use xcron_core::{Effect, MemoryStore};
use xcron_http::{Cluster, ClusterErrorKind, DispatchSettings, HttpDispatcher};

const REMOVE: &str = "/xcron/cluster/removeNode";
const TRANSFER: &str = "/xcron/cluster/transferLeader";
const BACKUP: &str = "/xcron/cluster/backup";

async fn server(cluster: Option<Arc<Scripted>>) -> TestServer {
    let dispatcher = HttpDispatcher::new(DispatchSettings::default()).unwrap();
    let (store, dispatcher) = (Arc::new(MemoryStore::new()), Arc::new(dispatcher));
    let cluster = cluster.map(|cluster| cluster as Arc<dyn Cluster>);
    TestServer::clustered(store, dispatcher, quick(), cluster).await
}

#[tokio::test]
async fn the_cluster_is_shown_as_its_node_knows_it() {
    let server = server(Some(Arc::new(Scripted::sound()))).await;
    let expected = json!({
        "cluster_id": "00112233445566778899aabbccddeeff",
        "node_id": 1,
        "leader": 1,
        "term": 3,
        "format": 1,
        "ready": null,
        "nodes": [
            {
                "node_id": 1, "addr": "10.0.0.1:8899", "role": "leader", "is_voter": true,
                "is_reachable": true, "last_seen_ms": null, "last_log": 12, "committed": 11,
                "applied": 10, "lag": 0, "snapshot": 5, "version": "0.1.0", "format_max": 2,
                "clock_offset_ms": null,
            },
            {
                "node_id": 7, "addr": "[::1]:8899", "role": "learner", "is_voter": false,
                "is_reachable": false, "last_seen_ms": 30_000, "last_log": null,
                "committed": null, "applied": null, "lag": null, "snapshot": null,
                "version": "", "format_max": 0, "clock_offset_ms": -25,
            },
        ],
    });
    let reply = server.get("/xcron/cluster").await;
    assert_eq!((reply.status, reply.code(), reply.data()), (200, 0, &expected));
}

#[tokio::test]
async fn a_node_without_a_leader_shows_null_and_says_why_it_is_not_ready() {
    let failing = Scripted::failing(ClusterErrorKind::Unavailable, Effect::None);
    let server = server(Some(Arc::new(failing))).await;
    let reply = server.get("/xcron/cluster").await;
    assert_eq!((reply.code(), &reply.data()["leader"]), (0, &Value::Null));
    assert_eq!(reply.data()["ready"], "so it is");
}

#[tokio::test]
async fn a_sound_call_asks_the_cluster_and_shows_its_answer() {
    let cluster = Arc::new(Scripted::sound());
    let server = server(Some(Arc::clone(&cluster))).await;
    let largest = i64::MAX;
    for (path, body, data, asked) in [
        (REMOVE, json!({"node_id": 3}), json!({}), "remove 3".to_owned()),
        (REMOVE, json!({"node_id": largest}), json!({}), format!("remove {largest}")),
        (TRANSFER, json!({"node_id": 1}), json!({"leader": 1}), "transfer to Some(1)".to_owned()),
        (TRANSFER, json!({}), json!({"leader": 2}), "transfer to None".to_owned()),
        (TRANSFER, json!({"node_id": null}), json!({"leader": 2}), "transfer to None".to_owned()),
    ] {
        let reply = server.post(path, &body).await;
        assert_eq!((reply.status, reply.code(), reply.data()), (200, 0, &data), "{path} {body}");
        assert_eq!(cluster.asked(), [asked]);
    }
}

#[tokio::test]
async fn a_call_that_is_not_understood_asks_the_cluster_nothing() {
    let cluster = Arc::new(Scripted::sound());
    let server = server(Some(Arc::clone(&cluster))).await;
    for (path, body, part) in [
        (REMOVE, "{}", "node_id is missing, expected the id of a node"),
        (REMOVE, r#"{"node_id": null}"#, "node_id is missing"),
        (REMOVE, r#"{"node_id": "3"}"#, "node_id is a string, expected an integer"),
        (REMOVE, r#"{"node_id": 0}"#, "node_id is 0, expected 1 or more"),
        (REMOVE, r#"{"node_id": -1}"#, "node_id is -1, expected 0 or more"),
        (REMOVE, r#"{"node_id": 1.5}"#, "node_id is 1.5, expected an integer"),
        (REMOVE, r#"{"node_id": 9223372036854775808}"#, "expected an integer of at most 63 bits"),
        (REMOVE, r#"{"node_id": [1]}"#, "node_id is an array, expected an integer"),
        (REMOVE, r#"{"node_id": 1, "node_id": 2}"#, "node_id is there twice"),
        (REMOVE, r#"{"node_id": 1, "force": true}"#, "force is unknown, expected one of node_id"),
        (REMOVE, "[1]", "body is no object"),
        (REMOVE, "", "body is not acceptable JSON"),
        (TRANSFER, r#"{"node_id": true}"#, "node_id is a truth value, expected an integer"),
        (TRANSFER, r#"{"node_id": 0}"#, "node_id is 0, expected 1 or more"),
        (TRANSFER, r#"{"to": 1}"#, "to is unknown, expected one of node_id"),
        (TRANSFER, "null", "body is no object"),
    ] {
        let reply = server.request(&format!("POST {path} HTTP/1.1"), body).await;
        assert_eq!((reply.status, reply.code()), (400, 1000), "{path} {body}");
        assert!(reply.message().contains(part), "{body}: {}", reply.message());
    }
    for path in ["/xcron/cluster", BACKUP] {
        let reply = server.get(&format!("{path}?node_id=1")).await;
        assert_eq!((reply.status, reply.code()), (400, 1000), "{path}");
        assert_eq!(reply.message(), "node_id is unknown, expected no parameters");
    }
    assert_eq!(cluster.asked(), [""; 0]);
}

#[tokio::test]
async fn a_failed_operation_says_what_became_of_it() {
    let (none, unknown) = (json!({"effect": "none"}), json!({"effect": "unknown"}));
    for (kind, effect, status, code, data) in [
        (ClusterErrorKind::NoSuchNode, Effect::None, 404, 1404, json!({})),
        (ClusterErrorKind::Refused, Effect::None, 409, 1409, json!({})),
        (ClusterErrorKind::Invalid, Effect::None, 400, 1000, json!({})),
        (ClusterErrorKind::Unavailable, Effect::None, 503, 1503, none.clone()),
        (ClusterErrorKind::Unavailable, Effect::Unknown, 503, 1503, unknown.clone()),
        (ClusterErrorKind::Internal, Effect::None, 500, 1500, none),
        (ClusterErrorKind::Internal, Effect::Unknown, 500, 1500, unknown),
    ] {
        let server = server(Some(Arc::new(Scripted::failing(kind, effect)))).await;
        let body = json!({"node_id": 2});
        for (reply, data) in [
            (server.post(REMOVE, &body).await, &data),
            (server.post(TRANSFER, &body).await, &data),
            (server.get(BACKUP).await, &json!({})),
        ] {
            let seen = (reply.status, reply.code(), reply.data(), reply.message());
            assert_eq!(seen, (status, code, data, "so it is"), "{kind:?}");
            assert_eq!(reply.header("retry-after").is_some(), status == 503, "{kind:?}");
        }
    }
}

#[tokio::test]
async fn a_server_without_a_cluster_says_so() {
    let server = server(None).await;
    for reply in [
        server.get("/xcron/cluster").await,
        server.post(REMOVE, &json!({"node_id": 1})).await,
        server.post(TRANSFER, &json!({})).await,
        server.get(BACKUP).await,
    ] {
        let seen = (reply.status, reply.code(), reply.message());
        assert_eq!(seen, (404, 1404, "this server has no cluster"));
    }
}
