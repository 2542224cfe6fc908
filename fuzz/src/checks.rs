//! What must hold for every input, not only that nothing panics.
//!
//! Each check reads its input in several cuts: whole, byte by byte, and in pieces whose lengths
//! the first byte of the input chooses. All must come to the same verdict, within the limits.
//! Fuzz targets call these functions; a test replays the committed inputs through them.

use wirebell::handshake::{
    Ask, ClientHandshake, Field, HeadReader, MAX_FIELDS, RequestHead, ResponseHead, accept_key,
};
use wirebell::net::http::{EMPTY_FIELD, HttpReader, Step};
use wirebell::wire::Entropy;
use wirebell::{Assembler, Connection, Event, Kind, Limits, Outbox, Refusal, Role, State};

/// Small, so that inputs of a few kilobytes reach them.
const LIMITS: Limits = Limits {
    head_bytes: 1024,
    target_bytes: 256,
    body_bytes: 512,
    frame_bytes: 2048,
    message_bytes: 3072,
    fragments: 64,
    ..Limits::DEFAULT
};

/// The most that one control frame takes.
const CONTROL: usize = 131;

struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(0x35);
            *byte = self.0;
        }
    }
}

/// Three ways to cut: at once, byte by byte, and in steps that grow from the one given.
fn cuts(length: usize, step: u8) -> [Vec<usize>; 3] {
    let mut steps = Vec::new();
    let mut at = 0;
    while at < length {
        at = (at + 1 + (usize::from(step) + steps.len() * 7) % 61).min(length);
        steps.push(at);
    }
    [vec![length], (1..=length).collect(), steps]
}

/// Runs `read` over all cuts of `data` behind its first byte; the results must be equal.
fn same_in_every_cut<T: PartialEq + std::fmt::Debug>(
    data: &[u8],
    read: impl Fn(&[u8], &[usize]) -> T,
) -> Option<T> {
    let (step, data) = data.split_first()?;
    let [whole, bytes, steps] = cuts(data.len(), *step);
    let first = read(data, &whole);
    assert_eq!(first, read(data, &bytes), "byte by byte");
    assert_eq!(first, read(data, &steps), "in steps from {step}");
    Some(first)
}

/// Everything that a stream of frames came to.
#[derive(Debug, Default, PartialEq)]
struct Transcript {
    messages: Vec<(Kind, Vec<u8>)>,
    controls: Vec<String>,
    sent: Vec<u8>,
    state: Option<State>,
}

/// Frames from a client.
pub fn server_stream(data: &[u8]) {
    stream(Role::Server, data);
}

/// Frames from a server.
pub fn client_stream(data: &[u8]) {
    stream(Role::Client, data);
}

fn stream(role: Role, data: &[u8]) {
    let read = |data: &[u8], cuts: &[usize]| read_stream(role, data, cuts);
    let Some(transcript) = same_in_every_cut(data, read) else {
        return;
    };
    let bytes: usize = transcript
        .messages
        .iter()
        .map(|(_, bytes)| bytes.len())
        .sum();
    assert!(bytes <= data.len(), "messages are longer than the input");
    for (kind, bytes) in &transcript.messages {
        assert!(bytes.len() as u64 <= LIMITS.message_bytes);
        assert!(*kind == Kind::Binary || std::str::from_utf8(bytes).is_ok());
    }
    check_sent(role, &transcript.sent);
}

fn read_stream(role: Role, data: &[u8], cuts: &[usize]) -> Transcript {
    let mut connection = Connection::new(role, &LIMITS, 0);
    let (mut outbox, mut entropy) = (Outbox::new(), Counter(0));
    let mut assembler = Assembler::new();
    let mut transcript = Transcript::default();
    let mut bytes = data.to_vec();
    let mut at = 0;
    for end in cuts {
        while at < *end {
            let received = connection.receive(&mut bytes[at..*end], &mut outbox);
            at += received.consumed;
            let consumed = received.consumed;
            match received.event {
                None if consumed == 0 => break,
                None => {}
                Some(Event::Piece(piece)) => {
                    if let Some(message) = assembler.push(piece) {
                        transcript
                            .messages
                            .push((message.kind, message.bytes.to_vec()));
                        assembler.clear();
                    }
                }
                Some(event) => transcript.controls.push(format!("{event:?}")),
            }
            let mut out = [0; 3 * CONTROL];
            let sent = connection.transmit(&mut outbox, &mut out, &mut entropy);
            transcript.sent.extend_from_slice(&out[..sent]);
            assert!(outbox.is_empty(), "there was room for all of it");
        }
    }
    assert!(
        *cuts.last().unwrap_or(&0) - at <= CONTROL,
        "too much is left unread"
    );
    assert!(assembler.capacity() <= 2 * LIMITS.message_bytes as usize);
    transcript.state = Some(connection.state());
    transcript
}

