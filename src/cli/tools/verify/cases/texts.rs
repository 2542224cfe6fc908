//! Group `utf8`: text is UTF-8, RFC 6455 section 8.1 and RFC 3629.

use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::wire::{TEXT, encode, shortest};

const GOOD: [(&str, &str); 8] = [
    ("two-bytes", "Grüße, Ελλάδα"),
    ("three-bytes", "日本語 ﷽"),
    ("four-bytes", "🔔🎉𐍈"),
    ("nul", "\0"),
    ("noncharacters", "\u{FFFE}\u{FFFF}\u{1FFFE}\u{10FFFF}"),
    ("borders", "\u{7F}\u{80}\u{7FF}\u{800}\u{FFFF}\u{10000}"),
    ("around-surrogates", "\u{D7FF}\u{E000}"),
    ("byte-order-mark", "\u{FEFF}text"),
];

const BAD: [(&str, &[u8]); 18] = [
    ("lone-continuation", b"a\x80b"),
    ("two-continuations", b"\x80\xBF"),
    ("cut-2", b"a\xC3"),
    ("cut-3", b"a\xE2\x82"),
    ("cut-4", b"a\xF0\x9F\x94"),
    ("broken-2", b"\xC3a"),
    ("broken-3", b"\xE2\x82a"),
    ("broken-4", b"\xF0\x9F\x94a"),
    ("overlong-2", b"\xC0\xAF"),
    ("overlong-2-last", b"\xC1\xBF"),
    ("overlong-3", b"\xE0\x80\xAF"),
    ("overlong-4", b"\xF0\x80\x80\xAF"),
    ("surrogate-first", b"\xED\xA0\x80"),
    ("surrogate-last", b"\xED\xBF\xBF"),
    ("beyond-10ffff", b"\xF4\x90\x80\x80"),
    ("f5", b"\xF5\x80\x80\x80"),
    ("fe", b"\xFE"),
    ("ff", b"abc\xFF"),
];

pub fn add(cases: &mut Cases) {
    for (name, text) in GOOD {
        let rule = format!("valid text ({name}) is echoed");
        cases.add(
            format!("utf8.{name}"),
            "6455 8.1",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                probe.send(TEXT, text.as_bytes());
                probe.expect_message(TEXT, text.as_bytes())
            },
        );
        let rule = format!("valid text ({name}) in one-byte fragments is echoed");
        cases.add(
            format!("utf8.{name}.fragments"),
            "6455 8.1",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                let bytes = text.as_bytes();
                for (i, byte) in bytes.iter().enumerate() {
                    let opcode = u8::from(i == 0);
                    let fin = if i + 1 == bytes.len() { 0x80 } else { 0 };
                    probe.send(opcode | fin, &[*byte]);
                }
                probe.expect_message(TEXT, bytes)
            },
        );
    }
    for (name, bytes) in BAD {
        let rule = format!("text that is not UTF-8 ({name})");
        let id = format!("utf8.bad.{name}");
        cases.add_broken(&id, "6455 8.1", Level::Must, &rule, &[1007], move |probe| {
            probe.send(TEXT, bytes);
            Ok(())
        });
        let rule = format!("text that is not UTF-8 ({name}) in two fragments");
        let id = format!("utf8.bad.{name}.fragments");
        cases.add_broken(&id, "6455 8.1", Level::Must, &rule, &[1007], move |probe| {
            let (head, tail) = bytes.split_at(bytes.len() / 2);
            probe.send(TEXT & 0x7F, head);
            probe.send(0x80, tail);
            Ok(())
        });
    }
    at_once(cases);
}

/// Text that can no longer become UTF-8 fails without waiting for the rest.
fn at_once(cases: &mut Cases) {
    let rows: [(&str, &[u8]); 4] = [
        ("bad-byte", b"good \xFF"),
        ("overlong", b"good \xC0"),
        ("surrogate", b"good \xED\xA0"),
        ("beyond", b"good \xF4\x90"),
    ];
    for (name, bytes) in rows {
        let rule = format!("a fragment with invalid text ({name}) fails the connection at once");
        let id = format!("utf8.at-once.{name}.fragment");
        cases.add(id, "6455 8.1", Level::Quality, rule, move |probe| {
            probe.open()?;
            probe.send(TEXT & 0x7F, bytes);
            probe.expect_failed(&[1007])
        });
        let rule = format!("half a frame with invalid text ({name}) fails the connection at once");
        let id = format!("utf8.at-once.{name}.frame");
        cases.add(id, "6455 8.1", Level::Quality, rule, move |probe| {
            probe.open()?;
            let payload = [bytes, &[b'x'; 100]].concat();
            let mut frame = encode(TEXT, &payload, probe.masks, shortest(payload.len() as u64));
            frame.truncate(frame.len() - 100);
            probe.send_raw(&frame);
            probe.expect_failed(&[1007])
        });
    }
}
