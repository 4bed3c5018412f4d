//! Configurations that are refused: exit code 2 and one line for each thing that is wrong.

use crate::{Written, args, check, env, file, program, text};

/// What somebody wrote, and all that the program says about it.
const REFUSED: &[(Written, &str)] = &[
    // Not TOML, or not a file.
    (file("http_port 8000"), "xcron.toml:1: key with no value, expected `=`"),
    (file("env = \"prod\"\nhost = \"x"), "xcron.toml:2: invalid basic string, expected `\"`"),
    (file("http_port = 1\n\nhttp_port = 2"), "xcron.toml:3: duplicate key"),
    (
        Written { file: Some(b"env = \"prod\"\n# \xff\n"), env: &[], args: &[] },
        "xcron.toml:2: expected text in UTF-8",
    ),
    (
        args(&["--conf", "absent.toml"]),
        "absent.toml: cannot be read: No such file or directory (os error 2)",
    ),
    (args(&["-c", "."]), ".: cannot be read: Is a directory (os error 21)"),
    // Keys that do not exist.
    (file("htp_port = 1"), "xcron.toml:1: htp_port: unknown key, did you mean http_port?"),
    (file("colour = 1"), "xcron.toml:1: colour: unknown key"),
    (file("[peers]\nx = 1"), "xcron.toml:1: peers: unknown key"),
    (file("max_tasks = 5"), "xcron.toml:1: max_tasks: unknown key, did you mean limits.max_tasks?"),
    (file("\n[callback]\n\ntimeout = 1"), "xcron.toml:4: callback.timeout: unknown key"),
    (file("peer = 5"), "xcron.toml:1: peer: expected a table, write [peer] on a line of its own"),
    (
        env(&[("XCRON_HTP_PORT", "1")]),
        "XCRON_HTP_PORT: unknown variable, did you mean XCRON_HTTP_PORT?",
    ),
    (
        env(&[("XCRON_PEER_PEER_HOSTS", "")]),
        "XCRON_PEER_PEER_HOSTS: unknown variable, did you mean XCRON_PEER__PEER_HOSTS?",
    ),
    (args(&["--set", "htp_port=1"]), "--set: htp_port: unknown key, did you mean http_port?"),
    (args(&["--set", "http_port"]), "--set: expected key=value such as http_port=8000"),
    // Wrong types.
    (
        file("\n\nhttp_port = \"eight\""),
        "xcron.toml:3: http_port: expected an integer from 0 to 65535, found \"eight\"",
    ),
    (
        file("http_port = 80.5"),
        "xcron.toml:1: http_port: expected an integer from 0 to 65535, found 80.5",
    ),
    (
        file("[http_port]"),
        "xcron.toml:1: http_port: expected an integer from 0 to 65535, found a table",
    ),
    (
        file("[auth]\nallow_anonymous = \"yes\""),
        "xcron.toml:2: auth.allow_anonymous: expected true or false, found \"yes\"",
    ),
    (file("raft_dir = 5"), "xcron.toml:1: raft_dir: expected the path of a directory, found 5"),
    (
        file("[callback]\ndeny = \"10.0.0.0/8\""),
        "xcron.toml:2: callback.deny: expected a list of networks such as [\"10.0.0.0/8\"], \
         found \"10.0.0.0/8\"",
    ),
    (
        file("[callback]\ndeny = [1]"),
        "xcron.toml:2: callback.deny: expected a list of networks such as [\"10.0.0.0/8\"], \
         found 1",
    ),
    // Out of range.
    (
        file("http_port = 65536"),
        "xcron.toml:1: http_port: expected an integer from 0 to 65535, found 65536",
    ),
    (
        file("peer_port = -1"),
        "xcron.toml:1: peer_port: expected an integer from 0 to 65535, found -1",
    ),
    (
        file("monitor_port = 99999999999999999999"),
        "xcron.toml:1: monitor_port: expected an integer from 0 to 65535, \
         found \"99999999999999999999\"",
    ),
    (
        file("drain_seconds = 3601"),
        "xcron.toml:1: drain_seconds: expected an integer from 0 to 3600, found 3601",
    ),
    (
        file("[callback]\ntimeout_seconds = 0"),
        "xcron.toml:2: callback.timeout_seconds: expected an integer from 1 to 1800, found 0",
    ),
    (
        file("[callback]\nmax_in_flight = 0"),
        "xcron.toml:2: callback.max_in_flight: expected an integer from 1 to 100000, found 0",
    ),
    (
        file("callback.max_answer_kept_bytes = 1025"),
        "xcron.toml:1: callback.max_answer_kept_bytes: expected an integer from 0 to 1024, \
         found 1025",
    ),
    (
        file("callback.max_in_flight_per_host = 100001"),
        "xcron.toml:1: callback.max_in_flight_per_host: expected an integer from 1 to 100000, \
         found 100001",
    ),
    (
        file("[limits]\nmax_tasks = 0"),
        "xcron.toml:2: limits.max_tasks: expected an integer from 1 to 1000000000, found 0",
    ),
    (
        file("[limits]\nmax_body_bytes = 1023"),
        "xcron.toml:2: limits.max_body_bytes: expected an integer from 1024 to 1073741824, \
         found 1023",
    ),
    (
        file("[limits]\nhistory_per_task = 1001"),
        "xcron.toml:2: limits.history_per_task: expected an integer from 0 to 1000, found 1001",
    ),
    (
        file("[limits]\nfinished_retention_seconds = -1"),
        "xcron.toml:2: limits.finished_retention_seconds: expected an integer from 0 to \
         315360000, found -1",
    ),
    (
        file("[limits]\nmax_finished_tasks = -1"),
        "xcron.toml:2: limits.max_finished_tasks: expected an integer from 0 to 1000000000, \
         found -1",
    ),
    (
        file("[limits]\nmax_callback_body_bytes = 0"),
        "xcron.toml:2: limits.max_callback_body_bytes: expected an integer from 1 to \
         1073741824, found 0",
    ),
    (
        file("[raft]\nsegment_bytes = 65535"),
        "xcron.toml:2: raft.segment_bytes: expected an integer from 65536 to 1073741824, \
         found 65535",
    ),
    (
        file("[raft]\nsnapshot_log_bytes = 1"),
        "xcron.toml:2: raft.snapshot_log_bytes: expected an integer from 65536 to \
         1099511627776, found 1",
    ),
    // Words that mean nothing.
    (file("env = \"dev\""), "xcron.toml:1: env: expected \"debug\" or \"prod\", found \"dev\""),
    (
        file("host = \"localhost\""),
        "xcron.toml:1: host: expected an IP address such as \"127.0.0.1\", found \"localhost\"",
    ),
    (
        file("default_timezone = \"Mars/Olympus\""),
        "xcron.toml:1: default_timezone: expected an IANA time zone such as \"Europe/Paris\", \
         found \"Mars/Olympus\"",
    ),
    (
        file("raft_dir = \"\""),
        "xcron.toml:1: raft_dir: expected the path of a directory, found \"\"",
    ),
    (
        file("log = \"a=b=c\""),
        "xcron.toml:1: log: expected a log level such as \"info\" or \"info,xcron_raft=debug\", \
         found \"a=b=c\"",
    ),
    (
        file("[callback]\nallow = [\"10.0.0.1/8\"]"),
        "xcron.toml:2: callback.allow: expected a network, meant is probably \"10.0.0.0/8\", \
         found \"10.0.0.1/8\"",
    ),
    (
        file("[callback]\nallow = [\"127.0.0.1\"]"),
        "xcron.toml:2: callback.allow: expected a network such as \"10.0.0.0/8\", \
         found \"127.0.0.1\"",
    ),
    (file("[tls]\ncert = 5"), "xcron.toml:2: tls.cert: expected the path of a file, found 5"),
    (
        file("[tls]\ncert = \"a.pem\""),
        "tls.key: is empty but tls.cert is not, set both files or none",
    ),
    (
        env(&[("XCRON_TLS__KEY", "a.pem")]),
        "tls.cert: is empty but tls.key is not, set both files or none",
    ),
    // What a terminal would obey is shown and not obeyed.
    (
        file("raft_dir = \"a\\u001b[31mb\""),
        "xcron.toml:1: raft_dir: expected the path of a directory, found \"a\\u{1b}[31mb\"",
    ),
    (
        file("[peer]\ntls_cert = \"a\\u0007\""),
        "xcron.toml:2: peer.tls_cert: expected the path of a file, found \"a\\u{7}\"",
    ),
    (
        env(&[("XCRON_AUTH__\u{1b}[31m", "1")]),
        "XCRON_AUTH__\\u{1b}[31m: unknown variable, no key of this section has that name",
    ),
    // The same from the environment and from flags.
    (
        env(&[("XCRON_HTTP_PORT", "eight")]),
        "XCRON_HTTP_PORT: http_port: expected an integer from 0 to 65535, found \"eight\"",
    ),
    (
        env(&[("XCRON_DRAIN_SECONDS", "")]),
        "XCRON_DRAIN_SECONDS: drain_seconds: expected an integer from 0 to 3600, found \"\"",
    ),
    (
        env(&[("XCRON_AUTH__ALLOW_ANONYMOUS", "1")]),
        "XCRON_AUTH__ALLOW_ANONYMOUS: auth.allow_anonymous: expected true or false, found \"1\"",
    ),
    (
        env(&[("XCRON_CALLBACK__DENY", "10.0.0.0/8,")]),
        "XCRON_CALLBACK__DENY: callback.deny: expected a network such as \"10.0.0.0/8\", \
         found \"\"",
    ),
    (
        env(&[("XCRON_CALLBACK__DENY", "[\"10.0.0.0/8\"")]),
        "XCRON_CALLBACK__DENY: callback.deny: expected a list of networks such as \
         [\"10.0.0.0/8\"], found \"[\\\"10.0.0.0/8\\\"\"",
    ),
    (
        args(&["--set", "limits.max_tasks=many"]),
        "--set: limits.max_tasks: expected an integer from 1 to 1000000000, found \"many\"",
    ),
    // Each good by itself, but not together.
    (file("http_port = 9910"), "monitor_port: 9910 is http_port already, expected another port"),
    (
        file("http_port = 7\npeer_port = 7"),
        "xcron.toml:2: peer_port: 7 is http_port already, expected another port",
    ),
    (
        file("[limits]\nmax_body_bytes = 1024"),
        "limits.max_callback_body_bytes: 65536 is more than limits.max_body_bytes, which is 1024",
    ),
    (
        args(&["--set", "limits.max_batch=0"]),
        "--set: limits.max_batch: expected an integer from 1 to 100000, found 0",
    ),
    (
        file("[limits]\nmax_batch_body_bytes = 5"),
        "xcron.toml:2: limits.max_batch_body_bytes: expected an integer from 1024 to 268435456, \
         found 5",
    ),
    // All that is wrong is said at once, and a bad layer is bad even when another wins.
    (
        Written {
            file: Some(b"env = 1\nhttp_port = -1\nx = 0"),
            env: &[("XCRON_HTTP_PORT", "8000")],
            args: &["--set=peer_port=x"],
        },
        "xcron.toml:3: x: unknown key\n\
         xcron.toml:1: env: expected \"debug\" or \"prod\", found 1\n\
         xcron.toml:2: http_port: expected an integer from 0 to 65535, found -1\n\
         --set: peer_port: expected an integer from 0 to 65535, found \"x\"",
    ),
];

