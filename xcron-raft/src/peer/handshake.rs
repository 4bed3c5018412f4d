//! The handshake: both sides prove that they know the secret before anything is processed.

use bytes::{Bytes, BytesMut};
use futures::SinkExt;

use super::counts::Wrong;
use super::error::{CallError, CallErrorKind};
use super::frames::{self, Frames};
use super::hello::{ClientHello, Refusal, ServerHello, decode_verdict, encode_verdict};
use super::identity::{Identity, Lane};
use super::party::Party;
use super::secret::{Claim, PROOF_BYTES};

/// Whom a client has met.
#[derive(Debug)]
pub(super) struct Met {
    /// Who answers, as proved.
    pub(super) answerer: Identity,
    /// Whether it takes requests on this connection.
    pub(super) verdict: Result<(), CallError>,
}

/// Says hello as `from` to whoever is at `address`, looking for `wanted`.
pub(super) async fn as_client(
    frames: &mut Frames,
    party: &Party,
    address: &str,
    (from, wanted, lane): (Identity, Option<Identity>, Lane),
) -> Result<Met, CallError> {
    let versions = party.versions.clone();
    let hello = ClientHello { versions, from, wanted, nonce: party.nonce(), lane }.encode();
    let met = meet(frames, party, hello, wanted).await;
    met.map(|(answerer, verdict)| Met {
        answerer,
        verdict: verdict.map_err(|(refusal, text)| refused(address, refusal, &text)),
    })
    .map_err(|wrong| {
        party.tally().count(wrong);
        CallError::wrong(address, wrong)
    })
}

type Verdict = Result<(), (Refusal, String)>;

async fn meet(
    frames: &mut Frames,
    party: &Party,
    hello: Vec<u8>,
    wanted: Option<Identity>,
) -> Result<(Identity, Verdict), Wrong> {
    send(frames, party, hello.clone()).await?;
    let answer = frames::next(frames, party.tally()).await?;
    let (proof, answer) = split(&answer)?;
    if !party.prover.is_proved(Claim::Server, &[&hello, answer], proof) {
        // No proof at all tells the server that the secrets differ; so it counts them too.
        send(frames, party, Vec::new()).await?;
        return Err(Wrong::Secret);
    }
    let server = ServerHello::decode(answer).ok_or(Wrong::Garbage)?;
    let proof = party.prover.prove(Claim::Client, &[&hello, answer]);
    send(frames, party, proof.to_vec()).await?;

    let frame = frames::next(frames, party.tally()).await?;
    let (proof, verdict) = split(&frame)?;
    if !party.prover.is_proved(Claim::Verdict, &[&hello, answer, verdict], proof) {
        return Err(Wrong::Secret);
    }
    let mut verdict = decode_verdict(verdict).ok_or(Wrong::Garbage)?;
    // The server says it first; but whoever claims to be welcoming is held to what it proved.
    if verdict.is_none() && !server.version.is_some_and(|it| party.versions.contains(&it)) {
        return Err(Wrong::Version);
    }
    if verdict.is_none() && wanted.is_some_and(|wanted| wanted != server.from) {
        verdict = Some((Refusal::Node, format!("{} answers", server.from)));
    }
    Ok((server.from, verdict.map_or(Ok(()), Err)))
}

/// A client that has proved to know the secret and has not heard the verdict yet.
#[derive(Debug)]
pub(super) struct Guest {
    pub(super) from: Identity,
    /// Why it cannot be served, whatever room there is.
    unfit: Option<(Refusal, String)>,
    transcript: [Bytes; 2],
}

/// Answers the hello of a client and has it prove that it knows the secret.
pub(super) async fn as_server(frames: &mut Frames, party: &Party) -> Result<Guest, Wrong> {
    let hello = frames::next(frames, party.tally()).await?.freeze();
    let client = ClientHello::decode(&hello).ok_or(Wrong::Garbage)?;
    let own = party.identity();
    let version = (*client.versions.end()).min(*party.versions.end());
    let version = (client.versions.contains(&version) && party.versions.contains(&version))
        .then_some(version);
    let versions = party.versions.clone();
    let answer = ServerHello { versions, version, from: own, nonce: party.nonce() }.encode();
    let proof = party.prover.prove(Claim::Server, &[&hello, &answer]);
    send(frames, party, [&proof[..], &answer].concat()).await?;

    let proof = frames::next(frames, party.tally()).await?;
    if !party.prover.is_proved(Claim::Client, &[&hello, &answer], &proof) {
        return Err(Wrong::Secret);
    }
    let unfit = unfit(&client, own, version, party);
    Ok(Guest { from: client.from, unfit, transcript: [hello, answer.into()] })
}

impl Guest {
    /// Tells the verdict: welcome, if it is fit and `has_room`.
    pub(super) async fn judge(
        self,
        frames: &mut Frames,
        party: &Party,
        has_room: bool,
    ) -> Result<Identity, Wrong> {
        let full = || (Refusal::Full, "too many connections".to_owned());
        let refusal = self.unfit.or_else(|| (!has_room).then(full));
        let outcome = match &refusal {
            None => Ok(self.from),
            Some((Refusal::Version, _)) => Err(Wrong::Version),
            Some((Refusal::Cluster, _)) => Err(Wrong::Cluster),
            Some((Refusal::Node, _)) => Err(Wrong::Node),
            Some((Refusal::Full, _)) => Err(Wrong::OverLimit),
        };
        let verdict = encode_verdict(refusal);
        let [hello, answer] = &self.transcript;
        let proof = party.prover.prove(Claim::Verdict, &[hello, answer, &verdict]);
        send(frames, party, [&proof[..], &verdict].concat()).await?;
        outcome
    }
}

/// Why `client` cannot be served by `own`, in words for whoever reads its log.
fn unfit(
    client: &ClientHello,
    own: Identity,
    version: Option<u32>,
    party: &Party,
) -> Option<(Refusal, String)> {
    let (from, wanted) = (client.from, client.wanted.unwrap_or(own));
    if version.is_none() {
        let (min, max) = (party.versions.start(), party.versions.end());
        return Some((Refusal::Version, format!("it speaks the versions {min} to {max}")));
    }
    if wanted.cluster != own.cluster || from.is_foreign_to(own) {
        return Some((Refusal::Cluster, format!("{own} answers, asked by {from}")));
    }
    if wanted.node != own.node {
        return Some((Refusal::Node, format!("{own} answers")));
    }
    None
}

/// What a client makes of a refusal.
fn refused(address: &str, refusal: Refusal, text: &str) -> CallError {
    let (kind, what) = match refusal {
        Refusal::Version => (CallErrorKind::Version, "no common version of the peer protocol"),
        Refusal::Cluster => (CallErrorKind::Foreign, "another cluster"),
        Refusal::Node => (CallErrorKind::Foreign, "another node"),
        Refusal::Full => (CallErrorKind::Unreachable, "no connection"),
    };
    CallError::unsent(kind, format!("{what} at {address}: {text}"))
}

async fn send(frames: &mut Frames, party: &Party, frame: Vec<u8>) -> Result<(), Wrong> {
    party.tally().bytes_out.add(frame.len() as u64);
    frames.send(Bytes::from(frame)).await.map_err(|error| frames::wrong(&error))
}

/// The proof that `frame` begins with, and what is proved.
fn split(frame: &BytesMut) -> Result<(&[u8], &[u8]), Wrong> {
    frame.split_at_checked(PROOF_BYTES).ok_or(Wrong::Garbage)
}
