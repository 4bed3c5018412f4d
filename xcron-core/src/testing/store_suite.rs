//! What every [`Store`] promises, one function a promise, with the words of its contract.

use super::sample::{
    attempted, claim, create, delete, due_at, finished_at, id, put, sending, succeeded,
};
use crate::store::{Change, Committed, Conflict, Consistency, FAILED_RUNS_MAX, Store, TaskCounts};
use crate::task::Revision;
use crate::task::attempt::{ANSWER_BYTES_MAX, FAILED_ATTEMPTS_BYTES_MAX, OTHER_ATTEMPTS_BYTES_MAX};
use crate::task::state::{RunEnd, RunRecord, TaskState, TaskStatus};
use crate::{Agenda, Timestamp};
use futures::FutureExt;
use std::future::Future;
use std::sync::Arc;

/// How many records of history a store under test is to keep.
pub const HISTORY: usize = 3;

/// Runs every function of the suite, each against an empty store from `fresh`, which keeps
/// [`HISTORY`] records a task and is entitled to decide.
pub async fn run<F, S>(fresh: F)
where
    F: Fn() -> S,
    S: Future<Output = Arc<dyn Store>>,
{
    a_commit_is_atomic_ordered_and_answers_in_order(&*fresh().await).await;
    a_conflict_changes_nothing_of_its_item(&*fresh().await).await;
    a_recreated_task_shares_no_revision_with_the_old_one(&*fresh().await).await;
    a_read_sees_every_acknowledged_commit(&*fresh().await).await;
    scan_pages_through_all_tasks_in_order_of_id(&*fresh().await).await;
    due_is_ordered_and_bounded(&*fresh().await).await;
    finished_tasks_come_oldest_first(&*fresh().await).await;
    the_agenda_follows_the_earliest_due_task(&*fresh().await).await;
    a_wait_for_the_agenda_misses_no_news_and_may_be_dropped(&*fresh().await).await;
    a_claim_stands_until_deleted_or_replaced(&*fresh().await).await;
    the_history_keeps_the_newest_records(&*fresh().await).await;
    failed_runs_outlast_others(&*fresh().await).await;
    a_run_that_ends_again_replaces_its_record(&*fresh().await).await;
    runs_keep_their_attempts(&*fresh().await).await;
    counts_add_up(&*fresh().await).await;
}

/// A batch is one step of one total order; the answers are in the order of the changes.
pub async fn a_commit_is_atomic_ordered_and_answers_in_order(store: &dyn Store) {
    let batch = vec![
        create("a", due_at(1)),
        create("a", due_at(2)),
        create("b", due_at(3)),
        delete("missing"),
        delete("a"),
        create("a", due_at(4)),
    ];
    let committed = commit(store, batch).await;
    let revisions: Vec<Revision> = committed.iter().filter_map(|c| c.ok()).collect();
    assert!(revisions.is_sorted_by(|a, b| a < b), "revisions grow: {revisions:?}");
    assert_eq!(committed[1], Err(Conflict::Exists));
    assert_eq!(committed[3], Err(Conflict::Missing));
    assert_eq!(revisions.len(), 4);
    assert_eq!(next_of(store, "a").await, Some(4));
    assert_eq!(next_of(store, "b").await, Some(3));
    assert!(commit(store, Vec::new()).await.is_empty());
}

/// An item that conflicts leaves its task as it was and the rest of the batch unharmed.
pub async fn a_conflict_changes_nothing_of_its_item(store: &dyn Store) {
    let first = one(store, create("a", due_at(1))).await.expect("a new task");
    let second = one(store, put("a", first, due_at(2))).await.expect("the newest revision");
    let stale = Err(Conflict::Stale { current: second });
    let delete_first = Change::Delete { id: id("a"), expected: Some(first) };
    let batch = vec![put("a", first, due_at(9)), delete_first, create("b", due_at(3))];
    let committed = commit(store, batch).await;
    assert_eq!(committed[..2], [stale, stale]);
    assert!(committed[2].is_ok());
    assert_eq!(next_of(store, "a").await, Some(2));
    assert_eq!(one(store, put("none", first, due_at(1))).await, Err(Conflict::Missing));
}

/// A change decided on a deleted task conflicts with the one created later under its name.
pub async fn a_recreated_task_shares_no_revision_with_the_old_one(store: &dyn Store) {
    let old = one(store, create("a", due_at(1))).await.expect("a new task");
    one(store, delete("a")).await.expect("it exists");
    let new = one(store, create("a", due_at(2))).await.expect("it was deleted");
    assert!(new > old);
    assert_eq!(one(store, put("a", old, due_at(9))).await, Err(Conflict::Stale { current: new }));
    assert_eq!(next_of(store, "a").await, Some(2));
}

