//! The load limit: reading a snapshot file and checksumming what it holds.

use crate::fault::Result;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::time::{Duration, Instant};

/// How much is read at a time.
const BLOCK_BYTES: usize = 1_048_576;

/// What reading came to.
#[derive(Clone, Copy, Debug)]
pub struct LoadLimit {
    /// How long it took.
    pub took: Duration,
    /// How much it was.
    pub bytes: u64,
    /// The checksum of all of it.
    pub crc: u32,
}

/// Reads `path` from its beginning to its end.
///
/// # Errors
/// When it cannot be read.
pub fn measure(path: &Path) -> Result<LoadLimit> {
    let begun = Instant::now();
    let mut file = File::open(path)?;
    let mut block = vec![0; BLOCK_BYTES];
    let (mut bytes, mut crc) = (0, 0);
    loop {
        let read = file.read(&mut block)?;
        if read == 0 {
            return Ok(LoadLimit { took: begun.elapsed(), bytes, crc });
        }
        bytes += read as u64;
        crc = crc32c::crc32c_append(crc, &block[..read]);
    }
}
