//! Signatures, as a receiver of another maker verifies them.

use crate::deliveries::Deliveries;
use crate::server::PATIENCE;
use crate::sink::Sink;
use http::{HeaderMap, HeaderName, HeaderValue};
use standardwebhooks::Webhook;
use std::sync::Arc;
use std::time::Duration;
use xcron_core::testing::SimClock;
use xcron_core::{Callback, CallbackBody, Dispatcher, Method, Timestamp};
use xcron_http::{DispatchSettings, SigningSecrets};

const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const OLD: &str = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const NEVER: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn signing(secrets: &str) -> DispatchSettings {
    let signing = Some(SigningSecrets::parse(secrets).unwrap());
    DispatchSettings { signing, ..DispatchSettings::default() }
}

/// The headers and the body of a request as it came.
fn taken_apart(request: &str) -> (HeaderMap, String) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut headers = HeaderMap::new();
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        let name = HeaderName::try_from(name).unwrap();
        headers.append(name, HeaderValue::try_from(value).unwrap());
    }
    (headers, body.to_owned())
}

fn verifies(secret: &str, headers: &HeaderMap, body: &str) -> bool {
    Webhook::new(secret).unwrap().verify(body.as_bytes(), headers).is_ok()
}

/// The same with one byte changed, at every place in turn.
fn altered(text: &str) -> impl Iterator<Item = String> {
    (0..text.len()).filter(|at| text.is_char_boundary(*at)).map(|at| {
        let (before, rest) = text.split_at(at);
        let mut after = rest.chars();
        let other = if after.next() == Some('0') { '1' } else { '0' };
        format!("{before}{other}{}", after.as_str())
    })
}

#[tokio::test]
async fn what_was_received_verifies_under_each_secret_and_not_once_a_byte_is_changed() {
    let sink = Sink::answering("200 OK", "").await;
    let deliveries = Deliveries::with(signing(&format!("{NEW} {OLD}")));
    let bodies = [
        (Method::Post, None),
        (Method::Post, Some(CallbackBody::Json("{\"amount\": 7.10, \"to\": \"Zoë\"}".into()))),
        (Method::Put, Some(CallbackBody::Text("1.2.3 \r\n\r\n ☃".into()))),
        (Method::Get, None),
        (Method::Delete, None),
    ];
    for (number, (method, body)) in bodies.into_iter().enumerate() {
        let mut callback = Callback::new(sink.url());
        (callback.method, callback.body) = (method, body);
        deliveries.send(&format!("a.{number}.b"), callback).await;
        let (headers, body) = taken_apart(sink.requests().last().unwrap());
        assert_eq!(headers["webhook-id"], headers["xcron-run-id"]);
        assert!(verifies(NEW, &headers, &body), "{method:?}");
        assert!(verifies(OLD, &headers, &body), "{method:?}");
        assert!(!verifies(NEVER, &headers, &body), "{method:?}");
        assert!(altered(&body).all(|body| !verifies(NEW, &headers, &body)), "{method:?}");
        assert!(!verifies(OLD, &headers, &format!("{body}0")), "{method:?}");
        for name in ["webhook-id", "webhook-timestamp"] {
            for value in altered(headers[name].to_str().unwrap()) {
                let mut headers = headers.clone();
                headers.insert(name, value.parse().unwrap());
                assert!(!verifies(NEW, &headers, &body) && !verifies(OLD, &headers, &body));
            }
        }
    }
}

#[tokio::test]
async fn one_secret_makes_one_signature_and_two_make_two_the_new_one_first() {
    let sink = Sink::answering("200 OK", "").await;
    for (secrets, count) in [(NEW.to_owned(), 1), (format!("{NEW} {OLD}"), 2)] {
        Deliveries::with(signing(&secrets)).post("rotated", &sink.url()).await;
        let (headers, body) = taken_apart(sink.requests().last().unwrap());
        let signatures: Vec<&str> =
            headers["webhook-signature"].to_str().unwrap().split(' ').collect();
        assert_eq!(signatures.len(), count);
        assert!(signatures.iter().all(|one| one.starts_with("v1,")), "{signatures:?}");
        let mut first = headers.clone();
        first.insert("webhook-signature", signatures[0].parse().unwrap());
        assert!(verifies(NEW, &first, &body) && !verifies(OLD, &first, &body));
    }
}

#[tokio::test]
async fn every_attempt_has_the_runs_id_and_a_time_of_its_own() {
    let sink = Sink::answering("500 Oops", "").await;
    let clock = SimClock::at(Timestamp::from_secs(1_700_000_000));
    let deliveries = Deliveries::by_clock(signing(NEW), Arc::new(clock.clone()));
    let first = deliveries.claim("twice", Callback::new(sink.url()), PATIENCE).await;
    for (request, seconds) in [(0, "1700000000"), (1, "1700000007")] {
        deliveries.dispatcher.dispatch(first.clone()).await;
        let (headers, _) = taken_apart(&sink.requests()[request]);
        assert_eq!(headers["webhook-id"], "twice@1700000000");
        assert_eq!(headers["webhook-timestamp"], seconds);
        clock.advance(Duration::from_secs(7));
    }
}

#[tokio::test]
async fn a_callback_cannot_set_what_only_the_dispatcher_may_say() {
    let deliveries = Deliveries::with(signing(NEW));
    for name in ["webhook-id", "Webhook-Signature", "webhook-", "xcron-fence", "Idempotency-Key"] {
        let mut callback = Callback::new("http://a/");
        callback.headers.insert(name.to_owned(), "forged".to_owned());
        let error = deliveries.dispatcher.validate(callback).unwrap_err().to_string();
        let expected = format!("callback.headers has {}, which is not", name.to_lowercase());
        assert!(error.starts_with(&expected), "{error}");
    }
}
