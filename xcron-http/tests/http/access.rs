//! Who may call what: every route, every role, and what strangers are told.

use crate::clusters::Scripted;
use crate::server::{Reply, TestServer, quick, read_to_end, sound};
use async_trait::async_trait;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;
use tokio::io::AsyncWriteExt;
use tokio::sync::Semaphore;
use xcron_core::{Effect, MemoryStore};
use xcron_http::{
    Access, Backup, Cluster, ClusterError, ClusterErrorKind, ClusterStatus, DispatchSettings,
    HttpDispatcher, Role, ServerSettings, TokenDigest,
};

/// What is sent with a request: nothing, a token that nobody has, and one for each role.
pub(crate) const TOKENS: [&str; 5] = [
    "",
    "wrong-wrong-wrong-wrong",
    "read-read-read-read",
    "write-write-write",
    "admin-admin-admin",
];

/// Those three tokens.
pub(crate) fn three(access: Access) -> Access {
    Role::ALL.into_iter().zip(&TOKENS[2..]).fold(access, |access, (role, token)| {
        access.with_token(role.as_str(), TokenDigest::of(token.as_bytes()), role)
    })
}

pub(crate) async fn server(
    access: Access,
    cluster: Arc<dyn Cluster>,
    settings: ServerSettings,
) -> TestServer {
    let dispatcher = Arc::new(HttpDispatcher::new(DispatchSettings::default()).unwrap());
    let store = Arc::new(MemoryStore::new());
    TestServer::guarded(store, dispatcher, settings, Some(cluster), access).await
}

/// One request with `token`, if it is any.
pub(crate) async fn ask(server: &TestServer, line: &str, body: &str, token: &str) -> Reply {
    let mut head = format!("{line} HTTP/1.1");
    if !token.is_empty() {
        head.push_str(&format!("\r\nauthorization: Bearer {token}"));
    }
    server.request(&head, body).await
}

/// A request, its body, and the status that it gets with each of [`TOKENS`].
type Row = (&'static str, &'static str, [u16; 5]);

const SOUND: &str =
    r#"{"type": 2, "format": "4102444800", "callback": {"url": "http://127.0.0.1:9/"}}"#;
const NODE: &str = r#"{"node_id": 3}"#;

