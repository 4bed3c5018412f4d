//! The description says what the server does: its examples work, its fields are the server's.

use crate::server::{Reply, TestServer, sound_but};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use xcron_http::NodeRole;

async fn document(server: &TestServer) -> Value {
    let reply = server.get("/openapi.json").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    reply.body
}

fn names(object: &Value) -> BTreeSet<String> {
    object.as_object().unwrap().keys().cloned().collect()
}

/// The fields that the refusal of an unknown one names.
fn expected_in(refusal: &Reply) -> BTreeSet<String> {
    let (_problem, known) = refusal.message().split_once("one of ").unwrap();
    known.split(", ").map(str::to_owned).collect()
}

#[tokio::test]
async fn every_described_call_is_answered_and_takes_no_other_method() {
    let server = TestServer::start().await;
    for (path, methods) in document(&server).await["paths"].as_object().unwrap() {
        for method in ["get", "post", "put", "delete", "patch"] {
            let head = format!("{} {path} HTTP/1.1", method.to_uppercase());
            let reply = server.request(&head, "{}").await;
            let is_described = methods.get(method).is_some();
            assert_eq!(reply.status == 405, !is_described, "{method} {path}: {reply:?}");
            assert_ne!(reply.status, 404, "{method} {path}");
            assert!(reply.header("x-request-id").is_some(), "{method} {path}");
            if is_described {
                let described = names(&methods[method]["responses"]);
                assert!(described.contains(&reply.status.to_string()), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn every_example_works() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let calls = [
        "createTask",
        "updateTask",
        "pauseTask",
        "resumeTask",
        "triggerTask",
        "retryRun",
        "createTasks",
        "deleteTasks",
        "deleteTask",
        "cluster/removeNode",
        "cluster/transferLeader",
    ];
    for path in calls.map(|call| format!("/xcron/{call}")) {
        let path = path.as_str();
        let body = &document["paths"][path]["post"]["requestBody"];
        let examples = &body["content"]["application/json"]["examples"];
        for (name, example) in examples.as_object().unwrap() {
            let reply = server.post(path, &example["value"]).await;
            assert_eq!(reply.code(), 0, "{path} {name}: {reply:?}");
        }
    }
    for call in ["queryTask", "previewSchedule", "listTasks", "listRuns"] {
        let path = format!("/xcron/{call}");
        let path = path.as_str();
        server.create(&sound_but("task_id", json!("billing:daily"))).await;
        let mut query = String::new();
        for parameter in document["paths"][path]["get"]["parameters"].as_array().unwrap() {
            if let Some(example) = parameter.get("example") {
                let value = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
                let name = parameter["name"].as_str().unwrap();
                query.push_str(&format!("&{name}={}", value.replace(' ', "%20")));
            }
        }
        let reply = server.get(&format!("{path}?{}", &query[1..])).await;
        assert_eq!(reply.code(), 0, "{path}?{query}: {reply:?}");
    }
}

#[tokio::test]
async fn the_fields_of_a_task_are_the_described_ones() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let schemas = &document["components"]["schemas"];
    let unknown = server.create(&sound_but("no_such_field", json!(1))).await;
    assert_eq!(names(&schemas["NewTask"]["properties"]), expected_in(&unknown));
    let unknown = server.create(&sound_but("retry", json!({"no_such_field": 1}))).await;
    assert_eq!(names(&schemas["Retry"]["properties"]), expected_in(&unknown));

    server.create(&sound_but("task_id", json!("changed"))).await;
    let defaults = server.get("/xcron/defaults").await;
    let (rest, callback) = (defaults.data(), &defaults.data()["callback"]);
    assert_eq!(names(&schemas["Defaults"]["properties"]), names(rest));
    assert_eq!(names(&schemas["CallbackDefaults"]["properties"]), names(callback));
    let mut left_open = names(&schemas["NewTask"]["properties"]);
    left_open.retain(|name| !["task_id", "type", "format"].contains(&name.as_str()));
    assert_eq!(left_open, names(rest), "the others have no default");
    let table = [
        ("TaskChange", json!({"task_id": "changed", "no_such_field": 1})),
        ("CallbackChange", json!({"task_id": "changed", "callback": {"no_such_field": 1}})),
        ("RetryChange", json!({"task_id": "changed", "retry": {"no_such_field": 1}})),
    ];
    for (schema, change) in table {
        let unknown = server.post("/xcron/updateTask", &change).await;
        let fields = &schemas[schema]["properties"];
        assert_eq!(names(fields), expected_in(&unknown), "{schema}");
        for (name, field) in fields.as_object().unwrap() {
            assert!(field.get("default").is_none(), "{schema}.{name}: what is absent stays");
        }
    }
    for call in ["deleteTasks", "retryRun"] {
        let path = format!("/xcron/{call}");
        let unknown = server.post(&path, &json!({"no_such_field": 1})).await;
        let body = &document["paths"][&path]["post"]["requestBody"]["content"]["application/json"];
        let ways = body["schema"]["oneOf"].as_array().unwrap().iter();
        let described: BTreeSet<String> = ways.flat_map(|way| names(&way["properties"])).collect();
        assert_eq!(described, expected_in(&unknown), "{call}");
    }

    server.create(&sound_but("task_id", json!("shown"))).await;
    let shown = server.get("/xcron/queryTask?task_id=shown").await;
    assert_eq!(names(&schemas["Task"]["properties"]), names(shown.data()));
    for (schema, field) in [("TaskCallback", "callback"), ("TaskRetry", "retry")] {
        let shown = names(&shown.data()[field]);
        assert_eq!(names(&schemas[schema]["properties"]), shown, "{schema}");
        let required = schemas[schema]["required"].as_array().unwrap().iter();
        let required: BTreeSet<_> =
            required.map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(required, shown, "{schema}");
    }
}

/// A schema in a request, a body that the server takes, and where in the body its fields are.
const BODIES: &[(&str, &str, &str, &str)] = &[
    ("NewTask", "createTask", r#"{"type": 2, "format": "4102444800", CALL}"#, ""),
    ("Callback", "createTask", r#"{"type": 2, "format": "4102444800", CALL}"#, "/callback"),
    ("Retry", "createTask", r#"{"type": 2, "format": "4102444800", CALL, "retry": {}}"#, "/retry"),
    ("TaskChange", "updateTask", r#"{"task_id": "t"}"#, ""),
    ("CallbackChange", "updateTask", r#"{"task_id": "t", "callback": {}}"#, "/callback"),
    ("RetryChange", "updateTask", r#"{"task_id": "t", "retry": {}}"#, "/retry"),
    ("TaskName", "triggerTask", r#"{"task_id": "t"}"#, ""),
    ("NodeName", "cluster/removeNode", r#"{"node_id": 1}"#, ""),
    ("NewLeader", "cluster/transferLeader", "{}", ""),
];

#[tokio::test]
async fn null_is_taken_where_the_description_says_so_and_nowhere_else() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let schemas = &document["components"]["schemas"];
    server.create(&sound_but("task_id", json!("t"))).await;
    for (schema, call, body, at) in BODIES {
        let sound = body.replace("CALL", r#""callback": {"url": "http://127.0.0.1:9/"}"#);
        let sound: Value = serde_json::from_str(&sound).unwrap();
        let path = format!("/xcron/{call}");
        assert_eq!(server.post(&path, &sound).await.code(), 0, "{schema}");
        for (name, field) in schemas[schema]["properties"].as_object().unwrap() {
            let mut body = sound.clone();
            body.pointer_mut(at).unwrap()[name] = Value::Null;
            let reply = server.post(&path, &body).await;
            let reference = field["$ref"].as_str().and_then(|path| path.rsplit('/').next());
            let field = reference.map_or(field, |referred| &schemas[referred]);
            let is_nullable = field["nullable"] == json!(true);
            assert_eq!(reply.code() == 0, is_nullable, "{schema}.{name}: {reply:?}");
        }
    }
}

#[tokio::test]
async fn the_parameters_of_a_call_are_the_described_ones() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    server.create(&sound_but("task_id", json!("t"))).await;
    let calls = [
        ("queryTask", "task_id=t"),
        ("previewSchedule", "type=1&format=@daily"),
        ("listTasks", ""),
        ("listRuns", ""),
    ];
    for (call, query) in calls {
        let unknown = server.get(&format!("/xcron/{call}?{query}&x=1")).await;
        let parameters = &document["paths"][format!("/xcron/{call}")]["get"]["parameters"];
        let described = parameters.as_array().unwrap().iter();
        let described: BTreeSet<String> =
            described.map(|parameter| parameter["name"].as_str().unwrap().to_owned()).collect();
        assert_eq!(described, expected_in(&unknown), "{call}");
    }
}

#[tokio::test]
async fn the_fields_of_the_cluster_are_the_described_ones() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let schemas = &document["components"]["schemas"];
    let shown = server.get("/xcron/cluster").await;
    let shown = shown.data();
    for (name, shown) in [("Cluster", shown), ("Node", &shown["nodes"][0])] {
        let schema = &schemas[name];
        assert_eq!(names(&schema["properties"]), names(shown), "{name}");
        let required = schema["required"].as_array().unwrap().iter();
        let required: BTreeSet<String> = required.map(|r| r.as_str().unwrap().into()).collect();
        assert_eq!(required, names(shown), "{name}: every field is always there");
    }
    let roles = NodeRole::ALL.map(|role| json!(role));
    assert_eq!(roles.to_vec(), NodeRole::ALL.map(|role| json!(role.as_str())));
    assert_eq!(schemas["Node"]["properties"]["role"]["enum"], json!(roles));
}

#[tokio::test]
async fn defaults_and_choices_are_the_described_ones() {
    let server = TestServer::start().await;
    let document = document(&server).await;
    let fields = &document["components"]["schemas"]["NewTask"]["properties"];
    let mut cron = sound_but("type", json!(1));
    (cron["format"], cron["task_id"]) = (json!("@daily"), json!("plain"));
    assert_eq!(server.create(&cron).await.code(), 0);
    let shown = server.get("/xcron/queryTask?task_id=plain").await;
    for (name, field) in fields.as_object().unwrap() {
        if let Some(default) = field.get("default") {
            assert_eq!(shown.data()[name], *default, "{name}");
        }
        for choice in field.get("enum").and_then(Value::as_array).into_iter().flatten() {
            let mut task = cron.clone();
            task.as_object_mut().unwrap().remove("task_id");
            task[name] = choice.clone();
            if name == "type" && *choice == 2 {
                task["format"] = json!("4102444800");
            }
            assert_eq!(server.create(&task).await.code(), 0, "{name}: {choice}");
        }
    }
}
