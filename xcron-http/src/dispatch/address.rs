//! Which addresses may be dialled.

use super::settings::DispatchSettingsError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::{PoisonError, RwLock};

/// The lists that an address is judged by.
#[derive(Debug)]
pub(super) struct AddressPolicy {
    deny: Vec<Network>,
    allow: Vec<Network>,
    never: RwLock<Vec<SocketAddr>>,
}

impl AddressPolicy {
    pub(super) fn new(deny: &[String], allow: &[String]) -> Result<Self, DispatchSettingsError> {
        let read = |name: &str, list: &[String]| -> Result<Vec<Network>, DispatchSettingsError> {
            let networks = list.iter().map(|text| Network::read(text).ok_or(text));
            networks.collect::<Result<_, _>>().map_err(|text: &String| {
                let expected = "expected a network such as 10.0.0.0/8 or fe80::/10";
                DispatchSettingsError(format!("callback.{name} has {text:?}, {expected}"))
            })
        };
        let never = RwLock::default();
        Ok(Self { deny: read("deny", deny)?, allow: read("allow", allow)?, never })
    }

    /// Never dials these, whatever the lists say; an unspecified address stands for every one of
    /// this machine.
    pub(super) fn never(&self, addresses: &[SocketAddr]) {
        *self.never.write().unwrap_or_else(PoisonError::into_inner) = addresses.to_vec();
    }

    /// Whether `address` may not be dialled.
    pub(super) fn denies(&self, address: SocketAddr) -> bool {
        let ip = address.ip().to_canonical();
        self.is_never(ip, address.port())
            || tunnelled(ip).is_some_and(|ip| self.is_never(ip, address.port()))
            || self.denies_ip(ip)
    }

    fn is_never(&self, ip: IpAddr, port: u16) -> bool {
        let never = self.never.read().unwrap_or_else(PoisonError::into_inner);
        never.iter().filter(|listener| listener.port() == port).any(|listener| {
            let listens_on = listener.ip().to_canonical();
            let is_everywhere = listens_on.is_unspecified();
            is_everywhere && is_of_this_machine(ip) || reachable(listens_on) == reachable(ip)
        })
    }

    /// Whether no port of `ip` may be dialled.
    pub(super) fn denies_ip(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        let is_in = |list: &[Network], ip| list.iter().any(|network| network.contains(ip));
        if is_in(&self.allow, ip) {
            return false;
        }
        // It leads to each of these, so none may be denied.
        let mut ends = [Some(ip), Some(reachable(ip)), tunnelled(ip)].into_iter().flatten();
        ends.any(|end| is_in(&self.deny, end) && !is_in(&self.allow, end))
    }
}

/// Connecting to the unspecified address connects to this machine.
const fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    }
}

/// Whether what listens on every address of this machine listens on `ip`: only such an address
/// can be bound.
fn is_of_this_machine(ip: IpAddr) -> bool {
    ip.is_loopback() || UdpSocket::bind((ip, 0)).is_ok()
}

