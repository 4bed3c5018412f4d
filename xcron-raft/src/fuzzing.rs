//! What the fuzz targets of this crate check; the targets are functions of bytes that anybody can
//! replay.

pub use crate::log::fuzzing::check as log;
pub use crate::peer::fuzzing::check as peers;
pub use crate::snapshot::fuzzing::check as snapshots;

use crate::Error;

/// Takes values from bytes, and zeros once there are none left.
#[derive(Debug)]
pub(crate) struct Draw<'a>(pub(crate) &'a [u8]);

impl<'a> Draw<'a> {
    /// Whether all has been taken.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte.
    pub(crate) fn byte(&mut self) -> u8 {
        let [first, rest @ ..] = self.0 else {
            return 0;
        };
        self.0 = rest;
        *first
    }

    /// The next `len` bytes, fewer at the end.
    pub(crate) fn bytes(&mut self, len: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(len.min(self.0.len()));
        self.0 = rest;
        taken
    }

    /// A number that is small, at an end of its range, or any.
    pub(crate) fn number(&mut self) -> u64 {
        match self.byte() {
            255 => u64::MAX,
            254 => u64::MAX - 1,
            253 => i64::MAX.cast_unsigned(),
            252 => 1 << 62,
            251 => (1 << 62) + 1,
            250 => {
                let mut bytes = [0; 8];
                let taken = self.bytes(8);
                bytes[..taken.len()].copy_from_slice(taken);
                u64::from_le_bytes(bytes)
            }
            small => small.into(),
        }
    }
}

/// Asserts that `error` says what is wrong, briefly and in print.
pub(crate) fn assert_told(error: &Error) {
    let message = error.to_string();
    assert!(message.len() > 10 && message.len() < 1_000, "{message:?}");
    assert!(!message.chars().any(char::is_control), "{message:?}");
}
