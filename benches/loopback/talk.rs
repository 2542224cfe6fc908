//! The echo load of `deflate`: different messages, and replies whose length only their header
//! tells.
//!
//! Every connection walks over the same encoded messages and has one of them in flight. In the
//! first round, [`Script::rehearse`], each reply is inflated and compared; later ones are only
//! measured by their headers, so that the client stays cheap.

use std::cell::Cell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::time::{Duration, Instant};

use wirebell::deflate::{Budget, Compressed, Params, Pool, Session, Settings};
use wirebell::handshake::DeflateTerms;
use wirebell::wire::FrameHeader;
use wirebell::{Limits, MessageKind};

use crate::load::STALL;
use crate::net::{Poller, recv, send};
use crate::rounds::Work;
use crate::samples::Samples;
use crate::ws;

/// What a client says, over and over.
pub struct Script {
    samples: Samples,
    /// Encoded messages of the first round, and of the others.
    first: Vec<Vec<u8>>,
    steady: Vec<Vec<u8>>,
    terms: Option<DeflateTerms>,
}

/// Bytes that crossed the wire, headers of frames included.
#[derive(Clone, Copy, Default)]
pub struct Wire {
    messages: u64,
    sent: u64,
    received: u64,
}

/// The same for each message.
pub struct Each {
    pub sent: f64,
    pub received: f64,
}

impl Wire {
    pub fn each(self) -> Each {
        let each = |bytes: u64| bytes as f64 / self.messages.max(1) as f64;
        Each {
            sent: each(self.sent),
            received: each(self.received),
        }
    }
}

impl Script {
    /// Says the samples compressed if there are terms, plain otherwise.
    pub fn new(samples: Samples, terms: Option<DeflateTerms>) -> Self {
        let (opcode, payloads) = match terms {
            Some(_) => (ws::COMPRESSED_TEXT, [&samples.first, &samples.steady]),
            None => (ws::TEXT, [&samples.plain, &samples.plain]),
        };
        let encode = |payload: &Vec<u8>| ws::client_frame(opcode, payload);
        let [first, steady] = payloads.map(|payloads| payloads.iter().map(encode).collect());
        Self {
            samples,
            first,
            steady,
            terms,
        }
    }

    /// The first round, on a blocking stream: every reply must be the message that was sent.
    pub fn rehearse(&self, stream: &mut TcpStream) -> io::Result<()> {
        let settings = Settings::default();
        let mut pool = Pool::new(settings, Budget::new(settings.budget));
        let mut session = Session::default();
        for (message, frame) in self.samples.plain.iter().zip(&self.first) {
            stream.write_all(frame)?;
            let reply = read_frame(stream, self.terms.is_some())?;
            let same = match &self.terms {
                None => reply == *message,
                Some(terms) => {
                    let piece = Compressed {
                        kind: MessageKind::Text,
                        bytes: &reply,
                        first: true,
                        last: true,
                    };
                    let (link, limits) = (Params::client(terms), Limits::default());
                    let inflated = pool.inflate(&mut session, &link, piece, &limits);
                    inflated.is_ok_and(|inflated| {
                        inflated.is_some_and(|inflated| inflated.bytes() == message)
                    })
                }
            };
            if !same {
                return Err(io::Error::other("a reply differs from what was sent"));
            }
        }
        Ok(())
    }
}

/// The length of the whole frame that begins with `head`, if that is enough to tell. It must be a
/// text message in one frame, compressed or not.
fn frame_length(head: &[u8], compressed: bool) -> io::Result<Option<usize>> {
    let parsed = FrameHeader::parse(head, false);
    let Some((header, length)) = parsed.map_err(|_| io::Error::other("a reply is no frame"))?
    else {
        return Ok(None);
    };
    let opcode = match compressed {
        true => ws::COMPRESSED_TEXT,
        false => ws::TEXT,
    };
    match head.first() {
        Some(byte) if *byte == opcode => Ok(Some(length + header.length as usize)),
        byte => Err(io::Error::other(format!(
            "a reply begins with {byte:x?} in place of {opcode:x}"
        ))),
    }
}

