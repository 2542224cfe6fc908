//! What must hold for every input, not only that nothing panics.
//!
//! Each check reads its input in several cuts: whole, byte by byte, and in pieces whose lengths
//! the first four bytes of the input choose. All must come to the same verdict, within the limits.
//! Fuzz targets call these functions; a test replays the committed inputs through them.
#![forbid(unsafe_code)]

use wirebell::handshake::{ClientHandshake, UpgradeRequest, accept_key};
use wirebell::http::{
    EMPTY_FIELD, Field, Fields, HeadLimits, HeadReader, HttpReader, MAX_FIELDS, RequestHead,
    ResponseHead, Step,
};
use wirebell::proto::MAX_CONTROL_FRAME;
use wirebell::wire::{CloseBody, Entropy, FrameHeader, Mask, Opcode};
use wirebell::{
    Assembler, Connection, Event, HeadError, Limits, MessageKind, Outbox, Piece, Role, State,
    Violation,
};

/// Small, so that inputs of a few kilobytes reach them.
const LIMITS: Limits = Limits::DEFAULT
    .frame_bytes(2048)
    .message_bytes(3072)
    .fragments(64);

/// The same for requests.
const HEAD_LIMITS: HeadLimits = HeadLimits::DEFAULT.bytes(1024).target_bytes(256);

/// The same for their bodies.
const BODY_BYTES: usize = 512;

/// Bytes of the input that choose its cuts.
const PREFIX: usize = 4;

struct Counter(u8);

impl Entropy for Counter {
    fn fill(&mut self, bytes: &mut [u8]) {
        for byte in bytes {
            self.0 = self.0.wrapping_add(0x35);
            *byte = self.0;
        }
    }
}

/// Three ways to cut: at once, byte by byte, and by the given steps over and over.
fn cuts(length: usize, steps: [u8; PREFIX]) -> [Vec<usize>; 3] {
    let mut chosen = Vec::new();
    let mut at = 0;
    for step in steps.iter().cycle() {
        if at == length {
            break;
        }
        at = (at + 1 + usize::from(*step)).min(length);
        chosen.push(at);
    }
    [vec![length], (1..=length).collect(), chosen]
}

/// Runs `read` over all cuts of `data` after its prefix; the results must be equal.
fn same_in_every_cut<T: PartialEq + std::fmt::Debug>(
    data: &[u8],
    read: impl Fn(&[u8], &[usize]) -> T,
) -> Option<T> {
    let (steps, data) = data.split_first_chunk::<PREFIX>()?;
    let [whole, bytes, chosen] = cuts(data.len(), *steps);
    let first = read(data, &whole);
    assert_eq!(first, read(data, &bytes), "byte by byte");
    assert_eq!(first, read(data, &chosen), "in steps of {steps:?}");
    Some(first)
}

/// A control event, or the end by a violation.
#[derive(Clone, Debug, PartialEq)]
enum Control {
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<u16>, String),
    Failed(Violation),
}

/// Everything that a stream of frames came to.
#[derive(Debug, Default, PartialEq)]
struct Transcript {
    messages: Vec<(MessageKind, Vec<u8>)>,
    controls: Vec<Control>,
    sent: Vec<u8>,
    state: Option<State>,
}

/// How a stream is read, apart from its cuts.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// The outbox is emptied after each event.
    Prompt,
    /// The outbox is emptied once, at the end.
    Late,
    /// As `Prompt`, and what is left of a frame is read into the room after its message.
    Direct,
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
    let in_way = |way| same_in_every_cut(data, |data, cuts| read_stream(role, way, data, cuts));
    let Some(prompt) = in_way(Way::Prompt) else {
        return;
    };
    assert_eq!(Some(&prompt), in_way(Way::Direct).as_ref(), "read directly");
    let bytes = prompt.messages.iter().map(|(_, bytes)| bytes.len());
    assert!(bytes.sum::<usize>() <= data.len(), "longer than the input");
    for (kind, bytes) in &prompt.messages {
        assert!(bytes.len() as u64 <= LIMITS.message_bytes);
        assert!(*kind == MessageKind::Binary || std::str::from_utf8(bytes).is_ok());
    }
    let answers = answers(&prompt.controls);
    assert_eq!(frames(role, &prompt.sent), answers);

    let late = in_way(Way::Late).expect("the prefix is there");
    assert_eq!(late.messages, prompt.messages);
    assert_eq!(late.controls, prompt.controls);
    assert_eq!(late.state, prompt.state);
    assert_eq!(frames(role, &late.sent), newest(&answers));
}

