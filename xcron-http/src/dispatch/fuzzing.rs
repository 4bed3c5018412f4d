//! What callbacks promise: one that is accepted is stored in one form and leads nowhere that is
//! denied, and whatever a target answers comes to a short outcome.

use super::Request;
use super::address::AddressPolicy;
use super::answer::judge;
use super::link::Link;
use super::rules::validate;
use super::settings::DispatchSettings;
use super::target::{Target, TargetHost, Targets};
use super::watch::Watch;
use crate::fuzzing::assert_told;
use bytes::Bytes;
use http::{HeaderName, HeaderValue};
use http_body_util::Full;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;
use url::Url;
use xcron_core::task::attempt::ANSWER_BYTES_MAX;
use xcron_core::{Callback, CallbackBody, Timestamp, Verdict};

/// What no UTF-8 text holds, so that it can stand between texts.
const SEPARATOR: u8 = 0xff;
/// The most bytes of an error: what is kept of an answer may become three times as long when it
/// is no text.
const ERROR_BYTES_MAX: usize = 3 * 1_024 + 100;

/// Judges the callback with the URL, body, and header names and values that stand in `bytes`, and
/// the network that stands behind the URL, with bytes between them that no text holds.
pub fn callbacks(bytes: &[u8]) {
    let mut texts = bytes.split(|byte| *byte == SEPARATOR).map(String::from_utf8_lossy);
    let mut callback = Callback::new(texts.next().unwrap_or_default().as_ref());
    network(&texts.next().unwrap_or_default());
    if let Some(body) = texts.next().filter(|body| !body.is_empty()) {
        callback.body = Some(CallbackBody::Text(body.as_ref().into()));
    }
    while let (Some(name), Some(value)) = (texts.next(), texts.next()) {
        callback.headers.insert(name.into_owned(), value.into_owned());
    }
    let settings = DispatchSettings::default();
    let policy = AddressPolicy::new(&settings.deny, &[]).expect("the defaults are sound");
    let targets = Targets::new(1);
    match validate(callback, &settings, &policy, &targets) {
        Ok(stored) => {
            let known = validate(stored.clone(), &settings, &policy, &targets);
            assert_eq!(known.as_ref(), Ok(&stored), "the stored form is stable once it is known");
            accepted(&stored, &settings, &policy);
        }
        Err(why) => {
            assert!(why.starts_with("callback."), "{why}");
            assert_told(&why);
        }
    }
}

fn accepted(stored: &Callback, settings: &DispatchSettings, policy: &AddressPolicy) {
    let again = validate(stored.clone(), settings, policy, &Targets::new(1));
    assert_eq!(again.as_ref(), Ok(stored), "the stored form is stable");
    assert!(stored.url.bytes().all(|byte| byte.is_ascii_graphic()), "{}", stored.url);
    assert!(stored.url.starts_with("http://") || stored.url.starts_with("https://"));
    assert!(stored.url.len() <= settings.url_bytes_max && !stored.url.contains('#'));
    let url = Url::parse(&stored.url).expect("what is stored is a URL");
    assert_eq!((url.username(), url.password()), ("", None));
    let target = Target::of(&url).expect("an accepted callback has a target");
    assert!(target.uri.path().starts_with('/') && target.uri.authority().is_none());
    assert_ne!(target.port, 0);
    let expected = url.host_str().expect("an accepted callback has a host");
    let authority = target.authority.to_str().expect("a host is printable");
    assert_eq!(authority.strip_prefix(expected).map(|rest| rest.split(':').next()), Some(Some("")));
    if let TargetHost::Address(ip) = target.host {
        assert!(!leads_to_a_denied_address(ip), "{ip}");
    }
    for (name, value) in &stored.headers {
        assert!(HeaderName::try_from(name).is_ok_and(|it| it.as_str() == name), "{name}");
        assert!(HeaderValue::try_from(value).is_ok_and(|it| it.to_str().is_ok()), "{value:?}");
        let is_reserved = ["host", "content-length", "transfer-encoding", "connection"];
        assert!(!is_reserved.contains(&name.as_str()) && !name.starts_with("xcron-"), "{name}");
    }
}

