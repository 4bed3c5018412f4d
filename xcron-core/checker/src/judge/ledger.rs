//! I19: what remained of a task adds up, with what was received and with what the oracle counts.

use crate::history::definition::{Definition, DeliveryMode, Schedule};
use crate::history::op::TaskPhase;
use crate::history::remains::FinalTask;
use crate::judge::case::{Case, TaskCase, is_unknown};
use crate::judge::due::{Due, is_exclusive};
use crate::judge::findings::Findings;
use crate::judge::life::Life;
use crate::judge::oracles::Oracles;
use crate::judge::run::Run;
use crate::judge::verdict::{Invariant, seconds};

const SECOND: i64 = 1_000_000;

/// One final state and what it is compared with.
struct Account<'a, 'b> {
    case: &'a Case<'b>,
    definition: &'a Definition,
    life: &'a Life<'b>,
    last: &'a FinalTask,
    at_us: i64,
}

/// Judges what remained of `task`.
pub(super) fn judge(
    case: &Case<'_>,
    task: &TaskCase<'_>,
    life: &Life<'_>,
    (dues, runs): (&[Due], &[Run<'_>]),
    oracles: &mut Oracles,
    findings: &mut Findings,
) {
    for last in task.finals.iter().filter(|last| last.exists) {
        let at_us = last.at_us.unwrap_or(case.end_us);
        let mut breach = |invariant, what: String| {
            findings.violate(invariant, task.name, at_us, what);
        };
        let ended = last.succeeded + last.failed + last.unknown + last.cancelled;
        if ended != last.run_count {
            breach(Invariant::I19, format!("{} runs ended, in {ended} ways", last.run_count));
            continue;
        }
        let Some(definition) = life.only_definition() else {
            continue;
        };
        if life.gone_may != i64::MAX || life.born_must == i64::MAX {
            continue;
        }
        let account = Account { case, definition, life, last, at_us };
        account.against_receipts(runs, dues, &mut breach);
        if account.is_drained(oracles, &mut breach) {
            account.against_oracle(oracles, &mut breach);
        }
    }
}

impl Account<'_, '_> {
    fn claimed(&self) -> u64 {
        self.last.run_count + self.last.open_runs.len() as u64
    }

    /// Every run that was received is counted, and in a way that its answers allow.
    fn against_receipts(
        &self,
        runs: &[Run<'_>],
        dues: &[Due],
        breach: &mut impl FnMut(Invariant, String),
    ) {
        let seen: Vec<&Run<'_>> =
            runs.iter().filter(|run| run.first().at_us <= self.at_us).collect();
        let (fired, claimed) = (seen.len() as u64, self.claimed());
        if claimed < fired {
            let what = format!("{fired} runs fired, {claimed} are ended or open");
            breach(Invariant::I19, what);
        }
        if !self.definition.observed {
            return;
        }
        let ends: Vec<_> =
            seen.iter().map(|run| run.ends(self.case, self.definition, self.at_us)).collect();
        let count = |holds: &dyn Fn(&crate::judge::run::Ends) -> bool| {
            ends.iter().filter(|ends| holds(ends)).count() as u64
        };
        let won = count(&|ends| ends.succeeded);
        let surely_won =
            count(&|ends| ends.succeeded && !ends.failed && !ends.unknown && !ends.open);
        let succeeded = self.last.succeeded;
        if !(surely_won..=won).contains(&succeeded) {
            let what = format!("{succeeded} runs succeeded, expected {surely_won} to {won}");
            breach(Invariant::I19, what);
        }
        let surely_failed =
            count(&|ends| ends.failed && !ends.succeeded && !ends.unknown && !ends.open);
        if self.last.failed < surely_failed {
            let what = format!("{} runs failed, expected {surely_failed}", self.last.failed);
            breach(Invariant::I19, what);
        }
        let asked = self.life.triggers.len() as u64;
        let unseen = dues.iter().filter(|due| !due.healthy).count() as u64 + asked;
        let once = self.definition.delivery == DeliveryMode::AtMostOnce;
        let unknown = if once { count(&|ends| ends.unknown) + unseen } else { 0 };
        if self.last.unknown > unknown {
            let what = format!("{} runs are unknown, expected {unknown}", self.last.unknown);
            breach(Invariant::I19, what);
        }
        for open in &self.last.open_runs {
            let run = seen.iter().position(|run| run.id == open.run);
            let ended = run.is_some_and(|index| !ends[index].open);
            let behind = run.is_some_and(|index| {
                let mut by_then = seen[index].attempts.iter().filter(|at| at.at_us <= self.at_us);
                by_then.next_back().is_some_and(|newest| open.attempt < newest.attempt)
            });
            if ended || behind {
                let what = format!("run {} is open at attempt {}", open.run, open.attempt);
                breach(Invariant::I19, format!("{what}, which its answers contradict"));
            }
        }
    }

    /// The sum of all ends is the number of occurrences that were decided.
    fn against_oracle(&self, oracles: &mut Oracles, breach: &mut impl FnMut(Invariant, String)) {
        let most = self.definition.runs_max.unwrap_or(u64::MAX);
        let claimed = self.claimed();
        let (asked_least, asked_most) = self.asked_for();
        if claimed > most.saturating_add(asked_most) {
            breach(Invariant::I19, format!("{claimed} runs were claimed of at most {most}"));
        }
        let total = claimed + self.last.skipped;
        let (least, most) = self.decided(oracles);
        let (least, most) = (least + asked_least, most + asked_most);
        if !(least..=most).contains(&total) {
            let what = format!(
                "{} ended, {} skipped and {} open runs are {total} occurrences, expected {least} \
                 to {most}",
                self.last.run_count,
                self.last.skipped,
                self.last.open_runs.len()
            );
            breach(Invariant::I19, what);
        }
    }

    /// How many runs somebody opened beside the schedule, at least and at most.
    fn asked_for(&self) -> (u64, u64) {
        let known = self.life.triggers.iter().filter(|op| !is_unknown(op)).count();
        (known as u64, self.life.triggers.len() as u64)
    }

    /// How many occurrences were decided, at least and at most.
    fn decided(&self, oracles: &mut Oracles) -> (u64, u64) {
        let (life, last) = (self.life, self.last);
        let is_paused = last.state == Some(TaskPhase::Paused);
        if matches!(self.definition.schedule, Schedule::At { .. }) {
            let pending = last.next_s.is_some() || is_paused;
            return (u64::from(!pending), u64::from(last.next_s.is_none()));
        }
        let ahead = (self.at_us + self.case.tolerance_us + SECOND / 2).div_euclid(SECOND);
        let until = last.next_s.map_or(ahead, |next| next - 1);
        let mut count = |from_us: i64| {
            let from_s = from_us.div_euclid(SECOND) + 1;
            oracles.within(self.definition, from_s, until).map_or(0, |found| found.len() as u64)
        };
        let most = count(life.born_may - self.case.tolerance_us);
        let bounded = self.definition.runs_max.is_some();
        let least = match last.next_s {
            _ if is_paused => 0,
            None if bounded || last.state != Some(TaskPhase::Finished) => 0,
            _ => count(life.born_must + self.case.tolerance_us),
        };
        (least, most)
    }

    /// Nothing is left that was due, and nothing was given up that is still to come. Whether the
    /// next occurrence is one, so that those before it can be counted.
    fn is_drained(
        &self,
        oracles: &mut Oracles,
        breach: &mut impl FnMut(Invariant, String),
    ) -> bool {
        let Some(next) = self.last.next_s else {
            self.is_rightly_finished(oracles, breach);
            return true;
        };
        if oracles.within(self.definition, next, next).is_ok_and(|found| found.is_empty()) {
            breach(Invariant::I10, format!("the next occurrence is {next}, when nothing is due"));
            return false;
        }
        let open = self.last.open_runs.len();
        let waits = is_exclusive(self.life) && open > 0 || open >= self.case.settings.open_runs_max;
        let deadline = self.case.sent_by((next + self.definition.jitter_s) * SECOND);
        let active = self.last.state == Some(TaskPhase::Active);
        // Behind a target that takes long for everything, others wait for as long as that.
        if active && !waits && self.definition.observed && deadline < self.at_us {
            let what = format!(
                "the occurrence {next} was not decided by {}, expected by {}",
                seconds(self.at_us),
                seconds(deadline)
            );
            breach(Invariant::I3, what);
        }
        true
    }

    fn is_rightly_finished(
        &self,
        oracles: &mut Oracles,
        breach: &mut impl FnMut(Invariant, String),
    ) {
        let had_all = self.definition.runs_max.is_some_and(|most| self.claimed() >= most);
        if self.last.state != Some(TaskPhase::Finished) || had_all {
            return;
        }
        let at_s = self.at_us.div_euclid(SECOND) + 1;
        let end_s = self.definition.end_s.unwrap_or(i64::MAX);
        let next = oracles.of(self.definition).ok().and_then(|oracle| oracle.next_after(at_s));
        if let Some(next) = next.filter(|next| *next <= end_s) {
            let what = format!("the task is finished, though {next} is still to come");
            breach(Invariant::I3, what);
        }
    }
}
