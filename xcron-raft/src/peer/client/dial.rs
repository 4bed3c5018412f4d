//! Making a connection that can be used.

use tokio::time::timeout;

use crate::net::Net;
use crate::peer::counts::Wrong;
use crate::peer::error::{CallError, CallErrorKind};
use crate::peer::frames::{self, Frames};
use crate::peer::handshake::{self, Met};
use crate::peer::identity::{Identity, Lane};
use crate::peer::party::Party;
use crate::peer::tls;

/// Connects to `address` and says hello: as whom, looking for whom, on which lane.
pub(super) async fn dial(
    net: &dyn Net,
    party: &Party,
    address: &str,
    hello: (Identity, Option<Identity>, Lane),
) -> Result<(Met, Frames), CallError> {
    let unreachable =
        |what: &str| CallError::unsent(CallErrorKind::Unreachable, format!("{address} {what}"));
    let stream = timeout(party.limits.connect_max, net.connect(address))
        .await
        .map_err(|_| unreachable("does not answer"))?
        .map_err(|error| unreachable(&format!("cannot be reached: {error}")))?;
    let greeting = async {
        let stream = match &party.tls {
            None => stream,
            Some(tls) => tls.connect(stream, address).await.map_err(|error| {
                let wrong = tls::wrong(&error);
                party.tally().count(wrong);
                let CallError { kind, message, .. } = CallError::wrong(address, wrong);
                CallError::unsent(kind, format!("{message}: {error}"))
            })?,
        };
        let mut frames = frames::of(stream);
        let met = handshake::as_client(&mut frames, party, address, hello).await?;
        Ok((met, frames))
    };
    timeout(party.limits.handshake_max, greeting).await.map_err(|_| {
        party.tally().count(Wrong::TimedOut);
        unreachable("accepts a connection and says nothing")
    })?
}
