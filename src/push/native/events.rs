//! Streams of records over HTTP: server-sent events and NDJSON.
//!
//! Server-sent events are those of
//! <https://html.spec.whatwg.org/multipage/server-sent-events.html>. Input: records, gaps. Output:
//! bytes of a body. Invariant: an event is whole in one part, so a part that a policy drops takes
//! nothing else with it.

use crate::push::hub::{Gap, Replay};
use crate::push::json::write_string;
use crate::push::name::Pattern;
use crate::push::native::base64;
use crate::push::native::envelope::{gap, list, message, plain_position, position};
use crate::push::position::{Epoch, Position, Since};
use crate::push::record::{Payload, Record};
use std::io::Write as _;

/// Milliseconds after which an EventSource connects again: soon, as nothing is lost meanwhile, but
/// not at once, as a server may have gone.
const RETRY_MS: u32 = 2000;

/// What is sent while there is nothing to say.
pub(super) const KEEPALIVE_EVENT: &[u8] = b": keepalive\n\n";

/// The same for NDJSON.
pub(super) const KEEPALIVE_LINE: &[u8] = b"{\"type\":\"keepalive\"}\n";

/// The first event: where the stream begins, so that a cut before the first message loses nothing.
/// If it cannot begin where it was asked to, nothing of that: see [`id`].
// req: push-sse-01
pub(super) fn begin(out: &mut Vec<u8>, at: Option<Position>) {
    writeln!(out, "retry: {RETRY_MS}").expect("a vector takes everything");
    match at {
        Some(at) => id(out, at),
        None => out.push(b'\n'),
    }
}

/// An event without data, which is not seen: its receiver resumes from here. After the gaps, so
/// that a cut before it does not hide them.
pub(super) fn id(out: &mut Vec<u8>, at: Position) {
    out.extend_from_slice(b"id: ");
    plain_position(out, at);
    out.extend_from_slice(b"\n\n");
}

/// The first line of NDJSON.
// req: push-ndjson-02
pub(super) fn subscribed_line(
    out: &mut Vec<u8>,
    patterns: &[Pattern],
    at: Position,
    recovered: bool,
) {
    out.extend_from_slice(b"{\"type\":\"subscribed\",\"topics\":");
    list(out, patterns, |out, pattern| {
        write_string(out, pattern.as_str())
    });
    out.extend_from_slice(b",\"position\":");
    position(out, Some(at));
    writeln!(out, ",\"recovered\":{recovered}}}").expect("a vector takes everything");
}

/// Where a stream begins that replays this: everything after it follows, or is in a gap. The asked
/// position, if the log has given it.
// req: push-sse-02
pub(super) fn beginning(replay: &Replay, since: Since) -> Position {
    let epoch = replay.position.epoch;
    match (since, replay.records.first()) {
        (Since::Position(asked), _) if replay.follows(asked) => asked,
        (_, Some(first)) => epoch.at(first.sequence - 1),
        (_, None) => replay.position,
    }
}

/// A record as an event: its payload, or its envelope.
// req: push-sse-03 push-sse-06
pub(super) fn event(out: &mut Vec<u8>, record: &Record, epoch: Epoch, envelope: bool) {
    if record.sequence > 0 {
        out.extend_from_slice(b"id: ");
        plain_position(out, epoch.at(record.sequence));
        out.push(b'\n');
    }
    match (&record.payload, envelope) {
        (_, true) => {
            out.extend_from_slice(b"data: ");
            message(out, record, epoch);
            out.push(b'\n');
        }
        (Payload::Text(text), false) => data(out, text),
        (Payload::Binary(bytes), false) => {
            out.extend_from_slice(b"event: binary\ndata: ");
            base64::write(out, bytes);
            out.push(b'\n');
        }
    }
    out.push(b'\n');
}

/// A gap as an event.
// req: push-sse-08
pub(super) fn gap_event(out: &mut Vec<u8>, it: &Gap) {
    out.extend_from_slice(b"event: gap\ndata: ");
    gap(out, it, false);
    out.extend_from_slice(b"\n\n");
}

/// A record as a line.
pub(super) fn line(out: &mut Vec<u8>, record: &Record, epoch: Epoch) {
    message(out, record, epoch);
    out.push(b'\n');
}

/// A gap as a line.
pub(super) fn gap_line(out: &mut Vec<u8>, it: &Gap) {
    gap(out, it, true);
    out.push(b'\n');
}

/// The lines of a text; an empty one has one. The receiver joins them with line feeds.
// req: push-sse-04
fn data(out: &mut Vec<u8>, text: &str) {
    let mut rest = text;
    loop {
        let end = rest.find(['\r', '\n']);
        let (line, after) = rest.split_at(end.unwrap_or(rest.len()));
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(line.as_bytes());
        out.push(b'\n');
        let after = after.strip_prefix("\r\n").or_else(|| after.get(1..));
        match after {
            Some(after) if end.is_some() => rest = after,
            _ => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(payload: Payload, sequence: u64) -> Record {
        Record {
            sequence,
            time: 0,
            expires: None,
            topic: "a".parse().unwrap(),
            payload,
        }
    }

    fn sent(payload: Payload, sequence: u64, envelope: bool) -> String {
        let mut out = Vec::new();
        let epoch = "q".parse().unwrap();
        event(&mut out, &record(payload, sequence), epoch, envelope);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn line_breaks_of_a_text_end_data_lines() {
        for (text, expected) in [
            ("", "id: q-1\ndata: \n\n"),
            ("a", "id: q-1\ndata: a\n\n"),
            ("a\nb", "id: q-1\ndata: a\ndata: b\n\n"),
            ("a\r\nb\rc", "id: q-1\ndata: a\ndata: b\ndata: c\n\n"),
            ("a\n", "id: q-1\ndata: a\ndata: \n\n"),
            ("\n\r\n", "id: q-1\ndata: \ndata: \ndata: \n\n"),
            (": x", "id: q-1\ndata: : x\n\n"),
        ] {
            assert_eq!(
                sent(Payload::Text(text.into()), 1, false),
                expected,
                "{text:?}"
            );
        }
    }

    #[test]
    fn bytes_are_another_event_and_envelopes_are_one_line() {
        let bytes = Payload::Binary(b"\x00\xff".as_slice().into());
        assert_eq!(sent(bytes, 0, false), "event: binary\ndata: AP8=\n\n");
        let text = sent(Payload::Text("a\r\nb".into()), 2, true);
        assert!(
            text.starts_with("id: q-2\ndata: {\"type\":\"message\""),
            "{text}"
        );
        assert!(text.ends_with("\"data\":\"a\\r\\nb\"}\n\n"), "{text}");
    }

    #[test]
    fn streams_say_where_they_begin() {
        let mut out = Vec::new();
        begin(&mut out, "q-4".parse().ok());
        assert_eq!(out, b"retry: 2000\nid: q-4\n\n");
        let mut out = Vec::new();
        let patterns = ["a.*".parse().unwrap(), "b".parse().unwrap()];
        subscribed_line(&mut out, &patterns, "q-4".parse().unwrap(), false);
        let expected = [
            r#"{"type":"subscribed","topics":["a.*","b"],"#,
            r#""position":"q-4","recovered":false}"#,
            "\n",
        ];
        assert_eq!(String::from_utf8(out).unwrap(), expected.concat());
    }
}
