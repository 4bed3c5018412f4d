//! When a target is called again: real sockets, and a clock that moves only when it is told to.

use crate::server::PATIENCE;
use crate::sink::{Act, Sink, reply};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use xcron_core::testing::SimClock;
use xcron_core::{
    Callback, Clock, Consistency, DeliveryMode, MemoryStore, NewTask, Phase, Schedule, Scheduler,
    TaskDefinition, TaskId, TaskState, Timestamp,
};
use xcron_http::{DispatchSettings, HttpDispatcher};

/// Sun, 06 Nov 1994 08:49:37 GMT.
const NOW: Timestamp = Timestamp::from_secs(784_111_777);
/// By default the first retry is made about so long after the attempt that failed.
const BACKOFF_MAX: Duration = Duration::from_secs(2);

/// An engine that calls over HTTP and lives in 1994.
struct World {
    clock: SimClock,
    scheduler: Scheduler,
    engine: JoinHandle<()>,
}

impl World {
    fn new() -> Self {
        let clock = SimClock::at(NOW);
        let dispatcher = HttpDispatcher::new(DispatchSettings::default()).unwrap();
        let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), Arc::new(dispatcher))
            .clock(Arc::new(clock.clone()))
            .build();
        let running = scheduler.clone();
        let engine = tokio::spawn(async move {
            running.run(std::future::pending()).await.unwrap();
        });
        Self { clock, scheduler, engine }
    }

    /// A task that calls `sink` now, once it has been called and nothing is under way any more.
    async fn called(&self, sink: &Sink, delivery: DeliveryMode) -> TaskState {
        let schedule = Schedule::Once(self.clock.now());
        let mut definition = TaskDefinition::new(schedule, Callback::new(sink.url()));
        definition.delivery = delivery;
        let id = TaskId::parse(&format!("t{}", sink.addr.port())).unwrap();
        self.scheduler.create(NewTask::new(id.clone(), definition)).await.unwrap();
        let settled = async {
            loop {
                let found = self.scheduler.get(&id, Consistency::Linearizable).await.unwrap();
                let state = found.unwrap().task.state.clone();
                let waits = |phase| matches!(phase, Phase::Waiting { .. });
                if state.finished_at.is_some() || state.runs.iter().any(|run| waits(run.phase)) {
                    return state;
                }
                sleep(Duration::from_millis(1)).await;
            }
        };
        timeout(PATIENCE, settled).await.unwrap()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.engine.abort();
    }
}

/// How long after the first attempt the next one may be made; `None` when there is no other.
fn wait(state: &TaskState) -> Option<Duration> {
    match state.runs.first()?.phase {
        Phase::Waiting { until } => Some(until.since(NOW)),
        _ => None,
    }
}

#[tokio::test]
async fn a_target_is_left_alone_for_as_long_as_it_asks() {
    let world = World::new();
    let date = "retry-after: Sun, 06 Nov 1994 08:49:44 GMT\r\n";
    let table = [
        ("429 Slow", "retry-after: 7\r\n", true),
        ("503 Busy", "retry-after: 7\r\n", true),
        ("429 Slow", date, true),
        ("503 Busy", date, true),
        ("500 Oops", "retry-after: 7\r\n", false),
        ("302 Found", "retry-after: 7\r\nlocation: /other\r\n", false),
        ("429 Slow", "retry-after: a while\r\n", false),
        ("429 Slow", "", false),
    ];
    let mut sinks = Vec::new();
    for (status, headers, is_heard) in table {
        let sink = Sink::answering(status, headers).await;
        let state = world.called(&sink, DeliveryMode::AtLeastOnce).await;
        let waits = wait(&state).unwrap();
        let is_seven = waits == Duration::from_secs(7);
        assert_eq!(is_seven, is_heard, "{status} {headers}: {waits:?}");
        assert!(is_heard || waits <= BACKOFF_MAX, "{status} {headers}: {waits:?}");
        assert_eq!(sink.requests().len(), 1, "{status} {headers}");
        sinks.push((sink, is_heard));
    }
    world.clock.set(NOW.plus(Duration::from_millis(6_999)));
    for (sink, _) in sinks.iter().filter(|(_, is_heard)| !is_heard) {
        timeout(PATIENCE, sink.requested(2)).await.unwrap();
    }
    assert!(sinks.iter().all(|(sink, is_heard)| !is_heard || sink.requests().len() == 1));
    world.clock.set(NOW.plus(Duration::from_secs(7)));
    for (sink, _) in &sinks {
        timeout(PATIENCE, sink.requested(2)).await.unwrap();
        assert!(sink.requests()[1].contains("xcron-attempt: 2\r\n"));
    }
}

#[tokio::test]
async fn a_run_that_may_be_attempted_once_is_attempted_once() {
    let world = World::new();
    let answers = [
        reply("500 Oops", "", ""),
        reply("429 Slow", "retry-after: 1\r\n", ""),
        reply("503 Busy", "", ""),
        reply("302 Found", "location: /\r\n", ""),
        b"nonsense".to_vec(),
        Vec::new(),
    ];
    let mut sinks = Vec::new();
    for answer in answers {
        let sink = Sink::start(Act::SayAndClose(answer)).await;
        let state = world.called(&sink, DeliveryMode::AtMostOnce).await;
        assert_eq!(wait(&state), None);
        assert_eq!((state.counters.failed, state.counters.succeeded), (1, 0), "{state:?}");
        sinks.push(sink);
    }
    world.clock.advance(Duration::from_secs(100_000));
    let last = Sink::answering("200 OK", "").await;
    let state = world.called(&last, DeliveryMode::AtMostOnce).await;
    assert_eq!(state.counters.succeeded, 1, "the engine went on: {state:?}");
    assert!(sinks.iter().all(|sink| sink.requests().len() == 1));
}

#[tokio::test]
async fn a_target_that_is_gone_is_not_called_again() {
    let world = World::new();
    let sink = Sink::answering("410 Gone", "retry-after: 1\r\n").await;
    let state = world.called(&sink, DeliveryMode::AtLeastOnce).await;
    assert_eq!((wait(&state), state.counters.failed), (None, 1));
    assert_eq!(sink.requests().len(), 1);
}
