//! The format: what other programs write is read, and what cannot be read is refused with the
//! line and the field.

use super::table::{at_ten, created, fired, history, lines};
use super::{model, outside};
use std::process::Command;
use xcron_checker::history::read::LINE_BYTES_MAX;
use xcron_checker::{Definition, End, History, Line, Op};

fn refusal(text: &str) -> String {
    History::read(text.as_bytes()).unwrap_err().to_string()
}

#[test]
fn what_is_written_is_read_again() {
    for seed in 0..50 {
        let history = model::history(seed);
        let mut text = Vec::new();
        history.write(&mut text).unwrap();
        assert_eq!(History::read(&text[..]).unwrap(), history, "seed {seed}");
    }
}

#[test]
fn what_another_program_writes_is_read_and_judged() {
    let history = History::read(outside::CORRECT.as_bytes()).unwrap();
    assert_eq!(history.begin.label, "another program");
    assert_eq!(history.lines.len(), 11);
    let verdict = history.judge();
    assert!(verdict.is_pass(), "{verdict}");
    assert_eq!((verdict.figures.expected, verdict.figures.fired), (5, 5));
    let early = outside::CORRECT.replace("60000000", "59000000");
    let verdict = History::read(early.as_bytes()).unwrap().judge();
    assert!(verdict.to_string().contains("I4 never early | b |"), "{verdict}");
}

#[test]
fn a_line_that_is_not_understood_is_named() {
    const BEGIN: &str =
        r#"{"kind":"begin","version":1,"at_us":0,"nodes":3,"lease_us":1,"clock_tolerance_us":1}"#;
    let op = |rest: &str| format!("{BEGIN}\n\n{{\"kind\":\"op\",{rest}}}\n");
    let create = |definition: &str| {
        op(&format!(
            r#""call":"create","task":"a","sent_us":1,"outcome":"ok","definition":{definition}"#
        ))
    };
    let rows: [(String, &str); 14] = [
        (String::new(), "there is no line; a history begins with kind \"begin\""),
        ("{".into(), "line 1: line: EOF"),
        ("[1]".into(), "line 1: line: expected an object"),
        ("{}".into(), "line 1: kind: is missing"),
        (r#"{"kind":"end","at_us":1,"complete":true}"#.into(), "line 1: kind: the first line"),
        (BEGIN.replace("\"version\":1", "\"version\":2"), "line 1: version: is 2, expected 1"),
        (format!("{BEGIN}\n{BEGIN}"), "line 2: kind: a second \"begin\""),
        (format!("{BEGIN}\n{{\"kind\":\"begun\"}}"), "line 2: kind: \"begun\" is not known"),
        (op(r#""call":"create""#), "line 3: line: missing field `task`"),
        (
            op(r#""call":"make","task":"a","sent_us":1,"outcome":"ok""#),
            "line 3: call: unknown variant",
        ),
        (
            op(r#""call":"query","task":"a","sent_us":"1","outcome":"ok""#),
            "line 3: sent_us: invalid type",
        ),
        (
            op(r#""call":"query","task":"a","sent_us":1,"outcome":"ok","at":1"#),
            "line 3: at: unknown field",
        ),
        (
            create(r#"{"schedule":{"cron":"* * * * *","at_s":1}}"#),
            "line 3: definition.schedule: a schedule is either",
        ),
        (
            create(r#"{"schedule":{"at_s":1},"retry":{"attempts_max":-1}}"#),
            "line 3: definition.retry.attempts_max: invalid value",
        ),
    ];
    for (text, expected) in rows {
        let refusal = refusal(&text);
        assert!(refusal.starts_with(expected), "{text}\n{refusal}\n{expected}");
    }
    let after = format!("{BEGIN}\n{{\"kind\":\"end\",\"at_us\":1,\"complete\":true}}\n{BEGIN}");
    assert!(refusal(&after).starts_with("line 3: kind: a second"));
    let long = |bytes: usize| format!("{BEGIN}{}\n", " ".repeat(bytes - BEGIN.len() - 1));
    assert!(History::read(long(LINE_BYTES_MAX).as_bytes()).is_ok());
    assert!(refusal(&long(LINE_BYTES_MAX + 1)).starts_with("line 1: is longer than"));
}

#[test]
fn definitions_that_mean_the_same_have_the_same_fingerprint() {
    let one = Definition::cron("* * * * *", "UTC");
    let same = Definition { misfire_window_s: Some(365 * 86_400), paused: true, ..one.clone() };
    let other = Definition { jitter_s: 1, ..one.clone() };
    assert_eq!(one.fingerprint(), same.fingerprint());
    assert_ne!(one.fingerprint(), other.fingerprint());
}

#[test]
fn the_program_judges_files_and_says_so_with_its_exit_code() {
    let folder = std::env::temp_dir().join(format!("xcron-check-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = |name: &str, history: &History| {
        let path = folder.join(name);
        history.write(std::fs::File::create(&path).unwrap()).unwrap();
        path
    };
    let good = history(lines![created(at_ten()), fired(10, 10.0)], 30.0);
    let lost = history(lines![created(at_ten())], 30.0);
    let weak = History { end: Some(End::incomplete(30_000_000, "full")), ..good.clone() };
    let unreadable = folder.join("unreadable");
    std::fs::write(&unreadable, "{}").unwrap();
    let (good, lost, weak) = (file("good", &good), file("lost", &lost), file("weak", &weak));
    let rows: [(&[&std::path::PathBuf], i32, &str); 7] = [
        (&[&good], 0, "PASS"),
        (&[&lost], 1, "I3 no loss | a |"),
        (&[&weak], 2, "WEAK"),
        (&[&good, &weak, &lost], 1, "VIOLATED"),
        (&[&unreadable], 2, "line 1: kind: is missing"),
        (&[&folder.join("absent")], 2, "cannot be read"),
        (&[], 2, "usage: xcron-check FILE..."),
    ];
    for (files, code, text) in rows {
        let mut program = Command::new(env!("CARGO_BIN_EXE_xcron-check"));
        let output = program.args(files).output().unwrap();
        let all = [output.stdout, output.stderr].concat();
        let all = String::from_utf8(all).unwrap();
        assert_eq!(output.status.code(), Some(code), "{files:?}: {all}");
        assert!(all.contains(text), "{files:?}: {all}");
    }
    std::fs::remove_dir_all(&folder).unwrap();
}

#[test]
fn lines_of_every_kind_are_made_of_their_bodies() {
    let op = Op::create("a", at_ten(), 5);
    let mut history = history(vec![], 1.0);
    history.push(op.clone());
    history.push(End::complete(9));
    assert_eq!(history.lines, [Line::Op(Box::new(op))]);
    assert_eq!(history.end.map(|end| end.at_us), Some(9));
}
