//! What tests of real processes stand on: a server's process, its API, a target for callbacks, and
//! what one does to networks and disks.

pub(crate) mod api;
pub(crate) mod member;
pub(crate) mod net;
pub(crate) mod ports;
pub(crate) mod process;
pub(crate) mod target;
pub(crate) mod timeline;
pub(crate) mod tools;
pub(crate) mod tracer;
pub(crate) mod view;
