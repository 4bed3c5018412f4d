//! What reading from a peer promises about whatever it sends: it is refused, or it is read as what
//! it says, which written again says the same.

use std::fmt::Debug;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures::FutureExt;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use xcron_core::testing::sample;

use super::frames;
use super::handshake::{as_client, as_server};
use super::hello::{ClientHello, ServerHello, decode_verdict, encode_verdict};
use super::identity::{Identity, Lane};
use super::limits::HELLO_BYTES_MAX;
use super::party::Party;
use super::request::{Arrival, Response, ping};
use super::secret::Secret;
use crate::wire::{Unreadable, change, definition, entry, raft, record, reply, short, state};

/// Reads what follows the first byte as what the first byte says.
pub fn check(bytes: &[u8]) {
    let Some((&what, bytes)) = bytes.split_first() else {
        return;
    };
    let body = Bytes::copy_from_slice(bytes);
    match what % 18 {
        0 => stranger(body),
        1 => impostor(body),
        2 => optional(bytes, ClientHello::decode, ClientHello::encode),
        3 => optional(bytes, ServerHello::decode, ServerHello::encode),
        4 => optional(bytes, decode_verdict, |verdict| encode_verdict(verdict.clone())),
        5 => request(body),
        6 => response(body),
        7 => same(body, raft::decode_append, |rpc| raft::encode_append(rpc.clone())),
        8 => same(body, raft::decode_appended, raft::encode_appended),
        9 => same(body, raft::decode_vote_request, raft::encode_vote_request),
        10 => same(body, raft::decode_vote_answer, raft::encode_vote_answer),
        11 => same(body, raft::decode_transfer, raft::encode_transfer),
        12 => same(body, entry::decode, |payload| entry::encode(payload.clone())),
        13 => same(body, change::decode, |command| change::encode(command.clone())),
        14 => same(body, |b| definition::decode(&b), |d| definition::encode(d).into()),
        15 => {
            let lasting = short::Lasting::of_state(&sample::due_at(4));
            if let Ok((filled, kept)) = short::fill_in(bytes, 9, lasting) {
                assert_eq!(state::decode(&kept), Ok(filled), "what is kept is what was read");
            }
            same(body, |b| state::decode(&b), |s| state::encode(s).into());
        }
        16 => same(body, |b| record::decode(&b), |r| record::encode(r).into()),
        _ => same(
            body,
            |bytes| reply::decode(prost::Message::decode(bytes)?),
            |reply| prost::Message::encode_to_vec(&reply::encode(reply)).into(),
        ),
    }
}

/// What is read is, written and read again, the same; and written again the same bytes.
fn same<T: Debug>(
    bytes: Bytes,
    decode: impl Fn(Bytes) -> Result<T, Unreadable>,
    encode: impl Fn(&T) -> Bytes,
) {
    match decode(bytes) {
        Ok(read) => {
            let written = encode(&read);
            let again = decode(written.clone()).expect("what is written can be read");
            assert_eq!(format!("{again:?}"), format!("{read:?}"));
            assert_eq!(encode(&again), written);
        }
        Err(error) => {
            let message = error.to_string();
            assert!(message.len() > 5 && !message.chars().any(char::is_control), "{message:?}");
        }
    }
}

/// The same for what is refused without a word.
fn optional<T: Debug + PartialEq>(
    bytes: &[u8],
    decode: impl Fn(&[u8]) -> Option<T>,
    encode: impl Fn(&T) -> Vec<u8>,
) {
    if let Some(read) = decode(bytes) {
        assert_eq!(decode(&encode(&read)).as_ref(), Some(&read));
    }
}

/// A request whose checksum is put right, and as it came.
fn request(body: Bytes) {
    let mended = mended(&body);
    for frame in [BytesMut::from(body), mended] {
        match Arrival::decode(frame.clone()) {
            Ok(Arrival::Request(request)) => {
                let written = request.encode();
                assert_eq!(written.len(), frame.len());
                assert_eq!(Arrival::decode(written.into()), Ok(Arrival::Request(request)));
            }
            Ok(Arrival::Ping) => assert_eq!(Arrival::decode(ping().into()), Ok(Arrival::Ping)),
            Err(wrong) => assert!(!wrong.to_string().is_empty()),
        }
    }
}

fn response(body: Bytes) {
    let mended = mended(&body);
    for frame in [BytesMut::from(body), mended] {
        match Response::decode(frame.clone()) {
            Ok(response) => {
                assert_eq!(response.encode(), frame, "every byte of it means one thing")
            }
            Err(wrong) => assert!(!wrong.to_string().is_empty()),
        }
    }
}

fn mended(body: &[u8]) -> BytesMut {
    let mut frame = crc32c::crc32c(body).to_le_bytes().to_vec();
    frame.extend_from_slice(body);
    frame[..].into()
}

fn party() -> Party {
    let party = Party::new(Some(Secret::new("sixteen bytes of secret").expect("it is long")), None);
    party.set_identity(Identity { cluster: 3, node: 1 });
    party
}

/// Whoever does not know the secret is never let in, gets few bytes and takes little memory.
fn stranger(bytes: Bytes) {
    let sent = bytes.len();
    let wire = Wire::of(bytes);
    let written = Arc::clone(&wire.written);
    let mut frames = frames::of(Box::new(wire));
    let met = as_server(&mut frames, &party()).now_or_never();
    assert!(met.expect("it ends with its bytes").is_err(), "nobody comes in without a proof");
    let held = frames.read_buffer().capacity();
    assert!(held <= 2 * (HELLO_BYTES_MAX + sent) + 16_384, "{held} bytes are held for a stranger");
    assert!(*written.lock().expect("no panic") <= HELLO_BYTES_MAX, "an answer is short");
}

/// A server that does not know the secret is never believed.
fn impostor(bytes: Bytes) {
    let mut frames = frames::of(Box::new(Wire::of(bytes)));
    let from = (Identity { cluster: 3, node: 2 }, None, Lane::Raft);
    let met = as_client(&mut frames, &party(), "b:1", from).now_or_never();
    let refused = met.expect("it ends with its bytes").expect_err("no proof, no answer");
    assert!(!refused.was_sent && refused.message.contains("b:1"), "{refused}");
    assert!(!refused.message.chars().any(char::is_control), "{refused}");
}

/// A connection on which all that will ever come is there already.
struct Wire {
    coming: Bytes,
    written: Arc<std::sync::Mutex<usize>>,
}

impl Wire {
    fn of(coming: Bytes) -> Self {
        Self { coming, written: Arc::default() }
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let len = self.coming.len().min(buf.remaining());
        buf.put_slice(&self.coming.split_to(len));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        _cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        *self.written.lock().expect("no panic") += bytes.len();
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
