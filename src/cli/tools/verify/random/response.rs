//! Responses of the opening handshake, valid and broken, and which of them a client must take.
//!
//! RFC 6455 section 4.1, RFC 7692 section 7.1. Input: dice, and the request of a client. Output:
//! the lines of a response, or the negotiated terms, or why the client must refuse. Invariant: the
//! strict core decides whether a request and a response are valid.

use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::client_request::ClientRequest;
use crate::cli::tools::verify::head::{ACCEPT, EXTENSIONS, PROTOCOL};
use crate::cli::tools::verify::random::dice::Dice;
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::request::{Change, PLAIN};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use wirebell::handshake::{
    ClientHandshake, ClientWindow, DeflateOffer, DeflateTerms, Extension, Param, UpgradeRequest,
    accept_key,
};
use wirebell::http::{Field, MAX_FIELDS, RequestHead, ResponseHead};
use wirebell::wire::Entropy;

const VALID: [Change; 12] = [
    ("Upgrade: websocket", "upgrade: websocket"),
    ("Upgrade: websocket", "UPGRADE: WebSocket"),
    ("Upgrade: websocket", "Upgrade:websocket"),
    ("Upgrade: websocket", "Upgrade: \twebsocket \t"),
    ("Connection: Upgrade", "Connection: upgrade"),
    ("Connection: Upgrade", "connection: keep-alive, Upgrade"),
    (
        "Connection: Upgrade",
        "Connection: keep-alive\r\nConnection: Upgrade",
    ),
    (
        "Connection: Upgrade",
        "Connection: Upgrade\r\nSet-Cookie: a=1; Path=/\r\nSet-Cookie: b=2",
    ),
    (
        "Connection: Upgrade",
        "Server: some\r\nX-Empty:\r\nConnection: Upgrade",
    ),
    ("Sec-WebSocket-Accept: ", "sec-websocket-accept:"),
    ("Switching Protocols", "Web Socket Protocol Handshake"),
    ("Switching Protocols", ""),
];

const BROKEN: [Change; 15] = [
    ("101 Switching Protocols", "200 OK\r\nContent-Length: 0"),
    (
        "101 Switching Protocols",
        "404 Not Found\r\nContent-Length: 0",
    ),
    (
        "101 Switching Protocols",
        "503 Service Unavailable\r\nContent-Length: 0",
    ),
    ("HTTP/1.1", "SIP/2.0"),
    ("Upgrade: websocket", "Upgrade: websockets"),
    ("Upgrade: websocket", "X-Upgrade: websocket"),
    ("Connection: Upgrade", "Connection: keep-alive"),
    ("Connection: Upgrade", "X-Connection: Upgrade"),
    ("Sec-WebSocket-Accept", "X-Accept"),
    ("Accept: *", "Accept: *x"),
    ("Accept: *", "Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA="),
    (
        "Accept: *",
        "Accept: *\r\nSec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=",
    ),
    (
        "Accept: *",
        "Accept: *\r\nSec-WebSocket-Protocol: x-unasked",
    ),
    (
        "Accept: *",
        "Accept: *\r\nSec-WebSocket-Extensions: x-unasked",
    ),
    ("Accept: *", "Accept: *\r\nSec-WebSocket-Extensions: ;;="),
];

/// Parameters that no response may have, whatever was offered.
const ILLEGAL: [&str; 9] = [
    "; x-unknown",
    "; server_no_context_takeover=1",
    "; client_no_context_takeover=true",
    "; server_max_window_bits",
    "; server_max_window_bits=7",
    "; server_max_window_bits=16",
    "; client_max_window_bits=x",
    "; server_no_context_takeover; server_no_context_takeover",
    ", permessage-deflate",
];

/// What a client asks for.
#[derive(Clone, Debug)]
pub struct Asked {
    key: String,
    nonce: Nonce,
    subprotocols: Vec<String>,
    offers: Vec<DeflateOffer>,
}

/// The random bytes of the client's key.
#[derive(Clone, Copy, Debug)]
struct Nonce([u8; 16]);

impl Entropy for Nonce {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.0[..bytes.len()]);
    }
}

impl Asked {
    /// Reads a request, strictly.
    pub fn read(request: &ClientRequest) -> Result<Self, Deviation> {
        if request.key_is_old {
            let what = "the key is that of an earlier connection".into();
            return Err(must("request-key", what));
        }
        let mut storage = [Field {
            name: "",
            value: b"",
        }; MAX_FIELDS];
        let head = RequestHead::parse(request.head.as_bytes(), &mut storage)
            .map_err(|error| must("request", format!("the request is no HTTP: {error:?}")))?;
        let read = UpgradeRequest::read(head)
            .map_err(|refusal| must("request", format!("a broken request: {refusal}")))?;
        let ours = read.extensions.iter().filter(|one| one.name == PLAIN);
        let offers = ours.map(|one| {
            offer(&one).ok_or_else(|| must("request", "a broken offer of compression".into()))
        });
        let mut nonce = [0; 16];
        let decoded = STANDARD.decode(request.key()).unwrap_or_default();
        nonce.copy_from_slice(decoded.get(..16).unwrap_or(&[0; 16]));
        Ok(Self {
            key: request.key().to_owned(),
            nonce: Nonce(nonce),
            subprotocols: read.subprotocols().map(|one| one.name().into()).collect(),
            offers: offers.collect::<Result<_, _>>()?,
        })
    }