/// The IPv4 address that an IPv6 address leads to by translation or a tunnel: NAT64 (RFC 6052),
/// SIIT (RFC 2765), 6to4 (RFC 3056), Teredo (RFC 4380), ISATAP (RFC 5214), and the unspecified
/// and "compatible" ones (RFC 4291).
fn tunnelled(ip: IpAddr) -> Option<IpAddr> {
    let IpAddr::V6(ip) = ip else { return None };
    let (bits, segments) = (ip.to_bits(), ip.segments());
    let low = (bits & 0xffff_ffff) as u32;
    let embedded = match segments {
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => low,
        [0x64, 0xff9b, 1, ..] => low,
        [0, 0, 0, 0, 0xffff, 0, _, _] => low,
        [0x2002, high, middle, ..] => u32::from(high) << 16 | u32::from(middle),
        [0x2001, 0, ..] => !low,
        [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => low,
        [0, 0, 0, 0, 0, 0, _, _] if ip != Ipv6Addr::LOCALHOST => low,
        _ => return None,
    };
    Some(Ipv4Addr::from_bits(embedded).into())
}

/// All addresses that begin with the same bits.
#[derive(Clone, Copy, Debug)]
struct Network {
    first: IpAddr,
    bits: u32,
}

impl Network {
    fn read(text: &str) -> Option<Self> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address, Some(bits.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let width = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(width);
        if bits > width {
            return None;
        }
        // A network of IPv4-mapped addresses is one of IPv4: addresses are judged unmapped.
        let first = address.to_canonical();
        let cut = if first.is_ipv4() == address.is_ipv4() { 0 } else { 96 };
        Some(Self { first, bits: bits.checked_sub(cut)? })
    }

    fn contains(&self, ip: IpAddr) -> bool {
        match (self.first, ip) {
            (IpAddr::V4(first), IpAddr::V4(ip)) => {
                let differing = first.to_bits() ^ ip.to_bits();
                differing.checked_shr(32 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V6(first), IpAddr::V6(ip)) => {
                let differing = first.to_bits() ^ ip.to_bits();
                differing.checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::AddressPolicy;
    use crate::DispatchSettings;

    fn policy(deny: &[&str], allow: &[&str]) -> AddressPolicy {
        let owned = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
        AddressPolicy::new(&owned(deny), &owned(allow)).unwrap()
    }

    #[test]
    fn the_default_denies_link_local_addresses_however_they_are_reached() {
        let policy = AddressPolicy::new(&DispatchSettings::default().deny, &[]).unwrap();
        let denied = [
            "169.254.169.254",
            "169.254.0.0",
            "169.254.255.255",
            "0.0.0.0",
            "0.1.2.3",
            "fe80::1",
            "febf::1",
            "::",
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::a9fe:a9fe",
            "2002:a9fe:a9fe::1",
            "2001:0:1234::5601:5601",
            "::ffff:0:169.254.169.254",
            "2600::5efe:169.254.169.254",
            "2600::200:5efe:169.254.169.254",
        ];
        for ip in denied {
            assert!(policy.denies_ip(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["127.0.0.1", "::1", "10.0.0.1", "169.253.0.1", "8.8.8.8", "fec0::1", "2600::1"] {
            assert!(!policy.denies_ip(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn allow_wins_over_deny() {
        let policy = policy(&["0.0.0.0/0", "::/0"], &["10.1.0.0/16", "fd00::/8", "9.9.9.9"]);
        for ip in ["10.1.2.3", "::ffff:10.1.2.3", "fd00::7", "9.9.9.9"] {
            assert!(!policy.denies_ip(ip.parse().unwrap()), "{ip}");
        }
        for ip in ["10.2.0.1", "9.9.9.8", "fc00::1", "::1", "127.0.0.1"] {
            assert!(policy.denies_ip(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn the_unspecified_address_leads_to_loopback() {
        let policy = policy(&["127.0.0.0/8", "::1"], &[]);
        for ip in ["0.0.0.0", "::", "::ffff:0.0.0.0"] {
            assert!(policy.denies_ip(ip.parse().unwrap()), "{ip}");
        }
    }

    #[test]
    fn a_mapped_network_is_one_of_ipv4() {
        let policy = policy(&["::ffff:10.0.0.0/104"], &[]);
        assert!(policy.denies_ip("10.200.0.1".parse().unwrap()));
        assert!(!policy.denies_ip("11.0.0.1".parse().unwrap()));
    }

    #[test]
    fn never_is_about_one_port_and_nothing_allows_it() {
        let policy = policy(&[], &["0.0.0.0/0", "::/0"]);
        policy.never(&["127.0.0.1:8899".parse().unwrap(), "0.0.0.0:9910".parse().unwrap()]);
        for address in [
            "127.0.0.1:8899",
            "[::ffff:127.0.0.1]:8899",
            "[::127.0.0.1]:8899",
            "[64:ff9b::127.0.0.1]:8899",
            "0.0.0.0:8899",
            "127.0.0.1:9910",
            "127.9.9.9:9910",
            "[::ffff:127.9.9.9]:9910",
            "0.0.0.0:9910",
            "[::]:9910",
        ] {
            assert!(policy.denies(address.parse().unwrap()), "{address}");
        }
        for address in ["127.0.0.1:8898", "127.9.9.9:8899", "192.0.2.1:9910"] {
            assert!(!policy.denies(address.parse().unwrap()), "{address}");
        }
        policy.never(&["[::]:8899".parse().unwrap()]);
        for address in ["127.0.0.1:8899", "[::1]:8899", "[::]:8899"] {
            assert!(policy.denies(address.parse().unwrap()), "{address}");
        }
        policy.never(&[]);
        assert!(!policy.denies("127.0.0.1:8899".parse().unwrap()));
    }

    #[test]
    fn what_is_no_network_is_refused() {
        for text in ["", "x", "10.0.0.0/33", "::/129", "10.0.0/8", "10.0.0.0/", "10.0.0.0/-1"] {
            let refused = AddressPolicy::new(&[text.to_owned()], &[]);
            assert!(refused.unwrap_err().to_string().starts_with("callback.deny has"), "{text}");
        }
    }
}
