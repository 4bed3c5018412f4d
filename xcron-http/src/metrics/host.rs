//! What the machine and this process use, read every 5 seconds off everybody's way.

use super::gauges::{gauge, labelled};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use sysinfo::{Disks, Networks, Pid, ProcessRefreshKind, ProcessesToUpdate, System};
use tokio::task::spawn_blocking;
use tokio::time::sleep;

/// How often the machine is asked.
const SAMPLE_EVERY: Duration = Duration::from_secs(5);

/// The latest sample, if there is one.
#[derive(Debug, Default)]
pub(super) struct Host(RwLock<Option<Sample>>);

/// What was read at one moment.
#[derive(Clone, Copy, Debug, Default)]
struct Sample {
    cpu_ratio: f64,
    load1: f64,
    memory_total: u64,
    memory_used: u64,
    disk_total: u64,
    disk_used: u64,
    received: u64,
    sent: u64,
    process: ProcessSample,
}

/// What this process used by then.
#[derive(Clone, Copy, Debug, Default)]
struct ProcessSample {
    cpu_seconds: f64,
    resident: u64,
    virtual_bytes: u64,
    started: u64,
    open_files: Option<u64>,
    open_files_max: Option<u64>,
}

/// Asks the machine again and again, each time on a thread that may block.
pub(super) async fn sample(host: Arc<Host>, disk: PathBuf) {
    let mut sampler = Sampler::new(disk);
    loop {
        let read = spawn_blocking(move || {
            let sample = sampler.read();
            (sampler, sample)
        });
        let Ok((returned, sample)) = read.await else {
            return;
        };
        sampler = returned;
        *host.0.write().unwrap_or_else(PoisonError::into_inner) = Some(sample);
        sleep(SAMPLE_EVERY).await;
    }
}

/// Holds what the machine's counters are compared with.
struct Sampler {
    system: Option<System>,
    networks: Option<Networks>,
    pid: Option<Pid>,
    disk: PathBuf,
}

impl Sampler {
    fn new(disk: PathBuf) -> Self {
        let disk = disk.canonicalize().unwrap_or(disk);
        let networks = Networks::new_with_refreshed_list().ok();
        Self { system: System::new().ok(), networks, pid: sysinfo::get_current_pid().ok(), disk }
    }

    fn read(&mut self) -> Sample {
        let mut sample = Sample::default();
        if let Some(system) = &mut self.system {
            system.refresh_cpu_usage();
            system.refresh_memory();
            sample.cpu_ratio = f64::from(system.global_cpu_usage()) / 100.0;
            sample.memory_total = system.total_memory();
            sample.memory_used = system.used_memory();
            sample.process = self.pid.and_then(|pid| read_process(system, pid)).unwrap_or_default();
        }
        sample.load1 = System::load_average().map_or(0.0, |load| load.one);
        if let Some(networks) = &mut self.networks {
            networks.refresh(true);
            for (_name, network) in networks.iter() {
                sample.received += network.total_received();
                sample.sent += network.total_transmitted();
            }
        }
        (sample.disk_total, sample.disk_used) = read_disk(&self.disk);
        sample
    }
}

fn read_process(system: &mut System, pid: Pid) -> Option<ProcessSample> {
    let what = ProcessRefreshKind::nothing().with_memory().with_cpu();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[pid]), true, what);
    let process = system.process(pid)?;
    Some(ProcessSample {
        cpu_seconds: Duration::from_millis(process.accumulated_cpu_time()).as_secs_f64(),
        resident: process.memory(),
        virtual_bytes: process.virtual_memory(),
        started: process.start_time(),
        open_files: process.open_files().map(|files| files as u64),
        open_files_max: process.open_files_limit().map(|files| files as u64),
    })
}

/// Total and used bytes of the disk that holds `path`: the longest mount point it is under.
fn read_disk(path: &Path) -> (u64, u64) {
    let Ok(disks) = Disks::new_with_refreshed_list() else {
        return (0, 0);
    };
    let holds = disks.iter().filter(|disk| path.starts_with(disk.mount_point()));
    let nearest = holds.max_by_key(|disk| disk.mount_point().as_os_str().len());
    nearest.map_or((0, 0), |disk| {
        (disk.total_space(), disk.total_space().saturating_sub(disk.available_space()))
    })
}

impl Collector for Host {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let sample = *self.0.read().unwrap_or_else(PoisonError::into_inner);
        let Some(sample) = sample else { return Ok(()) };
        let e = &mut encoder;
        gauge(e, "xcron_host_cpu_ratio", "CPU time in use, 0 to 1", sample.cpu_ratio)?;
        gauge(e, "xcron_host_load1", "Load average of a minute", sample.load1)?;
        let kinds = |total: u64, used: u64| {
            [("total", total), ("used", used), ("free", total.saturating_sub(used))]
        };
        let memory = kinds(sample.memory_total, sample.memory_used);
        labelled(e, "xcron_host_memory_bytes", "Memory of the machine", "kind", &memory)?;
        let disk = kinds(sample.disk_total, sample.disk_used);
        labelled(e, "xcron_host_disk_bytes", "The disk that holds the data", "kind", &disk)?;
        let help = "Bytes on all network interfaces";
        let kind = MetricType::Counter;
        let mut network = e.encode_descriptor("xcron_host_network_bytes", help, None, kind)?;
        for (direction, bytes) in [("received", sample.received), ("sent", sample.sent)] {
            let labels = [("direction", direction)];
            ConstCounter::new(bytes).encode(network.encode_family(&labels)?)?;
        }
        encode_process(&sample.process, e)
    }
}

fn encode_process(process: &ProcessSample, e: &mut DescriptorEncoder<'_>) -> fmt::Result {
    let kind = MetricType::Counter;
    let cpu = e.encode_descriptor("process_cpu_seconds", "CPU time used", None, kind)?;
    ConstCounter::new(process.cpu_seconds).encode(cpu)?;
    gauge(e, "process_resident_memory_bytes", "Memory in use", process.resident)?;
    gauge(e, "process_virtual_memory_bytes", "Memory addressed", process.virtual_bytes)?;
    gauge(e, "process_start_time_seconds", "Start, in Unix seconds", process.started)?;
    if let Some(files) = process.open_files {
        gauge(e, "process_open_fds", "Files and sockets open", files)?;
    }
    process
        .open_files_max
        .map_or(Ok(()), |files| gauge(e, "process_max_fds", "Files and sockets allowed", files))
}
