//! Which callbacks are accepted, and the form in which they are stored.

use super::address::AddressPolicy;
use super::settings::DispatchSettings;
use super::target::{Target, TargetHost, Targets};
use http::{HeaderName, HeaderValue};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use url::Url;
use xcron_core::Callback;

/// Headers that only the dispatcher or the connection decides on.
const RESERVED: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// The most characters of a refused text that are shown.
pub(super) const SHOWN_MAX: usize = 40;
const RESERVED_PREFIXES: &[&str] = &["xcron-", "webhook-"];

/// `callback` with its URL and the names of its headers in their normal form. A URL that was
/// accepted in that form is known from then on: many tasks have the same.
pub(super) fn validate(
    mut callback: Callback,
    settings: &DispatchSettings,
    addresses: &AddressPolicy,
    targets: &Targets,
) -> Result<Callback, String> {
    let target = match targets.accepted(&callback.url) {
        Some(target) => target,
        None => {
            let refused = |why| format!("callback.url {why}");
            let url = read_url(&callback.url, settings).map_err(refused)?;
            let target = Target::of(&url).map_err(refused)?;
            callback.url = String::from(url).into();
            targets.accept(&callback.url, target)
        }
    };
    if let TargetHost::Address(ip) = target.host
        && addresses.denies(SocketAddr::new(ip, target.port))
    {
        let place = format!("callback.url has the address {ip} port {}", target.port);
        return Err(format!("{place}, which callback.deny of the configuration excludes"));
    }
    callback.headers = read_headers(callback.headers, settings)
        .map_err(|why| format!("callback.headers {why}"))?;
    let (bytes, max) = (callback.body.as_ref().map_or(0, |body| body.as_str().len()), settings);
    if bytes > max.body_bytes_max {
        let max = max.body_bytes_max;
        return Err(format!("callback.body has {bytes} bytes, expected at most {max}"));
    }
    Ok(callback)
}

fn read_url(text: &str, settings: &DispatchSettings) -> Result<Url, String> {
    let max = settings.url_bytes_max;
    if text.len() > max {
        return Err(format!("has {} bytes, expected at most {max}", text.len()));
    }
    // The parser would quietly drop or turn round what these characters say.
    if let Some(odd) = text.chars().find(|c| c.is_control() || c.is_whitespace() || *c == '\\') {
        return Err(format!("has the character {odd:?}, expected it percent-encoded"));
    }
    let after_scheme = text.split_once("://").map(|(_scheme, rest)| rest);
    let parsed = Url::parse(text)
        .map_err(|error| format!("is no URL: {error}, expected http://host/... or https://"))?;
    match after_scheme {
        Some(rest) if !rest.starts_with('/') => {}
        _ => return Err("is no URL with a host, expected http://host/... or https://".into()),
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err("has a user name or password, expected them in callback.headers".into());
    }
    if parsed.fragment().is_some() {
        return Err("has a fragment (#...), which is never sent".into());
    }
    if parsed.port() == Some(0) {
        return Err("has port 0, expected 1 to 65535".into());
    }
    let host = parsed.host_str().unwrap_or_default();
    let labels = host.strip_suffix('.').unwrap_or(host);
    if labels.split('.').any(str::is_empty) {
        let shown: String = host.chars().take(SHOWN_MAX).collect();
        return Err(format!("has the host {shown}, expected no empty label"));
    }
    if parsed.as_str().len() > max {
        return Err(format!("has over {max} bytes once it is percent-encoded"));
    }
    Ok(parsed)
}

fn read_headers(
    headers: BTreeMap<String, String>,
    settings: &DispatchSettings,
) -> Result<BTreeMap<String, String>, String> {
    if headers.len() > settings.headers_max {
        let (count, max) = (headers.len(), settings.headers_max);
        return Err(format!("has {count} headers, expected at most {max}"));
    }
    let bytes: usize = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > settings.header_bytes_max {
        let max = settings.header_bytes_max;
        return Err(format!("has {bytes} bytes, expected at most {max}"));
    }
    let mut read = BTreeMap::new();
    for (name, value) in headers {
        let shown: String = name.chars().take(SHOWN_MAX).flat_map(char::escape_default).collect();
        let name = HeaderName::from_bytes(name.as_bytes())
            .map_err(|_| format!("has the name {shown:?}, expected a header's name"))?;
        let name = name.as_str();
        let shown = &name[..name.len().min(SHOWN_MAX)];
        let has_prefix = |prefix: &&str| name.starts_with(*prefix);
        if RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(has_prefix) {
            return Err(format!("has {shown}, which is not the task's to set"));
        }
        let is_visible = value.bytes().all(|byte| matches!(byte, b' '..=b'~' | b'\t'));
        if !is_visible || HeaderValue::from_str(&value).is_err() || value.trim() != value {
            return Err(format!("has a value of {shown} that is no text of visible characters"));
        }
        if read.insert(name.to_owned(), value).is_some() {
            return Err(format!("has {shown} twice, expected it once"));
        }
    }
    Ok(read)
}
