//! Records as bytes of the file.
//!
//! ```text
//!   checksum │ flags │ topic length │ sequence │ time │ expires? │ key lengths?
//!   4        │ 1     │ 1            │ 8        │ 8    │ 8        │ 4 + 4
//!   topic │ key? │ payload
//! ```
//!
//! Input: a record and its idempotency key. Output: bytes, and what they say. Invariant: whatever
//! the bytes are, reading them gives a valid record or nothing. Numbers are little-endian. The
//! checksum is of all that follows it: the store has one of each page, but does not look at it when
//! it reads.

use crate::push::data::problem::DataProblem;
use crate::push::hub::Kept;
use crate::push::name::TopicName;
use crate::push::record::{Key, Payload, Publication, Record};
use crate::wire::MessageKind;
use std::mem::size_of;

const BINARY: u8 = 1;
const EXPIRES: u8 = 2;
const KEY: u8 = 4;

/// A record in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stored<'b> {
    pub(super) sequence: u64,
    pub(super) time: u64,
    pub(super) expires: Option<u64>,
    pub(super) topic: &'b str,
    /// Its owner, and its text.
    pub(super) key: Option<(&'b str, &'b str)>,
    kind: MessageKind,
    payload: &'b [u8],
}

/// What the index knows of a record in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) sequence: u64,
    time: u64,
    /// `u64::MAX`: never.
    expires: u64,
    payload: u32,
    /// In the file.
    pub(super) bytes: u32,
}

/// Appends a record.
pub(super) fn encode(out: &mut Vec<u8>, record: &Record, key: Option<&Key>) {
    let begin = out.len();
    out.extend_from_slice(&[0; size_of::<u32>()]);
    let topic = record.topic.as_str().as_bytes();
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(
        flag(record.payload.kind() == MessageKind::Binary, BINARY)
            | flag(record.expires.is_some(), EXPIRES)
            | flag(key.is_some(), KEY),
    );
    out.push(topic.len() as u8); // A name has at most 255 bytes.
    out.extend_from_slice(&record.sequence.to_le_bytes());
    out.extend_from_slice(&record.time.to_le_bytes());
    if let Some(expires) = record.expires {
        out.extend_from_slice(&expires.to_le_bytes());
    }
    if let Some(key) = key {
        out.extend_from_slice(&(key.owner.len() as u32).to_le_bytes());
        out.extend_from_slice(&(key.text.len() as u32).to_le_bytes());
    }
    out.extend_from_slice(topic);
    if let Some(key) = key {
        out.extend_from_slice(key.owner.as_bytes());
        out.extend_from_slice(key.text.as_bytes());
    }
    out.extend_from_slice(record.payload.bytes());
    let (sum, rest) = out[begin..].split_at_mut(size_of::<u32>());
    sum.copy_from_slice(&checksum(rest).to_le_bytes());
}

/// Tells bytes that a disk has changed, but not those that a person has. A step is a bijection of
/// the sum so far and of the word, so one changed word always changes the whole sum.
fn checksum(bytes: &[u8]) -> u32 {
    const FACTOR: u64 = 0x9E37_79B9_7F4A_7C15; // Odd, with bits everywhere.
    let step =
        |sum: u64, word| (sum.rotate_left(23) ^ u64::from_le_bytes(word)).wrapping_mul(FACTOR);
    let (words, rest) = bytes.as_chunks();
    let mut last = [0; size_of::<u64>()];
    last[..rest.len()].copy_from_slice(rest);
    let words = words.iter().copied().chain([last]);
    let sum = words.fold(bytes.len() as u64, step);
    (sum >> 32) as u32
}

/// Reads from the front of bytes.
struct Reader<'b>(&'b [u8]);

impl<'b> Reader<'b> {
    fn take(&mut self, len: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn text(&mut self, len: usize) -> Option<&'b str> {
        std::str::from_utf8(self.take(len)?).ok()
    }

    fn u8(&mut self) -> Option<u8> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn u32(&mut self) -> Option<u32> {
        let bytes = self.take(size_of::<u32>())?.try_into().ok()?;
        Some(u32::from_le_bytes(bytes))
    }

    fn u64(&mut self) -> Option<u64> {
        let bytes = self.take(size_of::<u64>())?.try_into().ok()?;
        Some(u64::from_le_bytes(bytes))
    }
}

impl<'b> Stored<'b> {
    /// What the bytes of a record say; `None` if they are not one, or not as they were written.
    pub(super) fn read(bytes: &'b [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let sum = reader.u32()?;
        (sum == checksum(reader.0)).then(|| Self::parse(reader.0))?
    }

