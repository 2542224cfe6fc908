//! Heads that are refused: malformed, too long, too slow. Each gets its answer and a clean end.

use crate::net_support::client::upgrade;
use crate::net_support::{Client, Probes, Push, Simulated, limits, options, options_with};
use std::time::Duration;
use wirebell::http::HeadLimits;

/// The client goes on reading: the answer must reach it, and then the end, not a reset.
#[track_caller]
fn expect_refusal(push: &Push, bytes: impl AsRef<[u8]>, status: u16) {
    let mut client = push.connect();
    let response = client.ask(&bytes);
    let shown = String::from_utf8_lossy(bytes.as_ref()).into_owned();
    assert_eq!(response.status, status, "{shown:.200}: {response:?}");
    assert_eq!(response.connection(), ["close"], "{shown:.200}");
    client.expect_end();
}

#[test]
fn what_is_no_head_is_a_bad_request() {
    let push = Push::limited(limits());
    let rows: [&[u8]; 20] = [
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/2.0\r\nHost: a\r\n\r\n",
        b"GET /health z HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\nHost: a\n\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost : a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n",
        b"GET /healthz#fragment HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /health\xFF HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n Host: a\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: y\rz\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX\0: y\r\n\r\n",
        b"G\0T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"\n",
        b" GET / HTTP/1.1\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ];
    for bytes in rows {
        expect_refusal(&push, bytes, 400);
    }
}

#[test]
fn a_request_names_exactly_one_host() {
    let push = Push::limited(limits());
    for hosts in [
        "",
        "Host: a\r\nHost: a\r\n",
        "Host: a\r\nhost: b\r\n",
        "Host: a b\r\n",
    ] {
        let request = format!("GET /healthz HTTP/1.1\r\n{hosts}\r\n");
        expect_refusal(&push, &request, 400);
        if !hosts.is_empty() {
            expect_refusal(&push, request.replace("1.1", "1.0"), 400);
        }
    }
}

#[test]
fn what_cannot_become_a_head_is_refused_at_its_first_byte() {
    let push = Push::limited(limits());
    // The beginning of a TLS handshake, a WebSocket frame, and binary noise: none of them has a
    // line end that a patient server could wait for.
    for bytes in [
        &b"\x16\x03\x01\x02\x00\x01\x00"[..],
        b"\x81\x85",
        b"\xff\xfe\0",
    ] {
        expect_refusal(&push, bytes, 400);
    }
}

#[test]
fn long_lines_and_heads_are_refused_before_they_are_whole() {
    let push = Push::limited(limits());
    let HeadLimits {
        bytes: head_bytes,
        target_bytes,
        fields,
        ..
    } = limits().head;
    let target = |len: usize| format!("GET /{} HTTP/1.1\r\nHost: a\r\n", "a".repeat(len - 1));
    let field = |len: usize| format!("GET /nothing HTTP/1.1\r\nHost: a\r\nX: {}", "x".repeat(len));
    let mut client = push.connect();
    assert_eq!(client.ask(target(target_bytes) + "\r\n").status, 404);
    assert_eq!(client.ask(field(head_bytes - 100) + "\r\n\r\n").status, 404);
    expect_refusal(&push, target(target_bytes + 1) + "\r\n", 414);
    expect_refusal(
        &push,
        format!("GET /{}", "a".repeat(target_bytes + 100)),
        414,
    );
    expect_refusal(&push, field(head_bytes), 431);
    expect_refusal(&push, field(head_bytes) + "\r\n\r\n", 431);
    expect_refusal(&push, field(200_000) + "\r\n\r\n", 431);
    let fields = "X: y\r\n".repeat(fields);
    let many = format!("GET /nothing HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    expect_refusal(&push, many, 431);
}

const GET: &str = "GET /http HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn a_slow_head_is_cut_while_others_are_served() {
    let server = Simulated::start(options_with(limits().head_ms(400)));
    let mut silent = server.connect();
    let mut slow: Vec<_> = (0..20).map(|_| server.connect()).collect();
    let mut steady = server.connect();
    for byte in b"GET /http" {
        for client in &mut slow {
            client.send([*byte]);
        }
        assert_eq!(steady.ask(GET).status, 200);
        server.advance(40);
    }
    for client in &mut slow {
        client.expect_silence(Duration::ZERO);
    }
    server.advance(120);
    assert_eq!(steady.ask(GET).status, 200);
    for client in &mut slow {
        assert!(client.answers_within(Duration::ZERO), "it is in time");
        let response = client.response();
        assert_eq!(response.status, 408);
        assert_eq!(response.connection(), ["close"]);
        client.expect_gone();
    }
    // There is nothing to say to a client that has not said anything.
    silent.expect_end();
}

/// A publisher that pushes now and then is not idle, however long it goes on.
#[test]
fn a_connection_that_goes_on_asking_is_not_idle() {
    let server = Simulated::start(options_with(limits().http_idle_ms(1200)));
    let mut client = server.connect();
    for _ in 0..8 {
        assert_eq!(client.ask(GET).status, 200);
        client.expect_silence(Duration::from_millis(1100));
    }
}

#[test]
fn an_idle_connection_between_two_requests_ends_without_a_word() {
    let server = Simulated::start(options_with(limits().http_idle_ms(200)));
    let mut client = server.connect();
    assert_eq!(client.ask(GET).status, 200);
    client.expect_silence(Duration::from_millis(190));
    let before = server.now();
    client.expect_end();
    assert!(server.now() - before < 100, "it ends in time");
}

/// Tokens in queries, large cookies, many fields; and needlessly long lists.
#[test]
fn heads_of_the_size_that_proxies_let_through_are_read() {
    let server = Probes::start(options());
    let query = format!(
        "GET /http?access_token={} HTTP/1.1\r\nHost: a\r\n\r\n",
        "e".repeat(6000)
    );
    let cookie = format!("Cookie: {}\r\n", "c".repeat(992));
    let cookies = format!("GET /http HTTP/1.1\r\nHost: a\r\n{}\r\n", cookie.repeat(12));
    let fields: String = (0..99).map(|n| format!("X-{n}: y\r\n")).collect();
    let many = format!("GET /http HTTP/1.1\r\nHost: a\r\n{fields}\r\n");
    let too_many = format!("GET /http HTTP/1.1\r\nHost: a\r\n{fields}X: y\r\n\r\n");
    let names: Vec<String> = (0..2693).map(|n| format!("n{n}")).collect();
    let rows = [(query, 200), (cookies, 200), (many, 200), (too_many, 431)];
    for (request, status) in rows {
        for step in [97, request.len()] {
            let mut client = Client::connect(server.address());
            for piece in request.as_bytes().chunks(step) {
                client.send(piece);
            }
            assert_eq!(client.response().status, status, "{request:.60}");
        }
    }
    for (count, status) in [(64, 101), (65, 400), (2693, 400)] {
        let list = format!("Sec-WebSocket-Protocol: {}\r\n", names[..count].join(","));
        let mut client = Client::connect(server.address());
        client.send(upgrade("/", &list));
        assert_eq!(client.head().status, status, "{count}");
    }
}
