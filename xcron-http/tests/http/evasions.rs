//! Every way known to us around a list of denied addresses, with a listener that counts whoever
//! gets through.

use crate::deliveries::Deliveries;
use crate::server::PATIENCE;
use crate::sink::{Act, Sink, reply};
use std::io::{Error, ErrorKind};
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use xcron_core::{Callback, Dispatcher, Outcome, SystemClock, Verdict};
use xcron_http::{DispatchSettings, HttpDispatcher};

/// What an evasion is without a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Is {
    /// It leads to the listener.
    Open,
    /// The same on a machine that speaks IPv6.
    Open6,
    /// Some network may lead it to the listener; no machine does by itself.
    Routed,
    /// It is no acceptable URL.
    Refused,
}
use Is::{Open, Open6, Refused, Routed};

/// Loopback, as it may be written; `PORT` is where somebody listens on all addresses.
const EVASIONS: &[(Is, &str)] = &[
    (Open, "http://127.0.0.1:PORT/"),
    (Open, "HTTP://127.0.0.1:PORT"),
    (Open, "https://127.0.0.1:PORT/"),
    (Open, "http://127.0.0.1:0PORT/"),
    (Open, "http://127.0.0.2:PORT/"),
    (Open, "http://127.255.255.254:PORT/"),
    // Short, decimal, octal, hexadecimal, and mixed.
    (Open, "http://127.1:PORT/"),
    (Open, "http://127.0.1:PORT/"),
    (Open, "http://2130706433:PORT/"),
    (Open, "http://017700000001:PORT/"),
    (Open, "http://0177.0.0.1:PORT/"),
    (Open, "http://127.0.0.01:PORT/"),
    (Open, "http://127.00000.0.0000001:PORT/"),
    (Open, "http://0x7f000001:PORT/"),
    (Open, "http://0X7F000001:PORT/"),
    (Open, "http://0x7f.1:PORT/"),
    (Open, "http://0x7f.0x0.0x0.0x1:PORT/"),
    (Open, "http://0x7f.0.01:PORT/"),
    (Open, "http://0177.0x1:PORT/"),
    (Refused, "http://127.0.0.257:PORT/"),
    (Refused, "http://6425673729:PORT/"),
    // Dots and digits that only look different.
    (Open, "http://127.0.0.1.:PORT/"),
    (Open, "http://127.1.:PORT/"),
    (Refused, "http://127.0.0.1..:PORT/"),
    (Refused, "http://127..1:PORT/"),
    (Open, "http://%31%32%37.0.0.1:PORT/"),
    (Open, "http://127%2e0%2E0.1:PORT/"),
    (Open, "http://１２７.０.０.１:PORT/"),
    (Open, "http://①②⑦.⓪.⓪.①:PORT/"),
    (Open, "http://𝟭𝟮𝟳.0.0.1:PORT/"),
    (Open, "http://127。0。0。1:PORT/"),
    (Open, "http://127．0．0．1:PORT/"),
    (Open, "http://127｡0｡0｡1:PORT/"),
    (Open, "http://127.0\u{ad}.0.1:PORT/"),
    // The address that means "this machine".
    (Open, "http://0.0.0.0:PORT/"),
    (Open, "http://0:PORT/"),
    (Open, "http://0x0:PORT/"),
    (Open6, "http://[::]:PORT/"),
    (Open6, "http://[0:0::0]:PORT/"),
    (Open, "http://[::ffff:0.0.0.0]:PORT/"),
    // IPv6, and IPv4 within it: mapped, compatible, translated, NAT64, 6to4, Teredo, ISATAP.
    (Open6, "http://[::1]:PORT/"),
    (Open6, "http://[0:0:0:0:0:0:0:1]:PORT/"),
    (Open6, "http://[0000::0.0.0.1]:PORT/"),
    (Open, "http://[::ffff:127.0.0.1]:PORT/"),
    (Open, "http://[::FFFF:7f00:1]:PORT/"),
    (Open, "http://[0:0:0:0:0:ffff:7F00:0001]:PORT/"),
    (Routed, "http://[::127.0.0.1]:PORT/"),
    (Routed, "http://[::ffff:0:127.0.0.1]:PORT/"),
    (Routed, "http://[64:ff9b::127.0.0.1]:PORT/"),
    (Routed, "http://[64:ff9b::7f00:1]:PORT/"),
    (Routed, "http://[64:ff9b:1::7f00:1]:PORT/"),
    (Routed, "http://[2002:7f00:1::]:PORT/"),
    (Routed, "http://[2002:7f00:1::1]:PORT/"),
    (Routed, "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:PORT/"),
    (Routed, "http://[2001:db8::5efe:7f00:1]:PORT/"),
    (Refused, "http://[::1%25lo]:PORT/"),
    (Refused, "http://[::1%lo]:PORT/"),
    (Refused, "http://[fe80::1%251]:PORT/"),
    // Names.
    (Open, "http://localhost:PORT/"),
    (Open, "http://LOCALHOST:PORT/"),
    (Open, "http://localhost.:PORT/"),
    (Open, "http://%6coc%61lhost:PORT/"),
    (Open, "http://ｌｏｃａｌｈｏｓｔ:PORT/"),
    (Open, "http://local\u{ad}host:PORT/"),
    (Open, "https://localhost:PORT/"),
    // Who is host here, and who is user?
    (Refused, "http://a@127.0.0.1:PORT/"),
    (Refused, "http://a:b@127.0.0.1:PORT/"),
    (Refused, "http://a%40b@127.0.0.1:PORT/"),
    (Refused, "http://127.0.0.1:PORT@localhost:PORT/"),
    (Refused, "http://example.com\\@127.0.0.1:PORT/"),
    (Refused, "http://127.0.0.1:PORT\\@example.com/"),
    (Refused, "http://127.0.0.1:PORT#@example.com/"),
    (Refused, "http:\\\\127.0.0.1:PORT\\"),
    (Refused, "http:/127.0.0.1:PORT/"),
    (Refused, "http:127.0.0.1:PORT/"),
    (Refused, "http:///127.0.0.1:PORT/"),
    (Refused, "//127.0.0.1:PORT/"),
    // What a parser would drop.
    (Refused, " http://127.0.0.1:PORT/"),
    (Refused, "http://127.0.0.1:PORT/\n"),
    (Refused, "http://127.0.\t0.1:PORT/"),
    (Refused, "http://127.0.0.1\n:PORT/"),
    (Refused, "ht\ttp://127.0.0.1:PORT/"),
    (Refused, "http://127.0.0.1\u{0}:PORT/"),
    (Refused, "http://127.0.0.1%00:PORT/"),
    (Refused, "http://127.0.0.1%20:PORT/"),
    (Refused, "http://127.0.0.1%2f:PORT/"),
    // Ports that are none.
    (Refused, "http://127.0.0.1:0/"),
    (Refused, "http://127.0.0.1:65536/"),
    (Refused, "http://127.0.0.1:-1/"),
    (Refused, "http://127.0.0.1:PORT:PORT/"),
];

