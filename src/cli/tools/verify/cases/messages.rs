//! Group `message`: messages of all lengths are echoed unchanged, RFC 6455 sections 5.2 and 6.2.

use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::wire::{BINARY, Frame, TEXT};

/// Around the limits of the three forms of a length, and some that are large.
const LENGTHS: [usize; 13] = [
    0, 1, 2, 124, 125, 126, 127, 128, 65_534, 65_535, 65_536, 65_537, 1_000_000,
];

pub fn payload(len: usize) -> Vec<u8> {
    (0..len).map(|i| b'!' + (i * 7 % 90) as u8).collect()
}

pub fn add(cases: &mut Cases) {
    for (name, first) in [("text", TEXT), ("binary", BINARY)] {
        for len in LENGTHS {
            let id = format!("message.{name}.{len}");
            let rule = format!("a {name} message of {len} bytes is echoed");
            cases.add(id, "6455 5.2", Level::Must, rule, move |probe| {
                probe.open()?;
                probe.send(first, &payload(len));
                probe.expect_message(first, &payload(len))
            });
        }
        for piece in [1, 7] {
            let id = format!("message.{name}.chopped-{piece}");
            let rule = format!("a {name} frame that arrives {piece} bytes at a time is echoed");
            cases.add(id, "6455 6.2", Level::Must, rule, move |probe| {
                probe.open()?;
                probe.send_chopped(first, &payload(200), piece);
                probe.expect_message(first, &payload(200))
            });
        }
    }
    let all: Vec<u8> = (0..=255).collect();
    cases.add(
        "message.binary.all-bytes",
        "6455 5.6",
        Level::Must,
        "a message with every byte value is echoed",
        move |probe| {
            probe.open()?;
            probe.send(BINARY, &all);
            probe.expect_message(BINARY, &all)
        },
    );
    let rule = "many messages in one write are echoed in order";
    cases.add("message.together", "6455 6.2", Level::Must, rule, |probe| {
        probe.open()?;
        let frames: Vec<Frame> = (0..100)
            .map(|n| Frame::new(TEXT, format!("message {n}")))
            .collect();
        probe.send_together(&frames);
        frames
            .iter()
            .try_for_each(|frame| probe.expect_message(TEXT, &frame.payload))
    });
    let rule = "a valid message is echoed before an invalid frame fails the connection";
    cases.add(
        "message.before-bad",
        "6455 6.2",
        Level::Should,
        rule,
        |probe| {
            probe.open()?;
            probe.send_together(&[Frame::new(TEXT, "good"), Frame::new(0x83, "bad")]);
            probe.expect_message(TEXT, b"good")?;
            probe.expect_failed(&[1002])
        },
    );
}
