//! The HTTP face of xcron: a hardened server for the API, a dispatcher that makes the callbacks,
//! and metrics.
//!
//! Nothing is decided here. The API turns text into the types of [`xcron_core`] and back, the
//! dispatcher turns one attempt into one HTTP exchange, and both put a limit on everything that
//! comes from outside.
//!
//! ```no_run
//! use std::sync::Arc;
//! use xcron_core::{MemoryStore, Scheduler};
//! use xcron_http::{Access, ApiSettings, DispatchSettings, HttpDispatcher, Metrics, Server};
//! use xcron_http::{Port, ServerSettings, api_router};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let metrics = Metrics::new();
//! let dispatcher = Arc::new(HttpDispatcher::new(DispatchSettings::default())?);
//! let scheduler = Scheduler::builder(Arc::new(MemoryStore::new()), dispatcher)
//!     .observer(metrics.observer())
//!     .build();
//! metrics.watch_scheduler(scheduler.clone());
//!
//! let (api, limits) = (ApiSettings::default(), ServerSettings::default());
//! let router = api_router(scheduler.clone(), api, limits, &metrics, None, Access::open());
//! let port = Port::take("127.0.0.1:8000".parse()?)?;
//! let server = Server::listen(port, router, limits)?;
//! let never = std::future::pending::<()>;
//! let (_served, fired) = tokio::join!(server.run(never()), scheduler.run(never()));
//! fired?;
//! # Ok(())
//! # }
//! ```
//!
//! # Map
//!
//! - `serve`: sockets, deadlines and limits. [`Server`], [`ServerSettings`], [`ServerTls`].
//! - `api`: calls, fields and answers. [`api_router`], [`ApiSettings`].
//! - [`client`]: the other side, for programs that ask a server.
//! - `cluster`: what the API asks of a cluster, if there is one. [`Cluster`], [`ClusterStatus`].
//! - `dispatch`: callbacks out. [`HttpDispatcher`], [`DispatchSettings`], [`SigningSecrets`].
//! - `metrics`: what happened, in numbers. [`Metrics`], [`monitor_router`], [`StoreStats`].
//! - `auth`: who may call, and what. [`Access`], [`Role`], [`TokenDigest`].
//! - `dashboard`: the page for people, which asks the API like everybody else.
//! - `answer`: the envelope that every request gets back.

mod answer;
mod api;
mod auth;
pub mod client;
mod cluster;
mod dashboard;
mod dispatch;
#[cfg(feature = "fuzzing")]
#[doc(hidden)]
pub mod fuzzing;
mod metrics;
mod serve;

pub use api::{ApiSettings, api_router};
pub use auth::{Access, Role, TokenDigest, UnknownRole};
pub use cluster::{Backup, Cluster, ClusterError, ClusterErrorKind};
pub use cluster::{ClusterStatus, NodeRole, NodeStatus};
pub use dispatch::{DispatchSettings, DispatchSettingsError, HttpDispatcher};
pub use dispatch::{SigningSecrets, SigningSecretsError};
pub use metrics::{Metrics, StoreSample, StoreStats, monitor_router};
pub use serve::{InvalidTls, Port, Server, ServerSettings, ServerTls};