/// What was sent are whole control frames of the right direction, and a Close is the last.
fn check_sent(role: Role, sent: &[u8]) {
    let other = if role == Role::Server {
        Role::Client
    } else {
        Role::Server
    };
    let mut peer = Connection::new(other, &LIMITS, 0);
    let mut outbox = Outbox::new();
    let mut bytes = sent.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let received = peer.receive(&mut bytes[at..], &mut outbox);
        assert!(received.consumed > 0, "half a frame was sent");
        match received.event {
            Some(Event::Pong(_)) => {}
            Some(Event::Close(_)) => assert_eq!(at + received.consumed, sent.len()),
            other => panic!("sent {other:?}"),
        }
        at += received.consumed;
    }
}

/// A request head, and the handshake on it.
pub fn request_head(data: &[u8]) {
    let Some(Ok(Some(range))) = same_in_every_cut(data, find_head) else {
        return;
    };
    let head = &data[1..][range];
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let Ok(head) = RequestHead::parse(head, &mut storage) else {
        return;
    };
    assert!(!head.path().contains('?') && !head.target.contains('#'));
    let Ok(ask) = Ask::read(head) else {
        return;
    };
    let offered: Vec<_> = ask.subprotocols().collect();
    assert!(ask.choose(&["no such subprotocol"]).is_none());
    let response = ask.accept(offered.first().copied()).to_string();
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let response = ResponseHead::parse(response.as_bytes(), &mut storage).expect("valid HTTP");
    let key = head
        .fields
        .get("Sec-WebSocket-Key")
        .expect("it was accepted");
    assert_eq!(response.status, 101);
    assert_eq!(
        response.fields.get("Sec-WebSocket-Accept"),
        Some(accept_key(key).as_str())
    );
    let chosen = response.fields.get("Sec-WebSocket-Protocol");
    assert_eq!(chosen, offered.first().map(|offered| offered.name()));
    assert!(response.fields.get("Sec-WebSocket-Extensions").is_none());
}

/// A response head, as the client of one known request sees it.
pub fn response_head(data: &[u8]) {
    let Some(Ok(Some(range))) = same_in_every_cut(data, find_head) else {
        return;
    };
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let Ok(response) = ResponseHead::parse(&data[1..][range], &mut storage) else {
        return;
    };
    let handshake = ClientHandshake::new("example.org", "/", &mut Counter(0)).expect("valid");
    let handshake = handshake.subprotocols(&["chat", "push"]).expect("valid");
    let Ok(agreed) = handshake.verify(&response) else {
        return;
    };
    let request = handshake.to_string();
    let key = request
        .lines()
        .find_map(|line| line.strip_prefix("Sec-WebSocket-Key: "));
    let expected = accept_key(key.expect("it is there"));
    assert_eq!(response.status, 101);
    assert_eq!(
        response.fields.get("Sec-WebSocket-Accept"),
        Some(expected.as_str())
    );
    assert!(
        agreed
            .subprotocol
            .is_none_or(|name| ["chat", "push"].contains(&name))
    );
    assert!(
        response
            .fields
            .get("Sec-WebSocket-Extensions")
            .is_none_or(str::is_empty)
    );
}

fn find_head(data: &[u8], cuts: &[usize]) -> Result<Option<std::ops::Range<usize>>, Refusal> {
    let mut reader = HeadReader::new();
    for end in cuts {
        if let Some(range) = reader.find(&data[..*end], &LIMITS)? {
            assert!(range.len() <= LIMITS.head_bytes);
            return Ok(Some(range));
        }
    }
    Ok(None)
}

/// Requests with bodies, one after the other.
pub fn http_request(data: &[u8]) {
    same_in_every_cut(data, read_requests);
}

fn read_requests(data: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut reader = HttpReader::default();
    let mut found = Vec::new();
    let mut at = 0;
    for end in cuts {
        while at < *end {
            match reader.feed(&data[at..*end], &LIMITS) {
                Err(fault) => {
                    found.push(format!("{fault:?}"));
                    return found;
                }
                Ok((taken, step)) => {
                    at += taken;
                    assert!(reader.held() <= 2 * (LIMITS.head_bytes + LIMITS.body_bytes) + 64);
                    if step == Step::Whole {
                        found.push(describe(&reader));
                        reader.reset();
                    }
                }
            }
        }
    }
    found
}

fn describe(reader: &HttpReader) -> String {
    let mut storage: [Field<'_>; MAX_FIELDS] = [EMPTY_FIELD; MAX_FIELDS];
    match reader.request(&mut storage) {
        Err(fault) => format!("{fault:?}"),
        Ok(request) => {
            assert!(request.body().len() <= LIMITS.body_bytes);
            format!(
                "{} {} {:?}",
                request.method(),
                request.path(),
                request.body()
            )
        }
    }
}
