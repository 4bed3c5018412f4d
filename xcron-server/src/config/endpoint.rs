//! An address that other nodes dial, as `host:port`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// The longest name of a host.
const NAME_BYTES_MAX: usize = 253;
/// The longest part of it between two dots.
const LABEL_BYTES_MAX: usize = 63;

/// A host and a port, in the one spelling by which two of them are compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Endpoint {
    host: Host,
    port: u16,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Host {
    Ip(IpAddr),
    /// In lower case.
    Name(String),
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.host {
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]:{}", self.port),
            Host::Ip(ip) => write!(f, "{ip}:{}", self.port),
            Host::Name(name) => write!(f, "{name}:{}", self.port),
        }
    }
}

impl FromStr for Endpoint {
    /// What was expected instead.
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, &'static str> {
        let form = "expected \"host:port\" such as \"10.0.0.1:8899\"";
        let (host, port) = text.rsplit_once(':').ok_or(form)?;
        let is_number = (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit());
        let port = port.parse::<u16>().ok().filter(|port| is_number && *port != 0);
        let port = port.ok_or("expected a port from 1 to 65535 after the colon")?;
        let host = if let Some(inner) = host.strip_prefix('[') {
            let v6 = inner.strip_suffix(']').and_then(|inner| inner.parse::<Ipv6Addr>().ok());
            Host::Ip(v6.ok_or("expected an IPv6 address between the brackets")?.into())
        } else if host.contains(':') {
            return Err("expected brackets around an IPv6 address, as in \"[::1]:8899\"");
        } else if let Ok(v4) = host.parse::<Ipv4Addr>() {
            Host::Ip(v4.into())
        } else if is_name(host) {
            Host::Name(host.to_ascii_lowercase())
        } else {
            return Err(form);
        };
        if let Host::Ip(ip) = host
            && ip.is_unspecified()
        {
            return Err("expected an address that other nodes can dial");
        }
        Ok(Self { host, port })
    }
}

/// Whether `host` may be looked up; one whose last part is a number could only be an address.
fn is_name(host: &str) -> bool {
    let is_label = |label: &str| {
        let inner = label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        let edges = !label.starts_with('-') && !label.ends_with('-');
        inner && edges && (1..=LABEL_BYTES_MAX).contains(&label.len())
    };
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit());
    host.len() <= NAME_BYTES_MAX && host.split('.').all(is_label) && !is_number
}

#[cfg(test)]
mod tests {
    use super::Endpoint;

    #[test]
    fn an_endpoint_is_a_host_and_a_port_in_one_spelling() {
        for (text, shown) in [
            ("10.0.0.1:8899", "10.0.0.1:8899"),
            ("[::1]:1", "[::1]:1"),
            ("[2001:DB8::0:1]:65535", "[2001:db8::1]:65535"),
            ("localhost:8899", "localhost:8899"),
            ("Node-1.Example.com:08899", "node-1.example.com:8899"),
            ("xcron_1:8899", "xcron_1:8899"),
            ("1password.com:1", "1password.com:1"),
        ] {
            let read = text.parse::<Endpoint>().map(|endpoint| endpoint.to_string());
            assert_eq!(read, Ok(shown.into()), "{text}");
        }
    }

    #[test]
    fn what_is_no_endpoint_is_told_what_it_lacks() {
        let long = format!("{}:1", ["a"; 128].join("."));
        for (text, expected) in [
            ("", "\"host:port\""),
            ("a", "\"host:port\""),
            (":1", "\"host:port\""),
            ("a b:1", "\"host:port\""),
            ("http://a:1", "brackets"),
            ("a/b:1", "\"host:port\""),
            ("-a:1", "\"host:port\""),
            ("a..b:1", "\"host:port\""),
            ("a.:1", "\"host:port\""),
            ("256.0.0.1:1", "\"host:port\""),
            ("10.1:1", "\"host:port\""),
            (&long, "\"host:port\""),
            ("a:", "a port from 1 to 65535"),
            ("a:0", "a port from 1 to 65535"),
            ("a:65536", "a port from 1 to 65535"),
            ("a:+1", "a port from 1 to 65535"),
            ("a:b", "a port from 1 to 65535"),
            ("::1:8899", "brackets around"),
            ("[::1:8899", "between the brackets"),
            ("[10.0.0.1]:1", "between the brackets"),
            ("[fe80::1%eth0]:1", "between the brackets"),
            ("0.0.0.0:1", "can dial"),
            ("[::]:1", "can dial"),
        ] {
            let refused = text.parse::<Endpoint>().expect_err(text);
            assert!(refused.contains(expected), "{text}: {refused}");
        }
    }
}
