//! Every boundary of the three forms of the length, section 5.2.

use crate::support::driver::{Driver, Seen};
use crate::support::frames::{binary_start, body, head, length_in_2, length_in_8, shortest};
use wirebell::wire::{FrameHeader, NoEntropy};
use wirebell::{Connection, Limits, MessageKind, Role, State, Violation};

const NO_LIMIT: Limits = Limits::DEFAULT
    .frame_bytes(u64::MAX)
    .message_bytes(u64::MAX);

const ROLES: [Role; 2] = [Role::Client, Role::Server];

/// A binary frame with this length field and this much payload.
fn receive(role: Role, limits: &Limits, length: &[u8], payload: usize) -> Driver {
    let masked = role == Role::Server;
    let bytes = [head(0x82, masked, length), body(masked, &vec![7; payload])].concat();
    let mut driver = Driver::new(role, limits);
    driver.feed(&bytes);
    driver
}

#[test]
// req: 6455-5.2-06 6455-6.2-01
fn the_shortest_form_of_each_length_is_taken() {
    for role in ROLES {
        for length in [
            0, 1, 124, 125, 126, 127, 255, 256, 65534, 65535, 65536, 65537,
        ] {
            let driver = receive(role, &NO_LIMIT, &shortest(length as u64), length);
            assert_eq!(
                driver.seen,
                [Seen::Binary(vec![7; length])],
                "{length} {role:?}"
            );
        }
    }
}

#[test]
// req: 6455-5.2-06
fn a_longer_form_than_needed_is_refused() {
    for role in ROLES {
        for length in [0, 1, 124, 125] {
            let driver = receive(role, &NO_LIMIT, &length_in_2(length), length.into());
            assert_eq!(
                driver.seen,
                [Seen::Failed(Violation::NonMinimalLength)],
                "{length}"
            );
        }
        for length in [0, 1, 125, 126, 65534, 65535] {
            let driver = receive(role, &NO_LIMIT, &length_in_8(length), length as usize);
            assert_eq!(
                driver.seen,
                [Seen::Failed(Violation::NonMinimalLength)],
                "{length}"
            );
        }
    }
}

#[test]
// req: 6455-5.2-05 6455-10.4-01
fn the_top_bit_is_refused_and_the_largest_length_is_announced_without_memory() {
    for role in ROLES {
        for length in [1 << 63, (1 << 63) + 5, u64::MAX] {
            let driver = receive(role, &NO_LIMIT, &length_in_8(length), 0);
            assert_eq!(
                driver.seen,
                [Seen::Failed(Violation::LengthTopBit)],
                "{length:x}"
            );
        }
        for length in [1 << 32, 1 << 62, (1 << 63) - 1] {
            let driver = receive(role, &NO_LIMIT, &length_in_8(length), 3);
            assert_eq!(driver.seen, [], "{length:x}");
            assert_eq!(driver.connection.state(), State::Open);
            assert_eq!(driver.connection.payload_left(), length - 3);

            let driver = receive(role, &Limits::default(), &length_in_8(length), 3);
            assert_eq!(
                driver.seen,
                [Seen::Failed(Violation::FrameTooBig)],
                "{length:x}"
            );
        }
    }
}

/// What came and what is announced are compared without adding them up.
#[test]
// req: 6455-10.4-01
fn the_sum_of_lengths_does_not_overflow() {
    let limits = NO_LIMIT.message_bytes(5);
    for role in ROLES {
        let masked = role == Role::Server;
        let mut driver = Driver::new(role, &limits);
        driver.feed(&binary_start(b"12345").to(role));
        let huge = head(0x80, masked, &length_in_8(u64::MAX >> 1));
        driver.feed(&[huge, body(masked, b"")].concat());
        assert_eq!(driver.seen, [Seen::Failed(Violation::MessageTooBig)]);
    }
}

#[test]
// req: 6455-5.2-06 6455-6.1-04
fn lengths_are_sent_in_their_shortest_form() {
    for (length, expected) in [
        (0, vec![0x82, 0]),
        (125, vec![0x82, 125]),
        (126, vec![0x82, 126, 0, 126]),
        (65535, vec![0x82, 126, 0xFF, 0xFF]),
        (65536, vec![0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        (
            (1 << 63) - 1,
            [vec![0x82, 127, 0x7F], vec![0xFF; 7]].concat(),
        ),
    ] {
        let mut server = Connection::new(Role::Server, &Limits::default(), 0);
        let begun = server.begin(MessageKind::Binary, length, true, &mut NoEntropy);
        assert_eq!(begun.expect("open").0.as_bytes(), expected);
    }
}

/// `parse` and `emit` are inverse to each other for every opcode, form and mask.
#[test]
fn headers_come_back_as_they_were_sent() {
    use wirebell::Opcode;
    let lengths = [0, 1, 125, 126, 65535, 65536, (1 << 63) - 1];
    for (kind, fin) in [
        (Some(MessageKind::Text), true),
        (Some(MessageKind::Binary), false),
        (None, true),
    ] {
        for mask in [None, Some([1, 2, 3, 4]), Some([0; 4])] {
            for length in lengths {
                let mut header = FrameHeader::data(kind, length, fin);
                header.mask = mask;
                let bytes = header.emit();
                let parsed = FrameHeader::parse(&bytes, mask.is_some());
                assert_eq!(parsed, Ok(Some((header, bytes.len()))));
                for len in 0..bytes.len() {
                    let parsed = FrameHeader::parse(&bytes[..len], mask.is_some());
                    assert_eq!(parsed, Ok(None), "{len} bytes of {header:?}");
                }
            }
        }
    }
    for opcode in [Opcode::Close, Opcode::Ping, Opcode::Pong] {
        let header = FrameHeader::control(opcode, 125);
        let bytes = header.emit();
        assert_eq!(FrameHeader::parse(&bytes, false), Ok(Some((header, 2))));
    }
}
