//! The true clock of a drill: everything that it records is on this one.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since the Unix epoch.
pub(crate) type Micros = i64;

/// One second.
pub(crate) const SECOND: Micros = 1_000_000;

/// The present.
#[expect(clippy::disallowed_methods, reason = "a cluster of processes is judged by the real clock")]
pub(crate) fn now() -> Micros {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Micros::try_from(since_epoch.as_micros()).unwrap_or(Micros::MAX)
}

/// `micros` as people read it: milliseconds below a second, seconds from there on.
pub(super) fn shown(micros: Micros) -> String {
    if micros < SECOND {
        return format!("{} ms", micros / 1_000);
    }
    format!("{:.1} s", micros as f64 / SECOND as f64)
}

#[cfg(test)]
mod tests {
    use super::shown;

    #[test]
    fn a_time_is_shown_in_the_unit_that_fits_it() {
        for (micros, expected) in
            [(0, "0 ms"), (1_999, "1 ms"), (999_999, "999 ms"), (1_250_000, "1.2 s")]
        {
            assert_eq!(shown(micros), expected);
        }
    }
}
