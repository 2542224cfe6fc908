//! Control frames, sections 5.4 and 5.5: every size, inside fragmented messages, and the one Pong.

use crate::support::driver::{Driver, Seen, run_whole};
use crate::support::frames::{binary_start, close, end, head, length_in_2, length_in_8};
use crate::support::frames::{more, ping, pong, text, text_start, wire};
use wirebell::{Limits, Misuse, Role, State, Violation};

const ROLES: [Role; 2] = [Role::Client, Role::Server];

#[test]
// req: 6455-5.5-01 6455-5.5.2-02 6455-6.2-02
fn every_size_up_to_125_is_taken_and_answered_in_full() {
    for role in ROLES {
        for size in 0..=125 {
            let payload: Vec<u8> = (0..size).map(|byte| 0xFF - byte).collect();
            let transcript = run_whole(role, &ping(&payload).to(role));
            assert_eq!(transcript.seen, [Seen::Ping(payload.clone())]);
            let [sent] = &transcript.frames()[..] else {
                panic!("one Pong for one Ping");
            };
            assert_eq!(sent.frame(), pong(&payload));
            assert_eq!(sent.key.is_some(), role == Role::Client);

            let transcript = run_whole(role, &pong(&payload).to(role));
            assert_eq!(transcript.seen, [Seen::Pong(payload)]);
            assert!(transcript.sent.is_empty(), "a Pong is not answered");
        }
    }
}

#[test]
// req: 6455-5.5-01
fn every_larger_size_is_refused_on_the_second_byte() {
    for role in ROLES {
        for first in [0x88, 0x89, 0x8A] {
            for length in [&[126][..], &[127], &length_in_2(5), &length_in_8(70_000)] {
                let header = head(first, role == Role::Server, length);
                let transcript = run_whole(role, &header[..2]);
                let expected = [Seen::Failed(Violation::OversizedControl)];
                assert_eq!(transcript.seen, expected, "{first:02x} {length:?}");
            }
        }
    }
}

#[test]
// req: 6455-5.4-05 6455-5.5.2-02 6455-6.2-02 6455-6.2-03
fn control_frames_between_fragments_are_handled_at_once() {
    for role in ROLES {
        let mut driver = Driver::new(role, &Limits::default());
        driver.feed(&text_start("Hel").to(role));
        driver.feed(&ping(b"first").to(role));
        assert_eq!(driver.seen, [Seen::Ping(b"first".to_vec())]);
        let answered = driver.transcript().frames();
        assert_eq!(
            answered[0].frame(),
            pong(b"first"),
            "before the message ends"
        );
        driver.feed(&wire(role, &[pong(b"x"), more("l"), ping(b""), end("o")]));
        let rest = [
            Seen::Pong(b"x".to_vec()),
            Seen::Ping(Vec::new()),
            Seen::Text("Hello".into()),
        ];
        assert_eq!(driver.seen[1..], rest);
    }
}

/// A control frame does not disturb a character that two fragments share.
#[test]
// req: 6455-5.4-05 6455-5.6-01
fn a_ping_inside_a_character() {
    let frames = [text_start([0xCE]), ping(&[0xFF]), end([0xBA])];
    let transcript = run_whole(Role::Server, &wire(Role::Server, &frames));
    assert_eq!(
        transcript.seen,
        [Seen::Ping(vec![0xFF]), Seen::Text("κ".into())]
    );
}

#[test]
// req: 6455-5.4-05 6455-5.5.1-06
fn a_close_inside_a_message_closes() {
    for role in ROLES {
        let frames = [binary_start(b"a"), close(1001, "leaving"), end(b"b")];
        let transcript = run_whole(role, &wire(role, &frames));
        assert_eq!(transcript.seen, [Seen::Close(Some(1001), "leaving".into())]);
        assert_eq!(transcript.state, State::Closed);
        assert_eq!(transcript.frames()[0].frame(), close(1001, ""));
    }
}

#[test]
// req: 6455-5.5.2-02
fn no_pong_after_the_peer_has_closed() {
    let frames = [close(1000, ""), ping(b"late")];
    let transcript = run_whole(Role::Server, &wire(Role::Server, &frames));
    assert_eq!(transcript.sent, b"\x88\x02\x03\xe8");
}

