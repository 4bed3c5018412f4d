//! Dispatching: one attempt of one run becomes one HTTP exchange.
//!
//! # Why a connection pool of our own
//!
//! Three promises need the moment at which a request is handed to a connection, and the address
//! that connection really has; clients made for comfort hide both.
//!
//! - *Nothing leaves without a claim.* [`Delivery::start`] is asked by the stream itself, at the
//!   write of the first byte, however long ago the request was handed over; when it says no,
//!   nothing is sent. The rest of a long request is held back too once its claim is lost.
//! - *(run, attempt) goes on the wire at most once.* A request is handed over a second time only
//!   when a connection that was idle gave it back untouched. There are no other retries and no
//!   redirects.
//! - *Denied addresses are not dialled.* The policy judges the socket address of every dial, so
//!   spellings, names, and names that change their mind are all the same to it.
//!
//! | part | does |
//! |---|---|
//! | `rules` | which callbacks are accepted, in which form |
//! | `target` | a URL, taken apart once and kept in a bounded cache |
//! | `address` | which addresses may be dialled |
//! | `names` | the addresses of names, by lookups that may hang |
//! | `dial` | TCP, TLS |
//! | `link`, `pool` | a connection with its task; the idle ones, and how fast new ones are made |
//! | `watch` | whether bytes may leave, asked for every write |
//! | `signing` | proof that a request comes from here |
//! | `request`, `answer` | a delivery as a request; an answer as an outcome |

mod address;
mod answer;
mod dial;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod link;
mod names;
mod pool;
mod request;
mod retry_after;
mod rules;
mod settings;
mod signing;
mod target;
mod watch;

pub use settings::{DispatchSettings, DispatchSettingsError};
pub use signing::{SigningSecrets, SigningSecretsError};

use address::AddressPolicy;
use async_trait::async_trait;
use dial::Dialer;
use http_body_util::Full;
use link::SendError;
use pool::{Pool, Turn};
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use target::Targets;
use tokio::time::{Instant, timeout_at};
use xcron_core::{Callback, CallbackError, Delivery, Dispatcher, Outcome};

const NO_CONNECTION: &str = "no connection in time";
const CLOSED: &str = "the connection was closed before anything was sent";

type Request = http::Request<Full<bytes::Bytes>>;

/// Makes attempts over HTTP/1.1 on connections that it keeps alive for a few seconds.
///
/// Its connections are tasks of the current tokio runtime (with its timer and network enabled);
/// each ends with the attempt that is dropped, when it was idle for too long, or with the
/// dispatcher.
///
/// ```
/// use xcron_core::{Callback, Dispatcher};
/// use xcron_http::{DispatchSettings, HttpDispatcher};
///
/// let dispatcher = HttpDispatcher::new(DispatchSettings::default())?;
/// let stored = dispatcher.validate(Callback::new("HTTP://Example.com:80/a/../b"))?;
/// assert_eq!(&*stored.url, "http://example.com/b");
/// assert_eq!(&*dispatcher.destination(&stored), "http://example.com:80");
/// assert!(dispatcher.validate(Callback::new("http://169.254.169.254/")).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HttpDispatcher {
    settings: DispatchSettings,
    addresses: Arc<AddressPolicy>,
    targets: Targets,
    dialer: Dialer,
    pool: Arc<Pool>,
}

impl HttpDispatcher {
    /// A dispatcher that keeps to `settings`.
    ///
    /// # Errors
    /// Names the setting that cannot be read.
    pub fn new(settings: DispatchSettings) -> Result<Self, DispatchSettingsError> {
        let addresses = Arc::new(AddressPolicy::new(&settings.deny, &settings.allow)?);
        Ok(Self {
            dialer: Dialer::new(&settings, Arc::clone(&addresses))?,
            pool: Pool::new(&settings),
            targets: Targets::new(settings.targets_max),
            addresses,
            settings,
        })
    }

    /// Looks names up by `lookup`, which may block, and no longer by the system's resolver.
    #[must_use]
    pub fn with_lookup(
        mut self,
        lookup: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        self.dialer.look_up_by(Arc::new(lookup));
        self
    }

    /// Never dials `addresses`, whatever the other lists say: the cluster's own peer and monitor
    /// addresses. Replaces what was named before; an unspecified address stands for every one of
    /// this machine.
    pub fn never_dial(&self, addresses: &[SocketAddr]) {
        self.addresses.never(addresses);
    }

    async fn attempt(&self, delivery: &Delivery) -> Result<Outcome, String> {
        let target = self.targets.get(&delivery.callback().url)?;
        let deadline = Instant::now() + delivery.timeout();
        let (mut request, body) = request::build(delivery, &target)?;
        loop {
            let turn = timeout_at(deadline, self.pool.turn(&target.destination)).await;
            let (mut link, newcomer) = match turn.map_err(|_elapsed| NO_CONNECTION.to_owned())? {
                Turn::Used(mut link) => match timeout_at(deadline, link.ready()).await {
                    Ok(true) => (link, None),
                    Ok(false) | Err(_) => continue,
                },
                Turn::Dial(newcomer) => {
                    let dialled = timeout_at(deadline, self.dialer.dial(&target)).await;
                    (dialled.map_err(|_elapsed| NO_CONNECTION.to_owned())??, Some(newcomer))
                }
            };
            if !delivery.may_start() {
                self.pool.put(&target.destination, link);
                return Ok(Outcome::not_started());
            }
            if let Some(secrets) = &self.settings.signing {
                // Only now: however long the wait for a connection was, the signature is fresh.
                secrets.sign(request.headers_mut(), delivery, &body)?;
            }
            let is_new = newcomer.is_some();
            let sent = timeout_at(deadline, link.send(request, delivery)).await;
            drop(newcomer);
            match sent {
                Ok(Ok(response)) => {
                    let (outcome, is_reusable) =
                        answer::judge(response, deadline, &self.settings, || delivery.now()).await;
                    if is_reusable {
                        self.pool.put(&target.destination, link);
                    }
                    return Ok(outcome);
                }
                Ok(Err(error)) => match error {
                    SendError::NotStarted => return Ok(Outcome::not_started()),
                    SendError::Failed(problem) => return Err(problem),
                    // It was idle and has been closed meanwhile.
                    SendError::Unsent(unsent) if !is_new => request = *unsent,
                    SendError::Unsent(_) => return Err(CLOSED.to_owned()),
                },
                Err(_elapsed) => {
                    return Err(format!("no answer within {} s", delivery.timeout().as_secs()));
                }
            }
        }
    }
}

#[async_trait]
impl Dispatcher for HttpDispatcher {
    fn validate(&self, callback: Callback) -> Result<Callback, CallbackError> {
        rules::validate(callback, &self.settings, &self.addresses).map_err(CallbackError)
    }

    fn destination(&self, callback: &Callback) -> Arc<str> {
        let target = self.targets.get(&callback.url);
        target.map_or_else(|_| Arc::clone(&callback.url), |target| Arc::clone(&target.destination))
    }

    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        self.attempt(&delivery).await.unwrap_or_else(Outcome::failed)
    }
}

impl fmt::Debug for HttpDispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDispatcher").field("settings", &self.settings).finish_non_exhaustive()
    }
}
