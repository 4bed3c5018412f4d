//! What a durable [`Store`] promises on top of the store suite, one function a promise.

use super::sample::{create, delete, due_at, id, put, sending, succeeded};
use crate::Timestamp;
use crate::store::{Change, Consistency, Store};
use crate::task::Revision;
use std::future::Future;
use std::sync::Arc;

/// Runs every function of the suite. `open(name)` opens the store of that name, which is empty
/// the first time; whatever an earlier `open` of the name returned has been dropped by then, and
/// `open` waits until it has let go of its files.
pub async fn run<F, S>(open: F)
where
    F: Fn(&'static str) -> S,
    S: Future<Output = Arc<dyn Store>>,
{
    everything_acknowledged_survives_a_reopen(&open).await;
    a_run_held_by_an_earlier_life_is_due_at_once_after_a_reopen(&open).await;
}

/// Tasks, states, definitions, history and counts; revisions go on where they were.
pub async fn everything_acknowledged_survives_a_reopen<F, S>(open: &F)
where
    F: Fn(&'static str) -> S,
    S: Future<Output = Arc<dyn Store>>,
{
    let store = open("everything").await;
    let first = one(&*store, create("a", due_at(5))).await;
    let ended = vec![succeeded(1), succeeded(2)];
    let (task, state) = (id("a"), due_at(7));
    let change = Change::Put { id: task, expected: first, definition: None, state, ended };
    let newest = one(&*store, change).await;
    one(&*store, create("b", due_at(6))).await;
    one(&*store, create("gone", due_at(6))).await;
    let last = one(&*store, delete("gone")).await;
    let before = everything(&*store).await;
    let counts = store.counts();
    drop(store);

    let store = open("everything").await;
    store.ready().await.expect("a reopened store serves");
    assert_eq!(everything(&*store).await, before);
    assert_eq!(store.counts(), counts);
    assert_eq!(store.agenda().next_due, Some(Timestamp::from_secs(6)));
    let found = store.get(&id("a"), Consistency::Linearizable).await.expect("a read");
    let found = found.expect("an acknowledged task");
    assert_eq!(found.task.revision, newest);
    assert_eq!(found.history, [succeeded(2), succeeded(1)]);
    let next = one(&*store, put("a", newest, due_at(8))).await;
    assert!(next > last, "revisions go on: {next:?} after {last:?}");
}

/// Its holder is gone, `due` offers the task whatever its `due_at`, and the agenda says so.
pub async fn a_run_held_by_an_earlier_life_is_due_at_once_after_a_reopen<F, S>(open: &F)
where
    F: Fn(&'static str) -> S,
    S: Future<Output = Arc<dyn Store>>,
{
    let store = open("lives").await;
    let before = store.holder();
    let revision = one(&*store, create("held", due_at(5))).await;
    let held = one(&*store, put("held", revision, sending(5, 1, before))).await;
    one(&*store, create("other", due_at(9))).await;
    drop(store);

    let store = open("lives").await;
    store.ready().await.expect("a reopened store serves");
    assert_ne!(store.holder(), before, "each life is another holder");
    assert!(store.is_gone(before));
    assert!(!store.is_gone(store.holder()));
    assert_eq!(store.agenda().next_due, Some(Timestamp::MIN));
    let due = store.due(Timestamp::from_secs(0), 10).await.expect("a page");
    let ids: Vec<&str> = due.iter().map(|task| task.id.as_str()).collect();
    assert_eq!(ids, ["held"]);
    one(&*store, put("held", held, sending(5, 2, store.holder()))).await;
    assert_eq!(store.agenda().next_due, Some(Timestamp::from_secs(9)));
}

async fn one(store: &dyn Store, change: Change) -> Revision {
    let committed = store.commit(vec![change]).await.expect("a working store commits");
    committed[0].expect("no conflict")
}

async fn everything(store: &dyn Store) -> Vec<crate::task::Task> {
    store.scan(None, 100, Consistency::Linearizable).await.expect("a page")
}