/// `get` and `scan` see what was acknowledged before they began.
pub async fn a_read_sees_every_acknowledged_commit(store: &dyn Store) {
    for round in 1..=20_i64 {
        let name = format!("task-{round:02}");
        one(store, create(&name, due_at(round))).await.expect("a new task");
        assert_eq!(next_of(store, &name).await, Some(round));
        let all = store.scan(None, 100, Consistency::Linearizable).await.expect("a page");
        assert_eq!(all.len() as i64, round);
    }
    one(store, delete("task-07")).await.expect("it exists");
    assert_eq!(next_of(store, "task-07").await, None);
}

/// Each task once, at most `limit` a page.
pub async fn scan_pages_through_all_tasks_in_order_of_id(store: &dyn Store) {
    let names: Vec<String> = (0..25).map(|n| format!("t{n:02}")).collect();
    let creates = names.iter().rev().map(|name| create(name, due_at(1))).collect();
    commit(store, creates).await;
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let page = store.scan(after.as_ref(), 10, Consistency::Stale).await.expect("a page");
        assert!(page.len() <= 10);
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        seen.extend(page.into_iter().map(|task| task.id.to_string()));
    }
    assert_eq!(seen, names);
}

/// Tasks due at or before `until`, earliest first, ties in order of id, at most `limit`.
pub async fn due_is_ordered_and_bounded(store: &dyn Store) {
    let paused = TaskState { status: TaskStatus::Paused, due_at: None, ..due_at(1) };
    let creates = vec![
        create("d", due_at(3)),
        create("b", due_at(2)),
        create("c", due_at(2)),
        create("a", due_at(5)),
        create("e", paused),
    ];
    let committed = commit(store, creates).await;
    assert_eq!(due(store, 4, 10).await, ["b", "c", "d"]);
    assert_eq!(due(store, 5, 10).await, ["b", "c", "d", "a"]);
    assert_eq!(due(store, 5, 2).await, ["b", "c"]);
    assert_eq!(due(store, 1, 10).await, [""; 0]);
    let revision = committed[1].expect("a new task");
    one(store, put("b", revision, due_at(9))).await.expect("the newest revision");
    assert_eq!(due(store, 5, 10).await, ["c", "d", "a"]);
    one(store, delete("c")).await.expect("it exists");
    assert_eq!(due(store, 5, 10).await, ["d", "a"]);
}

