//! A watch beside the faults: who leads, and whether this machine gives anybody its processors.

use crate::health::Health;
use crate::nodes::Nodes;
use crate::recorder::{Recorder, now_us};
use crate::view::View;
use crate::world::NODES;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use xcron_checker::Tenure;

/// How often each node is asked who leads.
const LOOK: Duration = Duration::from_millis(100);

/// How long it may take to say so.
const LOOK_MAX: Duration = Duration::from_millis(400);

/// How often the processors are tried, and how late is too late.
const TRY: Duration = Duration::from_millis(20);
const STALL_US: i64 = 100_000;

/// A watch that goes on until it is dropped.
#[derive(Debug)]
pub(crate) struct Watch {
    tasks: Vec<JoinHandle<()>>,
    ends: Arc<AtomicBool>,
    stalled_us: Arc<AtomicI64>,
}

impl Watch {
    pub(crate) fn begin(nodes: &Nodes, recorder: &Recorder, health: &Health) -> Self {
        let look = |place| tokio::spawn(tenures(nodes.clone(), place, recorder.clone()));
        let tasks = (0..NODES).map(look).collect();
        let (ends, stalled_us) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicI64::new(0)));
        let (flag, sum, health) = (Arc::clone(&ends), Arc::clone(&stalled_us), health.clone());
        // A thread of its own: what is tried is whether threads run.
        std::thread::spawn(move || {
            while !flag.load(Ordering::Relaxed) {
                let before = now_us();
                std::thread::sleep(TRY);
                let after = now_us();
                if after - before > STALL_US {
                    health.count(before, after);
                    sum.fetch_add(after - before, Ordering::Relaxed);
                }
            }
        });
        Self { tasks, ends, stalled_us }
    }

    /// How long this machine ran nothing of this test, in all.
    pub(crate) fn stalled_us(&self) -> i64 {
        self.stalled_us.load(Ordering::Relaxed)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.ends.store(true, Ordering::Relaxed);
        for task in &self.tasks {
            task.abort();
        }
    }
}

/// Notes each term in which the node at `place` was seen to lead, from the look before on.
async fn tenures(nodes: Nodes, place: usize, recorder: Recorder) {
    let mut known = 0;
    let mut looked_us = now_us();
    loop {
        let looks_us = now_us();
        let view = async { View::of(nodes.at(place)?).await };
        let view = timeout(LOOK_MAX, view).await.ok().flatten();
        if let Some(view) = view
            && view.leader() == Some(view.node_id())
            && view.term() > known
        {
            known = view.term();
            recorder.push(Tenure { from_us: looked_us, node: place as u64 + 1, term: known });
            recorder.say(&format!("node {} leads in term {known}", place + 1));
        }
        looked_us = looks_us;
        sleep(LOOK).await;
    }
}
