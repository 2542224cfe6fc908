//! Group `deflate`, the negotiation: RFC 7692 sections 5 and 7.1.

use super::deflated::{OFFER, agree, echo_compressed};
use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::{Must, Should};
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::problem::Problem;

/// Offers that a server must decline: the handshake succeeds without compression.
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

/// Offers that a server may accept or decline, and what its response must contain if it accepts.
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
                Some(agreed) => Problem::fail(format!("the response agrees to {agreed}")),
            }
        });
    }
    for (name, offer, needs) in OFFERS {
        let rule = format!("the response to `{offer}` is valid");
        cases.add(
            format!("deflate.offer.{name}"),
            "7692 7.1",
            Must,
            rule,
            move |probe| {
                let terms = agree(probe, offer)?;
                let agreed = probe.extensions.clone().unwrap_or_default();
                if let Some(missing) = needs.iter().find(|part| !agreed.contains(*part)) {
                    return Problem::fail(format!("the response has no {missing}"));
                }
                if !offer.contains("client_max_window_bits")
                    && terms.client_max_window_bits.is_some()
                {
                    return Problem::fail("client_max_window_bits was not offered");
                }
                echo_compressed(probe, &terms, 3)
            },
        );
    }
    let rule = "of two offers, the second is accepted if the first cannot be";
    cases.add("deflate.fallback", "7692 5.1", Should, rule, |probe| {
        handshake::open(probe, &[OFFER])?;
        if probe.extensions.is_none() {
            return Err(Problem::Skip("the server does not compress".into()));
        }
        handshake::open(
            probe,
            &["permessage-deflate; server_max_window_bits=99", OFFER],
        )?;
        match probe.extensions {
            Some(_) => Ok(()),
            None => Problem::fail("the second offer was not accepted"),
        }
    });
}
