//! What must hold of permessage-deflate for every input.
//!
//! `inflate`: the payloads of a connection's messages come to the same messages and the same
//! verdict however they are cut, with memory for parts and without, with other connections in the
//! same pool and without; and what came out goes in again. `negotiation`: what a server answers,
//! the client takes; nothing is agreed to that was not offered.
#![forbid(unsafe_code)]

use wirebell::deflate::{
    Budget, Compressed, Compressor, Inflated, Params, Pool, Session, Settings,
};
use wirebell::handshake::{
    ClientHandshake, ClientWindow, DeflateOffer, DeflatePolicy, DeflateTerms, Direction,
    UpgradeRequest, accept_key,
};
use wirebell::http::{EMPTY_FIELD, MAX_FIELDS, RequestHead, ResponseHead};
use wirebell::wire::Entropy;
use wirebell::{BadResponse, Limits, MessageKind, Refusal, Violation};

/// Bytes of an `inflate` input before the payloads.
const SETTINGS: usize = 4;

/// "Hello", compressed.
const HELLO: &[u8] = b"\xf2\x48\xcd\xc9\xc9\x07\x00";

/// What the first bytes of an input choose.
#[derive(Clone, Copy)]
struct Case {
    params: Params,
    kind: MessageKind,
    message_bytes: u64,
    inflate_ratio: u32,
    level: u8,
    step: usize,
}

impl Case {
    fn read(settings: [u8; SETTINGS]) -> Self {
        let [terms, limits, level, step] = settings;
        let direction = Direction {
            takeover: terms & 8 != 0,
            window_bits: 8 + (terms & 7),
        };
        let params = Params {
            send: direction,
            receive: direction,
        };
        Self {
            params,
            kind: if terms & 16 != 0 {
                MessageKind::Text
            } else {
                MessageKind::Binary
            },
            message_bytes: 16 << (limits & 15),
            inflate_ratio: if limits & 16 != 0 { 20 } else { 1032 },
            level: level % 10,
            step: 1 + usize::from(step),
        }
    }

    fn limits(&self) -> Limits {
        Limits::DEFAULT
            .message_bytes(self.message_bytes)
            .inflate_ratio(self.inflate_ratio)
    }
}

/// Each payload has its length before it, in two bytes.
pub fn payloads(mut data: &[u8]) -> Vec<&[u8]> {
    let mut payloads = Vec::new();
    while let Some((length, rest)) = data.split_first_chunk::<2>() {
        let length = usize::from(u16::from_le_bytes(*length)).min(rest.len());
        let (payload, rest) = rest.split_at(length);
        payloads.push(payload);
        data = rest;
    }
    payloads
}

/// The messages before the first that fails, and why it does.
type Outcome = (Vec<Vec<u8>>, Option<Violation>);

fn read(case: &Case, payloads: &[&[u8]], step: usize, budget: usize, others: bool) -> Outcome {
    let limits = case.limits();
    let budget = Budget::new(budget);
    let mut pool = Pool::new(Settings::DEFAULT, budget.clone());
    let mut session = Session::default();
    let mut messages = Vec::new();
    for payload in payloads {
        let pieces = payload.chunks(step).count().max(1);
        for number in 0..pieces {
            let from = number * step;
            let piece = Compressed {
                kind: case.kind,
                bytes: &payload[from..payload.len().min(from.saturating_add(step))],
                first: number == 0,
                last: number + 1 == pieces,
            };
            match pool.inflate(&mut session, &case.params, piece, &limits) {
                Err(violation) => return (messages, Some(violation)),
                Ok(None) => assert!(!piece.last),
                Ok(Some(message)) => {
                    assert!(piece.last);
                    messages.push(message.bytes().to_vec());
                    pool.recycle(message);
                }
            }
            if others {
                neighbours(&mut pool);
            }
        }
    }
    (messages, None)
}

/// Messages of other connections, enough to move every idle inflater on.
fn neighbours(pool: &mut Pool) {
    for _ in 0..9 {
        let message = first(pool, MessageKind::Text, HELLO, &Limits::DEFAULT);
        let message = message.expect("a good message").expect("whole");
        assert_eq!(message.bytes(), b"Hello");
        pool.recycle(message);
    }
}

/// The first message of a connection, whole.
pub fn first(
    pool: &mut Pool,
    kind: MessageKind,
    bytes: &[u8],
    limits: &Limits,
) -> Result<Option<Inflated>, Violation> {
    let direction = Direction {
        takeover: true,
        window_bits: 15,
    };
    let params = Params {
        send: direction,
        receive: direction,
    };
    let piece = Compressed {
        kind,
        bytes,
        first: true,
        last: true,
    };
    pool.inflate(&mut Session::default(), &params, piece, limits)
}

/// The payloads of one connection's messages.
pub fn inflate(data: &[u8]) {
    let Some((settings, data)) = data.split_first_chunk::<SETTINGS>() else {
        return;
    };
    let case = Case::read(*settings);
    let payloads = payloads(data);
    let enough = 64 * 1024 * 1024;
    let whole = read(&case, &payloads, usize::MAX, enough, false);
    for (step, budget, others) in [
        (1, enough, false),
        (case.step, enough, true),
        (case.step, 0, true),
        (case.step, 52 * 1024, false),
    ] {
        let other = read(&case, &payloads, step, budget, others);
        assert_eq!(whole, other, "steps of {step}, budget {budget}");
    }
    for message in &whole.0 {
        assert!(message.len() as u64 <= case.message_bytes);
        assert!(case.kind == MessageKind::Binary || std::str::from_utf8(message).is_ok());
    }
    if whole.1.is_none() {
        there_and_back(&case, &whole.0);
    }
}

