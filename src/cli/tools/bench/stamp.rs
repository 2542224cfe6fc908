//! The stamp in front of what mode `fan-out` publishes.
//!
//! Input: who publishes, the number, and when it was due. Output: the payload, and back.
//!
//! ```text
//!   wb <publisher, 2> <number, 16> <due at, 16> ....      all hexadecimal, padded to the size
//! ```

use crate::cli::tools::bench::clock::Nanos;

/// Bytes of a stamp.
pub const STAMP: usize = 37;

/// The stamp of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub publisher: u8,
    pub number: u64,
    pub at: Nanos,
}

impl Stamp {
    /// The whole payload.
    pub fn payload(self, size: usize) -> String {
        let Self {
            publisher,
            number,
            at,
        } = self;
        let mut text = format!("wb{publisher:02x}{number:016x}{at:016x}.");
        text.extend(std::iter::repeat_n('.', size.saturating_sub(text.len())));
        text
    }

    pub fn read(bytes: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(bytes.get(..STAMP)?).ok()?;
        let field = |range| u64::from_str_radix(text.get(range)?, 16).ok();
        text.strip_prefix("wb")?;
        Some(Self {
            publisher: field(2..4)? as u8,
            number: field(4..20)?,
            at: field(20..36)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_read_back() {
        let stamp = Stamp {
            publisher: 63,
            number: (1 << 63) + 5,
            at: 123_456_789_012,
        };
        for size in [STAMP, 128] {
            let payload = stamp.payload(size);
            assert_eq!(payload.len(), size);
            assert_eq!(Stamp::read(payload.as_bytes()), Some(stamp));
        }
        let short = &stamp.payload(STAMP)[1..];
        let foreign = "x".repeat(100);
        for other in ["", short, &foreign] {
            assert_eq!(Stamp::read(other.as_bytes()), None, "{other}");
        }
    }
}
