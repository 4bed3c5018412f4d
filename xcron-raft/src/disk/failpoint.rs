//! The named points of the write paths at which a test may end the process.

/// Before a frame is handed to the file.
pub const LOG_BEFORE_WRITE: &str = "log.before_write";
/// A frame is written, not synced.
pub const LOG_AFTER_WRITE: &str = "log.after_write";
/// A frame is synced, nobody has been told.
pub const LOG_AFTER_SYNC: &str = "log.after_sync";
/// The next segment has its header under its temporary name.
pub const LOG_ROLL_AFTER_HEADER: &str = "log.roll.after_header";
/// The next segment has its name, not yet durably.
pub const LOG_ROLL_AFTER_RENAME: &str = "log.roll.after_rename";
/// The next segment is durable, the previous one is not sealed.
pub const LOG_ROLL_BEFORE_SEAL: &str = "log.roll.before_seal";
/// The previous segment is sealed.
pub const LOG_ROLL_AFTER_SEAL: &str = "log.roll.after_seal";
/// A purged segment is about to lose its name.
pub const LOG_PURGE_BEFORE_RENAME: &str = "log.purge.before_rename";
/// A purged segment lost its name, not yet durably.
pub const LOG_PURGE_AFTER_RENAME: &str = "log.purge.after_rename";
/// A spare segment has been created.
pub const LOG_SPARE_AFTER_CREATE: &str = "log.spare.after_create";
/// A temporary snapshot file has been created.
pub const SNAPSHOT_AFTER_CREATE: &str = "snapshot.after_create";
/// A block of a snapshot has been written.
pub const SNAPSHOT_AFTER_BLOCK: &str = "snapshot.after_block";
/// All of a snapshot has been written, not synced.
pub const SNAPSHOT_BEFORE_SYNC: &str = "snapshot.before_sync";
/// A snapshot is synced under its temporary name.
pub const SNAPSHOT_BEFORE_RENAME: &str = "snapshot.before_rename";
/// A snapshot has its name, not yet durably.
pub const SNAPSHOT_AFTER_RENAME: &str = "snapshot.after_rename";
/// A snapshot is durable, the previous one still exists.
pub const SNAPSHOT_BEFORE_REMOVE: &str = "snapshot.before_remove";
/// The previous snapshot has been removed.
pub const SNAPSHOT_AFTER_REMOVE: &str = "snapshot.after_remove";

/// All points, so that a test can try every one of them.
pub const FAILPOINTS: [&str; 17] = [
    LOG_BEFORE_WRITE,
    LOG_AFTER_WRITE,
    LOG_AFTER_SYNC,
    LOG_ROLL_AFTER_HEADER,
    LOG_ROLL_AFTER_RENAME,
    LOG_ROLL_BEFORE_SEAL,
    LOG_ROLL_AFTER_SEAL,
    LOG_PURGE_BEFORE_RENAME,
    LOG_PURGE_AFTER_RENAME,
    LOG_SPARE_AFTER_CREATE,
    SNAPSHOT_AFTER_CREATE,
    SNAPSHOT_AFTER_BLOCK,
    SNAPSHOT_BEFORE_SYNC,
    SNAPSHOT_BEFORE_RENAME,
    SNAPSHOT_AFTER_RENAME,
    SNAPSHOT_BEFORE_REMOVE,
    SNAPSHOT_AFTER_REMOVE,
];
