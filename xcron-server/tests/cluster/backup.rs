//! Backups taken while serving, clusters that begin from one, and the last survivor's way out.

use crate::api::{Api, one_shot};
use crate::cluster::{Cluster, RECOVERY};
use crate::target::{Target, now_secs};
use crate::turn;
use crate::view::{View, query};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio::time::sleep;

/// Tasks that exist before the backup begins.
const TASKS: usize = 500;

const FORMATION: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_taken_while_serving_begins_a_new_cluster() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let cluster = Cluster::prepare(3).formed().await;
    let ids = create(&cluster, TASKS, &target).await;
    let later = one_shot("fenced", now_secs() + 3_600, &target.prompt());
    cluster.api(0).await.create(later).await;
    let writing = write_on(&cluster, &target).await;
    let backup = Backup::taken(&mut cluster.api(1).await).await;
    writing.abort();
    let before = described(&mut cluster.api(0).await, &ids).await;
    let old = cluster.view(0).await;
    // The old cluster goes on sending after the backup.
    let fence_before = run_now(&mut cluster.api(0).await, "fenced", &target).await;

    let mut restored = Cluster::single();
    let (code, said) = restored.members[0].home.run(&["restore", backup.path()]).await;
    assert_eq!(code, Some(0), "{said}");
    restored.start(0).await;
    restored.await_ready(0, RECOVERY).await;
    let new = restored.view(0).await;
    assert_eq!((new.nodes().len(), new.voters().len()), (1, 1), "{new:?}");
    assert_ne!(old.cluster_id(), new.cluster_id(), "it is another cluster");
    assert_eq!(described(&mut restored.api(0).await, &ids).await, before);
    let fence = run_now(&mut restored.api(0).await, "fenced", &target).await;
    assert!(fence > fence_before, "{fence} after {fence_before}: fences go on growing");

    // It grows like any other.
    restored.join().await;
    let last = restored.join().await;
    restored.await_whole(FORMATION).await;
    assert_eq!(described(&mut restored.api(last).await, &ids).await, before);
    // Nothing is restored over something.
    restored.kill(0).await;
    let (code, said) = restored.members[0].home.run(&["restore", backup.path()]).await;
    assert_eq!(code, Some(1), "restored over a node's disk: {said}");
    restored.start(0).await;
    restored.await_whole(FORMATION).await;
    assert_eq!(described(&mut restored.api(0).await, &ids).await, before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_backup_is_refused_and_leaves_nothing_behind() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let mut cluster = Cluster::single();
    cluster.start(0).await;
    cluster.await_ready(0, RECOVERY).await;
    let ids = create(&cluster, 200, &target).await;
    let backup = Backup::taken(&mut cluster.api(0).await).await;
    let whole = backup.bytes();

    let mut restored = Cluster::single();
    let home = &restored.members[0].home;
    for step in 0..16 {
        let mut flipped = whole.clone();
        let at = (whole.len() - 1) * step / 15;
        flipped[at] ^= 1 << (step % 8);
        let damaged = backup.with("flipped", &flipped);
        let (code, said) = home.run(&["restore", &damaged]).await;
        assert_eq!(code, Some(1), "a bit of byte {at} of {} is another: {said}", whole.len());
        assert!(!said.trim().is_empty(), "it says why");
    }
    for length in [0, 1, whole.len() / 2, whole.len() - 1] {
        let damaged = backup.with("cut", &whole[..length]);
        let (code, said) = home.run(&["restore", &damaged]).await;
        assert_eq!(code, Some(1), "{length} bytes of {}: {said}", whole.len());
    }
    let longer = [&whole[..], b"x"].concat();
    let (code, said) = home.run(&["restore", &backup.with("longer", &longer)]).await;
    assert_eq!(code, Some(1), "a byte too many: {said}");
    let (code, said) = home.run(&["restore", "nowhere"]).await;
    assert_eq!(code, Some(1), "no such file: {said}");

    let (code, said) = home.run(&["restore", backup.path()]).await;
    assert_eq!(code, Some(0), "after all those that were refused: {said}");
    restored.start(0).await;
    restored.await_ready(0, RECOVERY).await;
    assert_eq!(described(&mut restored.api(0).await, &ids).await.len(), ids.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_survivor_begins_a_new_cluster_with_everything_acknowledged() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let mut cluster = Cluster::prepare(3).formed().await;
    let ids = create(&cluster, TASKS, &target).await;
    let survivor = (cluster.leader().await + 1) % 3;
    let last = ids.last().expect("there are tasks");
    let address = cluster.http(survivor);
    let shows = async || (query(address, last, "stale").await?.0 == 0).then_some(());
    cluster.until(RECOVERY, "the survivor has all of it", shows).await;
    let old = cluster.view(survivor).await;
    cluster.kill_all().await;

    let home = &cluster.members[survivor].home;
    let (code, said) = home.run(&["force-new-cluster"]).await;
    assert_ne!(code, Some(0), "not without being sure: {said}");
    let (code, said) = home.run(&["force-new-cluster", "--yes"]).await;
    assert_eq!(code, Some(0), "{said}");
    cluster.start(survivor).await;
    cluster.await_ready(survivor, RECOVERY).await;
    let new = cluster.view(survivor).await;
    assert_eq!(new.voters(), [new.node_id()], "{new:?}");
    assert_ne!(old.cluster_id(), new.cluster_id(), "it is another cluster");
    described(&mut cluster.api(survivor).await, &ids).await;

    // Somebody starts one of the dead again, which knows nothing of this.
    let dead = (survivor + 1) % 3;
    let rejected = cluster.rejections(survivor).await;
    cluster.start(dead).await;
    cluster.addresses.remove(dead);
    let counted = async || (cluster.rejections(survivor).await > rejected).then_some(());
    cluster.until(RECOVERY, "a node of another cluster is dropped and counted", counted).await;
    sleep(Duration::from_secs(3)).await;
    if !cluster.members[dead].has_ended() {
        let readiness = cluster.readiness(dead).await.expect("it answers");
        assert_eq!(readiness.0, StatusCode::SERVICE_UNAVAILABLE, "{}", readiness.1);
    }
    let view = View::of(cluster.http(survivor)).await.expect("it serves");
    assert_eq!((view.nodes().len(), view.leader()), (1, new.leader()), "{view:?}");
    described(&mut cluster.api(survivor).await, &ids).await;
}

/// Creates so many tasks that are due much later; their ids.
async fn create(cluster: &Cluster, count: usize, target: &Target) -> Vec<String> {
    let ids: Vec<String> = (0..count).map(|n| format!("kept-{n}")).collect();
    let due = now_secs() + 3_600;
    let mut api = cluster.api(cluster.running()[0]).await;
    for id in &ids {
        api.create(one_shot(id, due, &target.prompt())).await;
    }
    ids
}

/// Runs the task named `id` now; the fence that its target was shown.
async fn run_now(api: &mut Api, id: &str, target: &Target) -> u64 {
    let before = target.calls().len();
    let (code, said) = api.call("/xcron/triggerTask", json!({"task_id": id})).await.expect("done");
    assert_eq!(code, 0, "{said}");
    loop {
        if let Some(call) = target.calls().get(before) {
            return call.fence();
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Goes on creating other tasks.
async fn write_on(cluster: &Cluster, target: &Target) -> JoinHandle<()> {
    let (mut api, url, due) = (cluster.api(0).await, target.prompt(), now_secs() + 3_600);
    tokio::spawn(async move {
        for number in 0.. {
            api.create(one_shot(&format!("meanwhile-{number}"), due, &url)).await;
        }
    })
}

/// The tasks as the node describes them, without what one disk has and another has not.
async fn described(api: &mut Api, ids: &[String]) -> Vec<Value> {
    let mut described = Vec::new();
    for id in ids {
        let path = format!("/xcron/queryTask?task_id={id}");
        let (code, task) = api.get(&path).await.expect("an answer");
        assert_eq!((code, &task["task_id"]), (0, &json!(id)), "{task}");
        described.push(task);
    }
    described
}

/// A backup as a file.
struct Backup {
    dir: TempDir,
    path: PathBuf,
}

impl Backup {
    async fn taken(api: &mut Api) -> Self {
        let answer = api.send(Method::GET, "/xcron/cluster/backup", None).await;
        let (status, bytes) = answer.expect("an answer");
        assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&bytes));
        let dir = tempfile::tempdir().expect("a temporary directory");
        let path = dir.path().join("backup");
        std::fs::write(&path, &bytes).expect("a file");
        Self { dir, path }
    }

    fn path(&self) -> &str {
        text(&self.path)
    }

    fn bytes(&self) -> Vec<u8> {
        std::fs::read(&self.path).expect("a file")
    }

    /// Another file beside it; its path.
    fn with(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, bytes).expect("a file");
        text(&path).to_owned()
    }
}

fn text(path: &Path) -> &str {
    path.to_str().expect("temporary directories have readable names")
}
