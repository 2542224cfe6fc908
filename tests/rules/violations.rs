//! One row per [`Violation`]: the bytes that break the rule, and all that follows from it.

use crate::support::driver::{Seen, run, run_whole};
use crate::support::frames::{FIN, RSV1, RSV2, RSV3};
use crate::support::frames::{binary, close, end, frame, head, length_in_2, length_in_8};
use crate::support::frames::{more, ping, pong, text, text_start, wire};
use wirebell::{Limits, Role, State, Violation};

/// Limits that a few bytes pass.
pub const SMALL: Limits = Limits::DEFAULT
    .frame_bytes(10)
    .message_bytes(15)
    .fragments(3);

/// A way to break a rule.
pub struct Row {
    pub receiver: Role,
    pub limits: Limits,
    pub bytes: Vec<u8>,
    pub breaks: Violation,
}

fn row(breaks: Violation, receiver: Role, bytes: Vec<u8>) -> Row {
    Row {
        receiver,
        limits: SMALL,
        bytes,
        breaks,
    }
}

/// What is the same for both roles.
fn rows_for(role: Role) -> Vec<Row> {
    use Violation as V;
    let masked = role == Role::Server;
    let bytes = |frames: &[_]| wire(role, frames);
    let long = |length: &[u8]| [head(0x82, masked, length), vec![0; 8]].concat();
    let row = |breaks, bytes| row(breaks, role, bytes);
    vec![
        row(V::ReservedBit, bytes(&[frame(FIN | RSV1 | 1, b"")])),
        row(V::ReservedBit, bytes(&[frame(FIN | RSV2 | 1, b"")])),
        row(V::ReservedBit, bytes(&[frame(FIN | RSV3 | 1, b"")])),
        row(V::ReservedOpcode, bytes(&[frame(FIN | 3, b"")])),
        row(V::ReservedOpcode, bytes(&[frame(FIN | 0xB, b"")])),
        row(V::FragmentedControl, bytes(&[frame(0x9, b"")])),
        row(V::FragmentedControl, bytes(&[frame(0x8, b"")])),
        row(V::OversizedControl, bytes(&[ping(&[0; 126])])),
        row(V::NonMinimalLength, long(&length_in_2(125))),
        row(V::NonMinimalLength, long(&length_in_8(0xFFFF))),
        row(V::LengthTopBit, long(&length_in_8(1 << 63))),
        row(V::UnexpectedContinuation, bytes(&[end(b"")])),
        row(V::UnexpectedContinuation, bytes(&[text("a"), more(b"")])),
        row(V::InterleavedMessage, bytes(&[text_start("a"), text("b")])),
        row(
            V::InterleavedMessage,
            bytes(&[text_start("a"), text_start("b")]),
        ),
        row(V::CloseBodyCutShort, bytes(&[frame(0x88, &[3])])),
        row(V::InvalidCloseCode, bytes(&[close(1005, "")])),
        row(V::CloseReasonNotUtf8, bytes(&[close(1000, [0xFF])])),
        row(V::InvalidUtf8, bytes(&[text([0xC0, 0x80])])),
        row(V::InvalidUtf8, bytes(&[text_start([0xCE]), end(b"a")])),
        row(V::InvalidUtf8, bytes(&[text([0xCE])])),
        row(V::FrameTooBig, bytes(&[binary(&[0; 11])])),
        row(V::FrameTooBig, long(&length_in_8(1 << 60))),
        row(
            V::MessageTooBig,
            bytes(&[text_start([b'a'; 10]), end([b'a'; 6])]),
        ),
        row(
            V::TooManyFragments,
            bytes(&[text_start(""), more(""), more(""), end("")]),
        ),
    ]
}

/// At least one row for each violation that there is.
pub fn rows() -> Vec<Row> {
    let mut rows = rows_for(Role::Client);
    rows.extend(rows_for(Role::Server));
    for frame in [text("Hello"), ping(b""), close(1000, "")] {
        let (unmasked, masked) = (Violation::UnmaskedFrame, Violation::MaskedFrame);
        let wrong = |role| frame.clone().wrong_mask().to(role);
        rows.push(row(unmasked, Role::Server, wrong(Role::Server)));
        rows.push(row(masked, Role::Client, wrong(Role::Client)));
    }
    rows
}

/// What the RFC says about each: the code, the section, and the reason in the Close frame.
const MEANINGS: [(Violation, u16, &str, &str); 20] = [
    (
        Violation::ReservedBit,
        1002,
        "5.2",
        "reserved bit set without an extension",
    ),
    (Violation::ReservedOpcode, 1002, "5.2", "reserved opcode"),
    (
        Violation::FragmentedControl,
        1002,
        "5.5",
        "fragmented control frame",
    ),
    (
        Violation::OversizedControl,
        1002,
        "5.5",
        "control frame over 125 bytes",
    ),
    (
        Violation::UnmaskedFrame,
        1002,
        "5.1",
        "client frame without mask",
    ),
    (
        Violation::MaskedFrame,
        1002,
        "5.1",
        "server frame with mask",
    ),
    (
        Violation::NonMinimalLength,
        1002,
        "5.2",
        "length not in its shortest form",
    ),
    (
        Violation::LengthTopBit,
        1002,
        "5.2",
        "top bit of 64-bit length set",
    ),
    (
        Violation::UnexpectedContinuation,
        1002,
        "5.4",
        "continuation without a message",
    ),
    (
        Violation::InterleavedMessage,
        1002,
        "5.4",
        "new message inside a fragmented one",
    ),
    (
        Violation::CloseBodyCutShort,
        1002,
        "5.5.1",
        "close body of one byte",
    ),
    (
        Violation::InvalidCloseCode,
        1002,
        "7.4",
        "close code that may not be sent",
    ),
    (
        Violation::CloseReasonNotUtf8,
        1007,
        "8.1",
        "close reason is not UTF-8",
    ),
    (Violation::InvalidUtf8, 1007, "8.1", "text is not UTF-8"),
    (Violation::FrameTooBig, 1009, "10.4", "frame over the limit"),
    (
        Violation::MessageTooBig,
        1009,
        "10.4",
        "message over the limit",
    ),
    (
        Violation::TooManyFragments,
        1008,
        "10.4",
        "too many fragments in one message",
    ),
    (
        Violation::CorruptDeflate,
        1007,
        "7.2.2",
        "compressed data is corrupt",
    ),
    (
        Violation::TruncatedDeflate,
        1007,
        "7.2.2",
        "compressed data is cut short",
    ),
    (
        Violation::InflateRatio,
        1008,
        "8",
        "compressed data expands too much",
    ),
];

