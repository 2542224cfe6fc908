//! The bounds on names, topics and subscriptions. A client over one of them is closed at once, and
//! nothing else is harmed.

use crate::net_support::push::{publication, registration};
use crate::net_support::{Client, Push, limits, options_with};
use wirebell::push;
#[cfg(feature = "deflate")]
use {crate::net_deflate::peer::Peer, crate::support::frames::frame, wirebell::push::Settings};

/// A registration for several events.
fn registrations(token: &str, events: &[impl AsRef<str>]) -> String {
    let events: Vec<_> = events.iter().map(|event| event.as_ref()).collect();
    format!(
        r#"{{"token":"{token}","event":["{}"]}}"#,
        events.join("\",\"")
    )
}

#[test]
fn names_have_a_length() {
    let push = Push::bounded(push::Limits::default().topic_bytes(10));
    let (fits, long) = ("x".repeat(10), "x".repeat(11));
    let rows = [
        registration(&long, "e"),
        registration("a", &long),
        registrations("a", &["e", &long]),
    ];
    for row in rows {
        let reason = push.open().refused(&row, 1008);
        assert_eq!(reason, "user or event too long", "{row}");
    }
    let mut client = push.open();
    client.register(&registration(&fits, &fits));
    assert_eq!(push.server().push(&long, "e", "m"), Ok(0));
    assert_eq!(push.server().push("a", &long, "m"), Ok(0));
    assert_eq!(push.server().push("a", "e", "m"), Ok(0));
    assert_eq!(push.server().push(&fits, &fits, "m"), Ok(1));
    client.expect_text("m");
    let response = push.post("/push", "", &publication(&long, "e", "m"));
    assert_eq!(response.body, "message sent to 0 clients");
}

#[test]
fn a_connection_has_a_number_of_subscriptions() {
    let push = Push::bounded(push::Limits::default().subscriptions(3));
    let mut client = push.open();
    client.register(&registrations("a", &["1", "2", "2"]));
    client.register(&registration("a", "3"));
    client.register(&registrations("a", &["3", "1", "3"]));
    let mut other = push.subscribe("a", "4");
    let mut many = push.subscribe("a", "1");
    let counts = || {
        ["1", "2", "3", "4", "5"].map(|event| push.server().push("a", event, "m").expect("it runs"))
    };
    assert_eq!(counts(), [2, 1, 1, 1, 0]);
    // A refusal ends the connection, and it counts no more, whether it answers or not.
    (0..3).for_each(|_| client.expect_text("m"));
    assert_eq!(
        client.refused(&registration("b", "4"), 1008),
        "too many events"
    );
    assert_eq!(counts(), [1, 0, 0, 1, 0]);
    // Nor may one registration name more, even if it repeats itself.
    (0..2).for_each(|_| many.expect_text("m"));
    let four = registrations("a", &["1", "1", "1", "1"]);
    assert_eq!(many.refused(&four, 1008), "too many events");
    assert_eq!(counts(), [0, 0, 0, 1, 0]);
    (0..3).for_each(|_| other.expect_text("m"));
}

#[test]
fn the_names_of_a_connection_have_a_number_of_bytes() {
    let push = Push::bounded(push::Limits::default().subscription_bytes(20));
    let mut client = push.open();
    // A user counts once, and what is there already not again.
    client.register(&registrations("user", &["12345678", "1234"]));
    client.register(&registrations("user", &["1234", "12345678"]));
    client.register(&registration("u", "123"));
    assert_eq!(push.server().push("u", "123", "m"), Ok(1));
    client.expect_text("m");
    let reason = client.refused(&registration("u", "4"), 1008);
    assert_eq!(reason, "names of events too long together");
    assert_eq!(push.server().push("u", "123", "m"), Ok(0));
}

#[test]
fn a_hub_has_a_number_of_topics_and_gets_room_when_one_is_left() {
    let push = Push::bounded(push::Limits::default().topics(2));
    let mut first = push.subscribe("a", "1");
    let _second = push.subscribe("a", "2");
    let reason = push.open().refused(&registration("a", "3"), 1013);
    assert_eq!(reason, "no room for more topics");
    assert_eq!(push.server().push("a", "3", "m"), Ok(0));
    // A further subscriber of a topic that is there needs no room.
    let mut third = push.subscribe("a", "1");
    assert_eq!(push.server().push("a", "1", "m"), Ok(2));
    first.expect_text("m");
    third.expect_text("m");
    first.finish(1000);
    third.finish(1000);
    let _fourth = push.subscribe("a", "4");
    assert_eq!(push.server().push("a", "4", "m"), Ok(1));
}

