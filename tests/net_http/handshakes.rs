//! The opening handshake as a client sees it: RFC 6455 sections 4.2.1, 4.2.2 and 4.4. What is cut
//! is sent over simulated sockets, where each piece is read in a turn of its own.

use crate::net_support::client::{KEY, upgrade};
use crate::net_support::{Push, Simulated, limits, options};
use crate::support::frames::{close, ping, text};
use wirebell::Role;

// req: 6455-4.2.2-01 6455-4.2.2-10 6455-4.2.2-11 6455-4.2.2-12 6455-9-03
#[test]
fn the_answer_is_exactly_what_was_asked_for() {
    let server = Simulated::start(options());
    let mut client = server.connect();
    client.send(upgrade(
        "/",
        "Sec-WebSocket-Extensions: foo; bar=1, x-baz\r\n",
    ));
    let mut fields = client.expect_switch().fields;
    fields.sort();
    let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["connection", "sec-websocket-accept", "upgrade"]);
    assert_eq!((&*fields[0].1, &*fields[2].1), ("Upgrade", "websocket"));
    client.expect_echo("frames from here on");
}

// req: 6455-4.2.2-08 6455-4.2.2-09
#[test]
fn the_subprotocol_is_one_that_was_offered_in_exact_case() {
    let server = Simulated::start(options());
    let rows = [
        ("", None),
        ("Sec-WebSocket-Protocol: other\r\n", None),
        ("Sec-WebSocket-Protocol: Chat\r\n", None),
        ("Sec-WebSocket-Protocol: chat\r\n", Some("chat")),
        (
            "Sec-WebSocket-Protocol: chat, superchat\r\n",
            Some("superchat"),
        ),
        (
            "Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: chat\r\n",
            Some("chat"),
        ),
    ];
    for (offer, chosen) in rows {
        let mut client = server.connect();
        client.send(upgrade("/", offer));
        let response = client.expect_switch();
        assert_eq!(response.field("sec-websocket-protocol"), chosen, "{offer}");
    }
}

#[test]
fn a_head_is_understood_in_every_cut() {
    let server = Simulated::start(options());
    let head = upgrade("/", "X-Padding: to have a longer head\r\n");
    for cut in 1..head.len() {
        let mut client = server.connect();
        client.send(&head[..cut]);
        client.send(&head[cut..]);
        client.expect_switch();
    }
    let mut client = server.connect();
    for byte in head.bytes() {
        client.send([byte]);
    }
    client.expect_switch();
    client.expect_echo("after single bytes");
}

#[test]
fn frames_in_the_segment_of_the_request_are_answered() {
    let server = Simulated::start(options());
    let frames = [
        text("one").to(Role::Server),
        ping(b"two").to(Role::Server),
        text("three").to(Role::Server),
        close(1000, "bye").to(Role::Server),
    ]
    .concat();
    let head = upgrade("/", "");
    for cut in 0..=frames.len() {
        let mut client = server.connect();
        client.send([head.as_bytes(), &frames[..cut]].concat());
        if cut < frames.len() {
            client.send(&frames[cut..]);
        }
        client.expect_switch();
        client.expect_text("one");
        assert_eq!(client.frame().payload, b"two");
        client.expect_text("three");
        client.expect_close(1000);
        client.expect_end();
    }
}

#[test]
fn an_upgrade_may_follow_other_requests() {
    let server = Simulated::start(options());
    let mut client = server.connect();
    let get = "GET /http HTTP/1.1\r\nHost: a\r\n\r\n";
    let frame = text("hello").to(Role::Server);
    client.send(
        [
            get.as_bytes(),
            get.as_bytes(),
            upgrade("/", "").as_bytes(),
            &frame,
        ]
        .concat(),
    );
    assert_eq!(client.response().status, 200);
    assert_eq!(client.response().status, 200);
    client.expect_switch();
    client.expect_text("hello");
}

// req: 6455-4.2.1-01 6455-4.2.2-06 6455-4.4-01
#[test]
fn plain_http_on_a_websocket_path_is_told_what_to_do() {
    let push = Push::limited(limits());
    let rows = [
        "GET /ws HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
        "GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n".to_owned(),
        upgrade("/ws", "").replace("Version: 13", "Version: 8"),
        upgrade("/ws", "").replace("Version: 13", "Version: 14"),
        upgrade("/ws", "").replace("Version: 13", "Version: 255"),
    ];
    for request in rows {
        let mut client = push.connect();
        let response = client.ask(&request);
        assert_eq!(response.status, 426, "{request}");
        assert_eq!(response.field("upgrade"), Some("websocket"));
        assert_eq!(response.field("sec-websocket-version"), Some("13"));
        assert!(response.connection().contains(&"upgrade".to_owned()));
        assert!(!response.body.is_empty());
        client.expect_end();
    }
}

// req: 6455-4.2.1-01 6455-7.2.2-01
#[test]
fn a_handshake_that_lacks_something_is_refused_and_the_connection_ends() {
    let push = Push::limited(limits());
    let good = upgrade("/echo", "");
    let rows = [
        ("Host: localhost\r\n", "", 400),
        ("Host: localhost", "Host: a\r\nHost: b", 400),
        ("Connection: Upgrade", "Connection: keep-alive", 400),
        ("Connection: Upgrade\r\n", "", 400),
        (KEY, "dGhlIHNhbXBsZSBub25jZQ=", 400),
        (KEY, "dGhlIHNhbXBsZQ==", 400),
        ("Sec-WebSocket-Key: ", "X-Key: ", 400),
        ("Sec-WebSocket-Version: 13\r\n", "", 400),
        ("Version: 13", "Version: 13, 8", 400),
        ("Version: 13", "Version: thirteen", 400),
        ("\r\n\r\n", "\r\nSec-WebSocket-Version: 13\r\n\r\n", 400),
        ("\r\n\r\n", "\r\nSec-WebSocket-Extensions: a b\r\n\r\n", 400),
        ("\r\n\r\n", "\r\nSec-WebSocket-Protocol: a, a\r\n\r\n", 400),
        ("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nxx", 400),
        (
            "\r\n\r\n",
            "\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        ("HTTP/1.1", "HTTP/1.0", 400),
    ];
    for (part, instead, status) in rows {
        let request = good.replacen(part, instead, 1);
        assert_ne!(request, good, "{part}");
        let mut client = push.connect();
        let response = client.ask(&request);
        assert_eq!(response.status, status, "{request}");
        assert_eq!(response.field("sec-websocket-accept"), None);
        client.expect_end();
    }
}

// req: 6455-4.2.2-07
#[test]
fn an_upgrade_on_an_unknown_path_is_not_found() {
    let push = Push::limited(limits());
    for path in ["/nothing", "/WS", "/ws/", "/healthz/ws"] {
        let mut client = push.connect();
        let response = client.ask(upgrade(path, ""));
        assert_eq!(response.status, 404, "{path}");
    }
    // These paths are there, but speak no WebSocket: the field is ignored, as HTTP wants it.
    let mut client = push.connect();
    assert_eq!(client.ask(upgrade("/healthz", "")).status, 200);
}

#[test]
fn tokens_match_in_any_case_and_among_others() {
    let push = Push::limited(limits());
    let request = upgrade("/echo", "")
        .replace("Upgrade: websocket", "UPGRADE: h2c, WebSocket")
        .replace("Connection: Upgrade", "connection: keep-alive, , upGrade")
        .replace("Sec-WebSocket-Key", "SEC-WEBSOCKET-KEY");
    let mut client = push.connect();
    client.send(request);
    client.expect_switch();
    client.expect_echo("hello");
}
