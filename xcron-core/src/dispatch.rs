//! The seam to the world: one attempt of one run.

use crate::store::{Claim, Store};
use crate::task::attempt::beginning;
use crate::task::callback::Callback;
use crate::task::definition::TaskDefinition;
use crate::task::id::RunId;
use crate::{Clock, Timestamp};
use async_trait::async_trait;
use std::fmt;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Makes attempts: it never retries and remembers nothing.
///
/// # Contract
///
/// - `validate` accepts a callback or says what is wrong with it, and returns the form to store;
///   validating that form again returns it unchanged.
/// - `destination` names what shares a fate (a host and port): a limit of attempts in flight and
///   the fairness between destinations go by it.
/// - `dispatch` makes one attempt: it calls [`Delivery::start`] just before the first byte leaves
///   and sends nothing when that answers `false`; it ends within [`Delivery::timeout`] and never
///   panics. Dropping it ends the attempt.
#[async_trait]
pub trait Dispatcher: fmt::Debug + Send + Sync + 'static {
    /// The form of `callback` to store.
    ///
    /// # Errors
    /// When this dispatcher would never send it; the message says what was expected.
    fn validate(&self, callback: Callback) -> Result<Callback, CallbackError>;

    /// What `callback` shares its fate with.
    fn destination(&self, callback: &Callback) -> Arc<str>;

    /// One attempt.
    async fn dispatch(&self, delivery: Delivery) -> Outcome;
}

/// A callback that a dispatcher refuses; the message says which part and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct CallbackError(pub String);

/// One attempt of one run, as a dispatcher receives it.
#[derive(Clone, Debug)]
pub struct Delivery {
    run_id: RunId,
    definition: Arc<TaskDefinition>,
    attempt: u32,
    fence: u64,
    not_before: Timestamp,
    gate: Arc<Gate>,
}

/// Decides at the last moment whether the attempt may leave, and remembers when it did.
struct Gate {
    store: Arc<dyn Store>,
    clock: Arc<dyn Clock>,
    claim: Claim,
    made_at: Timestamp,
    started_at: AtomicI64,
}

const NOT_STARTED: i64 = i64::MIN;

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate").field("claim", &self.claim).finish_non_exhaustive()
    }
}

impl Delivery {
    /// The delivery of the attempt that `claim` stands for.
    pub(crate) fn new(
        definition: Arc<TaskDefinition>,
        claim: Claim,
        not_before: Timestamp,
        store: Arc<dyn Store>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (made_at, started_at) = (clock.now(), AtomicI64::new(NOT_STARTED));
        Self {
            run_id: claim.run_id(),
            definition,
            attempt: claim.attempt,
            fence: claim.fence,
            not_before,
            gate: Arc::new(Gate { store, clock, claim, made_at, started_at }),
        }
    }

    /// The run; the same for each of its attempts.
    #[must_use]
    pub const fn run_id(&self) -> &RunId {
        &self.run_id
    }

    /// What to send.
    #[must_use]
    pub fn callback(&self) -> &Callback {
        &self.definition.callback
    }

