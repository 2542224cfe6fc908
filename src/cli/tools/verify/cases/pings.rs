//! Group `ping`: Ping and Pong, RFC 6455 sections 5.5.2 and 5.5.3.

use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{Frame, PING, PONG, TEXT, encode};

pub fn add(cases: &mut Cases) {
    payloads(cases);
    places(cases);
    numbers(cases);
}

fn payloads(cases: &mut Cases) {
    for len in [0, 1, 124, 125] {
        let rule = format!("a Ping of {len} bytes is answered with the same bytes");
        cases.add(
            format!("ping.{len}"),
            "6455 5.5.3",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                let payload: Vec<u8> = (0..len).map(|i| 255 - i as u8).collect();
                probe.send(PING, &payload);
                probe.expect_pong(&payload)
            },
        );
    }
    for len in [126_u64, 65_536] {
        let id = format!("ping.too-long.{len}");
        let what = format!("a Ping of {len} bytes");
        cases.add_broken(
            &id,
            "6455 5.5",
            Level::Should,
            &what,
            &[1002],
            move |probe| {
                let length = crate::cli::tools::verify::wire::shortest(len);
                let bytes = encode(PING, &vec![1; len as usize], probe.masks, length);
                probe.send_raw(&bytes);
                Ok(())
            },
        );
    }
}

fn places(cases: &mut Cases) {
    let rule = "a Ping that arrives byte by byte is answered";
    cases.add("ping.chopped", "6455 5.5.2", Level::Must, rule, |probe| {
        probe.open()?;
        probe.send_chopped(PING, b"slowly", 1);
        probe.expect_pong(b"slowly")
    });
    let rule = "a Ping in the middle of a message is answered before the message ends";
    cases.add("ping.inside", "6455 5.4", Level::Must, rule, |probe| {
        probe.open()?;
        probe.send(TEXT & 0x7F, b"half");
        probe.send(PING, b"now");
        probe.expect_pong(b"now")?;
        probe.send(0x80, b" and half");
        probe.expect_message(TEXT, b"half and half")
    });
}

fn numbers(cases: &mut Cases) {
    let rule = "of many Pings, at least the latest is answered";
    cases.add("ping.many", "6455 5.5.3", Level::Must, rule, |probe| {
        probe.open()?;
        let pings: Vec<Frame> = (0..20).map(|n| Frame::new(PING, format!("{n}"))).collect();
        probe.send_together(&pings);
        loop {
            let frame = probe.frame("the Pong for the latest Ping")?;
            if frame == Frame::new(PONG, "19") {
                return probe.expect_alive();
            }
        }
    });
    let rule = "Pings sent one by one are answered in order";
    cases.add("ping.order", "6455 5.5.3", Level::Must, rule, |probe| {
        probe.open()?;
        (0..10).try_for_each(|n| {
            let payload = format!("{n}");
            probe.send(PING, payload.as_bytes());
            probe.expect_pong(payload.as_bytes())
        })
    });
    for (name, frames) in [("one", 1), ("many", 100)] {
        let rule = "an unsolicited Pong is not answered";
        cases.add(
            format!("pong.unasked.{name}"),
            "6455 5.5.3",
            Level::Must,
            rule,
            move |probe| {
                probe.open()?;
                probe.send_together(&vec![Frame::new(PONG, "unasked"); frames]);
                probe.expect_silence()?;
                probe.expect_alive()
            },
        );
    }
    let rule = "a message right after a Ping is echoed";
    cases.add(
        "ping.then-message",
        "6455 5.5.2",
        Level::Must,
        rule,
        |probe| {
            probe.open()?;
            probe.send_together(&[Frame::new(PING, "p"), Frame::new(TEXT, "t")]);
            expect_pong_and_message(probe)
        },
    );
}

/// Both, in any order: a Pong is due as soon as practical.
fn expect_pong_and_message(probe: &mut Probe) -> Result<(), Problem> {
    let (mut ponged, mut message, mut whole) = (false, Vec::new(), false);
    while !(ponged && whole) {
        let frame = probe.frame("the Pong and the message")?;
        match frame.opcode() {
            0xA => ponged |= frame.payload == b"p",
            8 => return Problem::fail("a Close came instead of an answer"),
            0 | 1 => {
                message.extend_from_slice(&frame.payload);
                whole = frame.first & 0x80 != 0;
            }
            2 => return Problem::fail("the echo has a different type"),
            _ => {}
        }
    }
    match message == b"t" {
        true => Ok(()),
        false => Problem::fail("the echo is a different message"),
    }
}
