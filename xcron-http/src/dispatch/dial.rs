//! Dialling: from a target to a connection, judged by the address that is really dialled.

use super::address::AddressPolicy;
use super::link::Link;
use super::names::{Lookup, Names};
use super::settings::{DispatchSettings, DispatchSettingsError};
use super::target::{Target, TargetHost};
use super::watch::{Watch, Watched};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// The most addresses of one name that are tried.
const ADDRESSES_MAX: usize = 4;

/// A lookup is slow when it takes this part of the time that a connection may take.
const SLOW_LOOKUPS_PER_CONNECT: u32 = 6;

/// Makes connections.
#[derive(Clone)]
pub(super) struct Dialer {
    addresses: Arc<AddressPolicy>,
    connect_max: Duration,
    names: Names,
    tls: TlsConnector,
}

impl Dialer {
    pub(super) fn new(
        settings: &DispatchSettings,
        addresses: Arc<AddressPolicy>,
    ) -> Result<Self, DispatchSettingsError> {
        let connect_max = settings.connect_max;
        let lookup = Arc::new(|name: &str, port| Ok((name, port).to_socket_addrs()?.collect()));
        let slow_after = connect_max / SLOW_LOOKUPS_PER_CONNECT;
        Ok(Self {
            addresses,
            connect_max,
            names: Names::new(lookup, settings.lookups_max, slow_after),
            tls: TlsConnector::from(Arc::new(tls_config(&settings.root_certificates)?)),
        })
    }

    /// Looks names up by `lookup`.
    pub(super) fn look_up_by(&mut self, lookup: Arc<Lookup>) {
        self.names.look_up_by(lookup);
    }

    /// A new connection to `target`.
    pub(super) async fn dial(&self, target: &Target) -> Result<Link, String> {
        let seconds = self.connect_max.as_secs_f64();
        timeout(self.connect_max, self.connect(target))
            .await
            .map_err(|_elapsed| format!("no connection within {seconds} s"))?
    }

    async fn connect(&self, target: &Target) -> Result<Link, String> {
        let addresses = self.resolve(target).await?;
        let each = self.connect_max / u32::try_from(addresses.len()).unwrap_or(1).max(1);
        let mut problem = String::new();
        for address in addresses {
            match timeout(each, self.connect_to(address, target)).await {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(error)) => problem = format!("connecting to {address}: {error}"),
                Err(_elapsed) => problem = format!("connecting to {address} took too long"),
            }
        }
        Err(problem)
    }

    /// The addresses of `target` that may be dialled: these very ones are dialled, so a name
    /// that means something else a moment later changes nothing.
    async fn resolve(&self, target: &Target) -> Result<Vec<SocketAddr>, String> {
        let found = match &target.host {
            TargetHost::Address(ip) => vec![SocketAddr::new(*ip, target.port)],
            TargetHost::Name(name) => self.names.find(name, target.port).await?,
        };
        let Some(first) = found.first().copied() else {
            return Err(format!("{} has no address", target.destination));
        };
        let mut allowed = found;
        allowed.retain(|address| !self.addresses.denies(*address));
        allowed.truncate(ADDRESSES_MAX);
        if allowed.is_empty() {
            return Err(format!("{} is {first}, a denied address", target.destination));
        }
        Ok(allowed)
    }

    async fn connect_to(&self, address: SocketAddr, target: &Target) -> Result<Link, String> {
        let stream = TcpStream::connect(address).await.map_err(|error| error.to_string())?;
        stream.set_nodelay(true).map_err(|error| error.to_string())?;
        let watch = Watch::default();
        let stream = Watched::new(stream, watch.clone());
        let Some(name) = &target.tls_name else {
            return Link::over(stream, watch).await;
        };
        let stream = self.tls.connect(name.clone(), stream).await;
        Link::over(stream.map_err(|error| format!("TLS: {error}"))?, watch).await
    }
}

fn tls_config(roots: &[Vec<u8>]) -> Result<ClientConfig, DispatchSettingsError> {
    let refuse = |error: rustls::Error| DispatchSettingsError(format!("callback TLS: {error}"));
    let mut store = RootCertStore::from_iter(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    for root in roots {
        store.add(CertificateDer::from(root.clone())).map_err(refuse)?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(refuse)?
        .with_root_certificates(store)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}
