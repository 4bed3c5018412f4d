//! The keys about who may call the API.

use crate::bad::assert_refused;
use crate::good::assert_accepted;
use crate::{Written, args, check, env, file, program, text};

const CI: (&str, &str) = ("CI", "ci-token-0123456789");
const OPS: (&str, &str) = ("OPS", "ops-token-0123456789");

const REFUSED: &[(Written, &str)] = &[
    (
        file("[auth]\ntokens = 5"),
        "xcron.toml:2: auth.tokens: expected a list such as [{ name = \"ci\", token_env = \
         \"XCRON_CI_TOKEN\", role = \"write\" }]",
    ),
    // What may be a token in the wrong place is not shown.
    (
        env(&[("XCRON_AUTH__TOKENS", "ci-token-0123456789")]),
        "XCRON_AUTH__TOKENS: auth.tokens: expected a list such as [{ name = \"ci\", token_env = \
         \"XCRON_CI_TOKEN\", role = \"write\" }]",
    ),
    (
        file("[auth]\ntokens = [\"ci-token-0123456789\"]"),
        "xcron.toml:2: auth.tokens: token 1: expected { name = \"ci\", token_env = \
         \"XCRON_CI_TOKEN\", role = \"write\" }",
    ),
    (
        file("[auth]\ntokens = [{ name = \"ci\", token = \"ci-token-0123456789\" }]"),
        "xcron.toml:2: auth.tokens: token 1: has an unknown field, expected name, token_env, role",
    ),
    (
        file("[auth]\ntokens = [{ name = \"ci\", token_env = \"ci-token-01\", role = \"read\" }]"),
        "xcron.toml:2: auth.tokens: token 1: token_env: expected the name of an environment \
         variable, not its value",
    ),
    (
        file("[auth]\ntokens = [{ name = \"ci\", token_env = \"\", role = \"read\" }]"),
        "xcron.toml:2: auth.tokens: token 1: token_env: expected the name of an environment \
         variable, not its value",
    ),
    (
        file("[auth]\ntokens = [{ name = \"ci\", token_env = \"ci_token\", role = \"read\" }]"),
        "xcron.toml:2: auth.tokens: the variable that the token_env of \"ci\" names is not set, \
         set it to the token, 16 to 4096 bytes of visible ASCII",
    ),
    // Fields.
    (
        file("[[auth.tokens]]\nname = \"ci\"\ntoken_env = \"CI\""),
        "xcron.toml:1: auth.tokens: token 1: role is missing, expected { name = \"ci\", \
         token_env = \"XCRON_CI_TOKEN\", role = \"write\" }",
    ),
    (
        file("[auth]\ntokens = [{ name = \"ci\", token_env = \"CI\", role = \"root\" }]"),
        "xcron.toml:2: auth.tokens: token 1: role: expected \"read\" or \"write\" or \"admin\", \
         found \"root\"",
    ),
    (
        file("[auth]\ntokens = [{ name = \"\", token_env = \"CI\", role = \"read\" }]"),
        "xcron.toml:2: auth.tokens: token 1: name: expected 1 to 64 of A-Z a-z 0-9 . _ -, \
         found \"\"",
    ),
    (
        file("[auth]\ntokens = [{ name = \"a b\", token_env = \"CI\", role = \"read\" }]"),
        "xcron.toml:2: auth.tokens: token 1: name: expected 1 to 64 of A-Z a-z 0-9 . _ -, \
         found \"a b\"",
    ),
    (
        file("[auth]\ntokens = [{ name = \"anonymous\", token_env = \"CI\", role = \"read\" }]"),
        "xcron.toml:2: auth.tokens: token 1: name: \"anonymous\" is what callers without a token \
         are called, expected another name",
    ),
    (
        file(
            "[[auth.tokens]]\nname = \"ci\"\ntoken_env = \"CI\"\nrole = \"read\"\n\
             [[auth.tokens]]\nname = \"ci\"\ntoken_env = \"OPS\"\nrole = \"admin\"",
        ),
        "xcron.toml:1: auth.tokens: token 2: name: expected each name once, found \"ci\" again",
    ),
    // Variables.
    (
        env(&[
            ("XCRON_AUTH__TOKENS", "[{ name = \"ci\", token_env = \"CI\", role = \"read\" }]"),
            ("CI", "fifteen-bytes.."),
        ]),
        "XCRON_AUTH__TOKENS: auth.tokens: the variable that the token_env of \"ci\" names has 15 \
         bytes, set it to the token, 16 to 4096 bytes of visible ASCII",
    ),
    (
        env(&[
            ("XCRON_AUTH__TOKENS", "[{ name = \"ci\", token_env = \"CI\", role = \"read\" }]"),
            ("CI", ""),
        ]),
        "XCRON_AUTH__TOKENS: auth.tokens: the variable that the token_env of \"ci\" names has 0 \
         bytes, set it to the token, 16 to 4096 bytes of visible ASCII",
    ),
    (
        env(&[
            ("XCRON_AUTH__TOKENS", "[{ name = \"ci\", token_env = \"CI\", role = \"read\" }]"),
            ("CI", "sixteen bytes ok"),
        ]),
        "XCRON_AUTH__TOKENS: auth.tokens: the variable that the token_env of \"ci\" names holds \
         other bytes than visible ASCII, set it to the token, 16 to 4096 bytes of visible ASCII",
    ),
    (
        env(&[
            ("XCRON_AUTH__TOKENS", "[{ name = \"ci\", token_env = \"CI\", role = \"read\" }]"),
            ("CI", "sixteen-bytes-ok\n"),
        ]),
        "XCRON_AUTH__TOKENS: auth.tokens: the variable that the token_env of \"ci\" names holds \
         other bytes than visible ASCII, set it to the token, 16 to 4096 bytes of visible ASCII",
    ),
    (
        Written {
            file: Some(
                b"[auth]\ntokens = [{ name = \"a\", token_env = \"CI\", role = \"read\" },\n\
                  { name = \"b\", token_env = \"CI\", role = \"admin\" }]",
            ),
            env: &[CI],
            args: &[],
        },
        "xcron.toml:2: auth.tokens: \"b\" and \"a\" are the same token, expected one of its own \
         for each",
    ),
    // Together with who may call without one.
    (
        file("[auth]\nallow_anonymous = false"),
        "xcron.toml:2: auth.allow_anonymous: false would let nobody in, add a token to auth.tokens",
    ),
    (
        file("host = \"0.0.0.0\""),
        "xcron.toml:1: host: 0.0.0.0 can be reached from other machines and no token is asked \
         for, add one to auth.tokens, set auth.allow_anonymous = true to accept that, or use \
         127.0.0.1",
    ),
    (
        env(&[("XCRON_HOST", "::"), ("XCRON_AUTH__TOKENS", "")]),
        "XCRON_HOST: host: :: can be reached from other machines and no token is asked for, add \
         one to auth.tokens, set auth.allow_anonymous = true to accept that, or use 127.0.0.1",
    ),
    (
        args(&["--set", "limits.max_requests_in_flight_per_token=0"]),
        "--set: limits.max_requests_in_flight_per_token: expected an integer from 1 to 2048, \
         found 0",
    ),
];

