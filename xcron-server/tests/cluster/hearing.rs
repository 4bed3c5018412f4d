//! The hearing: waits until everything due was called, then hears the judge.

use crate::cluster::Cluster;
use crate::judge::{Verdict, judge};
use crate::lateness::Lateness;
use crate::ledger::{Ledger, Outcome};
use crate::target::{Target, now_millis};
use crate::timeline::{Fault, plainly};
use crate::view::query;
use serde_json::json;
use std::time::Duration;
use tokio::time::sleep;

/// How long after the last is due everything must have been called.
const GRACE_MS: u64 = 10_000;

/// How long a repetition may take to show.
const REPETITION: Duration = Duration::from_millis(2_500);

/// How many entries of each kind a failure shows.
const SHOWN: usize = 12;

/// What the hearing came to.
#[derive(Debug)]
pub(crate) struct Heard {
    pub(crate) verdict: Verdict,
    pub(crate) lateness: Lateness,
}

/// Waits until all of `ledger` was called, as long as it may take, and judges.
pub(crate) async fn hear(ledger: &Ledger, target: &Target, faults: &[Fault]) -> Heard {
    let last = ledger.one_shots.iter().map(|asked| (asked.due * 1_000).max(asked.returned)).max();
    let until = last.unwrap_or(0).max(now_millis()) + GRACE_MS;
    while now_millis() < until && !judge(ledger, &target.calls(), faults).is_complete() {
        sleep(Duration::from_millis(250)).await;
    }
    sleep(REPETITION).await;
    let calls = target.calls();
    let verdict = judge(ledger, &calls, faults);
    Heard { verdict, lateness: Lateness::of(ledger, &calls) }
}

impl Heard {
    /// Fails unless nothing is wrong; says in one line what was judged.
    pub(crate) fn assert_clean(&self, test: &str, ledger: &Ledger) {
        let [acknowledged, refused, unknown] =
            [Outcome::Acknowledged, Outcome::Refused, Outcome::Unknown].map(|o| ledger.count(o));
        let Self { verdict, lateness } = self;
        plainly(&format!(
            "{test}: {acknowledged} acknowledged, {refused} refused, {unknown} unknown, lost {}, \
             early {}, doubled in flight {}, doubled else {}, holes {}; {lateness}",
            verdict.lost.len(),
            verdict.early.len(),
            verdict.in_flight.len(),
            verdict.doubled.len(),
            verdict.holes.len(),
        ));
        let mut wrongs = verdict.wrongs();
        if !ledger.strange.is_empty() {
            wrongs.push(("strange answers", &ledger.strange));
        }
        let wrongs: Vec<_> = wrongs.into_iter().map(|(kind, found)| shown(kind, found)).collect();
        assert!(wrongs.is_empty(), "{test}:\n{}", wrongs.concat());
        // Otherwise it proves little: too much of what was asked for has no certain answer.
        let asked = ledger.one_shots.len();
        assert!(unknown * 50 <= asked, "{test}: {unknown} of {asked} creates remain unknown");
    }
}

/// Fails unless the cluster remembers of what was acknowledged, asked for a part of it at any
/// node, that it ran once and succeeded.
pub(crate) async fn assert_settled(cluster: &Cluster, ledger: &Ledger) {
    let acknowledged = ledger.acknowledged();
    let running = cluster.running();
    for (number, task) in acknowledged.iter().step_by(acknowledged.len() / 200 + 1).enumerate() {
        let place = running[number % running.len()];
        let (code, found) = query(cluster.http(place), task, "linearizable")
            .await
            .unwrap_or_else(|| panic!("member {place} does not answer"));
        let summary = (&found["state"], &found["run_count"], &found["success_count"]);
        let expected = (&json!("finished"), &json!(1), &json!(1));
        assert_eq!((code, summary), (0, expected), "{task} at member {place}: {found}");
    }
}

fn shown(kind: &str, found: &[String]) -> String {
    let mut text = format!("{kind}: {}\n", found.len());
    for what in found.iter().take(SHOWN) {
        text += &format!("  {what}\n");
    }
    text
}
