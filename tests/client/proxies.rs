//! Tunnels through an HTTP proxy: what it is asked, and what comes of its answer.

use crate::net_support::scripted::{Peer, Server, field, switch};
use crate::support::frames::{text, wire};
use std::time::Duration;
use wirebell::client::Wait;
use wirebell::client::{Client, Error, MAX_ANSWER_BODY, Options, Proxy, ProxyChoice, ProxyError};
use wirebell::{Message, Role, client};

/// Options that go through the server as a proxy, with `user:password@` or nothing before it.
fn through(server: &Server, credentials: &str) -> Options {
    let proxy = format!("http://{credentials}{}", server.address());
    Options::default().proxy(ProxyChoice::Proxy(proxy.parse().unwrap()))
}

#[track_caller]
fn expect_connect(peer: &mut Peer, to: &str, more: &str) {
    let expected = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n{more}\r\n");
    assert_eq!(peer.head(), expected);
}

#[test]
// req: 6455-4.1-13 6455-4.1-40
fn the_handshake_goes_through_the_tunnel() {
    let rows = [
        // Nobody but the proxy knows these names.
        (
            "ws://one.example:8080/x",
            "one.example:8080",
            "one.example:8080",
        ),
        ("ws://one.example/x", "one.example:80", "one.example"),
        ("ws://[2001:DB8::1]/x", "[2001:db8::1]:80", "[2001:db8::1]"),
    ];
    let answers = [
        "HTTP/1.1 200 Connection established\r\n\r\n",
        "HTTP/1.0 200 OK\r\nProxy-Agent: old\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 Fine\r\n\r\n",
        // Neither means a body behind a CONNECT (RFC 9110 section 9.3.6).
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nTransfer-Encoding: chunked\r\n\r\n",
    ];
    for (uri, connect, host) in rows {
        for answer in answers {
            let server = Server::once(move |peer| {
                expect_connect(peer, connect, "");
                // The request waits until there is a tunnel.
                peer.expect_silence(Duration::from_millis(20));
                peer.send(answer);
                let head = peer.head();
                assert!(head.starts_with("GET /x HTTP/1.1\r\n"), "{head}");
                assert_eq!(field(&head, "Host"), Some(host));
                assert_eq!(field(&head, "Proxy-Authorization"), None);
                let first = wire(Role::Client, &[text("inside")]);
                peer.send([switch(&head, "").into_bytes(), first].concat());
                peer.expect(&text("through"));
                peer.expect_gone();
            });
            let mut client = Client::connect(uri, through(&server, "")).unwrap();
            assert_eq!(client.peer_addr().unwrap(), server.address());
            assert_eq!(client.receive().unwrap(), Some(Message::text("inside")));
            client.send(Message::text("through")).unwrap();
            drop(client);
            server.finish();
        }
    }
}

#[test]
fn credentials_are_for_the_proxy_only() {
    // "me:p@ss" and "me:" in base64.
    for (credentials, encoded) in [("me:p%40ss@", "bWU6cEBzcw=="), ("me:@", "bWU6")] {
        let server = Server::once(move |peer| {
            let authorization = format!("Proxy-Authorization: Basic {encoded}\r\n");
            expect_connect(peer, "two.example:80", &authorization);
            peer.send("HTTP/1.1 200 OK\r\n\r\n");
            let head = peer.head();
            assert!(
                !head.contains(encoded) && !head.contains("Authorization"),
                "{head}"
            );
            peer.send(switch(&head, ""));
            peer.expect_gone();
        });
        let options = through(&server, credentials);
        let shown = format!("{options:?}");
        assert!(
            !shown.contains(encoded) && !shown.contains("p@ss"),
            "{shown}"
        );
        drop(Client::connect("ws://two.example/", options).unwrap());
        server.finish();
    }
}

