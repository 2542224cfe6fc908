//! What there is at which path, and how requests to a wrong path are answered.

use super::file;
use crate::net_support::client::upgrade;
use crate::net_support::{Client, Push, limits, options, options_with};
use wirebell::net::Server;
use wirebell::push::{EchoServer, PushKey, Settings, TokenFile};

#[test]
// req: push-errors-06
fn who_looks_in_the_wrong_place_is_told_the_right_one() {
    let push = Push::limited(limits());
    let plain = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    let post = |path: &str| format!("POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n");
    let rows = [
        (upgrade("/", ""), "/ws."),
        (upgrade("/?a=b", ""), "/ws."),
        (upgrade("/socket", ""), "/ws."),
        (upgrade("/ws/", ""), "at /ws, without a slash"),
        (plain("/ws/"), "at /ws, without a slash"),
        (upgrade("/ws//", ""), "at /ws, without a slash"),
        (upgrade("/echo/", ""), "at /echo, without a slash"),
        (post("/push/"), "at /push, without a slash"),
        (post("/drop/?a"), "at /drop, without a slash"),
        (plain("/healthz/"), "/healthz, without a slash"),
        (plain("/nothing/"), "nothing at this path."),
    ];
    let mut client = push.connect();
    for (request, text) in rows {
        let response = client.ask(&request);
        assert_eq!(response.status, 404, "{request}");
        assert!(response.body.contains(text), "{request}{}", response.body);
    }
    // In the dialect of topics for who asks for JSON, which a wildcard does not.
    for (accept, is_json) in [
        ("application/json", true),
        ("text/html;q=0.5, Application/JSON;q=0.9", true),
        ("*/*", false),
    ] {
        let fields = format!("Accept: {accept}\r\n");
        let response = client.ask(upgrade("/nothing", &fields).replace("Upgrade", "X"));
        let kind = if is_json {
            "application/json"
        } else {
            "text/plain; charset=utf-8"
        };
        assert_eq!(
            (response.status, response.field("content-type")),
            (404, Some(kind))
        );
        assert_eq!(
            response
                .body
                .starts_with(r#"{"error":"not_found","message":"#),
            is_json
        );
    }
    // Another protocol is no WebSocket, and the page may ignore it.
    let other = upgrade("/", "").replace("websocket", "h2c");
    assert_eq!(client.ask(other).status, 200);
}

#[test]
fn the_echo_is_only_for_open_servers_unless_it_is_asked_for() {
    let key = PushKey::new("secret");
    let tokens = || TokenFile::open(file("tokens-echo", "t alice\n")).expect("a token file");
    let rows = [
        (None, None, None, true),
        (key.clone(), None, None, false),
        (None, Some(tokens()), None, false),
        (key.clone(), Some(tokens()), Some(true), true),
        (None, None, Some(false), false),
    ];
    for (push_key, tokens, echo, is_there) in rows {
        let settings = Settings::default()
            .push_key(push_key)
            .tokens(tokens)
            .echo(echo);
        let push = Push::start(options_with(limits()), settings);
        if is_there {
            Client::open_at(push.address(), "/echo").expect_echo("hello");
            continue;
        }
        for request in [
            upgrade("/echo", ""),
            upgrade("/echo", "").replace("Upgrade", "X"),
        ] {
            let response = push.connect().ask(request);
            assert_eq!(response.status, 404);
            assert!(response.body.contains("--echo"), "{}", response.body);
        }
    }
}

#[test]
fn the_echo_confirms_the_subprotocol_that_its_client_likes_best() {
    let push = Push::limited(limits());
    let rows = [
        ("", None),
        (
            "Sec-WebSocket-Protocol: ocpp1.6, ocpp1.5\r\n",
            Some("ocpp1.6"),
        ),
        ("Sec-WebSocket-Protocol: v1.usp\r\n", Some("v1.usp")),
        (
            "Sec-WebSocket-Protocol: b\r\nSec-WebSocket-Protocol: a\r\n",
            Some("b"),
        ),
    ];
    for (field, expected) in rows {
        let mut client = push.connect();
        client.send(upgrade("/echo", field));
        let response = client.expect_switch();
        assert_eq!(
            response.field("sec-websocket-protocol"),
            expected,
            "{field}"
        );
        client.expect_echo("hello");
        // Nothing is spoken but JSON in the dialect of wserver.
        let mut client = push.connect();
        client.send(upgrade("/ws", field));
        assert_eq!(client.expect_switch().field("sec-websocket-protocol"), None);
    }
}

/// What path, method, key, encoding or length forbid is refused before a byte of the body has come,
/// without `100 Continue`; of pages that may read it, the refusal can be read too.
#[test]
fn what_the_head_forbids_costs_no_body() {
    let settings = Settings::default().push_key(PushKey::new("secret"));
    let push = Push::start(options_with(limits()), settings);
    let key = "Authorization: Bearer secret\r\n";
    let rows = [
        ("POST /push", "", 900_000, 401),
        ("POST /drop", "", 900_000, 401),
        (
            "POST /push",
            "Authorization: Bearer wrong\r\n",
            900_000,
            401,
        ),
        ("PUT /push", key, 900_000, 405),
        ("POST /none", key, 900_000, 404),
        (
            "POST /push",
            "Authorization: Bearer secret\r\nContent-Encoding: br\r\n",
            9,
            415,
        ),
        ("POST /push", key, (1 << 20) + 1, 413),
        ("GET /", "", 2000, 413),
        ("GET /healthz", "", 2000, 413),
        ("POST /ws", "", 2000, 405),
        ("PUT /ws", key, 5, 405),
        ("GET /ws", "", 2000, 413),
        ("GET /echo", "", 5, 404),
    ];
    for (line, fields, length, status) in rows {
        for expect in ["", "Expect: 100-continue\r\n"] {
            let mut client = push.connect();
            let origin = "Origin: http://a\r\n";
            client.send(format!(
                "{line} HTTP/1.1\r\nHost: a\r\n{origin}{fields}{expect}\
                 Content-Length: {length}\r\n\r\n"
            ));
            let response = client.response();
            assert_eq!(response.status, status, "{line} {fields}");
            let readable = response.field("access-control-allow-origin");
            assert_eq!(readable, Some("http://a"), "{line} {fields}");
        }
    }
}

/// The same of the server that only echoes.
#[test]
fn what_the_head_forbids_costs_the_echo_no_body() {
    let server = Server::bind("127.0.0.1:0", options(), |_| EchoServer::default()).expect("a port");
    for (line, fields, length, status) in [
        ("POST /", "", 900_000, 405),
        ("HEAD /", "", 900_000, 405),
        ("GET /", "", 1025, 413),
        ("GET /", "", 900_000, 413),
        ("GET /echo", "Origin: http://b\r\n", 900_000, 403),
    ] {
        for expect in ["", "Expect: 100-continue\r\n"] {
            let mut client = Client::connect(server.local_addr());
            client.send(format!(
                "{line} HTTP/1.1\r\nHost: a\r\n{fields}{expect}Content-Length: {length}\r\n\r\n"
            ));
            assert_eq!(client.head().status, status, "{line} {fields}");
        }
    }
    // A body that some clients send with everything is no harm to the handshake's own answer.
    let mut client = Client::connect(server.local_addr());
    let refused = client.ask(upgrade("/", "Content-Length: 5\r\n") + "hello");
    assert_eq!(refused.status, 400);
    server.stop();
    server.join().unwrap();
}
