//! The other end of a simulated connection, controlled by a test.
//!
//! Input: what the test sends, valid or not. Output: what the loop has sent, parsed. Invariant: it
//! sends and reads only when the test says so.

use crate::http::{EMPTY_FIELD, HeadLimits, HeadReader, MAX_FIELDS, ResponseHead};
use crate::limits::Limits;
use crate::net::sockets;
use crate::net::testing::network::{EndId, State};
use crate::proto::{Assembler, Connection, Event, Message, Outbox, Role};
#[cfg(feature = "tls")]
use crate::tls::{Connector, InMemory};
use crate::wire::{CloseCode, Entropy, MessageKind};
use std::cell::RefCell;
use std::io::IoSlice;
use std::rc::Rc;

/// What the loop has sent.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Received {
    /// A whole message.
    Message(MessageKind, Vec<u8>),
    /// A Ping and its payload.
    Ping(Vec<u8>),
    /// A Pong and its payload.
    Pong(Vec<u8>),
    /// A Close with its code and reason.
    Close(Option<CloseCode>, String),
    /// The stream has ended, or was reset.
    End,
    /// Not WebSocket traffic that a server may send; says why.
    Broken(&'static str),
    /// Bytes of HTTP.
    Bytes(Vec<u8>),
}

impl Received {
    /// A text message.
    pub fn text(text: &str) -> Self {
        Self::Message(MessageKind::Text, text.into())
    }

    /// A binary message.
    pub fn binary(bytes: &[u8]) -> Self {
        Self::Message(MessageKind::Binary, bytes.into())
    }
}

/// A connection to a loop. It sends whatever the test wants, valid or not, and reads only when the
/// test makes it, so a test can simulate a slow reader.
#[derive(Debug)]
pub struct Peer {
    state: Rc<RefCell<State>>,
    end: EndId,
    /// What could not be sent.
    unsent: Vec<u8>,
    #[cfg(feature = "tls")]
    session: Option<Box<Session>>,
    /// What arrived and was not parsed yet.
    input: Vec<u8>,
    ended: bool,
    told_of_end: bool,
    connection: Option<Connection>,
    assembler: Assembler,
}

/// The session of a connection that is encrypted.
#[cfg(feature = "tls")]
#[derive(Debug)]
struct Session {
    tls: InMemory,
    /// What is sent when the handshake is complete.
    waiting: Vec<u8>,
}

#[cfg(feature = "tls")]
impl Session {
    fn new(connector: &Connector) -> Box<Self> {
        let tls = InMemory::client(connector, "localhost");
        Box::new(Self {
            tls: tls.expect("settings of a client"),
            waiting: Vec::new(),
        })
    }

    /// Seals what waits, if that is possible.
    fn seal(&mut self) -> Vec<u8> {
        if !self.waiting.is_empty() && self.tls.send(&[&self.waiting]).is_ok_and(|sent| sent) {
            self.waiting.clear();
        }
        self.tls.take_output()
    }
}

/// Masking keys, which need not be random in a test.
struct NoKeys;

impl Entropy for NoKeys {
    fn fill(&mut self, bytes: &mut [u8]) {
        bytes.fill(0x5A);
    }
}

impl Peer {
    pub(super) fn new(state: Rc<RefCell<State>>, end: EndId) -> Self {
        #[cfg(feature = "tls")]
        let session = state.borrow().connector.as_ref().map(Session::new);
        Self {
            state,
            end,
            unsent: Vec::new(),
            #[cfg(feature = "tls")]
            session,
            input: Vec::new(),
            ended: false,
            told_of_end: false,
            connection: None,
            assembler: Assembler::new(),
        }
    }

    /// Sends bytes; what does not fit is sent with the next call.
    pub fn send(&mut self, bytes: &[u8]) {
        self.seal(bytes);
        let mut state = self.state.borrow_mut();
        while !self.unsent.is_empty() {
            match state.write(self.end, &[IoSlice::new(&self.unsent)]) {
                Ok(len) => drop(self.unsent.drain(..len)),
                Err(_) => return,
            }
        }
    }

    /// Bytes on their way to the socket, encrypted if the connection is.
    fn seal(&mut self, bytes: &[u8]) {
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.session {
            session.waiting.extend_from_slice(bytes);
            self.unsent.extend(session.seal());
            return;
        }
        self.unsent.extend_from_slice(bytes);
    }

    /// Bytes that have come.
    fn open(&mut self, bytes: &[u8]) {
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.session {
            session.tls.receive(bytes);
            self.input.extend(session.tls.take_plain());
            self.send(&[]); // Its handshake goes on.
            return;
        }
        self.input.extend_from_slice(bytes);
    }

    /// Bytes that did not fit, or wait for the end of a TLS handshake.
    pub fn unsent(&self) -> usize {
        #[cfg(feature = "tls")]
        let waiting = self.session.as_ref().map_or(0, |it| it.waiting.len());
        #[cfg(not(feature = "tls"))]
        let waiting = 0;
        self.unsent.len() + waiting
    }

