//! Each way in which a request can be wrong, and the [`Refusal`] that it gets.

use super::{Head, good_request, read, verdict};
use std::collections::BTreeSet;
use wirebell::Refusal::{self, *};

const KEY: &str = "Sec-WebSocket-Key";
const VERSION: &str = "Sec-WebSocket-Version";
const PROTOCOL: &str = "Sec-WebSocket-Protocol";

/// Requests that get the same refusal.
type Group = (Refusal, Vec<Head>);

fn first_lines() -> Vec<Group> {
    let group = |refusal, lines: &[&str]| {
        let heads = lines.iter().map(|line| good_request().first(line));
        (refusal, heads.collect())
    };
    let not_get = [
        "POST /chat HTTP/1.1",
        "get /chat HTTP/1.1",
        "HEAD /chat HTTP/1.1",
        "GETS /chat HTTP/1.1",
    ];
    let malformed = [
        "GET /chat HTTP/2.0",
        "GET /chat HTTP/0.9",
        "GET /chat HTTP/1.10",
        "GET /chat http/1.1",
        "GET /chat",
        "GET  /chat HTTP/1.1",
        "GET /chat  HTTP/1.1",
        "GET /chat HTTP/1.1 ",
        "GET /a b HTTP/1.1",
        "GET /chat#part HTTP/1.1",
        "GET chat HTTP/1.1",
        "GET * HTTP/1.1",
        "GET /\0 HTTP/1.1",
        "GET\t/chat\tHTTP/1.1",
    ];
    vec![
        group(MethodNotGet, &not_get),
        group(HttpVersion, &["GET /chat HTTP/1.0"]),
        group(MalformedHead, &malformed),
    ]
}

fn malformed_lines() -> Group {
    let with = |name, value| good_request().with(name, value);
    let heads = vec![
        with("no colon\r\nX", "y"),
        with(" X", "y"),
        with("X ", "y"),
        with("", "y"),
        with("X(", "y"),
        with("X", "a\0b"),
        with("X", "a\x01b"),
        with("X", "a\x7fb"),
        with("X", "a\rb"),
        with("X", "a\nb: c"),
        with("X", "folded\r\n into two lines"),
        with("X", "folded\r\n\tby a tab"),
    ];
    (MalformedHead, heads)
}

fn hosts() -> Group {
    let values = [
        "",
        "a b",
        "a/b",
        "a,b",
        "user@h",
        "host:port",
        "h:80:81",
        "::1",
        "[::1",
        "[g::1]",
        "[]",
        "[:::]",
        "[1]",
        ":80",
        "a?b",
        "a#b",
        "a\\b",
        "<a>",
        "[::1]x",
        "é",
    ];
    let mut heads: Vec<Head> = values.map(|host| good_request().set("Host", host)).into();
    heads.push(good_request().set("Host", b"\xff"));
    heads.push(good_request().without("Host"));
    heads.push(good_request().with("Host", "server.example.com"));
    heads.push(good_request().with("Host", "other.example.com"));
    (Host, heads)
}

/// Upgrade, Connection, and the fields of a body.
fn upgrades() -> Vec<Group> {
    let good = good_request;
    let (length, coding) = ("Content-Length", "Transfer-Encoding");
    let not_an_upgrade = vec![
        good().without("Upgrade"),
        good().set("Upgrade", ""),
        good().set("Upgrade", "h2c"),
        good().set("Upgrade", "websocket2"),
        good().set("Upgrade", "web socket"),
        good().set("Upgrade", "websocket/13"),
    ];
    let without_upgrade = vec![
        good().without("Connection"),
        good().set("Connection", ""),
        good().set("Connection", "keep-alive"),
        good().set("Connection", "Upgrades"),
        good().set("Connection", "keep-alive Upgrade"),
        good().set("Connection", b"\xff, Upgrade"),
    ];
    let bodies = vec![
        good().with(length, "1"),
        good().with(length, ""),
        good().with(length, "0, 0"),
        good().with(length, "0").with(length, "5"),
        good().with(coding, "chunked"),
        good().with(coding, ""),
    ];
    vec![
        (NotAnUpgrade, not_an_upgrade),
        (ConnectionWithoutUpgrade, without_upgrade),
        (Body, bodies),
    ]
}

