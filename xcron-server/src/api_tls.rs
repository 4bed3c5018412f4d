//! The certificate of the API's port: read at the start, and again whenever somebody asks.

use crate::config::TlsConfig;
use crate::error::ServerError;
use crate::pem;
use crate::signals::HangUps;
use xcron_http::{InvalidTls, ServerTls};

/// The certificate, and where it came from.
///
/// ```
/// use xcron_server::api_tls::ApiTls;
/// use xcron_server::config::TlsConfig;
///
/// assert!(ApiTls::read(&TlsConfig::default())?.is_none());
/// # Ok::<(), xcron_server::error::ServerError>(())
/// ```
#[derive(Clone, Debug)]
pub struct ApiTls {
    files: TlsConfig,
    tls: ServerTls,
}

impl ApiTls {
    /// Reads the files that `files` names; `None` when it names none.
    ///
    /// # Errors
    /// When one of them cannot be read, or they cannot be used together.
    pub fn read(files: &TlsConfig) -> Result<Option<Self>, ServerError> {
        if files.cert.is_empty() && files.key.is_empty() {
            return Ok(None);
        }
        let (chain, key) = contents(files)?;
        let tls = ServerTls::from_pem(&chain, &key).map_err(|error| unusable(files, &error))?;
        Ok(Some(Self { files: files.clone(), tls }))
    }

    /// What the server shows.
    #[must_use]
    pub fn tls(&self) -> ServerTls {
        self.tls.clone()
    }

    /// Reads the files again.
    fn renew(&self) -> Result<(), ServerError> {
        let (chain, key) = contents(&self.files)?;
        self.tls.replace(&chain, &key).map_err(|error| unusable(&self.files, &error))
    }
}

/// Reads the files of `tls` again at each of `hang_ups`, for as long as it is polled. Without any
/// there is nothing to read, and nothing happens.
pub async fn renew_at(mut hang_ups: HangUps, tls: Option<ApiTls>) {
    while hang_ups.next().await {
        let Some(tls) = tls.clone() else {
            tracing::info!("SIGHUP: there is no certificate to read again");
            continue;
        };
        // A disk that does not answer holds up nothing else.
        match tokio::task::spawn_blocking(move || tls.renew()).await {
            Ok(Ok(())) => tracing::info!("SIGHUP: the certificate of the API was read again"),
            Ok(Err(error)) => tracing::error!(%error, "SIGHUP: the certificate of the API stays"),
            Err(error) => tracing::error!(%error, "SIGHUP: the certificate of the API stays"),
        }
    }
}

fn contents(files: &TlsConfig) -> Result<(Vec<u8>, Vec<u8>), ServerError> {
    Ok((pem::read("tls.cert", &files.cert)?, pem::read("tls.key", &files.key)?))
}

fn unusable(files: &TlsConfig, error: &InvalidTls) -> ServerError {
    ServerError::File {
        key: "tls.cert",
        path: files.cert.clone().into(),
        problem: format!("cannot be used with tls.key: {error}"),
    }
}
