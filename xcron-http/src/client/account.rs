//! The account of occurrences: what was expected against what became of it.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What is to be added up.
///
/// ```
/// use xcron_http::client::AuditQuery;
///
/// let since = AuditQuery { from: Some(1_893_456_000), ..AuditQuery::default() };
/// assert!(!since.detail);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditQuery {
    /// Occurrences from then on, in Unix seconds.
    pub from: Option<i64>,
    /// Occurrences before then, in Unix seconds; until now by default.
    pub to: Option<i64>,
    /// Of this task alone.
    pub task_id: Option<String>,
    /// For each task too.
    pub detail: bool,
    /// The most tasks of one page with `detail`.
    pub limit: Option<u32>,
    /// Where to go on.
    pub cursor: Option<String>,
}

/// Expected occurrences and what became of them.
///
/// ```
/// use xcron_http::client::Account;
///
/// let mut all = Account::default();
/// all.add(&Account { expected: 2, pending: 1, ..Account::default() });
/// all.add(&Account { expected: 1, difference: 1, ..Account::default() });
/// assert_eq!((all.expected, all.pending, all.difference), (3, 1, 1));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Occurrences that the schedules have.
    pub expected: u64,
    /// How many came to what, by the name of the outcome.
    pub outcomes: BTreeMap<String, u64>,
    /// Those that have not ended.
    pub pending: u64,
    /// What is expected beyond the sum: 0.
    pub difference: i64,
}

/// A page of the account.
///
/// ```
/// use xcron_http::client::Audit;
///
/// let json = r#"{"expected": 1, "outcomes": {"succeeded": 1}, "pending": 0, "difference": 0,
///     "tasks": 1, "unreadable": 0, "next_cursor": null}"#;
/// let audit: Audit = serde_json::from_str(json).unwrap();
/// assert_eq!(audit.total.difference, 0);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Audit {
    /// Of all tasks of the page.
    #[serde(flatten)]
    pub total: Account,
    /// How many tasks were added up.
    pub tasks: u64,
    /// Tasks whose schedule that version cannot read; they are not added up.
    pub unreadable: u64,
    /// Of each task, where it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub details: Option<Vec<TaskAccount>>,
    /// Where the next page begins; `None` when this is the last.
    pub next_cursor: Option<String>,
}

/// The account of one task.
///
/// ```
/// use xcron_http::client::TaskAccount;
///
/// let json = r#"{"task_id": "a", "expected": 0, "outcomes": {}, "pending": 0, "difference": 0}"#;
/// let account: TaskAccount = serde_json::from_str(json).unwrap();
/// assert_eq!(account.task_id, "a");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskAccount {
    /// Which task.
    pub task_id: String,
    /// Its account.
    #[serde(flatten)]
    pub sums: Account,
}

impl Account {
    /// Adds another account to this one.
    pub fn add(&mut self, other: &Self) {
        self.expected += other.expected;
        self.pending += other.pending;
        self.difference += other.difference;
        for (outcome, count) in &other.outcomes {
            *self.outcomes.entry(outcome.clone()).or_default() += count;
        }
    }
}
