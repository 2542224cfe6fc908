//! Group `cut`: the stream of a server ends in the middle of something. The client closes TCP as
//! well, and does not take the incomplete for complete: RFC 6455 sections 4.1 and 7.1.4.

use super::refused::expect_end_without_a_word;
use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::{Must, Quality};
use crate::cli::tools::verify::probe::{Probe, Reply};
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{BINARY, CLOSE, PING, TEXT, describe};

/// Bytes of the response that arrive: within its first line, its fields, and its end.
const HEAD: [usize; 10] = [0, 1, 8, 12, 33, 34, 60, 100, 127, 128];

pub fn add(cases: &mut Cases) {
    for len in HEAD {
        let rule = format!("a response that ends after {len} bytes opens nothing");
        cases.add(
            format!("cut.answer.{len}"),
            "6455 4.1",
            Must,
            rule,
            move |probe| {
                let head = accept::answer(probe).bytes();
                let len = len.min(head.len() - 1);
                probe.send_raw(&head[..len]);
                probe.end_writing();
                expect_end_without_a_word(probe)
            },
        );
    }
    let frames: [(&str, u8, usize); 4] = [
        ("text", TEXT, 5),
        ("binary", BINARY, 130),
        ("ping", PING, 3),
        ("close", CLOSE, 4),
    ];
    for (name, first, payload) in frames {
        let header = if payload > 125 { 4 } else { 2 };
        for len in (1..=header).chain([header + payload / 2, header + payload - 1]) {
            let rule = format!("a {name} that ends after {len} bytes is discarded, and TCP closes");
            let id = format!("cut.{name}.{len}");
            cases.add(id, "6455 7.1.4", Quality, rule, move |probe| {
                probe.open()?;
                let bytes = probe.encode(first, &vec![b'\x03'; payload]);
                probe.send_raw(&bytes[..len]);
                probe.end_writing();
                expect_end_without_answer(probe)
            });
        }
    }
    let rule = "a message without its last fragment is discarded, and TCP closes";
    cases.add("cut.message", "6455 7.1.4", Quality, rule, |probe| {
        probe.open()?;
        probe.send(0x01, b"not all");
        probe.end_writing();
        expect_end_without_answer(probe)
    });
    let rule = "the end of the stream right after the response closes TCP";
    cases.add("cut.nothing", "6455 7.1.4", Quality, rule, |probe| {
        probe.open()?;
        probe.end_writing();
        expect_end_without_answer(probe)
    });
}

/// The client closes TCP, and sends nothing but a Close.
fn expect_end_without_answer(probe: &mut Probe) -> Result<(), Problem> {
    loop {
        match probe.listen(probe.target.timeout)? {
            Reply::End => return Ok(()),
            Reply::Timeout => return Problem::fail("the TCP connection stays open"),
            Reply::Frame(frame) if frame.opcode() == 8 => {}
            Reply::Frame(frame) => {
                let what = describe(frame.first, &frame.payload);
                return Problem::fail(format!("something incomplete was answered: {what}"));
            }
        }
    }
}
