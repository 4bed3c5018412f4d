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
use std::panic::resume_unwind;
use std::sync::Arc;
use target::Targets;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};
use xcron_core::{Callback, CallbackError, Delivery, Dispatcher, Outcome};

const NO_CONNECTION: &str = "no connection in time";
const CLOSED: &str = "the connection was closed before anything was sent";

type Request = http::Request<Full<bytes::Bytes>>;

/// Makes attempts over HTTP/1.1 on connections that it keeps alive for a few seconds.
///
/// Its attempts and its connections are tasks of the current tokio runtime (with its timer and
/// network enabled). An attempt ends when it is dropped, and a connection with it, when it was idle
/// for too long, or with the dispatcher.
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
    addresses: Arc<AddressPolicy>,
    attempts: Arc<Attempts>,
}

/// What attempts are made with.
#[derive(Clone)]
struct Attempts {
    settings: DispatchSettings,
    targets: Arc<Targets>,
    dialer: Dialer,
    pool: Arc<Pool>,
}

/// An attempt under way; dropping it ends it.
struct UnderWay(JoinHandle<Result<Outcome, String>>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl HttpDispatcher {
    /// A dispatcher that keeps to `settings`.
    ///
    /// # Errors
    /// Names the setting that cannot be read.
    pub fn new(settings: DispatchSettings) -> Result<Self, DispatchSettingsError> {
        let addresses = Arc::new(AddressPolicy::new(&settings.deny, &settings.allow)?);
        let attempts = Arc::new(Attempts {
            dialer: Dialer::new(&settings, Arc::clone(&addresses))?,
            pool: Pool::new(&settings),
            targets: Arc::new(Targets::new(settings.targets_max)),
            settings,
        });
        Ok(Self { addresses, attempts })
    }

    /// Looks names up by `lookup`, which may block, and no longer by the system's resolver.
    #[must_use]
    pub fn with_lookup(
        mut self,
        lookup: impl Fn(&str, u16) -> io::Result<Vec<SocketAddr>> + Send + Sync + 'static,
    ) -> Self {
        Arc::make_mut(&mut self.attempts).dialer.look_up_by(Arc::new(lookup));
        self
    }

    /// Never dials `addresses`, whatever the other lists say: the cluster's own peer and monitor
    /// addresses. Replaces what was named before; an unspecified address stands for every one of
    /// this machine.
    pub fn never_dial(&self, addresses: &[SocketAddr]) {
        self.addresses.never(addresses);
    }
}

impl Attempts {
    async fn make(&self, delivery: &Delivery) -> Result<Outcome, String> {
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
                    // Apart: few attempts dial, and each would be twice as large.
                    let dial = Box::pin(self.dialer.dial(&target));
                    let dialled = timeout_at(deadline, dial).await;
                    (dialled.map_err(|_elapsed| NO_CONNECTION.to_owned())??, Some(newcomer))
                }
            };
            // A connection that was just made outlives a claim that was lost meanwhile. Any other
            // is asked for by its stream alone.
            if newcomer.is_some() && !delivery.may_start() {
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
        let Attempts { settings, targets, .. } = &*self.attempts;
        rules::validate(callback, settings, &self.addresses, targets).map_err(CallbackError)
    }

    fn destination(&self, callback: &Callback) -> Arc<str> {
        let target = self.attempts.targets.get(&callback.url);
        target.map_or_else(|_| Arc::clone(&callback.url), |target| Arc::clone(&target.destination))
    }

    async fn dispatch(&self, delivery: Delivery) -> Outcome {
        // A task of its own: whoever waits may be a single task with a thousand others in hand.
        let attempts = Arc::clone(&self.attempts);
        let attempt = tokio::spawn(async move { attempts.make(&delivery).await });
        let mut under_way = UnderWay(attempt);
        match (&mut under_way.0).await {
            Ok(made) => made.unwrap_or_else(Outcome::failed),
            Err(ended) => match ended.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                Err(ended) => Outcome::failed(format!("the attempt ended: {ended}")),
            },
        }
    }
}

impl fmt::Debug for HttpDispatcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpDispatcher")
            .field("settings", &self.attempts.settings)
            .finish_non_exhaustive()
    }
}