/// By what the addresses look like, and not by the lists that are tested.
fn leads_to_a_denied_address(ip: IpAddr) -> bool {
    let is_denied_v4 = |octets: &[u8]| octets[0] == 0 || (octets[0], octets[1]) == (169, 254);
    let octets = match ip {
        IpAddr::V4(ip) => return is_denied_v4(&ip.octets()),
        IpAddr::V6(ip) => ip.octets(),
    };
    let flipped: Vec<u8> = octets.iter().map(|octet| !octet).collect();
    match octets {
        [0xfe, second, ..] if second & 0xc0 == 0x80 => true,
        [0x20, 0x02, ..] => is_denied_v4(&octets[2..]),
        [0x20, 0x01, 0, 0, ..] => is_denied_v4(&flipped[12..]),
        [0, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, ..] => is_denied_v4(&octets[12..]),
        [0, 0x64, 0xff, 0x9b, 0, 1, ..] => is_denied_v4(&octets[12..]),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ..] => is_denied_v4(&octets[12..]),
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, ..] => {
            octets != Ipv6Addr::LOCALHOST.octets() && is_denied_v4(&octets[12..])
        }
        _ => false,
    }
}

/// A network that is read denies its own address and allows it, and is wide open at no bits.
fn network(text: &str) {
    let list = [text.to_owned()];
    match AddressPolicy::new(&list, &[]) {
        Ok(denying) => {
            let (address, bits) = text.split_once('/').unwrap_or((text, "all"));
            let address: IpAddr = address.parse().expect("a network begins with an address");
            assert!(denying.denies_ip(address), "{text}");
            let allowing = AddressPolicy::new(&list, &list).expect("it was read");
            assert!(!allowing.denies_ip(address), "{text}");
            let is_any = bits.parse() == Ok(0_u8);
            let other = if address.is_ipv4() {
                IpAddr::V4(Ipv4Addr::from_bits(0x0909_0909))
            } else {
                IpAddr::V6(Ipv6Addr::from_bits(0x2600 << 112))
            };
            assert!(!is_any || denying.denies_ip(other), "{text}");
        }
        Err(error) => assert_told(&error.to_string()),
    }
}

/// Lets a target answer with `bytes` and nothing more.
pub fn answers(bytes: &[u8]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("a runtime of one thread").block_on(async {
        let settings = DispatchSettings::default();
        let wire = Wire { coming: Bytes::copy_from_slice(bytes), is_asked: false, reader: None };
        let mut link = Link::over(wire, Watch::default()).await.expect("nothing is said yet");
        let request = Request::new(Full::new(Bytes::from_static(b"{}")));
        let response = match link.send_freely(request).await {
            Ok(response) => response,
            Err(why) => return assert_told(&why),
        };
        let status = response.status();
        let now = || Timestamp::from_secs(784_111_777);
        let deadline = Instant::now() + Duration::from_secs(60);
        let (outcome, _is_reusable) = judge(response, deadline, &settings, now).await;
        assert_eq!(outcome.code, Some(status.as_u16()));
        assert_eq!(outcome.verdict == Verdict::Succeeded, status.is_success());
        assert_eq!(outcome.verdict == Verdict::Refused, status.as_u16() == 410);
        assert_eq!(outcome.verdict == Verdict::Succeeded, outcome.error.is_none());
        assert!(outcome.answer.as_ref().is_none_or(|answer| answer.len() <= ANSWER_BYTES_MAX));
        if let Some(error) = &outcome.error {
            assert!(error.len() <= ERROR_BYTES_MAX && error.starts_with("answered "), "{error}");
            assert!(!error.chars().any(char::is_control), "{error:?}");
        }
        let is_asking = matches!(status.as_u16(), 429 | 503);
        assert!(outcome.retry_after.is_none_or(|it| is_asking && it <= settings.retry_after_max));
    });
}

/// A target that says all it has to say once it is asked, and hangs up.
struct Wire {
    coming: Bytes,
    is_asked: bool,
    reader: Option<Waker>,
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if !self.is_asked {
            self.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let len = self.coming.len().min(buf.remaining());
        buf.put_slice(&self.coming.split_to(len));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.is_asked = true;
        if let Some(reader) = self.reader.take() {
            reader.wake();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
