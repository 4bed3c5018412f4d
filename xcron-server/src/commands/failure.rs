//! Why a command came to nothing: one line on stderr that names the cure, and an exit code.

use super::output::{note, printable};
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::process::ExitCode;
use xcron_core::Effect;
use xcron_http::client::{ClientError, Refused};

/// Why a command came to nothing.
#[derive(Debug)]
pub(super) enum Failure {
    /// What was typed cannot be meant: 2.
    Usage(String),
    /// The server said no or something failed: 1.
    Failed(String),
    /// The same, and what went wrong was said already: 1.
    Said,
    /// Nobody reads what is printed any more, which is how pipes end: 0.
    Unread,
}

impl Failure {
    /// Something about `path` failed.
    pub(super) fn file(path: &Path, problem: &dyn Display) -> Self {
        Self::Failed(format!("{}: {problem}", path.display()))
    }

    /// Says what there is to say.
    pub(super) fn say(&self) {
        if let Self::Usage(why) | Self::Failed(why) = self {
            complain(why);
        }
    }

    /// Says it, and the exit code.
    pub(super) fn end(self) -> ExitCode {
        self.say();
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) | Self::Said => ExitCode::FAILURE,
            Self::Unread => ExitCode::SUCCESS,
        }
    }
}

/// Says in one line what went wrong.
pub(super) fn complain(why: &str) {
    note(&format!("error: {}", printable(why)));
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Settings(problem) => Self::Usage(problem),
            error => Self::Failed(told(&error)),
        }
    }
}

impl From<io::Error> for Failure {
    /// What stdout says to whoever prints.
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Self::Unread,
            _ => Self::Failed(format!("stdout cannot be written: {error}")),
        }
    }
}

/// An error with its cure.
pub(super) fn told(error: &ClientError) -> String {
    let cure = match error {
        ClientError::Unreachable { .. } => {
            " Start it, or name another with --server or XCRON_SERVER_URL".to_owned()
        }
        ClientError::Refused(refused) => cure_of(refused),
        _ => String::new(),
    };
    format!("{error}{cure}")
}

fn cure_of(refused: &Refused) -> String {
    let mut cure = match refused.code {
        1401 => ": set XCRON_TOKEN to a token of this server".to_owned(),
        1403 => ": set XCRON_TOKEN to a token of a higher role".to_owned(),
        _ => String::new(),
    };
    match refused.effect {
        Some(Effect::None) => cure.push_str(": nothing was done"),
        Some(Effect::Unknown) => cure.push_str(": it may have been done or not, look before"),
        None => {}
    }
    match (refused.retry_after, refused.effect) {
        (Some(after), Some(Effect::Unknown)) => {
            cure.push_str(&format!(" you try again in {} s", after.as_secs()));
        }
        (Some(after), _) => cure.push_str(&format!(", try again in {} s", after.as_secs())),
        (None, Some(Effect::Unknown)) => cure.push_str(" you try again"),
        (None, _) => {}
    }
    cure
}

#[cfg(test)]
mod tests {
    use super::told;
    use std::time::Duration;
    use xcron_core::Effect;
    use xcron_http::client::{ClientError, Refused};

    #[test]
    fn an_error_names_its_cure() {
        let refused = |code, effect, after: Option<u64>| {
            let mut refused = Refused::new(code, "why");
            refused.effect = effect;
            refused.retry_after = after.map(Duration::from_secs);
            ClientError::Refused(refused)
        };
        for (error, expected) in [
            (refused(1404, None, None), "why (code 1404)"),
            (
                refused(1401, None, None),
                "why (code 1401): set XCRON_TOKEN to a token of this server",
            ),
            (
                refused(1429, Some(Effect::None), Some(1)),
                "why (code 1429): nothing was done, try again in 1 s",
            ),
            (
                refused(1503, Some(Effect::Unknown), Some(1)),
                "why (code 1503): it may have been done or not, look before you try again in 1 s",
            ),
            (
                refused(1500, Some(Effect::Unknown), None),
                "why (code 1500): it may have been done or not, look before you try again",
            ),
        ] {
            assert_eq!(told(&error), expected);
        }
    }
}
