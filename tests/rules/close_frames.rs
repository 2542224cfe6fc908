//! The body of a Close frame, sections 5.5.1 and 7.4: every code, reasons, and what is answered.

use crate::support::driver::{Driver, Seen, run_whole};
use crate::support::frames::{Frame, close, close_empty, frame, text, wire};
use crate::support::hex;
use wirebell::{CloseBody, CloseCode, Eof, Limits, Misuse, Role, State, Violation};

/// Section 7.4 and the IANA registry.
fn may_be_sent(code: u16) -> bool {
    match code {
        0..=999 => false,
        1000..=1003 => true,
        1004..=1006 => false,
        1007..=1011 => true,
        // Registered since: service restart, try again later, bad gateway.
        1012..=1014 => true,
        1015 => false,
        1016..=2999 => false,
        3000..=3999 => true,
        4000..=4999 => true,
        5000..=65535 => false,
    }
}

#[test]
// req: 6455-5.5.1-02 6455-5.5.1-06 6455-7.4.1-03 6455-7.4.1-04 6455-7.4.1-06
fn every_code_that_can_be_received() {
    let fresh = Driver::new(Role::Server, &Limits::default());
    for code in 0..=u16::MAX {
        let mut driver = fresh.clone();
        driver.feed(&close(code, "").to(Role::Server));
        let (high, low) = (code.to_be_bytes()[0], code.to_be_bytes()[1]);
        if may_be_sent(code) {
            assert_eq!(driver.seen, [Seen::Close(Some(code), String::new())]);
            assert_eq!(driver.connection.state(), State::Closed);
            assert_eq!(driver.sent, [0x88, 2, high, low], "{code} comes back");
        } else {
            assert_eq!(
                driver.seen,
                [Seen::Failed(Violation::InvalidCloseCode)],
                "{code}"
            );
            assert_eq!(driver.connection.state(), State::Failed);
            assert_eq!(
                driver.sent[..4],
                [0x88, 33, 0x03, 0xEA],
                "{code} is answered 1002"
            );
        }
    }
}

#[test]
// req: 6455-7.4.1-03 6455-7.4.1-04 6455-7.4.1-06
fn every_code_that_can_be_sent() {
    for code in 0..=u16::MAX {
        let allowed = CloseCode::new(code);
        assert_eq!(
            allowed.map(|allowed| allowed.get()),
            may_be_sent(code).then_some(code)
        );
    }
}

#[test]
// req: 6455-5.5.1-02
fn a_body_of_one_byte_is_cut_short() {
    for byte in 0..=255 {
        let transcript = run_whole(Role::Client, &frame(0x88, &[byte]).to(Role::Client));
        assert_eq!(
            transcript.seen,
            [Seen::Failed(Violation::CloseBodyCutShort)]
        );
    }
}

/// Code and reason as they are shown, and the code that is answered.
#[test]
// req: 6455-5.5.1-06
fn bodies_that_are_good() {
    let longest = "x".repeat(123);
    let rows: [(Frame, Option<u16>, &str); 6] = [
        (close_empty(), None, ""),
        (close(1000, ""), Some(1000), ""),
        (close(1000, "bye"), Some(1000), "bye"),
        (close(4999, "κόσμε"), Some(4999), "κόσμε"),
        (close(1001, &longest), Some(1001), &longest),
        (close(3000, "\0"), Some(3000), "\0"),
    ];
    for role in [Role::Client, Role::Server] {
        for (frame, code, reason) in &rows {
            let transcript = run_whole(role, &frame.to(role));
            assert_eq!(transcript.seen, [Seen::Close(*code, (*reason).to_owned())]);
            let expected = code.map_or(close_empty(), |code| close(code, ""));
            let [sent] = &transcript.frames()[..] else {
                panic!("exactly one Close is sent");
            };
            assert_eq!(sent.frame(), expected);
            assert_eq!(sent.key.is_some(), role == Role::Client);
        }
    }
}

#[test]
// req: 6455-8.1-01
fn reasons_that_are_not_utf8() {
    let rows: [&[u8]; 6] = [
        &[0x80],
        &[0xC0, 0x80],
        &[0xED, 0xA0, 0x80],
        &[0xF4, 0x90, 0x80, 0x80],
        &[b'a', 0xCE],
        &[0xFF, b'a'],
    ];
    for reason in rows {
        let transcript = run_whole(Role::Server, &close(1000, reason).to(Role::Server));
        let expected = [Seen::Failed(Violation::CloseReasonNotUtf8)];
        assert_eq!(transcript.seen, expected, "{reason:02x?}");
        assert_eq!(transcript.sent[..4], hex("88 1b 03ef"));
    }
}