/// Compressed by us, whole and in fragments, the messages come out again.
fn there_and_back(case: &Case, messages: &[Vec<u8>]) {
    let bits = case.params.send.window_bits;
    let mut compressor = Compressor::new(bits, case.level);
    let mut payloads = Vec::new();
    for message in messages {
        if !case.params.send.takeover {
            compressor.restart();
        }
        let mut payload = Vec::new();
        match compressor.message(message, &mut payload) {
            Some(len) => payload.truncate(len),
            None => {
                payload.clear();
                let (front, back) = message.split_at(message.len() / 2);
                compressor.fragment(front, true, false, &mut payload);
                compressor.fragment(back, false, true, &mut payload);
            }
        }
        assert!(!payload.is_empty() && !payload.ends_with(&[0, 0, 0xFF, 0xFF]));
        payloads.push(payload);
    }
    let payloads: Vec<&[u8]> = payloads.iter().map(Vec::as_slice).collect();
    let case = Case {
        inflate_ratio: u32::MAX,
        ..*case
    };
    let (back, violation) = read(&case, &payloads, usize::MAX, 0, false);
    assert_eq!((violation, back.as_slice()), (None, messages));
}

struct Zeros;

impl Entropy for Zeros {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0);
    }
}

/// Offers out of two bytes each.
fn offers(data: &[u8]) -> Vec<DeflateOffer> {
    let offer = |bytes: &[u8; 2]| {
        let [flags, windows] = *bytes;
        DeflateOffer::default()
            .server_no_context_takeover(flags & 1 != 0)
            .client_no_context_takeover(flags & 2 != 0)
            .server_max_window_bits((flags & 4 != 0).then_some(8 + (windows & 7)))
            .client_max_window_bits(match flags >> 3 & 3 {
                0 => ClientWindow::Fixed,
                1 => ClientWindow::Open,
                _ => ClientWindow::AtMost(8 + (windows >> 3 & 7)),
            })
    };
    data.as_chunks::<2>().0.iter().map(offer).collect()
}

fn policy([flags, windows]: [u8; 2]) -> DeflatePolicy {
    DeflatePolicy::default()
        .server_takeover(flags & 1 != 0)
        .client_takeover(flags & 2 != 0)
        .server_window_bits(windows & 15)
        .client_window_bits(windows >> 4)
}

/// The terms that a server agrees to after a request with these lines.
fn choose(policy: &DeflatePolicy, lines: &str) -> Result<Option<DeflateTerms>, Refusal> {
    let request = format!(
        "GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Version: 13\r\n{lines}\r\n"
    );
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let opening = UpgradeRequest::read(RequestHead::parse(request.as_bytes(), &mut storage)?)?;
    Ok(opening.accept(None).negotiate(policy).deflate())
}

/// What a client that made these offers reads out of a response with these lines.
fn agree(offers: &[DeflateOffer], lines: &str) -> Result<Option<DeflateTerms>, BadResponse> {
    let handshake = ClientHandshake::new("a", "/", &mut Zeros).expect("valid");
    let handshake = handshake.deflate(offers).expect("valid");
    let accept = accept_key("AAAAAAAAAAAAAAAAAAAAAA==");
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n{lines}\r\n",
        accept.as_str()
    );
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let head = ResponseHead::parse(response.as_bytes(), &mut storage)?;
    Ok(handshake.verify(&head)?.deflate)
}

fn field(value: &str) -> String {
    format!("Sec-WebSocket-Extensions: {value}\r\n")
}

/// Two bytes of policy, a number and as many offers, then lines of anything.
pub fn negotiation(data: &[u8]) {
    let Some(([one, two, count], data)) = data.split_first_chunk::<3>() else {
        return;
    };
    let (policy, count) = (policy([*one, *two]), 2 * usize::from(*count % 4));
    let (made, text) = data.split_at(count.min(data.len()));
    let offers = offers(made);
    between_ourselves(&policy, &offers);
    let Ok(text) = std::str::from_utf8(text) else {
        return;
    };
    let lines: String = text.lines().take(8).map(field).collect();
    if let Ok(Some(terms)) = choose(&policy, &lines) {
        assert!(text.contains("permessage-deflate"));
        assert!(terms.client_max_window_bits.is_none() || text.contains("client_max_window_bits"));
        assert!(!terms.server().takeover || policy.server_takeover);
        assert!(!terms.client().takeover || policy.client_takeover);
        assert!(terms.server().window_bits <= policy.server_window_bits.max(8));
    }
    if let Ok(Some(terms)) = agree(&offers, &lines) {
        assert!(!offers.is_empty() && text.contains("permessage-deflate"));
        let again = agree(&offers, &field(&terms.to_string()));
        assert_eq!(again, Ok(Some(terms)));
    }
}

/// The client takes what the server chooses, and both read the same out of it.
fn between_ourselves(policy: &DeflatePolicy, offers: &[DeflateOffer]) {
    let list: Vec<String> = offers.iter().map(ToString::to_string).collect();
    let lines = if list.is_empty() {
        String::new()
    } else {
        field(&list.join(", "))
    };
    let chosen = choose(policy, &lines).expect("a good request");
    assert_eq!(chosen.is_some(), !offers.is_empty());
    if let Some(terms) = chosen {
        let read = agree(offers, &field(&terms.to_string()));
        assert_eq!(read, Ok(Some(terms)));
    }
}