/// Denies loopback and nothing else, not even what is denied by default.
pub(crate) fn denying_loopback() -> DispatchSettings {
    DispatchSettings { deny: vec!["127.0.0.0/8".to_owned(), "::1".to_owned()], ..open() }
}

/// Denies nothing.
fn open() -> DispatchSettings {
    let connect_max = Duration::from_millis(300);
    DispatchSettings { deny: Vec::new(), connect_max, ..DispatchSettings::default() }
}

/// Attempts that look up `localhost` and nothing else.
fn resolving_localhost(settings: DispatchSettings) -> Deliveries {
    resolving(settings, |name, port| {
        if name.trim_end_matches('.') != "localhost" {
            return Err(Error::from(ErrorKind::NotFound));
        }
        let here: [IpAddr; 2] = [[127, 0, 0, 1].into(), "::1".parse().unwrap()];
        Ok(here.map(|ip| SocketAddr::new(ip, port)).to_vec())
    })
}

fn resolving(
    settings: DispatchSettings,
    lookup: impl Fn(&str, u16) -> std::io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
) -> Deliveries {
    let dispatcher = HttpDispatcher::new(settings).unwrap().with_lookup(lookup);
    Deliveries::of(dispatcher, Arc::new(SystemClock::new()))
}

/// A listener on every address of this machine, and whether IPv6 ones are among them.
async fn listener() -> (Sink, bool) {
    let has_ipv6 = std::net::TcpListener::bind("[::1]:0").is_ok();
    let act = Act::SayAndClose(reply("200 OK", "", ""));
    (Sink::at(if has_ipv6 { "::" } else { "0.0.0.0" }, act).await, has_ipv6)
}

