//! Frames on a connection: four bytes of length, then as many bytes.

use std::io;

use bytes::BytesMut;
use futures::{Stream as Incoming, StreamExt};
use tokio_util::codec::{Framed, LengthDelimitedCodec, LengthDelimitedCodecError};

use super::counts::{Tally, Wrong};
use super::limits::{FRAME_BYTES_MAX, HELLO_BYTES_MAX};
use super::tls;
use crate::net::Stream;

/// Bytes that gather before they are written without being flushed.
const WRITE_BYTES: usize = 65_536;

/// A connection that speaks in frames.
pub(super) type Frames = Framed<Box<dyn Stream>, LengthDelimitedCodec>;

/// The frames of `stream`, each no longer than a hello: who has not proved anything yet gets no
/// memory.
pub(super) fn of(stream: Box<dyn Stream>) -> Frames {
    let codec = LengthDelimitedCodec::builder()
        .little_endian()
        .length_field_length(4)
        .max_frame_length(HELLO_BYTES_MAX)
        .new_codec();
    let mut frames = Framed::new(stream, codec);
    frames.set_backpressure_boundary(WRITE_BYTES);
    frames
}

/// Allows frames as long as requests are.
pub(super) fn allow_requests(frames: &mut Frames) {
    frames.codec_mut().set_max_frame_length(FRAME_BYTES_MAX);
}

/// The next frame; [`Wrong::Ended`] when there is none.
pub(super) async fn next<S>(frames: &mut S, tally: &Tally) -> Result<BytesMut, Wrong>
where
    S: Incoming<Item = io::Result<BytesMut>> + Unpin,
{
    let frame = frames.next().await.ok_or(Wrong::Ended)?.map_err(|error| wrong(&error))?;
    tally.bytes_in.add(frame.len() as u64);
    Ok(frame)
}

/// What a failed read or write says about the other side.
pub(super) fn wrong(error: &io::Error) -> Wrong {
    if error.get_ref().is_some_and(|inner| inner.is::<LengthDelimitedCodecError>()) {
        return Wrong::TooLong;
    }
    // How the codec says that the stream ended within a frame.
    if error.kind() == io::ErrorKind::Other && error.to_string().contains("bytes remaining") {
        return Wrong::Garbage;
    }
    tls::wrong(error)
}
