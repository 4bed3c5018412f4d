//! What a caller may do, and what a path asks of its caller.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// What a caller may do; each role may do all that the one before it may.
///
/// ```
/// use xcron_http::Role;
///
/// assert!(Role::Admin > Role::Write && Role::Write > Role::Read);
/// assert_eq!("write".parse(), Ok(Role::Write));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Look at tasks, runs and the cluster.
    Read,
    /// Change tasks.
    Write,
    /// Change the cluster, and take all of its state away in a backup.
    Admin,
}

impl Role {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Read, Self::Write, Self::Admin];

    /// Its name in the configuration.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A text that is the name of no role.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected \"read\", \"write\" or \"admin\"")]
pub struct UnknownRole;

impl FromStr for Role {
    type Err = UnknownRole;

    fn from_str(name: &str) -> Result<Self, UnknownRole> {
        Self::ALL.into_iter().find(|role| role.as_str() == name).ok_or(UnknownRole)
    }
}

/// What a path asks of its caller.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// Nothing: probes and pages.
    Nothing,
    /// To be somebody who may do as much as this role.
    Role(Role),
}

/// The paths of a router and what each asks of its caller.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Needs(pub(crate) &'static [(&'static str, Need)]);

impl Needs {
    /// What the route `path` asks for; `None` is no route at all.
    ///
    /// Who may call nothing is not even told which paths exist. A route that is not in the table is
    /// left to those who may do everything.
    pub(crate) fn of(self, path: Option<&str>) -> Need {
        let Some(path) = path else {
            return Need::Role(Role::Read);
        };
        let known = self.0.iter().find(|(known, _)| *known == path);
        known.map_or(Need::Role(Role::Admin), |(_, need)| *need)
    }
}

#[cfg(test)]
mod tests {
    use super::{Need, Needs, Role};

    #[test]
    fn a_route_that_was_forgotten_is_left_to_those_who_may_do_everything() {
        let needs = Needs(&[("/open", Need::Nothing), ("/seen", Need::Role(Role::Read))]);
        assert_eq!(needs.of(Some("/open")), Need::Nothing);
        assert_eq!(needs.of(Some("/seen")), Need::Role(Role::Read));
        assert_eq!(needs.of(Some("/forgotten")), Need::Role(Role::Admin));
        assert_eq!(needs.of(None), Need::Role(Role::Read));
    }
}
