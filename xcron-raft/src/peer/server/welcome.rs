//! From a new connection to one that may send requests.

use tokio::time::timeout;

use super::seats::Seat;
use crate::net::Stream;
use crate::peer::counts::Wrong;
use crate::peer::frames::{self, Frames};
use crate::peer::handshake::{self, Guest};
use crate::peer::identity::Identity;
use crate::peer::party::Party;
use crate::peer::tls;

/// The frames of `stream` and who is at its other end.
pub(super) async fn welcome(
    stream: Box<dyn Stream>,
    seat: &mut Seat,
    party: &Party,
) -> Result<(Frames, Identity), Wrong> {
    let shaking_hands = async {
        let (mut frames, guest) = seat.as_stranger(greet(stream, party)).await?;
        let has_room = seat.promote();
        let from = guest.judge(&mut frames, party, has_room).await?;
        frames::allow_requests(&mut frames);
        Ok((frames, from))
    };
    timeout(party.limits.handshake_max, shaking_hands).await.map_err(|_| Wrong::TimedOut)?
}

async fn greet(stream: Box<dyn Stream>, party: &Party) -> Result<(Frames, Guest), Wrong> {
    let stream = match &party.tls {
        None => stream,
        Some(tls) => tls.accept(stream).await.map_err(|error| tls::wrong(&error))?,
    };
    let mut frames = frames::of(stream);
    let guest = handshake::as_server(&mut frames, party).await?;
    Ok((frames, guest))
}
