//! What a peer must not send, and the code of the Close frame that tells it so.

use super::endpoint::{Setup, expect_failed, fragments, packed, packed_binary};
use super::zlib::Sender;
use crate::support::driver::{Seen, run};
use crate::support::frames::{Frame, frame, ping, text, wire};
use crate::support::hex;
use wirebell::{Limits, Role, Violation};

/// A description, frames that break a rule with the last or the last but one, and the violation.
type Row = (&'static str, Vec<Frame>, Violation);

/// RSV1 where it has no meaning (section 6.1), with the extension on.
pub fn misplaced_bits() -> Vec<Row> {
    let start = || frame(0x41, &hex("f2"));
    let bit = Violation::ReservedBit;
    vec![
        ("Ping", vec![frame(0xC9, b"")], bit),
        ("Pong", vec![frame(0xCA, b"")], bit),
        ("Close", vec![frame(0xC8, b"")], bit),
        ("a fragment", vec![start(), frame(0x40, &hex("48"))], bit),
        ("the last one", vec![start(), frame(0xC0, &hex("48"))], bit),
        ("plain", vec![frame(0x01, b"a"), frame(0xC0, b"b")], bit),
        ("RSV2", vec![frame(0xA1, &hex("f248cdc9c90700"))], bit),
        ("RSV3", vec![frame(0xD1, &hex("f248cdc9c90700"))], bit),
        ("all", vec![frame(0xF1, &hex("f248cdc9c90700"))], bit),
    ]
}

/// Payloads that are no DEFLATE data (section 7.2.2).
pub fn corrupt() -> Vec<Row> {
    let rows = [
        ("a block of type 3", "06"),
        ("a final block of type 3", "07"),
        ("type 3 after a good block", "f24805000000ffff06"),
        ("too far back", "02020000"),
        ("too far back, into nothing", "f200110000"),
        ("too far back for its own output", "f2481d0500"),
        ("a stored block with a bad length", "000500fafe48656c6c6f00"),
        ("code lengths that are too many", "fcffffffffffff"),
        ("code lengths that are no code", "04e0ffffffffffffff"),
        ("a length code that there is not", "1a0300"),
        ("a distance code that there is not", "023e0000"),
        ("a final block, and no empty one after it", "f348cdc9c90700"),
        ("an empty payload", ""),
    ];
    let rows = rows.map(|(what, payload)| {
        let frames = vec![packed_binary(hex(payload)), ping(b"never")];
        (what, frames, Violation::CorruptDeflate)
    });
    rows.to_vec()
}

/// Payloads that end too early.
pub fn truncated() -> Vec<Row> {
    let rows = [
        ("inside a block", "f248cd"),
        ("inside a stored block", "000500faff4865"),
        ("before the data of a stored block", "00ffff0000"),
        ("before the empty block", "f248cdc9c907"),
    ];
    let rows = rows.map(|(what, payload)| {
        let frames = vec![packed_binary(hex(payload)), ping(b"never")];
        (what, frames, Violation::TruncatedDeflate)
    });
    rows.to_vec()
}

fn expect(rows: Vec<Row>, code: u16) {
    for (what, frames, violation) in rows {
        for setup in [Setup::default(), Setup::client()] {
            for setup in [
                setup.clone(),
                setup.without_budget(),
                setup.with_neighbours(),
            ] {
                let transcript = setup.run(&frames);
                let what = format!("{what} as {:?}", setup.role);
                expect_failed(&transcript, violation, code, &what);
                assert_eq!(transcript.seen.len(), 1, "{what}: {:?}", transcript.seen);
            }
        }
    }
}

// req: 7692-6.1-03 7692-6.1-04
#[test]
fn the_bit_on_other_frames_fails() {
    expect(misplaced_bits(), 1002);
}

// req: 7692-6.1-04
#[test]
fn the_bit_without_negotiation_fails() {
    for role in [Role::Server, Role::Client] {
        let bytes = wire(role, &[packed(hex("f248cdc9c90700"))]);
        let transcript = run(role, &Limits::DEFAULT, [bytes]);
        expect_failed(&transcript, Violation::ReservedBit, 1002, "not negotiated");
    }
}

// req: 7692-7.2.2-i02 7692-6.2-01
#[test]
fn corrupt_data_fails() {
    expect(corrupt(), 1007);
}

// req: 7692-7.2.2-i02 7692-6.2-01
#[test]
fn data_that_is_cut_fails() {
    expect(truncated(), 1007);
}

/// All beginnings of a good payload: none is a message, and each has one of the two verdicts.
#[test]
fn no_beginning_of_a_message_is_one() {
    let plain = super::Data::Json.make(300, 1);
    let payload = Sender::new(9, 15, true).message(&plain);
    for end in 0..payload.len() {
        let transcript = Setup::default().run(&[packed_binary(&payload[..end])]);
        let cut = [Violation::TruncatedDeflate, Violation::CorruptDeflate];
        let violation = transcript.violation().expect("a violation");
        assert!(cut.contains(&violation), "{end}: {violation:?}");
        expect_failed(&transcript, violation, 1007, "cut");
    }
    let whole = Setup::default().run(&[packed_binary(&payload)]);
    assert_eq!(whole.seen, [Seen::Binary(plain)]);
}

/// Without takeover a message has nothing to refer to.
#[test]
fn a_reference_without_takeover_fails() {
    let setup = Setup::with_link(false, 15);
    let hello = packed(hex("f248cdc9c90700"));
    let frames = [hello.clone(), hello, packed(hex("f200110000"))];
    for setup in [setup.clone(), setup.with_neighbours()] {
        let transcript = setup.run(&frames);
        expect_failed(&transcript, Violation::CorruptDeflate, 1007, "no takeover");
        assert_eq!(transcript.seen.len(), 3);
    }
}

/// A peer may go back as far as was agreed on, also into earlier messages, and no further there.
// req: 7692-7.2.2-02 7692-7.2.2-04 7692-7.2.2-07 7692-7.2.2-09
#[test]
fn a_message_reaches_as_far_as_the_window_of_earlier_ones() {
    for bits in 9..=15 {
        let size = 1_usize << bits;
        for (back, good) in [(size, true), (size + 1, false)] {
            // A message that fills the window and one byte before it; one that ends in it.
            let first = crate::support::Rng::new(7).bytes(size + 1);
            let start = first.len() - back;
            let Some(second) = match_at(back) else {
                assert!(back > 32_768);
                continue;
            };
            let setup = Setup::with_link(true, bits);
            let stored = Sender::new(0, 15, true).message(&first);
            let frames = [packed_binary(stored), packed_binary(second)];
            for setup in [
                setup.clone(),
                setup.without_budget(),
                setup.with_neighbours(),
            ] {
                let transcript = setup.run(&frames);
                match good {
                    true => {
                        let expected = Seen::Binary(first[start..start + 3].to_vec());
                        assert_eq!(transcript.seen[1], expected, "{bits} bits");
                    }
                    false => {
                        let what = format!("{back} bytes back with {bits} bits");
                        expect_failed(&transcript, Violation::CorruptDeflate, 1007, &what);
                    }
                }
            }
        }
    }
}

/// A payload that is one match of three bytes at this distance, if DEFLATE can say it.
fn match_at(distance: usize) -> Option<Vec<u8>> {
    let (mut code, mut extra) = (0, 0);
    let mut base = 1;
    while base + (1 << extra) <= distance {
        base += 1 << extra;
        code += 1;
        extra = (code / 2_usize).saturating_sub(1);
    }
    // Block header 010, length code 257, the distance, end of block; an empty block's header.
    let mut bits = vec![false, true, false];
    bits.extend([false, false, false, false, false, false, true]);
    bits.extend((0..5).rev().map(|i| code >> i & 1 == 1));
    bits.extend((0..extra).map(|i| (distance - base) >> i & 1 == 1));
    bits.extend([false; 7 + 3]);
    let byte =
        |bits: &[bool]| (0..8).fold(0, |sum, i| sum | u8::from(bits.get(i) == Some(&true)) << i);
    (code < 30).then(|| bits.chunks(8).map(byte).collect())
}

/// Both fail, in the order of their bytes: a bad frame after a bad message is ignored.
#[test]
fn the_first_violation_counts() {
    let frames = [packed_binary(hex("06")), frame(0xC9, b"")];
    let transcript = Setup::default().run(&frames);
    expect_failed(&transcript, Violation::CorruptDeflate, 1007, "data first");
    let frames = [frame(0xC9, b""), packed_binary(hex("06"))];
    let transcript = Setup::default().run(&frames);
    expect_failed(&transcript, Violation::ReservedBit, 1002, "frame first");
}

/// A message in parts fails with the part that is bad, not at its end.
#[test]
fn corrupt_data_fails_as_soon_as_it_shows() {
    let whole = hex("f24805000000ffff06");
    let early = fragments(0x42, &[&whole[..], b"never"])[..1].to_vec();
    let transcript = Setup::default().run(&early);
    expect_failed(&transcript, Violation::CorruptDeflate, 1007, "first part");
    // Without memory for an inflater the same message waits for its end.
    let waiting = Setup::default().without_budget();
    assert_eq!(waiting.run(&early).seen, []);
    let rest = [early, vec![frame(0x80, b"never"), text("never")]].concat();
    let transcript = waiting.run(&rest);
    expect_failed(&transcript, Violation::CorruptDeflate, 1007, "at its end");
}
