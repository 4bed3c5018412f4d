//! `xcron_server drill`: it passes, it fails a history that breaks a promise, it leaves nothing.

use crate::process::PATIENCE;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Seek};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};
use tempfile::TempDir;

/// A drill is much for a small machine; one at a time is enough.
static TURN: Mutex<()> = Mutex::new(());

/// What a short drill may take on a machine that is busy: each of its own waits ends before.
const DRILL_MAX: Duration = Duration::from_secs(600);

/// The history of one one-shot that fired as it should.
const GOOD: &str = r#"
{"kind":"begin","version":1,"at_us":0,"nodes":3,"lease_us":300000,"clock_tolerance_us":500000}
{"kind":"op","call":"create","task":"t","sent_us":1000000,"back_us":1005000,"outcome":"ok",
 "definition":{"schedule":{"at_s":10}}}
{"kind":"receipt","at_us":10000900,"answered_us":10002000,"answer":"200","task":"t","run":"t@10",
 "scheduled_s":10,"attempt":1,"fence":1,"node":1}
{"kind":"fault","name":"kill","node":2,"from_us":20000000,"to_us":21000000,"required":true,
 "took_effect":true}
{"kind":"task","task":"t","node":1,"exists":true,"state":"finished","run_count":1,"succeeded":1}
{"kind":"end","at_us":60000000,"complete":true}
"#;

fn drill(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_xcron_server"));
    command.arg("drill").args(words).stdin(Stdio::null());
    command
}

/// What a process came to and said; none is waited for longer than `patience`.
fn done(command: &mut Command, patience: Duration) -> (Option<i32>, String, String) {
    let [mut stdout, mut stderr] = [(); 2].map(|()| tempfile::tempfile().expect("a file"));
    let to = |file: &File| file.try_clone().expect("the same file");
    let mut child = command.stdout(to(&stdout)).stderr(to(&stderr)).spawn().expect("a process");
    let code = ended(&mut child, patience).unwrap_or_else(|| {
        let said = [text(&mut stdout), text(&mut stderr)].concat();
        panic!("no end after {patience:?} of\n{said}");
    });
    (code, text(&mut stdout), text(&mut stderr))
}

/// With which code it ended; `None` if it did not, and then it is ended.
fn ended(child: &mut Child, patience: Duration) -> Option<Option<i32>> {
    let begun = Instant::now();
    while begun.elapsed() < patience {
        if let Some(status) = child.try_wait().expect("a child") {
            return Some(status.code());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    child.kill().and_then(|()| child.wait()).expect("an end");
    None
}

/// All that was written to a file.
fn text(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().and_then(|()| file.read_to_string(&mut text)).expect("text");
    text
}

/// The verdict on a history, in which a line goes on where the next begins with a space.
fn audited(history: &str) -> (Option<i32>, String) {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("history.jsonl");
    fs::write(&file, history.trim_start().replace("\n ", " ")).expect("a file");
    let (code, stdout, stderr) = done(drill(&["--audit"]).arg(&file), PATIENCE);
    (code, stdout + &stderr)
}

#[test]
#[ignore = "it judges how late callbacks are, so it wants the machine for itself"]
fn a_short_drill_passes_and_says_what_it_did() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let folders = tempfile::tempdir().expect("a folder");
    let mut command = drill(&["--seconds", "15", "--seed", "7"]);
    let (code, stdout, stderr) = done(command.env("TMPDIR", folders.path()), DRILL_MAX);
    // A machine that is too slow lets a drill show less than it should, and it says why; it lets
    // no promise be broken.
    let is_weak = stdout.contains("\n  weak            ") && stdout.contains("\nWEAK");
    assert_eq!(code, Some(i32::from(is_weak)), "{stdout}\n{stderr}");
    assert_eq!(stdout.contains("\npassed: nothing was lost"), !is_weak, "{stdout}");
    for expected in [
        "drill of 15 s, seed 7: three nodes",
        "node 3 listens on 127.0.0.1:",
        "well again",
        "audit\n",
        "  lost            0\n",
        "  early           0\n",
        "  doubled         0 without a cause\n",
        "  without leader  ",
    ] {
        assert!(stdout.contains(expected), "no {expected:?} in\n{stdout}");
    }
    assert_eq!(stderr, "");
    assert_eq!(entries(folders.path()), 0, "it left something behind");
}

#[test]
fn an_audit_fails_a_history_that_breaks_a_promise() {
    let (code, said) = audited(GOOD);
    assert_eq!(code, Some(0), "{said}");
    let line = |begin: &str| {
        let from = GOOD.find(begin).expect("it is there");
        let length = GOOD[from..].find("\n{").expect("it is not the last") + 1;
        &GOOD[from..from + length]
    };
    let receipt = line("{\"kind\":\"receipt\"");
    let again = receipt.replace("\"attempt\":1,\"fence\":1", "\"attempt\":2,\"fence\":2");
    let again = again.replace("10000900", "12000900").replace("10002000", "12002000");
    for (row, history) in [
        ("lost            1", GOOD.replace(receipt, "")),
        ("early           1", GOOD.replace("10000900", "9000900")),
        ("doubled         1", GOOD.replace(receipt, &format!("{receipt}{again}"))),
    ] {
        let (code, said) = audited(&history);
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(row) && said.contains("FAILED"), "no {row:?} in\n{said}");
    }
}