fn read_stream(role: Role, way: Way, data: &[u8], cuts: &[usize]) -> Transcript {
    let mut connection = Connection::new(role, &LIMITS, 0);
    let (mut outbox, mut entropy) = (Outbox::new(), Counter(0));
    let mut out = [0; 3 * MAX_CONTROL_FRAME];
    let mut assembler = Assembler::new();
    let mut transcript = Transcript::default();
    let mut bytes = data.to_vec();
    let mut at = 0;
    for end in cuts {
        while at < *end {
            let left = connection.payload_left();
            let direct = way == Way::Direct && left > 0 && !assembler.is_empty();
            let received = if direct {
                let spare = assembler.spare(u64::MAX, left);
                let length = spare.len().min(end - at);
                spare[..length].copy_from_slice(&data[at..at + length]);
                let received = connection.receive(&mut spare[..length], &mut outbox);
                let (consumed, event) = (received.consumed, received.event.map(Seen::of));
                assert!(consumed == length, "all of it was payload");
                assembler.advance(length);
                (consumed, event)
            } else {
                let received = connection.receive(&mut bytes[at..*end], &mut outbox);
                let event = received
                    .event
                    .map(|event| Seen::assemble(event, &mut assembler));
                (received.consumed, event)
            };
            at += received.0;
            match received {
                (0, None) => break,
                (_, Some(Seen::Last(kind, whole))) => {
                    let whole = whole.unwrap_or_else(|| assembler.bytes().to_vec());
                    transcript.messages.push((kind, whole));
                    assembler.clear();
                }
                (_, Some(Seen::Control(control))) => transcript.controls.push(control),
                (_, Some(Seen::Part) | None) => {}
            }
            if way != Way::Late {
                let sent = connection.transmit(&mut outbox, &mut out, &mut entropy);
                transcript.sent.extend_from_slice(&out[..sent]);
                assert!(outbox.is_empty(), "there was room for all of it");
            }
        }
    }
    assert!(
        data.len() - at < MAX_CONTROL_FRAME,
        "too much is left unread"
    );
    let sent = connection.transmit(&mut outbox, &mut out, &mut entropy);
    transcript.sent.extend_from_slice(&out[..sent]);
    assert!(outbox.is_empty(), "what waits is bounded");
    transcript.state = Some(connection.state());
    transcript
}

/// An event without its borrow.
enum Seen {
    /// A part of a message, which the assembler has.
    Part,
    /// The message is whole: here, or in the assembler.
    Last(MessageKind, Option<Vec<u8>>),
    Control(Control),
}

impl Seen {
    /// An event whose bytes already follow its message.
    fn of(event: Event<'_>) -> Self {
        match event {
            Event::Piece(Piece { last: false, .. }) => Self::Part,
            Event::Piece(piece) => Self::Last(piece.kind, None),
            Event::Ping(payload) => Self::Control(Control::Ping(payload.to_vec())),
            Event::Pong(payload) => Self::Control(Control::Pong(payload.to_vec())),
            Event::Close(body) => Self::Control(Control::close(&body)),
            Event::Failed(violation) => Self::Control(Control::Failed(violation)),
        }
    }

    /// An event whose bytes, if it has any, are still to be added to their message.
    fn assemble(event: Event<'_>, assembler: &mut Assembler) -> Self {
        match event {
            Event::Piece(piece) => match assembler.push(piece) {
                Some(message) => Self::Last(message.kind, Some(message.bytes.to_vec())),
                None => Self::Part,
            },
            event => Self::of(event),
        }
    }
}

impl Control {
    fn close(body: &CloseBody<'_>) -> Self {
        Self::Close(body.code.map(|code| code.get()), body.reason.to_owned())
    }
}

/// What has to be sent: a Pong for each Ping, and one Close, with the code of the peer's or the
/// reason of the failure.
fn answers(controls: &[Control]) -> Vec<Control> {
    let answer = |control: &Control| match control {
        Control::Ping(payload) => Some(Control::Pong(payload.clone())),
        Control::Pong(_) => None,
        Control::Close(code, _) => Some(Control::Close(*code, String::new())),
        Control::Failed(violation) => {
            let code = violation.close_code().get();
            Some(Control::Close(Some(code), violation.text().to_owned()))
        }
    };
    controls.iter().filter_map(answer).collect()
}

/// What is left of the answers if nothing could be sent in between: the newest Pong, the Close.
fn newest(answers: &[Control]) -> Vec<Control> {
    let (pongs, closes): (Vec<_>, Vec<_>) = answers
        .iter()
        .cloned()
        .partition(|answer| matches!(answer, Control::Pong(_)));
    pongs
        .into_iter()
        .next_back()
        .into_iter()
        .chain(closes)
        .collect()
}

/// Splits what was sent into whole frames, which must be masked if a client sent them.
fn frames(role: Role, mut sent: &[u8]) -> Vec<Control> {
    let mut found = Vec::new();
    while !sent.is_empty() {
        let parsed = FrameHeader::parse(sent, role == Role::Client).expect("a valid header");
        let (header, at) = parsed.expect("a whole header");
        let end = at + header.length as usize;
        let mut payload = sent[at..end].to_vec();
        Mask::new(header.mask.unwrap_or_default()).apply(&mut payload);
        found.push(match header.opcode {
            Opcode::Pong => Control::Pong(payload),
            Opcode::Close => Control::close(&CloseBody::parse(&payload).expect("a valid body")),
            other => panic!("sent {other:?}"),
        });
        sent = &sent[end..];
    }
    found
}

