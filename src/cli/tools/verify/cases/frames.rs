//! Group `frame`: the header of a frame, RFC 6455 sections 5.1 and 5.2.

use super::keys;
use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::wire::{BINARY, PING, TEXT, encode, shortest};

const NAMES: [(&str, u8); 6] = [
    ("continuation", 0x80),
    ("text", 0x81),
    ("binary", 0x82),
    ("close", 0x88),
    ("ping", 0x89),
    ("pong", 0x8A),
];

pub fn add(cases: &mut Cases, of_server: bool) {
    masks(cases, of_server);
    reserved_bits(cases);
    reserved_opcodes(cases);
    lengths(cases);
    if !of_server {
        return keys::add(cases);
    }
    let rule = "a masking key of zeros is valid";
    cases.add("frame.mask.zero", "6455 5.3", Level::Must, rule, |probe| {
        probe.open()?;
        let mut bytes = encode(TEXT, b"plain", probe.masks, shortest(5));
        bytes.truncate(2);
        bytes.extend_from_slice(b"\0\0\0\0plain");
        probe.send_raw(&bytes);
        probe.expect_message(TEXT, b"plain")
    });
}

/// The endpoint must notice a missing or a forbidden mask.
fn masks(cases: &mut Cases, of_server: bool) {
    let what = if of_server {
        "without a mask"
    } else {
        "with a mask"
    };
    for (name, first) in NAMES {
        let id = format!("frame.mask.{name}");
        let rule = format!("a {name} frame {what}");
        cases.add_broken(&id, "6455 5.1", Level::Must, &rule, &[1002], move |probe| {
            begin_if_continuation(probe, first);
            let payload: &[u8] = if first == 0x88 { b"\x03\xE8" } else { b"abc" };
            let bytes = encode(first, payload, !probe.masks, shortest(payload.len() as u64));
            probe.send_raw(&bytes);
            Ok(())
        });
    }
}

fn begin_if_continuation(probe: &mut Probe, first: u8) {
    if first & 0x0F == 0 {
        probe.send(TEXT & 0x7F, b"begun");
    }
}

fn reserved_bits(cases: &mut Cases) {
    for (name, first) in NAMES {
        for (bit, mask) in [
            ("rsv1", 0x40),
            ("rsv2", 0x20),
            ("rsv3", 0x10),
            ("rsv123", 0x70),
        ] {
            let id = format!("frame.{bit}.{name}");
            let rule = format!(
                "{} on a {name} frame without an extension",
                bit.to_uppercase()
            );
            cases.add_broken(&id, "6455 5.2", Level::Must, &rule, &[1002], move |probe| {
                begin_if_continuation(probe, first);
                probe.send(
                    first | mask,
                    if first == 0x88 { b"\x03\xE8" } else { b"ab" },
                );
                Ok(())
            });
        }
    }
}

fn reserved_opcodes(cases: &mut Cases) {
    for opcode in [3, 4, 5, 6, 7, 0xB, 0xC, 0xD, 0xE, 0xF_u8] {
        let id = format!("frame.opcode.{opcode}");
        let rule = format!("the reserved opcode {opcode}");
        cases.add_broken(&id, "6455 5.2", Level::Must, &rule, &[1002], move |probe| {
            probe.send(0x80 | opcode, b"");
            Ok(())
        });
    }
    let rule = "a reserved opcode inside a message";
    cases.add_broken(
        "frame.opcode.inside",
        "6455 5.2",
        Level::Must,
        rule,
        &[1002],
        |probe| {
            probe.send(TEXT & 0x7F, b"begun");
            probe.send(0x83, b"x");
            Ok(())
        },
    );
}

/// The sender must write lengths in their shortest form, with the top bit clear.
fn lengths(cases: &mut Cases) {
    let in_2 = |length: u16| [&[126][..], &length.to_be_bytes()].concat();
    let in_8 = |length: u64| [&[127][..], &length.to_be_bytes()].concat();
    let rows = [
        ("0-in-2", TEXT, 0, in_2(0)),
        ("1-in-2", BINARY, 1, in_2(1)),
        ("125-in-2", TEXT, 125, in_2(125)),
        ("0-in-8", BINARY, 0, in_8(0)),
        ("125-in-8", TEXT, 125, in_8(125)),
        ("126-in-8", BINARY, 126, in_8(126)),
        ("65535-in-8", BINARY, 65_535, in_8(65_535)),
        ("ping-in-2", PING, 5, in_2(5)),
        ("ping-in-8", PING, 5, in_8(5)),
    ];
    for (name, first, payload, length) in rows {
        let id = format!("frame.length.{name}");
        let rule = format!("a length that is not in its shortest form ({name})");
        cases.add_broken(
            &id,
            "6455 5.2",
            Level::Should,
            &rule,
            &[1002],
            move |probe| {
                let bytes = encode(first, &vec![b'a'; payload], probe.masks, length.clone());
                probe.send_raw(&bytes);
                Ok(())
            },
        );
    }
    for (name, length) in [("top-bit", 1 << 63), ("all-bits", u64::MAX)] {
        let id = format!("frame.length.{name}");
        let rule = "a length of 2^63 or more";
        cases.add_broken(
            &id,
            "6455 5.2",
            Level::Should,
            rule,
            &[1002],
            move |probe| {
                let bytes = encode(BINARY, b"abcd", probe.masks, in_8(length));
                probe.send_raw(&bytes);
                Ok(())
            },
        );
    }
}
