//! Names whose lookups hang: they hold up nobody else.

use crate::deliveries::Deliveries;
use crate::server::PATIENCE;
use crate::sink::{Act, Sink, reply};
use std::net::SocketAddr;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use xcron_core::{Callback, Dispatcher, Outcome, SystemClock};
use xcron_http::{DispatchSettings, HttpDispatcher};

/// A resolver that knows every name to be here, and answers for those that begin with `hangs`
/// only when it is dropped.
#[derive(Clone)]
struct Resolver(Arc<Hanging>);

#[derive(Default)]
struct Hanging {
    is_over: Mutex<bool>,
    over: Condvar,
    asked: Notify,
}

impl Resolver {
    fn find(&self, name: &str, port: u16) -> SocketAddr {
        if name.starts_with("hangs") {
            self.0.asked.notify_one();
            let is_over = self.0.is_over.lock().unwrap();
            drop(self.0.over.wait_while(is_over, |is_over| !*is_over).unwrap());
        }
        ([127, 0, 0, 1], port).into()
    }
}

/// Lets what hangs go on, however a test ends: its runtime waits for it.
struct Release(Resolver);

impl Drop for Release {
    fn drop(&mut self) {
        let Self(Resolver(hanging)) = self;
        *hanging.is_over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        hanging.over.notify_all();
    }
}

/// Attempts with so few lookups at a time, and what lets hanging ones go.
fn deliveries(lookups_max: usize) -> (Deliveries, Release) {
    let resolver = Resolver(Arc::default());
    let finds = resolver.clone();
    let connect_max = Duration::from_secs(3_600);
    let settings = DispatchSettings { lookups_max, connect_max, ..DispatchSettings::default() };
    let dispatcher = HttpDispatcher::new(settings).unwrap();
    let dispatcher = dispatcher.with_lookup(move |name, port| Ok(vec![finds.find(name, port)]));
    (Deliveries::of(dispatcher, Arc::new(SystemClock::new())), Release(resolver))
}

/// Begins an attempt for each of `urls`, and waits until a lookup for one of them hangs.
async fn hang(deliveries: &Deliveries, release: &Release, urls: &[String]) -> JoinSet<Outcome> {
    let mut hanging = JoinSet::new();
    for (number, url) in urls.iter().enumerate() {
        let callback = Callback::new(url.as_str());
        let delivery = deliveries.claim(&format!("hangs-{number}"), callback, PATIENCE).await;
        let dispatcher = Arc::clone(&deliveries.dispatcher);
        hanging.spawn(async move { dispatcher.dispatch(delivery).await });
    }
    release.0.0.asked.notified().await;
    hanging
}

#[tokio::test]
async fn a_name_whose_lookup_hangs_takes_one_lookup_however_often_it_is_called() {
    let sink = Sink::answering("200 OK", "").await;
    let (deliveries, release) = deliveries(8);
    let port = sink.addr.port();
    let urls = vec![format!("http://hangs.test:{port}/"); 20];
    let mut hanging = hang(&deliveries, &release, &urls).await;
    let outcome = deliveries.post("new", &format!("http://new.test:{port}/")).await;
    assert_eq!(outcome, Outcome::succeeded().with_code(200));
    assert_eq!(sink.requests().len(), 1);
    // And one answer is enough for all who wait.
    drop(release);
    while let Some(outcome) = hanging.join_next().await {
        assert_eq!(outcome.unwrap(), Outcome::succeeded().with_code(200));
    }
}

#[tokio::test]
async fn however_many_names_hang_one_that_was_found_before_is_found_again() {
    let sink = Sink::start(Act::SayAndClose(reply("200 OK", "", ""))).await;
    let (deliveries, release) = deliveries(8);
    let port = sink.addr.port();
    let well = format!("http://well.test:{port}/");
    assert_eq!(deliveries.post("before", &well).await.code, Some(200));
    let urls: Vec<_> =
        (0..20).map(|number| format!("http://hangs-{number}.test:{port}/")).collect();
    let _hanging = hang(&deliveries, &release, &urls).await;
    for number in 0..3 {
        assert_eq!(deliveries.post(&format!("t{number}"), &well).await.code, Some(200));
    }
    // An address needs no lookup at all.
    assert_eq!(deliveries.post("address", &sink.url()).await.code, Some(200));
    assert_eq!(sink.requests().len(), 5);
}
