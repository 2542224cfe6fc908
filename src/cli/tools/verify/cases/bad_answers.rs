//! Group `answer.bad`: responses that must not open a WebSocket, RFC 6455 section 4.1. The client
//! closes TCP and sends nothing: there is no WebSocket yet on which to send a Close.

use super::refused::{expect_end_without_a_word, expect_refused};
use super::rows::Row;
use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::{Must, Quality};
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::{ACCEPT, EXTENSIONS, Head, PROTOCOL};
use crate::cli::tools::verify::problem::Problem;
use wirebell::handshake::accept_key;

const BAD: [Row; 37] = [
    ("accept-missing", "6455 4.1", Must, "no Accept", |a| {
        a.remove(ACCEPT)
    }),
    ("accept-empty", "6455 4.1", Must, "an empty Accept", |a| {
        a.set(ACCEPT, "")
    }),
    (
        "accept-other",
        "6455 4.1",
        Must,
        "the Accept of another key",
        |a| {
            a.set(ACCEPT, accept_key("dGhlIHNhbXBsZSBub25jZQ==").as_str());
        },
    ),
    ("accept-key", "6455 4.1", Must, "the key as Accept", |a| {
        let key = a.key.clone();
        a.set(ACCEPT, &key);
    }),
    (
        "accept-case",
        "6455 4.1",
        Must,
        "an Accept in different case",
        |a| {
            change(a, ACCEPT, |v| {
                v.bytes()
                    .map(|b| {
                        (if b.is_ascii_lowercase() {
                            b.to_ascii_uppercase()
                        } else {
                            b.to_ascii_lowercase()
                        }) as char
                    })
                    .collect()
            });
        },
    ),
    (
        "accept-cut",
        "6455 4.1",
        Must,
        "an Accept without its last character",
        |a| {
            change(a, ACCEPT, |v| v[..v.len() - 1].to_owned());
        },
    ),
    (
        "accept-more",
        "6455 4.1",
        Must,
        "an Accept with an extra character",
        |a| {
            change(a, ACCEPT, |v| format!("{v}x"));
        },
    ),
    (
        "accept-two",
        "6455 11.3.3",
        Must,
        "a wrong Accept after the right one",
        |a| {
            a.add(ACCEPT, "AAAAAAAAAAAAAAAAAAAAAAAAAAA=");
        },
    ),
    (
        "accept-wrong-first",
        "6455 11.3.3",
        Must,
        "a wrong Accept before the right one",
        |a| {
            a.fields
                .insert(0, (ACCEPT.into(), "AAAAAAAAAAAAAAAAAAAAAAAAAAA=".into()));
        },
    ),
    (
        "accept-folded",
        "9112 5.2",
        Must,
        "a wrong Accept folded onto the right one",
        |a| {
            change(a, ACCEPT, |v| format!("wrong\r\n {v}"));
        },
    ),
    ("upgrade-missing", "6455 4.1", Must, "no Upgrade", |a| {
        a.remove("Upgrade")
    }),
    ("upgrade-empty", "6455 4.1", Must, "an empty Upgrade", |a| {
        a.set("Upgrade", "")
    }),
    ("upgrade-other", "6455 4.1", Must, "Upgrade: h2c", |a| {
        a.set("Upgrade", "h2c")
    }),
    (
        "upgrade-prefix",
        "6455 4.1",
        Must,
        "Upgrade: websockets",
        |a| {
            a.set("Upgrade", "websockets");
        },
    ),
    (
        "connection-missing",
        "6455 4.1",
        Must,
        "no Connection",
        |a| a.remove("Connection"),
    ),
    (
        "connection-empty",
        "6455 4.1",
        Must,
        "an empty Connection",
        |a| a.set("Connection", ""),
    ),
    (
        "connection-close",
        "6455 4.1",
        Must,
        "Connection: close",
        |a| a.set("Connection", "close"),
    ),
    (
        "connection-prefix",
        "6455 4.1",
        Must,
        "Connection: Upgraded",
        |a| {
            a.set("Connection", "Upgraded");
        },
    ),
    (
        "extension-unasked",
        "6455 4.1",
        Must,
        "an extension that was not offered",
        |a| {
            a.add(EXTENSIONS, "x-unasked");
        },
    ),
    (
        "extension-garbage",
        "6455 9.1",
        Must,
        "malformed extensions",
        |a| {
            a.add(EXTENSIONS, ";;=,\"");
        },
    ),
    (
        "extensions-both",
        "6455 4.1",
        Must,
        "two extensions, one of them not offered",
        |a| {
            a.add(EXTENSIONS, "permessage-deflate");
            a.add(EXTENSIONS, "x-unasked");
        },
    ),
    (
        "protocol-unasked",
        "6455 4.1",
        Must,
        "a subprotocol that was not offered",
        |a| {
            a.add(PROTOCOL, "x-unasked");
        },
    ),
    ("protocol-list", "6455 4.1", Must, "two subprotocols", |a| {
        a.add(PROTOCOL, "x-unasked, x-other");
    }),
    ("status-200", "6455 4.1", Must, "200", |a| {
        status(a, "200 OK")
    }),
    ("status-204", "6455 4.1", Must, "204", |a| {
        status(a, "204 No Content")
    }),
    (
        "status-302",
        "6455 4.1",
        Must,
        "302 without Location",
        |a| status(a, "302 Found"),
    ),
    ("status-400", "6455 4.1", Must, "400", |a| {
        status(a, "400 Bad Request")
    }),
    ("status-401", "6455 4.1", Must, "401", |a| {
        status(a, "401 Unauthorized")
    }),
    ("status-404", "6455 4.1", Must, "404", |a| {
        status(a, "404 Not Found")
    }),
    ("status-426", "6455 4.1", Must, "426", |a| {
        status(a, "426 Upgrade Required")
    }),
    ("status-503", "6455 4.1", Must, "503", |a| {
        status(a, "503 Service Unavailable")
    }),
    ("status-1010", "9112 4", Must, "1010", |a| {
        a.line = "HTTP/1.1 1010 Switching".into()
    }),
    ("status-text", "9112 4", Must, "no number", |a| {
        a.line = "HTTP/1.1 ok Switching".into()
    }),
    ("no-http", "9112 2.3", Must, "another protocol", |a| {
        a.line = "SIP/2.0 101 Switching".into()
    }),
    ("http-1.0", "9110 7.8", Quality, "HTTP/1.0", |a| {
        a.line = "HTTP/1.0 101 Switching".into()
    }),
    ("nul", "9110 5.5", Must, "a NUL in Connection", |a| {
        a.set("Connection", "Upg\0rade")
    }),
    (
        "name-space",
        "9112 5.1",
        Quality,
        "a space before a colon",
        |a| {
            a.fields[0].0 += " ";
        },
    ),
];

