//! A violation is reported with the first byte that shows it, and not one byte later: a peer that
//! cannot be right gets no more of our time.

use crate::rules::violations::SMALL;
use crate::support::driver::{Driver, Seen};
use crate::support::frames::{binary, close, end, frame, head, length_in_2, length_in_8};
use crate::support::frames::{more, ping, text, text_start, wire};
use wirebell::{Limits, Role, Violation};

/// Feeds byte by byte: after how many bytes it fails, and with what.
fn fails_after(role: Role, limits: &Limits, bytes: &[u8]) -> (usize, Violation) {
    let mut driver = Driver::new(role, limits);
    for (i, byte) in bytes.iter().enumerate() {
        driver.feed(&[*byte]);
        if let Some(Seen::Failed(violation)) = driver.seen.last() {
            return (i + 1, *violation);
        }
    }
    panic!("no failure within {bytes:02x?}");
}

/// Without a mask towards a client; four bytes of key later towards a server.
#[track_caller]
fn expect(limits: &Limits, frames: &[crate::support::frames::Frame], at: At) {
    for role in [Role::Client, Role::Server] {
        let bytes = wire(role, frames);
        let good = wire(role, &frames[..frames.len() - 1]).len();
        let key = if role == Role::Server { 4 } else { 0 };
        let expected = match at.byte {
            Byte::OfHeader(n) => good + n,
            Byte::EndOfHeader(n) => good + n + key,
            Byte::OfPayload(n) => good + 2 + key + n,
        };
        let failed = fails_after(role, limits, &bytes);
        assert_eq!(failed, (expected, at.breaks), "{role:?} {frames:02x?}");
    }
}

struct At {
    byte: Byte,
    breaks: Violation,
}

/// Counted from the beginning of the last frame, whose length is in one byte unless said.
#[derive(Clone, Copy)]
enum Byte {
    /// This many bytes of the header, whether or not a key follows.
    OfHeader(usize),
    /// The whole header: this many bytes and the key, if there is one.
    EndOfHeader(usize),
    /// The header and this many bytes of payload.
    OfPayload(usize),
}

fn at(byte: Byte, breaks: Violation) -> At {
    At { byte, breaks }
}

#[test]
// req: 6455-5.2-03 6455-5.2-04 6455-5.4-02
fn the_first_byte() {
    let first = |breaks| at(Byte::OfHeader(1), breaks);
    let limits = Limits::default();
    for reserved in [0x83, 0x87, 0x8B, 0x8F, 0x03, 0xF3] {
        expect(
            &limits,
            &[frame(reserved, b"x")],
            first(Violation::ReservedOpcode),
        );
    }
    for bits in [0xA1, 0x91, 0xB2, 0xF1, 0xC8, 0xC9, 0xCA] {
        expect(&limits, &[frame(bits, b"x")], first(Violation::ReservedBit));
    }
    // RSV1 on a continuation frame has no meaning in any extension.
    let continued = [text_start("a"), frame(0xC0, b"x")];
    expect(&limits, &continued, first(Violation::ReservedBit));
    for half in [0x08, 0x09, 0x0A] {
        expect(
            &limits,
            &[frame(half, b"x")],
            first(Violation::FragmentedControl),
        );
    }
}

#[test]
// req: 6455-5.1-02 6455-5.1-05 6455-5.5-01
fn the_second_byte() {
    for (role, breaks) in [
        (Role::Server, Violation::UnmaskedFrame),
        (Role::Client, Violation::MaskedFrame),
    ] {
        for frame in [text("Hello"), binary(&[0; 200]), ping(b""), close(1000, "")] {
            let bytes = frame.wrong_mask().to(role);
            assert_eq!(fails_after(role, &Limits::default(), &bytes), (2, breaks));
        }
    }
    let second = at(Byte::OfHeader(2), Violation::OversizedControl);
    expect(&Limits::default(), &[ping(&[0; 126])], second);
}

