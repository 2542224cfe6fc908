//! Group `deflate`, answers to the offer of a client: RFC 7692 sections 5.1 and 7.1.

use super::bad_answers::expect_refused;
use super::compression::OFFER;
use super::offers::{agree, echo_compressed};
use crate::cli::verify::asked;
use crate::cli::verify::case::Level::Must;
use crate::cli::verify::case::{Cases, Trouble};
use crate::cli::verify::handshake::{self, EXTENSIONS};
use crate::cli::verify::probe::Probe;

const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// What a server may agree to. A window for the client only goes to one that offers to keep it.
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

/// What no server may say, whatever was offered.
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
        let rule = format!("`{OFFER}{parameters}` is understood and kept");
        let id = format!("deflate.answer.{name}");
        cases.add(id, "7692 7.1", Must, rule, move |probe| {
            let terms = agree(probe, &format!("{OFFER}{parameters}"))?;
            echo_compressed(probe, &terms, 3)
        });
    }
    for (name, parameters) in ILLEGAL {
        let rule = format!("the answer `{OFFER}{parameters}` fails the connection");
        let id = format!("deflate.illegal.{name}");
        cases.add(id, "7692 7.1", Must, rule, move |probe| {
            offered(probe)?;
            refused(probe, &format!("{OFFER}{parameters}"))
        });
    }
    let rule = "a window for a client that has not offered to keep one fails the connection";
    let id = "deflate.illegal.client-bits-unasked";
    cases.add(id, "7692 7.1.2.2", Must, rule, |probe| {
        if offered(probe)?.iter().any(|(name, _)| name == CLIENT_BITS) {
            let what = "the client offers client_max_window_bits";
            return Err(Trouble::NotAsked(what.into()));
        }
        refused(probe, "permessage-deflate; client_max_window_bits=10")
    });
    let rule = "a server's window that was asked for and is not agreed to fails the connection";
    let id = "deflate.illegal.server-bits-ignored";
    cases.add(id, "7692 7.1.2.1", Must, rule, |probe| {
        if !offered(probe)?.iter().any(|(name, _)| name == SERVER_BITS) {
            let what = "the client does not ask for server_max_window_bits";
            return Err(Trouble::NotAsked(what.into()));
        }
        refused(probe, OFFER)
    });
}

/// The parameters of the client's offer; one that offers nothing is not asked further.
fn offered(probe: &Probe) -> Result<Vec<(String, Option<String>)>, Trouble> {
    let offer = probe.asked.as_ref().and_then(asked::Asked::deflate);
    offer.ok_or_else(|| Trouble::NotAsked("the client does not offer permessage-deflate".into()))
}

fn refused(probe: &mut Probe, extensions: &str) -> Result<(), Trouble> {
    let mut head = asked::answer(probe);
    head.add(EXTENSIONS, extensions);
    handshake::note(probe, &head);
    expect_refused(probe, &head.bytes())
}

/// Agrees to these terms, as far as the client has offered them, and to a smaller window of the
/// server if the client wants that.
pub fn open(probe: &mut Probe, wanted: &str) -> Result<(), Trouble> {
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
    asked::open(probe, Some(&agreed))
}
