//! Group `answer`: responses of a server, valid and (in `bad_answers`) invalid, RFC 6455 section
//! 4.1, RFC 9110 and RFC 9112.

use super::bad_answers;
use super::rows::{Row, each};
use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::{Must, Quality, Should};
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::wire::TEXT;
use std::time::Duration;

const GOOD: [Row; 17] = [
    ("plain", "6455 4.1", Must, "a valid response", |_| {}),
    (
        "lower-case",
        "9110 5.1",
        Must,
        "field names in lower case",
        |a| {
            each(a, str::to_ascii_lowercase);
        },
    ),
    (
        "upper-case",
        "9110 5.1",
        Must,
        "field names in upper case",
        |a| {
            each(a, str::to_ascii_uppercase);
        },
    ),
    (
        "upgrade-lower",
        "6455 4.1",
        Must,
        "Upgrade: WebSocket",
        |a| a.set("Upgrade", "WebSocket"),
    ),
    (
        "upgrade-upper",
        "6455 4.1",
        Must,
        "Upgrade: WEBSOCKET",
        |a| a.set("Upgrade", "WEBSOCKET"),
    ),
    (
        "connection-lower",
        "6455 4.1",
        Must,
        "Connection: upgrade",
        |a| {
            a.set("Connection", "upgrade");
        },
    ),
    (
        "connection-list",
        "6455 4.1",
        Must,
        "Connection: keep-alive, Upgrade",
        |a| {
            a.set("Connection", "keep-alive, Upgrade");
        },
    ),
    (
        "connection-twice",
        "9110 5.3",
        Must,
        "two Connection fields",
        |a| {
            a.fields
                .insert(0, ("Connection".into(), "keep-alive".into()));
        },
    ),
    (
        "other-reason",
        "9112 4",
        Must,
        "another reason phrase",
        |a| {
            a.line = "HTTP/1.1 101 Web Socket Protocol Handshake".into();
        },
    ),
    ("no-reason", "9112 4", Must, "no reason phrase", |a| {
        a.line = "HTTP/1.1 101 ".into()
    }),
    (
        "white-space",
        "9112 5.1",
        Must,
        "white space around values",
        |a| {
            for (_, value) in &mut a.fields {
                *value = format!(" \t{value} \t ");
            }
        },
    ),
    (
        "no-space",
        "9112 5.1",
        Must,
        "no space before values",
        |a| {
            for (name, value) in &mut a.fields {
                *name = format!("{name}:{}", std::mem::take(value));
            }
            // The first colon is the one that counts.
            let lines: Vec<String> = a.fields.drain(..).map(|(name, _)| name).collect();
            a.line = format!("{}\r\n{}", a.line, lines.join("\r\n"));
        },
    ),
    (
        "other-order",
        "9110 5.3",
        Must,
        "the fields in another order",
        |a| a.fields.reverse(),
    ),
    ("more-fields", "9110 5.1", Must, "unknown fields", |a| {
        a.add("Server", "some");
        a.add("Date", "Sat, 21 Nov 2026 14:00:00 GMT");
        a.add("X-Empty", "");
    }),
    ("cookies", "9110 5.3", Must, "two cookies", |a| {
        a.add("Set-Cookie", "a=1; Path=/");
        a.add("Set-Cookie", "b=2");
    }),
    (
        "long-field",
        "9112 3",
        Quality,
        "a field of 2000 bytes",
        |a| {
            a.add("X-Long", &"x".repeat(2_000));
        },
    ),
    (
        "interim",
        "9110 15.2",
        Should,
        "103 Early Hints first",
        |a| {
            a.line = format!("HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n{}", a.line);
        },
    ),
];

pub fn add(cases: &mut Cases) {
    for (name, section, level, what, change) in GOOD {
        let rule = format!("{what}: the connection opens, and an echo works");
        cases.add(
            format!("answer.{name}"),
            section,
            level,
            rule,
            move |probe| {
                let mut head = accept::answer(probe);
                change(&mut head);
                handshake::send(probe, &head);
                probe.expect_alive()
            },
        );
    }
    arrivals(cases);
    bad_answers::add(cases);
}

/// The same response in pieces, or with something after it.
fn arrivals(cases: &mut Cases) {
    for (name, piece, pause) in [("halves", 70, 20), ("bytes", 1, 1)] {
        let rule = format!("a response that arrives in {name} opens the connection");
        cases.add(
            format!("answer.in-{name}"),
            "9112 2.2",
            Must,
            rule,
            move |probe| {
                let head = accept::answer(probe);
                handshake::note(probe, &head);
                for part in head.bytes().chunks(piece) {
                    probe.write(part);
                    std::thread::sleep(Duration::from_millis(pause));
                }
                probe.expect_alive()
            },
        );
    }
    // How much of a frame is in the same write as the head.
    for (name, len) in [
        ("frame-behind", 7),
        ("half-a-frame-behind", 4),
        ("byte-behind", 1),
    ] {
        let rule = "what arrives right after the response is not lost";
        cases.add(
            format!("answer.{name}"),
            "6455 4.1",
            Must,
            rule,
            move |probe| {
                let head = accept::answer(probe);
                handshake::note(probe, &head);
                let frame = probe.encode(TEXT, b"eager");
                let (now, later) = frame.split_at(len);
                probe.note(format!("> {len} bytes of a text frame after it"));
                probe.write(&[&head.bytes(), now].concat());
                std::thread::sleep(Duration::from_millis(20));
                probe.note("> the rest of the frame");
                probe.write(later);
                probe.expect_message(TEXT, b"eager")
            },
        );
    }
}
