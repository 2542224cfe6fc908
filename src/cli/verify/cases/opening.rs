//! Group `handshake`: the opening handshake of a server, RFC 6455 sections 4 and 9.1, RFC 9112.

use crate::cli::verify::case::{Cases, Level, Trouble};
use crate::cli::verify::handshake::{self, Request};
use crate::cli::verify::probe::{Probe, TEXT};
use std::time::Duration;

/// What is changed in a good request.
type Change = fn(&mut Request);

type Row = (&'static str, &'static str, Level, &'static str, Change);

use Level::{Must, Quality, Should};

/// Requests that a server takes.
const GOOD: [Row; 24] = [
    (
        "plain",
        "6455 4.2.2",
        Must,
        "a good request is answered with 101",
        |_| {},
    ),
    (
        "lower-case",
        "9110 5.1",
        Must,
        "names of fields in lower case",
        |r| each(r, str::to_ascii_lowercase),
    ),
    (
        "upper-case",
        "9110 5.1",
        Must,
        "names of fields in upper case",
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
        "no white space in front of values",
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
        "thirty fields more",
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
            r.add("Cookie", "a=b; c=d");
            r.add("Authorization", "Basic YTpi");
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
        "an empty line in front of the request",
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
        "subprotocols that nobody knows",
        |r| {
            r.add("Sec-WebSocket-Protocol", "x-nobody.knows, x-this");
        },
    ),
    (
        "protocols-twice",
        "6455 11.3.4",
        Must,
        "two fields of subprotocols",
        |r| {
            r.add("Sec-WebSocket-Protocol", "x-nobody");
            r.add("Sec-WebSocket-Protocol", "x-knows");
        },
    ),
    (
        "extension",
        "6455 9.1",
        Must,
        "an extension that nobody knows",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-nobody; a=1; b=\"two\"; c");
        },
    ),
    (
        "extensions-twice",
        "6455 9.1",
        Must,
        "two fields of extensions",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-nobody");
            r.add("Sec-WebSocket-Extensions", "x-knows; this");
        },
    ),
    (
        "keep-alive",
        "9110 7.6.1",
        Must,
        "a Keep-Alive field",
        |r| r.add("Keep-Alive", "timeout=5"),
    ),
    (
        "user-agent",
        "9110 10.1.5",
        Must,
        "what browsers send",
        |r| {
            r.add("User-Agent", "Mozilla/5.0 (X11) Gecko/20100101");
            r.add("Accept-Language", "de, en;q=0.5");
            r.add("Cache-Control", "no-cache");
            r.add("Sec-Fetch-Mode", "websocket");
        },
    ),
];