#[test]
fn every_violation_has_its_code_section_and_text() {
    let named: Vec<_> = MEANINGS.iter().map(|(violation, ..)| *violation).collect();
    assert_eq!(named, Violation::ALL);
    for (violation, code, section, words) in MEANINGS {
        assert_eq!(violation.close_code().get(), code, "{violation:?}");
        assert_eq!(violation.section(), section, "{violation:?}");
        assert_eq!(violation.text(), words, "{violation:?}");
        assert_eq!(
            violation.to_string(),
            format!("{words} (RFC {} section {section})", violation.rfc())
        );
    }
}

#[test]
fn no_violation_lacks_a_row() {
    let rows = rows();
    // Those of RFC 7692 need an inflater, and have their own tests.
    for violation in Violation::ALL
        .iter()
        .filter(|violation| violation.rfc() == 6455)
    {
        assert!(
            rows.iter().any(|row| row.breaks == *violation),
            "{violation:?}"
        );
    }
}

#[test]
// req: 6455-5.1-02 6455-5.1-05 6455-5.2-03 6455-5.2-04 6455-5.2-05 6455-5.2-06 6455-5.4-02
// req: 6455-5.4-04 6455-5.4-12 6455-5.5-01 6455-5.5-02 6455-5.5.1-02 6455-5.6-01 6455-6.2-04
// req: 6455-7.1.7-03 6455-8.1-01 6455-10.4-01 6455-10.7-01 6455-7.1.7-01
fn every_row_fails_with_its_violation_and_one_exact_close_frame() {
    for Row {
        receiver,
        limits,
        bytes,
        breaks,
    } in rows()
    {
        let transcript = run(receiver, &limits, [&bytes]);
        let context = format!("{receiver:?} {breaks:?}: {bytes:02x?}");
        assert_eq!(transcript.violation(), Some(breaks), "{context}");
        assert_eq!(transcript.state, State::Failed, "{context}");
        let (_, code, _, words) = MEANINGS
            .iter()
            .find(|row| row.0 == breaks)
            .expect("a meaning");
        let [sent] = &transcript.frames()[..] else {
            panic!("{context}: sent {:02x?}", transcript.sent);
        };
        assert_eq!(sent.frame(), close(*code, words), "{context}");
        assert_eq!(sent.key.is_some(), receiver == Role::Client, "{context}");
    }
}

/// The bytes of a server's Close frame, without help of any decoder.
#[test]
fn the_close_frame_of_a_server_to_the_byte() {
    let transcript = run_whole(Role::Server, &[0x83]);
    assert_eq!(transcript.sent, b"\x88\x11\x03\xeareserved opcode");
}

/// A Ping with a payload that is no frame header: were it read on, the answer would show.
pub fn tempting(receiver: Role) -> Vec<u8> {
    wire(
        receiver,
        &[text("Hello"), ping(b"p"), pong(b"q"), close(1000, "bye")],
    )
}

#[test]
// req: 6455-7.1.7-07 6455-5.5.1-06
fn after_a_failure_nothing_in_the_same_read_is_processed() {
    for Row {
        receiver,
        limits,
        bytes,
        breaks,
    } in rows()
    {
        let alone = run(receiver, &limits, [&bytes]);
        let followed = [bytes.clone(), tempting(receiver)].concat();
        let together = run(receiver, &limits, [&followed]);
        let apart = run(receiver, &limits, [&bytes, &tempting(receiver)]);
        assert_eq!(together, alone, "{receiver:?} {breaks:?}, in the same read");
        assert_eq!(apart, alone, "{receiver:?} {breaks:?}, in the next read");
    }
}

#[test]
fn good_messages_in_front_of_a_failure_are_delivered() {
    for Row {
        receiver,
        limits,
        bytes,
        breaks,
    } in rows()
    {
        let good = wire(
            receiver,
            &[text("good"), ping(b"p"), text_start("a"), end("b")],
        );
        let transcript = run(receiver, &limits, [[good, bytes].concat()]);
        let first = [
            Seen::Text("good".into()),
            Seen::Ping(b"p".to_vec()),
            Seen::Text("ab".into()),
        ];
        assert_eq!(transcript.seen[..3], first, "{receiver:?} {breaks:?}");
        assert_eq!(transcript.violation(), Some(breaks), "{receiver:?}");
        let frames = transcript.frames();
        assert_eq!(frames[0].frame(), pong(b"p"));
        assert_eq!(
            frames.len(),
            2,
            "{receiver:?} {breaks:?}: a Pong and a Close"
        );
    }
}
