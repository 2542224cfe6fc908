//! Messages in one frame and in many, sections 5.4, 5.6 and 6.2.

use crate::support::Rng;
use crate::support::driver::{Driver, Seen, run_whole};
use crate::support::frames::{Frame, binary, end, more, text, wire};
use crate::support::frames::{binary_start, text_start};
use wirebell::{Assembler, Event, Limits, MessageKind, Piece, Role};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// `payload` in `parts` frames of a text message.
fn fragments(payload: &[u8], parts: usize) -> Vec<Frame> {
    if parts == 1 {
        return vec![text(payload)];
    }
    let size = payload.len() / parts;
    let (first, rest) = payload.split_at(size);
    let mut frames = vec![text_start(first)];
    let mut rest = rest;
    for _ in 2..parts {
        let (part, after) = rest.split_at(size);
        frames.push(more(part));
        rest = after;
    }
    frames.push(end(rest));
    frames
}

#[test]
// req: 6455-5.4-03 6455-5.4-07 6455-5.6-01 6455-6.2-03
fn the_same_text_in_any_number_of_frames_is_the_same_message() {
    let payload = "a κόσμε €𝄞 z, and so on until the end of the line".as_bytes();
    let expected = [Seen::Text(String::from_utf8(payload.to_vec()).unwrap())];
    for role in ROLES {
        for parts in 1..=payload.len() {
            let transcript = run_whole(role, &wire(role, &fragments(payload, parts)));
            assert_eq!(transcript.seen, expected, "{parts} parts");
        }
    }
}

#[test]
// req: 6455-5.4-12 6455-6.2-03 6455-6.2-04
fn each_message_has_the_type_of_its_first_frame() {
    let frames = [
        binary_start(&[0xFF]),
        end([0xFE]),
        text_start("a"),
        end("b"),
        binary(&[0x80]),
        text("c"),
        text_start(""),
        more(""),
        end(""),
    ];
    for role in ROLES {
        let transcript = run_whole(role, &wire(role, &frames));
        let expected = [
            Seen::Binary(vec![0xFF, 0xFE]),
            Seen::Text("ab".into()),
            Seen::Binary(vec![0x80]),
            Seen::Text("c".into()),
            Seen::Text(String::new()),
        ];
        assert_eq!(transcript.seen, expected);
    }
}

/// Every payload length and every place in memory, against a mask applied byte by byte.
#[test]
// req: 6455-6.2-07
fn a_server_takes_the_mask_off() {
    let mut rng = Rng::new(53);
    for length in 0..=140 {
        for offset in [0, 1, 2, 3, 7, 15, 31] {
            let payload = rng.bytes(length);
            let mut buffer = vec![0; offset];
            buffer.extend(binary(&payload).to(Role::Server));
            let mut driver = Driver::new(Role::Server, &Limits::default());
            driver.receive(&mut buffer[offset..]);
            assert_eq!(driver.seen, [Seen::Binary(payload)], "{length} at {offset}");
        }
    }
}

/// A key of zeros is allowed by section 5.3 and changes nothing.
#[test]
// req: 6455-6.2-07
fn a_mask_of_zeros() {
    let mut bytes = vec![0x81, 0x80 | 5, 0, 0, 0, 0];
    bytes.extend(b"Hello");
    assert_eq!(
        run_whole(Role::Server, &bytes).seen,
        [Seen::Text("Hello".into())]
    );
}

/// The assembler against the plain concatenation, with its memory used again.
#[test]
// req: 6455-5.4-03
fn the_assembler_puts_pieces_together_in_their_order() {
    let mut driver = Driver::new(Role::Client, &Limits::default());
    let mut assembler = Assembler::new();
    for payload in [
        "",
        "a",
        "whole",
        "in several pieces, the longest of all",
        "short again",
    ] {
        for parts in [1, 2, payload.len()] {
            if parts == 0 || parts > payload.len().max(1) {
                continue;
            }
            let mut bytes = wire(Role::Client, &fragments(payload.as_bytes(), parts));
            let mut rest = &mut bytes[..];
            let mut messages = Vec::new();
            while !rest.is_empty() {
                let received = driver.connection.receive(rest, &mut driver.outbox);
                let consumed = received.consumed;
                if let Some(Event::Piece(piece)) = received.event
                    && let Some(message) = assembler.push(piece)
                {
                    assert_eq!(message.kind, MessageKind::Text);
                    messages.push(message.as_text().expect("text").to_owned());
                    assembler.clear();
                }
                rest = &mut rest[consumed..];
            }
            assert_eq!(messages, [payload], "{parts} parts");
            assert!(assembler.is_empty());
        }
    }
}

