//! Requests of the opening handshake, valid and broken, and what may answer them.
//!
//! RFC 6455 section 4, RFC 7692 sections 5 and 7.1. Input: dice, or a response. Output: the lines
//! of a request, or the negotiated terms, or the deviation. Invariant: the strict core decides
//! whether a request is valid.

use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::cases::deflated;
use crate::cli::tools::verify::head::{ACCEPT, Answer, EXTENSIONS, PROTOCOL};
use crate::cli::tools::verify::problem::Problem;
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::target::Target;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wirebell::Refusal;
use wirebell::handshake::{DeflatePolicy, DeflateTerms, UpgradeRequest, accept_key};
use wirebell::http::{Field, MAX_FIELDS, RequestHead};

const KEY: &str = "Sec-WebSocket-Key: ";

/// Offers of compression, some of which must be declined.
const OFFERS: [&str; 16] = [
    "permessage-deflate",
    "permessage-deflate",
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; server_no_context_takeover",
    "permessage-deflate; client_no_context_takeover; server_no_context_takeover",
    "permessage-deflate; server_max_window_bits=9",
    "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10",
    "permessage-deflate; server_max_window_bits=15",
    "permessage-deflate; client_max_window_bits=9; server_no_context_takeover",
    "permessage-deflate; x-unknown",
    "permessage-deflate; server_max_window_bits=7",
    "permessage-deflate; server_no_context_takeover=1",
    "permessage-deflate; server_max_window_bits",
    "permessage-deflate; server_max_window_bits=99, permessage-deflate",
    "x-unknown; a=1, permessage-deflate",
    "x-unknown",
];

/// The plain offer.
pub const PLAIN: &str = OFFERS[0];

/// Another way to write a line of a head: some valid, some not.
pub type Change = (&'static str, &'static str);

const VALID: [Change; 14] = [
    ("Upgrade: websocket", "upgrade: websocket"),
    ("Upgrade: websocket", "UPGRADE: WebSocket"),
    ("Upgrade: websocket", "Upgrade:websocket"),
    ("Upgrade: websocket", "Upgrade: \twebsocket \t"),
    ("Upgrade: websocket", "Upgrade: h2c, websocket"),
    ("Connection: Upgrade", "Connection: keep-alive, Upgrade"),
    ("Connection: Upgrade", "Connection: upgrade"),
    ("Connection: Upgrade", "CONNECTION: UPGRADE,close"),
    ("Connection: Upgrade", "connection:keep-alive ,\tupgrade"),
    ("Sec-WebSocket-Version: 13", "sec-websocket-version:13"),
    ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 13\t "),
    (
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Version: 13\r\nCookie: a=b; c=d",
    ),
    (
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Version: 13\r\nX-Empty:",
    ),
    (
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Version: 13\r\nUser-Agent: wirebell",
    ),
];

const BROKEN: [Change; 12] = [
    ("GET", "POST"),
    ("HTTP/1.1", "HTTP/1.0"),
    ("Upgrade: websocket", "Upgrade: websockets"),
    ("Upgrade: websocket", "X-Upgrade: websocket"),
    ("Connection: Upgrade", "Connection: keep-alive"),
    ("Connection: Upgrade", "X-Connection: Upgrade"),
    ("Sec-WebSocket-Version: 13", "X-Version: 13"),
    ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 12"),
    ("Sec-WebSocket-Version: 13", "Sec-WebSocket-Version: 14"),
    ("Sec-WebSocket-Key", "X-Key"),
    ("Sec-WebSocket-Key: ", "Sec-WebSocket-Key: AAAA"),
    ("==", "="),
];

