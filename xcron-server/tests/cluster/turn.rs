//! Whose turn it is: what strains the machine or measures it runs alone, the rest side by side.

use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURN: RwLock<()> = RwLock::const_new(());

/// Waits until no other test runs, and keeps it so.
pub(crate) async fn alone() -> RwLockWriteGuard<'static, ()> {
    TURN.write().await
}

/// Waits until no test runs that wants to be alone.
pub(crate) async fn beside_others() -> RwLockReadGuard<'static, ()> {
    TURN.read().await
}
