//! Limits of how often an address and a token may do something.

use super::tokens::{alice, entry};
use super::{Native, ask, bearer, parsed};
use crate::net_support::options;
use crate::support::frames::close;
use serde_json::json;
use wirebell::push::{Auth, Settings, Tokens};

const LINES: &str = "Accept: application/x-ndjson\r\n";
const EVENTS: &str = "Accept: text/event-stream\r\n";

fn limited(handshakes: &str, publications: &str) -> Settings {
    Settings::default()
        .handshake_rate(handshakes.parse().ok())
        .publish_rate(publications.parse().ok())
}

#[test]
fn publications_beyond_the_rate_are_refused_until_there_is_room() {
    let native = Native::with(limited("", "2/s:3"));
    for _ in 0..3 {
        assert_eq!(native.post("/topics/a", "", "x").status, 202);
    }
    let answer = native.post("/topics/a", "", "x");
    assert_eq!(
        (answer.status, answer.field("retry-after")),
        (429, Some("1"))
    );
    assert_eq!(parsed(&answer.body)["error"], "too_many");
    let answer = ask(&mut native.connect(), "POST", "/push", "", "{}");
    assert_eq!(answer.status, 429, "the same bucket");
    assert_eq!(native.get("/topics/a?poll=0&since=all", "").status, 200);
    native.advance(500);
    assert_eq!(native.post("/topics/a", "", "x").status, 202);
    assert_eq!(native.post("/topics/a", "", "x").status, 429);
    let metrics = native.get("/metrics", "").body;
    assert!(
        metrics.contains("\nwirebell_requests_limited_total 3\n"),
        "{metrics}"
    );
}

#[test]
fn each_line_of_a_batch_counts() {
    let native = Native::with(limited("", "10/s"));
    native.publish_all("a", 1..=30);
    assert_eq!(native.post("/topics/a", "", "x").status, 429);
    native.advance(2_000);
    assert_eq!(native.post("/topics/a", "", "x").status, 429);
    native.advance(101);
    assert_eq!(native.post("/topics/a", "", "x").status, 202);
}

#[test]
fn messages_of_a_websocket_count() {
    let native = Native::with(limited("", "1/s"));
    let mut envelopes = native.envelopes("/topics");
    let publish = r#"{"type":"publish","ref":1,"topic":"a","data":"x"}"#;
    envelopes.send_text(publish);
    assert_eq!(envelopes.json()["type"], "published");
    envelopes.send_text(publish);
    let error = envelopes.json();
    assert_eq!(
        (&error["error"], &error["ref"]),
        (&json!("too_many"), &json!(1))
    );
    let mut raw = native.raw("/topics/a");
    raw.send_text("x");
    assert_eq!(raw.frame(), close(1013, "not published"));
}

/// The broker looks for names, which is work that must not be free.
#[test]
// req: push-rates-03
fn presence_counts_as_a_publication() {
    let native = Native::with(limited("", "2/s"));
    let mut client = native.envelopes("/topics");
    let ask = r#"{"type":"presence","ref":7,"topic":"a"}"#;
    for _ in 0..2 {
        assert_eq!(client.say(ask)["type"], "presence");
    }
    let error = client.say(ask);
    assert_eq!(
        (&error["error"], &error["ref"]),
        (&json!("too_many"), &json!(7))
    );
    assert_eq!(native.post("/topics/a", "", "x").status, 429);
    native.advance(501);
    assert_eq!(client.say(ask)["type"], "presence");
}

#[test]
fn handshakes_and_streams_count_and_polls_do_not() {
    let native = Native::with(limited("2/m", ""));
    let _raw = native.raw("/topics/a");
    let _events = native.events("/topics/a");
    for target in ["/topics/a", "/ws", "/echo"] {
        let answer = native.handshake(target, "");
        assert_eq!(
            (answer.status, answer.field("retry-after")),
            (429, Some("30")),
            "{target}"
        );
    }
    let lines = native.get("/topics/a", "Accept: application/x-ndjson\r\n");
    assert_eq!(lines.status, 429);
    for _ in 0..10 {
        assert_eq!(native.get("/topics/a?poll=0", "").status, 200);
        assert_eq!(native.post("/topics/a", "", "x").status, 201);
    }
}

/// Clients of one address may have several tokens, and a token several addresses.
#[test]
fn a_token_has_a_bucket_of_its_own() {
    let bob = entry("bob", "other", "publish = ['orders.**']");
    let tokens = Tokens::parse(&(alice() + &bob)).expect("tokens");
    let auth = Auth::default().tokens(tokens);
    let proxies = vec!["127.0.0.0/8".parse().expect("a proxy")];
    let settings = limited("", "1/m").auth(Some(auth));
    let native = Native::with_options(options().trusted_proxies(proxies), settings);
    let post = |address: &str, token: &str| {
        let fields = bearer(token) + &format!("X-Forwarded-For: {address}\r\n");
        native.post("/topics/orders.eu", &fields, "x").status
    };
    assert_eq!(post("192.0.2.1", "secret"), 202);
    assert_eq!(post("192.0.2.2", "secret"), 429, "the token");
    assert_eq!(post("192.0.2.1", "other"), 429, "the address");
    assert_eq!(post("192.0.2.2", "other"), 202);
    assert_eq!(post("2001:db8::1", "other"), 429);
}

/// WebSockets, streams and tokens that come in a message have a place until they end.
#[test]
// req: push-rates-02
fn a_token_has_so_many_connections() {
    let bob = entry("bob", "other", "subscribe = ['orders.**']");
    let auth = Auth::default().tokens(Tokens::parse(&(alice() + &bob)).expect("tokens"));
    let settings = Settings::default().auth(Some(auth));
    let native = Native::with(settings.connections_per_token(3));
    let secret = bearer("secret");
    let mut later = native.envelopes("/topics");
    let _raw = native.raw_with("/topics/orders.eu", &secret);
    let lines = native.stream("/topics/orders.eu", &(secret.clone() + LINES));
    let _events = native.stream("/topics/orders.eu", &(secret.clone() + EVENTS));
    for fields in [LINES, EVENTS] {
        let answer = native.get("/topics/orders.eu", &(secret.clone() + fields));
        assert_eq!(answer.status, 429);
        assert_eq!(answer.field("retry-after"), Some("5"));
        assert_eq!(parsed(&answer.body)["error"], "too_many");
    }
    assert_eq!(native.handshake("/topics/orders.eu", &secret).status, 429);
    let poll = native.get("/topics/orders.eu?poll=0", &secret);
    assert_eq!(poll.status, 200, "it ends by itself");
    let other = native.raw_with("/topics/orders.eu", &bearer("other"));
    let auth = r#"{"type":"auth","token":"secret"}"#;
    later.send_text(auth);
    assert_eq!(later.json()["error"], "too_many");
    drop(lines);
    native.advance(1);
    later.send_text(auth);
    assert_eq!(later.json()["type"], "authenticated");
    later.send_text(auth);
    assert_eq!(later.json()["type"], "authenticated", "it has its place");
    assert_eq!(native.handshake("/topics/orders.eu", &secret).status, 429);
    drop((later, other));
}
