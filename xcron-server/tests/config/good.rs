//! Configurations that are accepted: what is then in force.

use crate::{Written, args, check, env, file, program, text};
use xcron_server::config::Config;

/// The documentation of every key, held against the code.
const DOCUMENTED: &str = include_str!("../../../xcron.toml");
/// The line of the key that means more when it is written down, and therefore is not.
const UNWRITTEN: &str = "\n#allow_anonymous = ";

#[test]
fn the_documented_file_states_exactly_the_defaults() {
    assert!(DOCUMENTED.contains(UNWRITTEN));
    let written = DOCUMENTED.replace(UNWRITTEN, &UNWRITTEN.replace('#', ""));
    let documented: Config = toml::from_str(&written).expect("a good file");
    assert_eq!(documented, Config::default());
    let keys = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| line.contains('=') && !line.starts_with('#'));
        lines.map(|line| line.split('=').next().unwrap_or_default().trim().into()).collect()
    };
    assert_eq!(keys(&written), keys(&Config::default().to_toml()), "a key is missing");
}

#[test]
fn the_documented_file_is_accepted_and_means_the_same_as_no_file() {
    let nothing = check(Written::default());
    assert_eq!((text(&nothing.stderr), nothing.status.code()), ("", Some(0)));
    assert_eq!(text(&nothing.stdout), Config::default().to_toml());
    let written = check(file(DOCUMENTED));
    assert_eq!(text(&written.stderr), "");
    assert_eq!(written.stdout, nothing.stdout);
}

#[test]
fn what_check_prints_is_accepted_again() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let printed = program(dir.path())
        .args(["check", "--set", "host=::1", "--set", "callback.deny=10.0.0.0/8,::1/128"])
        .output()
        .expect("starting the program");
    std::fs::write(dir.path().join("again.toml"), &printed.stdout).expect("writing");
    let again = program(dir.path()).args(["check", "--conf", "again.toml"]).output();
    assert_eq!(text(&again.expect("starting the program").stdout), text(&printed.stdout));
}

#[test]
fn what_check_prints_for_programs_says_the_same() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let printed = |words: &[&str]| {
        let output = program(dir.path()).args(words).output().expect("starting the program");
        String::from_utf8(output.stdout).expect("text")
    };
    let file: toml::Table = printed(&["check"]).parse().expect("TOML");
    let json: serde_json::Value =
        serde_json::from_str(&printed(&["check", "-o", "json"])).expect("JSON");
    assert_eq!(json, serde_json::to_value(file).expect("JSON"));
}

/// What somebody wrote, and a line of what is then in force.
const ACCEPTED: &[(Written, &str)] = &[
    (file("http_port = 0\nmonitor_port = 0\npeer_port = 0"), "http_port = 0"),
    (file("http_port = 65_535"), "http_port = 65535"),
    (file("http_port = 0x1F90"), "http_port = 8080"),
    (env(&[("XCRON_HTTP_PORT", "9000")]), "http_port = 9000"),
    (env(&[("XCRON_LIMITS__MAX_TASKS", "7")]), "max_tasks = 7"),
    (env(&[("XCRON_RAFT_DIR", "/a b/=c")]), "raft_dir = \"/a b/=c\""),
    (env(&[("XCRON_LOG", "warn,xcron_raft=debug")]), "log = \"warn,xcron_raft=debug\""),
    (
        env(&[("XCRON_CALLBACK__ALLOW", "10.0.0.0/8, ::1/128")]),
        "allow = [\"10.0.0.0/8\", \"::1/128\"]",
    ),
    (env(&[("XCRON_CALLBACK__ALLOW", "[\"10.0.0.0/8\"]")]), "allow = [\"10.0.0.0/8\"]"),
    (env(&[("XCRON_CALLBACK__DENY", "")]), "deny = []"),
    (env(&[("XCRON_LIMITS__MAX_BATCH", "10000")]), "max_batch = 10000"),
    (file("[tls]\ncert = \"a.pem\"\nkey = \"b.pem\""), "key = \"b.pem\""),
    // Names that are no keys: secrets, and what a platform adds by itself.
    (env(&[("XCRON_CI_TOKEN", "s"), ("XCRON_PORT", "tcp://10.0.0.9:8000")]), "http_port = 8000"),
    (args(&["--set", "default_timezone=Europe/Paris"]), "default_timezone = \"Europe/Paris\""),
    (
        Written {
            file: Some(b"host = \"0.0.0.0\"\n[auth]\nallow_anonymous = true"),
            env: &[],
            args: &[],
        },
        "host = \"0.0.0.0\"",
    ),
    // The precedence: a flag, the environment, the file.
    (
        Written {
            file: Some(b"http_port = 1"),
            env: &[("XCRON_HTTP_PORT", "2")],
            args: &["--set", "http_port=3"],
        },
        "http_port = 3",
    ),
    (
        Written { file: Some(b"http_port = 1"), env: &[("XCRON_HTTP_PORT", "2")], args: &[] },
        "http_port = 2",
    ),
    (args(&["--set", "http_port=1", "--set", "http_port=2"]), "http_port = 2"),
];

#[test]
fn a_flag_wins_over_the_environment_over_the_file_over_the_default() {
    assert_accepted(ACCEPTED);
}

/// Runs each configuration and looks for the line among what is in force.
pub(crate) fn assert_accepted(table: &[(Written, &str)]) {
    for (written, expected) in table {
        let output = check(*written);
        let (said, printed) = (text(&output.stderr), text(&output.stdout));
        assert_eq!((said, output.status.code()), ("", Some(0)), "for {expected}");
        assert!(printed.lines().any(|line| line == *expected), "{expected} not in\n{printed}");
    }
}

#[test]
fn the_version_is_printed() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let output = program(dir.path()).arg("--version").output().expect("starting the program");
    assert_eq!(text(&output.stdout), concat!("xcron_server ", env!("CARGO_PKG_VERSION"), "\n"));
    assert_eq!(output.status.code(), Some(0));
}
