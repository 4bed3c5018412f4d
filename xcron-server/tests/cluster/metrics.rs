//! The metrics of the contract, as a real cluster exports them and as Prometheus reads them.

use crate::api::one_shot;
use crate::cluster::{Cluster, RECOVERY};
use crate::target::{Target, now_secs};
use crate::tools::{did_not_run, find};
use crate::turn;
use crate::view;
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};

/// Every name of the contract with its labels, as a sample of it begins.
const SAMPLES: &[&str] = &[
    "xcron_tasks{state=\"active\"} ",
    "xcron_tasks{state=\"paused\"} ",
    "xcron_tasks{state=\"finished\"} ",
    "xcron_fired_total{result=\"succeeded\"} ",
    "xcron_fired_total{result=\"failed\"} ",
    "xcron_fired_total{result=\"unknown\"} ",
    "xcron_fired_total{result=\"cancelled\"} ",
    "xcron_skipped_total{reason=\"misfire\"} ",
    "xcron_skipped_total{reason=\"overlap\"} ",
    "xcron_skipped_total{reason=\"paused\"} ",
    "xcron_lateness_seconds_bucket{le=\"0.001\"} ",
    "xcron_lateness_seconds_sum ",
    "xcron_lateness_seconds_count ",
    "xcron_in_flight ",
    "xcron_dispatch_queue_age_seconds ",
    "xcron_retries_total ",
    "xcron_commit_seconds_bucket{le=\"0.001\"} ",
    "xcron_commit_seconds_sum ",
    "xcron_commit_seconds_count ",
    "xcron_audit_difference ",
    "xcron_audit_tasks ",
    "xcron_audit_unreadable_tasks ",
    "xcron_audit_expected_occurrences ",
    "xcron_audit_pending_occurrences ",
    "xcron_audit_occurrences{outcome=\"succeeded\"} ",
    "xcron_audit_occurrences{outcome=\"skipped_dst\"} ",
    "xcron_audit_timestamp_seconds ",
    "xcron_raft_is_leader ",
    "xcron_raft_term ",
    "xcron_raft_log_lag ",
    "xcron_raft_log_bytes_total ",
    "xcron_leader_changes_total ",
    "xcron_snapshot_age_seconds ",
    "xcron_http_requests_total{path=\"/xcron/createTask\",code=\"200\"} ",
    "xcron_http_request_seconds_bucket{le=\"0.001\"} ",
    "xcron_http_request_seconds_sum ",
    "xcron_http_request_seconds_count ",
    "xcron_clock_skew_seconds{peer=\"",
    "process_cpu_seconds_total ",
    "process_resident_memory_bytes ",
    "process_virtual_memory_bytes ",
    "process_start_time_seconds ",
    "process_open_fds ",
    "process_max_fds ",
    "xcron_host_cpu_ratio ",
    "xcron_host_memory_bytes{kind=\"total\"} ",
    "xcron_host_memory_bytes{kind=\"used\"} ",
    "xcron_host_memory_bytes{kind=\"free\"} ",
    "xcron_host_disk_bytes{kind=\"total\"} ",
    "xcron_host_disk_bytes{kind=\"used\"} ",
    "xcron_host_disk_bytes{kind=\"free\"} ",
    "xcron_host_load1 ",
    "xcron_host_network_bytes_total{direction=\"received\"} ",
    "xcron_host_network_bytes_total{direction=\"sent\"} ",
];

/// The value of the sample that begins with `sample`.
fn value(text: &str, sample: &str) -> Option<f64> {
    let line = text.lines().find(|line| line.starts_with(sample))?;
    line.rsplit(' ').next()?.parse().ok()
}

/// What `promtool check metrics` has to say about `text`.
fn complaints(text: &str) -> Option<String> {
    let mut promtool = Command::new(find("promtool")?)
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("starting promtool");
    let mut stdin = promtool.stdin.take().expect("it is piped");
    stdin.write_all(text.as_bytes()).expect("promtool reads");
    drop(stdin);
    let said = promtool.wait_with_output().expect("an end of promtool");
    let lines = [said.stdout, said.stderr].concat();
    let lines = String::from_utf8_lossy(&lines).trim().to_owned();
    Some(if said.status.success() { lines } else { format!("{}: {lines}", said.status) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_metric_of_the_contract_is_exported_and_prometheus_has_no_complaint() {
    let _turn = turn::beside_others().await;
    let target = Target::start().await;
    let cluster = Cluster::prepare(3).with("XCRON_RAFT__SNAPSHOT_LOG_BYTES", 65_536);
    let cluster = cluster.formed().await;
    let leader = cluster.leader().await;
    let asked = cluster.http(leader);
    // Enough of a log for a snapshot; a callback that succeeds, one that fails and is repeated.
    let body = "x".repeat(20_000);
    for number in 0..5 {
        let mut task = one_shot(&format!("long-{number}"), now_secs() + 86_400, &target.prompt());
        task["callback"]["body"] = json!(body);
        cluster.done("/xcron/createTask", task).await;
    }
    cluster.done("/xcron/createTask", one_shot("good", now_secs(), &target.prompt())).await;
    let mut bad = one_shot("bad", now_secs(), "http://127.0.0.1:1/");
    bad["retry"] = json!({ "max_attempts": 2 });
    cluster.done("/xcron/createTask", bad).await;

    let written = async || {
        let status = view::View::of(asked).await?;
        status.node(status.node_id())?.json()["snapshot"].as_u64().filter(|index| *index > 0)
    };
    cluster.until(RECOVERY, "a snapshot is written", written).await;
    let monitor = cluster.members[leader].monitor().expect("it runs");
    let whole = async || {
        let (_, text) = view::page(monitor, "/metrics").await?;
        let has_ended = ["succeeded", "failed"].iter().all(|result| {
            value(&text, &format!("xcron_fired_total{{result=\"{result}\"}} ")) == Some(1.0)
        });
        let is_sampled = ["process_resident_memory_bytes ", "xcron_audit_difference "]
            .iter()
            .all(|sample| value(&text, sample).is_some());
        let peers = text.matches("\nxcron_clock_skew_seconds{peer=").count();
        (has_ended && is_sampled && peers == 2).then_some(text)
    };
    let text = cluster.until(RECOVERY, "all of it has been counted", whole).await;
    let missing: Vec<_> = SAMPLES.iter().filter(|sample| value(&text, sample).is_none()).collect();
    assert!(missing.is_empty(), "{missing:?} not in\n{text}");

    assert_eq!(value(&text, "xcron_raft_is_leader "), Some(1.0));
    assert_eq!(value(&text, "xcron_retries_total "), Some(1.0));
    assert_eq!(value(&text, "xcron_audit_difference "), Some(0.0));
    assert!(value(&text, "xcron_raft_term ").is_some_and(|term| term >= 1.0));
    assert!(value(&text, "xcron_leader_changes_total ").is_some_and(|changes| changes >= 1.0));
    for sample in ["xcron_lateness_seconds_count ", "xcron_commit_seconds_count "] {
        assert!(value(&text, sample).is_some_and(|count| count > 0.0), "{sample}");
    }

    match complaints(&text) {
        Some(said) => {
            assert_eq!(said, "", "of\n{text}");
            assert!(!complaints("late_total{a=\"b\"} 1\n").is_some_and(|said| said.is_empty()));
        }
        None => did_not_run("promtool check metrics", "there is no promtool"),
    }
}
