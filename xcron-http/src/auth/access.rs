//! Everybody who may call, and how to tell who does.

use super::bearer::bearer;
use super::digest::TokenDigest;
use super::role::{Need, Role};
use crate::answer::{Answer, Code};
use http::HeaderMap;
use std::sync::atomic::AtomicUsize;
use subtle::{ConditionallySelectable, ConstantTimeEq};

/// Who may call the API: whoever comes, or who shows one of the tokens.
///
/// ```
/// use xcron_http::{Access, Role, TokenDigest};
///
/// let digest = TokenDigest::of(b"correct horse battery staple");
/// let access = Access::by_token().with_token("ci", digest, Role::Write);
/// assert!(access.has_tokens());
/// assert!(!Access::open().has_tokens());
/// ```
#[derive(Debug)]
pub struct Access {
    tokens: Vec<(TokenDigest, Caller)>,
    anonymous: Option<Caller>,
}

impl Access {
    /// Whoever calls may do everything, without a token too where there are any.
    #[must_use]
    pub fn open() -> Self {
        let anonymous = Caller::new(Caller::ANONYMOUS.to_owned(), Role::Admin);
        Self { tokens: Vec::new(), anonymous: Some(anonymous) }
    }

    /// Nobody may call without one of the tokens that are added to this.
    #[must_use]
    pub const fn by_token() -> Self {
        Self { tokens: Vec::new(), anonymous: None }
    }

    /// The same, and who shows the token with this `digest` is called `name` and has this `role`.
    #[must_use]
    pub fn with_token(mut self, name: impl Into<String>, digest: TokenDigest, role: Role) -> Self {
        self.tokens.push((digest, Caller::new(name.into(), role)));
        self
    }

    /// Whether there is any token.
    #[must_use]
    pub const fn has_tokens(&self) -> bool {
        !self.tokens.is_empty()
    }

    /// Who sent a request with these `headers`, or the refusal of a stranger.
    ///
    /// Where there are no tokens nothing is made of the header: it may be meant for a proxy. Where
    /// there are, a wrong token is refused even if none would have been good.
    pub(crate) fn caller(&self, headers: &HeaderMap) -> Result<&Caller, Answer> {
        if let (true, Some(anonymous)) = (self.tokens.is_empty(), &self.anonymous) {
            return Ok(anonymous);
        }
        let stranger = |why: &str| Answer::error(Code::Unauthorized, why);
        match bearer(headers).map_err(stranger)? {
            Some(token) => self.find(token).ok_or_else(|| stranger("the token is not known")),
            None => self
                .anonymous
                .as_ref()
                .ok_or_else(|| stranger("authorization is missing, expected Bearer and a token")),
        }
    }

    /// Compares all tokens with all of their bytes, so that the time tells nothing of them.
    fn find(&self, token: &[u8]) -> Option<&Caller> {
        let digest = TokenDigest::of(token);
        let mut found = 0;
        for (number, (known, _)) in (1_u64..).zip(&self.tokens) {
            found.conditional_assign(&number, known.ct_eq(&digest));
        }
        let index = usize::try_from(found.checked_sub(1)?).ok()?;
        self.tokens.get(index).map(|(_, caller)| caller)
    }
}

/// Whom a request comes from.
#[derive(Debug)]
pub(crate) struct Caller {
    name: String,
    role: Role,
    /// How many of its requests are being answered.
    pub(crate) in_flight: AtomicUsize,
}

impl Caller {
    /// What a caller without a token is called.
    pub(crate) const ANONYMOUS: &str = "anonymous";

    const fn new(name: String, role: Role) -> Self {
        Self { name, role, in_flight: AtomicUsize::new(0) }
    }

    /// The name of its token.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Refuses a path that needs more than the caller may.
    pub(crate) fn check(&self, need: Need) -> Result<(), Answer> {
        match need {
            Need::Role(role) if self.role < role => {
                let own = self.role;
                let message = format!("the token has the role {own}, expected {role} or more");
                Err(Answer::error(Code::Forbidden, message))
            }
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Access, Need, Role, TokenDigest};
    use http::header::{AUTHORIZATION, HeaderMap, HeaderValue};

    fn headers(authorization: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if !authorization.is_empty() {
            headers.insert(AUTHORIZATION, HeaderValue::from_str(authorization).unwrap());
        }
        headers
    }

    fn two(access: Access) -> Access {
        access.with_token("first", TokenDigest::of(b"one"), Role::Read).with_token(
            "second",
            TokenDigest::of(b"two"),
            Role::Admin,
        )
    }

    #[test]
    fn a_caller_is_told_by_its_token() {
        let (first, second, anyone) = (Some("first"), Some("second"), Some("anonymous"));
        let table = [
            (two(Access::by_token()), "", None),
            (two(Access::by_token()), "Bearer one", first),
            (two(Access::by_token()), "Bearer two", second),
            (two(Access::by_token()), "Bearer onetwo", None),
            (two(Access::by_token()), "Basic one", None),
            (two(Access::open()), "", anyone),
            (two(Access::open()), "Bearer two", second),
            (two(Access::open()), "Bearer three", None),
            (Access::open(), "", anyone),
            (Access::open(), "Bearer one", anyone),
            (Access::by_token(), "", None),
            (Access::by_token(), "Bearer one", None),
        ];
        for (access, authorization, expected) in table {
            let headers = headers(authorization);
            let caller = access.caller(&headers);
            let name = caller.as_ref().ok().map(|caller| caller.name());
            assert_eq!(name, expected, "{access:?} {authorization:?}");
            if let Err(refused) = caller {
                assert_eq!(refused.code().number(), 1401);
            }
        }
    }

    #[test]
    fn a_role_may_do_what_lesser_ones_may() {
        for own in Role::ALL {
            let access = Access::by_token().with_token("t", TokenDigest::of(b"t"), own);
            let headers = headers("Bearer t");
            let caller = access.caller(&headers).unwrap();
            assert!(caller.check(Need::Nothing).is_ok());
            for role in Role::ALL {
                assert_eq!(caller.check(Need::Role(role)).is_ok(), own >= role, "{own} {role}");
            }
        }
    }
}
