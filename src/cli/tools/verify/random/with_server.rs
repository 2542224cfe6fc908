//! One connection with a server: the handshake, then the stream.
//!
//! Input: a target and a stream. Output: what was sent and received, and the deviation, if any.
//! Invariant: every wait is bounded.

use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::{Answer, EXTENSIONS};
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::drive::{Played, play};
use crate::cli::tools::verify::random::exchange::Exchange;
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::stream::Stream;
use crate::cli::tools::verify::random::{generate, request};
use crate::cli::tools::verify::target::Target;
use std::time::{Duration, Instant};
use wirebell::deflate::Params;
use wirebell::handshake::DeflateTerms;

/// Draws a request and a stream, and plays them.
pub fn draw(target: &Target, dice: &mut Dice, timeout: Duration) -> Exchange {
    let early = dice.percent(5);
    let mut stream = Stream {
        head: request::draw(dice, !early),
        early,
        ..Stream::default()
    };
    if early {
        stream.steps = generate::steps(dice, true, None);
    }
    let chops = dice.percent(2);
    run(target, stream, chops, timeout, |terms, stream| {
        if !early {
            let params = terms.map(Params::client);
            stream.steps = generate::steps(dice, true, params);
        }
    })
}

/// Plays a stream again.
pub fn replay(target: &Target, stream: Stream, timeout: Duration) -> Exchange {
    run(target, stream, false, timeout, |_, _| {})
}

fn run(
    target: &Target,
    stream: Stream,
    chops: bool,
    timeout: Duration,
    fill: impl FnOnce(Option<&DeflateTerms>, &mut Stream),
) -> Exchange {
    let mut exchange = Exchange {
        request: request::bytes(&stream.head, target),
        stream,
        exchanges: 1,
        ..Exchange::default()
    };
    let mut probe = Probe::new(target.clone());
    if let Err(Problem::Fail(what) | Problem::Skip(what)) = probe.connect() {
        exchange.deviation = Some(unconnected(what));
        return exchange;
    }
    match open(&mut probe, &mut exchange, chops, timeout) {
        Err(deviation) => exchange.deviation = Some(deviation),
        Ok(None) => {}
        Ok(Some((terms, early))) => {
            fill(terms.as_ref(), &mut exchange.stream);
            let played = play(&mut probe, &exchange.stream, early, terms.as_ref(), timeout);
            let Played {
                received,
                deviation,
                exchanges,
            } = played;
            exchange.received.extend(received);
            exchange.deviation = deviation;
            exchange.exchanges += exchanges;
        }
    }
    if let Some(deviation) = &mut exchange.deviation {
        // A client must not send frames before it has the response (RFC 6455 section 4.1), so how
        // well they are received is a matter of quality.
        if exchange.stream.early {
            deviation.level = Level::Quality;
        }
        let plain = Target {
            fields: Vec::new(),
            ..target.clone()
        };
        exchange.request = request::bytes(&exchange.stream.head, &plain);
    }
    exchange
}

fn unconnected(what: String) -> Deviation {
    Deviation {
        name: "no-connection",
        section: "6455 4.1".into(),
        level: Level::Quality,
        what: format!("no connection opens any more: {what}"),
    }
}

/// The terms, and how many bytes of the stream were sent with the request; `None` if the request
/// was refused, as it should be.
fn open(
    probe: &mut Probe,
    exchange: &mut Exchange,
    chops: bool,
    timeout: Duration,
) -> Result<Option<(Option<DeflateTerms>, usize)>, Deviation> {
    let mut bytes = exchange.request.clone();
    let early = exchange.stream.early();
    bytes.extend_from_slice(early);
    let early = early.len();
    send_head(probe, &bytes, chops);
    let deadline = Instant::now() + timeout;
    let head = loop {
        let input = probe.input();
        if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
            let head: Vec<u8> = input.drain(..end + 4).collect();
            break Some(head);
        }
        let too_long = input.len() > handshake::MAX_HEAD;
        if too_long || probe.has_ended() || !probe.read(deadline) {
            break None;
        }
    };
    if let Some(head) = &head {
        exchange.received.extend_from_slice(head);
    }
    let text = head.map(|head| String::from_utf8_lossy(&head[..head.len() - 4]).into_owned());
    let answer = match text.map(|text| Answer::parse(&text)).transpose() {
        Ok(answer) => answer,
        Err(Problem::Fail(what) | Problem::Skip(what)) => {
            return Err(Deviation {
                name: "no-http",
                section: "6455 4.2.2".into(),
                level: Level::Must,
                what,
            });
        }
    };
    if let Some(answer) = &answer {
        let extensions = answer.all(EXTENSIONS).join(", ");
        probe.extensions = Some(extensions).filter(|list| !list.is_empty());
    }
    let terms = request::judge(&exchange.request, answer.as_ref())?;
    Ok(terms.map(|terms| (terms, early)))
}

/// Sends a head and what goes with it, perhaps in pieces.
pub fn send_head(probe: &mut Probe, bytes: &[u8], chops: bool) {
    match chops {
        false => probe.write(bytes),
        true => bytes.chunks(1 + bytes.len() / 5).for_each(|piece| {
            probe.write(piece);
            std::thread::sleep(Duration::from_millis(1));
        }),
    }
}
