//! What a failure means in each state, section 7.1.7.

use super::violations::{Row, rows, tempting};
use crate::support::driver::{Driver, Seen, run};
use crate::support::frames::{close, ping, text, text_start};
use wirebell::wire::NoEntropy;
use wirebell::{CloseCode, Eof, Limits, MessageKind, Misuse, Role, State};

/// Our Close is out: a violation ends the connection, and no second Close is sent.
#[test]
// req: 6455-5.5.1-05 6455-7.1.7-07
fn a_violation_after_our_close_says_no_more() {
    for Row {
        receiver,
        limits,
        bytes,
        breaks,
    } in rows()
    {
        let mut driver = Driver::new(receiver, &limits);
        let code = Some(CloseCode::GOING_AWAY);
        let closed = driver.connection.close(code, "", &mut driver.outbox);
        assert_eq!(closed, Ok(()));
        driver.transmit();
        let sent = driver.sent.clone();
        driver.feed(&bytes);
        driver.feed(&tempting(receiver));
        assert_eq!(driver.seen.last(), Some(&Seen::Failed(breaks)));
        assert_eq!(driver.connection.state(), State::Failed);
        assert_eq!(driver.sent, sent, "{breaks:?}: one Close is enough");
        assert_eq!(driver.connection.receive_eof(), Eof::Lost);
    }
}

/// The peer has closed: whatever comes now is not looked at.
#[test]
// req: 6455-5.5.1-10
fn a_violation_after_their_close_is_not_seen() {
    for Row {
        receiver,
        limits,
        bytes,
        breaks,
    } in rows()
    {
        let closing = close(1000, "").to(receiver);
        let alone = run(receiver, &limits, [&closing]);
        let followed = run(receiver, &limits, [[closing, bytes].concat()]);
        assert_eq!(followed, alone, "{breaks:?}");
    }
}

/// The peer is gone: whatever a reader still has is not looked at.
#[test]
// req: 6455-7.2.1-02
fn nothing_is_seen_after_the_end_of_the_stream() {
    for role in [Role::Client, Role::Server] {
        let mut driver = Driver::new(role, &Limits::default());
        driver.feed(&text_start("cut of").to(role));
        assert_eq!(driver.connection.receive_eof(), Eof::Lost, "code 1006");
        driver.feed(&tempting(role));
        assert_eq!((driver.seen.len(), driver.sent.len()), (0, 0));
        assert_eq!(driver.connection.state(), State::Gone);
    }
}

#[test]
// req: 6455-6.1-02 6455-6.1-03 6455-7.1.7-07
fn after_a_failure_nothing_can_be_sent() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let begun = driver
        .connection
        .begin(MessageKind::Text, 1, false, &mut NoEntropy);
    assert!(begun.is_ok());
    driver.feed(&[0x83]);
    let sent = driver.sent.clone();
    let refused = driver
        .connection
        .begin(MessageKind::Text, 1, true, &mut NoEntropy);
    assert_eq!(refused.map(drop), Err(Misuse::NotOpen));
    assert_eq!(
        driver.connection.ping(b"", &mut driver.outbox),
        Err(Misuse::NotOpen)
    );
    let nothing = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(nothing, Ok(()));
    driver.transmit();
    assert_eq!(driver.sent, sent);
}

/// A Ping in front of the bad frame is answered if the answer can still leave before the Close.
#[test]
fn the_close_of_a_failure_leaves_after_what_was_owed() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let mut bytes = ping(b"1").to(Role::Server);
    driver.receive(&mut bytes);
    driver.receive(&mut [0x83]);
    driver.transmit();
    assert_eq!(driver.sent, b"\x8a\x011\x88\x11\x03\xeareserved opcode");
}

/// The first violation counts, and is reported once.
#[test]
// req: 6455-7.1.7-07
fn one_failure_is_enough() {
    let mut bytes = vec![0x83];
    bytes.extend(text([0xFF]).wrong_mask().to(Role::Server));
    let once = run(Role::Server, &Limits::default(), [[0x83]]);
    assert_eq!(run(Role::Server, &Limits::default(), [bytes]), once);
}
