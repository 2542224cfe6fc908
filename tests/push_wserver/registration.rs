//! Registrations: `{"token", "event"}`, never answered, on a connection that stays open.

use crate::net_support::push::registration;
use crate::net_support::{Push, limits};
use crate::support::frames::{binary, end, more, text_start};

#[test]
fn text_and_binary_frames_in_any_spelling_register() {
    let push = Push::limited(limits());
    let rows = [
        r#"{"token":"a","event":"e"}"#,
        r#"{"Token":"a","Event":"e"}"#,
        r#"{"TOKEN":"a","eVeNt":"e"}"#,
        r#" { "event" : "e" , "token" : "\u0061" } "#,
        r#"{"token":"a","event":"e","version":7,"more":{"token":"b"},"list":[1,[]]}"#,
        r#"{"token":"a","event":"e"}{"token":"b","event":"f"}"#,
        r#"{"token":"a","event":"e"} and so on"#,
    ];
    for row in rows {
        let mut client = push.open();
        client.send_frame(&binary(row.as_bytes()));
        client.expect_nothing();
        assert_eq!(push.server().push("a", "e", "one"), Ok(1), "binary {row}");
        client.expect_text("one");
        client.finish(1000);
        let mut client = push.open();
        client.register(row);
        assert_eq!(push.server().push("a", "e", "two"), Ok(1), "text {row}");
        client.expect_text("two");
        client.finish(1000);
        assert_eq!(push.server().push("b", "f", "nobody"), Ok(0));
    }
}

#[test]
fn a_registration_in_fragments_is_one() {
    let push = Push::limited(limits());
    let mut client = push.open();
    for frame in [
        text_start(r#"{"token":"#),
        more(r#""a","ev"#),
        end(r#"ent":"e"}"#),
    ] {
        client.send_frame(&frame);
    }
    client.expect_nothing();
    assert_eq!(push.server().push("a", "e", "hello"), Ok(1));
    client.expect_text("hello");
}

#[test]
fn nothing_is_ever_answered_and_the_connection_stays() {
    let push = Push::limited(limits());
    let mut client = push.open();
    let rows = [
        "",
        "hello",
        "{",
        "[]",
        "null",
        r#"{"token":"a"}"#,
        r#"{"event":"e"}"#,
        r#"{"token":"","event":"e"}"#,
        r#"{"token":"a","event":""}"#,
        r#"{"token":"a","event":null}"#,
        r#"{"token":7,"event":"e"}"#,
        r#"{"token":"a","event":7}"#,
        r#"{"token":"a","event":[]}"#,
        r#"{"token":"a","event":["e",""]}"#,
        r#"{"token":"a","event":["e",7]}"#,
        r#"["a","e"]"#,
    ];
    for row in rows {
        client.register(row);
        assert_eq!(push.server().push("a", "e", "nobody"), Ok(0), "{row}");
    }
    client.register(&registration("a", "e"));
    assert_eq!(push.server().push("a", "e", "hello"), Ok(1));
    client.expect_text("hello");
}

#[test]
fn a_second_registration_for_the_same_changes_nothing() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    client.register(&registration("a", "e"));
    client.register(r#"{"token":"a","event":["e","e"]}"#);
    assert_eq!(push.server().push("a", "e", "once"), Ok(1));
    client.expect_text("once");
    client.expect_nothing();
    client.finish(1000);
    assert_eq!(push.server().push("a", "e", "nobody"), Ok(0));
}

#[test]
fn a_list_of_events_registers_for_each_of_them() {
    let push = Push::limited(limits());
    let mut client = push.open();
    client.register(r#"{"token":"a","event":["e","f","g"]}"#);
    client.register(&registration("a", "h"));
    for event in ["e", "f", "g", "h"] {
        assert_eq!(push.server().push("a", event, event), Ok(1));
        client.expect_text(event);
    }
    assert_eq!(push.server().push("a", "i", "nobody"), Ok(0));
    client.finish(1000);
    for event in ["e", "f", "g", "h"] {
        assert_eq!(push.server().push("a", event, "nobody"), Ok(0));
    }
}

#[test]
fn one_connection_may_be_of_several_users() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("a", "e");
    client.register(&registration("b", "e"));
    let mut other = push.subscribe("b", "e");
    assert_eq!(push.server().push("a", "e", "for a"), Ok(1));
    assert_eq!(push.server().push("b", "e", "for b"), Ok(2));
    client.expect_text("for a");
    client.expect_text("for b");
    other.expect_text("for b");
    client.finish(1000);
    assert_eq!(push.server().push("a", "e", "nobody"), Ok(0));
    assert_eq!(push.server().push("b", "e", "one"), Ok(1));
}

#[test]
fn only_exactly_this_user_and_this_event_match() {
    let push = Push::limited(limits());
    let mut client = push.subscribe("alice", "orders");
    let rows = [
        ("Alice", "orders"),
        ("alice", "Orders"),
        ("alic", "eorders"),
        ("aliceorders", ""),
        ("alice ", "orders"),
        ("alice", "orders/new"),
        ("alice", "*"),
        ("*", "orders"),
    ];
    for (user, event) in rows {
        assert_eq!(
            push.server().push(user, event, "nobody"),
            Ok(0),
            "{user} {event}"
        );
    }
    client.expect_nothing();
}
