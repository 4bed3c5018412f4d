//! Who may call: tokens with roles, judged when nothing but the head of a request has been read.
//!
//! | part | does |
//! |---|---|
//! | [`Access`] | knows the tokens, tells from a head who calls |
//! | [`Role`], `Need` | what a caller may do, what a path asks of it |
//! | `bearer` | takes the token out of the head |
//! | `audit` | writes down who did what to the cluster |

mod access;
mod audit;
mod bearer;
mod digest;
mod role;

pub use access::Access;
pub(crate) use access::Caller;
pub(crate) use audit::{Act, Subject};
pub use digest::TokenDigest;
pub(crate) use role::{Need, Needs};
pub use role::{Role, UnknownRole};
