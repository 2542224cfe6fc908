//! UTF-8 that arrives in pieces: RFC 6455 section 8.1, RFC 3629.
//!
//! Input: the bytes of a text message, cut anywhere. Output: nothing, or [`InvalidUtf8`] at
//! the first byte that no valid text can contain there.
//!
//! Invariant: between two pieces at most three bytes are kept, and they are the beginning of a
//! character that can still become valid.

/// The bytes are not UTF-8: overlong, a surrogate, beyond U+10FFFF, stray or cut short.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidUtf8;

/// Checks a text piece by piece, each byte a bounded number of times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Utf8Stream {
    /// The first bytes of a character whose rest has not arrived.
    pending: [u8; 3],
    len: u8,
}

impl Utf8Stream {
    /// At the beginning of a text.
    pub const fn new() -> Self {
        Self {
            pending: [0; 3],
            len: 0,
        }
    }

    /// Checks a text that is whole.
    #[inline]
    pub fn check(text: &[u8]) -> Result<(), InvalidUtf8> {
        check(text).map_err(|_| InvalidUtf8)
    }

    /// Checks the next piece. Fails on the first wrong byte, even if its character is not whole.
    #[inline]
    pub fn push(&mut self, piece: &[u8]) -> Result<(), InvalidUtf8> {
        let rest = if self.len == 0 {
            piece
        } else {
            self.finish_character(piece)?
        };
        match check(rest) {
            Ok(()) => Ok(()),
            Err(Fault::Invalid) => Err(InvalidUtf8),
            Err(Fault::CutShort { at }) => {
                self.keep(&rest[at..]);
                Ok(())
            }
        }
    }

    /// The text ends here: valid only if no character is unfinished. Ready for another text.
    pub fn end(&mut self) -> Result<(), InvalidUtf8> {
        match core::mem::take(&mut self.len) {
            0 => Ok(()),
            _ => Err(InvalidUtf8),
        }
    }

    /// Adds bytes to the unfinished character until it is whole; returns what follows it.
    fn finish_character<'p>(&mut self, mut piece: &'p [u8]) -> Result<&'p [u8], InvalidUtf8> {
        while let Some((&byte, rest)) = piece.split_first() {
            let mut character = [0; 4];
            let len = self.len as usize;
            character[..len].copy_from_slice(&self.pending[..len]);
            character[len] = byte;
            piece = rest;
            match check(&character[..len + 1]) {
                Ok(()) => {
                    self.len = 0;
                    return Ok(piece);
                }
                Err(Fault::Invalid) => return Err(InvalidUtf8),
                Err(Fault::CutShort { .. }) => self.keep(&character[..len + 1]),
            }
        }
        Ok(piece)
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.pending[..bytes.len()].copy_from_slice(bytes);
        self.len = bytes.len() as u8;
    }
}

enum Fault {
    Invalid,
    /// Valid up to `at`; there a character begins that the input does not finish.
    CutShort {
        at: usize,
    },
}

#[inline]
fn check(bytes: &[u8]) -> Result<(), Fault> {
    #[cfg(not(feature = "net"))]
    use core::str::from_utf8;
    #[cfg(feature = "net")]
    use simdutf8::compat::from_utf8;

    from_utf8(bytes)
        .map(drop)
        .map_err(|error| match error.error_len() {
            Some(_) => Fault::Invalid,
            None => Fault::CutShort {
                at: error.valid_up_to(),
            },
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The number of bytes accepted before the failure, or `None` if all were good.
    fn first_bad(bytes: &[u8]) -> Option<usize> {
        let mut stream = Utf8Stream::new();
        let bad = bytes.iter().position(|byte| stream.push(&[*byte]).is_err());
        bad.or(stream.end().is_err().then_some(bytes.len()))
    }

    #[test]
    // req: 6455-8.1-01 6455-5.6-01
    fn fails_at_the_first_byte_that_cannot_be_right() {
        let rows: [(&[u8], Option<usize>); 12] = [
            (b"plain", None),
            ("κόσμε €𝄞".as_bytes(), None),
            (&[0x80], Some(0)),
            (&[0xC0, 0x80], Some(0)),
            (&[0xC1, 0xBF], Some(0)),
            (&[0xE0, 0x9F, 0xBF], Some(1)),
            (&[0xED, 0xA0, 0x80], Some(1)),
            (&[0xF0, 0x8F, 0xBF, 0xBF], Some(1)),
            (&[0xF4, 0x90, 0x80, 0x80], Some(1)),
            (&[0xF5], Some(0)),
            (&[0xCE], Some(1)),
            (&[b'a', 0xE2, 0x82, b'b'], Some(3)),
        ];
        for (bytes, expected) in rows {
            assert_eq!(first_bad(bytes), expected, "{bytes:02x?}");
        }
    }

    #[test]
    fn every_character_in_every_cut() {
        for c in (0..=char::MAX as u32).step_by(7).filter_map(char::from_u32) {
            let mut buffer = [0; 4];
            let bytes = c.encode_utf8(&mut buffer).as_bytes();
            for cut in 0..=bytes.len() {
                let mut stream = Utf8Stream::new();
                assert!(stream.push(&bytes[..cut]).is_ok());
                assert!(stream.push(&bytes[cut..]).is_ok());
                assert!(stream.end().is_ok());
            }
        }
    }
}
