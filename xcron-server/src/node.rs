//! One node put together: store, scheduler, API, metrics and the peer port; run and taken down.

use crate::api_tls::{self, ApiTls};
use crate::config::Config;
use crate::error::ServerError;
use crate::own_ports::OwnPorts;
use crate::signals::{HangUps, Signals};
use crate::storage::Storage;
use crate::telemetry::LogEvents;
use std::fmt;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use tokio::sync::watch;
use tokio::task::{JoinError, JoinHandle};
use xcron_core::{EngineError, Scheduler};
use xcron_http::{
    HttpDispatcher, Metrics, Port, Server, ServerSettings, api_router, monitor_router,
};

/// The addresses really bound; it reads as the first line on stdout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// The API.
    pub http: SocketAddr,
    /// Metrics and probes.
    pub monitor: SocketAddr,
    /// Other nodes.
    pub peer: SocketAddr,
}

impl fmt::Display for Addresses {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "xcron listening http={} monitor={} ", self.http, self.monitor)?;
        write!(f, "peer={}", self.peer)
    }
}

/// A node that is ready to serve.
#[derive(Debug)]
pub struct Node {
    storage: Storage,
    scheduler: Scheduler,
    metrics: Metrics,
    tls: Option<ApiTls>,
    api: Server,
    monitor: Server,
    here: Addresses,
    own_ports: OwnPorts,
}

/// How far a stop has come; each part waits for its own phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Phase {
    Serving,
    /// Nothing new is accepted, what is under way ends.
    Draining,
    /// Everything has ended; even metrics go.
    Stopped,
}

impl Node {
    /// Opens the store and binds the ports; nothing is accepted or fired before [`run`](Self::run).
    ///
    /// # Errors
    /// When a port or the data directory cannot be had, or what is stored cannot be used.
    pub async fn start(config: &Config) -> Result<Self, ServerError> {
        let limits = config.server_settings();
        let tls = ApiTls::read(&config.tls)?;
        let address = |port| SocketAddr::new(config.host, port);
        // The ports first: a second server is refused before it touches any data.
        let http = take("http_port", address(config.http_port))?;
        let monitor = take("monitor_port", address(config.monitor_port))?;
        let peers = take_peer_port(address(config.peer_port))?;
        let peer = peers.local_addr();
        let peer = peer.map_err(|error| ServerError::bind("peer_port", address(0), error))?;
        let storage = Storage::open(config, peers).await?;
        let metrics = Metrics::new();
        let dispatcher = HttpDispatcher::new(config.dispatch_settings())
            .map_err(|error| ServerError::Settings(error.to_string()))?;
        let dispatcher = Arc::new(dispatcher);
        let scheduler = Scheduler::builder(storage.store(), dispatcher.clone())
            .clock(storage.clock())
            .observer(LogEvents::before(metrics.observer()))
            .settings(config.scheduler_settings())
            .build();
        metrics.watch_scheduler(scheduler.clone());
        metrics.watch_store(storage.stats());
        if config.auth.allow_anonymous && !config.auth.tokens.is_empty() {
            tracing::warn!("auth.allow_anonymous is true: who shows no token may do everything");
        }
        let api = config.api_settings();
        let cluster = Some(storage.cluster());
        let router = api_router(scheduler.clone(), api, limits, &metrics, cluster, config.access());
        let mut api = listen("http_port", http, router, limits)?;
        if let Some(tls) = &tls {
            api = api.with_tls(tls.tls());
        }
        let router = monitor_router(&scheduler, limits, &metrics);
        let monitor = listen("monitor_port", monitor, router, limits)?;
        let here = Addresses { http: api.local_addr(), monitor: monitor.local_addr(), peer };
        let own_ports = OwnPorts::new(dispatcher, here);
        Ok(Self { storage, scheduler, metrics, tls, api, monitor, here, own_ports })
    }

