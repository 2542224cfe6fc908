//! A client and a server without I/O, with a wire between them that is recorded.
//!
//! Whatever one end sends, the other one reads at once, and its answer goes back. The keys of the
//! masks come from a seed, so that the record is the same each time.

use super::record::Record;
use crate::support::Rng;
use crate::support::driver::Seen;
use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
use wirebell::handshake::DeflateTerms;
use wirebell::{CloseCode, Connection, Event, Limits, MessageKind, Outbox, Role, State};

/// One end.
struct End {
    connection: Connection,
    outbox: Outbox,
    entropy: Rng,
    pool: Pool,
    session: Session,
    link: Option<Params>,
    /// The message that comes in, so far.
    text: Vec<u8>,
    seen: Vec<Seen>,
}

impl End {
    fn new(role: Role, terms: Option<&DeflateTerms>) -> Self {
        let mut connection = Connection::new(role, &Limits::DEFAULT, 0);
        let settings = Settings::DEFAULT.min_bytes(0);
        let link = terms.map(|terms| match role {
            Role::Client => Params::client(terms),
            Role::Server => Params::server(terms),
        });
        if link.is_some() {
            connection = connection.with_deflate();
        }
        Self {
            connection,
            outbox: Outbox::new(),
            entropy: Rng::new(6455),
            pool: Pool::new(settings, Budget::new(settings.budget)),
            session: Session::default(),
            link,
            text: Vec::new(),
            seen: Vec::new(),
        }
    }

    /// One frame of a text message; compressed, if that was agreed on.
    fn frame(&mut self, text: &[u8], last: bool) -> Vec<u8> {
        let mut payload = text.to_vec();
        if let Some(link) = &self.link {
            let len = self
                .pool
                .compress(&mut self.session, link, text, &mut payload);
            payload.truncate(len.expect("it is compressed, however short"));
        }
        let len = payload.len() as u64;
        let (connection, entropy) = (&mut self.connection, &mut self.entropy);
        let begun = match self.link {
            Some(_) => connection.begin_compressed(MessageKind::Text, len, last, entropy),
            None => connection.begin(MessageKind::Text, len, last, entropy),
        };
        let (header, mask) = begun.expect("the connection is open");
        if let Some(mut mask) = mask {
            mask.apply(&mut payload);
        }
        [header.as_bytes(), &payload].concat()
    }

    /// What waits in the outbox.
    fn control(&mut self) -> Vec<u8> {
        let mut out = vec![0; 512];
        let len = self
            .connection
            .transmit(&mut self.outbox, &mut out, &mut self.entropy);
        out.truncate(len);
        out
    }

    fn receive(&mut self, bytes: &[u8]) {
        let mut input = bytes.to_vec();
        let mut at = 0;
        while at < input.len() {
            let received = self.connection.receive(&mut input[at..], &mut self.outbox);
            at += received.consumed;
            let Some(event) = received.event else {
                let deaf = self.connection.state() > State::Closing;
                assert!(deaf, "whole frames have events until the end");
                return;
            };
            let seen = match event {
                Event::Piece(piece) if piece.compressed => {
                    let link = self.link.as_ref().expect("agreed");
                    let piece = Compressed {
                        kind: piece.kind,
                        bytes: piece.bytes,
                        first: piece.first,
                        last: piece.last,
                    };
                    let inflated =
                        self.pool
                            .inflate(&mut self.session, link, piece, &Limits::DEFAULT);
                    let message = inflated.expect("our own DEFLATE").expect("one frame");
                    Some(Seen::Text(text(message.bytes())))
                }
                Event::Piece(piece) => {
                    self.text.extend_from_slice(piece.bytes);
                    piece
                        .last
                        .then(|| Seen::Text(text(&std::mem::take(&mut self.text))))
                }
                Event::Ping(payload) => Some(Seen::Ping(payload.to_vec())),
                Event::Pong(payload) => Some(Seen::Pong(payload.to_vec())),
                Event::Close(body) => {
                    let code = body.code.map(CloseCode::get);
                    Some(Seen::Close(code, body.reason.to_owned()))
                }
                Event::Failed(violation) => Some(Seen::Failed(violation)),
            };
            self.seen.extend(seen);
        }
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("what is delivered is UTF-8")
}

/// Both ends.
pub struct Pair<'r> {
    record: &'r mut Record,
    client: End,
    server: End,
}

impl<'r> Pair<'r> {
    pub fn new(record: &'r mut Record, terms: Option<&DeflateTerms>) -> Self {
        Self {
            record,
            client: End::new(Role::Client, terms),
            server: End::new(Role::Server, terms),
        }
    }

    fn end(&mut self, role: Role) -> &mut End {
        match role {
            Role::Client => &mut self.client,
            Role::Server => &mut self.server,
        }
    }

    /// Sends one frame of a text message and returns its length.
    pub fn text(&mut self, from: Role, text: &[u8], last: bool) -> usize {
        let frame = self.end(from).frame(text, last);
        self.carry(from, &frame);
        frame.len()
    }

    pub fn ping(&mut self, from: Role, payload: &str) {
        let end = self.end(from);
        let put = end.connection.ping(payload.as_bytes(), &mut end.outbox);
        put.expect("the connection is open");
        let frame = end.control();
        self.carry(from, &frame);
    }

    pub fn close(&mut self, from: Role, code: CloseCode, reason: &str) {
        let end = self.end(from);
        let put = end.connection.close(Some(code), reason, &mut end.outbox);
        put.expect("a short reason");
        let frame = end.control();
        self.carry(from, &frame);
    }

    /// Carries bytes to the other end, and its answer back.
    pub fn carry(&mut self, from: Role, bytes: &[u8]) {
        self.record.sent(from, bytes);
        let to = match from {
            Role::Client => Role::Server,
            Role::Server => Role::Client,
        };
        self.end(to).receive(bytes);
        let answer = self.end(to).control();
        if !answer.is_empty() {
            self.carry(to, &answer);
        }
    }

    /// What an end has seen since it was asked last.
    pub fn seen(&mut self, role: Role) -> Vec<Seen> {
        std::mem::take(&mut self.end(role).seen)
    }
}