/// The lines of a request, without Host.
pub fn draw(dice: &mut Dice, offers: bool) -> Vec<String> {
    let key = STANDARD.encode(dice.bytes(16));
    let mut head = format!(
        "GET * HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{KEY}{key}\r\n\
         Sec-WebSocket-Version: 13"
    );
    if dice.percent(15) {
        let (from, to) = dice.pick(&VALID);
        head = head.replace(from, to);
    }
    if dice.percent(4) {
        let (from, to) = dice.pick(&BROKEN);
        head = head.replacen(from, to, 1);
    }
    if dice.percent(5) {
        head += &format!("\r\n{PROTOCOL}: x-wirebell-1, x-wirebell-2");
    }
    if offers && dice.percent(60) {
        head += &format!("\r\n{EXTENSIONS}: {}", dice.pick(&OFFERS));
    }
    head.split("\r\n").map(str::to_owned).collect()
}

/// The request as it is sent to this server.
pub fn bytes(head: &[String], target: &Target) -> Vec<u8> {
    let mut lines = head.iter();
    let first = lines.next().map_or("", String::as_str);
    let mut text = first.replacen('*', &target.path, 1) + "\r\n";
    let is_host = |field: &&(String, String)| field.0.eq_ignore_ascii_case("Host");
    let host = target.fields.iter().find(is_host);
    let host = host.map_or(&target.authority, |(_, value)| value);
    text += &format!("Host: {host}\r\n");
    for (name, value) in target.fields.iter().filter(|field| !is_host(field)) {
        text += &format!("{name}: {value}\r\n");
    }
    let mut offered = false;
    for line in lines {
        text += line;
        if line.starts_with(PROTOCOL) {
            offered = true;
            for name in &target.subprotocols {
                text += &format!(", {name}");
            }
        }
        text += "\r\n";
    }
    if !offered && !target.subprotocols.is_empty() {
        text += &format!("{PROTOCOL}: {}\r\n", target.subprotocols.join(", "));
    }
    (text + "\r\n").into_bytes()
}

/// What the core makes of a request: which compression it would choose, or why it refuses.
pub fn valid(request: &[u8]) -> Result<Option<DeflateTerms>, Option<Refusal>> {
    let mut storage = [Field {
        name: "",
        value: b"",
    }; MAX_FIELDS];
    let head = match RequestHead::parse(request, &mut storage) {
        Ok(head) => head,
        Err(_) => return Err(None),
    };
    let request = UpgradeRequest::read(head).map_err(Some)?;
    let accepted = request.accept(None).negotiate(&DeflatePolicy::TAKEOVER);
    Ok(accepted.deflate())
}

/// The negotiated terms; `None` as a response is one that ended the connection.
pub fn judge(
    request: &[u8],
    answer: Option<&Answer>,
) -> Result<Option<Option<DeflateTerms>>, Deviation> {
    let text = String::from_utf8_lossy(request);
    match (valid(request), answer) {
        (Err(refusal), Some(answer)) if answer.status == 101 => {
            let what = match refusal {
                Some(refusal) => format!("a broken request is accepted: {refusal}"),
                None => "a request that is not HTTP is accepted".into(),
            };
            Err(Deviation {
                name: "accepts-request",
                section: "6455 4.2.1".into(),
                level: Level::Must,
                what,
            })
        }
        (Err(refusal), answer) => refused(refusal, &text, answer).map(|()| None),
        (Ok(_), None) => fail("no-handshake", "a valid request gets no response".into()),
        (Ok(possible), Some(answer)) => opened(&text, possible, answer).map(Some),
    }
}

/// How a broken request is answered.
fn refused(
    refusal: Option<Refusal>,
    request: &str,
    answer: Option<&Answer>,
) -> Result<(), Deviation> {
    let status = answer.map(|answer| answer.status);
    // If something else is wrong too, that may be what is answered.
    let wrong_version = refusal == Some(Refusal::Version) && valid(&with_13(request)).is_ok();
    let names_version = answer.is_none_or(|answer| !answer.all("Sec-WebSocket-Version").is_empty());
    let what = match status {
        None => "a broken request gets no HTTP error",
        Some(..400) => "a broken request is not answered with an HTTP error",
        Some(_) if wrong_version && !names_version => {
            let what = "an unknown version is refused without Sec-WebSocket-Version";
            return fail("names-no-version", what.into());
        }
        Some(_) => return Ok(()),
    };
    Err(Deviation {
        name: "no-http-error",
        section: "6455 4.2.2".into(),
        level: Level::Should,
        what: what.into(),
    })
}

