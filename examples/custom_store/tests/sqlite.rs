//! The suites that every store runs, and what two stores on one file owe each other.

use futures::FutureExt;
use futures::executor::block_on;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;
use xcron_core::testing::sample::{create, due_at, put, sending};
use xcron_core::testing::{durable_suite, store_suite};
use xcron_core::{Change, Conflict, Revision, Store, Timestamp};
use xcron_stores::SqliteStore;

fn folder() -> TempDir {
    TempDir::new().expect("a temporary folder")
}

fn open(path: &Path) -> SqliteStore {
    SqliteStore::open(path, store_suite::HISTORY).expect("the database opens")
}

fn one(store: &SqliteStore, change: Change) -> Result<Revision, Conflict> {
    block_on(store.commit(vec![change])).expect("a working store commits")[0]
}

fn due(store: &SqliteStore, secs: i64) -> Vec<String> {
    let due = block_on(store.due(Timestamp::from_secs(secs), 10)).expect("a page");
    due.iter().map(|task| task.id.to_string()).collect()
}

#[test]
fn it_keeps_the_contract_of_a_store() {
    let (folder, opened) = (folder(), AtomicU32::new(0));
    block_on(store_suite::run(|| {
        let name = format!("{}.db", opened.fetch_add(1, Ordering::Relaxed));
        let store: Arc<dyn Store> = Arc::new(open(&folder.path().join(name)));
        async { store }
    }));
}

#[test]
fn it_keeps_the_contract_of_a_durable_store() {
    let folder = folder();
    block_on(durable_suite::run(|name| {
        let store: Arc<dyn Store> = Arc::new(open(&folder.path().join(name)));
        async { store }
    }));
}

#[test]
fn of_two_claims_on_one_revision_the_second_conflicts() {
    let folder = folder();
    let path = folder.path().join("shared.db");
    let (first, second) = (open(&path), open(&path));
    let created = one(&first, create("a", due_at(1))).expect("a new task");
    assert_eq!(due(&second, 1), ["a"], "both are offered the task");
    let claimed = one(&first, put("a", created, sending(1, 1, first.holder())));
    let current = claimed.expect("the newest revision");
    let late = one(&second, put("a", created, sending(1, 1, second.holder())));
    assert_eq!(late, Err(Conflict::Stale { current }));
    assert!(due(&second, 9).is_empty(), "the claim is the other's");
}

#[test]
fn what_another_store_creates_is_news() {
    let folder = folder();
    let path = folder.path().join("shared.db");
    let (first, second) = (open(&path), open(&path));
    let seen = second.agenda();
    assert!(second.agenda_changed(seen).now_or_never().is_none());
    one(&first, create("a", due_at(1))).expect("a new task");
    block_on(second.agenda_changed(seen));
    assert_eq!(second.counts().active, 1);
}

#[test]
fn a_run_is_taken_over_when_its_holder_is_gone_and_not_before() {
    let folder = folder();
    let path = folder.path().join("shared.db");
    let (first, second) = (open(&path), open(&path));
    let created = one(&first, create("a", due_at(1))).expect("a new task");
    let claim = put("a", created, sending(1, 1, first.holder()));
    one(&first, claim).expect("the newest revision");
    let (seen, holder) = (second.agenda(), first.holder());
    assert!(second.agenda_changed(seen).now_or_never().is_none());
    assert!(!second.is_gone(holder), "it lives");
    assert!(due(&second, 9).is_empty());
    drop(first);
    block_on(second.agenda_changed(seen));
    assert!(second.is_gone(holder));
    assert_eq!(due(&second, 0), ["a"], "due at once");
}
