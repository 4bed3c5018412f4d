//! Instants as people type and read them.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use std::str::FromStr;
use xcron_core::{Clock, SystemClock};

/// The last second that a time can name.
const SECONDS_MAX: i64 = 253_402_300_799;

/// An instant that was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Moment {
    /// In Unix seconds.
    At(i64),
    /// So many seconds from now.
    In(i64),
}

impl Moment {
    /// In Unix seconds.
    pub(super) fn secs(self) -> i64 {
        match self {
            Self::At(secs) => secs,
            Self::In(secs) => now().saturating_add(secs).clamp(0, SECONDS_MAX),
        }
    }
}

impl FromStr for Moment {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected = || {
            "expected Unix seconds (1893456000), RFC 3339 with an offset \
             (2030-01-01T00:00:00Z), now, or a span from now (+10m, -1h; s, m, h, d, w)"
                .to_owned()
        };
        if text == "now" {
            return Ok(Self::In(0));
        }
        if let Some(rest) = text.strip_prefix('+') {
            return span(rest).map(Self::In).ok_or_else(expected);
        }
        if let Some(rest) = text.strip_prefix('-') {
            return span(rest).map(|secs| Self::In(-secs)).ok_or_else(expected);
        }
        let secs = match text.parse() {
            Ok(secs) => Some(secs),
            Err(_not_seconds) => text.parse().ok().map(Timestamp::as_second),
        };
        match secs {
            Some(secs) if secs > SECONDS_MAX => {
                Err(format!("{secs} is after the year 9999, expected seconds, not milliseconds"))
            }
            Some(secs) if secs >= 0 => Ok(Self::At(secs)),
            _ => Err(expected()),
        }
    }
}

/// Seconds of a number with its unit.
fn span(text: &str) -> Option<i64> {
    let unit = match text.chars().next_back()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return None,
    };
    let digits = &text[..text.len() - 1];
    let is_number = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
    digits.parse::<i64>().ok().filter(|_| is_number)?.checked_mul(unit)
}

/// The present second.
pub(super) fn now() -> i64 {
    SystemClock::new().now().as_secs()
}

/// As RFC 3339, in UTC.
pub(super) fn shown(secs: i64) -> String {
    Timestamp::from_second(secs).map_or_else(|_| secs.to_string(), |time| time.to_string())
}

/// As RFC 3339 in a zone of the IANA database.
pub(super) fn shown_in(secs: i64, zone: &str) -> Option<String> {
    let (time, zone) = (Timestamp::from_second(secs).ok()?, TimeZone::get(zone).ok()?);
    Some(time.to_zoned_datetime(zone).strftime("%Y-%m-%dT%H:%M:%S%:z").to_string())
}

#[cfg(test)]
mod tests {
    use super::{Moment, shown, shown_in};

    #[test]
    fn an_instant_is_typed_in_four_ways() {
        for (text, expected) in [
            ("0", Moment::At(0)),
            ("1893456000", Moment::At(1_893_456_000)),
            ("2030-01-01T00:00:00Z", Moment::At(1_893_456_000)),
            ("2030-01-01T01:00:00+01:00", Moment::At(1_893_456_000)),
            ("now", Moment::In(0)),
            ("+10m", Moment::In(600)),
            ("-1h", Moment::In(-3_600)),
            ("+2w", Moment::In(1_209_600)),
        ] {
            assert_eq!(text.parse(), Ok(expected), "{text}");
        }
        for bad in ["", "+", "+m", "+1", "-5", "+1y", "+-1s", "soon", "2030-01-01", "1.5", "+ 1s"] {
            let said = bad.parse::<Moment>().unwrap_err();
            assert!(said.starts_with("expected Unix seconds"), "{bad}: {said}");
        }
        assert!("1893456000000".parse::<Moment>().unwrap_err().contains("not milliseconds"));
        assert!("+99999999999999999w".parse::<Moment>().is_err());
        assert_eq!("+9999999999999w".parse::<Moment>().map(Moment::secs), Ok(253_402_300_799));
    }

    #[test]
    fn an_instant_is_shown_in_utc_and_in_a_zone() {
        assert_eq!(shown(1_893_456_000), "2030-01-01T00:00:00Z");
        let paris = shown_in(1_893_456_000, "Europe/Paris");
        assert_eq!(paris.as_deref(), Some("2030-01-01T01:00:00+01:00"));
        assert_eq!(shown_in(0, "Mars/Olympus"), None);
    }
}
