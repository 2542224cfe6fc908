//! What our own caller must not ask for: each [`Misuse`] of an open connection, in each state.
//! Those of the opening handshake are in `handshake`.

use crate::support::driver::Driver;
use crate::support::frames::close;
use wirebell::wire::{Entropy, NoEntropy};
use wirebell::{Limits, MessageKind, Misuse, Role, State};

/// A server's connection in each state.
fn in_every_state() -> Vec<Driver> {
    let open = Driver::new(Role::Server, &Limits::default());
    let mut closing = open.clone();
    let closed_ok = closing.connection.close(None, "", &mut closing.outbox);
    assert_eq!(closed_ok, Ok(()));
    closing.transmit();
    let mut closed = open.clone();
    closed.feed(&close(1000, "").to(Role::Server));
    let mut failed = open.clone();
    failed.feed(&[0x83]);
    let mut gone = open.clone();
    gone.connection.receive_eof();
    let all = vec![open, closing, closed, failed, gone];
    let states: Vec<State> = all.iter().map(|driver| driver.connection.state()).collect();
    assert_eq!(states, State::ALL);
    all
}

#[test]
// req: 6455-5.5.1-05 6455-6.1-02 6455-6.1-03
fn data_and_pings_need_an_open_connection() {
    for mut driver in in_every_state() {
        let state = driver.connection.state();
        let expected = match state {
            State::Open => Ok(()),
            _ => Err(Misuse::NotOpen),
        };
        let begun = driver
            .connection
            .begin(MessageKind::Text, 1, true, &mut NoEntropy);
        assert_eq!(begun.map(drop), expected, "{state:?}");
        let pinged = driver.connection.ping(b"", &mut driver.outbox);
        assert_eq!(pinged, expected, "{state:?}");
        assert_eq!(driver.outbox.is_empty(), state != State::Open, "{state:?}");
        assert_eq!(driver.connection.state(), state, "sending changes no state");
    }
}

/// A message that is being sent in fragments is not finished once a Close went out or came in.
#[test]
// req: 6455-5.5.1-05 6455-6.1-03
fn a_close_ends_a_message_that_is_being_sent() {
    for closes_first in [true, false] {
        let mut driver = Driver::new(Role::Server, &Limits::default());
        let begun = driver
            .connection
            .begin(MessageKind::Text, 1, false, &mut NoEntropy);
        assert!(begun.is_ok());
        if closes_first {
            let closed = driver.connection.close(None, "", &mut driver.outbox);
            assert_eq!(closed, Ok(()));
        } else {
            driver.feed(&close(1000, "").to(Role::Server));
        }
        let next = driver
            .connection
            .begin(MessageKind::Text, 1, true, &mut NoEntropy);
        assert_eq!(next.map(drop), Err(Misuse::NotOpen));
    }
}

#[test]
// req: 6455-5.4-04
fn messages_cannot_be_interleaved() {
    for (first, other) in [
        (MessageKind::Text, MessageKind::Binary),
        (MessageKind::Binary, MessageKind::Text),
    ] {
        let mut driver = Driver::new(Role::Server, &Limits::default());
        let mut begin = |kind, last| {
            let begun = driver.connection.begin(kind, 0, last, &mut NoEntropy);
            begun.map(|(header, _)| header.as_bytes()[0])
        };
        assert_eq!(begin(first, false), Ok(first.opcode().bits()));
        assert_eq!(begin(other, true), Err(Misuse::MessageOpen));
        assert_eq!(begin(other, false), Err(Misuse::MessageOpen));
        assert_eq!(begin(first, false), Ok(0x00));
        assert_eq!(begin(first, true), Ok(0x80));
        assert_eq!(begin(other, true), Ok(0x80 | other.opcode().bits()));
    }
}

#[test]
// req: 6455-5.2-05
fn a_length_with_the_top_bit_cannot_be_sent() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let mut begin = |len| {
        let begun = driver
            .connection
            .begin(MessageKind::Binary, len, true, &mut NoEntropy);
        begun.map(drop)
    };
    assert_eq!(begin(1 << 63), Err(Misuse::LengthTooLong));
    assert_eq!(begin(u64::MAX), Err(Misuse::LengthTooLong));
    assert_eq!(begin((1 << 63) - 1), Ok(()));
}

/// A refused call leaves no trace: the message that was open is still open.
#[test]
fn a_refused_call_changes_nothing() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let mut begin = |kind, len, last| {
        let begun = driver.connection.begin(kind, len, last, &mut NoEntropy);
        begun.map(|(header, _)| header.as_bytes()[0])
    };
    assert_eq!(
        begin(MessageKind::Text, 1 << 63, false),
        Err(Misuse::LengthTooLong)
    );
    assert_eq!(begin(MessageKind::Text, 0, false), Ok(0x01));
    assert_eq!(
        begin(MessageKind::Text, 1 << 63, true),
        Err(Misuse::LengthTooLong)
    );
    assert_eq!(begin(MessageKind::Text, 0, true), Ok(0x80));
}

/// A client without a source of masking keys is stopped before it sends a frame.
#[test]
#[should_panic(expected = "source of entropy")]
fn a_client_without_entropy_panics() {
    let mut key = [0; 4];
    NoEntropy.fill(&mut key);
}

#[test]
fn every_misuse_says_what_is_wrong() {
    let all = [
        Misuse::NotOpen,
        Misuse::MessageOpen,
        Misuse::ControlTooLong,
        Misuse::ReasonTooLong,
        Misuse::LengthTooLong,
        Misuse::InvalidHost,
        Misuse::InvalidTarget,
        Misuse::InvalidSubprotocol,
        Misuse::InvalidField,
    ];
    let texts: std::collections::BTreeSet<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), all.len());
}
