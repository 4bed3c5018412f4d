//! How long the disk takes to sync a small write, as a commit makes one.

use super::super::failure::Failure;
use super::report::Spread;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

/// How much is written each time, how often at the most, and for how long.
const BLOCK: [u8; 4_096] = [1; 4_096];
const SYNCS_MAX: usize = 500;
const LENGTH: Duration = Duration::from_secs(2);

/// Appends to a file in `dir` and syncs it, again and again.
pub(super) async fn measure(dir: &Path) -> Result<Spread, Failure> {
    let path = dir.join("synced");
    let synced = tokio::task::spawn_blocking(move || sync(&path));
    let failed = |error: &dyn std::fmt::Display| Failure::file(dir, error);
    let synced = synced.await.map_err(|error| failed(&error))?;
    synced.map(Spread::of).map_err(|error| failed(&error))
}

fn sync(path: &Path) -> io::Result<Vec<Duration>> {
    let mut file = File::create(path)?;
    let (begun, mut took) = (Instant::now(), Vec::new());
    while took.len() < SYNCS_MAX && begun.elapsed() < LENGTH {
        let asked = Instant::now();
        file.write_all(&BLOCK)?;
        file.sync_data()?;
        took.push(asked.elapsed());
    }
    Ok(took)
}
