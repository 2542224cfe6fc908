//! Positions in a log, and where a subscriber wants to begin.
//!
//! ```text
//!   q7c2m4-41     epoch q7c2m4, the 41st record of that log over all topics
//! ```
//!
//! Input: text of a header, a query or a message. Output: values. Invariants: a position that is
//! written reads back, and has only one spelling; an epoch names one order of records: a log that
//! starts over has another. What a position is good for is left to the hub.

use crate::push::time::{parse_rfc3339, span};
use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::str::FromStr;

/// Which log a position belongs to: 1 to 16 of `a` to `z` and `0` to `9`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch {
    /// The text, followed by zeros.
    bytes: [u8; MAX_EPOCH_BYTES],
}

/// Bytes of an [`Epoch`].
pub const MAX_EPOCH_BYTES: usize = 16;

/// A place in the order of all records of a log, written `EPOCH-SEQUENCE`: that of the record with
/// this sequence number. As a place to resume from it means "all records after this one".
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The log.
    pub epoch: Epoch,
    /// 1 for the first record; 0 is the place before it.
    pub sequence: u64,
}

/// Where a subscriber begins.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Since {
    /// With what is published from now on.
    #[default]
    New,
    /// With the oldest message there is.
    All,
    /// With the messages of this many milliseconds before now.
    Ago(u64),
    /// With the messages since a Unix time in milliseconds.
    Time(u64),
    /// After this position.
    Position(Position),
    /// After something that cannot be read; answered like a position of another log.
    Unreadable,
}

/// Why a text is not a position or a place to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum BadPosition {
    /// It is not `EPOCH-SEQUENCE`.
    Position,
    /// It is none of the forms of [`Since`].
    Since,
}

impl fmt::Display for BadPosition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Position => "a position is written like q7c2m4-41",
            Self::Since => {
                "since is new, all, a duration like 10m, a time like 2026-11-28T00:20:00Z, \
                 or a position"
            }
        })
    }
}

impl std::error::Error for BadPosition {}

impl Epoch {
    /// The epoch that a number stands for, in base 36. A random number makes a new one: of 64 bits,
    /// two are hardly ever the same.
    pub fn from_number(mut number: u64) -> Self {
        const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";
        let mut reversed = Vec::with_capacity(MAX_EPOCH_BYTES);
        while number > 0 || reversed.is_empty() {
            reversed.push(DIGITS[(number % 36) as usize]);
            number /= 36;
        }
        let mut bytes = [0; MAX_EPOCH_BYTES];
        let digits = bytes.iter_mut().zip(reversed.iter().rev());
        digits.for_each(|(byte, digit)| *byte = *digit);
        Self { bytes }
    }

    /// An epoch that hardly any other log has: 40 random bits, which are eight characters.
    // req: push-order-08
    pub fn random() -> Self {
        let random = RandomState::new().hash_one(std::process::id());
        Self::from_number(random >> 24)
    }

    /// The epoch as text.
    pub fn as_str(&self) -> &str {
        let end = self.bytes.iter().position(|byte| *byte == 0);
        let text = &self.bytes[..end.unwrap_or(MAX_EPOCH_BYTES)];
        std::str::from_utf8(text).unwrap_or_default() // It is ASCII.
    }

    /// The place of a record of this log.
    pub fn at(self, sequence: u64) -> Position {
        Position {
            epoch: self,
            sequence,
        }
    }
}

impl FromStr for Epoch {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let is_good = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        if !(1..=MAX_EPOCH_BYTES).contains(&text.len()) || !text.bytes().all(is_good) {
            return Err(BadPosition::Position);
        }
        let mut bytes = [0; MAX_EPOCH_BYTES];
        bytes[..text.len()].copy_from_slice(text.as_bytes());
        Ok(Self { bytes })
    }
}

impl FromStr for Position {
    type Err = BadPosition;