#[test]
fn the_last_topics_are_not_for_those_who_have_many() {
    let push = Push::bounded(push::Limits::default().topics(100).topic_share(4));
    // With 20 there are 80 free, which is no more than four times 20.
    let names = |count| (0..count).map(|n| n.to_string()).collect::<Vec<_>>();
    let mut greedy = push.open();
    greedy.register(&registrations("a", &names(20)));
    assert_eq!(
        greedy.refused(&registration("a", "20"), 1013),
        "no room for more topics"
    );
    // Its own no longer count either; a later client gets one of the last.
    let _others: Vec<_> = (0..99)
        .map(|n| push.subscribe("b", &n.to_string()))
        .collect();
    let mut last = push.subscribe("c", "e");
    assert_eq!(push.server().push("c", "e", "m"), Ok(1));
    last.expect_text("m");
    push.open().refused(&registration("c", "f"), 1013);
}

/// The case of a client that made a worker compare each name with each other for seconds.
#[cfg(feature = "deflate")]
#[test]
fn a_registration_that_repeats_itself_is_refused_before_it_costs_anything() {
    let push = Push::start(
        options_with(limits()).deflate(Some(wirebell::deflate::Settings::default())),
        Settings::default(),
    );
    let names: Vec<_> = (0..1000).map(|n| format!("{n:04}")).collect();
    let mut peer = Peer::open_at(push.address(), "/ws", "permessage-deflate");
    peer.send(&registrations(&"u".repeat(1024), &names));
    peer.client.expect_nothing();
    let bomb = peer.compress(registrations(&"u".repeat(1024), &["0999"; 9_000]).as_bytes());
    assert!(bomb.len() < 1000, "{}", bomb.len());
    for _ in 0..100 {
        peer.client.send_frame(&frame(0xC1, &bomb));
    }
    assert_eq!(peer.client.expect_close(1008), "too many events");
    // Inflated, it is longer than a registration may be.
    let mut peer = Peer::open_at(push.address(), "/ws", "permessage-deflate");
    peer.send(&registrations("u", &["0999"; 10_000]));
    peer.client.expect_close(1009);
}

#[test]
fn a_registration_has_a_number_of_bytes() {
    let push = Push::bounded(push::Limits::default().registration_bytes(100));
    let padded = |length: usize| {
        let text = registration("a", "e");
        format!("{text}{}", " ".repeat(length - text.len()))
    };
    let mut client = push.open();
    client.register(&padded(100));
    assert_eq!(push.server().push("a", "e", "m"), Ok(1));
    client.expect_text("m");
    client.send_text(&padded(101));
    client.expect_close(1009);
    // What is echoed may be longer.
    let mut echo = Client::open_at(push.address(), "/echo");
    echo.expect_echo(&padded(101));
}

#[test]
fn publications_for_nobody_leave_nothing_behind() {
    let push = Push::bounded(push::Limits::default().topics(1));
    for n in 0..100 {
        assert_eq!(push.server().push(&format!("user {n}"), "e", "m"), Ok(0));
    }
    let _client = push.subscribe("a", "e");
    assert_eq!(push.server().push("a", "e", "m"), Ok(1));
}

#[test]
// req: push-rates-02
fn a_user_has_so_many_connections() {
    let settings = push::Settings::default().connections_per_token(1);
    let push = Push::start(crate::net_support::options(), settings);
    let mut first = push.subscribe("alice", "a");
    first.register(&registration("alice", "b"));
    let reason = push.open().refused(&registration("alice", "a"), 1013);
    assert_eq!(reason, "this user has too many connections");
    let _other = push.subscribe("bob", "a");
    first.send_frame(&crate::support::frames::close(1000, ""));
    first.expect_close(1000);
    let left = || push.server().push("alice", "a", "m") == Ok(0);
    crate::net_support::wait_until("the first has left", left);
    let _second = push.subscribe("alice", "a");
}
