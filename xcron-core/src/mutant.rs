//! Mutants: deliberate bugs that the simulator has to find. None of them is ever shipped.
//!
//! Each is planted as one condition, [`is_on`], which is the constant `false` unless the build
//! says `--cfg xcron_mutants`; then at most one mutant lives in each thread that turned it on. A
//! simulation is one thread, so simulations of several mutants may run side by side.
//!
//! A mutant that survives shows what a workload leaves out or a checker does not look at.

/// A deliberate bug; each variant says what is wrong while it lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Mutant {
    /// An attempt is sent when its claim is proposed, not once it is committed.
    FireBeforeCommit,
    /// A new leader takes what became due before its term for decided, and records nothing.
    NewLeaderStartsFromNow,
    /// A change is applied whatever revision of its task it was decided on.
    ClaimWithoutVersionCheck,
    /// A task that has missed more than a hundred occurrences is never claimed again.
    GiveUpAfterHundredMissed,
    /// The log calls a frame durable when it is written; it is synced before the next one.
    AckBeforeSync,
    /// A sync of the log that failed is tried again, and that is taken for success.
    RetriedSync,
    /// A linearizable read is answered from what the node has applied.
    LocalRead,
    /// The check just before a send passes although the task was deleted.
    DeleteLeavesQueued,
    /// How often a run was attempted, and since when, is forgotten with the engine that did it.
    RetryCounterInMemory,
    /// A leader whose clock is behind what the log has seen goes by its clock all the same.
    WallClockBehindLog,
    /// A snapshot holds tasks without their open runs.
    SnapshotOmitsOpenRuns,
    /// A fixed time of day that a clock change repeats occurs both times.
    FoldCountsTwice,
    /// Nobody compares a node's clock with the others'.
    NoClockCheck,
    /// A member whose disk is empty is let back in under its old number.
    IdReusedAfterWipe,
    /// A commit that was not applied in time is answered as one that did not happen.
    TimeoutIsNotDone,
    /// What is due is dropped when more than a few attempts wait for a place.
    FullQueueDrops,
    /// Damage amid the log is cut off with all that follows, as if it were a torn end.
    DamageCutAsTorn,
    /// A leader sends for several election timeouts after a majority last confirmed it.
    LeaseTooLong,
    /// An occurrence of a task that may have so many runs only, skipped because an earlier run
    /// had not ended, is neither counted nor recorded.
    SkipWithoutCount,
    /// An update of a schedule drops what is due by it and has not begun.
    UpdateDropsDue,
    /// A pause is acknowledged, noted, and changes nothing.
    PauseOnlySays,
    /// A trigger is counted and acknowledged, and opens no run.
    TriggerIsForgotten,
    /// A node that follows sends what was claimed for it whether the leader vouches for it or not.
    SendsWithoutWord,
}

/// Whether `mutant` lives in this thread: never, in this build.
#[cfg(not(xcron_mutants))]
#[must_use]
#[inline]
pub const fn is_on(_mutant: Mutant) -> bool {
    false
}

#[cfg(xcron_mutants)]
pub use living::{is_on, turn_on};

#[cfg(xcron_mutants)]
mod living {
    use super::Mutant::{self, *};
    use std::cell::Cell;

    thread_local! {
        static ON: Cell<Option<Mutant>> = const { Cell::new(None) };
    }

    /// Whether `mutant` lives in this thread.
    #[must_use]
    pub fn is_on(mutant: Mutant) -> bool {
        ON.get() == Some(mutant)
    }

    /// Lets `mutant` live in this thread from now on, or none.
    pub fn turn_on(mutant: Option<Mutant>) {
        ON.set(mutant);
    }

    /// Each mutant, its name on a command line, and the check that should find it.
    const TABLE: [(Mutant, &str, &str); 23] = [
        (FireBeforeCommit, "fire-before-commit", "a receipt whose claim no majority holds"),
        (NewLeaderStartsFromNow, "new-leader-starts-from-now", "an occurrence without an end"),
        (ClaimWithoutVersionCheck, "claim-without-version-check", "a run that begins twice"),
        (GiveUpAfterHundredMissed, "give-up-after-hundred-missed", "an occurrence without an end"),
        (AckBeforeSync, "ack-before-sync", "an acknowledged task that is gone"),
        (RetriedSync, "retried-sync", "a node that lives on after a failed sync"),
        (LocalRead, "local-read", "a read that does not see an acknowledged change"),
        (DeleteLeavesQueued, "delete-leaves-queued", "a receipt after an acknowledged delete"),
        (RetryCounterInMemory, "retry-counter-in-memory", "an attempt number that comes again"),
        (WallClockBehindLog, "wall-clock-behind-log", "time in the log that goes back"),
        (SnapshotOmitsOpenRuns, "snapshot-omits-open-runs", "replicas that differ"),
        (FoldCountsTwice, "fold-counts-twice", "a receipt that the oracle does not know"),
        (NoClockCheck, "no-clock-check", "a receipt before its instant"),
        (IdReusedAfterWipe, "id-reused-after-wipe", "a wiped node that is not refused"),
        (TimeoutIsNotDone, "timeout-is-not-done", "a task that was answered not to be"),
        (FullQueueDrops, "full-queue-drops", "an occurrence without an attempt in time"),
        (DamageCutAsTorn, "damage-cut-as-torn", "a damaged log that is not refused"),
        (LeaseTooLong, "lease-too-long", "a receipt of an attempt that another followed"),
        (SkipWithoutCount, "skip-without-count", "an account that does not add up"),
        (UpdateDropsDue, "update-drops-due", "an occurrence without an end"),
        (PauseOnlySays, "pause-only-says", "a paused task that reads as active"),
        (TriggerIsForgotten, "trigger-is-forgotten", "a run that was asked for and never came"),
        (SendsWithoutWord, "sends-without-word", "a receipt of an attempt that another followed"),
    ];

    impl Mutant {
        /// All of them, in the order in which they are declared.
        pub const ALL: [Self; TABLE.len()] = {
            let mut all = [FireBeforeCommit; TABLE.len()];
            let mut at = 0;
            while at < all.len() {
                all[at] = TABLE[at].0;
                assert!(all[at] as usize == at, "the table is in the order of declaration");
                at += 1;
            }
            all
        };

        /// Its name on a command line.
        #[must_use]
        pub const fn as_str(self) -> &'static str {
            TABLE[self as usize].1
        }

        /// What should give it away.
        #[must_use]
        pub const fn found_by(self) -> &'static str {
            TABLE[self as usize].2
        }

        /// The mutant that is called `name`.
        #[must_use]
        pub fn named(name: &str) -> Option<Self> {
            Self::ALL.into_iter().find(|mutant| mutant.as_str() == name)
        }
    }
}
