//! The account of all tasks, added up a page at a time off everybody's way, for an alert to watch.

use super::gauges::{gauge, labelled};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use tokio::time::{Instant, sleep};
use xcron_core::decide::{Account, account};
use xcron_core::{
    Calendar, Consistency, Scheduler, StoreError, Task, TaskId, TaskWithHistory, Timestamp,
};

/// A round over all tasks begins this long after the one before it, or when that has ended.
const ROUND_EVERY: Duration = Duration::from_secs(60);
/// How many tasks are added up at a time.
const PAGE_TASKS: usize = 128;
/// The least time between two pages.
const PAGE_PAUSE: Duration = Duration::from_millis(10);
/// A page that took long is followed by a pause of so many times as long, so that at the most half
/// a hundredth of one core goes into this.
const PAUSE_FACTOR: u32 = 199;
/// The most compiled expressions that are kept, apart from those that the engine needs.
const CALENDAR_ENTRIES_MAX: usize = 1_000;

/// The last round that went over all tasks, if there is one.
#[derive(Debug, Default)]
pub(super) struct Audit(RwLock<Option<Round>>);

/// What one round added up.
#[derive(Clone, Copy, Debug, Default)]
struct Round {
    total: Account,
    /// The differences of the tasks without their signs, so that none hides another.
    difference: u64,
    tasks: u64,
    unreadable: u64,
    ended_at: Timestamp,
}

/// Goes over all tasks again and again, as this node has them.
pub(super) async fn sample(audit: Arc<Audit>, scheduler: Scheduler) {
    let calendar = Calendar::new(CALENDAR_ENTRIES_MAX);
    loop {
        let began = Instant::now();
        match round(&scheduler, &calendar).await {
            Ok(round) => *audit.0.write().unwrap_or_else(PoisonError::into_inner) = Some(round),
            // The last round stays; how old it is shows in its time.
            Err(error) => tracing::debug!(%error, "the tasks cannot be audited now"),
        }
        sleep(ROUND_EVERY.saturating_sub(began.elapsed()).max(PAGE_PAUSE)).await;
    }
}

async fn round(scheduler: &Scheduler, calendar: &Calendar) -> Result<Round, StoreError> {
    let mut round = Round::default();
    let mut after: Option<TaskId> = None;
    loop {
        let began = Instant::now();
        let page = scheduler.scan(after.as_ref(), PAGE_TASKS, Consistency::Stale).await?;
        let (is_last, now) = (page.len() < PAGE_TASKS, scheduler.clock().now());
        after = page.last().map(|task| task.id.clone());
        for task in page {
            round.add(task, calendar, now);
        }
        if is_last {
            round.ended_at = scheduler.clock().now();
            return Ok(round);
        }
        sleep((began.elapsed() * PAUSE_FACTOR).max(PAGE_PAUSE)).await;
    }
}

impl Round {
    fn add(&mut self, task: Task, calendar: &Calendar, now: Timestamp) {
        // A whole life, what is decided ahead of its instant included, is told without a history.
        let end = now.max(task.state.decided_until).plus(Duration::from_millis(1));
        let found = TaskWithHistory { task, history: Vec::new() };
        let Some(account) = account(&found, calendar, (Timestamp::MIN, end), now) else {
            self.unreadable += 1;
            return;
        };
        let difference = account.difference();
        if difference != 0 && self.difference == 0 {
            let task_id = found.task.id.as_str();
            tracing::error!(task_id, difference, "the occurrences of a task do not add up");
        }
        self.tasks += 1;
        self.total.add(&account);
        self.difference += difference.unsigned_abs();
    }
}

impl Collector for Audit {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let Some(round) = *self.0.read().unwrap_or_else(PoisonError::into_inner) else {
            return Ok(());
        };
        let Round { total, difference, tasks, unreadable, ended_at } = round;
        for (name, help, value) in [
            (
                "xcron_audit_difference",
                "Occurrences that were lost or counted twice: 0, or something is wrong",
                difference,
            ),
            ("xcron_audit_tasks", "Tasks that were added up", tasks),
            ("xcron_audit_unreadable_tasks", "Tasks that cannot be added up", unreadable),
            ("xcron_audit_expected_occurrences", "What the schedules have had", total.expected),
            ("xcron_audit_pending_occurrences", "What has not ended of it", total.pending),
        ] {
            gauge(&mut encoder, name, help, value)?;
        }
        let (name, help) = ("xcron_audit_occurrences", "What has ended of it, by outcome");
        labelled(&mut encoder, name, help, "outcome", &total.outcomes())?;
        let (name, help) = ("xcron_audit_timestamp_seconds", "When all tasks had been added up");
        // Exact up to 2^53 milliseconds, far beyond the year 9999.
        gauge(&mut encoder, name, help, ended_at.as_millis() as f64 / 1_000.0)
    }
}