/// A large payload may be read straight into the room that the assembler lends.
#[test]
// req: 6455-5.4-03
fn a_payload_read_into_the_room_of_the_assembler() {
    let payload = Rng::new(9).bytes(300_000);
    let bytes = binary(&payload).to(Role::Server);
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let mut assembler = Assembler::new();
    let mut front = bytes[..1000].to_vec();
    let received = driver.connection.receive(&mut front, &mut driver.outbox);
    let Some(Event::Piece(piece)) = received.event else {
        panic!("the first bytes of the payload");
    };
    assert!(piece.first && assembler.push(piece).is_none());
    let mut at = 1000;
    while at < bytes.len() {
        let left = driver.connection.payload_left();
        assert_eq!(left, (bytes.len() - at) as u64);
        let spare = assembler.spare(10_007, left);
        let len = spare.len();
        assert!(len > 0 && len <= 10_007);
        spare.copy_from_slice(&bytes[at..at + len]);
        let received = driver.connection.receive(spare, &mut driver.outbox);
        assert_eq!(received.consumed, len);
        assembler.advance(len);
        at += len;
    }
    assert_eq!(assembler.bytes(), payload);
    assert!(!driver.connection.in_message());
    assert_eq!(driver.connection.payload_left(), 0);
}

/// Memory follows what has arrived, never what a header announces, and is given back.
#[test]
// req: 6455-10.4-01
fn the_memory_of_an_assembler_is_bounded_by_what_has_arrived() {
    let piece = |bytes: &'static [u8]| Piece {
        kind: MessageKind::Binary,
        bytes,
        first: true,
        last: false,
        compressed: false,
    };
    let mut assembler = Assembler::new();
    assert_eq!(assembler.growth(u64::MAX), 0, "nothing has arrived");
    assert!(assembler.spare(u64::MAX, u64::MAX).is_empty());
    assembler.push(piece(&[7; 20_000]));
    for left in [1, 4_095, 4_096, 50_000, 80_000, 80_001, u64::MAX] {
        let mut copy = Assembler::with_memory(Vec::with_capacity(21_000));
        copy.push(piece(&[7; 20_000]));
        let (before, growth) = (copy.capacity(), copy.growth(left));
        let room = copy.spare(u64::MAX, left).len() as u64;
        assert_eq!(copy.capacity(), before + growth, "{left} left");
        assert_eq!(growth == 0, left < 1_000, "{left} left");
        assert_eq!(room, left.min(80_000), "{left} left");
    }
    assembler.spare(u64::MAX, u64::MAX);
    assembler.shrink();
    assert_eq!(assembler.capacity(), 100_000, "it holds part of a message");
    assembler.clear();
    assembler.shrink();
    assert_eq!(assembler.capacity(), 0);
    let mut little = Assembler::with_memory(Vec::with_capacity(64 * 1024));
    little.shrink();
    assert_eq!(little.capacity(), 64 * 1024, "little memory stays");
}

/// A header alone lends nothing; from then on the connection is in a message until its last byte.
#[test]
fn a_connection_says_what_it_is_in_the_middle_of() {
    let mut driver = Driver::new(Role::Client, &Limits::default());
    let rows: [(&[u8], _, bool, u64); 6] = [
        (&[0x81, 3], None, true, 3),
        (b"abc", Some((3, true, true)), false, 0),
        (&[0x01, 3], None, true, 3),
        (b"ab", Some((2, true, false)), true, 1),
        (b"c", Some((1, false, false)), true, 0),
        (&[0x80, 0], Some((0, false, true)), false, 0),
    ];
    for (bytes, expected, in_message, left) in rows {
        let mut input = bytes.to_vec();
        let received = driver.connection.receive(&mut input, &mut driver.outbox);
        assert_eq!(received.consumed, bytes.len());
        let piece = received.event.map(|event| match event {
            Event::Piece(piece) => (piece.bytes.len(), piece.first, piece.last),
            other => panic!("{other:?}"),
        });
        assert_eq!(piece, expected, "{bytes:?}");
        assert_eq!(driver.connection.in_message(), in_message, "{bytes:?}");
        assert_eq!(driver.connection.payload_left(), left, "{bytes:?}");
    }
    for (last, is_sending) in [(false, true), (false, true), (true, false)] {
        let (kind, connection) = (MessageKind::Text, &mut driver.connection);
        let begun = connection.begin(kind, 1, last, &mut driver.entropy);
        assert!(begun.is_ok());
        assert_eq!(connection.is_sending(), is_sending);
    }
}

/// Whoever does not store messages may do without the limits that protect who does.
#[test]
fn limits_of_messages_may_be_lifted() {
    let limits = Limits::DEFAULT.frame_bytes(10).message_bytes(10);
    let events = |lift: bool| {
        let mut driver = Driver::new(Role::Client, &limits);
        if lift {
            driver.connection.lift_message_limits();
        }
        let mut bytes = binary(&[7; 100]).to(Role::Client);
        let received = driver.connection.receive(&mut bytes, &mut driver.outbox);
        matches!(received.event, Some(Event::Piece(_)))
    };
    assert!(events(true) && !events(false));
}
