//! One endpoint that inflates: feeds a connection, a pool and a session as a loop would, and
//! writes down all that can be seen from outside.
//!
//! With `neighbours`, messages of other connections go through the same pool after each piece, so
//! that inflaters change hands between messages and within them.

use super::both;
use crate::support::Rng;
use crate::support::driver::{Seen, Transcript};
use crate::support::frames::{Frame, frame, wire};
use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
use wirebell::{Connection, Event, Limits, MessageKind, Outbox, Piece, Role, Violation};

/// More than a pool has idle inflaters.
const NEIGHBOURS: usize = 9;

/// A whole text message of one compressed frame.
pub fn packed(payload: impl AsRef<[u8]>) -> Frame {
    frame(0xC1, payload.as_ref())
}

/// A whole binary message of one compressed frame.
pub fn packed_binary(payload: impl AsRef<[u8]>) -> Frame {
    frame(0xC2, payload.as_ref())
}

/// Frames of a message with this first byte, without the bit for the end.
pub fn fragments<P: AsRef<[u8]>>(first: u8, payloads: &[P]) -> Vec<Frame> {
    let last = payloads.len() - 1;
    let frames = payloads.iter().enumerate().map(|(i, payload)| {
        let opcode = if i == 0 { first } else { 0 };
        let fin = if i == last { 0x80 } else { 0 };
        frame(opcode | fin, payload.as_ref())
    });
    frames.collect()
}

/// What holds for an endpoint.
#[derive(Clone, Debug)]
pub struct Setup {
    pub role: Role,
    pub params: Params,
    pub limits: Limits,
    pub settings: Settings,
    pub neighbours: bool,
}

impl Default for Setup {
    /// A server; takeover and 15 bits both ways; every message is compressed.
    fn default() -> Self {
        Self {
            role: Role::Server,
            params: both(true, 15),
            limits: Limits::default(),
            settings: Settings::DEFAULT.min_bytes(0),
            neighbours: false,
        }
    }
}

impl Setup {
    pub fn client() -> Self {
        Self {
            role: Role::Client,
            ..Self::default()
        }
    }

    /// A server with these terms for both directions.
    pub fn with_link(takeover: bool, window_bits: u8) -> Self {
        Self {
            params: both(takeover, window_bits),
            ..Self::default()
        }
    }

    /// The same without memory for messages in parts.
    pub fn without_budget(&self) -> Self {
        let mut setup = self.clone();
        setup.settings.budget = 0;
        setup
    }

    pub fn with_neighbours(&self) -> Self {
        Self {
            neighbours: true,
            ..self.clone()
        }
    }

    /// Feeds the frames in one go.
    pub fn run(&self, frames: &[Frame]) -> Transcript {
        self.feed([wire(self.role, frames)])
    }

    /// Feeds bytes piece by piece.
    pub fn feed<C: AsRef<[u8]>>(&self, chunks: impl IntoIterator<Item = C>) -> Transcript {
        let mut endpoint = Endpoint::new(self);
        for chunk in chunks {
            endpoint.feed(chunk.as_ref());
        }
        endpoint.transcript()
    }

    /// Feeds bytes cut at these places.
    pub fn feed_cut(&self, bytes: &[u8], cuts: &[usize]) -> Transcript {
        let mut endpoint = Endpoint::new(self);
        let mut from = 0;
        for &cut in cuts {
            endpoint.feed(&bytes[from..cut]);
            from = cut;
        }
        endpoint.feed(&bytes[from..]);
        endpoint.transcript()
    }
}

/// A connection with all that its caller keeps for it.
pub struct Endpoint {
    setup: Setup,
    pub connection: Connection,
    pub pool: Pool,
    pub session: Session,
    outbox: Outbox,
    entropy: Rng,
    seen: Vec<Seen>,
    pub sent: Vec<u8>,
    tail: Vec<u8>,
    /// A message that was not compressed, so far.
    plain: Vec<u8>,
    others: Vec<Session>,
    turns: usize,
}

impl Endpoint {
    pub fn new(setup: &Setup) -> Self {
        let budget = Budget::new(setup.settings.budget);
        let mut connection = Connection::new(setup.role, &setup.limits, 0);
        connection = connection.with_deflate();
        Self {
            setup: setup.clone(),
            connection,
            pool: Pool::new(setup.settings, budget),
            session: Session::default(),
            outbox: Outbox::new(),
            entropy: Rng::new(1),
            seen: Vec::new(),
            sent: Vec::new(),
            tail: Vec::new(),
            plain: Vec::new(),
            others: (0..NEIGHBOURS).map(|_| Session::default()).collect(),
            turns: 0,
        }
    }

    /// Receives `bytes` after what was left unconsumed; sends what is owed after each event.
    pub fn feed(&mut self, bytes: &[u8]) {
        let mut input = std::mem::take(&mut self.tail);
        input.extend_from_slice(bytes);
        let mut at = 0;
        while at < input.len() {
            let received = self.connection.receive(&mut input[at..], &mut self.outbox);
            let (consumed, event) = (received.consumed, received.event);
            let happened = event.is_some();
            if let Some(event) = event {
                self.event(event);
                self.transmit();
            }
            at += consumed;
            if consumed == 0 && !happened {
                break;
            }
        }
        self.tail = input.split_off(at);
    }

