//! PEM files that the configuration names, read within a limit.

use crate::error::ServerError;
use std::fs::File;
use std::io::{self, Read};

/// The most bytes of one file.
const FILE_BYTES_MAX: u64 = 1_048_576;
/// What every PEM file has in it.
const PEM: &[u8] = b"-----BEGIN ";

/// What the file at `path` holds, which `key` names.
pub(crate) fn read(key: &'static str, path: &str) -> Result<Vec<u8>, ServerError> {
    let refused = |problem: String| ServerError::File { key, path: path.into(), problem };
    let unreadable = |error: io::Error| refused(format!("cannot be read: {error}"));
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(unreadable)?;
    opened.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(refused(format!("has more than {FILE_BYTES_MAX} bytes")));
    }
    if !bytes.windows(PEM.len()).any(|window| window == PEM) {
        return Err(refused("is no PEM file, expected one that holds -----BEGIN".into()));
    }
    Ok(bytes)
}