    /// The terms that a response gives the client, or why the client must refuse it.
    pub fn judge(&self, response: &[u8]) -> Result<Option<DeflateTerms>, String> {
        let mut storage = [Field {
            name: "",
            value: b"",
        }; MAX_FIELDS];
        let head = ResponseHead::parse(response, &mut storage);
        let head = head.map_err(|_| "a response that is no HTTP".to_owned())?;
        let names: Vec<&str> = self.subprotocols.iter().map(String::as_str).collect();
        let client = ClientHandshake::new("host", "/", &mut self.nonce.clone());
        let client = client.and_then(|client| client.subprotocols(&names));
        let client = client.and_then(|client| client.deflate(&self.offers));
        let client = client.map_err(|misuse| misuse.to_string())?;
        let opened = client.verify(&head);
        opened
            .map(|opened| opened.deflate)
            .map_err(|bad| bad.to_string())
    }
}

fn must(name: &'static str, what: String) -> Deviation {
    Deviation {
        name,
        section: "6455 4.1".into(),
        level: Level::Must,
        what,
    }
}

/// An offer of permessage-deflate, if it is a legal one.
fn offer(extension: &Extension<'_>) -> Option<DeflateOffer> {
    let mut offer = DeflateOffer::default().client_max_window_bits(ClientWindow::Fixed);
    let mut seen = Vec::new();
    for Param { name, value } in extension.params() {
        let bits = value.and_then(|value| value.parse().ok());
        let bits: Option<u8> = bits.filter(|bits| (8..=15).contains(bits));
        offer = match (name, value, bits) {
            _ if seen.contains(&name) => return None,
            ("server_no_context_takeover", None, _) => offer.server_no_context_takeover(true),
            ("client_no_context_takeover", None, _) => offer.client_no_context_takeover(true),
            ("server_max_window_bits", Some(_), Some(_)) => offer.server_max_window_bits(bits),
            ("client_max_window_bits", None, _) => offer.client_max_window_bits(ClientWindow::Open),
            ("client_max_window_bits", Some(_), Some(bits)) => {
                offer.client_max_window_bits(ClientWindow::AtMost(bits))
            }
            _ => return None,
        };
        seen.push(name);
    }
    Some(offer)
}

/// The lines of a response.
pub fn draw(dice: &mut Dice, asked: &Asked) -> Vec<String> {
    let mut head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         {ACCEPT}: *"
    );
    if dice.percent(15) {
        let (from, to) = dice.pick(&VALID);
        head = head.replace(from, to);
    }
    if let Some(offer) = asked.offers.first().filter(|_| dice.percent(60)) {
        head += &format!("\r\n{EXTENSIONS}: {}", agreed(dice, offer));
        if dice.percent(4) {
            head += dice.pick(&ILLEGAL);
        }
    } else if let Some(name) = asked.subprotocols.first().filter(|_| dice.percent(20)) {
        head += &format!("\r\n{PROTOCOL}: {name}");
    } else if asked.offers.is_empty() && dice.percent(2) {
        head += &format!("\r\n{EXTENSIONS}: {PLAIN}");
    }
    if dice.percent(6) {
        let (from, to) = dice.pick(&BROKEN);
        head = head.replacen(from, to, 1);
    }
    head.split("\r\n").map(str::to_owned).collect()
}

/// Terms that suit the offer, and a few times in a hundred some that do not.
fn agreed(dice: &mut Dice, offer: &DeflateOffer) -> DeflateTerms {
    let spoils = dice.percent(4);
    let bits = |dice: &mut Dice, most: u8| Some(9 + dice.below(usize::from(most.max(9)) - 8) as u8);
    let server = match offer.server_max_window_bits {
        Some(most) if !spoils => bits(dice, most),
        _ if dice.percent(30) => bits(dice, 15),
        _ => None,
    };
    let client = match offer.client_max_window_bits {
        ClientWindow::Fixed if !spoils => None,
        ClientWindow::AtMost(most) => bits(dice, most),
        _ => bits(dice, 15),
    };
    DeflateTerms {
        server_no_context_takeover: dice.percent(30) || offer.server_no_context_takeover && !spoils,
        client_no_context_takeover: dice.percent(30),
        server_max_window_bits: server,
        client_max_window_bits: client.filter(|_| spoils || dice.percent(40)),
    }
}

/// The response as it is sent to this client.
pub fn bytes(head: &[String], asked: &Asked) -> Vec<u8> {
    let accept = accept_key(&asked.key);
    let text = head.join("\r\n").replace('*', accept.as_str());
    (text + "\r\n\r\n").into_bytes()
}
