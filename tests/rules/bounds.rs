//! The limits of section 10.4: the exact bound of each, and that nothing grows on mere words.

use crate::support::driver::{Driver, Seen, run};
use crate::support::frames::{Frame, binary, binary_start, body, end, head, length_in_8};
use crate::support::frames::{more, ping, wire};
use std::time::{Duration, Instant};
use wirebell::{Assembler, Event, Limits, Role, Violation};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// The violation that these frames meet under these limits.
fn verdict(role: Role, limits: &Limits, frames: &[Frame]) -> Option<Violation> {
    run(role, limits, [wire(role, frames)]).violation()
}

#[test]
// req: 6455-10.4-01
fn a_frame_of_exactly_the_limit_passes() {
    for role in ROLES {
        for n in [0, 1, 125, 126, 1000, 65535, 65536] {
            let limits = Limits::default().frame_bytes(n as u64);
            assert_eq!(verdict(role, &limits, &[binary(&vec![0; n])]), None, "{n}");
            let over = [binary(&vec![0; n + 1])];
            assert_eq!(
                verdict(role, &limits, &over),
                Some(Violation::FrameTooBig),
                "{n}"
            );
            // The limit is for each frame, not for their sum.
            let both = [binary_start(&vec![0; n]), end(vec![0; n])];
            assert_eq!(verdict(role, &limits, &both), None, "{n}");
        }
    }
}

#[test]
// req: 6455-10.4-01
fn a_connection_may_be_given_another_limit() {
    for role in ROLES {
        for (before, now) in [(1000, 10), (10, 1000), (1000, 200), (200, 130)] {
            let limits = Limits::default().frame_bytes(before).message_bytes(before);
            let last = |frames: &[Frame]| {
                let mut driver = Driver::new(role, &limits);
                // It counts from the next frame on, also within a message.
                driver.feed(&wire(role, &[binary(&[0; 10]), binary_start(&[0; 5])]));
                driver.connection.set_message_limit(now);
                assert_eq!(driver.connection.message_limit(), now);
                driver.feed(&wire(role, frames));
                driver.seen.pop()
            };
            let n = now as usize;
            let too_big = Some(Seen::Failed(Violation::MessageTooBig));
            let message = |length| Some(Seen::Binary(vec![0; length]));
            assert_eq!(last(&[end(vec![0; n - 5])]), message(n), "{before} {now}");
            assert_eq!(last(&[end(vec![0; n - 4])]), too_big, "{before} {now}");
            assert_eq!(last(&[end(""), binary(&vec![0; n])]), message(n));
            let frame_too_big = Some(Seen::Failed(Violation::FrameTooBig));
            assert_eq!(last(&[end(""), binary(&vec![0; n + 1])]), frame_too_big);
        }
    }
}

#[test]
// req: 6455-10.4-01
fn a_message_of_exactly_the_limit_passes() {
    let limits = Limits::default().message_bytes(100);
    let too_big = Some(Violation::MessageTooBig);
    for role in ROLES {
        let rows: [(&[Frame], _); 7] = [
            (&[binary(&[0; 100])], None),
            (&[binary(&[0; 101])], too_big),
            (&[binary_start(&[0; 60]), end([0; 40])], None),
            (&[binary_start(&[0; 60]), end([0; 41])], too_big),
            (&[binary_start(&[0; 60]), more([0; 40]), end("")], None),
            (&[binary_start(&[0; 60]), more([0; 40]), end("x")], too_big),
            // The sum starts again with each message.
            (
                &[
                    binary(&[0; 100]),
                    binary_start(&[0; 100]),
                    end(""),
                    binary(&[0; 100]),
                ],
                None,
            ),
        ];
        for (frames, expected) in rows {
            assert_eq!(verdict(role, &limits, frames), expected, "{frames:02x?}");
        }
    }
}