#[test]
fn a_history_that_cannot_be_read_is_refused_in_one_line() {
    let (code, said) = audited("{\"kind\":\"begin\"}\n");
    assert_eq!(code, Some(1), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert!(said.contains("history.jsonl: line 1:") && said.contains("--keep"), "{said}");
    let (code, _, said) = done(&mut drill(&["--audit", "no such file"]), PATIENCE);
    assert_eq!((code, said.lines().count()), (Some(1), 1), "{said}");
}

#[test]
fn what_no_drill_can_be_asked_is_a_bad_command_line() {
    for words in [
        &["--seconds", "9"][..],
        &["--seconds", "soon"],
        &["--seed", "-1"],
        &["--keep", "yes"],
        &["--audit", "a", "--seed", "1"],
        &["--conf", "xcron.toml"],
        &["--set", "http_port=1"],
    ] {
        let (code, stdout, stderr) = done(&mut drill(words), PATIENCE);
        assert_eq!((code, &*stdout), (Some(2), ""), "{words:?}: {stderr}");
        assert!(!stderr.is_empty(), "{words:?}");
    }
}

/// A drill whose nodes all listen, where, and in which folder.
fn begun(folders: &TempDir) -> (Child, Vec<SocketAddr>) {
    let mut command = drill(&["--seconds", "600"]);
    command.env("TMPDIR", folders.path()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().expect("a process");
    let mut lines = BufReader::new(child.stdout.take().expect("it is piped")).lines();
    let mut nodes = Vec::new();
    while nodes.len() < 3 {
        let line = lines.next().expect("a line").expect("text");
        if let Some((_, address)) = line.split_once(" listens on ") {
            nodes.push(address.parse().expect("an address"));
        }
    }
    // Whoever does not read what it says does not stop it.
    drop(lines);
    for node in &nodes {
        assert!(TcpStream::connect(node).is_ok(), "{node} does not listen");
    }
    (child, nodes)
}

fn assert_nothing_is_left(folders: &TempDir, nodes: &[SocketAddr]) {
    let begun = Instant::now();
    let is_left = || {
        let runs = nodes.iter().any(|node| TcpStream::connect(node).is_ok());
        runs || entries(folders.path()) > 0
    };
    while is_left() {
        assert!(begun.elapsed() < PATIENCE, "nodes or a folder are left");
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn entries(folder: &Path) -> usize {
    fs::read_dir(folder).expect("a folder").count()
}

fn signal(child: &Child, name: &str) {
    let kill = Command::new("sh").args(["-c", &format!("kill -{name} {}", child.id())]).status();
    assert!(kill.expect("a shell").success());
}

#[test]
fn a_drill_that_is_interrupted_or_killed_leaves_nothing_behind() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    for (name, code) in [("INT", Some(1)), ("TERM", Some(1)), ("KILL", None)] {
        let folders = tempfile::tempdir().expect("a folder");
        let (mut child, nodes) = begun(&folders);
        signal(&child, name);
        assert_eq!(ended(&mut child, PATIENCE), Some(code), "{name}");
        assert_nothing_is_left(&folders, &nodes);
    }
}
