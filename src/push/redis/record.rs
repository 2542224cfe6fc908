//! Publications as bytes of the log.
//!
//! ```text
//!   length │ flags │ topic length │ ttl? │ topic │ payload      one after the other
//!   4      │ 1     │ 1            │ 8    │
//! ```
//!
//! Input: a publication. Output: bytes, and what they say. Invariant: whatever the bytes are,
//! reading them gives a valid publication or nothing. Keys are left to the script, positions and
//! times to the entry. Numbers are little-endian.

use crate::push::record::{Payload, Publication};
use crate::wire::MessageKind;

const BINARY: u8 = 1;
const TTL: u8 = 2;

pub(super) fn encode(publication: &Publication) -> Vec<u8> {
    let topic = publication.topic.as_str().as_bytes();
    let payload = publication.payload.bytes();
    let ttl_len = if publication.ttl.is_some() { 8 } else { 0 };
    let len = 2 + ttl_len + topic.len() + payload.len();
    let mut out = Vec::with_capacity(size_of::<u32>() + len);
    out.extend_from_slice(&(len as u32).to_le_bytes());
    let flag = |set: bool, flag: u8| if set { flag } else { 0 };
    out.push(
        flag(publication.payload.kind() == MessageKind::Binary, BINARY)
            | flag(publication.ttl.is_some(), TTL),
    );
    out.push(topic.len() as u8); // A name has at most 255 bytes.
    if let Some(ttl) = publication.ttl {
        out.extend_from_slice(&ttl.to_le_bytes());
    }
    out.extend_from_slice(topic);
    out.extend_from_slice(payload);
    out
}

/// The records of an entry, without their lengths; `None` if the bytes are something else.
pub(super) fn split(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        let (len, rest) = bytes.split_first_chunk::<4>()?;
        let (record, rest) = rest.split_at_checked(u32::from_le_bytes(*len) as usize)?;
        records.push(record);
        bytes = rest;
    }
    Some(records)
}

/// `None` if the bytes are not a publication.
pub(super) fn decode(bytes: &[u8]) -> Option<Publication> {
    let (&[flags, topic_len], mut rest) = bytes.split_first_chunk::<2>()?;
    let mut ttl = None;
    if flags & TTL != 0 {
        let (number, after) = rest.split_first_chunk::<8>()?;
        ttl = Some(u64::from_le_bytes(*number));
        rest = after;
    }
    let (topic, payload) = rest.split_at_checked(topic_len.into())?;
    let kind = match flags & BINARY {
        0 => MessageKind::Text,
        _ => MessageKind::Binary,
    };
    let topic = std::str::from_utf8(topic).ok()?.parse().ok()?;
    let mut publication = Publication::new(topic, Payload::new(kind, payload.to_vec())?);
    publication.ttl = ttl;
    Some(publication)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(
            text in ".{0,40}",
            bytes in prop::collection::vec(any::<u8>(), 0..40),
            binary in any::<bool>(),
            ttl in any::<Option<u64>>(),
            cut in any::<prop::sample::Index>(),
        ) {
            let payload = match binary {
                true => Payload::from(bytes),
                false => Payload::from(text),
            };
            let mut publication = Publication::new("orders.eu".parse().unwrap(), payload);
            publication.ttl = ttl;
            let one = encode(&publication);
            let two = [&one[..], &one[..]].concat();
            let records = split(&two).unwrap();
            prop_assert_eq!(records.len(), 2);
            for record in records {
                prop_assert_eq!(decode(record), Some(publication.clone()));
                let _ = decode(&record[..cut.index(record.len())]);
            }
            let _ = split(&two[..cut.index(two.len())]);
        }

        #[test]
        fn any_bytes_can_be_read(bytes in prop::collection::vec(any::<u8>(), 0..80)) {
            let _ = (decode(&bytes), split(&bytes));
        }
    }
}