const TABLE: &[Row] = &[
    ("POST /xcron/createTask", SOUND, [401, 401, 403, 200, 200]),
    ("POST /xcron/deleteTask", r#"{"task_id": "absent"}"#, [401, 401, 403, 404, 404]),
    ("POST /xcron/updateTask", r#"{"task_id": "absent"}"#, [401, 401, 403, 404, 404]),
    ("POST /xcron/pauseTask", r#"{"task_id": "absent"}"#, [401, 401, 403, 404, 404]),
    ("POST /xcron/resumeTask", r#"{"task_id": "absent"}"#, [401, 401, 403, 404, 404]),
    ("POST /xcron/triggerTask", r#"{"task_id": "absent"}"#, [401, 401, 403, 404, 404]),
    ("POST /xcron/createTasks", r#"{"tasks": []}"#, [401, 401, 403, 200, 200]),
    ("POST /xcron/deleteTasks", r#"{"task_ids": []}"#, [401, 401, 403, 200, 200]),
    ("POST /xcron/retryRun", r#"{"run_id": "absent@1"}"#, [401, 401, 403, 404, 404]),
    ("GET /xcron/listTasks", "", [401, 401, 200, 200, 200]),
    ("GET /xcron/listRuns", "", [401, 401, 200, 200, 200]),
    ("GET /xcron/audit", "", [401, 401, 200, 200, 200]),
    ("GET /xcron/queryTask?task_id=absent", "", [401, 401, 404, 404, 404]),
    ("GET /xcron/defaults", "", [401, 401, 200, 200, 200]),
    ("GET /xcron/previewSchedule?type=1&format=@daily", "", [401, 401, 200, 200, 200]),
    ("GET /xcron/cluster", "", [401, 401, 200, 200, 200]),
    ("GET /xcron/metrics", "", [401, 401, 200, 200, 200]),
    ("POST /xcron/cluster/removeNode", NODE, [401, 401, 403, 403, 200]),
    ("POST /xcron/cluster/transferLeader", NODE, [401, 401, 403, 403, 200]),
    ("GET /xcron/cluster/backup", "", [401, 401, 403, 403, 200]),
    ("GET /", "", [200; 5]),
    ("GET /assets/any/app.js", "", [200; 5]),
    ("HEAD /assets/any/base.css", "", [200; 5]),
    ("GET /assets/any/nothing.js", "", [404; 5]),
    ("POST /assets/any/app.js", "{}", [405; 5]),
    ("GET /assets/app.js", "", [401, 401, 404, 404, 404]),
    ("GET /openapi.json", "", [200; 5]),
    ("GET /healthz", "", [200; 5]),
    ("GET /readyz", "", [200; 5]),
    // Who may not call is not told either what is there and which method it takes.
    ("GET /xcron/createTask", "", [401, 401, 403, 405, 405]),
    ("POST /xcron/cluster", "{}", [401, 401, 405, 405, 405]),
    ("HEAD /xcron/cluster/backup", "", [401, 401, 403, 403, 200]),
    ("GET /xcron/nowhere", "", [401, 401, 404, 404, 404]),
    ("GET /xcron/cluster/", "", [401, 401, 404, 404, 404]),
    ("GET //xcron/cluster/backup", "", [401, 401, 404, 404, 404]),
    ("GET /XCRON/cluster/backup", "", [401, 401, 404, 404, 404]),
    ("GET /nowhere", "", [401, 401, 404, 404, 404]),
    ("POST /healthz", "{}", [405; 5]),
];

#[tokio::test]
async fn every_route_lets_in_whom_it_says_and_nobody_else() {
    let cluster = Arc::new(Scripted::sound());
    let server = server(three(Access::by_token()), cluster.clone(), quick()).await;
    for (line, body, expected) in TABLE {
        for (token, expected) in TOKENS.iter().zip(expected) {
            let reply = ask(&server, line, body, token).await;
            assert_eq!(reply.status, *expected, "{line} with {token:?}: {reply:?}");
            let challenge = reply.header("www-authenticate");
            assert_eq!(challenge, (*expected == 401).then_some("bearer"), "{line} {token:?}");
            if [401, 403].contains(expected) {
                let is_head = line.starts_with("HEAD");
                assert!(is_head || reply.code() == 1_000 + u64::from(*expected), "{line}");
                assert_eq!(cluster.asked(), [""; 0], "{line} with {token:?} was done");
            }
            cluster.asked();
        }
    }
}

#[tokio::test]
async fn the_table_above_has_every_path_of_the_description() {
    let server = TestServer::start().await;
    let described = server.get("/openapi.json").await.body["paths"].clone();
    let described: BTreeSet<String> = described.as_object().unwrap().keys().cloned().collect();
    let path = |line: &str| line.split([' ', '?']).nth(1).unwrap_or_default().to_owned();
    let tried: BTreeSet<String> = TABLE.iter().map(|(line, ..)| path(line)).collect();
    let untried: Vec<_> = described.difference(&tried).collect();
    assert!(untried.is_empty(), "{untried:?}");
}

#[tokio::test]
async fn where_callers_may_be_anonymous_a_token_still_counts() {
    let server = server(three(Access::open()), Arc::new(Scripted::sound()), quick()).await;
    let expected = [200, 401, 403, 403, 200];
    for (token, expected) in TOKENS.iter().zip(expected) {
        let reply = ask(&server, "POST /xcron/cluster/removeNode", NODE, token).await;
        assert_eq!(reply.status, expected, "{token:?}");
    }
}

#[tokio::test]
async fn where_there_are_no_tokens_whatever_is_sent_is_ignored() {
    let server = TestServer::start().await;
    for token in TOKENS {
        assert_eq!(ask(&server, "GET /xcron/cluster", "", token).await.status, 200, "{token:?}");
    }
    let basic = "GET /xcron/cluster HTTP/1.1\r\nauthorization: Basic YTpi";
    assert_eq!(server.request(basic, "").await.status, 200);
}

#[tokio::test]
async fn a_refusal_says_what_is_missing() {
    let server = server(three(Access::by_token()), Arc::new(Scripted::sound()), quick()).await;
    let good = format!("authorization: Bearer {}", TOKENS[4]);
    let basic = "authorization: Basic YTpi".to_owned();
    let not_understood = "authorization is not understood, expected Bearer and a token";
    for (headers, message) in [
        (String::new(), "authorization is missing, expected Bearer and a token"),
        (format!("authorization: Bearer {}x", TOKENS[4]), "the token is not known"),
        (format!("authorization: Bearer {}", &TOKENS[4][1..]), "the token is not known"),
        (good.to_uppercase(), "the token is not known"),
        (basic, not_understood),
        ("authorization: Bearer".to_owned(), not_understood),
        (format!("{good}\r\n{good}"), "authorization is there twice, expected one header"),
    ] {
        let line = "GET /xcron/cluster HTTP/1.1";
        let head = [line, &headers].join("\r\n");
        let reply = server.request(head.trim_end(), "").await;
        assert_eq!((reply.status, reply.code(), reply.message()), (401, 1401, message));
    }
    let reply = ask(&server, "GET /xcron/cluster/backup", "", TOKENS[2]).await;
    assert_eq!(reply.message(), "the token has the role read, expected admin or more");
    let shouted = good.replace("Bearer", "BEARER").replace("authorization", "AuthoriZation");
    let head = format!("GET /xcron/cluster HTTP/1.1\r\n{shouted}");
    assert_eq!(server.request(&head, "").await.code(), 0);
}

#[tokio::test]
async fn a_strangers_body_is_not_read() {
    let server = server(three(Access::by_token()), Arc::new(Scripted::sound()), quick()).await;
    for length in ["100", "999999999999"] {
        let mut stream = server.connect().await;
        let head = format!(
            "POST /xcron/createTask HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\n\
             content-length: {length}\r\n\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let reply = Reply::read(&read_to_end(&mut stream).await);
        assert_eq!((reply.status, reply.code()), (401, 1401), "{length}");
    }
    server.assert_serves("strangers").await;
}

#[tokio::test]
async fn what_a_stranger_sends_as_a_body_is_no_request() {
    let server = server(three(Access::by_token()), Arc::new(Scripted::sound()), quick()).await;
    let hidden = "GET /healthz HTTP/1.1\r\nhost: a\r\n\r\n";
    for framing in [
        format!("content-length: {}\r\n\r\n{hidden}", hidden.len()),
        format!("transfer-encoding: chunked\r\n\r\n{:x}\r\n{hidden}\r\n0\r\n\r\n", hidden.len()),
    ] {
        let request = format!("POST /xcron/createTask HTTP/1.1\r\nhost: a\r\n{framing}");
        let said = server.exchange(request.as_bytes()).await;
        assert_eq!(said.matches("HTTP/1.1 ").count(), 1, "{said}");
        assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
    }
}

/// A cluster that removes a node once it is let.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) entered: Semaphore,
    let_go: Semaphore,
}

impl Held {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self { entered: Semaphore::new(0), let_go: Semaphore::new(0) })
    }
}

#[async_trait]
impl Cluster for Held {
    fn status(&self) -> ClusterStatus {
        ClusterStatus::default()
    }

    async fn remove_node(&self, _node_id: u64) -> Result<(), ClusterError> {
        self.entered.add_permits(1);
        self.let_go.acquire().await.unwrap().forget();
        Ok(())
    }

    async fn transfer_leader(&self, node_id: Option<u64>) -> Result<u64, ClusterError> {
        Ok(node_id.unwrap_or(1))
    }

    async fn backup(&self) -> Result<Backup, ClusterError> {
        Err(ClusterError::new(ClusterErrorKind::Refused, Effect::None, "nobody asks for one"))
    }
}

#[tokio::test]
async fn one_token_cannot_take_all_places() {
    let held = Held::new();
    let settings = ServerSettings { requests_in_flight_per_token_max: 1, ..quick() };
    for (access, first, other) in
        [(three(Access::by_token()), TOKENS[4], TOKENS[3]), (three(Access::open()), "", TOKENS[4])]
    {
        let server = server(access, held.clone(), settings).await;
        let holding = ask(&server, "POST /xcron/cluster/removeNode", NODE, first);
        let meanwhile = async {
            held.entered.acquire().await.unwrap().forget();
            let reply = ask(&server, "POST /xcron/createTask", SOUND, first).await;
            assert_eq!((reply.status, reply.code()), (429, 1429), "{reply:?}");
            assert_eq!(*reply.data(), json!({"effect": "none"}));
            assert_eq!(reply.header("retry-after"), Some("1"));
            let message = "1 requests with this token are being answered, the most allowed";
            assert_eq!(reply.message(), message);
            assert_eq!(ask(&server, "GET /xcron/cluster", "", first).await.code(), 1429);
            assert_eq!(ask(&server, "GET /healthz", "", first).await.code(), 0);
            assert_eq!(ask(&server, "POST /xcron/createTask", SOUND, other).await.code(), 0);
            held.let_go.add_permits(1);
        };
        let (held_up, ()) = tokio::join!(holding, meanwhile);
        assert_eq!(held_up.code(), 0);
        assert_eq!(ask(&server, "GET /xcron/cluster", "", first).await.code(), 0, "room again");
    }
}

#[tokio::test]
async fn where_there_are_no_tokens_callers_share_all_places() {
    let settings = ServerSettings { requests_in_flight_per_token_max: 0, ..quick() };
    let server = TestServer::with(Arc::new(MemoryStore::new()), settings).await;
    assert_eq!(server.create(&sound()).await.code(), 0);
}

#[tokio::test]
async fn every_answer_is_shielded() {
    let server = server(three(Access::by_token()), Arc::new(Scripted::sound()), quick()).await;
    let closed = Reply::read(&server.exchange(b"GET / HTTP/1.1\r\n\r\n").await);
    assert_eq!(closed.status, 400);
    let mut replies = vec![closed];
    for (line, body, _) in TABLE {
        for token in TOKENS {
            replies.push(ask(&server, line, body, token).await);
        }
    }
    for reply in replies {
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "deny"),
            ("referrer-policy", "no-referrer"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{name} of {reply:?}");
        }
        // The dashboard's files are the same for everybody; all else is nobody's to keep.
        let is_file = reply.header("content-security-policy").is_some();
        let kept = reply.header("cache-control");
        assert_eq!(kept, Some(if is_file { "no-cache" } else { "no-store" }), "{reply:?}");
    }
}
