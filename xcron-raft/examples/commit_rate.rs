//! How many durable commits a second the store takes, against the bare disk measured beside it.
//!
//! `cargo run --release -p xcron-raft --example commit_rate [directory]`

use std::fs::OpenOptions;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use xcron_core::{
    Callback, Change, Counters, Schedule, Store, TaskDefinition, TaskId, TaskState, TaskStatus,
    Timestamp,
};
use xcron_raft::{RaftSettings, RaftStore};

const ROUND: Duration = Duration::from_millis(250);
const ROUNDS: usize = 15;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let root = std::env::args().nth(1).unwrap_or_else(|| ".".to_owned());
    let dir = Path::new(&root).join("commit-rate.tmp");
    std::fs::create_dir_all(&dir)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build()?;
    let store = Arc::new(runtime.block_on(RaftStore::open(RaftSettings::new(&dir)))?);
    println!("Medians; a round whose bare rates before and after differ by half is left out.");
    println!(
        "committers x changes | changes/s | bare syncs/s | changes/bare | syncs/bare | rounds"
    );
    for (committers, batch) in [(1, 1), (64, 1), (1_024, 1), (1, 1_000), (4, 1_000)] {
        let mut rows = Vec::new();
        for round in 0..ROUNDS {
            let bare_before = bare_rate(&dir)?;
            let syncs_before = store.stats().log_syncs;
            let start = Instant::now();
            let done = runtime.block_on(commit_for(&store, committers, batch, round)) as f64;
            let seconds = start.elapsed().as_secs_f64();
            let syncs = (store.stats().log_syncs - syncs_before) as f64;
            let bare_after = bare_rate(&dir)?;
            let bare = f64::midpoint(bare_before, bare_after);
            if bare_before.max(bare_after) < 1.5 * bare_before.min(bare_after) {
                let (rate, syncs) = (done / seconds, syncs / seconds);
                rows.push([rate, bare, rate / bare, syncs / bare]);
            }
        }
        let rounds = rows.len();
        if rounds == 0 {
            println!("{committers} x {batch} | the disk was too unsteady");
            continue;
        }
        let [rate, bare, ratio, syncs] = std::array::from_fn(|column| {
            let mut values: Vec<f64> = rows.iter().map(|row| row[column]).collect();
            values.sort_by(f64::total_cmp);
            values[rounds / 2]
        });
        println!(
            "{committers} x {batch} | {rate:.0} | {bare:.0} | {ratio:.2} | {syncs:.2} | {rounds}"
        );
    }
    let tasks = store.counts().total();
    let status = std::fs::read_to_string("/proc/self/status")?;
    let rss = status.lines().find(|line| line.starts_with("VmRSS")).unwrap_or_default();
    println!("{tasks} tasks, {rss}, {} bytes of log", store.stats().log_bytes);
    let start = Instant::now();
    runtime.block_on(store.snapshot())?;
    let bytes = store.stats().snapshot_bytes;
    println!("snapshot of {bytes} bytes in {:?}", start.elapsed());
    drop(store);
    std::fs::remove_dir_all(&dir)?;
    Ok(())
}

/// Syncs of 512 bytes a second, written into a preallocated file.
fn bare_rate(dir: &Path) -> std::io::Result<f64> {
    let path = dir.join("bare");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() == 0 {
        file.write_all_at(&vec![0; 8 << 20], 0)?;
        file.sync_all()?;
    }
    let (start, mut count) = (Instant::now(), 0_u64);
    while start.elapsed() < ROUND / 4 {
        file.write_all_at(&[7; 512], (count % 16_384) * 512)?;
        file.sync_data()?;
        count += 1;
    }
    Ok(count as f64 / start.elapsed().as_secs_f64())
}

async fn commit_for(store: &Arc<RaftStore>, committers: usize, batch: usize, round: usize) -> u64 {
    let start = Instant::now();
    let committers = (0..committers).map(|committer| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut done = 0;
            while start.elapsed() < ROUND {
                let prefix = format!("task-{round}-{committer}-{batch}-{done}");
                let change = |n| create(format!("{prefix}-{n}"));
                match store.commit((0..batch).map(change).collect()).await {
                    Ok(committed) => done += committed.len() as u64,
                    Err(error) => {
                        eprintln!("{error}");
                        return done;
                    }
                }
            }
            done
        })
    });
    let mut done = 0;
    for committer in committers.collect::<Vec<_>>() {
        done += committer.await.unwrap_or(0);
    }
    done
}

fn create(name: String) -> Change {
    let due = Timestamp::from_secs(4_102_444_800);
    let callback = Callback::new("http://127.0.0.1:9000/callbacks/with/a/path/of/some/length");
    let definition = TaskDefinition::new(Schedule::Once(due), callback);
    let state = TaskState {
        status: TaskStatus::Active,
        created_at: Timestamp::from_secs(1_764_000_000),
        finished_at: None,
        version: 1,
        decided_until: Timestamp::from_secs(1_764_000_000),
        next: Some(due),
        deferred_until: None,
        due_at: Some(due),
        runs: Vec::new(),
        counters: Counters::default(),
        note: None,
        scheduled_since: None,
        expected_before: 0,
    };
    match TaskId::parse(&name) {
        Ok(id) => Change::Create { id, definition: Arc::new(definition), state },
        Err(error) => unreachable!("the name is good: {error}"),
    }
}
