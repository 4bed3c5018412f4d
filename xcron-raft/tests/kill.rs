//! Real processes on real files, killed: nothing acknowledged is lost.
//!
//! The test starts itself again as the process to be killed. With the feature `failpoints` it also
//! ends that process at each named point.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use xcron_core::testing::sample::{create, due_at};
use xcron_core::{Consistency, Store};
use xcron_raft::{Error, RaftSettings, RaftStore};

const DIRECTORY: &str = "XCRON_KILL_DIRECTORY";

fn settings(dir: &Path) -> RaftSettings {
    RaftSettings { segment_bytes: 64 << 10, snapshot_log_bytes: 64 << 10, ..RaftSettings::new(dir) }
}

/// Commits and snapshots until it is killed, printing each acknowledged name.
async fn serve(dir: &Path) -> Result<(), Box<dyn std::error::Error>> {
    let store = RaftStore::open(settings(dir)).await?;
    let life = std::process::id();
    for n in 0..2_000 {
        let name = format!("life-{life}-{n}");
        store.commit(vec![create(&name, due_at(5))]).await?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "acked {name}")?;
        out.flush()?;
        if n % 200 == 199 {
            store.snapshot().await?;
        }
    }
    Ok(())
}

#[tokio::test]
#[ignore = "the process that the other tests kill"]
async fn child() {
    let dir = std::env::var(DIRECTORY).unwrap();
    serve(Path::new(&dir)).await.unwrap();
}

fn start(dir: &Path, failpoint: Option<&str>) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("the path of this test"));
    command.args(["--ignored", "--exact", "child", "--nocapture"]).env(DIRECTORY, dir);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    if let Some(failpoint) = failpoint {
        command.env("XCRON_FAILPOINT", failpoint);
    }
    command.spawn().expect("this test starts again")
}

/// Collects what the child acknowledges until it ends, or kills it after `acks_max`.
fn acked(mut child: Child, acks_max: usize) -> BTreeSet<String> {
    let mut acked = BTreeSet::new();
    for line in BufReader::new(child.stdout.take().expect("a pipe")).lines() {
        let line = line.expect("a line of text");
        acked.extend(line.strip_prefix("acked ").map(ToOwned::to_owned));
        if acked.len() == acks_max {
            child.kill().expect("it can be killed");
        }
    }
    child.wait().expect("it ends");
    acked
}

async fn stored(dir: &Path) -> Result<BTreeSet<String>, Error> {
    let store = RaftStore::open(settings(dir)).await?;
    let (mut found, mut after) = (BTreeSet::new(), None);
    loop {
        let page = store.scan(after.as_ref(), 1_000, Consistency::Linearizable).await;
        let page = page.expect("a store that opened is readable");
        let Some(last) = page.last() else { break };
        after = Some(last.id.clone());
        found.extend(page.iter().map(|task| task.id.to_string()));
    }
    store.shutdown().await;
    Ok(found)
}

#[tokio::test]
async fn a_killed_process_loses_nothing_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut expected = BTreeSet::new();
    for acks in [1, 30, 250, 700] {
        expected.extend(acked(start(dir.path(), None), acks));
        let found = stored(dir.path()).await.unwrap();
        assert!(found.is_superset(&expected), "{} of {}", found.len(), expected.len());
    }
    assert!(expected.len() >= 981);
}

#[cfg(feature = "failpoints")]
#[tokio::test]
async fn a_process_that_ends_at_any_failpoint_loses_nothing_acknowledged() {
    for point in xcron_raft::disk::failpoint::FAILPOINTS {
        let dir = tempfile::tempdir().unwrap();
        let mut expected = BTreeSet::new();
        for times in [1, 2] {
            let failpoint = format!("{point}:{times}");
            expected.extend(acked(start(dir.path(), Some(&failpoint)), usize::MAX));
            assert!(expected.len() < 2_000 * times, "{failpoint} was never reached");
            let found = stored(dir.path()).await.unwrap();
            assert!(found.is_superset(&expected), "{failpoint}");
        }
    }
}