fn keys() -> Group {
    let values = [
        "",
        "dGhlIHNhbXBsZSBub25jZQ",    // no padding
        "dGhlIHNhbXBsZSBub25jZQ=",   // half of it
        "dGhlIHNhbXBsZSBub25jZQ===", // too much
        "dGhlIHNhbXBsZSBub25j",      // 15 bytes
        "dGhlIHNhbXBsZSBub25jZWE=",  // 17 bytes
        "dGhlIHNhbXBsZSBub25jZWFi",  // 18 bytes
        "dGhlIHNhbXBsZSBub25jZQ=a",
        "dGhlIHNhbXBsZSBub25j ZQ=",
        "dGhlIHNhbXBsZSBub25jZ-==", // the other alphabet
        "dGhlIHNhbXBsZSBub25jZ*==",
        "========================",
    ];
    let mut heads: Vec<Head> = values.map(|key| good_request().set(KEY, key)).into();
    heads.push(good_request().without(KEY));
    heads.push(good_request().with(KEY, "dGhlIHNhbXBsZSBub25jZQ=="));
    heads.push(good_request().with(KEY, "AQIDBAUGBwgJCgsMDQ4PEA=="));
    (Key, heads)
}

fn versions() -> Vec<Group> {
    let set = |version| good_request().set(VERSION, version);
    let other = [
        "0",
        "8",
        "12",
        "14",
        "25",
        "013",
        "256",
        "99999999999999999999",
    ]
    .map(set);
    let malformed = ["", "x", "13, 8", "1 3", "+13", "1.3", "\u{661}\u{663}"].map(set);
    let repeated = [
        good_request().without(VERSION),
        good_request().with(VERSION, "13"),
        good_request().with(VERSION, "8"),
    ];
    vec![
        (Version, other.into()),
        (VersionMalformed, malformed.into()),
        (VersionMalformed, repeated.into()),
    ]
}

/// A list of this many subprotocols.
fn names(count: usize) -> String {
    let names: Vec<String> = (0..count).map(|n| format!("n{n}")).collect();
    names.join(", ")
}

/// Subprotocols, extensions and the origin.
fn offers() -> Vec<Group> {
    let good = good_request;
    let (extensions, origin) = ("Sec-WebSocket-Extensions", "Origin");
    let subprotocols = vec![
        good().with(PROTOCOL, ""),
        good().with(PROTOCOL, " , "),
        good().with(PROTOCOL, "a, a"),
        good().with(PROTOCOL, "b, ,, a, c,,a"),
        good().with(PROTOCOL, names(65)),
        good().with(PROTOCOL, names(64)).with(PROTOCOL, "b"),
        good().with(PROTOCOL, "a, b").with(PROTOCOL, "c, a"),
        good().with(PROTOCOL, "a").with(PROTOCOL, ""),
        good().with(PROTOCOL, "a b"),
        good().with(PROTOCOL, "a/b"),
        good().with(PROTOCOL, "a, \"b\""),
        good().with(PROTOCOL, "é"),
        good().with(PROTOCOL, b"\xff"),
        good().with(PROTOCOL, "a").with(PROTOCOL, b"\xff"),
    ];
    let lists = vec![
        good().with(extensions, ""),
        good().with(extensions, "foo;"),
        good().with(extensions, b"\xff"),
    ];
    let origins = vec![
        good().with(origin, "http://a").with(origin, "http://a"),
        good().with(origin, b"http://\xff"),
    ];
    vec![
        (Subprotocols, subprotocols),
        (Extensions, lists),
        (Origin, origins),
    ]
}

fn rows() -> Vec<(Refusal, Head)> {
    let mut groups = vec![malformed_lines(), hosts(), keys()];
    groups.extend([first_lines(), upgrades(), versions(), offers()].concat());
    let rows = groups.into_iter().map(|(refusal, heads)| {
        let rows = heads.into_iter().map(move |head| (refusal, head));
        rows.collect::<Vec<_>>()
    });
    rows.flatten().collect()
}

#[test]
// req: 6455-4.2.1-01 6455-4.2.2-06 6455-9.1-01 6455-11.3.1-01 6455-11.3.5-02 6455-8.1-01
fn each_fault_has_its_refusal() {
    assert_eq!(
        verdict(&good_request()),
        Ok(()),
        "before anything is changed"
    );
    for (refusal, request) in rows() {
        let text = String::from_utf8_lossy(&request.bytes()).into_owned();
        assert_eq!(verdict(&request), Err(refusal), "{text:?}");
    }
}

/// A frame after a bad head does not make it better.
#[test]
// req: 6455-4.2.1-01
fn what_follows_a_bad_head_is_not_looked_at() {
    for (refusal, request) in rows() {
        let bytes = [request.bytes(), good_request().bytes()].concat();
        assert_eq!(read(&bytes, |_| ()), Err(refusal));
    }
}