/// Reads one frame and returns its payload.
fn read_frame(stream: &mut TcpStream, compressed: bool) -> io::Result<Vec<u8>> {
    let mut frame = Vec::new();
    let length = loop {
        if let Some(length) = frame_length(&frame, compressed)? {
            break length;
        }
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        frame.extend(byte);
    };
    let head = frame.len();
    frame.resize(length, 0);
    stream.read_exact(&mut frame[head..])?;
    Ok(frame.split_off(head))
}

/// The longest header that a server sends.
const HEAD: usize = 10;

struct Connection {
    stream: TcpStream,
    /// The message under way, and bytes of it that are sent.
    message: usize,
    sent: usize,
    /// Bytes of the reply that have come, and the first of them.
    got: usize,
    head: Vec<u8>,
    waiting: bool,
}

/// Connections that are through with the first round.
pub struct Talk {
    poller: Poller,
    connections: Vec<Connection>,
    script: Script,
    sink: Vec<u8>,
    sending: bool,
    outstanding: usize,
    wire: Rc<Cell<Wire>>,
}

impl Talk {
    pub fn new(streams: Vec<TcpStream>, script: Script, spin: bool) -> io::Result<Self> {
        let (poller, connections) = Poller::of(streams, spin, |stream| Connection {
            stream,
            message: 0,
            sent: 0,
            got: 0,
            head: Vec::with_capacity(HEAD),
            waiting: false,
        })?;
        Ok(Self {
            poller,
            connections,
            script,
            sink: vec![0; 256 * 1024],
            sending: false,
            outstanding: 0,
            wire: Rc::default(),
        })
    }

    /// What crosses the wire from now on.
    pub fn wire(&self) -> Rc<Cell<Wire>> {
        self.wire.clone()
    }

    fn ask(&mut self, index: usize) -> io::Result<()> {
        self.connections[index].waiting = true;
        self.outstanding += 1;
        self.write(index)
    }

    fn write(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let message = &self.script.steady[connection.message];
        while connection.waiting && connection.sent < message.len() {
            let Some(count) = send(&connection.stream, &message[connection.sent..])? else {
                return Ok(());
            };
            connection.sent += count;
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> io::Result<()> {
        let compressed = self.script.terms.is_some();
        loop {
            let connection = &mut self.connections[index];
            let Some(count) = recv(&connection.stream, &mut self.sink)? else {
                return Ok(());
            };
            if count == 0 {
                return Err(io::Error::other("the server closed a connection"));
            }
            if connection.take(&self.sink[..count], compressed)? {
                self.finish(index)?;
            }
            if count < self.sink.len() {
                return Ok(());
            }
        }
    }

    /// A reply is whole: counts it, and sends the next message.
    fn finish(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        let mut wire = self.wire.get();
        wire.messages += 1;
        wire.sent += connection.sent as u64;
        wire.received += connection.got as u64;
        self.wire.set(wire);
        connection.message = (connection.message + 1) % self.script.steady.len();
        (connection.sent, connection.got) = (0, 0);
        connection.head.clear();
        connection.waiting = false;
        self.outstanding -= 1;
        match self.sending {
            true => self.ask(index),
            false => Ok(()),
        }
    }
}

impl Connection {
    /// Takes what came; true at the end of the reply.
    fn take(&mut self, bytes: &[u8], compressed: bool) -> io::Result<bool> {
        let missing = HEAD - self.head.len();
        self.head.extend(bytes.iter().take(missing));
        self.got += bytes.len();
        let length = frame_length(&self.head, compressed)?;
        if !self.waiting || length.is_some_and(|length| self.got > length) {
            return Err(io::Error::other("more bytes came back than were asked for"));
        }
        Ok(length == Some(self.got))
    }
}

impl Work for Talk {
    /// As the load of `echo`: busy for `time`, then until every reply has come.
    fn run(&mut self, time: Duration) -> io::Result<u64> {
        let before = self.wire.get().messages;
        self.sending = true;
        for index in 0..self.connections.len() {
            self.ask(index)?;
        }
        let start = Instant::now();
        let mut progress = start;
        while self.outstanding > 0 {
            let ready = self.poller.wait()?;
            for event in 0..ready {
                let index = self.poller.token(event);
                self.write(index)?;
                self.read(index)?;
            }
            let now = Instant::now();
            self.sending = now - start < time;
            if ready > 0 {
                progress = now;
            } else if now - progress > STALL {
                return Err(io::Error::other("replies are missing"));
            }
        }
        Ok(self.wire.get().messages - before)
    }
}