#[test]
// req: 6455-10.4-01
fn exactly_as_many_fragments_as_the_limit_pass() {
    let limits = Limits::default().fragments(4);
    for role in ROLES {
        let mut frames = vec![binary_start(b"")];
        frames.extend([more(""), ping(b""), more(""), ping(b"")]);
        let mut four = frames.clone();
        four.push(end(""));
        four.extend(four.clone());
        assert_eq!(
            verdict(role, &limits, &four),
            None,
            "control frames do not count"
        );
        frames.extend([more(""), end("")]);
        assert_eq!(
            verdict(role, &limits, &frames),
            Some(Violation::TooManyFragments)
        );
    }
    let none = Limits::default().fragments(1);
    assert_eq!(
        verdict(Role::Client, &none, &[binary(b"a"), binary(b"b")]),
        None
    );
}

/// The limits are judged on the header, before any payload has come.
#[test]
// req: 6455-10.4-01
fn a_header_alone_is_enough_to_refuse() {
    for role in ROLES {
        let masked = role == Role::Server;
        let header = [head(0x82, masked, &length_in_8(1 << 60)), body(masked, b"")].concat();
        let transcript = run(role, &Limits::default(), [header]);
        assert_eq!(transcript.seen, [Seen::Failed(Violation::FrameTooBig)]);
        assert_eq!(transcript.frames()[0].payload[..2], 1009u16.to_be_bytes());
    }
}

/// A header that announces 2^62 bytes, with limits that allow it: memory follows what comes.
#[test]
// req: 6455-10.4-01
fn memory_is_taken_for_bytes_that_came_only() {
    let limits = Limits::default()
        .frame_bytes(u64::MAX)
        .message_bytes(u64::MAX);
    let mut driver = Driver::new(Role::Client, &limits);
    let mut assembler = Assembler::new();
    let mut bytes = head(0x82, false, &length_in_8(1 << 62));
    bytes.extend([7; 100]);
    let received = driver.connection.receive(&mut bytes, &mut driver.outbox);
    let Some(Event::Piece(piece)) = received.event else {
        panic!("the bytes that came");
    };
    assert_eq!(piece.bytes, [7; 100]);
    assert!(assembler.push(piece).is_none());
    assert!(assembler.capacity() < 1000, "{}", assembler.capacity());
    let room = assembler
        .spare(u64::MAX, driver.connection.payload_left())
        .len();
    assert!(room <= 400, "{room} bytes of room for 100 that came");
    assert!(std::mem::size_of_val(&driver.connection) < 200);
}

/// `count` fragments of one byte each, one in a read: the calls of `receive` and the time.
fn one_byte_fragments(count: usize) -> (Driver, Duration) {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let begun = Instant::now();
    driver.feed(&binary_start(b"x").to(Role::Server));
    let middle = more("x").to(Role::Server);
    for _ in 2..count {
        driver.feed(&middle);
    }
    driver.feed(&end("x").to(Role::Server));
    (driver, begun.elapsed())
}

#[test]
// req: 6455-5.4-07 6455-10.4-01
fn a_hundred_thousand_fragments_of_one_byte_take_linear_time() {
    let (small, short) = one_byte_fragments(10_000);
    let (large, long) = one_byte_fragments(100_000);
    assert_eq!(small.seen, [Seen::Binary(vec![b'x'; 10_000])]);
    assert_eq!(large.seen, [Seen::Binary(vec![b'x'; 100_000])]);
    assert_eq!(large.calls, 100_000, "one call for one frame");
    // Ten times the work; a hundred times the time would be quadratic.
    assert!(
        long < 50 * short + Duration::from_millis(500),
        "{short:?}, {long:?}"
    );
}

#[test]
// req: 6455-10.4-01
fn the_default_number_of_fragments_is_kept_to_the_last() {
    assert_eq!(Limits::default().fragments, 131_072);
    let (most, _) = one_byte_fragments(131_072);
    assert_eq!(most.seen, [Seen::Binary(vec![b'x'; 131_072])]);
    let (over, _) = one_byte_fragments(131_073);
    assert_eq!(over.seen, [Seen::Failed(Violation::TooManyFragments)]);
}