/// Requests that a server must not open a WebSocket for.
const BAD: [Row; 41] = [
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
        "a key that is no base64",
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
        "a parameter with nothing behind =",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-a; b=");
        },
    ),
    (
        "extension-open-quote",
        "6455 9.1",
        Must,
        "a quotation that does not end",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-a; b=\"c");
        },
    ),
    (
        "extension-quoted-space",
        "6455 9.1",
        Must,
        "a quoted value that is no token",
        |r| {
            r.add("Sec-WebSocket-Extensions", "x-a; b=\"c d\"");
        },
    ),
    (
        "space-before-colon",
        "9112 5.1",
        Must,
        "white space in front of a colon",
        |r| r.rename("Upgrade", "Upgrade "),
    ),
    (
        "bad-name",
        "9110 5.1",
        Quality,
        "a field whose name is no token",
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

fn each(request: &mut Request, change: fn(&str) -> String) {
    for (name, _) in &mut request.fields {
        *name = change(name);
    }
}

fn set_key(request: &mut Request, key: &str) {
    request.set("Sec-WebSocket-Key", key);
    request.key = key.to_owned();
}

pub fn add(cases: &mut Cases) {
    for (name, section, level, what, change) in GOOD {
        let rule = format!("{what}: 101, and an echo works");
        cases.add(
            format!("handshake.{name}"),
            section,
            level,
            rule,
            move |probe| {
                let mut request = Request::new(probe);
                change(&mut request);
                opens(probe, &request)
            },
        );
    }
    for (name, section, level, what, change) in BAD {
        let rule = format!("{what}: no WebSocket is opened");
        cases.add(
            format!("handshake.bad.{name}"),
            section,
            level,
            rule,
            move |probe| {
                let mut request = Request::new(probe);
                change(&mut request);
                match handshake::ask(probe, &request)? {
                    Some(answer) if answer.status == 101 => Trouble::wrong("the answer is 101"),
                    _ => Ok(()),
                }
            },
        );
        let rule = format!("{what}: the answer is an HTTP error");
        let id = format!("handshake.bad.{name}.status");
        cases.add(id, section, level.max(Should), rule, move |probe| {
            let mut request = Request::new(probe);
            change(&mut request);
            match handshake::ask(probe, &request)? {
                Some(answer) if (400..=599).contains(&answer.status) => Ok(()),
                Some(answer) => Trouble::wrong(format!("the answer is {}", answer.status)),
                None => Trouble::wrong("the connection ended without an answer"),
            }
        });
    }
    answers(cases);
    arrivals(cases);
}

/// 101, the checks of its fields, nothing that was not asked for, and an echo.
fn opens(probe: &mut Probe, request: &Request) -> Result<(), Trouble> {
    let Some(answer) = handshake::ask(probe, request)? else {
        return Trouble::wrong("the connection ended without an answer");
    };
    answer.check(request)?;
    if !answer.all("Sec-WebSocket-Extensions").is_empty() {
        return Trouble::wrong("the answer names an extension that was not offered");
    }
    if !answer.all("Sec-WebSocket-Protocol").is_empty() {
        return Trouble::wrong("the answer names a subprotocol that was not offered");
    }
    probe.expect_alive()
}

fn answers(cases: &mut Cases) {
    for version in ["12", "14"] {
        let rule = format!("version {version} is answered with 426 or another 4xx, naming 13");
        let id = format!("handshake.names-version.{version}");
        cases.add(id, "6455 4.4", Must, rule, move |probe| {
            let mut request = Request::new(probe);
            request.set("Sec-WebSocket-Version", version);
            let Some(answer) = handshake::ask(probe, &request)? else {
                return Trouble::wrong("the connection ended without an answer");
            };
            let named = answer.all("Sec-WebSocket-Version").join(", ");
            match (400..=499).contains(&answer.status) && named.contains("13") {
                true => Ok(()),
                false => Trouble::wrong(format!("{} with versions {named:?}", answer.status)),
            }
        });
    }
    let rule = "a subprotocol in the answer is one of those offered";
    cases.add("handshake.subprotocol", "6455 4.2.2", Must, rule, |probe| {
        let mut request = Request::new(probe);
        request.add("Sec-WebSocket-Protocol", "chat, superchat, echo");
        let Some(answer) = handshake::ask(probe, &request)? else {
            return Trouble::wrong("the connection ended without an answer");
        };
        answer.check(&request)?;
        match answer.all("Sec-WebSocket-Protocol")[..] {
            [] => Ok(()),
            [name] if ["chat", "superchat", "echo"].contains(&name) => Ok(()),
            ref names => Trouble::wrong(format!("the answer names {names:?}")),
        }
    });
}

/// The same request, coming in another way.
fn arrivals(cases: &mut Cases) {
    for (name, piece) in [("halves", 90), ("bytes", 1)] {
        let rule = format!("a request that comes in {name} is answered with 101");
        cases.add(
            format!("handshake.in-{name}"),
            "9112 2.2",
            Must,
            rule,
            move |probe| {
                let request = Request::new(probe);
                probe.connect()?;
                probe.note(format!("> a request, {piece} bytes at a time"));
                for part in request.bytes().chunks(piece) {
                    probe.write(part);
                    std::thread::sleep(Duration::from_millis(1));
                }
                let Some(answer) = handshake::answer(probe)? else {
                    return Trouble::wrong("the connection ended without an answer");
                };
                answer.check(&request)?;
                probe.expect_alive()
            },
        );
    }
    let rule = "frames right behind the request are answered";
    cases.add(
        "handshake.frames-behind",
        "6455 4.1",
        Quality,
        rule,
        |probe| {
            let request = Request::new(probe);
            probe.connect()?;
            let frame = probe.encode(TEXT, b"eager");
            probe.note("> a request with a text frame behind it");
            probe.write(&[request.bytes(), frame].concat());
            let Some(answer) = handshake::answer(probe)? else {
                return Trouble::wrong("the connection ended without an answer");
            };
            answer.check(&request)?;
            probe.expect_message(TEXT, b"eager")
        },
    );
    let rule = "a head of 200 KB is refused, and the server lives";
    cases.add("handshake.huge", "6455 10.4", Quality, rule, |probe| {
        let mut request = Request::new(probe);
        request.add("X-Padding", &"x".repeat(200_000));
        probe.connect()?;
        probe.note("> a request with a field of 200000 bytes");
        probe.write(&request.bytes());
        if let Some(answer) = handshake::answer(probe)?
            && answer.status == 101
        {
            return Trouble::wrong("the answer is 101");
        }
        probe.open()?;
        probe.expect_alive()
    });
}
