//! The spans in which nobody can be blamed: no healthy majority, a change of leader, a lost sender.

use crate::history::event::{SenderLost, Tenure, Unhealthy};
use crate::judge::settings::Settings;

/// What befell the cluster, in order of time.
#[derive(Debug, Default)]
pub(super) struct Spans {
    /// Merged spans `[from, to)` in which firing may fail, ascending.
    merged: Vec<(i64, i64)>,
    unhealthy: Vec<Unhealthy>,
    tenures: Vec<i64>,
    lost: Vec<SenderLost>,
}

impl Spans {
    pub(super) fn new(
        unhealthy: Vec<Unhealthy>,
        tenures: &[Tenure],
        lost: Vec<SenderLost>,
        settings: &Settings,
    ) -> Self {
        let failover = settings.failover_us;
        let mut all: Vec<(i64, i64)> = Vec::new();
        all.extend(unhealthy.iter().map(|span| (span.from_us, span.to_us + settings.settle_us)));
        all.extend(tenures.iter().map(|tenure| (tenure.from_us - failover, tenure.from_us)));
        all.extend(lost.iter().map(|lost| (lost.at_us, lost.at_us + failover)));
        all.sort_unstable();
        let mut merged: Vec<(i64, i64)> = Vec::new();
        for (from, to) in all {
            match merged.last_mut() {
                Some(last) if from <= last.1 => last.1 = last.1.max(to),
                _ => merged.push((from, to)),
            }
        }
        let tenures = tenures.iter().map(|tenure| tenure.from_us).collect();
        Self { merged, unhealthy, tenures, lost }
    }

    /// The first instant from `at` on that is in no span.
    pub(super) fn recovered(&self, at: i64) -> i64 {
        let next = self.merged.partition_point(|(_, to)| *to <= at);
        self.merged.get(next).filter(|(from, _)| *from <= at).map_or(at, |(_, to)| *to)
    }

    /// Whether a span overlaps `[from, to]`.
    pub(super) fn touch(&self, from: i64, to: i64) -> bool {
        let next = self.merged.partition_point(|(_, end)| *end <= from);
        self.merged.get(next).is_some_and(|(begin, _)| *begin <= to)
    }

    /// When something that takes `span` of undisturbed time from `at` on is done at the latest.
    pub(super) fn done_by(&self, at: i64, span: i64) -> i64 {
        let mut at = self.recovered(at);
        loop {
            let next = self.merged.partition_point(|(from, _)| *from <= at);
            match self.merged.get(next) {
                Some((from, to)) if *from <= at + span => at = *to,
                _ => return at + span,
            }
        }
    }

    /// How many events between `from` and `to` may each have lost an attempt that was under way,
    /// on `node` if that is known.
    pub(super) fn causes(&self, node: Option<u64>, from: i64, to: i64) -> usize {
        let within = |at: i64| (from..=to).contains(&at);
        let is_of = |lost: &&SenderLost| node.is_none_or(|node| node == lost.node);
        let lost = self.lost.iter().filter(is_of).filter(|lost| within(lost.at_us)).count();
        let tenures = self.tenures.iter().filter(|at| within(**at)).count();
        let over = |span: &&Unhealthy| span.from_us <= to && span.to_us >= from;
        lost + tenures + self.unhealthy.iter().filter(over).count()
    }

    /// The end of the last span.
    pub(super) fn last_end(&self) -> Option<i64> {
        self.merged.last().map(|(_, to)| *to)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undisturbed_time_is_counted_between_spans() {
        let span = |from_us, to_us| Unhealthy { from_us, to_us };
        let settings = Settings { settle_us: 5, ..Settings::default() };
        let spans =
            Spans::new(vec![span(10, 15), span(18, 20), span(40, 45)], &[], vec![], &settings);
        for (at, span, done) in [(0, 9, 9), (0, 10, 35), (12, 10, 35), (25, 14, 39), (25, 15, 65)] {
            assert_eq!(spans.done_by(at, span), done, "{span} from {at}");
        }
        assert!(spans.touch(24, 30) && !spans.touch(25, 39) && spans.touch(25, 40));
    }
}