    fn event(&mut self, event: Event<'_>) {
        let seen = match event {
            Event::Piece(piece) if piece.compressed => self.inflate(&piece),
            Event::Piece(piece) => self.merge(&piece),
            Event::Ping(payload) => Some(Seen::Ping(payload.to_vec())),
            Event::Pong(payload) => Some(Seen::Pong(payload.to_vec())),
            Event::Close(body) => {
                let code = body.code.map(|code| code.get());
                Some(Seen::Close(code, body.reason.to_owned()))
            }
            Event::Failed(violation) => Some(Seen::Failed(violation)),
        };
        self.seen.extend(seen);
    }

    fn inflate(&mut self, piece: &Piece<'_>) -> Option<Seen> {
        let compressed = Compressed {
            kind: piece.kind,
            bytes: piece.bytes,
            first: piece.first,
            last: piece.last,
        };
        let (params, limits) = (&self.setup.params, &self.setup.limits);
        let inflated = self
            .pool
            .inflate(&mut self.session, params, compressed, limits);
        let seen = match inflated {
            Ok(None) => None,
            Ok(Some(message)) => {
                let seen = seen(piece.kind, message.bytes());
                self.pool.recycle(message);
                Some(seen)
            }
            Err(violation) => {
                self.connection.fail(violation, &mut self.outbox);
                self.session = Session::default();
                Some(Seen::Failed(violation))
            }
        };
        if self.setup.neighbours {
            let rounds = if piece.last { NEIGHBOURS } else { 1 };
            (0..rounds).for_each(|_| self.neighbour());
        }
        seen
    }

    /// A message of another connection, with its own window.
    fn neighbour(&mut self) {
        let payload: &[u8] = match self.turns < NEIGHBOURS {
            true => b"\xf2\x48\xcd\xc9\xc9\x07\x00",
            false => b"\xf2\x00\x11\x00\x00",
        };
        let piece = Compressed {
            kind: MessageKind::Text,
            bytes: payload,
            first: true,
            last: true,
        };
        let session = &mut self.others[self.turns % NEIGHBOURS];
        self.turns += 1;
        let inflated = self
            .pool
            .inflate(session, &both(true, 15), piece, &Limits::DEFAULT);
        let message = inflated.expect("a good message").expect("whole");
        assert_eq!(message.bytes(), b"Hello");
        self.pool.recycle(message);
    }

    fn merge(&mut self, piece: &Piece<'_>) -> Option<Seen> {
        self.plain.extend_from_slice(piece.bytes);
        let whole = piece.last.then(|| seen(piece.kind, &self.plain));
        if piece.last {
            self.plain.clear();
        }
        whole
    }

    fn transmit(&mut self) {
        let mut out = [0; 512];
        let (outbox, entropy) = (&mut self.outbox, &mut self.entropy);
        let len = self.connection.transmit(outbox, &mut out, entropy);
        self.sent.extend_from_slice(&out[..len]);
    }

    /// Sends a message, compressed if that is shorter.
    pub fn send(&mut self, kind: MessageKind, message: &[u8]) {
        let (session, params) = (&mut self.session, &self.setup.params);
        let mut out = Vec::new();
        let packed = self.pool.compress(session, params, message, &mut out);
        let entropy = &mut self.entropy;
        let (header, payload) = match packed {
            Some(len) => {
                let header = self
                    .connection
                    .begin_compressed(kind, len as u64, true, entropy);
                (header, &out[..len])
            }
            None => {
                let len = message.len() as u64;
                (self.connection.begin(kind, len, true, entropy), message)
            }
        };
        let (header, mask) = header.expect("the connection is open");
        self.sent.extend_from_slice(&header);
        let start = self.sent.len();
        self.sent.extend_from_slice(payload);
        if let Some(mut mask) = mask {
            mask.apply(&mut self.sent[start..]);
        }
    }

    /// Asks the peer for a sign of life.
    pub fn ping(&mut self, payload: &[u8]) {
        let outbox = &mut self.outbox;
        self.connection
            .ping(payload, outbox)
            .expect("a short payload");
        self.transmit();
    }

    /// What can be seen so far.
    pub fn transcript(&self) -> Transcript {
        Transcript {
            seen: self.seen.clone(),
            sent: self.sent.clone(),
            state: self.connection.state(),
        }
    }
}

/// Text that is delivered must be UTF-8.
fn seen(kind: MessageKind, bytes: &[u8]) -> Seen {
    match kind {
        MessageKind::Binary => Seen::Binary(bytes.to_vec()),
        MessageKind::Text => {
            let text = String::from_utf8(bytes.to_vec());
            Seen::Text(text.expect("delivered text is UTF-8"))
        }
    }
}

/// The run ended with this violation, and its Close frame has been sent last.
#[track_caller]
pub fn expect_failed(transcript: &Transcript, violation: Violation, code: u16, what: &str) {
    assert_eq!(transcript.violation(), Some(violation), "{what}");
    assert_eq!(violation.close_code().get(), code, "{what}");
    let frames = transcript.frames();
    let close = frames.last().expect("a frame was sent");
    assert_eq!(close.first, 0x88, "{what}");
    assert_eq!(close.payload[..2], code.to_be_bytes(), "{what}");
    assert_eq!(&close.payload[2..], violation.text().as_bytes(), "{what}");
}