/// One attempt to call `url`, if it is accepted, and how many connections it made.
async fn attempt(deliveries: &Deliveries, sink: &Sink, url: &str) -> (Option<Outcome>, usize) {
    let (callback, before) = (Callback::new(url), sink.connections());
    let outcome = match deliveries.dispatcher.validate(callback.clone()) {
        Ok(_) => {
            let id = format!("t{}", deliveries.scheduler.counts().total());
            Some(deliveries.send(&id, callback).await)
        }
        Err(error) => {
            assert!(error.to_string().starts_with("callback.url "), "{url}: {error}");
            None
        }
    };
    (outcome, sink.connections() - before)
}

#[tokio::test]
async fn no_spelling_of_a_denied_address_leads_to_a_connection() {
    assert!(EVASIONS.len() >= 80);
    let (sink, _) = listener().await;
    let deliveries = resolving_localhost(denying_loopback());
    for (is, evasion) in EVASIONS {
        let url = evasion.replace("PORT", &sink.addr.port().to_string());
        let (outcome, connections) = attempt(&deliveries, &sink, &url).await;
        assert_eq!(connections, 0, "{evasion}");
        let Some(outcome) = outcome else { continue };
        assert_ne!(*is, Refused, "{evasion}");
        assert_eq!(outcome.verdict, Verdict::Failed, "{evasion}");
        assert!(outcome.error.unwrap().contains("a denied address"), "{evasion}");
    }
    assert_eq!((sink.connections(), sink.requests().len()), (0, 0));
}

#[tokio::test]
async fn without_a_list_the_same_spellings_lead_there_or_are_refused() {
    let (sink, has_ipv6) = listener().await;
    let deliveries = resolving_localhost(open());
    for (is, evasion) in EVASIONS.iter().filter(|(is, _)| *is != Routed) {
        let url = evasion.replace("PORT", &sink.addr.port().to_string());
        let (outcome, connections) = attempt(&deliveries, &sink, &url).await;
        let is_open = *is == Open || *is == Open6 && has_ipv6;
        assert_eq!(connections > 0, is_open, "{evasion}: {outcome:?}");
        assert_eq!(outcome.is_none(), *is == Refused, "{evasion}: {outcome:?}");
    }
}

#[tokio::test]
async fn allow_wins_over_deny_for_exactly_what_it_names() {
    let (sink, _) = listener().await;
    let port = sink.addr.port();
    let allow = vec!["127.0.0.77/32".to_owned()];
    let deliveries = resolving_localhost(DispatchSettings { allow, ..denying_loopback() });
    for (ip, connections) in [("127.0.0.77", 1), ("127.0.0.76", 0), ("[::ffff:7f00:4d]", 1)] {
        let url = format!("http://{ip}:{port}/");
        assert_eq!(attempt(&deliveries, &sink, &url).await.1, connections, "{ip}");
    }
}