#[test]
// req: 6455-4.2.1-01
fn what_is_unusual_but_right() {
    let good = good_request;
    let rows = [
        good().first("GET http://server.example.com/chat HTTP/1.1"),
        good().set("Upgrade", "WebSocket"),
        good().set("Upgrade", "h2c, websocket"),
        good().set("Upgrade", "h2c").with("upgrade", "WEBSOCKET"),
        good().set("Connection", "keep-alive, Upgrade"),
        good().set("Connection", "keep-alive ,\tuPGRADE ,"),
        good()
            .set("Connection", "keep-alive")
            .with("connection", "upgrade"),
        good().set("Host", "server.example.com:8080"),
        good().set("Host", "[::1]:8080"),
        good().set("Host", "127.0.0.1"),
        good().set("Host", "under_score"),
        good().set("Host", "server.example.com:"),
        good().set(VERSION, "   13\t "),
        good().set(KEY, "\tdGhlIHNhbXBsZSBub25jZQ==  "),
        good().set(KEY, "AQIDBAUGBwgJCgsMDQ4PEC=="), // pad bits set, as the RFC prints it
        good().with("Content-Length", "0"),
        good().with(PROTOCOL, "a, A"), // differ in case
        good().with(PROTOCOL, "a,,b").with(PROTOCOL, "c"),
        good().with(PROTOCOL, names(64) + ",,"),
        good()
            .with("Sec-WebSocket-Extensions", "foo")
            .with("Sec-WebSocket-Extensions", "bar"),
        good().with("X-Unknown", b"any \xff byte"),
        good().with("X-Empty", ""),
        good().with("Origin", "null"),
    ];
    for request in rows {
        let text = String::from_utf8_lossy(&request.bytes()).into_owned();
        assert_eq!(verdict(&request), Ok(()), "{text:?}");
    }
}

/// Names of fields are without case (section 4.1), and their order is not important (4.2.1).
#[test]
// req: 6455-4.2.1-01
fn case_and_order_of_fields() {
    let text = String::from_utf8(good_request().bytes()).unwrap();
    let (first, rest) = text.split_once("\r\n").unwrap();
    let lines: Vec<&str> = rest.trim_end().split("\r\n").collect();
    for turn in 0..lines.len() {
        let mut turned = lines.clone();
        turned.rotate_left(turn);
        for change in [str::to_ascii_lowercase, str::to_ascii_uppercase] {
            let lines = turned.iter().map(|line| {
                let (name, value) = line.split_once(": ").unwrap();
                format!("{}:{value}\r\n", change(name))
            });
            let bytes = format!("{first}\r\n{}\r\n", lines.collect::<String>());
            let seen = read(bytes.as_bytes(), |opening| opening.host.to_owned());
            assert_eq!(seen, Ok("server.example.com".into()));
        }
    }
}

const STATUSES: [(Refusal, u16); 17] = [
    (MalformedHead, 400),
    (HeadTooLong, 431),
    (TooManyFields, 431),
    (TargetTooLong, 414),
    (MethodNotGet, 405),
    (HttpVersion, 400),
    (Host, 400),
    (NotAnUpgrade, 426),
    (ConnectionWithoutUpgrade, 400),
    (Key, 400),
    (Version, 426),
    (VersionMalformed, 400),
    (Subprotocols, 400),
    (Extensions, 400),
    (Body, 400),
    (Origin, 403),
    (NotFound, 404),
];

#[test]
// req: 6455-4.2.2-05 6455-4.2.2-06 6455-4.2.2-07
fn every_refusal_has_its_status() {
    let listed: Vec<Refusal> = STATUSES.iter().map(|row| row.0).collect();
    assert_eq!(listed, Refusal::ALL);
    let mut texts = BTreeSet::new();
    for (refusal, status) in STATUSES {
        assert_eq!(refusal.status(), status, "{refusal:?}");
        assert!(
            texts.insert(refusal.to_string()),
            "{refusal:?} has its own text"
        );
    }
}

/// Of those with a 4xx status only two are not here: `NotFound` is for the application to say,
/// and the limits of `head` are in its own table.
#[test]
fn no_refusal_of_a_server_lacks_a_row() {
    let rows = rows();
    for (refusal, status) in STATUSES {
        let elsewhere = [NotFound, HeadTooLong, TooManyFields, TargetTooLong];
        if status < 500 && !elsewhere.contains(&refusal) {
            assert!(rows.iter().any(|row| row.0 == refusal), "{refusal:?}");
        }
    }
}