pub fn add(cases: &mut Cases) {
    for (name, section, level, what, change) in BAD {
        let rule = format!("{what}: the client closes TCP and sends nothing");
        let id = format!("answer.bad.{name}");
        cases.add(id, section, level, rule, move |probe| {
            let mut head = accept::answer(probe);
            change(&mut head);
            handshake::note(probe, &head);
            expect_refused(probe, &head.bytes())
        });
    }
    let rule = "permessage-deflate that was not offered: the client closes TCP and sends nothing";
    let id = "answer.bad.deflate-unasked";
    cases.add(id, "6455 4.1", Must, rule, |probe| {
        if probe
            .request
            .as_ref()
            .is_some_and(|request| request.deflate().is_some())
        {
            return Err(Problem::Skip("the client offers permessage-deflate".into()));
        }
        let mut head = accept::answer(probe);
        head.add(EXTENSIONS, "permessage-deflate");
        handshake::note(probe, &head);
        expect_refused(probe, &head.bytes())
    });
    let rule = "the client gives up on an endless response head";
    cases.add("answer.bad.endless", "6455 10.4", Quality, rule, |probe| {
        let head = accept::answer(probe).bytes();
        probe.note("> a response with a field of 1 MiB");
        probe.write(&head[..head.len() - 2]);
        probe.write(b"X-Endless: ");
        probe.write(&vec![b'x'; 1 << 20]);
        expect_end_without_a_word(probe)
    });
}

fn change(head: &mut Head, name: &str, change: fn(&str) -> String) {
    for (field, value) in &mut head.fields {
        if field == name {
            *value = change(value);
        }
    }
}

/// With an empty body, so that a client need not wait for one.
fn status(head: &mut Head, status: &str) {
    head.line = format!("HTTP/1.1 {status}");
    head.set("Connection", "Upgrade, close");
    head.add("Content-Length", "0");
}
