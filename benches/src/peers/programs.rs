//! Programs of the machine: where they are, what they say, and how they end.

use crate::fault::Result;
use rustix::process::{Pid, Signal, kill_process, kill_process_group};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// How long a program that was asked to end may take.
const END_MAX: Duration = Duration::from_secs(10);
/// How often it is looked whether it has.
const END_EVERY: Duration = Duration::from_millis(10);
/// How many lines of what a program said are repeated.
const LINES_MAX: usize = 5;

/// The program `name`: on the path, or where Debian keeps those of PostgreSQL.
#[must_use]
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let found = std::env::split_paths(&path).map(|dir| dir.join(name)).find(|file| file.is_file());
    found.or_else(|| {
        let versions = std::fs::read_dir("/usr/lib/postgresql").ok()?;
        let programs = versions.flatten().map(|version| version.path().join("bin").join(name));
        programs.filter(|file| file.is_file()).max()
    })
}

/// Runs `command` to its end, at most for `time_max`.
///
/// # Errors
/// When it cannot be started, takes too long or fails; the message ends with what it said.
pub async fn run(command: Command, time_max: Duration) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let ended = tokio::time::timeout(time_max, command.output()).await;
    let output = ended.map_err(|_late| format!("{program} took over {} s", time_max.as_secs()))?;
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(output);
    }
    let said = [output.stdout, output.stderr].concat();
    let said = last_lines(&String::from_utf8_lossy(&said));
    Err(format!("{program} ended with {}: {said}", output.status).into())
}

/// The last lines of `text`, in one line.
#[must_use]
pub fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    if lines.is_empty() {
        return "it said nothing".into();
    }
    lines[lines.len().saturating_sub(LINES_MAX)..].join("; ")
}

/// The same of a file.
#[must_use]
pub fn last_lines_of(file: &Path) -> String {
    last_lines(&String::from_utf8_lossy(&std::fs::read(file).unwrap_or_default()))
}

/// A program that runs until this is dropped: it is asked to end, and killed if it does not.
#[derive(Debug)]
pub struct Running {
    child: Child,
    ends_on: Signal,
}

impl Running {
    /// Starts `command`, which says everything into the file `said`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(mut command: Command, said: &Path, ends_on: Signal) -> Result<Self> {
        let log = std::fs::File::create(said)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A signal from the terminal is for the runner, which ends what it started in its order.
        command.process_group(0);
        let program = command.get_program().to_string_lossy().into_owned();
        let child = command.spawn().map_err(|error| format!("{program}: {error}"))?;
        Ok(Self { child, ends_on })
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It is our child and not waited for, so that the number is still its own.
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let asked = pid.is_some_and(|pid| kill_process(pid, self.ends_on).is_ok());
        let begun = Instant::now();
        while asked && !self.has_ended() && begun.elapsed() < END_MAX {
            std::thread::sleep(END_EVERY);
        }
        if !self.has_ended() {
            // What cannot be killed has ended.
            let _ended = self.child.kill();
            let _status = self.child.wait();
        }
        // Whatever it left behind, which keeps the number of the group from being another's.
        let _none_left = pid.map(|group| kill_process_group(group, Signal::KILL));
    }
}

#[cfg(test)]
mod tests {
    use super::{END_EVERY, Running, find, last_lines, run};
    use rustix::process::{Pid, Signal, test_kill_process};
    use std::process::Command;
    use std::time::{Duration, Instant};

    #[test]
    fn programs_are_found_on_the_path() {
        assert!(find("sh").is_some_and(|sh| sh.is_absolute()));
        assert_eq!(find("no-such-program-of-xcron"), None);
    }

    #[test]
    fn only_the_last_lines_are_repeated() {
        assert_eq!(last_lines("1\n2\n\n 3\n4\n5\n6\n"), "2; 3; 4; 5; 6");
        assert_eq!(last_lines("\n"), "it said nothing");
    }

    #[tokio::test]
    async fn what_fails_or_takes_too_long_is_said() {
        let shell = |line: &str| {
            let mut command = Command::new("sh");
            command.args(["-c", line]);
            command
        };
        let long = Duration::from_secs(60);
        assert_eq!(run(shell("echo good"), long).await.expect("it succeeds").stdout, b"good\n");
        let failed = run(shell("echo why >&2; exit 3"), long).await.expect_err("it fails");
        assert_eq!(failed.to_string(), "sh ended with exit status: 3: why");
        let late = run(shell("sleep 60"), Duration::ZERO).await.expect_err("it takes too long");
        assert_eq!(late.to_string(), "sh took over 0 s");
    }

    #[test]
    fn a_program_is_gone_when_it_is_dropped_and_what_it_started_too() {
        let dir = tempfile::tempdir().expect("a directory");
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 600 & echo $!; wait"]);
        let said = dir.path().join("said");
        let mut running = Running::start(command, &said, Signal::TERM).expect("it can be started");
        let pid = |number: i32| Pid::from_raw(number).expect("a number");
        let begun = Instant::now();
        let below = loop {
            let text = std::fs::read_to_string(&said).expect("what it said");
            if text.ends_with('\n') {
                break pid(text.trim().parse().expect("a number"));
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "it started nothing");
            std::thread::sleep(END_EVERY);
        };
        assert!(!running.has_ended());
        let own = pid(running.child.id().cast_signed());
        drop(running);
        assert!(test_kill_process(own).is_err(), "it is still there");
        // Whoever adopts what it started takes its time to notice the end.
        let state = || std::fs::read_to_string(format!("/proc/{}/stat", below.as_raw_nonzero()));
        let is_gone = || state().map_or(true, |stat| stat.contains(") Z "));
        while !is_gone() {
            assert!(begun.elapsed() < Duration::from_secs(120), "what it started is still there");
            std::thread::sleep(END_EVERY);
        }
    }
}
