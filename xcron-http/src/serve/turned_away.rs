//! Clients for whom there is no connection: what they are told, and when to come back.
//!
//! To accept a connection, say no and close it costs nearly as much as a request. If all who are
//! turned away came back after a second, ten thousand of them would cost a core; so they are told
//! to stay away the longer, the more of them come.

use super::shield::shield;
use crate::answer::{Answer, Code, RequestIds};
use futures::FutureExt;
use http::HeaderValue;
use http::header::RETRY_AFTER;
use http_body_util::BodyExt;
use std::io::Write;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::Instant;
use xcron_core::{Clock, Effect, SystemClock};

/// How many may come in a second.
const EACH_SECOND: u32 = 500;
/// The longest that a client is told to stay away, in seconds.
const AWAY_MAX: u32 = 30;
const SECOND: Duration = Duration::from_secs(1);
/// Sooner than this nobody can tell how many come in a second.
const SOON: Duration = Duration::from_millis(100);

/// How many were turned away lately.
#[derive(Debug)]
pub(super) struct TurnedAway {
    since: Instant,
    count: u32,
    away_secs: u32,
}

impl TurnedAway {
    pub(super) fn new() -> Self {
        Self { since: Instant::now(), count: 0, away_secs: 1 }
    }

    /// Tells a client in one write, if its socket takes it, that there are too many.
    pub(super) fn tell(&mut self, stream: TcpStream) {
        let bytes = answer(self.come_back_after(Instant::now()));
        if let Some(bytes) = bytes
            && let Ok(mut stream) = stream.into_std()
        {
            // The socket does not block; a client that does not take it loses only the explanation.
            let _sent = stream.write(&bytes);
        }
    }

    /// After how many seconds who comes at `now` is to come back.
    fn come_back_after(&mut self, now: Instant) -> u32 {
        let span = now.duration_since(self.since);
        if span >= SECOND {
            let a_second = f64::from(self.count) / span.as_secs_f64();
            // So many wait for their turn, if each has stayed away as long as it was told.
            let waiting = a_second * f64::from(self.away_secs);
            let away = (waiting / f64::from(EACH_SECOND)).ceil();
            self.away_secs = (away as u32).clamp(1, AWAY_MAX);
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
        // A crowd that comes at once is not told to be back at once.
        let span = now.duration_since(self.since).max(SOON);
        let a_second = f64::from(self.count) / span.as_secs_f64();
        let away = (a_second * f64::from(self.away_secs) / f64::from(EACH_SECOND)).ceil();
        (away as u32).clamp(self.away_secs, AWAY_MAX)
    }
}

/// The answer to a request that nobody has read: what it would have changed was not changed.
fn answer(away_secs: u32) -> Option<Vec<u8>> {
    let answer = Answer::error(Code::Overloaded, "too many connections, come back later")
        .with_effect(Effect::None);
    let id = RequestIds::new().next(SystemClock::new().now());
    let (mut head, body) = answer.wrap(id, true).into_parts();
    shield(&mut head.headers);
    head.headers.insert(RETRY_AFTER, HeaderValue::from(away_secs));
    let body = body.collect().now_or_never()?.ok()?.to_bytes();
    let mut text = format!("HTTP/1.1 {}\r\nconnection: close\r\n", head.status);
    for (name, value) in &head.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap_or_default()));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n", body.len()));
    Some([text.as_bytes(), &body].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What so many that come each second are told, second by second.
    fn told(turned_away: &mut TurnedAway, each_second: &[u32]) -> Vec<u32> {
        let mut now = turned_away.since;
        let mut told = Vec::new();
        for count in each_second {
            told.push(turned_away.come_back_after(now));
            (1..*count).for_each(|_| _ = turned_away.come_back_after(now));
            now += SECOND;
        }
        told
    }

    #[tokio::test(start_paused = true)]
    async fn the_more_come_the_longer_they_are_told_to_stay_away() {
        let mut turned_away = TurnedAway::new();
        let away = told(&mut turned_away, &[10, 500, 7_000, 500, 500, 500, 2_000_000, 1, 1, 1]);
        assert_eq!(away, [1, 1, 1, 14, 14, 14, 14, 30, 1, 1]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_crowd_that_comes_at_once_is_spread_before_the_second_is_over() {
        let mut turned_away = TurnedAway::new();
        let now = turned_away.since;
        let away: Vec<u32> = (0..2_000).map(|_| turned_away.come_back_after(now)).collect();
        assert_eq!((away[0], away[49], away[50]), (1, 1, 2));
        assert_eq!(away[1_999], 30);
        assert_eq!(turned_away.come_back_after(now + SECOND / 2), 9, "4,002 a second until now");
    }
}