#[test]
// req: 6455-5.2-05 6455-5.2-06
fn the_bytes_of_the_length() {
    for role in [Role::Client, Role::Server] {
        let fails = |length: &[u8]| {
            let header = head(0x82, role == Role::Server, length);
            fails_after(role, &Limits::default(), &header)
        };
        // The top bit is in the first of the eight bytes, the third of the frame.
        assert_eq!(fails(&length_in_8(1 << 63)), (3, Violation::LengthTopBit));
        assert_eq!(fails(&length_in_8(u64::MAX)), (3, Violation::LengthTopBit));
        assert_eq!(fails(&length_in_2(125)), (4, Violation::NonMinimalLength));
        assert_eq!(
            fails(&length_in_8(65_535)),
            (10, Violation::NonMinimalLength)
        );
    }
}

#[test]
// req: 6455-5.4-04 6455-10.4-01
fn the_end_of_the_header() {
    let header = |breaks| at(Byte::EndOfHeader(2), breaks);
    let limits = Limits::default();
    expect(
        &limits,
        &[frame(0xC1, b"x")],
        header(Violation::ReservedBit),
    );
    expect(
        &limits,
        &[end("x")],
        header(Violation::UnexpectedContinuation),
    );
    expect(
        &limits,
        &[text("a"), more("x")],
        header(Violation::UnexpectedContinuation),
    );
    expect(
        &limits,
        &[text_start("a"), text("x")],
        header(Violation::InterleavedMessage),
    );

    expect(&SMALL, &[binary(&[0; 11])], header(Violation::FrameTooBig));
    let sixteen = [text_start([b'a'; 10]), end([b'a'; 6])];
    expect(&SMALL, &sixteen, header(Violation::MessageTooBig));
    let four = [text_start(""), more(""), more(""), end("x")];
    expect(&SMALL, &four, header(Violation::TooManyFragments));

    let two = at(Byte::EndOfHeader(4), Violation::FrameTooBig);
    expect(&SMALL, &[binary(&[0; 126])], two);
    let eight = at(Byte::EndOfHeader(10), Violation::FrameTooBig);
    expect(&SMALL, &[binary(&[0; 65_536])], eight);
}

#[test]
// req: 6455-5.6-01 6455-8.1-01
fn the_first_bad_byte_of_a_text() {
    let rows: [(&[u8], usize); 12] = [
        (b"\x80and more", 1),
        (b"\xff", 1),
        (b"good\xc0", 5),
        (b"\xc1\xbf", 1),
        (b"\xe0\x9f\xbf tail", 2),
        (b"\xed\xa0\x80 tail", 2),
        (b"\xf0\x8f\xbf\xbf", 2),
        (b"\xf4\x90\x80\x80", 2),
        (b"\xf5\x80\x80\x80", 1),
        (b"\xce\xbaabc\xce", 6),
        (b"a\xe2\x82b tail", 4),
        (b"\xf0\x9d\x84a tail", 4),
    ];
    for (bytes, bad) in rows {
        let payload = at(Byte::OfPayload(bad), Violation::InvalidUtf8);
        expect(&Limits::default(), &[text(bytes)], payload);
    }
    // Over fragments, with a Ping between: the byte that breaks the character.
    let frames = [text_start([0xE2, 0x82]), ping(b"p"), more("A tail")];
    expect(
        &Limits::default(),
        &frames,
        at(Byte::OfPayload(1), Violation::InvalidUtf8),
    );
    // An unfinished character, when the last frame says that nothing follows.
    let frames = [text_start([0xE2, 0x82]), end("")];
    expect(
        &Limits::default(),
        &frames,
        at(Byte::EndOfHeader(2), Violation::InvalidUtf8),
    );
}

/// Control frames are judged when they are whole: they are short, and their mask hides the code.
#[test]
// req: 6455-5.5.1-02
fn the_last_byte_of_a_close() {
    let limits = Limits::default();
    let last = |n, breaks| at(Byte::OfPayload(n), breaks);
    expect(
        &limits,
        &[frame(0x88, &[3])],
        last(1, Violation::CloseBodyCutShort),
    );
    expect(
        &limits,
        &[close(1005, "")],
        last(2, Violation::InvalidCloseCode),
    );
    expect(
        &limits,
        &[close(999, "why")],
        last(5, Violation::InvalidCloseCode),
    );
    let bad_reason = close(1000, [b'a', 0xFF, b'b']);
    expect(
        &limits,
        &[bad_reason],
        last(5, Violation::CloseReasonNotUtf8),
    );
}
