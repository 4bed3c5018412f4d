//! Ends the nodes and removes the folder when the drill itself is killed, which it cannot do then.

use super::error::{DrillError, system};
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};

/// Reads which processes there are until its input ends, which it does with the drill; the signals
/// that end a drill are meant for the drill alone.
const SCRIPT: &str = r#"
trap '' INT TERM HUP
pids=
while read -r sign pid; do
    case $sign in
    +) pids="$pids $pid" ;;
    -) left=
       for one in $pids; do [ "$one" = "$pid" ] || left="$left $one"; done
       pids=$left ;;
    esac
done
for pid in $pids; do kill -9 "$pid" 2>/dev/null; done
[ -z "$1" ] || rm -rf "$1"
"#;

/// A process that outlives the drill for a moment.
#[derive(Debug)]
pub(crate) struct Watchdog(Mutex<Child>);

impl Watchdog {
    /// Starts it; it removes `dir` at the end, if there is one.
    pub(crate) fn start(dir: Option<&Path>) -> Result<Self, DrillError> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "sh"]).args(dir).process_group(0);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().map_err(system("sh cannot be started"))?;
        Ok(Self(Mutex::new(child)))
    }

    /// From now on `pid` is ended with the drill.
    pub(super) fn watch(&self, pid: u32) {
        self.say(&format!("+ {pid}\n"));
    }

    /// `pid` has ended; it may soon be somebody else's.
    pub(super) fn forget(&self, pid: u32) {
        self.say(&format!("- {pid}\n"));
    }

    fn say(&self, line: &str) {
        let mut child = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stdin) = &mut child.stdin {
            // Without it the nodes still end with the drill, unless that is killed.
            let _gone = stdin.write_all(line.as_bytes());
        }
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        let child = self.0.get_mut().unwrap_or_else(PoisonError::into_inner);
        drop(child.stdin.take());
        // Its end is awaited so that it leaves no zombie.
        let _ended = child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::Watchdog;
    use std::os::unix::process::ExitStatusExt;
    use std::process::Command;

    #[test]
    fn what_still_runs_ends_with_the_drill_and_the_folder_goes() {
        let dir = tempfile::tempdir().expect("a folder");
        let sleep = || Command::new("sleep").arg("60").spawn().expect("a process");
        let (mut watched, mut forgotten) = (sleep(), sleep());
        let watchdog = Watchdog::start(Some(dir.path())).expect("a watchdog");
        watchdog.watch(watched.id());
        watchdog.watch(forgotten.id());
        watchdog.forget(forgotten.id());
        drop(watchdog);
        assert_eq!(watched.wait().expect("an end").signal(), Some(9));
        assert!(!dir.path().exists());
        assert!(forgotten.try_wait().expect("a status").is_none(), "it was forgotten");
        forgotten.kill().expect("our own process");
        forgotten.wait().expect("an end");
    }
}
