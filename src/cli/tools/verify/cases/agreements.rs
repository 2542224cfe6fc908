//! Group `deflate`, responses to a client's offer: RFC 7692 sections 5.1 and 7.1.

use super::deflated::{CLIENT_BITS, OFFER, SERVER_BITS, agree, echo_compressed, offered};
use super::refused::expect_refused;
use crate::cli::tools::verify::accept;
use crate::cli::tools::verify::case::Cases;
use crate::cli::tools::verify::case::Level::Must;
use crate::cli::tools::verify::handshake;
use crate::cli::tools::verify::head::EXTENSIONS;
use crate::cli::tools::verify::probe::Probe;
use crate::cli::tools::verify::problem::Problem;

/// What a server may agree to. A client window is only set for a client that offers one.
const LEGAL: [(&str, &str); 11] = [
    ("plain", ""),
    ("server-takeover", "; server_no_context_takeover"),
    ("client-takeover", "; client_no_context_takeover"),
    (
        "both-takeovers",
        "; client_no_context_takeover; server_no_context_takeover",
    ),
    ("server-bits-15", "; server_max_window_bits=15"),
    ("server-bits-10", "; server_max_window_bits=10"),
    ("server-bits-9", "; server_max_window_bits=9"),
    ("client-bits-15", "; client_max_window_bits=15"),
    ("client-bits-10", "; client_max_window_bits=10"),
    ("client-bits-9", "; client_max_window_bits=9"),
    (
        "all",
        "; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; \
         client_max_window_bits=12",
    ),
];

/// What no server may send, whatever was offered.
const ILLEGAL: [(&str, &str); 22] = [
    ("unknown-parameter", "; x-unknown"),
    ("unknown-value", "; x-unknown=1"),
    ("takeover-value", "; server_no_context_takeover=1"),
    ("client-takeover-value", "; client_no_context_takeover=true"),
    ("server-bits-none", "; server_max_window_bits"),
    ("server-bits-0", "; server_max_window_bits=0"),
    ("server-bits-7", "; server_max_window_bits=7"),
    ("server-bits-16", "; server_max_window_bits=16"),
    ("server-bits-265", "; server_max_window_bits=265"),
    ("server-bits-zero-first", "; server_max_window_bits=09"),
    ("server-bits-negative", "; server_max_window_bits=-9"),
    ("server-bits-text", "; server_max_window_bits=many"),
    ("client-bits-none", "; client_max_window_bits"),
    ("client-bits-0", "; client_max_window_bits=0"),
    ("client-bits-7", "; client_max_window_bits=7"),
    ("client-bits-16", "; client_max_window_bits=16"),
    ("client-bits-text", "; client_max_window_bits=x"),
    (
        "twice-takeover",
        "; server_no_context_takeover; server_no_context_takeover",
    ),
    (
        "twice-client-takeover",
        "; client_no_context_takeover; client_no_context_takeover",
    ),
    (
        "twice-server-bits",
        "; server_max_window_bits=10; server_max_window_bits=10",
    ),
    (
        "twice-client-bits",
        "; client_max_window_bits=10; client_max_window_bits=10",
    ),
    ("twice", ", permessage-deflate"),
];

pub fn add(cases: &mut Cases) {
    for (name, parameters) in LEGAL {
        let rule = format!("`{OFFER}{parameters}` is accepted and obeyed");
        let id = format!("deflate.answer.{name}");
        cases.add(id, "7692 7.1", Must, rule, move |probe| {
            let terms = agree(probe, &format!("{OFFER}{parameters}"))?;
            echo_compressed(probe, &terms, 3)
        });
    }
    for (name, parameters) in ILLEGAL {
        let rule = format!("the response `{OFFER}{parameters}` fails the connection");
        let id = format!("deflate.illegal.{name}");
        cases.add(id, "7692 7.1", Must, rule, move |probe| {
            offered(probe)?;
            refused(probe, &format!("{OFFER}{parameters}"))
        });
    }
    let rule = "client_max_window_bits for a client that did not offer it fails the connection";
    let id = "deflate.illegal.client-bits-unasked";
    cases.add(id, "7692 7.1.2.2", Must, rule, |probe| {
        if offered(probe)?.iter().any(|(name, _)| name == CLIENT_BITS) {
            let what = "the client offers client_max_window_bits";
            return Err(Problem::Skip(what.into()));
        }
        refused(probe, "permessage-deflate; client_max_window_bits=10")
    });
    let rule = "a response without the requested server_max_window_bits fails the connection";
    let id = "deflate.illegal.server-bits-ignored";
    cases.add(id, "7692 7.1.2.1", Must, rule, |probe| {
        if !offered(probe)?.iter().any(|(name, _)| name == SERVER_BITS) {
            let what = "the client does not ask for server_max_window_bits";
            return Err(Problem::Skip(what.into()));
        }
        refused(probe, OFFER)
    });
}

fn refused(probe: &mut Probe, extensions: &str) -> Result<(), Problem> {
    let mut head = accept::answer(probe);
    head.add(EXTENSIONS, extensions);
    handshake::note(probe, &head);
    expect_refused(probe, &head.bytes())
}
