//! Requests for which a server must not open a WebSocket, for the group `handshake`.

use super::rows::Row;
use crate::cli::tools::verify::case::Level::{Must, Quality};

/// Requests for which a server must not open a WebSocket.
pub const BAD: [Row; 41] = [
    ("post", "6455 4.2.1", Must, "the method POST", |r| {
        r.line = r.line.replacen("GET", "POST", 1)
    }),
    ("head", "6455 4.2.1", Must, "the method HEAD", |r| {
        r.line = r.line.replacen("GET", "HEAD", 1)
    }),
    ("put", "6455 4.2.1", Must, "the method PUT", |r| {
        r.line = r.line.replacen("GET", "PUT", 1)
    }),
    ("get-lower", "9110 9.1", Must, "the method get", |r| {
        r.line = r.line.replacen("GET", "get", 1)
    }),
    ("http-1.0", "6455 4.2.1", Must, "HTTP/1.0", |r| {
        r.line = r.line.replacen("/1.1", "/1.0", 1)
    }),
    ("http-0.9", "6455 4.2.1", Must, "HTTP/0.9", |r| {
        r.line = r.line.replacen("/1.1", "/0.9", 1)
    }),
    (
        "no-version",
        "9112 3",
        Must,
        "no version in the request line",
        |r| r.line = r.line.replacen(" HTTP/1.1", "", 1),
    ),
    (
        "http-lower",
        "9112 2.3",
        Must,
        "http/1.1 in lower case",
        |r| r.line = r.line.replacen("HTTP", "http", 1),
    ),
    ("no-host", "6455 4.2.1", Must, "no Host", |r| {
        r.remove("Host")
    }),
    ("two-hosts", "9112 3.2", Must, "two Host fields", |r| {
        r.add("Host", "other.example")
    }),
    ("no-upgrade", "6455 4.2.1", Must, "no Upgrade", |r| {
        r.remove("Upgrade")
    }),
    ("upgrade-other", "6455 4.2.1", Must, "Upgrade: h2c", |r| {
        r.set("Upgrade", "h2c")
    }),
    (
        "upgrade-prefix",
        "6455 4.2.1",
        Must,
        "Upgrade: websockets",
        |r| r.set("Upgrade", "websockets"),
    ),
    (
        "upgrade-empty",
        "6455 4.2.1",
        Must,
        "an empty Upgrade",
        |r| r.set("Upgrade", ""),
    ),
    ("no-connection", "6455 4.2.1", Must, "no Connection", |r| {
        r.remove("Connection")
    }),
    (
        "connection-other",
        "6455 4.2.1",
        Must,
        "Connection: keep-alive",
        |r| r.set("Connection", "keep-alive"),
    ),
    (
        "connection-prefix",
        "6455 4.2.1",
        Must,
        "Connection: Upgraded",
        |r| r.set("Connection", "Upgraded"),
    ),
    ("no-key", "6455 4.2.1", Must, "no Sec-WebSocket-Key", |r| {
        r.remove("Sec-WebSocket-Key")
    }),
    ("key-empty", "6455 4.2.1", Must, "an empty key", |r| {
        r.set("Sec-WebSocket-Key", "")
    }),
    ("key-short", "6455 4.2.1", Must, "a key of 15 bytes", |r| {
        r.set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAA")
    }),
    ("key-long", "6455 4.2.1", Must, "a key of 17 bytes", |r| {
        r.set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAAA=")
    }),
    ("key-one", "6455 4.2.1", Must, "a key of one letter", |r| {
        r.set("Sec-WebSocket-Key", "x")
    }),
    (
        "key-letters",
        "6455 4.2.1",
        Must,
        "a key that is not base64",
        |r| {
            r.set("Sec-WebSocket-Key", "!!!!!!!!!!!!!!!!!!!!!!==");
        },
    ),
    (
        "key-no-padding",
        "6455 4.2.1",
        Must,
        "a key without its padding",
        |r| {
            r.set("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA");
        },
    ),
    ("two-keys", "6455 11.3.1", Must, "two keys", |r| {
        r.add("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA==")
    }),
    (
        "no-ws-version",
        "6455 4.2.1",
        Must,
        "no Sec-WebSocket-Version",
        |r| r.remove("Sec-WebSocket-Version"),
    ),
    ("ws-version-12", "6455 4.4", Must, "version 12", |r| {
        r.set("Sec-WebSocket-Version", "12")
    }),
    ("ws-version-14", "6455 4.4", Must, "version 14", |r| {
        r.set("Sec-WebSocket-Version", "14")
    }),
    ("ws-version-0", "6455 4.4", Must, "version 0", |r| {
        r.set("Sec-WebSocket-Version", "0")
    }),
    (
        "ws-version-empty",
        "6455 4.2.1",
        Must,
        "an empty version",
        |r| r.set("Sec-WebSocket-Version", ""),
    ),
    (
        "ws-version-text",
        "6455 4.2.1",
        Must,
        "version thirteen",
        |r| r.set("Sec-WebSocket-Version", "thirteen"),
    ),
    ("ws-version-13.0", "6455 4.2.1", Must, "version 13.0", |r| {
        r.set("Sec-WebSocket-Version", "13.0")
    }),
    (
        "extension-no-name",
        "6455 9.1",
        Must,
        "an extension without a name",
        |r| r.add("Sec-WebSocket-Extensions", "; a=1"),
    ),
    (
        "extension-no-param",
        "6455 9.1",
        Must,
        "an extension with an empty parameter",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-a; ; b");
        },
    ),
    (
        "extension-space",
        "6455 9.1",
        Must,
        "an extension with a space in its name",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x a");
        },
    ),
    (
        "extension-no-value",
        "6455 9.1",
        Must,
        "a parameter with nothing after =",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-a; b=");
        },
    ),
    (
        "extension-open-quote",
        "6455 9.1",
        Must,
        "an unterminated quoted value",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-a; b=\"c");
        },
    ),
    (
        "extension-quoted-space",
        "6455 9.1",
        Must,
        "a quoted value that is not a token",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-a; b=\"c d\"");
        },
    ),
    (
        "space-before-colon",
        "9112 5.1",
        Must,
        "white space before a colon",
        |r| r.rename("Upgrade", "Upgrade "),
    ),
    (
        "bad-name",
        "9110 5.1",
        Quality,
        "a field whose name is not a token",
        |r| r.add("X-B\u{7F}d", "1"),
    ),
    (
        "no-colon",
        "9112 5",
        Quality,
        "a field without a colon",
        |r| {
            r.line = format!("{}\r\nnonsense", r.line);
        },
    ),
];
