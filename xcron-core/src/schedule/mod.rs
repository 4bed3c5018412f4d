//! Schedules: which instants a crontab expression in a time zone means.
//!
//! Text becomes a [`Schedule`] once, at the edge, by [`Schedule::cron`], which refuses whatever
//! cannot be read or can never fire. A [`Calendar`] then answers questions about it: the next
//! occurrence, the last one, how many lie between two instants.
//!
//! # How it works
//!
//! The work is split so that each part is simple enough to be checked alone:
//!
//! 1. `expression` reads the text as cronie reads it, field by field, and says where it broke;
//!    only then does `croner` see it.
//! 2. `pattern` is what remains of an expression: a set of *civil* times, that is of wall-clock
//!    readings without a zone. Seconds, minutes and hours are bit masks. The days of a month
//!    depend on its length and its first weekday only, 28 combinations, so they are a table of
//!    28 masks and no search ever walks day by day.
//! 3. `zone` cuts real time into segments with one offset from UTC each. Within a segment civil
//!    time and real time differ by a constant.
//! 4. `timeline` lays the pattern over the segments and decides what happens where they meet:
//!    a *gap* (clocks jump forward, some civil times never are) or a *fold* (clocks go back, some
//!    civil times are twice).
//! 5. `calendar` keeps a bounded number of compiled expressions.
//!
//! # Crontab, as cronie reads it
//!
//! Five fields: minute, hour, day of month, month, day of week, separated by spaces or tabs.
//! A field is a list of `*`, a number, a range `a-b`, or `*` and ranges with a step, `*/n` and
//! `a-b/n`. Months and weekdays have English names of three letters in any case, alone or in
//! ranges; 0 and 7 are both Sunday, and a range may end with Sunday (`FRI-SUN`).
//! `@hourly @daily @midnight @weekly @monthly @yearly @annually` stand for their expressions.
//!
//! * *Day of month and day of week.* When either field **starts with** `*`, a day must match
//!   both; otherwise it must match one of them. So `0 0 1-7 * MON` fires on the first seven
//!   days and on every Monday, and `0 0 */2 * MON` on Mondays with an odd date.
//! * *Fixed-time expressions.* An expression is fixed-time when neither its minute nor its hour
//!   field starts with `*`; only these obey [`DstGap`] and [`DstFold`]. The others follow real
//!   time: nothing in a gap, both passes of a fold. The seconds field plays no part in this.
//!
//! Stricter than cronie, because what cronie makes of these is hardly ever meant: a range whose
//! end is before its start, a step that is longer than what it steps through, and an expression
//! that can never fire are refused. `N/step` without a range is refused by both.
//!
//! Beyond cronie: a sixth field with seconds, in front; `L` (last day of the month), `LW` (last
//! weekday of the month) and `15W` (the weekday nearest to the 15th, within the month) as day of
//! month; `FRIL` (last Friday) and `FRI#2` (second Friday) as day of week; several missed times
//! of one gap collapse into one occurrence, and a gap of any length is caught up, a whole day
//! like Pacific/Apia's 2011-12-30 included.

mod calendar;
mod days;
mod definition;
mod error;
mod expression;
mod field;
mod month;
mod pattern;
mod preview;
mod timeline;
mod times;
mod zone;

pub use calendar::Calendar;
pub use definition::{CronSchedule, DstFold, DstGap, Schedule};
pub use error::{ScheduleError, ScheduleErrorKind};
pub use preview::{DstMark, PreviewTime};
