//! Group `load`: abuse that must not affect other connections, RFC 6455 section 10.4. No RFC
//! requires this; a public server meets all of it.

use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::probe::{Probe, Reply};
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{BINARY, Frame, PING, TEXT, encode};

use Level::Quality;

pub fn add(cases: &mut Cases, of_server: bool) {
    floods(cases);
    match of_server {
        true => connections(cases),
        false => promise(cases),
    }
}

/// What a server must survive for its other clients, a client must survive too.
fn promise(cases: &mut Cases) {
    let rule = "a frame that announces 2^62 bytes fails the connection, or ends with it";
    cases.add("load.huge-promise", "6455 10.4", Quality, rule, |probe| {
        probe.open()?;
        promise_much(probe);
        probe.end_writing();
        probe.expect_end()
    });
}

fn promise_much(probe: &mut Probe) {
    let length = [&[127][..], &(1_u64 << 62).to_be_bytes()].concat();
    let bytes = encode(BINARY, &[7; 1000], probe.masks, length);
    probe.send_raw(&bytes);
}

fn floods(cases: &mut Cases) {
    let rule = "ten thousand Pings in one write are survived";
    cases.add("load.ping-flood", "6455 10.4", Quality, rule, |probe| {
        probe.open()?;
        let one = probe.encode(PING, &[1; 100]);
        probe.note("> 10000 pings of 100 bytes");
        probe.write(&one.repeat(10_000));
        match probe.expect_pong(&[1; 100]) {
            // A server may have closed the connection.
            Err(_) if probe.masks => {}
            ponged => ponged?,
        }
        probe.expect_others_served()
    });
    let rule = "a message of 20000 empty fragments ends in an answer or a Close";
    cases.add(
        "load.empty-fragments",
        "6455 10.4",
        Quality,
        rule,
        |probe| {
            probe.open()?;
            let mut bytes = probe.encode(0x01, b"");
            let more = probe.encode(0x00, b"");
            let end = probe.encode(0x80, b"done");
            (0..20_000).for_each(|_| bytes.extend_from_slice(&more));
            bytes.extend(end);
            probe.note("> 20000 empty fragments");
            probe.write(&bytes);
            expect_message_or_end(probe)?;
            probe.expect_others_served()
        },
    );
    let rule = "many small messages are all echoed";
    cases.add("load.small-messages", "6455 6.2", Quality, rule, |probe| {
        probe.open()?;
        let frames: Vec<Frame> = (0..500).map(|n| Frame::new(TEXT, format!("{n}"))).collect();
        let bytes: Vec<u8> = frames
            .iter()
            .flat_map(|frame| probe.encode(TEXT, &frame.payload))
            .collect();
        probe.note("> 500 messages in one write");
        probe.write(&bytes);
        frames
            .iter()
            .try_for_each(|frame| probe.expect_message(TEXT, &frame.payload))
    });
}

fn connections(cases: &mut Cases) {
    let rule = "a frame that announces 2^62 bytes takes no memory, and others are served";
    cases.add("load.huge-promise", "6455 10.4", Quality, rule, |probe| {
        probe.open()?;
        promise_much(probe);
        probe.expect_others_served()
    });
    let rule = "connections dropped in any state do not affect others";
    cases.add("load.dropped", "6455 7.2.1", Quality, rule, |probe| {
        for bytes in [
            &b""[..],
            b"GET / HT",
            b"\x81",
            b"\x81\x85\0\0",
            b"\x88\x82\0\0\0\0\x03",
        ] {
            match bytes.starts_with(b"GET") || bytes.is_empty() {
                true => probe.connect()?,
                false => probe.open()?,
            }
            probe.send_raw(bytes);
            probe.drop_connection();
        }
        probe.expect_others_served()
    });
    let rule = "fifty half-open handshakes do not block others";
    cases.add("load.half-open", "6455 10.4", Quality, rule, |probe| {
        let half: Vec<Probe> = (0..50)
            .map(|_| {
                let mut half = Probe::new(probe.target.clone());
                half.connect()?;
                half.write(b"GET / HTTP/1.1\r\nHost:");
                Ok(half)
            })
            .collect::<Result<_, Problem>>()?;
        probe.note(format!("> {} connections with half a request", half.len()));
        probe.expect_others_served()
    });
    let rule = "garbage instead of a request does not affect others";
    cases.add("load.garbage", "6455 10.4", Quality, rule, |probe| {
        probe.connect()?;
        probe.send_raw(&[0, 255, 1, 254, 13, 10, 13, 10, 0, 0]);
        let _ = probe.expect_end();
        probe.expect_others_served()
    });
}

/// Expects the message or the end of the stream.
fn expect_message_or_end(probe: &mut Probe) -> Result<(), Problem> {
    loop {
        match probe.listen(probe.target.timeout)? {
            Reply::End => return Ok(()),
            Reply::Timeout => return Problem::fail("nothing arrived in time"),
            Reply::Frame(frame) => match frame.opcode() {
                8 => return Ok(()),
                0 | 1 if frame.first & 0x80 != 0 => return Ok(()),
                _ => {}
            },
        }
    }
}
