//! Group `close`: the closing handshake, RFC 6455 sections 5.5.1, 7.1 and 7.4.

use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::probe::{Probe, Reply};
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{CLOSE, Frame, PING, TEXT, encode, shortest};

/// Codes that an endpoint may send (section 7.4.1, and since then 1012 to 1014).
const GOOD: [u16; 16] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
];

/// Codes that may not appear in a Close frame.
const BAD: [u16; 14] = [
    0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 1999, 2000, 2999, 5000, 65_535,
];

pub fn add(cases: &mut Cases, of_server: bool) {
    codes(cases);
    bodies(cases);
    bad_bodies(cases);
    afterwards(cases, of_server);
    in_between(cases);
    ends_of_stream(cases);
}

fn body(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

fn codes(cases: &mut Cases) {
    for code in GOOD {
        let later = (1012..=1014).contains(&code);
        let level = if later { Level::Quality } else { Level::Must };
        let rule = format!("a Close with {code} is answered with a Close");
        cases.add(
            format!("close.{code}"),
            "6455 5.5.1",
            level,
            rule,
            move |probe| {
                probe.open()?;
                probe.send(CLOSE, &body(code, b"reason"));
                probe.expect_close().map(|_| ())
            },
        );
        let level = level.max(Level::Should);
        let rule = format!("the answer to a Close with {code} has the same code");
        cases.add(
            format!("close.{code}.reply"),
            "6455 5.5.1",
            level,
            rule,
            move |probe| {
                probe.open()?;
                probe.send(CLOSE, &body(code, b""));
                probe.expect_close_code(&[code])
            },
        );
    }
    for code in BAD {
        // Codes from 5000 up are not even reserved: refusing them is good practice.
        let level = if code >= 5000 {
            Level::Quality
        } else {
            Level::Should
        };
        let rule = format!("a Close with {code}, which may not be sent, is a protocol error");
        cases.add(
            format!("close.bad.{code}"),
            "6455 7.4",
            level,
            rule,
            move |probe| {
                probe.open()?;
                probe.send(CLOSE, &body(code, b""));
                expect_protocol_error(probe)
            },
        );
    }
}

/// Expects a Close with 1002, or the end of the stream.
fn expect_protocol_error(probe: &mut Probe) -> Result<(), Problem> {
    match probe.listen(probe.target.timeout)? {
        Reply::End => Ok(()),
        Reply::Timeout => Problem::fail("the connection stays open"),
        Reply::Frame(Frame { first, payload }) => match (first & 0x0F, &payload[..]) {
            (8, [0x03, 0xEA | 0xEF, ..]) => Ok(()),
            (8, [high, low, ..]) => {
                let code = u16::from_be_bytes([*high, *low]);
                Problem::fail(format!("the Close has code {code}"))
            }
            (8, _) => Problem::fail("the Close has no code"),
            _ => Problem::fail("the endpoint sent something else"),
        },
    }
}

fn bodies(cases: &mut Cases) {
    let rows: [(&str, &str, Vec<u8>); 3] = [
        ("empty", "a Close without a body", Vec::new()),
        (
            "reason",
            "a Close with a reason of 123 bytes",
            body(1000, &[b'r'; 123]),
        ),
        (
            "reason-utf8",
            "a Close with a reason beyond ASCII",
            body(1000, "bis später 🔔".as_bytes()),
        ),
    ];
    for (name, what, payload) in rows {
        let rule = format!("{what} is answered with a Close");
        cases.add(
            format!("close.{name}"),
            "6455 5.5.1",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                probe.send(CLOSE, &payload);
                probe.expect_close().map(|_| ())
            },
        );
    }
}