    /// The same of what follows the checksum.
    fn parse(bytes: &'b [u8]) -> Option<Self> {
        let mut reader = Reader(bytes);
        let flags = reader.u8()?;
        let topic_len = reader.u8()?.into();
        let sequence = reader.u64()?;
        let time = reader.u64()?;
        let expires = match flags & EXPIRES {
            0 => None,
            _ => Some(reader.u64()?),
        };
        let key_lens = match flags & KEY {
            0 => None,
            _ => Some((reader.u32()? as usize, reader.u32()? as usize)),
        };
        Some(Self {
            sequence,
            time,
            expires,
            topic: reader.text(topic_len)?,
            key: match key_lens {
                Some((owner, text)) => Some((reader.text(owner)?, reader.text(text)?)),
                None => None,
            },
            kind: match flags & BINARY {
                0 => MessageKind::Text,
                _ => MessageKind::Binary,
            },
            payload: reader.0,
        })
    }

    /// The same of an entry of the log.
    ///
    /// # Errors
    ///
    /// The entry is damaged.
    pub(super) fn at(place: u64, bytes: &'b [u8]) -> Result<Self, DataProblem> {
        Self::read(bytes).ok_or_else(|| no_record(place))
    }

    /// What the index keeps of it, which takes `bytes` in the file.
    pub(super) fn entry(&self, bytes: usize) -> Entry {
        Entry {
            sequence: self.sequence,
            time: self.time,
            expires: self.expires.unwrap_or(u64::MAX),
            payload: self.payload.len() as u32,
            bytes: bytes as u32,
        }
    }

    /// The record itself; `None` if its topic or its text is not one.
    pub(super) fn record(&self) -> Option<Record> {
        Some(Record {
            sequence: self.sequence,
            time: self.time,
            expires: self.expires,
            topic: self.topic.parse().ok()?,
            payload: Payload::new(self.kind, self.payload.to_vec())?,
        })
    }

    /// What was published with a key.
    pub(super) fn publication(&self) -> Option<Publication> {
        let (owner, text) = self.key?;
        let record = self.record()?;
        let mut publication = Publication::new(record.topic, record.payload);
        publication.key = Some(Key {
            owner: owner.into(),
            text: text.into(),
        });
        Some(publication)
    }

    /// Its topic; `place` is that of the entry.
    pub(super) fn name(&self, place: u64) -> Result<TopicName, DataProblem> {
        self.topic.parse().map_err(|_| no_record(place))
    }
}

fn no_record(place: u64) -> DataProblem {
    DataProblem::Damaged(format!("entry {place} of the log is not as it was written"))
}

impl Entry {
    /// That of a record, which takes `bytes` in the file.
    pub(super) fn of(record: &Record, bytes: usize) -> Self {
        Self {
            sequence: record.sequence,
            time: record.time,
            expires: record.expires.unwrap_or(u64::MAX),
            payload: record.payload.bytes().len() as u32,
            bytes: bytes as u32,
        }
    }
}

impl Kept for Entry {
    fn sequence(&self) -> u64 {
        self.sequence
    }

    fn time(&self) -> u64 {
        self.time
    }

    fn expires(&self) -> Option<u64> {
        (self.expires < u64::MAX).then_some(self.expires)
    }

    fn payload_bytes(&self) -> usize {
        self.payload as usize
    }

    fn cost(&self) -> usize {
        self.bytes as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn records() -> impl Strategy<Value = (Record, Option<Key>)> {
        let payload = prop_oneof![
            ".{0,40}".prop_map(Payload::from),
            prop::collection::vec(any::<u8>(), 0..40).prop_map(Payload::from),
        ];
        let key = prop::option::of((".{0,9}", ".{0,9}"));
        let parts = (
            any::<u64>(),
            any::<u64>(),
            0..u64::MAX,
            any::<bool>(),
            payload,
            key,
        );
        parts.prop_map(|(sequence, time, expires, has_ttl, payload, key)| {
            let record = Record {
                sequence,
                time,
                expires: has_ttl.then_some(expires),
                topic: "orders.eu".parse().unwrap(),
                payload,
            };
            let key = key.map(|(owner, text)| Key {
                owner: owner.into(),
                text: text.into(),
            });
            (record, key)
        })
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(
            (record, key) in records(),
            cut in any::<prop::sample::Index>(),
        ) {
            let mut bytes = Vec::new();
            encode(&mut bytes, &record, key.as_ref());
            let stored = Stored::read(&bytes).unwrap();
            prop_assert_eq!(stored.record().unwrap(), record);
            let read = stored.publication().and_then(|it| it.key);
            prop_assert_eq!(read, key);
            // A part of it is no record, and not even without the checksum is reading it harmful.
            let part = &bytes[..cut.index(bytes.len())];
            prop_assert_eq!(Stored::read(part), None);
            let _ = Stored::parse(part).and_then(|it| it.record());
        }

        #[test]
        fn what_has_changed_is_not_read(
            (record, key) in records(),
            at in any::<prop::sample::Index>(),
            change in 1..=u8::MAX,
        ) {
            let mut bytes = Vec::new();
            encode(&mut bytes, &record, key.as_ref());
            let at = at.index(bytes.len());
            bytes[at] ^= change;
            prop_assert_eq!(Stored::read(&bytes), None);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let stored = Stored::parse(&bytes);
            let _ = stored.and_then(|it| it.publication());
        }
    }
}
