//! System calls of a running process that fail or take their time, by strace.

use super::tools::{find, run};
use std::process::Stdio;
use tokio::process::{Child, Command};

/// The calls that make writes durable.
const SYNCS: &str = "fsync,fdatasync,sync_file_range";

/// Whether system calls can be made to fail here.
pub(crate) fn can_trace() -> Result<(), String> {
    run(&["strace", "-f", "-qq", "-e", "inject=fdatasync:error=EIO", "-o", "/dev/null", "true"])
}

/// Begins to do to all syncs of a process what `how` says, in the words of strace.
pub(crate) fn inject(pid: u32, how: &str) -> Child {
    Command::new(find("strace").expect("it was found before"))
        .args(["-f", "-qq", "-o", "/dev/null", "-p", &pid.to_string()])
        .args(["-e", &format!("trace={SYNCS}"), "-e", &format!("inject={SYNCS}:{how}")])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("strace")
}

/// Whether somebody traces the process.
pub(crate) fn is_traced(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:"));
    tracer.is_some_and(|tracer| tracer.trim() != "0")
}
