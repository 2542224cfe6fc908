//! Group `deflate`, its negotiation: RFC 7692 sections 5 and 7.1.

use crate::cli::verify::case::Level::{Must, Should};
use crate::cli::verify::case::{Cases, Trouble};
use crate::cli::verify::cases::agreements;
use crate::cli::verify::cases::compression::{OFFER, RSV1, text};
use crate::cli::verify::handshake;
use crate::cli::verify::probe::Probe;
use crate::cli::verify::wire::{Frame, TEXT};
use wirebell::deflate::{Budget, Compressed, Compressor, Link, Pool, Session, Settings};
use wirebell::handshake::DeflateTerms;
use wirebell::{Kind, Limits};

/// Offers that a server must decline: the handshake goes on without compression.
const DECLINED: [(&str, &str); 15] = [
    ("unknown-parameter", "permessage-deflate; x-unknown"),
    (
        "takeover-value",
        "permessage-deflate; server_no_context_takeover=1",
    ),
    (
        "client-takeover-value",
        "permessage-deflate; client_no_context_takeover=true",
    ),
    (
        "server-bits-none",
        "permessage-deflate; server_max_window_bits",
    ),
    (
        "server-bits-7",
        "permessage-deflate; server_max_window_bits=7",
    ),
    (
        "server-bits-16",
        "permessage-deflate; server_max_window_bits=16",
    ),
    (
        "server-bits-0",
        "permessage-deflate; server_max_window_bits=0",
    ),
    (
        "server-bits-zero-first",
        "permessage-deflate; server_max_window_bits=09",
    ),
    (
        "server-bits-text",
        "permessage-deflate; server_max_window_bits=many",
    ),
    (
        "client-bits-7",
        "permessage-deflate; client_max_window_bits=7",
    ),
    (
        "client-bits-16",
        "permessage-deflate; client_max_window_bits=16",
    ),
    (
        "client-bits-text",
        "permessage-deflate; client_max_window_bits=x",
    ),
    (
        "twice-takeover",
        "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
    ),
    (
        "twice-server-bits",
        "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
    ),
    (
        "twice-client-bits",
        "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
    ),
];

/// Offers that a server may take or decline, and what its answer must have if it takes them.
const OFFERS: [(&str, &str, &[&str]); 9] = [
    ("plain", OFFER, &[]),
    (
        "server-takeover",
        "permessage-deflate; server_no_context_takeover",
        &["server_no_context_takeover"],
    ),
    (
        "client-takeover",
        "permessage-deflate; client_no_context_takeover",
        &[],
    ),
    (
        "server-bits-15",
        "permessage-deflate; server_max_window_bits=15",
        &["server_max_window_bits="],
    ),
    (
        "server-bits-10",
        "permessage-deflate; server_max_window_bits=10",
        &["server_max_window_bits="],
    ),
    (
        "server-bits-9",
        "permessage-deflate; server_max_window_bits=9",
        &["server_max_window_bits="],
    ),
    (
        "client-bits",
        "permessage-deflate; client_max_window_bits",
        &[],
    ),
    (
        "client-bits-10",
        "permessage-deflate; client_max_window_bits=10",
        &[],
    ),
    (
        "quoted",
        "permessage-deflate; server_max_window_bits=\"12\"",
        &["server_max_window_bits="],
    ),
];

pub fn add(cases: &mut Cases) {
    for (name, offer) in DECLINED {
        let rule = format!("the offer `{offer}` is declined");
        let id = format!("deflate.declined.{name}");
        cases.add(id, "7692 7.1", Must, rule, move |probe| {
            handshake::open(probe, &[offer])?;
            match &probe.extensions {
                None => probe.expect_alive(),
                Some(agreed) => Trouble::wrong(format!("the answer agrees to {agreed}")),
            }
        });
    }
    for (name, offer, needs) in OFFERS {
        let rule = format!("the answer to `{offer}` is a legal one");
        cases.add(
            format!("deflate.offer.{name}"),
            "7692 7.1",
            Must,
            rule,
            move |probe| {
                let terms = agree(probe, offer)?;
                let agreed = probe.extensions.clone().unwrap_or_default();
                if let Some(missing) = needs.iter().find(|part| !agreed.contains(*part)) {
                    return Trouble::wrong(format!("the answer has no {missing}"));
                }
                if !offer.contains("client_max_window_bits")
                    && terms.client_max_window_bits.is_some()
                {
                    return Trouble::wrong("the answer names client_max_window_bits unasked");
                }
                echo_compressed(probe, &terms, 3)
            },
        );
    }
    let rule = "of two offers the second is taken if the first cannot be";
    cases.add("deflate.fallback", "7692 5.1", Should, rule, |probe| {
        handshake::open(probe, &[OFFER])?;
        if probe.extensions.is_none() {
            return Err(Trouble::NotAsked("the server does not compress".into()));
        }
        handshake::open(
            probe,
            &["permessage-deflate; server_max_window_bits=99", OFFER],
        )?;
        match probe.extensions {
            Some(_) => Ok(()),
            None => Trouble::wrong("the second offer was not taken"),
        }
    });
}

/// Offers, or agrees to, these terms, and reads what was agreed on; an endpoint that does not
/// compress is not asked further.
pub fn agree(probe: &mut Probe, offer: &str) -> Result<DeflateTerms, Trouble> {
    match probe.masks {
        true => handshake::open(probe, &[offer])?,
        false => agreements::open(probe, offer)?,
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

/// The terms as the probe's side sees them.
pub fn link(probe: &Probe, terms: &DeflateTerms) -> Link {
    match probe.masks {
        true => Link::client(terms),
        false => Link::server(terms),
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
    link: &Link,
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
    link: &Link,
    message: Frame,
) -> Result<Vec<u8>, Trouble> {
    if message.first & RSV1 == 0 {
        return Ok(message.payload);
    }
    let piece = Compressed {
        kind: if message.opcode() == 1 {
            Kind::Text
        } else {
            Kind::Binary
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
