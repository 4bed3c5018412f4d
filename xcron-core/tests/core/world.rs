//! A scheduler in a small world: memory, a clock that a test moves, scripted targets.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;
use xcron_core::testing::{Receipt, ScriptedDispatcher, SimClock, Simulation};
use xcron_core::{
    Callback, Consistency, MemoryStore, NewTask, Schedule, Scheduler, Settings, Store,
    TaskDefinition, TaskId, TaskWithHistory, Timestamp,
};

/// Where every world begins: 2023-11-14T22:13:20Z.
pub(crate) const BEGIN: i64 = 1_700_000_000;

pub(crate) struct World {
    pub(crate) clock: SimClock,
    pub(crate) targets: ScriptedDispatcher,
    pub(crate) store: Arc<MemoryStore>,
    pub(crate) settings: Settings,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::with_settings(Settings::default())
    }

    pub(crate) fn with_settings(settings: Settings) -> Self {
        let clock = SimClock::at(at(0));
        let targets = ScriptedDispatcher::new(Arc::new(clock.clone()));
        Self { clock, targets, store: Arc::new(MemoryStore::new()), settings }
    }

    /// A scheduler over the world's store; a second one is what a restarted process would be.
    pub(crate) fn scheduler(&self) -> Scheduler {
        self.scheduler_over(Arc::clone(&self.store) as Arc<dyn Store>)
    }

    /// A scheduler over a wrapper of the world's store.
    pub(crate) fn scheduler_over(&self, store: Arc<dyn Store>) -> Scheduler {
        Scheduler::builder(store, Arc::new(self.targets.clone()))
            .clock(Arc::new(self.clock.clone()))
            .settings(self.settings)
            .build()
    }

    /// Runs `scheduler` until the clock shows `end` seconds after the beginning.
    pub(crate) async fn run_until(&self, scheduler: &Scheduler, end: i64) {
        self.run_with(scheduler, end, async {}).await;
    }

    /// The same with `script` running beside it.
    pub(crate) async fn run_with(
        &self,
        scheduler: &Scheduler,
        end: i64,
        script: impl Future<Output = ()>,
    ) {
        let mut simulation = Simulation::begin(scheduler, &self.clock);
        let ran = simulation.run_beside(at(end), script);
        ran.and_then(|()| simulation.stop()).expect("the engine stops only when told to");
    }

    pub(crate) async fn task(&self, id: &str) -> Option<TaskWithHistory> {
        self.store.get(&task_id(id), Consistency::Linearizable).await.expect("memory answers")
    }

    /// When attempts arrived, in seconds after the beginning.
    pub(crate) fn arrivals(&self) -> Vec<i64> {
        self.targets.receipts().iter().map(|receipt| receipt.at.as_secs() - BEGIN).collect()
    }

    pub(crate) fn receipts(&self) -> Vec<Receipt> {
        self.targets.receipts()
    }
}

/// `secs` seconds after the beginning.
pub(crate) fn at(secs: i64) -> Timestamp {
    Timestamp::from_secs(BEGIN + secs)
}

pub(crate) fn seconds(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

pub(crate) fn task_id(id: &str) -> TaskId {
    TaskId::parse(id).expect("a good id")
}

/// A one-shot `secs` seconds after the beginning, at the target of its own name.
pub(crate) fn one_shot(id: &str, secs: i64) -> NewTask {
    NewTask::new(task_id(id), TaskDefinition::new(Schedule::Once(at(secs)), Callback::new(id)))
}

/// A task by crontab in UTC, at the target of its own name.
pub(crate) fn cron(id: &str, expression: &str) -> NewTask {
    let schedule = Schedule::parse_cron(expression, "UTC").expect("a good expression");
    NewTask::new(task_id(id), TaskDefinition::new(schedule, Callback::new(id)))
}