#[test]
// req: 6455-4.1-13 6455-7.2.1-01
fn a_proxy_that_opens_no_tunnel_is_heard() {
    let page = "x".repeat(2 * MAX_ANSWER_BODY);
    let rows = [
        (
            "HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n\
             Content-Length: 3\r\n\r\nwho"
                .to_owned(),
            407,
            "who",
        ),
        (
            "HTTP/1.0 502 Bad Gateway\r\n\r\n".to_owned() + &page,
            502,
            &page[MAX_ANSWER_BODY..],
        ),
        // Only a 2xx opens a tunnel: a proxy does not redirect.
        (
            "HTTP/1.1 302 Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
            302,
            "",
        ),
    ];
    for (answer, status, body) in rows {
        let server = Server::once(move |peer| {
            expect_connect(peer, "three.example:80", "");
            peer.try_send(answer);
            // No second request, neither with the server's handshake nor with a password.
            peer.expect_gone();
        });
        match Client::connect("ws://three.example/", through(&server, "")) {
            Err(Error::Proxy(answer)) => {
                assert_eq!(answer.status, status);
                assert!(answer.body == body.as_bytes(), "{status}");
                let scheme = answer.field("proxy-authenticate");
                assert_eq!(scheme.is_some(), status == 407);
            }
            other => panic!("{status}: {other:?}"),
        }
        assert_eq!(server.accepted(), 1);
        server.finish();
    }
}

#[test]
fn what_no_proxy_says_is_a_failure() {
    // A proxy cannot answer for the server: 101 is an interim answer here, and opens nothing.
    for (answer, peer) in [
        ("SSH-2.0-x\r\n\r\n", Some("it is an SSH server")),
        ("HTTP/1.1 101 Switching Protocols\r\n\r\n", None),
        ("", None),
    ] {
        let server = Server::once(move |peer| {
            expect_connect(peer, "four.example:80", "");
            peer.send(answer);
            peer.end_writing();
            peer.expect_gone();
        });
        match (
            Client::connect("ws://four.example/", through(&server, "")),
            peer,
        ) {
            (Err(Error::Lost(None)), None) => {}
            (Err(Error::NotHttp(actual)), Some(expected)) => assert_eq!(actual, expected),
            other => panic!("{answer}: {other:?}"),
        }
        server.finish();
    }
}

#[test]
fn the_answer_of_the_server_is_not_taken_for_one_of_the_proxy() {
    let server = Server::once(|peer| {
        expect_connect(peer, "five.example:80", "");
        peer.send("HTTP/1.1 200 OK\r\n\r\n");
        peer.head();
        peer.send("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
        peer.expect_gone();
    });
    match Client::connect("ws://five.example/", through(&server, "")) {
        Err(Error::Answer(answer)) => assert_eq!(answer.status, 404),
        other => panic!("{other:?}"),
    }
    server.finish();
}

#[test]
fn a_silent_proxy_is_not_waited_for() {
    for answer in ["", "HTTP/1.1 200 OK\r\n"] {
        let server = Server::once(move |peer| {
            expect_connect(peer, "six.example:80", "");
            peer.send(answer);
            peer.expect_gone();
        });
        let options = through(&server, "").limits(client::Limits::default().open_ms(1000));
        match Client::connect("ws://six.example/", options) {
            Err(Error::TimedOut(Wait::Open)) => {}
            other => panic!("{other:?}"),
        }
        server.finish();
    }
}

#[test]
fn only_http_proxies_can_be_named() {
    for text in [
        "h",
        "h:3128",
        "http://h",
        "HTTP://h/",
        "http://u@h:1",
        "http://[::1]:8/",
    ] {
        assert!(text.parse::<Proxy>().is_ok(), "{text}");
    }
    for text in [
        "",
        "http://",
        "https://h",
        "socks5://h:1080",
        "http://h/path",
        "h:x",
        "h:0",
        "a b",
        "http://u:%4@h",
        "http://u:%zz@h",
        "http://h?x",
        "http://h#x",
        "h\r\nX: y",
    ] {
        assert_eq!(text.parse::<Proxy>(), Err(ProxyError), "{text:?}");
    }
}
