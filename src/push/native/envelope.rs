//! Envelopes: a record or a gap as JSON.
//!
//! ```text
//!   {"type":"message","topic":"orders.eu","id":"q7c2m4-44","time":"…","data":"shipped"}
//!   {"type":"gap","topic":"orders.eu","after":"q7c2m4-12","next":"q7c2m4-30"}
//! ```
//!
//! Input: records and gaps of the hub. Output: JSON without line breaks. Invariant: binary payloads
//! are base64, so an envelope is text whatever was published.

use crate::push::hub::Gap;
use crate::push::json::{write_number, write_string};
use crate::push::native::base64;
use crate::push::position::{Epoch, Position};
use crate::push::record::{Payload, Record};
use crate::push::time::write_rfc3339;

/// Appends what a position displays, without the cost of `write!`.
pub(super) fn plain_position(out: &mut Vec<u8>, position: Position) {
    out.extend_from_slice(position.epoch.as_str().as_bytes());
    out.push(b'-');
    write_number(out, position.sequence);
}

/// Appends a position as a JSON string; `null` if there is none.
pub(super) fn position(out: &mut Vec<u8>, position: Option<Position>) {
    match position {
        Some(position) => {
            out.push(b'"');
            plain_position(out, position);
            out.push(b'"');
        }
        None => out.extend_from_slice(b"null"),
    }
}

/// Appends the envelope of a record: JSON without a line break.
// req: push-v1-05 push-v1-06
pub fn message(out: &mut Vec<u8>, record: &Record, epoch: Epoch) {
    out.extend_from_slice(b"{\"type\":\"message\",\"topic\":");
    write_string(out, record.topic.as_str());
    if record.sequence > 0 {
        out.extend_from_slice(b",\"id\":");
        position(out, Some(epoch.at(record.sequence)));
    }
    out.extend_from_slice(b",\"time\":\"");
    write_rfc3339(out, record.time);
    match &record.payload {
        Payload::Text(text) => {
            out.extend_from_slice(b"\",\"data\":");
            write_string(out, text);
        }
        Payload::Binary(bytes) => {
            out.extend_from_slice(b"\",\"base64\":\"");
            base64::write(out, bytes);
            out.push(b'"');
        }
    }
    out.push(b'}');
}

/// Appends what is known of missing messages; `kind` for those that stand alone.
pub(super) fn gap(out: &mut Vec<u8>, gap: &Gap, kind: bool) {
    out.extend_from_slice(match kind {
        true => b"{\"type\":\"gap\",\"topic\":",
        false => b"{\"topic\":",
    });
    write_string(out, gap.topic.as_str());
    out.extend_from_slice(b",\"after\":");
    position(out, gap.after);
    out.extend_from_slice(b",\"next\":");
    position(out, gap.next);
    out.push(b'}');
}

/// Appends a list.
pub(super) fn list<T>(
    out: &mut Vec<u8>,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut Vec<u8>, T),
) {
    out.push(b'[');
    for (at, item) in items.into_iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write(out, item);
    }
    out.push(b']');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(payload: Payload, sequence: u64) -> String {
        let record = Record {
            sequence,
            time: 1_795_825_200_123,
            expires: None,
            topic: "orders.eu".parse().unwrap(),
            payload,
        };
        let mut out = Vec::new();
        message(&mut out, &record, "q7c2m4".parse().unwrap());
        String::from_utf8(out).unwrap()
    }

    #[test]
    // req: push-v1-05
    fn envelopes_are_as_the_wire_has_them() {
        let text = Payload::Text("a\"b\n".into());
        assert_eq!(
            record(text, 44),
            [
                r#"{"type":"message","topic":"orders.eu","id":"q7c2m4-44","#,
                r#""time":"2026-11-28T00:20:00.123Z","data":"a\"b\n"}"#,
            ]
            .concat()
        );
        assert_eq!(
            record(Payload::Binary(b"\0\xff\xfe\xfd".as_slice().into()), 0),
            [
                r#"{"type":"message","topic":"orders.eu","#,
                r#""time":"2026-11-28T00:20:00.123Z","base64":"AP/+/Q=="}"#,
            ]
            .concat()
        );
    }

    #[test]
    fn gaps_name_what_is_known() {
        let of = |it: &Gap, kind| {
            let mut out = Vec::new();
            gap(&mut out, it, kind);
            String::from_utf8(out).unwrap()
        };
        let mut it = Gap {
            topic: "orders.eu".parse().unwrap(),
            after: "q-12".parse().ok(),
            next: "q-30".parse().ok(),
        };
        assert_eq!(
            of(&it, false),
            r#"{"topic":"orders.eu","after":"q-12","next":"q-30"}"#
        );
        (it.after, it.next) = (None, None);
        assert_eq!(
            of(&it, true),
            r#"{"type":"gap","topic":"orders.eu","after":null,"next":null}"#
        );
    }
}