    fn from_str(text: &str) -> Result<Self, BadPosition> {
        let (epoch, digits) = text.split_once('-').ok_or(BadPosition::Position)?;
        let is_number = digits.bytes().all(|byte| byte.is_ascii_digit());
        let one_spelling = is_number && (digits == "0" || !digits.starts_with('0'));
        let sequence = digits.parse().ok().filter(|_| one_spelling);
        Ok(Self {
            epoch: epoch.parse()?,
            sequence: sequence.ok_or(BadPosition::Position)?,
        })
    }
}

impl FromStr for Since {
    type Err = BadPosition;

    /// Reads `new`, `all`, a position, an RFC 3339 time, or a duration such as `10m`, of which a
    /// bare number means seconds.
    // req: push-since-01 push-since-02 push-since-03 push-since-04
    fn from_str(text: &str) -> Result<Self, BadPosition> {
        if let Ok(position) = text.parse() {
            return Ok(Self::Position(position));
        }
        match text {
            "new" => Ok(Self::New),
            "all" => Ok(Self::All),
            _ => {
                let seconds = text.bytes().all(|byte| byte.is_ascii_digit());
                let seconds = text.parse::<u64>().ok().filter(|_| seconds);
                let ago = seconds.map(|it| it.saturating_mul(1000));
                let ago = ago.or_else(|| span(text)).map(Self::Ago);
                ago.or_else(|| parse_rfc3339(text).map(Self::Time))
                    .ok_or(BadPosition::Since)
            }
        }
    }
}

impl Since {
    /// Reads a position from a client that cannot be told what is wrong with it, such as an
    /// `EventSource` with its `Last-Event-ID`.
    // req: push-sse-10
    pub fn from_position(text: &str) -> Self {
        text.parse().map_or(Self::Unreadable, Self::Position)
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch, self.sequence)
    }
}

impl fmt::Debug for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_have_one_spelling() {
        for text in ["q7c2m4-41", "a-0", "0123456789abcdef-18446744073709551615"] {
            let position: Position = text.parse().unwrap();
            assert_eq!(position.to_string(), text);
        }
        for bad in [
            "",
            "-",
            "a",
            "a-",
            "-1",
            "A-1",
            "a-1-2",
            "a--1",
            "a-+1",
            "a-01",
            "a-00",
            "ä-1",
            "a-x",
            "a-18446744073709551616",
            "0123456789abcdefg-1",
            "a-1 ",
            "a -1",
        ] {
            assert_eq!(bad.parse::<Position>(), Err(BadPosition::Position), "{bad}");
            assert_eq!(Since::from_position(bad), Since::Unreadable);
        }
    }

    #[test]
    fn epochs_of_numbers_read_back() {
        for (number, text) in [(0, "0"), (35, "z"), (36, "10"), (u64::MAX, "3w5e11264sgsf")] {
            let epoch = Epoch::from_number(number);
            assert_eq!(epoch.as_str(), text);
            assert_eq!(text.parse(), Ok(epoch));
        }
    }

    #[test]
    fn places_to_begin() {
        let position = "q7c2m4-41".parse().unwrap();
        for (text, since) in [
            ("new", Since::New),
            ("all", Since::All),
            ("10m", Since::Ago(600_000)),
            ("1h 30m", Since::Ago(5_400_000)),
            ("250ms", Since::Ago(250)),
            ("90", Since::Ago(90_000)),
            ("0", Since::Ago(0)),
            ("1970-01-01T00:00:02Z", Since::Time(2_000)),
            ("q7c2m4-41", Since::Position(position)),
        ] {
            assert_eq!(text.parse(), Ok(since), "{text}");
        }
        for bad in ["", "old", "+5", "-1", "1 parsec", "Q7-1", "2026-11-28"] {
            let expected = Err(BadPosition::Since);
            // Of `2026-11-28` only the first two parts would be a position.
            assert_eq!(bad.parse::<Since>(), expected, "{bad}");
        }
    }
}
