//! What the groups `deflate` and `deflate.window` share: agreeing to compression, and reading what
//! comes back, RFC 7692.
//!
//! Input: a probe and the terms that a case wants. Output: the terms that were agreed on, and
//! messages. Invariant: an endpoint that does not compress is not asked further.

use crate::cli::tools::verify::asked::Asked;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::trouble::Trouble;
use crate::cli::tools::verify::wire::{Frame, TEXT};
use crate::cli::tools::verify::{accept, handshake};
use wirebell::deflate::{Budget, Compressed, Compressor, Params, Pool, Session, Settings};
use wirebell::handshake::DeflateTerms;
use wirebell::{Limits, MessageKind};

pub const OFFER: &str = "permessage-deflate";

/// RSV1: the message is compressed.
pub const RSV1: u8 = 0x40;

pub const SERVER_BITS: &str = "server_max_window_bits";
pub const CLIENT_BITS: &str = "client_max_window_bits";

/// A text that gains from a window, and that no other case sends.
pub fn text(len: usize) -> Vec<u8> {
    let words = ["order ", "shipped ", "to ", "Zürich ", "on ", "Monday, "];
    words
        .iter()
        .flat_map(|word| word.bytes())
        .cycle()
        .take(len / 10 * 10)
        .collect()
}

pub fn deflate(message: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Compressor::new(15, 6).fragment(message, true, true, &mut out);
    out
}

/// Offers, or agrees to, these terms, and reads what was agreed on; an endpoint that does not
/// compress is not asked further.
pub fn agree(probe: &mut Probe, offer: &str) -> Result<DeflateTerms, Trouble> {
    match probe.masks {
        true => handshake::open(probe, &[offer])?,
        false => accept_offer(probe, offer)?,
    }
    let Some(agreed) = probe.extensions.clone() else {
        return Err(Trouble::NotAsked("the server does not compress".into()));
    };
    let mut parts = agreed.split(';').map(str::trim);
    if parts.next() != Some(OFFER) {
        return Trouble::wrong(format!("the answer agrees to {agreed}"));
    }
    let mut terms = DeflateTerms::default();
    for part in parts {
        let (name, value) = part
            .split_once('=')
            .map_or((part, None), |(n, v)| (n, Some(v)));
        let bits = value.and_then(|value| value.trim_matches('"').parse().ok());
        let bits = bits.filter(|bits| (8..=15).contains(bits));
        match (name, value, bits) {
            ("server_no_context_takeover", None, _) => terms.server_no_context_takeover = true,
            ("client_no_context_takeover", None, _) => terms.client_no_context_takeover = true,
            ("server_max_window_bits", _, Some(bits)) => terms.server_max_window_bits = Some(bits),
            ("client_max_window_bits", _, Some(bits)) => terms.client_max_window_bits = Some(bits),
            _ => return Trouble::wrong(format!("the answer has the parameter {part}")),
        }
    }
    Ok(terms)
}

/// The parameters of the client's offer; one that offers nothing is not asked further.
pub fn offered(probe: &Probe) -> Result<Vec<(String, Option<String>)>, Trouble> {
    let offer = probe.asked.as_ref().and_then(Asked::deflate);
    offer.ok_or_else(|| Trouble::NotAsked("the client does not offer permessage-deflate".into()))
}

/// Agrees to these terms, as far as the client has offered them, and to a smaller window of the
/// server if the client wants that.
fn accept_offer(probe: &mut Probe, wanted: &str) -> Result<(), Trouble> {
    let offer = offered(probe)?;
    let value = |name: &str| offer.iter().find(|parameter| parameter.0 == name);
    if wanted.contains(CLIENT_BITS) && value(CLIENT_BITS).is_none() {
        let what = "the client does not offer client_max_window_bits";
        return Err(Trouble::NotAsked(what.into()));
    }
    let mut agreed = wanted.to_owned();
    if let Some((_, Some(most))) = value(SERVER_BITS) {
        let most: u8 = most.parse().unwrap_or(15);
        match wanted.split_once("server_max_window_bits=") {
            None => agreed += &format!("; {SERVER_BITS}={most}"),
            Some((_, bits)) => {
                let bits = bits.split(';').next().unwrap_or_default();
                if bits.parse::<u8>().is_ok_and(|bits| bits > most) {
                    let what = "the client wants a smaller window of the server";
                    return Err(Trouble::NotAsked(what.into()));
                }
            }
        }
    }
    if value("server_no_context_takeover").is_some() && !agreed.contains("server_no_context") {
        agreed += "; server_no_context_takeover";
    }
    accept::open(probe, Some(&agreed))
}

/// The terms as the probe's side sees them.
pub fn link(probe: &Probe, terms: &DeflateTerms) -> Params {
    match probe.masks {
        true => Params::client(terms),
        false => Params::server(terms),
    }
}

/// Sends compressed messages and reads what comes back by the agreed terms.
pub fn echo_compressed(probe: &mut Probe, terms: &DeflateTerms, times: u32) -> Result<(), Trouble> {
    let link = link(probe, terms);
    let mut compressor = Compressor::new(link.send.window_bits, 6);
    let mut pool = Pool::new(Settings::default(), Budget::new(1 << 20));
    let mut session = Session::default();
    for _ in 0..times {
        if !link.send.takeover {
            compressor.restart();
        }
        let message = text(3_000);
        let mut out = Vec::new();
        compressor.fragment(&message, true, true, &mut out);
        probe.send(TEXT | RSV1, &out);
        let bytes = inflated(&mut pool, &mut session, &link, probe)?;
        if bytes != message {
            return Trouble::wrong("another message came back");
        }
    }
    Ok(())
}

/// What the next message says, a text, compressed or not. A window that is kept has seen what was
/// passed over as well.
pub fn inflated(
    pool: &mut Pool,
    session: &mut Session,
    link: &Params,
    probe: &mut Probe,
) -> Result<Vec<u8>, Trouble> {
    let message = probe.message()?;
    for message in probe.passed_over.drain(..) {
        inflate(pool, session, link, message)?;
    }
    if message.first & !RSV1 != TEXT {
        return Trouble::wrong("a message of another kind came back");
    }
    inflate(pool, session, link, message)
}

fn inflate(
    pool: &mut Pool,
    session: &mut Session,
    link: &Params,
    message: Frame,
) -> Result<Vec<u8>, Trouble> {
    if message.first & RSV1 == 0 {
        return Ok(message.payload);
    }
    let piece = Compressed {
        kind: if message.opcode() == 1 {
            MessageKind::Text
        } else {
            MessageKind::Binary
        },
        bytes: &message.payload,
        first: true,
        last: true,
    };
    match pool.inflate(session, link, piece, &Limits::default()) {
        Ok(whole) => Ok(whole.map_or_else(Vec::new, |message| message.bytes().to_vec())),
        Err(violation) => Trouble::wrong(format!("what came back is wrong: {violation}")),
    }
}