    /// The addresses really bound.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.here
    }

    /// Serves and fires until a signal comes, then lets what is under way end, for as long as
    /// the configuration allows, and makes everything durable. The certificate of the API is read
    /// again at each of `hang_ups`.
    ///
    /// # Errors
    /// When the store fails for good, or a second signal comes before the end.
    pub async fn run(self, mut signals: Signals, hang_ups: HangUps) -> Result<(), ServerError> {
        let Self { storage, scheduler, metrics, tls, api, monitor, here: _, own_ports } = self;
        // Closed by name below. Dropping it on the way out of a failure or of a second signal
        // would wait for its disk, which may never answer.
        std::mem::forget(storage.clone());
        let phase = watch::Sender::new(Phase::Serving);
        let reached = |wanted| reach(phase.subscribe(), wanted);
        let stop = reached(Phase::Draining);
        let audited = scheduler.clone();
        let mut engine = tokio::spawn(async move { scheduler.run(stop).await });
        let api = tokio::spawn(api.run(reached(Phase::Draining)));
        let monitor = tokio::spawn(monitor.run(reached(Phase::Stopped)));
        let (disk, members) = (storage.dir().to_owned(), storage.clone());
        let watched = alongside(reached(Phase::Stopped), async move {
            tokio::select! {
                biased;
                () = metrics.sample_host(disk) => {}
                () = own_ports.follow(members) => {}
                () = metrics.sample_audit(audited) => {}
            }
        });
        let renewal = alongside(reached(Phase::Stopped), api_tls::renew_at(hang_ups, tls));

        let failed = tokio::select! {
            biased;
            ended = &mut engine => Some(engine_outcome(ended).err().unwrap_or(BUG)),
            error = storage.failed() => Some(error),
            () = signals.next() => None,
        };
        if let Some(error) = failed {
            // Nothing can be acknowledged any more, and nothing that was needs the disk again.
            return Err(error);
        }
        let drain = async {
            // Somebody else plans first: what becomes due while this node drains is not late.
            storage.hand_over().await;
            phase.send_replace(Phase::Draining);
            let drained = engine_outcome(engine.await);
            end_of("the API", api).await?;
            storage.close().await;
            phase.send_replace(Phase::Stopped);
            end_of("the monitor", monitor).await?;
            end_of("what is watched", watched).await?;
            end_of("the renewal of the certificate", renewal).await?;
            drained
        };
        tokio::select! {
            biased;
            outcome = drain => outcome,
            () = signals.next() => Err(ServerError::Interrupted),
        }
    }
}

const BUG: ServerError = ServerError::Bug("the engine");

fn take(key: &'static str, address: SocketAddr) -> Result<Port, ServerError> {
    Port::take(address).map_err(|error| ServerError::bind(key, address, error))
}

/// Binds the port for other nodes; it is listened on from here.
fn take_peer_port(address: SocketAddr) -> Result<TcpListener, ServerError> {
    TcpListener::bind(address).map_err(|error| ServerError::bind("peer_port", address, error))
}

fn listen(
    key: &'static str,
    port: Port,
    router: axum::Router,
    limits: ServerSettings,
) -> Result<Server, ServerError> {
    let address = port.local_addr();
    let listening = Server::listen(port, router, limits);
    listening.map_err(|error| ServerError::bind(key, address, error))
}

/// Does `work` in a task of its own until `stopped`.
fn alongside(
    stopped: impl Future<Output = ()> + Send + 'static,
    work: impl Future<Output = ()> + Send + 'static,
) -> JoinHandle<()> {
    tokio::spawn(async move {
        tokio::select! {
            biased;
            () = stopped => {}
            () = work => {}
        }
    })
}

/// Resolves once the stop has come as far as `wanted`.
async fn reach(mut phase: watch::Receiver<Phase>, wanted: Phase) {
    // An error means that nobody leads the stop any more, which is as good as its end.
    let _nobody_leads = phase.wait_for(|phase| *phase >= wanted).await;
}

fn engine_outcome(ended: Result<Result<(), EngineError>, JoinError>) -> Result<(), ServerError> {
    match ended {
        Ok(outcome) => Ok(outcome?),
        Err(_panicked) => Err(BUG),
    }
}

async fn end_of(part: &'static str, handle: JoinHandle<()>) -> Result<(), ServerError> {
    handle.await.map_err(|_panicked| ServerError::Bug(part))
}
