//! Requests and responses as frames. Numbers are little-endian.
//!
//! ```text
//! request   crc32c u32 | what u8 | kind u8 | id u64 | cluster u128 | node u64 | wait ms u32 | body
//! response  crc32c u32 | id u64 | status u8 | body
//! ```

use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::counts::Wrong;
use super::identity::{Identity, Kind};

const CHECKSUM_BYTES: usize = 4;
/// Length of all before the body of a request.
pub(super) const REQUEST_HEAD_BYTES: usize = CHECKSUM_BYTES + 1 + 1 + 8 + 16 + 8 + 4;
/// Length of all before the body of a response.
pub(super) const RESPONSE_HEAD_BYTES: usize = CHECKSUM_BYTES + 8 + 1;

const TO_WHOEVER: u8 = 0;
const TO_TARGET: u8 = 1;
const PING: u8 = 2;

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: u64,
    pub(super) kind: Kind,
    /// Whom it is for; `None`: whoever is at the other end.
    pub(super) target: Option<Identity>,
    /// How long its caller will wait, in milliseconds.
    pub(super) wait_ms: u32,
    pub(super) body: Bytes,
}

/// What arrives at a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Arrival {
    Request(Request),
    /// A question whether the connection still lives.
    Ping,
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Status {
    Ok = 0,
    /// The service refused; the body says why.
    Refused = 1,
    /// The sender may not send this kind; the service has seen nothing.
    NotAdmitted = 2,
    /// Nobody waits for it any more.
    GivenUp = 3,
    /// The answer to a ping.
    Alive = 4,
}

/// A response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Response {
    pub(super) id: u64,
    pub(super) status: Status,
    pub(super) body: Bytes,
}

impl Request {
    pub(super) fn encode(&self) -> Bytes {
        let (what, target) = match self.target {
            None => (TO_WHOEVER, Identity::default()),
            Some(target) => (TO_TARGET, target),
        };
        request(what, self, target)
    }
}

impl Arrival {
    pub(super) fn decode(frame: BytesMut) -> Result<Self, Wrong> {
        let mut frame = checked(frame, REQUEST_HEAD_BYTES)?;
        let what = frame.get_u8();
        let kind = Kind(frame.get_u8());
        let id = frame.get_u64_le();
        let target = Identity { cluster: frame.get_u128_le(), node: frame.get_u64_le() };
        let wait_ms = frame.get_u32_le();
        let target = match what {
            TO_WHOEVER => None,
            TO_TARGET => Some(target),
            PING => return Ok(Self::Ping),
            _ => return Err(Wrong::Garbage),
        };
        Ok(Self::Request(Request { id, kind, target, wait_ms, body: frame }))
    }
}

impl Response {
    pub(super) fn encode(&self) -> Bytes {
        let mut frame = BytesMut::with_capacity(RESPONSE_HEAD_BYTES + self.body.len());
        frame.put_bytes(0, CHECKSUM_BYTES);
        frame.put_u64_le(self.id);
        frame.put_u8(self.status as u8);
        frame.put_slice(&self.body);
        with_checksum(frame)
    }

    pub(super) fn decode(frame: BytesMut) -> Result<Self, Wrong> {
        let mut frame = checked(frame, RESPONSE_HEAD_BYTES)?;
        let id = frame.get_u64_le();
        let status = match frame.get_u8() {
            0 => Status::Ok,
            1 => Status::Refused,
            2 => Status::NotAdmitted,
            3 => Status::GivenUp,
            4 => Status::Alive,
            _ => return Err(Wrong::Garbage),
        };
        Ok(Self { id, status, body: frame })
    }
}

/// The question whether the connection still lives.
pub(super) fn ping() -> Bytes {
    let nothing = Request { id: 0, kind: Kind(0), target: None, wait_ms: 0, body: Bytes::new() };
    request(PING, &nothing, Identity::default())
}

fn request(what: u8, request: &Request, target: Identity) -> Bytes {
    let mut frame = BytesMut::with_capacity(REQUEST_HEAD_BYTES + request.body.len());
    frame.put_bytes(0, CHECKSUM_BYTES);
    frame.put_u8(what);
    frame.put_u8(request.kind.0);
    frame.put_u64_le(request.id);
    frame.put_u128_le(target.cluster);
    frame.put_u64_le(target.node);
    frame.put_u32_le(request.wait_ms);
    frame.put_slice(&request.body);
    with_checksum(frame)
}

fn with_checksum(mut frame: BytesMut) -> Bytes {
    let checksum = crc32c::crc32c(&frame[CHECKSUM_BYTES..]);
    frame[..CHECKSUM_BYTES].copy_from_slice(&checksum.to_le_bytes());
    frame.freeze()
}

/// What follows the checksum of `frame`, which has at least `bytes_min`.
fn checked(frame: BytesMut, bytes_min: usize) -> Result<Bytes, Wrong> {
    if frame.len() < bytes_min {
        return Err(Wrong::Garbage);
    }
    let mut frame = frame.freeze();
    let checksum = frame.get_u32_le();
    if checksum != crc32c::crc32c(&frame) {
        return Err(Wrong::Checksum);
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_as_they_were_and_no_flipped_bit_passes() {
        let target = Some(Identity { cluster: 1 << 90, node: 4 });
        let body = Bytes::from_static(b"body");
        for target in [None, target] {
            let request = Request { id: 9, kind: Kind(3), target, wait_ms: 70, body: body.clone() };
            let frame = BytesMut::from(request.encode());
            assert_eq!(Arrival::decode(frame.clone()), Ok(Arrival::Request(request)));
            for bit in 0..frame.len() * 8 {
                let mut flipped = frame.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert_eq!(Arrival::decode(flipped), Err(Wrong::Checksum), "bit {bit}");
            }
        }
        assert_eq!(Arrival::decode(ping().into()), Ok(Arrival::Ping));
        for status in [Status::Ok, Status::Refused, Status::NotAdmitted, Status::GivenUp] {
            let response = Response { id: 7, status, body: body.clone() };
            assert_eq!(Response::decode(response.encode().into()), Ok(response));
        }
    }

    #[test]
    fn frames_that_are_too_short_are_garbage() {
        for len in 0..RESPONSE_HEAD_BYTES {
            let frame = BytesMut::zeroed(len);
            assert_eq!(Response::decode(frame.clone()), Err(Wrong::Garbage));
            assert_eq!(Arrival::decode(frame), Err(Wrong::Garbage));
        }
    }
}
