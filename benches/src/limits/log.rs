//! The log limit: append and fdatasync of the same bytes to a preallocated file on the same disk.

use crate::fault::Result;
use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// The size of the file; appends start over at its end.
const FILE_BYTES: u64 = 67_108_864;

/// What the bare log came to.
#[derive(Clone, Copy, Debug)]
pub struct LogLimit {
    /// Appends made durable per second.
    pub appends_per_second: f64,
    /// The bytes of each append.
    pub append_bytes: usize,
}

/// Appends `append_bytes` and syncs, for `time`, in `dir`.
///
/// # Errors
/// When the disk refuses.
pub fn measure(dir: &Path, append_bytes: usize, time: Duration) -> Result<LogLimit> {
    let path = dir.join("log-limit");
    let mut file = File::create(&path)?;
    let zeroes = vec![0; 1_048_576];
    for _ in 0..FILE_BYTES / zeroes.len() as u64 {
        file.write_all(&zeroes)?;
    }
    file.sync_all()?;
    file.seek(SeekFrom::Start(0))?;
    let record = vec![0xa5; append_bytes];
    let (begun, mut appends, mut offset) = (Instant::now(), 0_u64, 0_u64);
    while begun.elapsed() < time {
        if offset + append_bytes as u64 > FILE_BYTES {
            offset = 0;
            file.seek(SeekFrom::Start(0))?;
        }
        file.write_all(&record)?;
        file.sync_data()?;
        offset += append_bytes as u64;
        appends += 1;
    }
    let appends_per_second = appends as f64 / begun.elapsed().as_secs_f64();
    std::fs::remove_file(path)?;
    Ok(LogLimit { appends_per_second, append_bytes })
}
