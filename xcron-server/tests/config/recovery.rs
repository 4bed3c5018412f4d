//! The commands for disasters, as far as the command line goes.

use crate::{program, text};

#[test]
fn forcing_a_new_cluster_says_what_it_would_do_unless_it_is_confirmed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = program(dir.path())
        .args(["force-new-cluster", "--set", "raft_dir=./mine/"])
        .output()
        .expect("starting the program");
    assert_eq!(output.status.code(), Some(2));
    assert_eq!(text(&output.stdout), "");
    let said = text(&output.stderr);
    assert_eq!(said.lines().count(), 1, "{said}");
    for words in ["./mine/", "gone for good", "--yes"] {
        assert!(said.contains(words), "{words} not in {said}");
    }
    assert!(!dir.path().join("mine").exists(), "nothing is touched");
}

#[test]
fn a_bad_configuration_is_refused_before_anything_is_recovered() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for args in [&["restore", "file"][..], &["force-new-cluster"], &["force-new-cluster", "--yes"]]
    {
        let output = program(dir.path()).args(args).args(["--set", "http_port=x"]).output();
        let output = output.expect("starting the program");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(text(&output.stderr).starts_with("--set: http_port: "), "{args:?}");
    }
}
