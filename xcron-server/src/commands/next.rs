//! `next`: when an expression fires, worked out here by the code that the server works it out by.

use super::choice::{DST_FOLD, DST_GAP, one_of};
use super::failure::Failure;
use super::output::Output;
use super::table::{Cell, Table};
use super::times::{Moment, shown};
use clap::Args;
use xcron_core::schedule::{Calendar, DstMark};
use xcron_core::{DstFold, DstGap, Schedule, Timestamp};
use xcron_http::client::{Preview, PreviewTime};

const EXAMPLES: &str = "\
Examples:
  xcron_server next '0 9 * * MON-FRI' --tz Europe/Paris
  xcron_server next '30 2 * * *' --tz Europe/Paris --from 2026-03-28T00:00:00Z --count 3
  xcron_server next '0 0 L * *' -o json | jq -r '.times[].local'";

/// Which expression, and how much of it.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(after_help = EXAMPLES)]
pub struct Next {
    /// A crontab expression of 5 fields, or 6 with leading seconds, or @daily and its like.
    expression: String,
    /// The IANA zone.
    #[arg(long, value_name = "ZONE", default_value = "UTC")]
    tz: String,
    /// How many occurrences.
    #[arg(long, value_name = "N", default_value_t = 10)]
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: u16,
    /// From when on.
    #[arg(long, value_name = "TIME", default_value = "now", allow_hyphen_values = true)]
    from: Moment,
    /// A fixed local time that does not exist is moved behind the gap, or left out.
    #[arg(long, value_name = "HOW", default_value = "shift")]
    #[arg(value_parser = one_of::<DstGap>(DST_GAP))]
    dst_gap: DstGap,
    /// A fixed local time that exists twice fires the first time, or both.
    #[arg(long, value_name = "HOW", default_value = "first")]
    #[arg(value_parser = one_of::<DstFold>(DST_FOLD))]
    dst_fold: DstFold,
    #[command(flatten)]
    output: Output,
}

impl Next {
    pub(super) fn run(&self) -> Result<(), Failure> {
        let schedule = Schedule::cron(&self.expression, &self.tz, self.dst_gap, self.dst_fold)
            .map_err(|error| Failure::Usage(error.to_string()))?;
        // An occurrence at `from` itself is shown, so the search starts just before it.
        let from = Timestamp::from_secs(self.from.secs());
        let after = Timestamp::from_millis(from.as_millis() - 1);
        let calendar = Calendar::default();
        let times = calendar.preview(&schedule, after, self.count.into());
        let times = times.into_iter().map(|shown| PreviewTime {
            time: shown.time.as_secs(),
            local: shown.local,
            dst: shown.dst,
        });
        let preview = Preview { times: times.collect(), description: calendar.describe(&schedule) };
        self.output.show(&preview, |preview| {
            let mut table = Table::new(&["LOCAL", "UTC", "UNIX", "DST"]);
            for PreviewTime { time, local, dst } in &preview.times {
                let dst = dst.map_or("", mark);
                table.row(vec![
                    Cell::new(local),
                    Cell::of(shown(*time)),
                    Cell::of(time),
                    Cell::new(dst),
                ]);
            }
            format!("{}\n{}", preview.description, self.output.laid_out(&table))
        })
    }
}

/// A mark as previewSchedule names it.
fn mark(mark: DstMark) -> &'static str {
    match mark {
        DstMark::Shifted => "shifted",
        DstMark::FirstOfTwo => "first_of_two",
        DstMark::SecondOfTwo => "second_of_two",
    }
}
