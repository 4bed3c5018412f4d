//! What a node does with due tasks, without its log and its disk: for benches.

use std::sync::Arc;

use bytes::Bytes;
use xcron_core::{Change, Task, Timestamp};

use super::seam::encode;
use super::settings::RaftSettings;
use crate::state::{FORMAT_MAX, View};
use crate::types::{Answer, Batch, Reply};

/// The tasks of a node, read and changed as a node of default settings does.
///
/// ```
/// use xcron_core::{Timestamp, testing::sample};
/// use xcron_raft::DueIndex;
///
/// let mut index = DueIndex::default();
/// index.apply(index.logged(&[sample::create("invoice-7", sample::due_at(1_800_000_000))]));
/// assert_eq!(index.due(Timestamp::MAX, 10)[0].id, sample::id("invoice-7"));
/// ```
#[derive(Debug)]
pub struct DueIndex {
    view: View,
    /// What readers have. The next changes copy what they share with it.
    published: Arc<View>,
    settings: RaftSettings,
}

impl Default for DueIndex {
    fn default() -> Self {
        let mut view = View::default();
        let raised = view.roster.raise_format(FORMAT_MAX, FORMAT_MAX);
        raised.expect("this version reads its own format");
        Self { published: Arc::new(view.clone()), view, settings: RaftSettings::default() }
    }
}

impl DueIndex {
    /// The bytes of `changes` in the log.
    #[must_use]
    pub fn logged(&self, changes: &[Change]) -> Bytes {
        encode(&self.published, changes, &self.settings)
    }

    /// Applies what [`DueIndex::logged`] gave, and publishes the result.
    ///
    /// # Panics
    /// When it is something else, or one of the changes conflicts.
    pub fn apply(&mut self, logged: Bytes) {
        let applied = self.view.apply(Batch { commands: vec![logged] }, FORMAT_MAX);
        let replies = applied.expect("this version has written it").0;
        let is_done = |answer: &Answer| matches!(answer, Answer::Done(_));
        let [Reply::Committed(answers)] = &replies[..] else {
            panic!("a commit is answered as one: {replies:?}");
        };
        assert!(answers.iter().all(is_done), "a change conflicts: {answers:?}");
        self.published = Arc::new(self.view.clone());
    }

    /// The first `limit` tasks that are due by `until`.
    ///
    /// # Panics
    /// Never: whatever was applied can be read.
    #[must_use]
    pub fn due(&self, until: Timestamp, limit: usize) -> Vec<Task> {
        let due = self.published.due(until, limit, &|_holder| false);
        due.expect("whatever was applied can be read")
    }
}
