//! The monitor port: metrics and health, nothing that changes anything.

use super::Metrics;
use crate::api::{health_routes, not_found, wrong_method};
use crate::serve::{Gate, ServerSettings, guard};
use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::HeaderMap;
use http::header::{ACCEPT, CONTENT_TYPE};
use std::collections::BTreeSet;
use std::sync::Arc;
use xcron_core::Scheduler;

const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// `/metrics`, `/healthz` and `/readyz` of `scheduler`.
pub fn monitor_router(
    scheduler: &Scheduler,
    settings: ServerSettings,
    metrics: &Metrics,
) -> Router {
    let router = Router::new()
        .route("/metrics", get(show))
        .with_state(metrics.clone())
        .merge(health_routes(scheduler.clone()))
        .fallback(not_found)
        .method_not_allowed_fallback(wrong_method);
    guard(router, Gate::new(settings, metrics.clone(), Arc::clone(scheduler.clock())))
}

async fn show(State(metrics): State<Metrics>, headers: HeaderMap) -> Response {
    in_words(&metrics, &headers)
}

/// Whoever asks for OpenMetrics gets it, everybody else Prometheus's older text.
pub(crate) fn in_words(metrics: &Metrics, headers: &HeaderMap) -> Response {
    let accepted = headers.get(ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if accepted.contains("application/openmetrics-text") {
        return ([(CONTENT_TYPE, OPEN_METRICS)], metrics.encode()).into_response();
    }
    ([(CONTENT_TYPE, PROMETHEUS)], prometheus_text(&metrics.encode())).into_response()
}

/// The same metrics in the older format: there a counter's name ends in `_total` in its
/// description too, and neither units nor an end are marked.
fn prometheus_text(open_metrics: &str) -> String {
    let mut counters = BTreeSet::new();
    for line in open_metrics.lines() {
        if let Some(name) = line.strip_prefix("# TYPE ").and_then(|l| l.strip_suffix(" counter")) {
            counters.insert(name);
        }
    }
    let mut text = String::with_capacity(open_metrics.len() + 1_024);
    for line in open_metrics.lines() {
        let mut words = line.splitn(4, ' ');
        match (words.next(), words.next(), words.next(), words.next()) {
            (Some("#"), Some("EOF" | "UNIT"), ..) => continue,
            (Some("#"), Some(what), Some(name), Some(rest)) if counters.contains(name) => {
                text.extend(["# ", what, " ", name, "_total ", rest]);
            }
            _ => text.push_str(line),
        }
        text.push('\n');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::prometheus_text;

    #[test]
    fn a_counter_is_described_by_the_name_that_its_samples_have() {
        let open = "# HELP fired Runs.\n# TYPE fired counter\nfired_total{a=\"b\"} 3\n\
                    # HELP late_seconds How late.\n# TYPE late_seconds histogram\n\
                    # UNIT late_seconds seconds\nlate_seconds_sum 0.5\n# EOF\n";
        let text = "# HELP fired_total Runs.\n# TYPE fired_total counter\n\
                    fired_total{a=\"b\"} 3\n# HELP late_seconds How late.\n\
                    # TYPE late_seconds histogram\nlate_seconds_sum 0.5\n";
        assert_eq!(prometheus_text(open), text);
    }
}
