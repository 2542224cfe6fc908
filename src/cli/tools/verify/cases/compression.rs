//! Group `deflate`: permessage-deflate, RFC 7692. Without it, these cases are skipped.

use super::deflated::{RSV1, agree, deflate, inflated, params, text};
use super::{agreements, offers};
use crate::cli::tools::verify::case::{Cases, Level};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::wire::{BINARY, CLOSE, PING, PONG, TEXT};
use wirebell::deflate::{Budget, Pool, Session, Settings};
use wirebell::handshake::DeflateTerms;

use Level::{Must, Quality, Should};

pub fn add(cases: &mut Cases, of_server: bool) {
    match of_server {
        true => offers::add(cases),
        false => agreements::add(cases),
    }
    messages(cases);
    sequences(cases);
    broken(cases);
    corrupt(cases);
    bomb(cases);
}

/// No context takeover, so that each echo can be inflated independently.
const NO_TAKEOVER: &str =
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

fn messages(cases: &mut Cases) {
    let mut stored = vec![0x00, 5, 0, 0xFA, 0xFF];
    stored.extend_from_slice(b"Hello");
    stored.push(0);
    // RFC 7692 section 7.2.3 and similar: payload and message.
    let rows: Vec<(&str, &str, Vec<u8>, Vec<u8>)> = vec![
        (
            "hello",
            "the example of 7.2.3.1",
            b"\xf2\x48\xcd\xc9\xc9\x07\x00".to_vec(),
            b"Hello".to_vec(),
        ),
        ("stored", "a stored block", stored, b"Hello".to_vec()),
        (
            "final",
            "a final block",
            b"\xf3\x48\xcd\xc9\xc9\x07\x00\x00".to_vec(),
            b"Hello".to_vec(),
        ),
        (
            "two-blocks",
            "two blocks",
            b"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00".to_vec(),
            b"Hello".to_vec(),
        ),
        ("empty", "an empty message", vec![0], Vec::new()),
        ("long", "60000 bytes", deflate(&text(60_000)), text(60_000)),
    ];
    for (name, what, payload, message) in rows {
        let rule = format!("{what} is echoed");
        cases.add(
            format!("deflate.{name}"),
            "7692 7.2.2",
            Must,
            rule,
            move |probe| {
                let terms = agree(probe, NO_TAKEOVER)?;
                probe.send(TEXT | RSV1, &payload);
                expect_echo(probe, &terms, &message)
            },
        );
    }
}

fn sequences(cases: &mut Cases) {
    let rule = "a fragmented compressed message is echoed";
    cases.add("deflate.fragments", "7692 6.2", Must, rule, |probe| {
        let terms = agree(probe, NO_TAKEOVER)?;
        let payload = deflate(&text(500));
        let (head, tail) = payload.split_at(payload.len() / 2);
        probe.send(TEXT & 0x7F | RSV1, head);
        probe.send(PING, b"between");
        probe.send(0x00, tail);
        probe.send(0x80, b"");
        expect_echo(probe, &terms, &text(500))
    });
    let rule = "an uncompressed message is echoed as well";
    cases.add("deflate.uncompressed", "7692 6", Must, rule, |probe| {
        let terms = agree(probe, NO_TAKEOVER)?;
        probe.send(TEXT, &text(500));
        expect_echo(probe, &terms, &text(500))
    });
    let rule = "no_context_takeover is obeyed: each echo can be inflated independently";
    cases.add("deflate.no-takeover", "7692 7.1.1.1", Must, rule, |probe| {
        let terms = agree(probe, NO_TAKEOVER)?;
        (0..3).try_for_each(|_| {
            probe.send(TEXT | RSV1, &deflate(&text(1_000)));
            expect_echo(probe, &terms, &text(1_000))
        })
    });
}

/// The echo, inflated with an empty window.
fn expect_echo(probe: &mut Probe, terms: &DeflateTerms, message: &[u8]) -> Result<(), Problem> {
    let mut pool = Pool::new(Settings::default(), Budget::new(1 << 20));
    let params = params(probe, terms);
    let payload = inflated(&mut pool, &mut Session::default(), &params, probe)?;
    match payload == message {
        true => Ok(()),
        false => Problem::fail("the echo is a different message"),
    }
}

