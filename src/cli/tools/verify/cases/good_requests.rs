//! Requests that a server must accept, for the group `handshake`.

use super::rows::{Row, each};
use crate::cli::tools::verify::case::Level::{Must, Quality, Should};
use crate::cli::tools::verify::head::Head;

/// Requests that a server must accept.
pub const GOOD: [Row; 24] = [
    (
        "plain",
        "6455 4.2.2",
        Must,
        "a valid request is answered with 101",
        |_| {},
    ),
    (
        "lower-case",
        "9110 5.1",
        Must,
        "field names in lower case",
        |r| each(r, str::to_ascii_lowercase),
    ),
    (
        "upper-case",
        "9110 5.1",
        Must,
        "field names in upper case",
        |r| each(r, str::to_ascii_uppercase),
    ),
    (
        "upgrade-case",
        "6455 4.2.1",
        Must,
        "Upgrade: WebSocket",
        |r| r.set("Upgrade", "WebSocket"),
    ),
    (
        "connection-case",
        "6455 4.2.1",
        Must,
        "Connection: upgrade",
        |r| r.set("Connection", "upgrade"),
    ),
    (
        "connection-list",
        "6455 4.2.1",
        Must,
        "Connection: keep-alive, Upgrade",
        |r| {
            r.set("Connection", "keep-alive, Upgrade");
        },
    ),
    (
        "connection-twice",
        "9110 5.3",
        Must,
        "two Connection fields",
        |r| {
            r.set("Connection", "keep-alive");
            r.add("Connection", "Upgrade");
        },
    ),
    (
        "upgrade-list",
        "9110 7.8",
        Should,
        "Upgrade: foo/2, websocket",
        |r| r.set("Upgrade", "foo/2, websocket"),
    ),
    (
        "white-space",
        "9112 5.1",
        Must,
        "white space around values",
        |r| {
            r.set("Upgrade", " \t websocket \t ");
            r.set("Sec-WebSocket-Version", "  13  ");
        },
    ),
    (
        "no-white-space",
        "9112 5.1",
        Must,
        "no white space before values",
        |r| {
            let fields = std::mem::take(&mut r.fields);
            let whole: Vec<String> = fields
                .iter()
                .map(|(name, value)| format!("{name}:{value}\r\n"))
                .collect();
            r.line = format!("{}\r\n{}", r.line, whole.concat().trim_end());
        },
    ),
    (
        "many-fields",
        "6455 4.1",
        Quality,
        "thirty extra fields",
        |r| {
            (0..30).for_each(|n| r.add(&format!("X-Field-{n}"), "value"));
        },
    ),
    (
        "cookies",
        "6455 4.1",
        Must,
        "Cookie and Authorization",
        |r| {
            r.add_missing("Cookie", "a=b; c=d");
            r.add_missing("Authorization", "Basic YTpi");
        },
    ),
    (
        "unknown-field",
        "6455 4.2.1",
        Must,
        "unknown Sec-WebSocket fields",
        |r| r.add("Sec-WebSocket-Nonsense", "1"),
    ),
    (
        "absolute",
        "9112 3.2.2",
        Must,
        "a target in absolute form",
        |r| {
            let host = r.fields[0].1.clone();
            r.line = r.line.replacen("GET ", &format!("GET http://{host}"), 1);
        },
    ),
    (
        "empty-line",
        "9112 2.2",
        Should,
        "an empty line before the request",
        |r| {
            r.line = format!("\r\n{}", r.line);
        },
    ),
    ("no-origin", "6455 4.2.1", Must, "no Origin", |_| {}),
    ("key-zeros", "6455 4.2.1", Must, "a key of zeros", |r| {
        set_key(r, "AAAAAAAAAAAAAAAAAAAAAA==")
    }),
    (
        "key-slashes",
        "6455 4.2.1",
        Must,
        "a key with + and /",
        |r| set_key(r, "+/+/+/+/+/+/+/+/+/+/+w=="),
    ),
    (
        "protocols",
        "6455 4.2.2",
        Must,
        "unknown subprotocols",
        |r| {
            r.offer(&["x-unknown.knows", "x-this"]);
        },
    ),
    (
        "protocols-twice",
        "6455 11.3.4",
        Must,
        "two subprotocol fields",
        |r| {
            r.offer(&["x-unknown"]);
            r.add("Sec-WebSocket-Protocol", "x-knows");
        },
    ),
    ("extension", "6455 9.1", Must, "an unknown extension", |r| {
        r.add("Sec-WebSocket-Extensions", "x-unknown; a=1; b=\"two\"; c");
    }),
    (
        "extensions-twice",
        "6455 9.1",
        Must,
        "two extension fields",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-unknown");
            r.add("Sec-WebSocket-Extensions", "x-knows; this");
        },
    ),
    (
        "keep-alive",
        "9110 7.6.1",
        Must,
        "a Keep-Alive field",
        |r| r.add_missing("Keep-Alive", "timeout=5"),
    ),
    (
        "user-agent",
        "9110 10.1.5",
        Must,
        "fields that browsers send",
        |r| {
            r.add_missing("User-Agent", "Mozilla/5.0 (X11) Gecko/20100101");
            r.add_missing("Accept-Language", "de, en;q=0.5");
            r.add_missing("Cache-Control", "no-cache");
            r.add_missing("Sec-Fetch-Mode", "websocket");
        },
    ),
];

fn set_key(request: &mut Head, key: &str) {
    request.set("Sec-WebSocket-Key", key);
    request.key = key.to_owned();
}