const ONE: &[u8] = b"[auth]\ntokens = [{ name = \"ci\", token_env = \"CI\", role = \"write\" }]";

const ACCEPTED: &[(Written, &str)] = &[
    (env(&[("XCRON_AUTH__TOKENS", "")]), "tokens = []"),
    (env(&[("XCRON_AUTH__TOKENS", "[]")]), "allow_anonymous = true"),
    // Who asks for tokens means it, on loopback too, unless something else is written down.
    (Written { file: Some(ONE), env: &[CI], args: &[] }, "allow_anonymous = false"),
    (Written { file: Some(ONE), env: &[CI], args: &[] }, "token_env = \"CI\""),
    (
        Written { file: Some(ONE), env: &[CI], args: &["--set", "auth.allow_anonymous=true"] },
        "allow_anonymous = true",
    ),
    (
        Written { file: Some(ONE), env: &[CI], args: &["--set", "auth.allow_anonymous=false"] },
        "allow_anonymous = false",
    ),
    // Tokens are enough beyond loopback.
    (
        Written { file: Some(ONE), env: &[CI, ("XCRON_HOST", "0.0.0.0")], args: &[] },
        "host = \"0.0.0.0\"",
    ),
    // The environment replaces the list of the file, whose variables are then not needed.
    (
        Written {
            file: Some(ONE),
            env: &[
                OPS,
                (
                    "XCRON_AUTH__TOKENS",
                    "[{ name = \"o.p_s-1\", token_env = \"OPS\", role = \"admin\" }]",
                ),
            ],
            args: &[],
        },
        "name = \"o.p_s-1\"",
    ),
];

