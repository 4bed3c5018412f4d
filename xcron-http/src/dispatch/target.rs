//! A callback's URL, taken apart once.

use super::rules::SHOWN_MAX;
use http::{HeaderValue, Uri};
use rustls::pki_types::ServerName;
use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use url::{Host, Url};

/// Where a callback goes.
#[derive(Debug)]
pub(super) struct Target {
    /// `scheme://host:port`: what shares connections and a fate.
    pub(super) destination: Arc<str>,
    /// Whom to dial.
    pub(super) host: TargetHost,
    /// At which port.
    pub(super) port: u16,
    /// The name that the target's certificate must have, with `https`.
    pub(super) tls_name: Option<ServerName<'static>>,
    /// Path and query.
    pub(super) uri: Uri,
    /// The `host` header.
    pub(super) authority: HeaderValue,
}

/// Whom to dial.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum TargetHost {
    /// This address.
    Address(IpAddr),
    /// Whatever this name means at the time.
    Name(String),
}

impl Target {
    /// Takes `url` apart.
    pub(super) fn of(url: &Url) -> Result<Self, String> {
        let is_tls = match url.scheme() {
            "http" => false,
            "https" => true,
            other => {
                let shown = &other[..other.len().min(SHOWN_MAX)];
                return Err(format!("has the scheme {shown}, expected http or https"));
            }
        };
        let host = match url.host() {
            Some(Host::Ipv4(ip)) => TargetHost::Address(ip.into()),
            Some(Host::Ipv6(ip)) => TargetHost::Address(ip.into()),
            Some(Host::Domain(name)) if !name.is_empty() => TargetHost::Name(name.to_owned()),
            _ => return Err("has no host".to_owned()),
        };
        let host_text = url.host_str().unwrap_or_default();
        let port = url.port_or_known_default().unwrap_or(80);
        let tls_name = match &host {
            _ if !is_tls => None,
            TargetHost::Address(ip) => Some(ServerName::from(*ip)),
            TargetHost::Name(name) => {
                let name = name.trim_end_matches('.').to_owned();
                Some(ServerName::try_from(name).map_err(|error| format!("has no host: {error}"))?)
            }
        };
        let authority = match url.port() {
            Some(port) => format!("{host_text}:{port}"),
            None => host_text.to_owned(),
        };
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        Ok(Self {
            destination: format!("{}://{host_text}:{port}", url.scheme()).into(),
            host,
            port,
            tls_name,
            uri: path.parse().map_err(|error| format!("has an unusable path: {error}"))?,
            authority: HeaderValue::try_from(authority)
                .map_err(|error| format!("has an unusable host: {error}"))?,
        })
    }
}

/// A bounded number of targets by URL; when there is no room, all of them make room.
#[derive(Debug)]
pub(super) struct Targets {
    max: usize,
    known: Mutex<HashMap<Arc<str>, Known>>,
}

#[derive(Debug)]
struct Known {
    target: Arc<Target>,
    /// Whether the rules in force accept its URL: tasks may have come here under others.
    is_accepted: bool,
}

impl Targets {
    pub(super) fn new(max: usize) -> Self {
        Self { max, known: Mutex::default() }
    }

    /// The target of `url`, which was validated before it was stored.
    pub(super) fn get(&self, url: &Arc<str>) -> Result<Arc<Target>, String> {
        if let Some(known) = self.known().get(url) {
            return Ok(Arc::clone(&known.target));
        }
        let parsed = Url::parse(url).map_err(|error| error.to_string());
        let target = parsed.and_then(|parsed| Target::of(&parsed));
        let target = target.map_err(|problem| format!("callback.url {problem}"))?;
        Ok(self.note(url, target, false))
    }

    /// The target of `url`, if the rules accepted it in this form.
    pub(super) fn accepted(&self, url: &str) -> Option<Arc<Target>> {
        let known = self.known();
        let known = known.get(url).filter(|known| known.is_accepted)?;
        Some(Arc::clone(&known.target))
    }

    /// Notes that the rules accept `url`, whose target this is.
    pub(super) fn accept(&self, url: &Arc<str>, target: Target) -> Arc<Target> {
        self.note(url, target, true)
    }

    fn note(&self, url: &Arc<str>, target: Target, is_accepted: bool) -> Arc<Target> {
        let target = Arc::new(target);
        let mut known = self.known();
        if known.len() >= self.max {
            known.clear();
        }
        known.insert(Arc::clone(url), Known { target: Arc::clone(&target), is_accepted });
        target
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Arc<str>, Known>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::{Target, TargetHost, Targets};
    use std::sync::Arc;
    use url::Url;

    #[test]
    fn a_url_is_taken_apart() {
        let table = [
            ("http://a", "http://a:80", "a", "/"),
            ("http://a:80/x?y=1", "http://a:80", "a", "/x?y=1"),
            ("https://a.b/x y", "https://a.b:443", "a.b", "/x%20y"),
            ("https://a:8443/", "https://a:8443", "a:8443", "/"),
            ("http://[::1]:9000/?", "http://[::1]:9000", "[::1]:9000", "/?"),
            ("http://0x7f.1/", "http://127.0.0.1:80", "127.0.0.1", "/"),
            ("http://bücher.example/ä", "http://xn--bcher-kva.example:80", "", "/%C3%A4"),
            ("http://a/?q={\"a\":1}|^`", "http://a:80", "a", "/?q={%22a%22:1}|^`"),
        ];
        for (url, destination, authority, uri) in table {
            let target = Target::of(&Url::parse(url).unwrap()).unwrap();
            assert_eq!(&*target.destination, destination);
            if !authority.is_empty() {
                assert_eq!(target.authority, authority);
            }
            assert_eq!(target.uri.to_string(), uri);
        }
        let target = Target::of(&Url::parse("http://2130706433/").unwrap()).unwrap();
        assert_eq!(target.host, TargetHost::Address([127, 0, 0, 1].into()));
    }

    #[test]
    fn what_was_only_looked_up_was_not_accepted() {
        let (targets, url) = (Targets::new(2), Arc::from("http://a/"));
        targets.get(&url).unwrap();
        assert!(targets.accepted(&url).is_none());
        targets.accept(&url, Target::of(&Url::parse(&url).unwrap()).unwrap());
        assert!(targets.accepted(&url).is_some());
        targets.get(&url).unwrap();
        assert!(targets.accepted(&url).is_some());
    }

    #[test]
    fn the_cache_is_bounded() {
        let targets = Targets::new(2);
        for number in 0..5 {
            targets.get(&Arc::from(format!("http://h{number}/"))).unwrap();
            assert!(targets.known.lock().unwrap().len() <= 2);
        }
    }
}
