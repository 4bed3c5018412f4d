//! Where a server is, read from its URL.

use super::error::ClientError;
use http::Uri;
use rustls::pki_types::ServerName;
use std::net::IpAddr;
use url::{Host, Url};

/// A server's URL, taken apart once.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    url: Url,
    /// A name, or an address without brackets.
    pub(super) host: String,
    pub(super) port: u16,
    /// Whom its certificate must name; none without TLS.
    pub(super) tls_name: Option<ServerName<'static>>,
}

impl Endpoint {
    pub(super) fn parse(text: &str) -> Result<Self, ClientError> {
        let refuse = |problem: &str| {
            let expected = "expected http or https, a host and perhaps a port";
            ClientError::Settings(format!("{text:?} is no URL of a server: {problem}; {expected}"))
        };
        let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refuse("it begins with neither http:// nor https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refuse(
                "it holds a user name or a password, a token is shown apart from it",
            ));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(refuse("it goes on after its path"));
        }
        let (host, name) = match url.host() {
            None => return Err(refuse("it has no host")),
            Some(Host::Domain(name)) => (name.to_owned(), ServerName::try_from(name.to_owned())),
            Some(Host::Ipv4(address)) => address_of(address.into()),
            Some(Host::Ipv6(address)) => address_of(address.into()),
        };
        let tls_name = match url.scheme() {
            "https" => Some(name.map_err(|error| refuse(&error.to_string()))?),
            _ => None,
        };
        let port = url.port_or_known_default().ok_or_else(|| refuse("it has no port"))?;
        Ok(Self { host, port, tls_name, url })
    }

    /// As it was given, in its normal form.
    pub(super) fn url(&self) -> &str {
        self.url.as_str()
    }

    /// What the header `host` says.
    pub(super) fn authority(&self) -> &str {
        self.url.authority()
    }

    /// The target of a request for `path`, below the path of the URL.
    pub(super) fn target(&self, path: &str) -> Result<Uri, ClientError> {
        let base = self.url.path().trim_end_matches('/');
        let target = format!("{base}{path}").parse();
        target
            .map_err(|error| ClientError::Settings(format!("{path} cannot be asked for: {error}")))
    }
}

fn address_of(
    address: IpAddr,
) -> (String, Result<ServerName<'static>, rustls::pki_types::InvalidDnsNameError>) {
    (address.to_string(), Ok(ServerName::from(address)))
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn a_url_is_taken_apart() {
        for (text, host, port, authority, target) in [
            ("http://127.0.0.1:8000", "127.0.0.1", 8000, "127.0.0.1:8000", "/xcron/audit"),
            ("http://[::1]:8000/", "::1", 8000, "[::1]:8000", "/xcron/audit"),
            ("https://x.example", "x.example", 443, "x.example", "/xcron/audit"),
            ("http://x.example/a/b/", "x.example", 80, "x.example", "/a/b/xcron/audit"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.port), (host, port), "{text}");
            assert_eq!(endpoint.authority(), authority);
            assert_eq!(endpoint.target("/xcron/audit").unwrap().to_string(), target);
            assert_eq!(endpoint.tls_name.is_some(), text.starts_with("https"));
        }
    }

    #[test]
    fn what_is_no_url_of_a_server_is_refused_with_the_reason() {
        for (text, reason) in [
            ("", "relative URL without a base"),
            ("127.0.0.1:8000", "relative URL without a base"),
            ("localhost:8000", "neither http:// nor https://"),
            ("ftp://a/", "neither http:// nor https://"),
            ("http://", "empty host"),
            ("http://me:secret@a/", "a user name or a password"),
            ("http://a/?b=c", "goes on after its path"),
        ] {
            let said = Endpoint::parse(text).unwrap_err().to_string();
            assert!(said.contains(reason), "{text}: {said}");
        }
    }
}
