//! What the API promises about whatever is sent to it: an answer in the envelope that blames the
//! request if it blames anybody, and what was stored can be shown and posted again.

use super::definition::{FIELDS, UPDATE_FIELDS};
use super::{ApiSettings, api_router};
use crate::auth::Access;
use crate::cluster::{Backup, Cluster, ClusterError, ClusterStatus};
use crate::dispatch::{DispatchSettings, HttpDispatcher};
use crate::fuzzing::assert_told;
use crate::metrics::Metrics;
use crate::serve::ServerSettings;
use async_trait::async_trait;
use axum::Router;
use axum::body::Body;
use http::{Method, Request, Uri};
use http_body_util::BodyExt;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::LazyLock;
use tower::Service;
use xcron_core::testing::SimClock;
use xcron_core::{MemoryStore, Scheduler, Timestamp};

/// Friday, 2025-11-28, 12:00 UTC.
const NOW: i64 = 1_764_331_200;
/// The most bytes of an answer to a request that shows no task.
const ANSWER_BYTES_MAX: usize = 65_536;

static DISPATCHER: LazyLock<Arc<HttpDispatcher>> = LazyLock::new(|| {
    Arc::new(HttpDispatcher::new(DispatchSettings::default()).expect("the defaults are sound"))
});

/// It looks at the machine when it is made, which takes longer than a request.
static METRICS: LazyLock<Metrics> = LazyLock::new(Metrics::new);

/// Sends the bytes to the call that the first one chooses: as a body, or as its query string.
pub fn check(bytes: &[u8]) {
    let Some((&call, bytes)) = bytes.split_first() else {
        return;
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime of one thread").block_on(async {
        let mut router = router();
        match call % 7 {
            0 => create(&mut router, bytes).await,
            1 => drop(post(&mut router, "/xcron/deleteTask", bytes).await),
            2 => drop(post(&mut router, "/xcron/cluster/removeNode", bytes).await),
            3 => drop(post(&mut router, "/xcron/cluster/transferLeader", bytes).await),
            4 => drop(get(&mut router, "/xcron/queryTask?", bytes).await),
            5 => drop(get(&mut router, "/xcron/previewSchedule?", bytes).await),
            _ => more(&mut router, call / 7, bytes).await,
        }
    });
}

/// The calls that came later; the numbers of the first ones stay what they are in the corpus.
async fn more(router: &mut Router, call: u8, bytes: &[u8]) {
    const GETS: [&str; 4] = ["/", "/xcron/listTasks?", "/xcron/listRuns?", "/xcron/audit?"];
    const POSTS: [&str; 7] = [
        "/xcron/updateTask",
        "/xcron/pauseTask",
        "/xcron/resumeTask",
        "/xcron/triggerTask",
        "/xcron/createTasks",
        "/xcron/deleteTasks",
        "/xcron/retryRun",
    ];
    // Something to find: the names that a fuzzer comes upon first.
    let task =
        br#"{"task_id": "t", "type": 1, "format": "@daily", "callback": {"url": "http://a"}}"#;
    assert_eq!(post(router, "/xcron/createTask", task).await.code, 0);
    let call = usize::from(call) % (GETS.len() + POSTS.len());
    match GETS.get(call) {
        Some(path) => drop(get(router, path, bytes).await),
        None => drop(post(router, POSTS[call - GETS.len()], bytes).await),
    }
    let audit = get(router, "/xcron/audit?to=2000000000", b"").await.expect("a sound query");
    let Audited { difference } = serde_json::from_str(audit.data.get()).expect("it adds up");
    assert_eq!(difference, 0, "every occurrence is accounted for");
}

#[derive(Deserialize)]
struct Audited {
    difference: i64,
}

fn router() -> Router {
    let dispatcher: Arc<HttpDispatcher> = Arc::clone(&DISPATCHER);
    let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher)
        .clock(Arc::new(SimClock::at(Timestamp::from_secs(NOW))))
        .build();
    let (api, server) = (ApiSettings::default(), ServerSettings::default());
    let cluster: Arc<dyn Cluster> = Arc::new(Agreeable);
    api_router(scheduler, api, server, &METRICS, Some(cluster), Access::open())
}

/// What an answer is made of.
#[derive(Debug, Deserialize)]
struct Envelope {
    uuid: String,
    code: u16,
    message: Option<String>,
    data: Box<RawValue>,
}