#[test]
fn a_token_says_what_is_wrong_with_it() {
    assert_refused(REFUSED);
}

#[test]
fn tokens_are_accepted_and_keep_out_whoever_has_none() {
    assert_accepted(ACCEPTED);
}

#[test]
fn there_are_256_tokens_at_most() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (count, code) in [(256, 0), (257, 2)] {
        let mut file = String::from("[auth]\ntokens = [\n");
        let mut command = program(dir.path());
        for i in 0..count {
            file += &format!("{{ name = \"t{i}\", token_env = \"T{i}\", role = \"read\" }},\n");
            command.env(format!("T{i}"), format!("token-number-{i:04}"));
        }
        std::fs::write(dir.path().join("xcron.toml"), file + "]").expect("writing a file");
        let output = command.arg("check").output().expect("starting the program");
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
        if code == 2 {
            let expected = "xcron.toml:2: auth.tokens: expected at most 256 tokens, found 257\n";
            assert_eq!(text(&output.stderr), expected);
        }
    }
}

#[test]
fn a_name_has_64_bytes_and_a_token_4096_at_most() {
    let dir = tempfile::tempdir().expect("a temporary directory");
    for (name, token, code) in [(64, 4_096, 0), (65, 4_096, 2), (64, 4_097, 2), (1, 16, 0)] {
        let name = "n".repeat(name);
        let tokens = format!("[{{ name = \"{name}\", token_env = \"T\", role = \"read\" }}]");
        let mut command = program(dir.path());
        command.env("XCRON_AUTH__TOKENS", tokens).env("T", "t".repeat(token));
        let output = command.arg("check").output().expect("starting the program");
        assert_eq!(output.status.code(), Some(code), "{}", text(&output.stderr));
    }
}

#[test]
fn what_check_prints_of_tokens_is_accepted_again_and_holds_none() {
    let first = check(Written { file: Some(ONE), env: &[CI], args: &[] });
    assert!(!text(&first.stdout).contains(CI.1));
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("xcron.toml"), &first.stdout).expect("writing a file");
    let again = program(dir.path()).arg("check").env(CI.0, CI.1).output().expect("starting it");
    assert_eq!(text(&again.stderr), "");
    assert_eq!(text(&again.stdout), text(&first.stdout));
}

/// Somebody who begins with the documented file must not let everybody in by a line of it.
#[test]
fn the_documented_file_with_a_token_lets_nobody_in_without_it() {
    const DOCUMENTED: &str = include_str!("../../../xcron.toml");
    let tokens = "tokens = [{ name = \"ci\", token_env = \"CI\", role = \"write\" }]";
    let file = DOCUMENTED.replace("\ntokens = []", &format!("\n{tokens}"));
    assert_ne!(file, DOCUMENTED);
    let dir = tempfile::tempdir().expect("a temporary directory");
    std::fs::write(dir.path().join("xcron.toml"), file).expect("writing a file");
    let output = program(dir.path()).arg("check").env(CI.0, CI.1).output().expect("starting it");
    assert_eq!(text(&output.stderr), "");
    assert!(text(&output.stdout).contains("allow_anonymous = false"));
}