    /// Sends a message as one frame.
    pub fn message(&mut self, message: Message<'_>) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let len = message.bytes.len() as u64;
        if let Ok((header, mask)) = connection.begin(message.kind, len, true, &mut NoKeys) {
            let mut bytes = message.bytes.to_vec();
            if let Some(mut mask) = mask {
                mask.apply(&mut bytes);
            }
            self.send(&[&header, &bytes[..]].concat());
        }
    }

    /// Starts the closing handshake.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        let mut outbox = Outbox::new();
        if let Some(connection) = &mut self.connection {
            let _ = connection.close(Some(code), reason, &mut outbox);
        }
        self.transmit(outbox);
    }

    /// Sends a Ping.
    pub fn ping(&mut self, payload: &[u8]) {
        let mut outbox = Outbox::new();
        if let Some(connection) = &mut self.connection {
            let _ = connection.ping(payload, &mut outbox);
        }
        self.transmit(outbox);
    }

    /// Sends no more, but reads on.
    pub fn shutdown(&mut self) {
        #[cfg(feature = "tls")]
        if let Some(session) = &mut self.session {
            session.tls.close();
            self.send(&[]);
        }
        self.state.borrow_mut().end(self.end);
    }

    /// Ends the connection at once: what is in flight is lost.
    pub fn reset(&mut self) {
        self.state.borrow_mut().reset(self.end);
    }

    /// Everything that has arrived since the last call, answered as RFC 6455 requires: Pings with
    /// Pongs, Close with Close.
    pub fn received(&mut self) -> Vec<Received> {
        self.read(usize::MAX);
        self.understand()
    }

    /// Reads at most `most` bytes, which [`Peer::received`] returns; of a connection that is
    /// encrypted, bytes of records.
    pub fn read(&mut self, most: usize) -> usize {
        let mut buffer = [0; 4096];
        let mut total = 0;
        while total < most && !self.ended {
            let room = buffer.len().min(most - total);
            let read = self.state.borrow_mut().read(self.end, &mut buffer[..room]);
            match read {
                Ok(sockets::Received::Bytes { len, .. }) => {
                    self.open(&buffer[..len]);
                    total += len;
                }
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => break,
                _ => self.ended = true,
            }
        }
        total
    }

    /// Takes what [`Peer::read`] has read, unparsed.
    pub fn take_bytes(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.input)
    }

    /// Nothing more will arrive.
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// The connection was reset, so that what was in flight is lost. [`Received::End`] does not
    /// distinguish a reset from an orderly end.
    pub fn was_reset(&self) -> bool {
        self.state.borrow().was_reset(self.end)
    }

    /// Requests a WebSocket.
    pub fn request_upgrade(&mut self, path: &str) {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n\
             Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Version: 13\r\n\r\n"
        );
        self.send(request.as_bytes());
    }

    /// Whether the answer has arrived and was 101: frames follow.
    pub fn upgrade(&mut self) -> bool {
        self.read(usize::MAX);
        let found = HeadReader::new().find(&self.input, &HeadLimits::DEFAULT);
        let Ok(Some(head)) = found else {
            return false;
        };
        let mut storage = [EMPTY_FIELD; MAX_FIELDS];
        let status = ResponseHead::parse(&self.input[head.clone()], &mut storage);
        if !status.is_ok_and(|head| head.status == 101) {
            return false;
        }
        self.input.drain(..head.end);
        self.connection = Some(Connection::new(Role::Client, &Limits::DEFAULT, 0));
        true
    }

    fn transmit(&mut self, mut outbox: Outbox) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let mut out = [0; 512];
        let len = connection.transmit(&mut outbox, &mut out, &mut NoKeys);
        self.send(&out[..len]);
    }

    fn understand(&mut self) -> Vec<Received> {
        let mut all = Vec::new();
        let mut input = std::mem::take(&mut self.input);
        let mut outbox = Outbox::new();
        match &mut self.connection {
            None if input.is_empty() => {}
            None => all.push(Received::Bytes(std::mem::take(&mut input))),
            Some(connection) => {
                let mut at = 0;
                while at < input.len() {
                    let received = connection.receive(&mut input[at..], &mut outbox);
                    at += received.consumed;
                    match received.event {
                        Some(event) => all.extend(told(event, &mut self.assembler)),
                        None => break,
                    }
                }
                input.drain(..at);
            }
        }
        self.transmit(outbox);
        self.input = input;
        if self.ended && !std::mem::replace(&mut self.told_of_end, true) {
            all.push(Received::End);
        }
        all
    }
}

fn told(event: Event<'_>, assembler: &mut Assembler) -> Option<Received> {
    Some(match event {
        Event::Piece(piece) => {
            let message = assembler.push(piece)?;
            let received = Received::Message(message.kind, message.bytes.to_vec());
            assembler.clear();
            received
        }
        Event::Ping(payload) => Received::Ping(payload.to_vec()),
        Event::Pong(payload) => Received::Pong(payload.to_vec()),
        Event::Close(body) => Received::Close(body.code, body.reason.to_owned()),
        Event::Failed(violation) => Received::Broken(violation.text()),
    })
}
