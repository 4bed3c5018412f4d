//! One connection: its requests go to the router until it ends or is overdue.

use super::handshake::Handshake;
use super::phase::Phases;
use super::sent::Sent;
use super::settings::{HEADERS_ON_STACK, ServerSettings};
use super::socket::Socket;
use axum::Router;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};
use tower::Service;

/// hyper wants room for a head of at least this size.
const BUFFER_BYTES_MIN: usize = 65_536;
/// How often a connection is looked at, as a part of its shortest deadline.
const LOOKS_PER_DEADLINE: u32 = 4;

/// Serves `stream`, after its handshake if there is to be one, until it ends, is overdue, or `stop`
/// says so and its last answer is sent.
pub(super) async fn serve(
    stream: TcpStream,
    handshake: Option<Handshake>,
    router: Router,
    settings: Arc<ServerSettings>,
    mut stop: watch::Receiver<bool>,
) {
    if stream.set_nodelay(true).is_err() {
        return; // the client has gone already
    }
    let phases = Arc::new(Phases::new());
    let socket = Socket::new(stream, Arc::clone(&phases));
    let Some(handshake) = handshake else {
        return talk(socket, phases, router, &settings, stop).await;
    };
    let shaken = tokio::select! {
        biased;
        shaken = handshake.shake(socket) => shaken,
        _ = stop.changed() => return, // nothing was asked yet
    };
    if let Some(stream) = shaken {
        phases.handshake_ended();
        talk(stream, phases, router, &settings, stop).await;
    }
}

/// Answers what is asked on `stream`, whose `phases` its socket notes.
async fn talk<S>(
    stream: S,
    phases: Arc<Phases>,
    router: Router,
    settings: &ServerSettings,
    mut stop: watch::Receiver<bool>,
) where
    S: AsyncRead + AsyncWrite + Unpin + Send,
{
    let socket = TokioIo::new(stream);
    let service = service_fn(|request: http::Request<Incoming>| {
        phases.request_began();
        let answer = router.clone().call(request);
        let phases = Arc::clone(&phases);
        async move { answer.await.map(|answer| answer.map(|body| Sent::new(body, phases))) }
    });
    let mut connection = pin!(builder(settings).serve_connection(socket, service));
    let mut look = interval(look_every(settings));
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut is_stopping = false;
    loop {
        tokio::select! {
            biased;
            ended = connection.as_mut() => {
                if let Err(error) = ended {
                    tracing::debug!(%error, "connection ended");
                }
                return;
            }
            _ = stop.changed(), if !is_stopping => {
                is_stopping = true;
                connection.as_mut().graceful_shutdown();
            }
            _ = look.tick() => {
                if phases.is_overdue(settings) {
                    return;
                }
            }
        }
    }
}

fn builder(settings: &ServerSettings) -> http1::Builder {
    let mut builder = http1::Builder::new();
    // Without `pipeline_flush`: it holds back the answer to whatever cannot be parsed. And without
    // a timeout: it would set a timer for every request, and the phases are stricter.
    builder
        .header_read_timeout(None)
        // A client that has said all it wants to say still gets its answer.
        .half_close(true)
        .max_header_size(settings.head_bytes_max)
        .max_buf_size(settings.head_bytes_max.max(BUFFER_BYTES_MIN));
    if settings.headers_max != HEADERS_ON_STACK {
        builder.max_headers(settings.headers_max);
    }
    builder
}

fn look_every(settings: &ServerSettings) -> Duration {
    let shortest = settings.silence_max.min(settings.head_max).min(settings.idle_max);
    (shortest / LOOKS_PER_DEADLINE).max(Duration::from_millis(1))
}
