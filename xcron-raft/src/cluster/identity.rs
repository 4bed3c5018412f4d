//! What a data directory belongs to: which cluster, and which node of it.
//!
//! The file is written before anything that depends on it, and replaced as a whole. A directory
//! without it belongs to nobody yet, unless it holds a log: then it is of a version that had
//! clusters of one only.

use std::io;

use bytes::Bytes;
use prost::Message;

use crate::disk::Disk;
use crate::peer::Identity;
use crate::wire::peer::IdentityMessage;
use crate::{Error, ErrorKind};

const NAME: &str = "identity";
const TEMPORARY: &str = "identity.tmp";
const MAGIC: &[u8; 8] = b"xcronid1";

/// The most bytes that are read as an identity.
const BYTES_MAX: u64 = 64 << 10;

/// What nodes were called before there were identities.
const FIRST_VERSION: Identity = Identity { cluster: 1, node: 1 };

/// What a data directory belongs to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Belonging {
    /// Cluster and node; zeros while it belongs to nobody.
    pub(crate) identity: Identity,
    /// What the node calls itself while it asks to be let in; else empty.
    pub(crate) nonce: Bytes,
    /// The founders, while the cluster may not have begun; else empty.
    pub(crate) founders: Vec<String>,
    /// Whether a log was begun beside it.
    pub(crate) has_log: bool,
}

impl Belonging {
    /// Reads what the directory on `disk` belongs to.
    ///
    /// # Errors
    /// When it cannot be read, or is damaged.
    pub(crate) fn load(disk: &dyn Disk) -> Result<Self, Error> {
        let failed = |e| Error::disk("cannot read the identity", &e);
        let list = disk.list().map_err(failed)?;
        if !list.iter().any(|entry| entry.name == NAME) {
            let has_log = list.iter().any(|entry| is_of_a_log(&entry.name));
            let identity = if has_log { FIRST_VERSION } else { Identity::default() };
            return Ok(Self { identity, has_log, ..Self::default() });
        }
        let file = disk.open(NAME).map_err(failed)?;
        let len = file.size().map_err(failed)?.min(BYTES_MAX);
        let mut bytes = vec![0; len as usize];
        file.read_at(0, &mut bytes).map_err(failed)?;
        let found = decode(&bytes).map_err(|what| Error::damaged(NAME, 0, what))?;
        if found.has_log && !list.iter().any(|entry| is_of_a_log(&entry.name)) {
            return Err(Error::damaged(NAME, 0, "the log that was beside it is gone"));
        }
        Ok(found)
    }

    /// Makes this what the directory belongs to.
    ///
    /// # Errors
    /// When it cannot be written; then what was there still holds.
    pub(crate) fn save(&self, disk: &dyn Disk) -> Result<(), Error> {
        self.write(disk).map_err(|e| Error::disk("cannot write the identity", &e))
    }

    fn write(&self, disk: &dyn Disk) -> io::Result<()> {
        let file = disk.create(TEMPORARY)?;
        file.write_at(0, &self.encode())?;
        file.sync_data()?;
        disk.rename(TEMPORARY, NAME)?;
        disk.sync_dir()
    }

    fn encode(&self) -> Vec<u8> {
        let Identity { cluster, node } = self.identity;
        let message = IdentityMessage {
            cluster: cluster_bytes(cluster),
            node,
            nonce: self.nonce.clone(),
            founders: self.founders.clone(),
            has_log: self.has_log,
        };
        let body = message.encode_to_vec();
        let crc = crc32c::crc32c(&body).to_le_bytes();
        [&MAGIC[..], &crc, &body].concat()
    }
}

fn decode(bytes: &[u8]) -> Result<Belonging, String> {
    let Some((magic, rest)) = bytes.split_at_checked(MAGIC.len()) else {
        return Err("it is too short".into());
    };
    let Some((crc, body)) = rest.split_at_checked(4).filter(|_| magic == MAGIC) else {
        return Err("it does not begin as an identity does".into());
    };
    if crc != crc32c::crc32c(body).to_le_bytes() {
        return Err("its checksum does not match".into());
    }
    let message = IdentityMessage::decode(body).map_err(|error| error.to_string())?;
    let cluster = cluster_id(&message.cluster).ok_or("its cluster is not 16 bytes long")?;
    let identity = Identity { cluster, node: message.node };
    let IdentityMessage { nonce, founders, has_log, .. } = message;
    Ok(Belonging { identity, nonce, founders, has_log })
}

/// A cluster's number as it is written; none for a node that belongs to no cluster.
pub(crate) fn cluster_bytes(cluster: u128) -> Vec<u8> {
    if cluster == 0 { Vec::new() } else { cluster.to_be_bytes().to_vec() }
}

/// The number that these bytes stand for.
pub(crate) fn cluster_id(bytes: &[u8]) -> Option<u128> {
    if bytes.is_empty() {
        return Some(0);
    }
    bytes.try_into().ok().map(u128::from_be_bytes)
}

/// Refuses a directory that holds anything; what is in it may be somebody's only copy.
pub(crate) fn check_empty(disk: &dyn Disk, dir: &str) -> Result<(), Error> {
    let list = disk.list().map_err(|e| Error::disk(format!("cannot read {dir}"), &e))?;
    let is_ours = |name: &str| name == NAME || is_of_a_log(name) || name.ends_with(".snap");
    match list.iter().find(|entry| is_ours(&entry.name)) {
        None => Ok(()),
        Some(entry) => Err(Error::new(
            ErrorKind::Invalid,
            format!("{dir} is not empty, it holds {}: choose an empty directory", entry.name),
        )),
    }
}

fn is_of_a_log(name: &str) -> bool {
    name == "log-mark" || name.ends_with(".seg") || name.ends_with(".snap")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::memory::MemoryDisk;

    #[test]
    fn an_identity_comes_back_and_a_damaged_one_is_refused() {
        let disk = MemoryDisk::default();
        assert_eq!(Belonging::load(&disk).unwrap(), Belonging::default());
        let identity = Identity { cluster: 1 << 100, node: 7 };
        let founders = vec!["a:1".to_owned()];
        let nonce = Bytes::from_static(b"x");
        let mut saved = Belonging { identity, nonce, founders, has_log: false };
        saved.save(&disk).unwrap();
        assert_eq!(Belonging::load(&disk).unwrap(), saved);
        for offset in 0..disk.bytes(NAME).len() {
            disk.flip(NAME, offset, (offset % 8) as u8);
            let error = Belonging::load(&disk).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Damaged, "byte {offset}");
            disk.flip(NAME, offset, (offset % 8) as u8);
        }
        saved.has_log = true;
        saved.save(&disk).unwrap();
        let error = Belonging::load(&disk).unwrap_err();
        assert!(error.to_string().contains("is gone"), "{error}");
    }

    #[test]
    fn a_log_without_an_identity_is_a_cluster_of_one() {
        let disk = MemoryDisk::default();
        disk.create("log-0000000000000001.seg").unwrap();
        assert_eq!(Belonging::load(&disk).unwrap().identity, FIRST_VERSION);
        assert!(check_empty(&disk, "d").is_err());
    }
}