/// The answer to `request`, which is nobody's fault but the request's.
async fn answer(router: &mut Router, request: Request<Body>) -> Envelope {
    let response = router.call(request).await.unwrap_or_else(|never| match never {});
    let status = response.status();
    assert!(!status.is_server_error(), "a request is answered with {status}");
    let body = response.into_body().collect().await.expect("an answer has an end").to_bytes();
    let envelope: Envelope = match serde_json::from_slice(&body) {
        Ok(envelope) => envelope,
        // The page and its description are no envelopes.
        Err(_) if status.is_success() => {
            let data = RawValue::from_string("{}".to_owned()).expect("it is JSON");
            Envelope { uuid: "-".repeat(36), code: 0, message: None, data }
        }
        Err(error) => panic!("an answer is no envelope: {error}"),
    };
    assert_eq!(envelope.uuid.len(), 36);
    assert_eq!(envelope.code == 0, status.is_success(), "{} as {status}", envelope.code);
    assert_eq!(envelope.code == 0, envelope.message.is_none(), "{:?}", envelope.message);
    if let Some(message) = &envelope.message {
        assert_told(message);
        assert!(body.len() < ANSWER_BYTES_MAX, "{} bytes of refusal", body.len());
    }
    envelope
}

async fn post(router: &mut Router, path: &str, body: &[u8]) -> Envelope {
    let request = Request::builder().method(Method::POST).uri(path).header("host", "a");
    let request = request.body(Body::from(body.to_vec())).expect("a sound head");
    answer(router, request).await
}

async fn get(router: &mut Router, path: &str, query: &[u8]) -> Option<Envelope> {
    let uri: Uri = Uri::try_from([path.as_bytes(), query].concat()).ok()?;
    let request = Request::builder().uri(uri).header("host", "a").body(Body::empty());
    Some(answer(router, request.ok()?).await)
}

#[derive(Deserialize)]
struct Created {
    task_id: String,
}

/// A task that was created is shown; posted again as it is shown it is the same task.
async fn create(router: &mut Router, body: &[u8]) {
    let created = post(router, "/xcron/createTask", body).await;
    if created.code != 0 {
        return;
    }
    let Created { task_id } =
        serde_json::from_str(created.data.get()).expect("an answer names its task");
    let shown = show(router, &task_id).await;
    let fields: BTreeMap<&str, &RawValue> =
        serde_json::from_str(shown.get()).expect("a task is an object");
    for (call, known) in [("createTask", FIELDS), ("updateTask", UPDATE_FIELDS)] {
        let settable = fields.iter().filter(|(name, _)| known.contains(name));
        let again = serde_json::to_vec(&settable.collect::<BTreeMap<_, _>>()).expect("it was JSON");
        let answered = post(router, &format!("/xcron/{call}"), &again).await;
        let message = answered.message.unwrap_or_default();
        assert_eq!(answered.code, 0, "{call}: what is shown is what was wanted: {message}");
        assert_eq!(show(router, &task_id).await.get(), shown.get(), "nothing has changed");
    }
    let deletion = format!("{{\"task_id\": {task_id:?}}}");
    assert_eq!(post(router, "/xcron/deleteTask", deletion.as_bytes()).await.code, 0);
}

async fn show(router: &mut Router, task_id: &str) -> Box<RawValue> {
    let query = format!("task_id={task_id}");
    let shown = get(router, "/xcron/queryTask?", query.as_bytes()).await;
    let shown = shown.expect("an id may stand in a query");
    assert_eq!(shown.code, 0, "a task that was created is there");
    shown.data
}

/// A cluster that does all that it is asked.
#[derive(Debug)]
struct Agreeable;

#[async_trait]
impl Cluster for Agreeable {
    fn status(&self) -> ClusterStatus {
        ClusterStatus::default()
    }

    async fn remove_node(&self, node_id: u64) -> Result<(), ClusterError> {
        assert_ne!(node_id, 0, "ids begin at 1");
        Ok(())
    }

    async fn transfer_leader(&self, node_id: Option<u64>) -> Result<u64, ClusterError> {
        assert_ne!(node_id, Some(0), "ids begin at 1");
        Ok(node_id.unwrap_or(1))
    }

    async fn backup(&self) -> Result<Backup, ClusterError> {
        let (sender, chunks) = tokio::sync::mpsc::channel(1);
        drop(sender);
        Ok(Backup { name: "nothing".to_owned(), chunks })
    }
}
