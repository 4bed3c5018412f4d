//! A leader whose clock jumps: it stops leading, and nothing fires by its time.

use crate::cluster::{Cluster, RECOVERY};
use crate::hearing::{assert_settled, hear};
use crate::load::{Load, Plan};
use crate::target::Target;
use crate::tools::{did_not_run, find_library};
use crate::turn;
use hyper::StatusCode;
use std::path::PathBuf;
use std::time::Duration;
use tempfile::TempDir;
use tokio::time::sleep;

/// How far the clock jumps, in the words of libfaketime.
const JUMPS: [&str; 3] = ["+10", "-10", "+1y"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_leader_whose_clock_jumps_stops_leading_and_nothing_is_early_or_lost() {
    let _turn = turn::beside_others().await;
    let Some(library) = find_library("faketime", "libfaketimeMT.so.1") else {
        return did_not_run("a clock that jumps", "there is no libfaketimeMT.so.1");
    };
    let clock = FakeClock::new();
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3);
    let home = &mut cluster.members[0].home;
    home.set("LD_PRELOAD", library.display());
    home.set("FAKETIME_TIMESTAMP_FILE", clock.file.display());
    home.set("FAKETIME_NO_CACHE", 1);
    home.set("FAKETIME_DONT_FAKE_MONOTONIC", 1);
    home.set("NO_FAKE_STAT", 1);
    let cluster = cluster.formed().await;
    let plan = Plan { per_second: 50, ..Plan::default() };
    let load = Load::begin(&cluster.addresses, &target, plan).await;
    for jump in JUMPS {
        cluster.transfer(0).await;
        sleep(Duration::from_millis(500)).await;
        cluster.timeline.fault(format!("member 0: its clock jumps by {jump}"));
        clock.set(jump);
        let another = async || (cluster.leader_now().await? != 0).then_some(());
        cluster.until(RECOVERY, "another leads", another).await;
        cluster.timeline.note("another leads");
        let says_why = async || {
            let (status, why) = cluster.readiness(0).await?;
            (status == StatusCode::SERVICE_UNAVAILABLE && why.contains("clock")).then_some(())
        };
        cluster.until(RECOVERY, "it says that its clock is wrong", says_why).await;
        sleep(Duration::from_secs(2)).await;
        assert_ne!(cluster.leader().await, 0, "it leads by a wrong clock");
        cluster.timeline.fault("member 0: its clock is right again");
        clock.set("+0");
        cluster.await_whole(2 * RECOVERY).await;
    }
    let ledger = load.end().await;
    let heard = hear(&ledger, &target, &cluster.faults()).await;
    heard.assert_clean("clocks that jump", &ledger);
    assert_settled(&cluster, &ledger).await;
}

/// The clock of one process, as far from the real one as a file says.
struct FakeClock {
    file: PathBuf,
    dir: TempDir,
}

impl FakeClock {
    fn new() -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let clock = Self { file: dir.path().join("offset"), dir };
        clock.set("+0");
        clock
    }

    fn set(&self, offset: &str) {
        // Never seen half written.
        let next = self.dir.path().join("next");
        std::fs::write(&next, format!("{offset}\n")).expect("a file");
        std::fs::rename(&next, &self.file).expect("the file takes its place");
    }
}