fn broken(cases: &mut Cases) {
    let control: [(&str, u8); 3] = [("ping", PING), ("pong", PONG), ("close", CLOSE)];
    for (name, first) in control {
        let what = format!("RSV1 on a {name}");
        add_broken(
            cases,
            &format!("deflate.rsv1.{name}"),
            Must,
            &what,
            &[1002],
            move |probe| {
                probe.send(first | RSV1, if first == CLOSE { b"\x03\xE8" } else { b"" });
            },
        );
    }
    let what = "RSV1 on a continuation";
    add_broken(
        cases,
        "deflate.rsv1.continuation",
        Must,
        what,
        &[1002],
        |probe| {
            let payload = deflate(&text(100));
            probe.send(TEXT & 0x7F | RSV1, &payload[..10]);
            probe.send(0x80 | RSV1, &payload[10..]);
        },
    );
    let what = "RSV1 on the continuation of an uncompressed message";
    add_broken(cases, "deflate.rsv1.late", Must, what, &[1002], |probe| {
        probe.send(TEXT & 0x7F, b"not ");
        probe.send(0x80 | RSV1, b"compressed");
    });
    let what = "RSV2 together with RSV1";
    add_broken(cases, "deflate.rsv2", Must, what, &[1002], |probe| {
        probe.send(TEXT | RSV1 | 0x20, &deflate(b"text"));
    });
    let what = "compressed text that is not UTF-8";
    add_broken(cases, "deflate.utf8", Must, what, &[1007], |probe| {
        probe.send(TEXT | RSV1, &deflate(b"bad \xFF text"));
    });
}

fn corrupt(cases: &mut Cases) {
    let rows: [(&str, &str, &[u8]); 6] = [
        ("block-type", "the reserved block type", &[0x06, 0x00]),
        (
            "stored-length",
            "a stored block with a wrong length",
            &[0x00, 5, 0, 0, 0, b'a', 0],
        ),
        (
            "distance",
            "a distance beyond the start",
            &[0x02, 0x02, 0x00],
        ),
        (
            "codes",
            "impossible Huffman codes",
            &[0x04, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF],
        ),
        ("cut", "truncated data", &[0xf2, 0x48, 0xcd]),
        ("noise", "noise", &[0xFF; 20]),
    ];
    for (name, what, payload) in rows {
        let what = format!("{what} in compressed data");
        let id = format!("deflate.corrupt.{name}");
        add_broken(
            cases,
            &id,
            Should,
            &what,
            &[1007, 1002, 1003, 1011],
            move |probe| {
                probe.send(BINARY | RSV1, payload);
            },
        );
    }
}

fn bomb(cases: &mut Cases) {
    let rule = "a message that inflates to 256 MiB is refused";
    cases.add("deflate.bomb", "7692 8", Quality, rule, |probe| {
        agree(probe, NO_TAKEOVER)?;
        // A block that ends at a byte boundary can be repeated.
        let block = [deflate(&vec![0; 1 << 20]), vec![0, 0, 0xFF, 0xFF]].concat();
        let bomb = [block.repeat(256), vec![0]].concat();
        probe.note(format!(
            "> binary, compressed, {} bytes for 256 MiB of zeros",
            bomb.len()
        ));
        let bytes = probe.encode(BINARY | RSV1, &bomb);
        probe.write(&bytes);
        probe.expect_failed(&[1009, 1008])?;
        probe.expect_others_served()
    });
}

/// As [`Cases::add_broken`], with compression negotiated.
fn add_broken(
    cases: &mut Cases,
    id: &str,
    level: Level,
    what: &str,
    codes: &'static [u16],
    send: impl Fn(&mut Probe) + Send + Sync + 'static,
) {
    let open = |probe: &mut Probe| agree(probe, NO_TAKEOVER).map(|_| ());
    cases.add_broken_in(open, id, "7692 6", level, what, codes, move |probe| {
        send(probe);
        Ok(())
    });
}