fn bad_bodies(cases: &mut Cases) {
    let rows: [(&str, &str, &str, Level, Vec<u8>); 3] = [
        (
            "one-byte",
            "a body of one byte",
            "6455 5.5.1",
            Level::Should,
            vec![3],
        ),
        (
            "bad-reason",
            "a reason that is not UTF-8",
            "6455 8.1",
            Level::Must,
            body(1000, b"\xFF"),
        ),
        (
            "cut-reason",
            "a truncated reason",
            "6455 8.1",
            Level::Must,
            body(1000, b"a\xE2\x82"),
        ),
    ];
    for (name, what, section, level, payload) in rows {
        let rule = format!("a Close with {what} is not a clean close: 1002, 1007 or the end");
        cases.add(
            format!("close.{name}"),
            section,
            level,
            rule,
            move |probe| {
                probe.open()?;
                probe.send(CLOSE, &payload);
                expect_protocol_error(probe)
            },
        );
    }
    let rule = "a Close of 126 bytes is a protocol error";
    cases.add("close.too-long", "6455 5.5", Level::Should, rule, |probe| {
        probe.open()?;
        let payload = body(1000, &[b'r'; 124]);
        let bytes = encode(CLOSE, &payload, probe.masks, shortest(126));
        probe.send_raw(&bytes);
        expect_protocol_error(probe)
    });
}

fn afterwards(cases: &mut Cases, of_server: bool) {
    for (name, first) in [("text", TEXT), ("ping", PING), ("close", CLOSE)] {
        let rule = format!("a {name} after our Close is not answered");
        cases.add(
            format!("close.then-{name}"),
            "6455 5.5.1",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                probe.send_together(&[Frame::new(CLOSE, body(1000, b"")), Frame::new(first, "")]);
                probe.expect_close()?;
                probe.expect_nothing_after_close()
            },
        );
    }
    let rule = match of_server {
        true => "the server closes TCP after the closing handshake",
        false => "the client closes TCP after the server, once the closing handshake is done",
    };
    cases.add("close.tcp", "6455 7.1.1", Level::Must, rule, |probe| {
        probe.open()?;
        probe.send(CLOSE, &body(1000, b""));
        probe.expect_close()?;
        end_if_server(probe);
        probe.expect_end()
    });
    let rule = "the endpoint closes TCP after a violation";
    cases.add(
        "close.tcp.violation",
        "6455 7.1.7",
        Level::Must,
        rule,
        |probe| {
            probe.open()?;
            probe.send(0x83, b"");
            probe.expect_failed(&[1002])?;
            end_if_server(probe);
            probe.expect_end()
        },
    );
}

/// The server closes TCP (section 7.1.1): if we are the server, we do.
fn end_if_server(probe: &mut Probe) {
    if !probe.masks {
        probe.end_writing();
    }
}

fn in_between(cases: &mut Cases) {
    let rule = "a Close in the middle of a message is answered";
    cases.add("close.inside", "6455 5.4", Level::Must, rule, |probe| {
        probe.open()?;
        probe.send(TEXT & 0x7F, b"half");
        probe.send(CLOSE, &body(1000, b""));
        probe.expect_close().map(|_| ())
    });
    let rule = "a Close that arrives byte by byte is answered";
    cases.add("close.chopped", "6455 5.5.1", Level::Must, rule, |probe| {
        probe.open()?;
        probe.send_chopped(CLOSE, &body(1000, b"slowly"), 1);
        probe.expect_close().map(|_| ())
    });
    let rule = "a message before a Close is echoed before the Close is answered";
    cases.add(
        "close.behind-message",
        "6455 5.5.1",
        Level::Should,
        rule,
        |probe| {
            probe.open()?;
            probe.send_together(&[Frame::new(TEXT, "last"), Frame::new(CLOSE, body(1000, b""))]);
            probe.expect_message(TEXT, b"last")?;
            probe.expect_close().map(|_| ())
        },
    );
}

fn ends_of_stream(cases: &mut Cases) {
    let rule = "the end of our stream without a Close ends the connection";
    cases.add("close.half", "6455 7.1.4", Level::Quality, rule, |probe| {
        probe.open()?;
        probe.end_writing();
        probe.expect_end()
    });
    let rule = "the end of our stream mid-frame ends the connection";
    cases.add(
        "close.half.frame",
        "6455 7.1.4",
        Level::Quality,
        rule,
        |probe| {
            probe.open()?;
            let mut bytes = probe.encode(TEXT, b"not all of it");
            bytes.truncate(9);
            probe.send_raw(&bytes);
            probe.end_writing();
            probe.expect_end()
        },
    );
}
