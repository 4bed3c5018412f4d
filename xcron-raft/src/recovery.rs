//! What is left to do after a disaster: a new cluster from a backup, or from the last node.
//!
//! Both write a new data directory, whole, with one member that has a number of its own and a
//! cluster of its own name; whatever is left of the old cluster is foreign to it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::cluster::identity::{Belonging, check_empty};
use crate::disk::{Disk, RealDisk, rename_dir};
use crate::log::{Log, Vote};
use crate::peer::Identity;
use crate::replay::replay;
use crate::runtime;
use crate::snapshot::{Snapshots, read_backup};
use crate::state::View;
use crate::store::{RaftSettings, log_settings};
use crate::types::{LeaderId, LogId, membership};
use crate::{Error, ErrorKind};

/// What a new cluster begins with.
///
/// ```no_run
/// # async fn example() -> Result<(), xcron_raft::Error> {
/// let settings = xcron_raft::RaftSettings::new("/var/lib/xcron");
/// let restored = xcron_raft::restore(&settings, std::path::Path::new("monday.backup"))?;
/// println!("{} tasks", restored.tasks);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovered {
    /// The new cluster's number.
    pub cluster_id: u128,
    /// The number of its only node.
    pub node_id: u64,
    /// How many tasks it holds.
    pub tasks: u64,
    /// Entries that may not have been committed before and are from now on.
    pub uncommitted: u64,
    /// Where the old data directory is kept, if there was one.
    pub kept: Option<PathBuf>,
}

/// Begins a new cluster of one in the directory that the settings name, from the backup in `file`.
///
/// # Errors
/// When the file is not a whole backup, or the directory is not empty or cannot be written.
pub fn restore(settings: &RaftSettings, file: &Path) -> Result<Recovered, Error> {
    settings.check()?;
    let (dir, name) = (file.parent(), file.file_name().and_then(|name| name.to_str()));
    let dir = dir.filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let shown = file.display();
    let missing = |what| Error::new(ErrorKind::Invalid, format!("{shown} {what}"));
    if !file.is_file() {
        return Err(missing("is not a file"));
    }
    let name = name.ok_or_else(|| missing("has a name that cannot be read"))?;
    let view = read_backup(&RealDisk::open(dir)?, name, settings.format_max)?;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(&settings.data_dir)?);
    let _lock = disk.lock()?;
    check_empty(&*disk, &settings.data_dir.display().to_string())?;
    begin(settings, &disk, view)
}

/// Makes the node in the directory that the settings name a new cluster of one, with all that it
/// holds; entries that the old cluster may not have committed are committed.
///
/// The old directory is kept beside the new one.
///
/// # Errors
/// When the directory holds no node, is in use, is damaged or cannot be written.
pub fn force_new_cluster(settings: &RaftSettings) -> Result<Recovered, Error> {
    settings.check()?;
    let dir = &settings.data_dir;
    let disk: Arc<dyn Disk> = Arc::new(RealDisk::open(dir)?);
    let lock = disk.lock()?;
    let Identity { cluster, node } = Belonging::load(&*disk)?.identity;
    if cluster == 0 {
        let message = format!("{} holds no node of a cluster", dir.display());
        return Err(Error::new(ErrorKind::Invalid, message));
    }
    let (mut view, uncommitted) = read_all(settings, &disk, cluster)?;
    // Whoever is not here any more is let go, so that no number is given again.
    for id in view.roster.iter().map(|(id, _)| id).filter(|&id| id != node).collect::<Vec<_>>() {
        view.roster.remove(id);
    }
    let recovered_dir = sibling(dir, "recovered");
    let recovered: Arc<dyn Disk> = Arc::new(RealDisk::open(&recovered_dir)?);
    check_empty(&*recovered, &recovered_dir.display().to_string())?;
    let done = begin(settings, &recovered, view)?;
    drop(recovered);
    let kept = sibling(dir, &format!("before-{:08x}", done.cluster_id as u32));
    let failed = |e| Error::disk(format!("cannot put {} in place", recovered_dir.display()), &e);
    rename_dir(dir, &kept).map_err(failed)?;
    rename_dir(&recovered_dir, dir).map_err(failed)?;
    drop(lock);
    Ok(Recovered { uncommitted, kept: Some(kept), ..done })
}

/// All that a node holds, and how much of it may not have been committed.
fn read_all(
    settings: &RaftSettings,
    disk: &Arc<dyn Disk>,
    cluster: u128,
) -> Result<(View, u64), Error> {
    let snapshots = Snapshots::new(disk.clone(), cluster, settings.format_max);
    let mut view = snapshots.load()?.map(|(_, view)| view).unwrap_or_default();
    let log = Log::open(disk.clone(), log_settings(settings, cluster))?;
    let index = |view: &View| view.applied.map_or(0, |id| id.index);
    let committed = log.state().committed.map_or(0, |id| id.index).max(index(&view));
    replay(&mut view, &log, u64::MAX, settings.format_max)?;
    log.close();
    let uncommitted = index(&view).saturating_sub(committed);
    Ok((view, uncommitted))
}

/// Writes a data directory that holds `view` and one member.
fn begin(
    settings: &RaftSettings,
    disk: &Arc<dyn Disk>,
    mut view: View,
) -> Result<Recovered, Error> {
    let mut name = [0; 16];
    name.copy_from_slice(&runtime::nonce()[..16]);
    let cluster = u128::from_be_bytes(name).max(1);
    let node = view.roster.last_id() + 1;
    // A term of its own, so that nothing of the old cluster is ever taken for newer.
    let term = view.applied.map_or(0, |id| id.leader_id.term) + 1;
    let index = view.applied.map_or(0, |id| id.index) + 1;
    let at = LogId { leader_id: LeaderId { term, node_id: node }, index };
    view.leap().map_err(|error| Error::new(ErrorKind::Foreign, error.to_string()))?;
    view.roster.replace(node, settings.advertise.clone());
    view.set_membership(membership(Some(at), [(node, settings.advertise.clone())]));
    view.applied = Some(at);
    let log = Log::open(disk.clone(), log_settings(settings, cluster))?;
    let (sender, voted) = std::sync::mpsc::channel();
    let vote = Vote { term, node, committed: true };
    log.save_vote(vote, Box::new(move |outcome| drop(sender.send(outcome))))?;
    voted.recv().map_err(|_| Error::new(ErrorKind::Stopped, "the log is closed"))??;
    log.close();
    drop(log);
    Snapshots::new(disk.clone(), cluster, settings.format_max).save(&view)?;
    // Last: without it the directory belongs to nobody.
    let identity = Identity { cluster, node };
    Belonging { identity, has_log: true, ..Belonging::default() }.save(&**disk)?;
    let tasks = view.counts().total();
    Ok(Recovered { cluster_id: cluster, node_id: node, tasks, uncommitted: 0, kept: None })
}

/// The directory beside `dir` whose name ends with `suffix`.
fn sibling(dir: &Path, suffix: &str) -> PathBuf {
    let name = dir.file_name().map_or_else(|| "data".into(), |name| name.to_string_lossy());
    dir.with_file_name(format!("{name}.{suffix}"))
}
