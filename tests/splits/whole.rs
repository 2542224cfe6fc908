//! A message that has come whole, in one frame of less than 64 KiB, takes a path of its own through
//! the connection. It must see what the general path sees, which the same bytes take if the last
//! one comes late.

use super::Case;
use crate::support::Rng;
use crate::support::frames::{Frame, binary, binary_start, end, text, text_start, wire};
use wirebell::{Limits, Role};

/// The whole frame at once, but for its last byte, byte by byte, and with more after it; to both
/// roles, and to each what is meant for the other.
fn compare(limits: &Limits, frames: &[Frame]) {
    for (role, meant_for) in [Role::Server, Role::Client]
        .into_iter()
        .flat_map(|role| [Role::Server, Role::Client].map(|meant_for| (role, meant_for)))
    {
        let case = Case {
            role,
            limits: *limits,
            bytes: wire(meant_for, frames),
        };
        let whole = case.run(&[]);
        let len = case.bytes.len();
        case.expect(&[len - 1], &whole);
        let every: Vec<usize> = (0..len).collect();
        case.expect(&every, &whole);
    }
}

#[test]
// req: 6455-6.2-01 6455-6.2-07
fn every_length_around_the_border() {
    let mut rng = Rng::new(125);
    for length in 0..=130 {
        let letters: String = (0..length).map(|i| (b'a' + i % 26) as char).collect();
        for frame in [binary(&rng.bytes(length.into())), text(letters)] {
            let frames = [frame.clone(), binary(b"next"), frame];
            compare(&Limits::default(), &frames);
        }
    }
}

/// Cut inside the header and before the last byte, and with more after it.
fn compare_long(limits: &Limits, role: Role, bytes: Vec<u8>) {
    let case = Case {
        role,
        limits: *limits,
        bytes,
    };
    let whole = case.run(&[]);
    let len = case.bytes.len();
    for cut in (0..len.min(12)).chain([len - 1]) {
        case.expect(&[cut], &whole);
    }
}

#[test]
// req: 6455-6.2-01 6455-6.2-07 6455-8.1-01
fn lengths_of_more_than_seven_bits() {
    let mut rng = Rng::new(65_535);
    for length in [126, 127, 255, 256, 4_096, 65_534, 65_535, 65_536, 65_537] {
        let letters: String = (0..length)
            .map(|i| (b'a' + (i % 26) as u8) as char)
            .collect();
        let cut_short = [letters.as_bytes(), &[0xCE]].concat();
        for frame in [binary(&rng.bytes(length)), text(letters), text(cut_short)] {
            for role in [Role::Server, Role::Client] {
                let frames = [binary(b"before"), frame.clone(), text("after")];
                compare_long(&Limits::default(), role, wire(role, &frames));
                compare_long(&Limits::default(), role, wire(role, &frames[1..]));
            }
        }
    }
}

#[test]
// req: 6455-5.2-06
fn lengths_that_are_not_the_shortest() {
    for length in [0, 1, 125, 126] {
        let payload = vec![b'a'; length.into()];
        let header = [0x81, 0xFE, 0, length, 0, 0, 0, 0];
        compare_long(
            &Limits::default(),
            Role::Server,
            [&header[..], &payload].concat(),
        );
        let header = [0x81, 0x7E, 0, length];
        compare_long(
            &Limits::default(),
            Role::Client,
            [&header[..], &payload, b"\x81\x00"].concat(),
        );
    }
}

#[test]
// req: 6455-10.4-01
fn limits_of_more_than_seven_bits() {
    for length in [299, 300, 301] {
        for limits in [
            Limits::default().frame_bytes(300),
            Limits::default().message_bytes(300),
        ] {
            for role in [Role::Server, Role::Client] {
                let frames = [binary(&vec![7; length]), text("")];
                compare_long(&limits, role, wire(role, &frames));
            }
        }
    }
}

#[test]
// req: 6455-10.4-01
fn limits_below_the_border() {
    for most in [0, 1, 5, 124, 125, 126] {
        for length in [0, 1, 2, 4, 5, 6, 123, 124, 125, 126, 127] {
            let frames = [binary(&vec![7; length]), text("")];
            for limits in [
                Limits::default().frame_bytes(most),
                Limits::default().message_bytes(most),
                Limits::default().frame_bytes(most).fragments(1),
            ] {
                compare(&limits, &frames);
            }
        }
    }
}

#[test]
// req: 6455-8.1-01 6455-5.4-04
fn texts_that_are_wrong_and_messages_inside_others() {
    let bad: [&[u8]; 5] = [
        b"\xff",
        b"a\xce",
        b"\xed\xa0\x80",
        b"abc\xc0\x80",
        b"\xf0\x9d\x84",
    ];
    for payload in bad {
        compare(&Limits::default(), &[text("good"), text(payload)]);
        compare(&Limits::default(), &[text_start(payload), end("")]);
    }
    for open in [text_start("a"), binary_start(b"a"), text_start([0xCE])] {
        for inside in [text("b"), binary(b"b"), text("")] {
            compare(&Limits::default(), &[open.clone(), inside]);
        }
    }
}

/// Payload that looks like a short message: inside a frame it is none.
#[test]
// req: 6455-6.2-01
fn payload_that_looks_like_a_message() {
    let inner = wire(Role::Server, &[text("inner")]);
    // Masked with zeros, the payload is on the wire unchanged.
    let outer = [&[0x82, 0x80 | inner.len() as u8, 0, 0, 0, 0][..], &inner].concat();
    let case = Case {
        role: Role::Server,
        limits: Limits::default(),
        bytes: [outer.clone(), outer].concat(),
    };
    let whole = case.run(&[]);
    assert_eq!(whole.seen.len(), 2);
    for cut in 0..=case.bytes.len() {
        case.expect(&[cut], &whole);
    }
}
