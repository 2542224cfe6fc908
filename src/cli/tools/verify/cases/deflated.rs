//! What the groups `deflate` and `deflate.window` share: negotiating compression, and reading the
//! echoes, RFC 7692.
//!
//! Input: a probe and the terms that a case wants. Output: the negotiated terms, and messages.
//! Invariant: with an endpoint that does not compress, the case is skipped.

use crate::cli::tools::verify::client_request::ClientRequest;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;
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

/// A text that benefits from a window, and that no other case sends.
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

/// Offers, or agrees to, these terms, and returns the negotiated terms; skips an endpoint that does
/// not compress.
pub fn agree(probe: &mut Probe, offer: &str) -> Result<DeflateTerms, Problem> {
    match probe.masks {
        true => handshake::open(probe, &[offer])?,
        false => accept_offer(probe, offer)?,
    }
    let Some(agreed) = probe.extensions.clone() else {
        return Err(Problem::Skip("the server does not compress".into()));
    };
    terms(&agreed)
}

/// The terms in a response.
pub fn terms(agreed: &str) -> Result<DeflateTerms, Problem> {
    let mut parts = agreed.split(';').map(str::trim);
    if parts.next() != Some(OFFER) {
        return Problem::fail(format!("the response agrees to {agreed}"));
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
            _ => return Problem::fail(format!("the response has the parameter {part}")),
        }
    }
    Ok(terms)
}

/// The parameters of the client's offer; skips a client that offers nothing.
pub fn offered(probe: &Probe) -> Result<Vec<(String, Option<String>)>, Problem> {
    let offer = probe.request.as_ref().and_then(ClientRequest::deflate);
    offer.ok_or_else(|| Problem::Skip("the client does not offer permessage-deflate".into()))
}

/// Agrees to these terms, as far as the client offered them, and to a smaller server window if the
/// client wants one.
fn accept_offer(probe: &mut Probe, wanted: &str) -> Result<(), Problem> {
    let offer = offered(probe)?;
    let value = |name: &str| offer.iter().find(|parameter| parameter.0 == name);
    if wanted.contains(CLIENT_BITS) && value(CLIENT_BITS).is_none() {
        let what = "the client does not offer client_max_window_bits";
        return Err(Problem::Skip(what.into()));
    }
    let mut agreed = wanted.to_owned();
    if let Some((_, Some(most))) = value(SERVER_BITS) {
        let most: u8 = most.parse().unwrap_or(15);
        match wanted.split_once("server_max_window_bits=") {
            None => agreed += &format!("; {SERVER_BITS}={most}"),
            Some((_, bits)) => {
                let bits = bits.split(';').next().unwrap_or_default();
                if bits.parse::<u8>().is_ok_and(|bits| bits > most) {
                    let what = "the client wants a smaller server window";
                    return Err(Problem::Skip(what.into()));
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
pub fn params(probe: &Probe, terms: &DeflateTerms) -> Params {
    match probe.masks {
        true => Params::client(terms),
        false => Params::server(terms),
    }
}

/// Sends compressed messages and inflates the echoes by the negotiated terms.
pub fn echo_compressed(probe: &mut Probe, terms: &DeflateTerms, times: u32) -> Result<(), Problem> {
    let params = params(probe, terms);
    let mut compressor = Compressor::new(params.send.window_bits, 6);
    let mut pool = Pool::new(Settings::default(), Budget::new(1 << 20));
    let mut session = Session::default();
    for _ in 0..times {
        if !params.send.takeover {
            compressor.restart();
        }
        let message = text(3_000);
        let mut out = Vec::new();
        compressor.fragment(&message, true, true, &mut out);
        probe.send(TEXT | RSV1, &out);
        let bytes = inflated(&mut pool, &mut session, &params, probe)?;
        if bytes != message {
            return Problem::fail("the echo is a different message");
        }
    }
    Ok(())
}

/// The text of the next message, compressed or not. A window that is kept has also seen the ignored
/// messages.
pub fn inflated(
    pool: &mut Pool,
    session: &mut Session,
    params: &Params,
    probe: &mut Probe,
) -> Result<Vec<u8>, Problem> {
    let message = probe.message()?;
    for message in probe.passed_over.drain(..) {
        inflate(pool, session, params, message)?;
    }
    if message.first & !RSV1 != TEXT {
        return Problem::fail("the echo has a different type");
    }
    inflate(pool, session, params, message)
}

fn inflate(
    pool: &mut Pool,
    session: &mut Session,
    params: &Params,
    message: Frame,
) -> Result<Vec<u8>, Problem> {
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
    match pool.inflate(session, params, piece, &Limits::default()) {
        Ok(whole) => Ok(whole.map_or_else(Vec::new, |message| message.bytes().to_vec())),
        Err(violation) => Problem::fail(format!("the echo cannot be inflated: {violation}")),
    }
}
