//! A range of addresses, as `10.0.0.0/8`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// A range of addresses: those that share the first `prefix` bits of one.
///
/// ```
/// use xcron_server::config::Network;
///
/// let network: Network = "10.0.0.0/8".parse()?;
/// assert_eq!(network.to_string(), "10.0.0.0/8");
/// assert!("10.0.0.1/8".parse::<Network>().is_err());
/// # Ok::<(), xcron_server::config::InvalidNetwork>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    /// A range of IPv4 addresses, for constants.
    ///
    /// # Panics
    /// When bits beyond the prefix are set, or the prefix is longer than 32.
    #[must_use]
    pub const fn from_v4(octets: [u8; 4], prefix: u8) -> Self {
        let [a, b, c, d] = octets;
        let address = Ipv4Addr::new(a, b, c, d);
        let host_bits = u32::MAX.unbounded_shr(prefix as u32);
        assert!(prefix <= 32 && address.to_bits() & host_bits == 0, "not a network");
        Self { address: IpAddr::V4(address), prefix }
    }

    /// A range of IPv6 addresses, for constants.
    ///
    /// # Panics
    /// When bits beyond the prefix are set, or the prefix is longer than 128.
    #[must_use]
    pub const fn from_v6(segments: [u16; 8], prefix: u8) -> Self {
        let [a, b, c, d, e, f, g, h] = segments;
        let address = Ipv6Addr::new(a, b, c, d, e, f, g, h);
        let host_bits = u128::MAX.unbounded_shr(prefix as u32);
        assert!(prefix <= 128 && address.to_bits() & host_bits == 0, "not a network");
        Self { address: IpAddr::V6(address), prefix }
    }

    /// The first address.
    #[must_use]
    pub const fn address(&self) -> IpAddr {
        self.address
    }

    /// How many leading bits its addresses share.
    #[must_use]
    pub const fn prefix(&self) -> u8 {
        self.prefix
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// A text that is no network; the message says what it lacks.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidNetwork {
    /// It is not an address, a slash and a number of bits.
    #[error("expected a network such as \"10.0.0.0/8\"")]
    Form,
    /// The address has bits beyond the prefix.
    #[error("expected a network, meant is probably \"{0}\"")]
    HostBits(Network),
}

impl FromStr for Network {
    type Err = InvalidNetwork;

    fn from_str(text: &str) -> Result<Self, InvalidNetwork> {
        let (address, prefix) = text.split_once('/').ok_or(InvalidNetwork::Form)?;
        let is_number = !prefix.is_empty() && prefix.bytes().all(|b| b.is_ascii_digit());
        let parsed = prefix.parse::<u8>().ok().filter(|_| is_number);
        let prefix = parsed.ok_or(InvalidNetwork::Form)?;
        let address: IpAddr = address.parse().map_err(|_| InvalidNetwork::Form)?;
        let first = match address {
            IpAddr::V4(v4) if prefix <= 32 => {
                let host_bits = u32::MAX.unbounded_shr(prefix.into());
                IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !host_bits))
            }
            IpAddr::V6(v6) if prefix <= 128 => {
                let host_bits = u128::MAX.unbounded_shr(prefix.into());
                IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !host_bits))
            }
            _ => return Err(InvalidNetwork::Form),
        };
        let network = Self { address: first, prefix };
        if first == address { Ok(network) } else { Err(InvalidNetwork::HostBits(network)) }
    }
}

impl TryFrom<String> for Network {
    type Error = InvalidNetwork;

    fn try_from(text: String) -> Result<Self, InvalidNetwork> {
        text.parse()
    }
}

impl From<Network> for String {
    fn from(network: Network) -> Self {
        network.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::{InvalidNetwork, Network};

    #[test]
    fn a_network_is_an_address_and_the_number_of_bits_that_matter() {
        for good in ["0.0.0.0/0", "10.0.0.0/8", "127.0.0.1/32", "::/0", "fe80::/10", "::1/128"] {
            assert_eq!(good.parse::<Network>().map(|n| n.to_string()), Ok(good.into()));
        }
        for bad in ["", "10.0.0.0", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "a/8", "::/+1"] {
            assert_eq!(bad.parse::<Network>(), Err(InvalidNetwork::Form), "{bad}");
        }
        let meant = Network::from_v4([10, 0, 0, 0], 8);
        assert_eq!("10.1.2.3/8".parse::<Network>(), Err(InvalidNetwork::HostBits(meant)));
    }
}
