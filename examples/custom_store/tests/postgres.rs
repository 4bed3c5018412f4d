//! The suites that every store runs, and what two stores on one database owe each other. Where
//! there is no PostgreSQL the tests say so, unless `XCRON_POSTGRES` names one.

use futures::FutureExt;
use futures::executor::block_on;
use postgres::{Config, NoTls};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use xcron_core::testing::sample::{create, due_at, put, sending};
use xcron_core::testing::{durable_suite, store_suite};
use xcron_core::{Change, Conflict, EngineError, Outcome, Revision, Scheduler, Store};
use xcron_core::{StoreErrorKind, Timestamp, dispatch_fn};
use xcron_stores::PostgresStore;
use xcron_stores::postgres::POLL;
use xcron_stores::postgres::server::Server;

/// The server of the tests that run now.
static SERVER: Mutex<Weak<Server>> = Mutex::new(Weak::new());

fn server() -> Option<Arc<Server>> {
    let mut server = SERVER.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(running) = server.upgrade() {
        return Some(running);
    }
    let Some(started) = Server::start().expect("a PostgreSQL that starts") else {
        eprintln!("not run: there is no PostgreSQL on this machine");
        return None;
    };
    let started = Arc::new(started);
    *server = Arc::downgrade(&started);
    Some(started)
}

fn open(server: &Server, schema: &str) -> PostgresStore {
    let opened = PostgresStore::open(&server.database(), schema, store_suite::HISTORY);
    opened.expect("the database opens")
}

fn one(store: &PostgresStore, change: Change) -> Result<Revision, Conflict> {
    block_on(store.commit(vec![change])).expect("a working store commits")[0]
}

fn due(store: &PostgresStore, secs: i64) -> Vec<String> {
    let due = block_on(store.due(Timestamp::from_secs(secs), 10)).expect("a page");
    due.iter().map(|task| task.id.to_string()).collect()
}

/// Cuts every connection to the database, as a restart of it would.
fn cut(server: &Server) {
    let config: Config = server.database().parse().expect("a good address");
    let mut client = config.connect(NoTls).expect("a connection");
    let cut = "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity \
        WHERE application_name = 'xcron'";
    assert_eq!(client.query(cut, &[]).expect("an answer").len(), 3);
}

#[test]
fn it_keeps_the_contract_of_a_store() {
    let Some(server) = server() else { return };
    let opened = AtomicU32::new(0);
    block_on(store_suite::run(|| {
        let schema = format!("fresh_{}", opened.fetch_add(1, Ordering::Relaxed));
        let store: Arc<dyn Store> = Arc::new(open(&server, &schema));
        async { store }
    }));
}

#[test]
fn it_keeps_the_contract_of_a_durable_store() {
    let Some(server) = server() else { return };
    block_on(durable_suite::run(|name| {
        let store: Arc<dyn Store> = Arc::new(open(&server, name));
        async { store }
    }));
}

#[test]
fn of_two_claims_on_one_revision_the_second_conflicts() {
    let Some(server) = server() else { return };
    let (first, second) = (open(&server, "claims"), open(&server, "claims"));
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
    let Some(server) = server() else { return };
    let (first, second) = (open(&server, "news"), open(&server, "news"));
    let seen = second.agenda();
    assert!(second.agenda_changed(seen).now_or_never().is_none());
    one(&first, create("a", due_at(1))).expect("a new task");
    block_on(second.agenda_changed(seen));
    assert_eq!(second.counts().active, 1);
}

#[test]
fn a_run_is_taken_over_when_its_holder_is_gone_and_not_before() {
    let Some(server) = server() else { return };
    let (first, second) = (open(&server, "lives"), open(&server, "lives"));
    let created = one(&first, create("a", due_at(1))).expect("a new task");
    let claim = put("a", created, sending(1, 1, first.holder()));
    one(&first, claim).expect("the newest revision");
    // Its next look shows it the claim, which is no news to wait for.
    let looks = (0..300).take_while(|_| second.agenda().next_due.is_some());
    looks.for_each(|_| thread::sleep(POLL));
    let (seen, holder) = (second.agenda(), first.holder());
    assert!(!second.is_gone(holder), "it lives");
    assert!(due(&second, 9).is_empty());
    drop(first);
    block_on(second.agenda_changed(seen));
    assert!(second.is_gone(holder));
    assert_eq!(due(&second, 0), ["a"], "due at once");
}

#[test]
fn a_store_that_lost_its_connection_is_over_and_others_take_over() {
    let Some(server) = Server::start().expect("a PostgreSQL that starts") else { return };
    let lost = Arc::new(open(&server, "lost"));
    let created = one(&lost, create("a", due_at(1))).expect("a new task");
    one(&lost, put("a", created, sending(1, 1, lost.holder()))).expect("the newest revision");
    cut(&server);

    let dispatcher = dispatch_fn(|_| async { Outcome::succeeded() });
    let scheduler = Scheduler::builder(Arc::clone(&lost) as Arc<dyn Store>, dispatcher).build();
    let ended = block_on(scheduler.run(std::future::pending()));
    let Err(EngineError::Store(error)) = ended else { panic!("it ran on: {ended:?}") };
    assert_eq!(error.kind(), StoreErrorKind::Fatal);
    assert!(!lost.may_send());

    let next = open(&server, "lost");
    assert!(next.is_gone(lost.holder()));
    assert_eq!(due(&next, 0), ["a"], "due at once");
}

#[test]
fn what_is_not_well_formed_is_refused_by_name() {
    for (database, schema, named) in [
        ("postgres://localhost", "Xcron", "schema is \"Xcron\""),
        ("postgres://localhost", "x; DROP TABLE tasks", "schema is"),
        ("postgres://localhost", "", "schema is \"\""),
        ("nothing", "xcron", "database is"),
    ] {
        let error = PostgresStore::open(database, schema, 1).expect_err("it is refused");
        assert!(error.to_string().starts_with(named), "{error}");
    }
}
