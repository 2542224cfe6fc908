//! Group `fragment`: messages in several frames, RFC 6455 section 5.4.

use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::wire::Frame;

/// Frames, and the message that they form.
type Good = (
    &'static str,
    &'static str,
    &'static [(u8, &'static [u8])],
    (u8, &'static [u8]),
);

const GOOD: [Good; 11] = [
    (
        "two",
        "two fragments",
        &[(0x01, b"ab"), (0x80, b"cd")],
        (0x81, b"abcd"),
    ),
    (
        "binary",
        "binary fragments",
        &[(0x02, b"\0"), (0x80, b"\xFF")],
        (0x82, b"\0\xFF"),
    ),
    (
        "three",
        "three fragments",
        &[(1, b"a"), (0, b"b"), (0x80, b"c")],
        (0x81, b"abc"),
    ),
    (
        "empty-first",
        "an empty first fragment",
        &[(1, b""), (0x80, b"ab")],
        (0x81, b"ab"),
    ),
    (
        "empty-middle",
        "an empty middle fragment",
        &[(1, b"a"), (0, b""), (0x80, b"b")],
        (0x81, b"ab"),
    ),
    (
        "empty-last",
        "an empty last fragment",
        &[(1, b"ab"), (0x80, b"")],
        (0x81, b"ab"),
    ),
    (
        "all-empty",
        "only empty fragments",
        &[(1, b""), (0, b""), (0x80, b"")],
        (0x81, b""),
    ),
    (
        "in-a-character",
        "a character split over fragments",
        &[(1, b"\xF0\x9F"), (0, b"\x94"), (0x80, b"\x94")],
        (0x81, "🔔".as_bytes().first_chunk::<4>().unwrap()),
    ),
    (
        "ping",
        "a Ping between fragments",
        &[(1, b"a"), (0x89, b"p"), (0x80, b"b")],
        (0x81, b"ab"),
    ),
    (
        "pong",
        "a Pong between fragments",
        &[(1, b"a"), (0x8A, b"p"), (0x80, b"b")],
        (0x81, b"ab"),
    ),
    (
        "pings",
        "Pings between all fragments",
        &[
            (0x89, b"1"),
            (2, b"a"),
            (0x89, b"2"),
            (0, b"b"),
            (0x89, b"3"),
            (0x80, b"c"),
        ],
        (0x82, b"abc"),
    ),
];

/// Frames of which the last is invalid.
type Bad = (&'static str, &'static str, &'static [(u8, &'static [u8])]);

const BAD: [Bad; 9] = [
    (
        "nothing",
        "a continuation without a message",
        &[(0x80, b"x")],
    ),
    (
        "nothing-open",
        "a continuation without a message, more to follow",
        &[(0x00, b"x")],
    ),
    (
        "after-end",
        "a continuation of a message that has ended",
        &[(1, b"a"), (0x80, b"b"), (0x80, b"c")],
    ),
    (
        "text-in-text",
        "a text message inside a text message",
        &[(1, b"a"), (0x81, b"b")],
    ),
    (
        "binary-in-text",
        "a binary message inside a text message",
        &[(1, b"a"), (0x82, b"b")],
    ),
    (
        "text-in-binary",
        "a text message inside a binary message",
        &[(2, b"a"), (0x81, b"b")],
    ),
    (
        "begin-in-text",
        "a message that begins inside another",
        &[(1, b"a"), (0x01, b"b")],
    ),
    (
        "begin-in-empty",
        "a text message after an empty first fragment",
        &[(1, b""), (0x81, b"")],
    ),
    (
        "after-ping",
        "a continuation without a message, after a Ping",
        &[(0x89, b""), (0x80, b"x")],
    ),
];

pub fn add(cases: &mut Cases) {
    good(cases);
    bad(cases);
    thousand(cases);
}

fn good(cases: &mut Cases) {
    for (name, what, frames, (first, payload)) in GOOD {
        let rule = format!("{what}: the whole message is echoed");
        cases.add(
            format!("fragment.{name}"),
            "6455 5.4",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                send_all(probe, frames);
                probe.expect_message(first, payload)
            },
        );
        let rule = format!("{what}: the same in one write");
        cases.add(
            format!("fragment.{name}.together"),
            "6455 5.4",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                let frames: Vec<Frame> = frames
                    .iter()
                    .map(|(first, payload)| Frame::new(*first, *payload))
                    .collect();
                probe.send_together(&frames);
                probe.expect_message(first, payload)
            },
        );
    }
}

fn bad(cases: &mut Cases) {
    for (name, what, frames) in BAD {
        let id = format!("fragment.bad.{name}");
        cases.add_broken(
            &id,
            "6455 5.4",
            Level::Should,
            what,
            &[1002],
            move |probe| {
                // Wait for a message before the last frame: an endpoint that fails the connection
                // may drop it.
                let (before, last) = frames.split_at(frames.len() - 1);
                send_all(probe, before);
                if before.len() == 2 {
                    probe.expect_message(0x81, b"ab")?;
                }
                send_all(probe, last);
                Ok(())
            },
        );
    }
    for (name, first) in [("ping", 0x09), ("pong", 0x0A), ("close", 0x08)] {
        let id = format!("fragment.control.{name}");
        let what = format!("a {name} without FIN");
        cases.add_broken(
            &id,
            "6455 5.5",
            Level::Should,
            &what,
            &[1002],
            move |probe| {
                probe.send(first, b"");
                probe.send(0x80, b"");
                Ok(())
            },
        );
    }
}

fn thousand(cases: &mut Cases) {
    let rule = "a message of 1000 one-byte fragments is echoed";
    cases.add(
        "fragment.thousand",
        "6455 5.4",
        Level::Must,
        rule,
        |probe| {
            probe.open()?;
            let mut frames = vec![Frame::new(0x01, "x")];
            frames.resize(999, Frame::new(0x00, "x"));
            frames.push(Frame::new(0x80, "x"));
            let bytes: Vec<u8> = frames
                .iter()
                .flat_map(|frame| probe.encode(frame.first, &frame.payload))
                .collect();
            probe.note("> 1000 one-byte fragments");
            probe.write(&bytes);
            probe.expect_message(0x81, &[b'x'; 1000])
        },
    );
}

fn send_all(probe: &mut Probe, frames: &[(u8, &[u8])]) {
    for (first, payload) in frames {
        probe.send(*first, payload);
    }
}
