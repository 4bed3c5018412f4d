//! What the two sides say before the first request.

use std::ops::RangeInclusive;

use prost::Message;

use super::identity::{Identity, Lane};

/// What a hello begins with, in every version there will be.
const MAGIC: [u8; 8] = *b"xcronpr\n";

#[derive(Clone, PartialEq, Message)]
struct IdentityMessage {
    #[prost(bytes = "vec", tag = "1")]
    cluster: Vec<u8>,
    #[prost(uint64, tag = "2")]
    node: u64,
}

#[derive(Clone, PartialEq, Message)]
struct HelloMessage {
    #[prost(uint32, tag = "1")]
    version_min: u32,
    #[prost(uint32, tag = "2")]
    version_max: u32,
    #[prost(message, optional, tag = "3")]
    from: Option<IdentityMessage>,
    /// Of a client: whom it looks for; absent: whoever answers.
    #[prost(message, optional, tag = "4")]
    wanted: Option<IdentityMessage>,
    #[prost(bytes = "vec", tag = "5")]
    nonce: Vec<u8>,
    /// Of a client.
    #[prost(uint32, tag = "6")]
    lane: u32,
    /// Of a server: the version to speak; 0: there is none in common.
    #[prost(uint32, tag = "7")]
    version: u32,
}

#[derive(Clone, PartialEq, Message)]
struct VerdictMessage {
    #[prost(uint32, tag = "1")]
    refusal: u32,
    #[prost(string, tag = "2")]
    text: String,
}

/// How a client begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClientHello {
    pub(super) versions: RangeInclusive<u32>,
    pub(super) from: Identity,
    pub(super) wanted: Option<Identity>,
    pub(super) nonce: [u8; 32],
    pub(super) lane: Lane,
}

/// How a server answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ServerHello {
    pub(super) versions: RangeInclusive<u32>,
    /// The one to speak, if there is one in common.
    pub(super) version: Option<u32>,
    pub(super) from: Identity,
    pub(super) nonce: [u8; 32],
}

/// What a server says to a client that has proved to know the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Version,
    Cluster,
    Node,
    Full,
}

impl ClientHello {
    pub(super) fn encode(&self) -> Vec<u8> {
        let message = HelloMessage {
            version_min: *self.versions.start(),
            version_max: *self.versions.end(),
            from: Some(message(self.from)),
            wanted: self.wanted.map(message),
            nonce: self.nonce.to_vec(),
            lane: match self.lane {
                Lane::Raft => 0,
                Lane::Bulk => 1,
            },
            version: 0,
        };
        with_magic(&message)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let hello = without_magic(bytes)?;
        Some(Self {
            versions: hello.version_min..=hello.version_max,
            from: identity(&hello.from?)?,
            wanted: match &hello.wanted {
                None => None,
                Some(wanted) => Some(identity(wanted)?),
            },
            nonce: hello.nonce.try_into().ok()?,
            lane: match hello.lane {
                0 => Lane::Raft,
                1 => Lane::Bulk,
                _ => return None,
            },
        })
    }
}

impl ServerHello {
    pub(super) fn encode(&self) -> Vec<u8> {
        let message = HelloMessage {
            version_min: *self.versions.start(),
            version_max: *self.versions.end(),
            from: Some(message(self.from)),
            nonce: self.nonce.to_vec(),
            version: self.version.unwrap_or_default(),
            ..HelloMessage::default()
        };
        with_magic(&message)
    }

    pub(super) fn decode(bytes: &[u8]) -> Option<Self> {
        let hello = without_magic(bytes)?;
        Some(Self {
            versions: hello.version_min..=hello.version_max,
            version: (hello.version != 0).then_some(hello.version),
            from: identity(&hello.from?)?,
            nonce: hello.nonce.try_into().ok()?,
        })
    }
}

/// The bytes of a verdict; without a refusal the client is welcome.
pub(super) fn encode_verdict(refusal: Option<(Refusal, String)>) -> Vec<u8> {
    let message = match refusal {
        None => VerdictMessage::default(),
        Some((refusal, text)) => VerdictMessage { refusal: refusal as u32 + 1, text },
    };
    message.encode_to_vec()
}

/// The verdict whose bytes these are.
pub(super) fn decode_verdict(bytes: &[u8]) -> Option<Option<(Refusal, String)>> {
    let VerdictMessage { refusal, text } = VerdictMessage::decode(bytes).ok()?;
    let refusal = match refusal {
        0 => return Some(None),
        1 => Refusal::Version,
        2 => Refusal::Cluster,
        3 => Refusal::Node,
        // A newer server may have more reasons; each of them means: not now.
        _ => Refusal::Full,
    };
    Some(Some((refusal, text)))
}

fn with_magic(message: &HelloMessage) -> Vec<u8> {
    let mut bytes = MAGIC.to_vec();
    bytes.extend(message.encode_to_vec());
    bytes
}

fn without_magic(bytes: &[u8]) -> Option<HelloMessage> {
    HelloMessage::decode(bytes.strip_prefix(&MAGIC)?).ok()
}

fn message(identity: Identity) -> IdentityMessage {
    IdentityMessage { cluster: identity.cluster.to_be_bytes().to_vec(), node: identity.node }
}

fn identity(message: &IdentityMessage) -> Option<Identity> {
    let cluster = u128::from_be_bytes(message.cluster.as_slice().try_into().ok()?);
    Some(Identity { cluster, node: message.node })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hellos_and_verdicts_come_back_as_they_were() {
        let from = Identity { cluster: 1 << 100, node: 3 };
        for wanted in [None, Some(Identity::default()), Some(from)] {
            let lane = Lane::Bulk;
            let hello = ClientHello { versions: 1..=4, from, wanted, nonce: [7; 32], lane };
            assert_eq!(ClientHello::decode(&hello.encode()), Some(hello));
        }
        for version in [None, Some(2)] {
            let hello = ServerHello { versions: 2..=2, version, from, nonce: [8; 32] };
            assert_eq!(ServerHello::decode(&hello.encode()), Some(hello));
        }
        let refusals = [Refusal::Version, Refusal::Cluster, Refusal::Node, Refusal::Full];
        let refusals = refusals.map(|refusal| Some((refusal, "why".to_owned())));
        for verdict in refusals.into_iter().chain([None]) {
            assert_eq!(decode_verdict(&encode_verdict(verdict.clone())), Some(verdict));
        }
    }
}