#[test]
// req: 6455-5.5.1-06 6455-5.5.1-10 6455-5.5.1-11
fn after_a_close_the_rest_is_discarded_and_a_second_close_gets_no_answer() {
    for role in [Role::Client, Role::Server] {
        let bytes = wire(role, &[close(1000, ""), text("late"), close(1001, "")]);
        let transcript = run_whole(role, &bytes);
        assert_eq!(transcript.seen, [Seen::Close(Some(1000), String::new())]);
        assert_eq!(transcript.frames().len(), 1);
        assert_eq!(transcript.state, State::Closed);
    }
}

/// A server ends TCP first, a client waits for it; after a failure both end it.
#[test]
// req: 6455-5.5.1-10 6455-5.5.1-11 6455-7.1.7-03 6455-7.1.7-01
fn who_shuts_the_transport_down() {
    for (role, bytes, wanted) in [
        (Role::Server, vec![], false),
        (Role::Client, vec![], false),
        (Role::Server, close(1000, "").to(Role::Server), true),
        (Role::Client, close(1000, "").to(Role::Client), false),
        (Role::Server, vec![0x83], true),
        (Role::Client, vec![0x83], true),
    ] {
        let mut driver = Driver::new(role, &Limits::default());
        driver.feed(&bytes);
        assert_eq!(
            driver.connection.wants_shutdown(),
            wanted,
            "{role:?} {bytes:02x?}"
        );
        driver.connection.receive_eof();
        assert!(
            driver.connection.wants_shutdown(),
            "the transport has ended"
        );
    }
}

/// Both sides close at once: the code that counts is the one received, and neither answers.
#[test]
// req: 6455-5.5.1-06 6455-7.1.2-01
fn two_closes_that_cross() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let going = CloseCode::GOING_AWAY;
    let closed = driver
        .connection
        .close(Some(going), "restart", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    driver.transmit();
    assert_eq!(driver.sent, b"\x88\x09\x03\xe9restart");
    assert!(
        !driver.connection.wants_shutdown(),
        "the peer's Close is awaited"
    );
    driver.feed(&wire(Role::Server, &[text("on its way"), close(4000, "")]));
    let expected = [
        Seen::Text("on its way".into()),
        Seen::Close(Some(4000), String::new()),
    ];
    assert_eq!(driver.seen, expected);
    assert_eq!(driver.sent.len(), 11, "one Close is enough");
    assert!(driver.connection.wants_shutdown());
    assert_eq!(driver.connection.receive_eof(), Eof::Clean);
}

#[test]
// req: 6455-7.1.2-01 6455-5.5.1-02 6455-5.5-01
fn closes_as_they_are_sent() {
    let longest = "x".repeat(123);
    let code = CloseCode::new(4000);
    for (code, reason, expected) in [
        (None, "", hex("88 00")),
        (None, "lost without a code", hex("88 00")),
        (code, "", hex("88 02 0fa0")),
        (code, "bye", hex("88 05 0fa0 627965")),
        (
            code,
            &longest,
            [hex("88 7d 0fa0"), vec![b'x'; 123]].concat(),
        ),
    ] {
        let mut driver = Driver::new(Role::Server, &Limits::default());
        let closed = driver.connection.close(code, reason, &mut driver.outbox);
        assert_eq!(closed, Ok(()));
        assert_eq!(driver.connection.state(), State::Closing);
        // A second call changes nothing.
        let again = driver
            .connection
            .close(Some(CloseCode::NORMAL), "", &mut driver.outbox);
        assert_eq!(again, Ok(()));
        driver.transmit();
        assert_eq!(driver.sent, expected);
    }
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let too_long = "x".repeat(124);
    let refused = driver.connection.close(code, &too_long, &mut driver.outbox);
    assert_eq!(refused, Err(Misuse::ReasonTooLong));
    assert_eq!(driver.connection.state(), State::Open);
    assert!(driver.outbox.is_empty());
}

/// `emit` never splits a character, and needs a code to send a reason.
#[test]
fn a_reason_that_is_too_long_is_cut_at_a_character() {
    let reason = format!("{}é", "x".repeat(122));
    let mut out = [0; 125];
    let code = Some(CloseCode::NORMAL);
    let body = CloseBody {
        code,
        reason: &reason,
    };
    let len = body.emit(&mut out);
    let parsed = CloseBody::parse(&out[..len]).expect("a good body");
    assert_eq!((parsed.code, parsed.reason), (code, &reason[..122]));
}