/// A request head, and the handshake on it.
pub fn request_head(data: &[u8]) {
    let Some(Ok(Some(range))) = same_in_every_cut(data, find_head) else {
        return;
    };
    let head = &data[PREFIX..][range];
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let Ok(head) = RequestHead::parse(head, &mut storage) else {
        return;
    };
    assert!(!head.path().contains('?') && !head.target.contains('#'));
    check_parts(&head);
    let Ok(opening) = UpgradeRequest::read(head) else {
        return;
    };
    assert!(opening.choose(&["no such subprotocol"]).is_none());
    let key = head.fields.get("Sec-WebSocket-Key").expect("accepted");
    check_accepted(&opening.accept(None).to_string(), key, None);
    for offered in opening.subprotocols() {
        assert_eq!(opening.choose(&[offered.name()]), Some(offered));
        let response = opening.accept(Some(offered)).to_string();
        check_accepted(&response, key, Some(offered.name()));
    }
}

/// Taken apart and put together again, a request gets the same answer.
fn check_parts(head: &RequestHead<'_>) {
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let pairs = head.fields.iter().map(|field| (field.name, field.value));
    let fields = Fields::from_pairs(pairs, &mut storage).expect("parsed before");
    let parts = RequestHead::new(head.method, head.target, head.minor_version, fields);
    let answer = |head| UpgradeRequest::read(head).map(|opening| opening.accept(None).to_string());
    assert_eq!(answer(parts.expect("parsed before")), answer(*head));
}

/// The response to an accepted request has the right fields and no others.
fn check_accepted(response: &str, key: &str, subprotocol: Option<&str>) {
    let mut reader = HeadReader::new();
    let whole = reader.find(response.as_bytes(), &HeadLimits::DEFAULT);
    assert_eq!(whole, Ok(Some(0..response.len())), "one head and no more");
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let response = ResponseHead::parse(response.as_bytes(), &mut storage).expect("valid HTTP");
    let field = |name| response.fields.get(name);
    assert_eq!(response.status, 101);
    assert_eq!(field("Upgrade"), Some("websocket"));
    assert_eq!(field("Connection"), Some("Upgrade"));
    assert_eq!(
        field("Sec-WebSocket-Accept"),
        Some(accept_key(key).as_str())
    );
    assert_eq!(field("Sec-WebSocket-Protocol"), subprotocol);
    let expected = 3 + usize::from(subprotocol.is_some());
    assert_eq!(response.fields.iter().count(), expected);
}

/// A response head, as the client of one known request sees it.
pub fn response_head(data: &[u8]) {
    let Some(Ok(Some(range))) = same_in_every_cut(data, find_head) else {
        return;
    };
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    let Ok(response) = ResponseHead::parse(&data[PREFIX..][range], &mut storage) else {
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

fn find_head(data: &[u8], cuts: &[usize]) -> Result<Option<std::ops::Range<usize>>, HeadError> {
    let mut reader = HeadReader::new();
    for end in cuts {
        if let Some(range) = reader.find(&data[..*end], &HEAD_LIMITS)? {
            assert!(range.len() <= HEAD_LIMITS.bytes);
            return Ok(Some(range));
        }
    }
    Ok(None)
}

/// Requests with bodies, sequentially.
pub fn http_request(data: &[u8]) {
    same_in_every_cut(data, read_requests);
}

fn read_requests(data: &[u8], cuts: &[usize]) -> Vec<String> {
    let mut reader = HttpReader::default();
    let mut found = Vec::new();
    let mut at = 0;
    for end in cuts {
        while at < *end {
            match reader.feed(&data[at..*end], &HEAD_LIMITS) {
                Err(fault) => {
                    found.push(format!("{fault:?}"));
                    return found;
                }
                Ok((taken, step)) => {
                    at += taken;
                    assert!(reader.held() <= 2 * (HEAD_LIMITS.bytes + BODY_BYTES) + 64);
                    match step {
                        Step::More => {}
                        Step::Head { .. } => {
                            if let Err(fault) = reader.take_body(BODY_BYTES) {
                                found.push(format!("{fault:?}"));
                                return found;
                            }
                        }
                        Step::Whole => {
                            found.push(describe(&reader));
                            reader.reset();
                        }
                    }
                }
            }
        }
    }
    found.push(format!("in a body: {}", reader.in_body()));
    found
}

fn describe(reader: &HttpReader) -> String {
    let mut storage: [Field<'_>; MAX_FIELDS] = [EMPTY_FIELD; MAX_FIELDS];
    let request = match reader.request(&mut storage) {
        Err(fault) => return format!("{fault:?}"),
        Ok(request) => request,
    };
    assert!(request.body().len() <= BODY_BYTES);
    assert!(request.has_length() || request.body().is_empty());
    let handshake = request
        .upgrade()
        .map(|opening| opening.accept(None).to_string());
    format!("{request:?} {} {handshake:?}", request.keeps_alive())
}
