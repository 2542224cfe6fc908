//! WebSockets with payloads alone.

use super::Native;
use crate::net_support::client::upgrade;
use crate::support::frames::{binary, close};

#[test]
// req: push-raw-01
fn payloads_come_as_they_were_published() {
    let native = Native::start();
    let mut one = native.raw("/topics/a");
    let mut all = native.raw("/topics/*,b.**,a");
    native.publish("a", "text");
    let field = "Content-Type: application/octet-stream\r\n";
    native.post("/topics/b.c.d", field, b"\0\xFF");
    one.expect_text("text");
    all.expect_text("text");
    assert_eq!(all.frame(), binary(b"\0\xFF"));
    one.expect_nothing();
    all.expect_nothing();
}

#[test]
// req: push-raw-04
fn the_answer_says_where_it_begins() {
    let native = Native::start();
    native.publish_all("a", 1..=3);
    let rows = [
        ("", 3, "true"),
        ("?since=all", 0, "true"),
        (&*format!("?since={}", native.id(2)), 2, "true"),
        (&*format!("?since={}", native.id(4)), 0, "false"),
        ("?since=other-2", 0, "false"),
    ];
    for (query, sequence, recovered) in rows {
        let head = native.handshake(&format!("/topics/a{query}"), "");
        assert_eq!(head.status, 101, "{query}");
        let position = head.field("wirebell-position");
        assert_eq!(position, Some(&*native.id(sequence)), "{query}");
        assert_eq!(head.field("wirebell-recovered"), Some(recovered), "{query}");
    }
    let mut client = native.connect();
    client.send(upgrade("/topics/a?since=all", ""));
    client.expect_switch();
    native.publish("a", "4");
    (1..=4).for_each(|n| client.expect_text(&n.to_string()));
}

#[test]
// req: push-raw-02
fn a_message_on_one_exact_topic_is_published() {
    let native = Native::start();
    let mut other = native.envelopes("/topics/a");
    other.json();
    let mut raw = native.raw("/topics/a");
    raw.expect_echo("hello");
    raw.send_frame(&binary(b"\xFF"));
    assert_eq!(raw.frame(), binary(b"\xFF"));
    assert_eq!(other.json()["data"], "hello");
    assert_eq!(other.json()["base64"], "/w==");
}

#[test]
// req: push-raw-03
fn a_message_elsewhere_is_the_end() {
    let native = Native::start();
    for topics in ["a.*", "a.**", "a,b", "$stats"] {
        let mut raw = native.raw(&format!("/topics/{topics}"));
        raw.send_text("hello");
        assert_eq!(raw.expect_close(1008), "this cannot be published to");
        raw.send_frame(&close(1008, ""));
        raw.expect_end();
    }
    assert_eq!(native.shared.broker().head().sequence, 0);
}

#[test]
fn a_handshake_that_is_wrong_says_why() {
    let native = Native::start();
    for (target, status) in [
        ("/topics", 400),
        ("/topics/", 400),
        ("/topics/a..b", 400),
        ("/topics/a,", 400),
        ("/topics/a?since=never", 400),
        ("/topics/a?since=1&since=2", 400),
    ] {
        assert_eq!(native.handshake(target, "").status, status, "{target}");
    }
    let mut client = native.connect();
    client.send(upgrade("/topics/a", "").replace("Version: 13", "Version: 12"));
    assert_eq!(client.head().status, 426);
}
