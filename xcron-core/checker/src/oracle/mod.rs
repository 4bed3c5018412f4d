//! The oracle: which instants a schedule means, worked out anew.
//!
//! It goes from the calendar to the clock: it lists the civil days of a span, of each the civil
//! times that the expression names, and asks the zone what instants these are. A civil time that
//! the zone does not know is a gap, one that it knows twice is a fold. The tz database is the
//! only thing it shares with what it judges.
//!
//! ```
//! use xcron_checker::oracle::Oracle;
//! use xcron_checker::{DstFold, DstGap, Schedule};
//!
//! let daily = Schedule::Cron { cron: "30 2 * * *".into(), timezone: "Europe/Berlin".into() };
//! let oracle = Oracle::new(&daily, DstGap::Shift, DstFold::First)?;
//! // On 31 March 2024 there was no 02:30 in Berlin: it is due at 03:00, that is 01:00 UTC.
//! assert_eq!(oracle.within(1_711_843_200, 1_711_929_600), [1_711_846_800]);
//! # Ok::<(), xcron_checker::oracle::OracleError>(())
//! ```

mod day;
mod expression;
mod zone;

use crate::history::definition::{DstFold, DstGap, Schedule};
use expression::Expression;
use zone::Zone;

/// How far [`Oracle::next_after`] looks, in days: no expression pauses longer than the 40 years
/// between two leap days on one weekday with a century that is no leap year.
const HORIZON_DAYS: i64 = 42 * 366;

const DAY_S: i64 = 86_400;

/// Why the oracle cannot say what a schedule means.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OracleError {
    /// The expression cannot be read.
    #[error("{expression:?} cannot be read: {problem}")]
    Expression {
        /// The expression.
        expression: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The zone is not in the tz database.
    #[error("there is no time zone {0:?}")]
    Zone(String),
}

/// What one schedule means.
#[derive(Clone, Debug)]
pub struct Oracle {
    rule: Rule,
}

#[derive(Clone, Debug)]
enum Rule {
    Once(i64),
    Cron { expression: Box<Expression>, zone: Zone, gap: DstGap, fold: DstFold },
}

impl Oracle {
    /// Reads `schedule`.
    ///
    /// # Errors
    /// When the expression cannot be read or the zone is not known.
    pub fn new(schedule: &Schedule, gap: DstGap, fold: DstFold) -> Result<Self, OracleError> {
        let rule = match schedule {
            Schedule::At { at_s } => Rule::Once(*at_s),
            Schedule::Cron { cron, timezone } => {
                let expression = Expression::read(cron).map(Box::new).map_err(|problem| {
                    OracleError::Expression { expression: cron.clone(), problem }
                })?;
                let zone =
                    Zone::named(timezone).ok_or_else(|| OracleError::Zone(timezone.clone()))?;
                Rule::Cron { expression, zone, gap, fold }
            }
        };
        Ok(Self { rule })
    }

    /// Every occurrence from `from_s` up to and including `to_s`, ascending.
    #[must_use]
    pub fn within(&self, from_s: i64, to_s: i64) -> Vec<i64> {
        match &self.rule {
            Rule::Once(at_s) => {
                (from_s..=to_s).contains(at_s).then_some(*at_s).into_iter().collect()
            }
            Rule::Cron { expression, zone, gap, fold } => {
                occurrences(expression, zone, (*gap, *fold), (from_s, to_s))
            }
        }
    }

    /// Whether something is due at `at_s`.
    #[must_use]
    pub fn is_due(&self, at_s: i64) -> bool {
        !self.within(at_s, at_s).is_empty()
    }

    /// The first occurrence after `after_s`, if there is one within 42 years.
    #[must_use]
    pub fn next_after(&self, after_s: i64) -> Option<i64> {
        let Rule::Cron { .. } = &self.rule else {
            return self.within(after_s + 1, i64::MAX).first().copied();
        };
        let (mut from, mut span) = (after_s + 1, 3_600);
        let horizon = after_s + HORIZON_DAYS * DAY_S;
        while from <= horizon {
            if let Some(first) = self.within(from, from + span).first() {
                return Some(*first);
            }
            from += span + 1;
            span = (span * 4).min(366 * DAY_S);
        }
        None
    }
}

fn occurrences(
    expression: &Expression,
    zone: &Zone,
    (gap, fold): (DstGap, DstFold),
    (from_s, to_s): (i64, i64),
) -> Vec<i64> {
    if to_s < from_s {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (first, last) = zone.civil_span(from_s, to_s);
    for day in first.div_euclid(DAY_S)..=last.div_euclid(DAY_S) {
        if !expression.is_on(day) {
            continue;
        }
        let midnight = day * DAY_S;
        for second in expression.seconds_of_day((first - midnight).max(0), last - midnight) {
            let civil = midnight + second;
            found.extend(zone.instants(civil, expression.is_fixed_time(), gap, fold));
        }
    }
    found.retain(|at| (from_s..=to_s).contains(at));
    found.sort_unstable();
    found.dedup();
    found
}
