//! Requests answered, counted by route and status.

use http::StatusCode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;
use std::time::Duration;

type Labels = [(&'static str, String); 2];

/// Seconds from 0.1 ms to 10 s.
const BUCKETS: [f64; 14] =
    [0.000_1, 0.000_2, 0.000_5, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0, 5.0, 10.0];
/// Under this name all paths that no route matches are counted, so that nobody can make up labels.
const NO_ROUTE: &str = "none";

/// Counters of answers.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<Labels, Counter>,
    seconds: Histogram,
}

impl HttpMetrics {
    pub(super) fn register(registry: &mut Registry) -> Self {
        let requests = Family::<Labels, Counter>::default();
        let seconds = Histogram::new(BUCKETS);
        let help = "Requests answered, by route and HTTP status";
        registry.register("xcron_http_requests", help, requests.clone());
        let help = "Time from a request's head to its answer";
        registry.register("xcron_http_request_seconds", help, seconds.clone());
        Self { requests, seconds }
    }

    /// A request for the route `path` was answered.
    pub(crate) fn answered(&self, path: Option<&str>, status: StatusCode, took: Duration) {
        let path = path.unwrap_or(NO_ROUTE).to_owned();
        let labels = [("path", path), ("code", status.as_str().to_owned())];
        self.requests.get_or_create(&labels).inc();
        self.seconds.observe(took.as_secs_f64());
    }
}
