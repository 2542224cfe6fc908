//! UTF-8 is a matter of what a message says, not of the bytes that carry it (sections 6.1 and
//! 6.2), and is judged as soon as it is there.

use super::endpoint::{Endpoint, Setup, expect_failed, fragments, packed, packed_binary};
use super::zlib::Sender;
use crate::support::driver::Seen;
use crate::support::frames::{frame, ping, wire};
use crate::support::hex;
use wirebell::{Role, State, Violation};

const BAD: [&[u8]; 6] = [
    b"\xff",
    b"bad at the end \xc3",
    b"\xed\xa0\x80 a surrogate",
    b"\xf4\x90\x80\x80 too large",
    b"\xc0\xaf overlong",
    b"good, then \xe2\x82 cut",
];

fn compressed(plain: &[u8]) -> Vec<u8> {
    Sender::new(6, 15, false).message(plain)
}

// req: 7692-6.1-i02
#[test]
fn text_that_is_not_utf8_fails() {
    for plain in BAD {
        for setup in [
            Setup::default(),
            Setup::client(),
            Setup::default().without_budget(),
        ] {
            let transcript = setup.run(&[packed(compressed(plain)), ping(b"never")]);
            expect_failed(&transcript, Violation::InvalidUtf8, 1007, "text");
            assert_eq!(transcript.seen.len(), 1);
        }
        let binary = Setup::default().run(&[packed_binary(compressed(plain))]);
        assert_eq!(binary.seen, [Seen::Binary(plain.to_vec())]);
    }
}

// req: 7692-6.1-i02
#[test]
fn the_compressed_bytes_need_not_be_utf8() {
    for plain in ["Hello", "κόσμε €𝄞", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", ""] {
        let payload = compressed(plain.as_bytes());
        let bad = std::str::from_utf8(&payload).is_err();
        assert!(bad || plain.is_empty(), "{payload:02x?} tests nothing");
        let transcript = Setup::default().run(&[packed(&payload)]);
        assert_eq!(transcript.seen, [Seen::Text(plain.into())]);
    }
}

/// Fragments cut characters as well as the bits of their codes.
#[test]
fn characters_may_be_cut_anywhere() {
    let plain = "κόσμε €𝄞 κόσμε";
    for stored in [0, 6] {
        let payload = Sender::new(stored, 15, false).message(plain.as_bytes());
        for cut in 0..=payload.len() {
            let (head, tail) = payload.split_at(cut);
            let transcript = Setup::default().run(&fragments(0x41, &[head, tail]));
            assert_eq!(transcript.seen, [Seen::Text(plain.into())], "cut at {cut}");
        }
    }
}

/// The bad byte is in the first part; the others never come.
#[test]
fn bad_text_fails_before_its_message_ends() {
    let stored = hex("00 0300 fcff 61ff62 00");
    let start = frame(0x41, &stored[..7]);
    let transcript = Setup::default().run(std::slice::from_ref(&start));
    expect_failed(&transcript, Violation::InvalidUtf8, 1007, "first part");
    // Byte by byte it fails with the very byte.
    let mut endpoint = Endpoint::new(&Setup::default());
    let bytes = start.to(Role::Server);
    let (last, before) = bytes.split_last().expect("a frame");
    before.iter().for_each(|byte| endpoint.feed(&[*byte]));
    assert_eq!(endpoint.connection.state(), State::Open);
    endpoint.feed(&[*last]);
    assert_eq!(endpoint.connection.state(), State::Failed);
    expect_failed(&endpoint.transcript(), Violation::InvalidUtf8, 1007, "byte");
}

/// A cut character at the end of a message is not saved by the next one.
#[test]
fn a_character_ends_with_its_message() {
    let euro = "€".as_bytes();
    let frames = [
        packed(compressed(&euro[..2])),
        packed(compressed(&euro[2..])),
    ];
    let transcript = Setup::default().feed(wire(Role::Server, &frames).chunks(1));
    expect_failed(&transcript, Violation::InvalidUtf8, 1007, "cut character");
    assert_eq!(transcript.seen.len(), 1);
}

/// What is bad first is what counts: text before data, data before text.
#[test]
fn the_first_fault_of_a_message_counts() {
    // "a", ff in a stored block, then a block of type 3; and the other way round.
    let text_first = packed(hex("000200fdff61ff06"));
    let data_first = packed(hex("000200fdff616206ff"));
    let rows = [
        (text_first, Violation::InvalidUtf8),
        (data_first, Violation::CorruptDeflate),
    ];
    for (frame, violation) in rows {
        let bytes = wire(Role::Server, &[frame]);
        let whole = Setup::default().feed([&bytes]);
        expect_failed(&whole, violation, 1007, "whole");
        assert_eq!(Setup::default().feed(bytes.chunks(1)), whole);
    }
}