/// Only finished ones, by `finished_at`, at most `limit`.
pub async fn finished_tasks_come_oldest_first(store: &dyn Store) {
    let states = [finished_at(3), finished_at(1), due_at(1), finished_at(2)];
    let names = ["a", "b", "c", "d"].iter();
    commit(store, names.zip(states).map(|(name, state)| create(name, state)).collect()).await;
    let finished = |limit| async move {
        let tasks = store.finished(limit).await.expect("a page");
        tasks.iter().map(|task| task.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(finished(10).await, ["b", "d", "a"]);
    assert_eq!(finished(1).await, ["b"]);
    one(store, delete("b")).await.expect("it exists");
    assert_eq!(finished(10).await, ["d", "a"]);
}

/// After a commit, `agenda().next_due` is the earliest `due_at`.
pub async fn the_agenda_follows_the_earliest_due_task(store: &dyn Store) {
    let next_due = || store.agenda().next_due.map(Timestamp::as_secs);
    assert!(store.agenda().tenure.is_some(), "the store under test is entitled to decide");
    assert_eq!(next_due(), None);
    one(store, create("a", due_at(5))).await.expect("a new task");
    assert_eq!(next_due(), Some(5));
    one(store, create("b", due_at(3))).await.expect("a new task");
    assert_eq!(next_due(), Some(3));
    one(store, delete("b")).await.expect("it exists");
    assert_eq!(next_due(), Some(5));
}

/// `agenda_changed(seen)` returns when there is news, at once when there already is; dropping it
/// loses nothing.
pub async fn a_wait_for_the_agenda_misses_no_news_and_may_be_dropped(store: &dyn Store) {
    let empty = store.agenda();
    assert!(store.agenda_changed(empty).now_or_never().is_none(), "nothing has changed");
    one(store, create("a", due_at(5))).await.expect("a new task");
    store.agenda_changed(empty).await;
    let seen = store.agenda();
    assert!(store.agenda_changed(seen).now_or_never().is_none());
    let waiting = store.agenda_changed(seen);
    let later = create("later", due_at(9));
    let earlier = create("earlier", due_at(1));
    let changing = async {
        one(store, later).await.expect("a new task");
        one(store, earlier).await.expect("a new task");
    };
    futures::join!(waiting, changing);
    let stale = Agenda { next_due: None, ..store.agenda() };
    store.agenda_changed(stale).await;
}

/// `stands` is true from the acknowledged claim to the acknowledged delete, settle or next claim.
pub async fn a_claim_stands_until_deleted_or_replaced(store: &dyn Store) {
    let me = store.holder();
    assert!(!store.is_gone(me), "a store's own holder is not gone");
    let mine = claim("a", 1, 1, me);
    assert!(!store.stands(&mine));
    let created = one(store, create("a", due_at(1))).await.expect("a new task");
    assert!(!store.stands(&mine));
    let first = one(store, put("a", created, sending(1, 1, me))).await.expect("the newest");
    assert!(store.stands(&mine) && store.may_send());
    assert!(!store.stands(&claim("a", 1, 2, me)));
    assert!(!store.stands(&claim("a", 2, 1, me)));
    one(store, put("a", first, sending(1, 2, me))).await.expect("the newest");
    assert!(!store.stands(&mine), "another attempt was claimed");
    assert!(store.stands(&claim("a", 1, 2, me)));
    one(store, delete("a")).await.expect("it exists");
    assert!(!store.stands(&claim("a", 1, 2, me)), "a deleted task starts nothing");
}

/// At most as many as the store was told to keep, newest first; gone with the task.
pub async fn the_history_keeps_the_newest_records(store: &dyn Store) {
    let mut revision = one(store, create("a", due_at(1))).await.expect("a new task");
    for ended in [vec![1, 2], vec![], vec![3], vec![4, 5]] {
        let ended = ended.into_iter().map(succeeded).collect();
        revision = one(store, end("a", revision, ended)).await.expect("the newest revision");
    }
    assert_eq!(history(store, "a").await, [5, 4, 3]);
    one(store, delete("a")).await.expect("it exists");
    one(store, create("a", due_at(1))).await.expect("it was deleted");
    assert!(history(store, "a").await.is_empty());
}

/// Up to [`FAILED_RUNS_MAX`] failed runs of a task are kept besides them, and `scan_history` finds
/// the tasks that have some.
pub async fn failed_runs_outlast_others(store: &dyn Store) {
    let newest = FAILED_RUNS_MAX as i64 + 2;
    for (name, ends_failed) in [("a", true), ("b", false), ("c", true)] {
        let mut revision = one(store, create(name, due_at(1))).await.expect("a new task");
        for second in 1..=newest {
            let failed = ends_failed.then(|| failed(second));
            let ended = failed.into_iter().chain([succeeded(1_000 + second)]).collect();
            revision = one(store, end(name, revision, ended)).await.expect("the newest revision");
        }
    }
    let kept: Vec<i64> = history(store, "a").await;
    assert_eq!(kept.iter().filter(|second| **second > 1_000).count(), HISTORY);
    let failed: Vec<i64> = kept.into_iter().filter(|second| *second < 1_000).collect();
    assert_eq!(failed, (3..=newest).rev().collect::<Vec<_>>(), "newest first");
    let page = async |after: Option<&str>, limit, failed| {
        let after = after.map(id);
        let fresh = Consistency::Linearizable;
        let page = store.scan_history(after.as_ref(), limit, failed, fresh).await.expect("a page");
        page.iter().map(|found| found.task.id.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(page(None, 10, true).await, ["a", "c"]);
    assert_eq!(page(None, 1, true).await, ["a"]);
    assert_eq!(page(Some("a"), 10, true).await, ["c"]);
    assert_eq!(page(None, 10, false).await, ["a", "b", "c"]);
    one(store, delete("a")).await.expect("it exists");
    assert_eq!(page(None, 10, true).await, ["c"]);
}

/// The history holds a failed run that was retried once, as it ended last.
pub async fn a_run_that_ends_again_replaces_its_record(store: &dyn Store) {
    let mut revision = one(store, create("a", due_at(1))).await.expect("a new task");
    let ends = [failed(1), failed(2), failed(1), succeeded(3), succeeded(2)];
    for (ended, now) in ends.into_iter().zip(10..) {
        let ended = RunRecord { ended_at: Timestamp::from_secs(now), ..ended };
        let change = end("a", revision, vec![ended]);
        revision = one(store, change).await.expect("the newest revision");
    }
    assert_eq!(history(store, "a").await, [2, 3, 1]);
    let ended = RunRecord { ended_at: Timestamp::from_secs(20), ..succeeded(1) };
    one(store, end("a", revision, vec![ended])).await.expect("the newest revision");
    assert_eq!(history(store, "a").await, [1, 2, 3]);
    let fresh = Consistency::Linearizable;
    assert!(store.scan_history(None, 9, true, fresh).await.expect("a page").is_empty());
}

/// Open runs keep their attempts as they were put; of those that ended the newest, failed ones
/// within [`FAILED_ATTEMPTS_BYTES_MAX`] and others within [`OTHER_ATTEMPTS_BYTES_MAX`].
pub async fn runs_keep_their_attempts(store: &dyn Store) {
    let answer = "x".repeat(ANSWER_BYTES_MAX);
    let made: Vec<_> = (1..=3).map(|attempt| attempted(attempt, &answer)).collect();
    let mut open = sending(1, 4, store.holder());
    open.runs[0].earlier.clone_from(&made);
    let created = one(store, create("a", due_at(1))).await.expect("a new task");
    let mut revision = one(store, put("a", created, open.clone())).await.expect("the newest");
    let fresh = Consistency::Linearizable;
    let read = async || store.get(&id("a"), fresh).await.expect("a read").expect("it exists");
    assert_eq!(read().await.task.state, open);

    let whole = |record: RunRecord| RunRecord {
        answer: Some(answer.as_str().into()),
        earlier: made.clone(),
        ..record
    };
    let failed_max = FAILED_ATTEMPTS_BYTES_MAX / whole(failed(1)).attempts_bytes();
    let all = failed_max as i64 + 2;
    let retried = whole(succeeded(102));
    assert!(retried.attempts_bytes() > OTHER_ATTEMPTS_BYTES_MAX, "kept as the newest alone");
    let ends = [vec![whole(succeeded(101)), whole(failed(1)), retried.clone()], vec![]];
    let later = (2..=all).map(|second| whole(failed(second))).collect();
    for ended in ends.into_iter().chain([later]) {
        revision = one(store, end("a", revision, ended)).await.expect("the newest");
    }
    let scanned = store.scan_history(None, 9, true, fresh).await.expect("a page").remove(0);
    assert_eq!(scanned, read().await, "however it is read");
    let (of_failed, others): (Vec<_>, Vec<_>) =
        scanned.history.into_iter().partition(|run| run.end == RunEnd::Failed);
    assert_eq!(others, [retried, succeeded(101)]);
    let expected = (1..=all).rev().map(|second| {
        let has_room = second > all - failed_max as i64;
        if has_room { whole(failed(second)) } else { failed(second) }
    });
    assert_eq!(of_failed, expected.collect::<Vec<_>>());
}

/// `counts` by status, after each commit.
pub async fn counts_add_up(store: &dyn Store) {
    let paused = TaskState { status: TaskStatus::Paused, due_at: None, ..due_at(1) };
    let creates = vec![
        create("a", due_at(1)),
        create("b", due_at(1)),
        create("b", due_at(1)),
        create("c", paused),
        create("d", finished_at(1)),
    ];
    let committed = commit(store, creates).await;
    assert_eq!(store.counts(), TaskCounts { active: 2, paused: 1, finished: 1 });
    let revision = committed[0].expect("a new task");
    one(store, put("a", revision, finished_at(2))).await.expect("the newest revision");
    one(store, delete("c")).await.expect("it exists");
    assert_eq!(store.counts(), TaskCounts { active: 1, paused: 0, finished: 2 });
}

async fn commit(store: &dyn Store, changes: Vec<Change>) -> Vec<Committed> {
    let count = changes.len();
    let committed = store.commit(changes).await.expect("a working store commits");
    assert_eq!(committed.len(), count, "one answer for each change");
    committed
}

async fn one(store: &dyn Store, change: Change) -> Committed {
    commit(store, vec![change]).await.pop().expect("one answer")
}

fn end(name: &str, expected: Revision, ended: Vec<RunRecord>) -> Change {
    Change::Put { id: id(name), expected, definition: None, state: due_at(9), ended }
}

fn failed(second: i64) -> RunRecord {
    RunRecord { end: RunEnd::Failed, ..succeeded(second) }
}

async fn next_of(store: &dyn Store, name: &str) -> Option<i64> {
    let found = store.get(&id(name), Consistency::Linearizable).await.expect("a read");
    found.and_then(|found| found.task.state.next).map(Timestamp::as_secs)
}

async fn history(store: &dyn Store, name: &str) -> Vec<i64> {
    let found = store.get(&id(name), Consistency::Linearizable).await.expect("a read");
    let history = found.map(|found| found.history).unwrap_or_default();
    history.iter().map(|run| run.occurrence.time().as_secs()).collect()
}

async fn due(store: &dyn Store, until: i64, limit: usize) -> Vec<String> {
    let due = store.due(Timestamp::from_secs(until), limit).await.expect("a page");
    due.iter().map(|task| task.id.to_string()).collect()
}
