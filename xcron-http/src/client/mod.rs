//! A client of the API: one async method for each call, typed both ways.
//!
//! It stands on the parts that the dispatcher stands on, hyper and rustls, because a crate that
//! makes callbacks has them anyway: one connection is kept between calls, redirects are not
//! followed, and every wait and every answer has a limit. When the connection that was kept turns
//! out to be closed, a read is sent again, and a change only if nothing of it has left.
//!
//! ```no_run
//! use xcron_http::client::{Callback, Client, NewTask};
//!
//! # async fn example() -> Result<(), xcron_http::client::ClientError> {
//! let client = Client::new("http://127.0.0.1:8000")?.with_token("...")?;
//! let callback = Callback::new("http://127.0.0.1:9000/bill");
//! let task = NewTask::periodic("0 9 * * MON-FRI", callback).with_id("billing");
//! client.create_task(&task).await?;
//! let task = client.task("billing").await?;
//! println!("next at {:?}, {} runs so far", task.next_time, task.run_count);
//! # Ok(())
//! # }
//! ```
//!
//! | part | does |
//! |---|---|
//! | `endpoint`, `connection`, `exchange` | where the server is, a connection to it, one call |
//! | `task_calls`, `run_calls`, `cluster_calls` | the calls, by what they are about |
//! | `definition`, `options`, `setting`, `body` | what a task is to be |
//! | `task`, `run`, `account`, `preview` | what is answered |
//! | `query`, `pages` | which tasks or runs, and page after page of them |
//! | `backup` | the one answer that is a stream |

mod account;
mod backup;
mod body;
mod cluster_calls;
mod connection;
mod definition;
mod endpoint;
mod error;
mod exchange;
mod options;
mod pages;
mod preview;
mod query;
mod run;
mod run_calls;
mod setting;
mod task;
mod task_calls;

pub use account::{Account, Audit, AuditQuery, TaskAccount};
pub use backup::Backup;
pub use body::{Body, InvalidBody};
pub use definition::{Callback, CallbackChange, Kind, NewTask, TaskChange};
pub use error::{ClientError, Refused};
pub use options::{EffectiveOptions, Retry, TaskOptions};
pub use pages::{RunPages, TaskPages};
pub use preview::{Preview, PreviewQuery, PreviewTime};
pub use query::{RunQuery, TaskQuery};
pub use run::{Attempt, Run, RunPage};
pub use setting::Setting;
pub use task::{CallbackDefaults, Defaults, ItemResult, Task, TaskCallback, TaskPage};

use connection::{Connection, tls};
use endpoint::Endpoint;
use http::HeaderValue;
use std::fmt;
use std::sync::Mutex;
use std::time::Duration;
use tokio_rustls::TlsConnector;

/// How long a call may take by default, connecting included.
const TIMEOUT: Duration = Duration::from_secs(30);

/// The most bytes of an answer by default: a page of tasks whose callbacks have long bodies.
const ANSWER_BYTES_MAX: usize = 64 << 20;

/// A client of one server, or of whatever stands in front of several.
///
/// Its connection is a task of the current tokio runtime (with its timer and network enabled),
/// which ends with the client. Calls may be made at the same time; each then has a connection of
/// its own.
///
/// ```
/// use std::time::Duration;
/// use xcron_http::client::Client;
///
/// let client = Client::new("https://xcron.example:8000")?
///     .with_token("a-secret")?
///     .with_timeout(Duration::from_secs(5));
/// assert_eq!(client.url(), "https://xcron.example:8000/");
/// assert!(!format!("{client:?}").contains("secret"));
/// # Ok::<(), xcron_http::client::ClientError>(())
/// ```
pub struct Client {
    endpoint: Endpoint,
    token: Option<HeaderValue>,
    tls: TlsConnector,
    timeout: Duration,
    answer_bytes_max: usize,
    is_stale: bool,
    /// The connection that no call has at the moment.
    idle: Mutex<Option<Connection>>,
}

impl Client {
    /// A client of the server at `url`, `http` or `https`. Certificates are checked against the
    /// roots of Mozilla, unless [`with_root_certificates`](Self::with_root_certificates) names
    /// others.
    ///
    /// # Errors
    /// When that is no URL of a server.
    pub fn new(url: &str) -> Result<Self, ClientError> {
        Ok(Self {
            endpoint: Endpoint::parse(url)?,
            token: None,
            tls: tls(None)?,
            timeout: TIMEOUT,
            answer_bytes_max: ANSWER_BYTES_MAX,
            is_stale: false,
            idle: Mutex::new(None),
        })
    }

    /// Shows this bearer token with every call.
    ///
    /// # Errors
    /// When it holds what no token can: blanks, control characters or anything beyond ASCII.
    pub fn with_token(mut self, token: &str) -> Result<Self, ClientError> {
        let is_token = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic());
        let value = HeaderValue::try_from(format!("Bearer {token}"));
        let (true, Ok(mut value)) = (is_token, value) else {
            let problem = "the token holds a blank, a control character or a letter beyond ASCII, \
                           or nothing at all: expected what the server's operator gave out";
            return Err(ClientError::Settings(problem.to_owned()));
        };
        value.set_sensitive(true);
        self.token = Some(value);
        Ok(self)
    }

    /// Trusts the certificates of this PEM file, and those that they have signed, instead of the
    /// roots of Mozilla.
    ///
    /// # Errors
    /// When it holds none, or one that cannot be read.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self, ClientError> {
        self.tls = tls(Some(pem))?;
        Ok(self)
    }

    /// Gives up a call after so long, connecting included. 30 seconds by default.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Takes in so many bytes of an answer at the most. 64 MiB by default. Backups are streams, of
    /// which nothing is kept.
    #[must_use]
    pub fn with_answer_bytes_max(mut self, bytes: usize) -> Self {
        self.answer_bytes_max = bytes;
        self
    }

    /// Lets the node that is asked show tasks, runs and their account as it knows them, which may
    /// be out of date; a node without a majority can show them in no other way.
    #[must_use]
    pub fn with_stale_reads(mut self) -> Self {
        self.is_stale = true;
        self
    }

    /// Where the server is.
    #[must_use]
    pub fn url(&self) -> &str {
        self.endpoint.url()
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("url", &self.url())
            .field("has_token", &self.token.is_some())
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