#[tokio::test]
async fn a_redirect_to_a_denied_address_is_not_followed() {
    let (denied, _) = listener().await;
    let allow = vec!["127.0.0.77/32".to_owned()];
    let deliveries = resolving_localhost(DispatchSettings { allow, ..denying_loopback() });
    for status in ["301 Moved", "302 Found", "303 See Other", "307 Temporary", "308 Permanent"] {
        let headers = format!("location: http://127.0.0.1:{}/\r\n", denied.addr.port());
        let allowed = Sink::at("127.0.0.77", Act::Say(reply(status, &headers, ""))).await;
        let (outcome, connections) = attempt(&deliveries, &allowed, &allowed.url()).await;
        assert_eq!((outcome.unwrap().verdict, connections), (Verdict::Failed, 1), "{status}");
    }
    assert_eq!(denied.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_mind_is_dialled_as_it_was_judged() {
    let (sink, _) = listener().await;
    let port = sink.addr.port();
    let lookups = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&lookups);
    let allow = vec!["127.0.0.77/32".to_owned()];
    let settings = DispatchSettings { allow, ..denying_loopback() };
    let deliveries = resolving(settings, move |_name, port| {
        let is_first = counting.fetch_add(1, Ordering::SeqCst) == 0;
        let ip = if is_first { [127, 0, 0, 77] } else { [127, 0, 0, 1] };
        Ok(vec![SocketAddr::from((ip, port))])
    });
    let url = format!("http://rebinding.test:{port}/");
    let (outcome, connections) = attempt(&deliveries, &sink, &url).await;
    assert_eq!((outcome.unwrap().verdict, connections), (Verdict::Succeeded, 1));
    assert_eq!(lookups.load(Ordering::SeqCst), 1, "what was judged is what was dialled");
    let (outcome, connections) = attempt(&deliveries, &sink, &url).await;
    assert_eq!((outcome.unwrap().verdict, connections), (Verdict::Failed, 0));
    assert_eq!(lookups.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn of_a_names_addresses_only_those_that_are_allowed_are_dialled() {
    let (denied, _) = listener().await;
    let port = denied.addr.port();
    let elsewhere = Sink::at("127.0.0.77", Act::Say(reply("200 OK", "", ""))).await;
    let allowed = elsewhere.addr;
    // Nobody listens there: what is left is the denied one, which must not be tried either.
    let nobody = SocketAddr::from(([127, 0, 0, 78], 1));
    let here = SocketAddr::from(([127, 0, 0, 1], port));
    let allow = vec!["127.0.0.76/30".to_owned()];
    for (found, verdict) in [
        ([here, allowed], Verdict::Succeeded),
        ([allowed, here], Verdict::Succeeded),
        ([here, nobody], Verdict::Failed),
        ([nobody, here], Verdict::Failed),
    ] {
        let settings = DispatchSettings { allow: allow.clone(), ..denying_loopback() };
        let deliveries = resolving(settings, move |_name, _port| Ok(found.to_vec()));
        let outcome = deliveries.post("both", &format!("http://both.test:{port}/")).await;
        assert_eq!(outcome.verdict, verdict, "{found:?}: {outcome:?}");
    }
    assert_eq!((denied.connections(), elsewhere.connections()), (0, 2));
}

#[tokio::test]
async fn no_spelling_of_the_clusters_own_addresses_leads_to_a_connection() {
    let (sink, _) = listener().await;
    let allow = vec!["0.0.0.0/0".to_owned(), "::/0".to_owned()];
    let deliveries = resolving_localhost(DispatchSettings { allow, ..open() });
    // As it is bound: on every address of this machine.
    deliveries.dispatcher.never_dial(&[sink.addr]);
    for (_, evasion) in EVASIONS {
        let url = evasion.replace("PORT", &sink.addr.port().to_string());
        let (outcome, connections) = attempt(&deliveries, &sink, &url).await;
        assert_eq!(connections, 0, "{evasion}");
        assert!(outcome.is_none_or(|outcome| outcome.verdict == Verdict::Failed), "{evasion}");
    }
    let other = Sink::answering("200 OK", "").await;
    assert_eq!(attempt(&deliveries, &other, &other.url()).await.1, 1);
    tokio::time::timeout(PATIENCE, other.requested(1)).await.unwrap();
}