/// The same request with the version that there is.
fn with_13(request: &str) -> Vec<u8> {
    let lines = request
        .split("\r\n")
        .map(|line| match line.split_once(':') {
            Some((name, _)) if name.eq_ignore_ascii_case("Sec-WebSocket-Version") => {
                "Sec-WebSocket-Version: 13"
            }
            _ => line,
        });
    lines.collect::<Vec<_>>().join("\r\n").into_bytes()
}

fn fail<T>(name: &'static str, what: String) -> Result<T, Deviation> {
    Err(Deviation {
        name,
        section: "6455 4.2.2".into(),
        level: Level::Must,
        what,
    })
}

fn field<'t>(request: &'t str, name: &str) -> Option<&'t str> {
    let mut lines = request
        .split("\r\n")
        .filter_map(|line| line.split_once(':'));
    let (_, value) = lines.find(|(field, _)| field.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

/// A 101, item by item.
fn opened(
    request: &str,
    possible: Option<DeflateTerms>,
    answer: &Answer,
) -> Result<Option<DeflateTerms>, Deviation> {
    let accept = accept_key(field(request, "Sec-WebSocket-Key").unwrap_or_default());
    let wrong = match answer.all(ACCEPT)[..] {
        _ if answer.status != 101 => Some("a valid request is refused"),
        _ if answer.version != "HTTP/1.1" => Some("the response is not HTTP/1.1"),
        _ if !answer.fields.has_token("Upgrade", "websocket") => {
            Some("the response has no Upgrade: websocket")
        }
        _ if !answer.fields.has_token("Connection", "upgrade") => {
            Some("the response has no Connection: Upgrade")
        }
        [value] if value == accept.as_str() => None,
        [_] => Some("Sec-WebSocket-Accept does not match the key"),
        _ => Some("there is not exactly one Sec-WebSocket-Accept"),
    };
    if let Some(wrong) = wrong {
        return fail("handshake", format!("{wrong} (status {})", answer.status));
    }
    let offered = field(request, PROTOCOL).unwrap_or_default();
    let known = |name: &&str| offered.split(',').any(|one| one.trim() == *name);
    if !answer.all(PROTOCOL).iter().all(known) {
        return fail("subprotocol", "a subprotocol was not offered".into());
    }
    compression(request, possible, answer)
}

fn compression(
    request: &str,
    possible: Option<DeflateTerms>,
    answer: &Answer,
) -> Result<Option<DeflateTerms>, Deviation> {
    let agreed = answer.all(EXTENSIONS).join(", ");
    let offers = field(request, EXTENSIONS).unwrap_or_default();
    if agreed.is_empty() {
        return Ok(None);
    }
    let wrong = |what: &str| Deviation {
        name: "extension",
        section: "7692 7.1".into(),
        level: Level::Must,
        what: format!("{what}: `{agreed}`, in answer to `{offers}`"),
    };
    if possible.is_none() {
        return Err(wrong("an extension that must be declined is agreed to"));
    }
    match deflated::terms(&agreed) {
        Ok(terms) if offers.split(',').any(|offer| suits(offer, &terms)) => Ok(Some(terms)),
        Ok(_) => Err(wrong("the terms do not suit the offer")),
        Err(Problem::Fail(what) | Problem::Skip(what)) => Err(wrong(&what)),
    }
}

/// Whether a server that was offered this may agree to these terms.
fn suits(offer: &str, terms: &DeflateTerms) -> bool {
    let most = offer.split(';').find_map(|part| {
        let bits = part.trim().strip_prefix("server_max_window_bits=")?;
        bits.parse::<u8>().ok()
    });
    let takeover =
        terms.server_no_context_takeover || !offer.contains("server_no_context_takeover");
    let server = most.is_none_or(|most| terms.server_max_window_bits.is_some_and(|b| b <= most));
    let client = terms.client_max_window_bits.is_none() || offer.contains("client_max_window_bits");
    offer.contains(PLAIN) && takeover && server && client
}