    /// How long the attempt may take.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.definition.timeout
    }

    /// The occurrence's instant, before any jitter.
    #[must_use]
    pub const fn scheduled_time(&self) -> Timestamp {
        self.run_id.occurrence().time()
    }

    /// The instant before which nothing may be sent.
    #[must_use]
    pub const fn not_before(&self) -> Timestamp {
        self.not_before
    }

    /// Which attempt of the run it is, from 1.
    #[must_use]
    pub const fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Grows with every claim of the task: a receiver that has seen a greater one may refuse.
    #[must_use]
    pub const fn fence(&self) -> u64 {
        self.fence
    }

    /// Asked just before the first byte leaves: `false` when the claim no longer stands or the
    /// instant has not come, and then nothing may be sent.
    ///
    /// A process may sleep between any two instructions, and whoever has to wait after this was
    /// asked, for a connection or for another task of the runtime, has to ask again.
    #[must_use]
    pub fn start(&self) -> bool {
        let started_at = self.may_start_at();
        if let Some(at) = started_at {
            self.gate.started_at.store(at.as_millis(), Ordering::Release);
        }
        started_at.is_some()
    }

    /// What [`start`](Self::start) would answer now; nothing counts as started by it.
    #[must_use]
    pub fn may_start(&self) -> bool {
        self.may_start_at().is_some()
    }

    fn may_start_at(&self) -> Option<Timestamp> {
        let now = self.gate.clock.now();
        let may = now >= self.not_before && self.gate.store.stands(&self.gate.claim);
        may.then_some(now)
    }

    /// What the clock shows that the attempt is made by.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.gate.clock.now()
    }

    /// Resolves when the attempt, begun now, has taken as long as it may.
    pub fn timed_out(&self) -> impl Future<Output = ()> + Send + 'static {
        let clock = Arc::clone(&self.gate.clock);
        let timeout = self.timeout();
        async move { clock.sleep(timeout).await }
    }

    /// How long the attempt has been with its dispatcher by `now`.
    pub(crate) fn age(&self, now: Timestamp) -> Duration {
        now.since(self.gate.made_at)
    }

    /// When the attempt left, if it did.
    #[must_use]
    pub fn started_at(&self) -> Option<Timestamp> {
        let at = self.gate.started_at.load(Ordering::Acquire);
        (at != NOT_STARTED).then(|| Timestamp::from_millis(at))
    }
}

/// What an attempt came to.
///
/// ```
/// use xcron_core::{Outcome, Verdict};
///
/// let outcome = Outcome::failed("connection refused").with_code(503);
/// assert_eq!(outcome.verdict, Verdict::Failed);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// Whether it succeeded, and whether to try again.
    pub verdict: Verdict,
    /// The dispatcher's own status code, such as an HTTP status.
    pub code: Option<u16>,
    /// What went wrong.
    pub error: Option<String>,
    /// The beginning of what the target answered; what exceeds
    /// [`ANSWER_BYTES_MAX`](crate::task::attempt::ANSWER_BYTES_MAX) bytes is cut off.
    pub answer: Option<Arc<str>>,
    /// The target asks to be left alone for so long.
    pub retry_after: Option<Duration>,
}

/// Whether an attempt succeeded, and whether to try again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The target has accepted it.
    Succeeded,
    /// It failed; another attempt may succeed.
    Failed,
    /// It failed, and the target wants no other attempt.
    Refused,
    /// Nothing left this node.
    NotStarted,
}

impl Outcome {
    /// The target has accepted it.
    #[must_use]
    pub const fn succeeded() -> Self {
        Self::of(Verdict::Succeeded)
    }

    /// It failed, for the reason that `error` gives; another attempt may succeed.
    #[must_use]
    pub fn failed(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::of(Verdict::Failed) }
    }

    /// It failed, and the target wants no other attempt.
    #[must_use]
    pub fn refused(error: impl Into<String>) -> Self {
        Self { error: Some(error.into()), ..Self::of(Verdict::Refused) }
    }

    /// Nothing left this node.
    #[must_use]
    pub const fn not_started() -> Self {
        Self::of(Verdict::NotStarted)
    }

    /// The same with a status code.
    #[must_use]
    pub const fn with_code(mut self, code: u16) -> Self {
        self.code = Some(code);
        self
    }

    /// The same with what the target answered, or its beginning. It is kept as text, cut between
    /// characters; bytes that are no text become U+FFFD.
    ///
    /// ```
    /// use xcron_core::Outcome;
    ///
    /// let outcome = Outcome::succeeded().with_answer(b"accepted");
    /// assert_eq!(outcome.answer.as_deref(), Some("accepted"));
    /// assert_eq!(Outcome::succeeded().with_answer(b"").answer, None);
    /// ```
    #[must_use]
    pub fn with_answer(mut self, answer: &[u8]) -> Self {
        self.answer = beginning(answer);
        self
    }

    /// The same with the target's wish to be left alone for so long.
    #[must_use]
    pub const fn with_retry_after(mut self, retry_after: Duration) -> Self {
        self.retry_after = Some(retry_after);
        self
    }

    const fn of(verdict: Verdict) -> Self {
        Self { verdict, code: None, error: None, answer: None, retry_after: None }
    }
}