/// A Pong is due until the peer's Close has come, also after our own (section 5.5.2).
#[test]
// req: 6455-5.5.2-02
fn a_pong_after_our_own_close() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    driver.transmit();
    driver.feed(&ping(b"?").to(Role::Server));
    assert_eq!(driver.sent, b"\x88\x00\x8a\x01?");
}

/// The peer does not read the Pongs: the newest is all that is kept.
#[test]
// req: 6455-5.5.2-02 6455-10.4-01
fn ten_thousand_pings_leave_one_pong() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    for i in 0..10_000u32 {
        let mut bytes = ping(&i.to_be_bytes()).to(Role::Server);
        let len = bytes.len();
        assert_eq!(driver.receive(&mut bytes), (len, true));
    }
    driver.transmit();
    assert_eq!(driver.sent, pong(&9_999u32.to_be_bytes()).to(Role::Client));
    assert_eq!(driver.seen.len(), 10_000);
}

#[test]
// req: 6455-5.5-01 6455-5.4-02 6455-5.1-04
fn pings_as_they_are_sent() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let longest = [b'p'; 125];
    assert_eq!(driver.connection.ping(&longest, &mut driver.outbox), Ok(()));
    driver.transmit();
    assert_eq!(driver.sent, ping(&longest).to(Role::Client));

    let refused = driver.connection.ping(&[0; 126], &mut driver.outbox);
    assert_eq!(refused, Err(Misuse::ControlTooLong));
    assert!(driver.outbox.is_empty());
}

/// The order in which what waits leaves: an answer, a question, and the Close after both.
#[test]
fn pong_ping_and_close_leave_in_this_order() {
    let mut driver = Driver::new(Role::Server, &Limits::default());
    let mut bytes = ping(b"a").to(Role::Server);
    driver.receive(&mut bytes);
    assert_eq!(driver.connection.ping(b"b", &mut driver.outbox), Ok(()));
    let closed = driver.connection.close(None, "", &mut driver.outbox);
    assert_eq!(closed, Ok(()));
    driver.transmit();
    assert_eq!(driver.sent, b"\x8a\x01a\x89\x01b\x88\x00");
}

/// Whole frames or nothing: a room that is too small leaves the frame where it is.
#[test]
// req: 6455-6.1-09
fn transmit_never_writes_a_part_of_a_frame() {
    for role in ROLES {
        let mut all = Driver::new(role, &Limits::default());
        all.receive(&mut ping(b"12345").to(role));
        assert_eq!(all.connection.close(None, "bye", &mut all.outbox), Ok(()));
        let pong_len = pong(b"12345").to(other(role)).len();
        for room in 0..20 {
            let mut driver = all.clone();
            let mut out = vec![0; room];
            let (connection, outbox) = (&mut driver.connection, &mut driver.outbox);
            let len = connection.transmit(outbox, &mut out, &mut driver.entropy);
            let close_len = if role == Role::Client { 6 } else { 2 };
            let expected = match room {
                _ if room < pong_len => 0,
                _ if room < pong_len + close_len => pong_len,
                _ => pong_len + close_len,
            };
            assert_eq!(len, expected, "{room} bytes of room, {role:?}");
            driver.sent.extend_from_slice(&out[..len]);
            driver.transmit();
            let frames = driver.transcript().frames();
            assert_eq!(frames[0].frame(), pong(b"12345"));
            assert_eq!(frames.len(), 2, "nothing is lost, nothing sent twice");
        }
    }
}

fn other(role: Role) -> Role {
    match role {
        Role::Client => Role::Server,
        Role::Server => Role::Client,
    }
}

/// An unasked Pong and data around it change nothing.
#[test]
// req: 6455-6.2-02
fn an_unasked_pong_is_shown_and_nothing_more() {
    let frames = [text("a"), pong(b"hello?"), text("b")];
    let transcript = run_whole(Role::Client, &wire(Role::Client, &frames));
    let expected = [
        Seen::Text("a".into()),
        Seen::Pong(b"hello?".to_vec()),
        Seen::Text("b".into()),
    ];
    assert_eq!(transcript.seen, expected);
    assert!(transcript.sent.is_empty());
}