#[test]
fn a_bad_configuration_is_refused_with_the_place_the_key_and_what_was_expected() {
    assert_refused(REFUSED);
}

/// Runs each configuration and compares all that the program says.
pub(crate) fn assert_refused(table: &[(Written, &str)]) {
    let mut wrong = Vec::new();
    for (written, expected) in table {
        let output = check(*written);
        let said = text(&output.stderr).trim_end();
        let code = output.status.code();
        if said != *expected || code != Some(2) || !output.stdout.is_empty() {
            wrong.push(format!("expected: {expected}\n    said: {said}\n    code: {code:?}"));
        }
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn the_server_itself_refuses_what_check_refuses() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = program(dir.path()).env("XCRON_HTTP_PORT", "x").output().expect("starting it");
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("XCRON_HTTP_PORT: http_port: expected an integer"));
    assert!(!dir.path().join("data").exists(), "nothing is created");
}

#[test]
fn a_bad_command_line_ends_with_2() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let cases: &[(&[&str], &str)] = &[
        (&["--port", "1"], "error: unexpected argument '--port' found"),
        (&["--conf"], "error: a value is required for '--conf <PATH>' but none was supplied"),
        (&["start"], "error: unrecognized subcommand 'start'"),
        (&["--conf", "a", "--conf", "b"], "error: the argument '--conf <PATH>' cannot be used"),
        (&["check", "more"], "error: unexpected argument 'more' found"),
        (&["restore"], "error: the following required arguments were not provided"),
        (&["restore", "a", "b"], "error: unexpected argument 'b' found"),
        (&["force-new-cluster", "now"], "error: unexpected argument 'now' found"),
    ];
    for (args, expected) in cases {
        let output = program(dir.path()).args(*args).output().expect("starting the program");
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        let said = text(&output.stderr);
        assert!(said.starts_with(expected), "{args:?} said {said}");
    }
}

#[test]
fn a_file_beyond_the_limit_is_not_read() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("xcron.toml"), vec![b'#'; 1_048_577]).expect("writing");
    let output = program(dir.path()).arg("check").output().expect("starting the program");
    assert_eq!(text(&output.stderr), "xcron.toml: has more than 1048576 bytes\n");
    assert_eq!(output.status.code(), Some(2));
}
