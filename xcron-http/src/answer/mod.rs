//! Answers: what every request gets back, whichever part of the server answers it.

mod code;
mod envelope;
mod request_id;

pub(crate) use code::Code;
pub(crate) use envelope::{Answer, Pending, name_response};
pub(crate) use request_id::RequestIds;
