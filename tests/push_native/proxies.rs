//! Behind reverse proxies: whose request it is.

use super::tokens::alice;
use super::{Native, Socket, ask, bearer, parsed};
use crate::net_support::client::upgrade;
use crate::net_support::{limits, options};
use wirebell::push::{Auth, Settings, Tokens};

/// A server to which all connections come from such a proxy, or from nobody it trusts.
fn behind(proxies: &[&str], connections_per_address: u32) -> Native {
    let proxies = proxies.iter().map(|text| text.parse().expect("a proxy"));
    let limits = limits().connections_per_address(connections_per_address);
    let options = options().limits(limits).trusted_proxies(proxies.collect());
    let tokens = Tokens::parse(&alice()).expect("tokens");
    let auth = Auth::default().tokens(tokens);
    Native::with_options(options, Settings::default().auth(Some(auth)))
}

fn of(client: &str) -> String {
    format!("X-Forwarded-For: 203.0.113.9, {client}\r\n")
}

/// How many wrong tokens a new connection may send for a client until it ends.
fn guesses(native: &Native, client: &str) -> usize {
    let mut connection = native.connect();
    let fields = bearer("wrong") + &of(client);
    let ends = |_: &usize| {
        let answer = ask(&mut connection, "GET", "/topics/news?poll=0", &fields, "");
        assert_eq!(answer.status, 401);
        answer.connection() == ["close"]
    };
    (1..100).find(ends).expect("it ends")
}

#[test]
// req: push-pages-11
fn wrong_tokens_count_for_the_client_of_a_trusted_proxy() {
    let native = behind(&["127.0.0.0/8"], 0);
    assert_eq!(guesses(&native, "192.0.2.1"), 5);
    assert_eq!(guesses(&native, "192.0.2.1"), 1);
    assert_eq!(guesses(&native, "192.0.2.2"), 5, "another client");
    // On a WebSocket it is the client that has opened it.
    let mut socket = native.envelopes_with("/topics", &of("192.0.2.2"));
    socket.send_text(r#"{"type":"auth","token":"wrong"}"#);
    assert_eq!(socket.expect_close(1008), "wrong token");
    let mut socket = native.envelopes_with("/topics", &of("192.0.2.3"));
    socket.wrong(r#"{"type":"auth","token":"wrong"}"#);
    // A client that is not a trusted proxy says what it likes.
    let native = behind(&["192.0.2.0/24"], 0);
    assert_eq!(guesses(&native, "192.0.2.1"), 5);
    assert_eq!(guesses(&native, "192.0.2.2"), 1);
}

/// A WebSocket that a client opens through the proxy.
fn open(native: &Native, client: &str) -> (u16, Socket) {
    let mut socket = native.connect();
    let fields = bearer("secret") + &of(client);
    socket.send(upgrade("/topics/news", &fields));
    (socket.head().status, socket)
}

#[test]
// req: push-pages-13 push-errors-12
fn the_connections_of_a_trusted_proxy_count_for_its_clients() {
    let native = behind(&["127.0.0.1"], 1);
    let fields = |client: &str| bearer("secret") + &of(client);
    let (status, first) = open(&native, "192.0.2.1");
    assert_eq!(status, 101);
    assert_eq!(open(&native, "192.0.2.1").0, 429);
    let (status, _second) = open(&native, "192.0.2.2");
    assert_eq!(status, 101);
    let mut kept = native.connect();
    for (method, target) in [("GET", "/topics/news?poll=0"), ("POST", "/topics/orders.a")] {
        let answer = ask(&mut kept, method, target, &fields("192.0.2.1"), "x");
        assert_eq!(answer.status, 429, "{answer:?}");
        assert_eq!(answer.field("retry-after"), Some("5"));
        assert_eq!(parsed(&answer.body)["error"], "too_many");
    }
    drop(first);
    // What is answered no longer counts, whichever connection it was.
    let mut others = [native.connect(), native.connect()];
    for n in 0..9 {
        let connection = others.get_mut(n % 3).unwrap_or(&mut kept);
        for target in ["/topics/news?poll=0", "/topics/news?poll=1s"] {
            let answer = ask(connection, "GET", target, &fields("192.0.2.1"), "");
            assert_eq!(answer.status, 200, "{answer:?}");
        }
    }
    // A request that waits for its answer does.
    let head = "GET /topics/news?poll=10s HTTP/1.1\r\nHost: localhost\r\n";
    kept.send(format!("{head}{}\r\n", fields("192.0.2.1")));
    assert_eq!(open(&native, "192.0.2.1").0, 429);
    assert_eq!(kept.response().status, 200);
    assert_eq!(open(&native, "192.0.2.1").0, 101);
    // The proxy itself is not counted.
    let own: Vec<_> = (0..5).map(|_| native.envelopes("/topics")).collect();
    assert_eq!(own.len(), 5);
}
