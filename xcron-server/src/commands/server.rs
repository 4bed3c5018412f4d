//! Which server is asked, and what it is shown.

use super::failure::Failure;
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;
use xcron_http::client::Client;

/// The variable that holds the token. There is no flag: others can read a list of processes.
const TOKEN: &str = "XCRON_TOKEN";

/// How long a call may take by default.
const CALL_SECONDS: u64 = 30;

/// Which server is asked.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
#[command(next_help_heading = "Server")]
pub(super) struct Server {
    /// Where it is. The token comes from XCRON_TOKEN.
    #[arg(long, value_name = "URL", env = "XCRON_SERVER_URL")]
    #[arg(default_value = "http://127.0.0.1:8000")]
    server: String,
    /// Certificates to trust instead of the roots of Mozilla, as PEM.
    #[arg(long, value_name = "FILE", env = "XCRON_CA_FILE")]
    ca_file: Option<PathBuf>,
    /// Gives up a call after so long.
    #[arg(long = "call-timeout", value_name = "SECONDS", default_value_t = CALL_SECONDS)]
    #[arg(value_parser = clap::value_parser!(u64).range(1..=3600))]
    call_timeout: u64,
}

/// Whether what is shown may be out of date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Args)]
pub(super) struct Freshness {
    /// Shows what the node that is asked knows, even without a majority; it may be out of date.
    #[arg(long)]
    stale: bool,
}

impl Freshness {
    /// A client that reads in this way.
    pub(super) fn client(self, server: &Server) -> Result<Client, Failure> {
        let client = server.client()?;
        Ok(if self.stale { client.with_stale_reads() } else { client })
    }
}

impl Server {
    /// The server at `url`, asked as usual.
    pub(super) fn at(url: &str, ca_file: Option<PathBuf>) -> Self {
        Self { server: url.to_owned(), ca_file, call_timeout: CALL_SECONDS }
    }

    /// A client of it.
    pub(super) fn client(&self) -> Result<Client, Failure> {
        let mut client = Client::new(&self.server)
            .map_err(|error| Failure::Usage(format!("--server or XCRON_SERVER_URL: {error}")))?
            .with_timeout(Duration::from_secs(self.call_timeout));
        if let Some(path) = &self.ca_file {
            let usage = |problem: String| {
                let path = path.display();
                Failure::Usage(format!("--ca-file or XCRON_CA_FILE: {path}: {problem}"))
            };
            let pem = std::fs::read(path).map_err(|error| usage(error.to_string()))?;
            client = client.with_root_certificates(&pem).map_err(|e| usage(e.to_string()))?;
        }
        match std::env::var(TOKEN) {
            Ok(token) if !token.is_empty() => client
                .with_token(&token)
                .map_err(|error| Failure::Usage(format!("{TOKEN}: {error}"))),
            Err(std::env::VarError::NotUnicode(_)) => {
                Err(Failure::Usage(format!("{TOKEN} is no text")))
            }
            _ => Ok(client),
        }
    }
}
