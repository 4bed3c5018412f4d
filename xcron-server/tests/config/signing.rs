//! The secret that callbacks are signed with: accepted, refused, and never shown.

use crate::bad::assert_refused;
use crate::good::assert_accepted;
use crate::{Written, check, env, file, text};
use xcron_server::config::{Layers, load};

const KEY: &str = "XCRON_CALLBACK__SIGNING_SECRET_ENV";
const NEW: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";
const BOTH: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const THREE: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw \
                     whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

#[test]
fn a_secret_or_two_are_read_from_the_variable_that_is_named() {
    assert_accepted(&[
        (env(&[(KEY, "HOOKS"), ("HOOKS", NEW)]), "signing_secret_env = \"HOOKS\""),
        (env(&[(KEY, "HOOKS"), ("HOOKS", BOTH)]), "signing_secret_env = \"HOOKS\""),
        (env(&[(KEY, "")]), "signing_secret_env = \"\""),
    ]);
}

const REFUSED: &[(Written, &str)] = &[
    (
        env(&[(KEY, "HOOKS")]),
        "XCRON_CALLBACK__SIGNING_SECRET_ENV: callback.signing_secret_env: the variable HOOKS is \
         not set, set it to whsec_...",
    ),
    (
        env(&[(KEY, "HOOKS"), ("HOOKS", "")]),
        "XCRON_CALLBACK__SIGNING_SECRET_ENV: callback.signing_secret_env: the variable HOOKS is \
         empty, expected whsec_ followed by 24 to 64 bytes in base64, or two such secrets with \
         one space between them, the new one first",
    ),
    (
        env(&[(KEY, "HOOKS"), ("HOOKS", "whsec_c2VjcmV0")]),
        "XCRON_CALLBACK__SIGNING_SECRET_ENV: callback.signing_secret_env: the variable HOOKS has \
         a secret of 6 bytes, expected whsec_ followed by 24 to 64 bytes in base64, or two such \
         secrets with one space between them, the new one first",
    ),
    (
        env(&[(KEY, "HOOKS"), ("HOOKS", THREE)]),
        "XCRON_CALLBACK__SIGNING_SECRET_ENV: callback.signing_secret_env: the variable HOOKS has \
         more than two secrets, expected whsec_ followed by 24 to 64 bytes in base64, or two such \
         secrets with one space between them, the new one first",
    ),
    // A secret in the wrong place is not shown, whether it could be a name or not.
    (
        file("[callback]\nsigning_secret_env = \"whsec_C2FVsBQIhrscChlQIMV\""),
        "xcron.toml:2: callback.signing_secret_env: the variable that it names is not set, set it \
         to whsec_...",
    ),
    (
        file("[callback]\nsigning_secret_env = \"whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD\""),
        "xcron.toml:2: callback.signing_secret_env: expected the name of an environment variable, \
         not its value",
    ),
];

#[test]
fn a_bad_secret_is_refused_with_the_key_the_variable_and_what_was_expected() {
    assert_refused(REFUSED);
}

#[test]
fn a_secret_is_never_shown() {
    for secret in [NEW, BOTH, THREE, "hunter2hunter2", "whsec_hunter2!"] {
        let layers = Layers {
            file: None,
            variables: vec![(KEY.into(), "HOOKS".into()), ("HOOKS".into(), secret.into())],
            flags: Vec::new(),
        };
        let shown = match load(&layers) {
            Ok(config) => {
                format!("{config:?} {:?} {}", config.callback.signing_secrets(), config.to_toml())
            }
            Err(errors) => format!("{errors} {errors:?}"),
        };
        for part in secret.split(' ') {
            assert!(!shown.contains(part.trim_start_matches("whsec_")), "{shown}");
        }
    }
    let output = check(env(&[(KEY, "HOOKS"), ("HOOKS", BOTH)]));
    assert!(!text(&output.stdout).contains("whsec_"), "{}", text(&output.stdout));
}
