//! One connection with a client: our response, then the stream.
//!
//! RFC 6455 section 4.1. Input: a probe whose request was read, and dice or a stream. Output: what
//! was sent and received, and the deviation, if any. Invariant: every wait is bounded.

use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::drive::{Played, play};
use crate::cli::tools::verify::random::exchange::Exchange;
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::response::{self, Asked};
use crate::cli::tools::verify::random::stream::{Step, Stream};
use crate::cli::tools::verify::random::{generate, with_server};
use crate::cli::tools::verify::wire::shown;
use std::time::{Duration, Instant};
use wirebell::deflate::Params;

/// A text message, unmasked: a client that takes a broken response echoes it.
const HELLO: &[u8] = b"\x81\x05Hello";

/// Draws a response and a stream, and plays them.
pub fn draw(probe: &mut Probe, dice: &mut Dice, timeout: Duration) -> Exchange {
    let chops = dice.percent(2);
    run(probe, chops, timeout, |asked| {
        let mut stream = Stream {
            head: response::draw(dice, asked),
            early: dice.percent(10),
            ..Stream::default()
        };
        stream.steps = match asked.judge(&response::bytes(&stream.head, asked)) {
            Ok(terms) => generate::steps(dice, false, terms.as_ref().map(Params::server)),
            Err(_) => vec![Step::Send(HELLO.to_vec())],
        };
        stream
    })
}

/// Plays a stream again.
pub fn replay(probe: &mut Probe, stream: Stream, timeout: Duration) -> Exchange {
    run(probe, false, timeout, |_| stream)
}

fn run(
    probe: &mut Probe,
    chops: bool,
    timeout: Duration,
    stream: impl FnOnce(&Asked) -> Stream,
) -> Exchange {
    let request = probe.request.clone().unwrap_or_default();
    let mut exchange = Exchange {
        request: request.head.clone().into_bytes(),
        exchanges: 1,
        ..Exchange::default()
    };
    let asked = match Asked::read(&request) {
        Ok(asked) => asked,
        Err(deviation) => {
            exchange.deviation = Some(deviation);
            return exchange;
        }
    };
    exchange.stream = stream(&asked);
    exchange.response = response::bytes(&exchange.stream.head, &asked);
    let mut bytes = exchange.response.clone();
    let early = exchange.stream.early();
    bytes.extend_from_slice(early);
    let early = early.len();
    match asked.judge(&exchange.response) {
        Ok(terms) => {
            with_server::send_head(probe, &bytes, chops);
            let Played {
                received,
                deviation,
                exchanges,
            } = play(probe, &exchange.stream, early, terms.as_ref(), timeout);
            exchange.received = received;
            exchange.deviation = deviation;
            exchange.exchanges += exchanges;
        }
        Err(why) => {
            let all = [&exchange.response[..], &exchange.stream.bytes()].concat();
            with_server::send_head(probe, &all, chops);
            exchange.deviation = refused(probe, timeout, &why).err();
            exchange.received = std::mem::take(probe.input());
        }
    }
    exchange
}

/// A client that must refuse closes TCP and sends nothing.
fn refused(probe: &mut Probe, timeout: Duration, why: &str) -> Result<(), Deviation> {
    let deadline = Instant::now() + timeout;
    while !probe.has_ended() && probe.input().is_empty() && probe.read(deadline) {}
    let came = probe.input().clone();
    let (name, what) = match came.first() {
        None if probe.has_ended() => return Ok(()),
        None => ("accepts-response", "the connection stays open".to_owned()),
        Some(0x88) => {
            let what = format!(
                "a Close came on a WebSocket that never opened: {}",
                shown(&came)
            );
            ("speaks-when-refused", what)
        }
        Some(_) => ("accepts-response", format!("bytes came: {}", shown(&came))),
    };
    Err(Deviation {
        name,
        section: "6455 4.1".into(),
        level: Level::Must,
        what: format!("{what}, after a response to refuse: {why}"),
    })
}
