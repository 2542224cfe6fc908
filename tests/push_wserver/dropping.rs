//! `POST /drop` and its twin for programs: connections of a user are closed, properly.

use crate::net_support::push::registration;
use crate::net_support::{Client, Push, limits, options_with};
use crate::support::frames::close;
use wirebell::push::{PushKey, Settings};

const KEY: &str = "Authorization: Bearer secret\r\n";

fn keyed() -> Push {
    let settings = Settings::default().push_key(PushKey::new("secret"));
    let options = options_with(limits()).workers(2);
    Push::start(options, settings)
}

#[test]
fn without_a_push_key_nobody_may_drop() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    for fields in ["", KEY] {
        let response = push.post("/drop", fields, r#"{"userId":"a"}"#);
        assert_eq!(response.status, 403);
    }
    client.expect_nothing();
}

#[test]
fn statuses_in_their_order() {
    let push = keyed();
    let mut client = push.subscribe("a", "e");
    let mut caller = push.connect();
    let get = "GET /drop HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(caller.ask(get).status, 405);
    let wrong = "Authorization: Bearer secret2\r\n";
    for fields in ["", wrong] {
        let response = caller.post("/drop", fields, "nonsense");
        assert_eq!((response.status, &*response.body), (401, ""));
    }
    let unsized_post = format!("POST /drop HTTP/1.1\r\nHost: a\r\n{KEY}\r\n");
    assert_eq!(caller.ask(unsized_post).status, 411);
    for body in [
        "",
        "nonsense",
        "{}",
        r#"{"userId":""}"#,
        r#"{"userId":"a","event":["e"]}"#,
    ] {
        let response = caller.post("/drop", KEY, body);
        let illegal = (400, "request data illegal");
        assert_eq!((response.status, &*response.body), illegal, "{body}");
    }
    client.expect_nothing();
    let response = caller.post("/drop", KEY, r#"{"userId":"b"}"#);
    assert_eq!(
        (response.status, &*response.body),
        (200, "0 clients dropped")
    );
}

/// Reads the Close that a dropped client gets, and answers it.
#[track_caller]
fn expect_dropped(client: &mut Client) {
    assert_eq!(client.expect_close(1000), "dropped");
    client.send_frame(&close(1000, ""));
    client.expect_end();
}

#[test]
fn all_connections_of_a_user_are_closed_and_counted_once() {
    let push = keyed();
    let mut dropped: Vec<Client> = (0..6).map(|_| push.subscribe("a", "e")).collect();
    // Several events of one connection still are one connection.
    dropped[0].register(r#"{"token":"a","event":["f","g"]}"#);
    dropped.push(push.subscribe("a", "f"));
    let mut kept = push.subscribe("b", "e");
    let response = push.post("/drop", KEY, r#"{"USERID":"a"}"#);
    assert_eq!(
        (response.status, &*response.body),
        (200, "7 clients dropped")
    );
    // From now on they count no more, though none has read its Close, let alone answered.
    for event in ["e", "f", "g"] {
        assert_eq!(push.server().push("a", event, "m"), Ok(0), "{event}");
    }
    let again = push.post("/drop", KEY, r#"{"userId":"a"}"#);
    assert_eq!(again.body, "0 clients dropped");
    let mut later = push.subscribe("a", "e");
    assert_eq!(push.server().push("a", "e", "to another"), Ok(1));
    later.expect_text("to another");
    for client in &mut dropped {
        expect_dropped(client);
    }
    kept.expect_nothing();
}

#[test]
fn with_an_event_only_its_subscribers_are_closed() {
    let push = keyed();
    let mut first = push.subscribe("a", "e");
    let mut both = push.subscribe("a", "e");
    both.register(&registration("a", "f"));
    let mut other = push.subscribe("a", "f");
    let response = push.post("/drop", KEY, r#"{"userId":"a","event":"e"}"#);
    assert_eq!(response.body, "2 clients dropped");
    expect_dropped(&mut first);
    expect_dropped(&mut both);
    other.expect_nothing();
    assert_eq!(push.server().push("a", "f", "m"), Ok(1));
    other.expect_text("m");
}

#[test]
fn a_program_may_drop_without_a_key() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    let mut other = push.subscribe("a", "f");
    assert_eq!(push.server().close_connections("b", None), Ok(0));
    assert_eq!(push.server().close_connections("a", Some("g")), Ok(0));
    assert_eq!(push.server().push("a", "e", "before"), Ok(1));
    assert_eq!(push.server().close_connections("a", Some("e")), Ok(1));
    // What was pushed before is not lost.
    client.expect_text("before");
    expect_dropped(&mut client);
    assert_eq!(push.server().close_connections("a", None), Ok(1));
    expect_dropped(&mut other);
}

#[test]
fn who_was_dropped_cannot_register_again() {
    let push = keyed();
    let mut client = push.subscribe("a", "e");
    client.register(&registration("b", "f"));
    assert_eq!(push.server().close_connections("a", Some("e")), Ok(1));
    assert_eq!(client.expect_close(1000), "dropped");
    // Neither what it had nor what it asks for now counts, as long as it does not answer.
    client.send_text(&registration("a", "e"));
    client.send_text("nonsense");
    let mut other = push.subscribe("a", "g");
    for (user, event) in [("a", "e"), ("b", "f")] {
        assert_eq!(
            push.server().push(user, event, "m"),
            Ok(0),
            "{user} {event}"
        );
    }
    client.send_frame(&close(1000, ""));
    client.expect_end();
    assert_eq!(push.server().push("a", "e", "m"), Ok(0));
    assert_eq!(push.server().push("a", "g", "m"), Ok(1));
    other.expect_text("m");
}
