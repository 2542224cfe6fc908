//! However a connection ends, its registrations end with it; and who does not register is sent
//! away.

use crate::net_support::push::registration;
use crate::net_support::{Client, Push, limits, protocol, wait_until};
use crate::support::frames::{close, frame};
use wirebell::{Role, push};

#[test]
fn every_end_unregisters() {
    let push = Push::limited(limits());
    type Act = fn(Client);
    let acts: [(&str, Act); 6] = [
        ("a Close", |mut client| client.finish(1000)),
        ("the end of the stream", |mut client| client.end_writing()),
        ("a dropped socket", drop),
        ("a reset", |client| client.reset()),
        ("a violation", |mut client| {
            client.send(frame(0x83, b"").to(Role::Server))
        }),
        ("half a frame", |mut client| {
            client.send(&frame(0x81, b"half").to(Role::Server)[..5])
        }),
    ];
    for (name, act) in acts {
        let mut client = push.subscribe("a", "e");
        client.register(r#"{"token":"a","event":["f","g"]}"#);
        client.register(&registration("b", "e"));
        let topics = [("a", "e"), ("a", "f"), ("a", "g"), ("b", "e")];
        for (user, event) in topics {
            assert_eq!(push.server().push(user, event, "m"), Ok(1), "{name}");
            client.expect_text("m");
        }
        act(client);
        for (user, event) in topics {
            wait_until(name, || push.server().push(user, event, "m") == Ok(0));
        }
        assert_eq!(push.server().close_connections("a", None), Ok(0), "{name}");
    }
}

#[test]
fn who_is_closed_for_reading_too_slowly_counts_no_more() {
    // It does not answer, and is not given up for a long time.
    let protocol = protocol().close_ms(60_000).ping_ms(0);
    let limits = limits().protocol(protocol).queued_bytes(100_000);
    let push = Push::limited(limits.stall_ms(60_000));
    let mut slow = Client::connect_narrow(push.address()).upgraded("/ws");
    slow.register(r#"{"token":"a","event":["e","f"]}"#);
    let message = "x".repeat(50_000);
    wait_until("it has overflowed", || {
        push.server().push("a", "e", &message) == Ok(0)
    });
    assert_eq!(push.server().push("a", "f", "m"), Ok(0));
    slow.reset();
}

#[test]
fn a_peer_that_vanishes_is_noticed_without_a_push() {
    let push = Push::limited(limits().protocol(protocol().ping_ms(100).pong_ms(100)));
    // It does not answer: to the server this looks like a pulled cable.
    let client = push.subscribe("a", "e");
    assert_eq!(push.server().push("a", "e", "m"), Ok(1));
    wait_until("it is forgotten", || {
        push.server().push("a", "e", "m") == Ok(0)
    });
    drop(client);
}

#[test]
fn who_does_not_register_in_time_is_closed_with_1008() {
    let push = Push::bounded(push::Limits::default().register_ms(300));
    let mut silent = push.open();
    let mut registered = push.subscribe("a", "e");
    let mut nonsense = push.open();
    nonsense.register("nonsense");
    let mut echo = Client::open_at(push.address(), "/echo");
    for client in [&mut silent, &mut nonsense] {
        let reason = client.expect_close(1008);
        assert!(!reason.is_empty());
        client.send_frame(&close(1008, ""));
        client.expect_end();
    }
    registered.expect_nothing();
    echo.expect_echo("nothing to register for here");
    // A late one has its own time.
    let mut late = push.subscribe("a", "e");
    assert_eq!(push.server().push("a", "e", "m"), Ok(2));
    registered.expect_text("m");
    late.expect_text("m");
}

#[test]
fn who_was_closed_for_its_silence_cannot_register_any_more() {
    let push = Push::bounded(push::Limits::default().register_ms(100));
    let mut late = push.open();
    late.expect_close(1008);
    late.send_text(&registration("a", "e"));
    late.send_frame(&close(1008, ""));
    late.expect_end();
    assert_eq!(push.server().push("a", "e", "m"), Ok(0));
}

#[test]
fn a_registration_that_could_not_be_kept_is_none() {
    let push = Push::bounded(push::Limits::default().register_ms(300).topics(0));
    let reason = push.open().refused(&registration("a", "e"), 1013);
    assert_eq!(reason, "no room for more topics");
}
