//! Which callbacks are accepted, and which addresses are dialled.

use crate::deliveries::Deliveries;
use crate::evasions::denying_loopback;
use crate::sink::Sink;
use std::time::Duration;
use xcron_core::{Callback, Dispatcher, Verdict};
use xcron_http::{DispatchSettings, HttpDispatcher};

#[tokio::test]
async fn what_was_stored_before_it_was_denied_is_not_dialled_either() {
    let sink = Sink::answering("200 OK", "").await;
    let deliveries = Deliveries::new();
    let delivery =
        deliveries.claim("early", Callback::new(sink.url()), Duration::from_secs(5)).await;
    let stricter = HttpDispatcher::new(denying_loopback()).unwrap();
    let outcome = stricter.dispatch(delivery).await;
    assert!(outcome.error.unwrap().contains("denied"));
    assert_eq!(sink.connections(), 0);
}

#[tokio::test]
async fn an_allowed_address_is_dialled_although_its_network_is_denied() {
    let sink = Sink::answering("200 OK", "").await;
    let mut settings = denying_loopback();
    settings.allow.push("127.0.0.1/32".to_owned());
    let deliveries = Deliveries::with(settings);
    assert_eq!(deliveries.post("allowed", &sink.url()).await.verdict, Verdict::Succeeded);
    let by_name = format!("http://localhost:{}/", sink.addr.port());
    assert_eq!(deliveries.post("named", &by_name).await.verdict, Verdict::Succeeded);
}

#[tokio::test]
async fn the_clusters_own_addresses_are_never_dialled() {
    let (peer, target) = (Sink::answering("200", "").await, Sink::answering("200", "").await);
    let mut settings = DispatchSettings::default();
    settings.allow.push("0.0.0.0/0".to_owned());
    let deliveries = Deliveries::with(settings);
    deliveries.dispatcher.never_dial(&[peer.addr]);
    assert!(deliveries.dispatcher.validate(Callback::new(peer.url())).is_err());
    let by_name = format!("http://localhost:{}/", peer.addr.port());
    assert_eq!(deliveries.post("peer", &by_name).await.verdict, Verdict::Failed);
    assert_eq!(deliveries.post("target", &target.url()).await.verdict, Verdict::Succeeded);
    assert_eq!(peer.connections(), 0);
}

/// URLs that are not acceptable.
const REFUSED: &[&str] = &[
    "",
    "a",
    "/a",
    "//a/",
    "http:",
    "http://",
    "http:///x",
    "http:/a",
    "http:a",
    "ftp://a/",
    "file:///etc/passwd",
    "gopher://a/",
    "unix:/a",
    "javascript:x",
    "data:,x",
    "ws://a/",
    "http://u:p@h/",
    "http://u@h/",
    "http://h/#f",
    "http:\\\\h\\",
    "http://a\n.b/",
    "http://a b/",
    " http://a/",
    "http://a/ ",
    "http://a/b c",
    "http://a:0/",
    "http://a:99999/",
    "http://a:x/",
    "http://a..b/",
    "http://.a/",
    "http://[::1",
    "http://[fe80::1%25lo]/",
    "http://[::g]/",
    "http://a<b/",
    "http://169.254.169.254/latest",
    "http://[fe80::1]/",
    "http://256.0.0.1/",
    "http://\u{202e}a/",
    "http://a\u{0}/",
];

#[test]
fn urls_that_are_not_acceptable_are_refused_and_others_take_their_normal_form() {
    let dispatcher = HttpDispatcher::new(DispatchSettings::default()).unwrap();
    let long = format!("http://a/{}", "x".repeat(2_048));
    for url in REFUSED.iter().copied().chain([long.as_str()]) {
        let error = dispatcher.validate(Callback::new(url)).unwrap_err();
        assert!(error.to_string().starts_with("callback.url "), "{url}: {error}");
    }
    for url in [format!("{}://a/", "x".repeat(2_000)), format!("http://{}..b/", "a".repeat(2_000))]
    {
        let shown = dispatcher.validate(Callback::new(url)).unwrap_err().to_string();
        assert!(shown.len() < 150, "a refusal shows little of what it refuses: {shown}");
    }
    let accepted = [
        ("HTTP://Example.COM", "http://example.com/"),
        ("http://a:80/", "http://a/"),
        ("http://a:/", "http://a/"),
        ("https://a:443/x/../y?z=ä", "https://a/y?z=%C3%A4"),
        ("http://bücher.example/", "http://xn--bcher-kva.example/"),
        ("http://a_b.internal:8080/x", "http://a_b.internal:8080/x"),
        ("http://0x7f.1/", "http://127.0.0.1/"),
        ("http://[::1]/", "http://[::1]/"),
        ("http://a./", "http://a./"),
    ];
    for (url, stored) in accepted {
        let once = dispatcher.validate(Callback::new(url)).unwrap();
        assert_eq!(&*once.url, stored);
        assert_eq!(dispatcher.validate(once.clone()), Ok(once), "{url}: stored form is stable");
    }
}
