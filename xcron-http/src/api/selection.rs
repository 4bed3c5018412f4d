//! Which tasks somebody wants to see, and a page of them.

use super::refusal::Refusal;
use std::collections::BTreeMap;
use tokio::task::yield_now;
use xcron_core::{Consistency, Schedule, Scheduler, Task, TaskId, TaskStatus, Timestamp};

/// The most tasks that are looked at for one page; a cursor leads on from there.
const LOOKED_AT_MAX: usize = 50_000;
/// How many are looked at before others have their turn.
const LOOKED_AT_ONCE: usize = 512;

/// What the wanted tasks have in common.
#[derive(Debug, Default)]
pub(super) struct Selection {
    pub(super) is_periodic: Option<bool>,
    pub(super) status: Option<TaskStatus>,
    pub(super) labels: BTreeMap<String, String>,
    /// A part of the id, the name or the URL, in lower case.
    pub(super) text: Option<String>,
    pub(super) due_before: Option<Timestamp>,
}

impl Selection {
    /// Up to `limit` of the tasks after the one named `after`, and the name to go on after, if
    /// there may be more.
    ///
    /// The order is that of the ids, so that a task which stays is seen once, whatever comes and
    /// goes between two pages.
    pub(super) async fn page(
        &self,
        scheduler: &Scheduler,
        mut after: Option<TaskId>,
        limit: usize,
        mut consistency: Consistency,
    ) -> Result<(Vec<Task>, Option<TaskId>), Refusal> {
        let (mut found, mut looked_at) = (Vec::new(), 0);
        while looked_at < LOOKED_AT_MAX {
            let page = scheduler.scan(after.as_ref(), LOOKED_AT_ONCE, consistency).await?;
            // What this node has applied by now is no older than what it was just told.
            consistency = Consistency::Stale;
            let is_last = page.len() < LOOKED_AT_ONCE;
            looked_at += page.len();
            for task in page {
                if found.len() == limit {
                    return Ok((found, after));
                }
                after = Some(task.id.clone());
                if self.takes(&task) {
                    found.push(task);
                }
            }
            if is_last {
                return Ok((found, None));
            }
            yield_now().await;
        }
        Ok((found, after))
    }

    fn takes(&self, task: &Task) -> bool {
        let (definition, state) = (&task.definition, &task.state);
        let is_periodic = matches!(definition.schedule, Schedule::Cron(_));
        let has = |text: &str, part: &str| text.to_lowercase().contains(part);
        let is_due = |before| {
            state.status == TaskStatus::Active && state.next.is_some_and(|next| next < before)
        };
        self.is_periodic.is_none_or(|wanted| wanted == is_periodic)
            && self.status.is_none_or(|wanted| wanted == state.status)
            && self.labels.iter().all(|(key, value)| definition.labels.get(key) == Some(value))
            && self.due_before.is_none_or(is_due)
            && self.text.as_ref().is_none_or(|part| {
                has(task.id.as_str(), part)
                    || has(&definition.callback.url, part)
                    || definition.name.as_ref().is_some_and(|name| has(name, part))
            })
    }
}
