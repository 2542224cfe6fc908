//! The echo load: connections that keep a fixed number of messages in flight.
//!
//! Every message of a run is the same pre-encoded block. A connection sends its next one when a
//! whole reply has come back, so the length of every reply is checked; the bytes of the first
//! reply of each connection are compared, later ones by their first two bytes. Replies of more than
//! [`LONG`] bytes may come in fragments: their payload is counted, frame by frame.

use std::io;
use std::net::TcpStream;
use std::time::{Duration, Instant};

use crate::net::{Poller, recv, send};
use wirebell::wire::FrameHeader;

/// Without any progress for this long, the server is taken for dead.
pub const STALL: Duration = Duration::from_secs(10);

/// Below it, a server has the whole message before it can reply.
const LONG: usize = 128 * 1024;

struct Connection {
    stream: TcpStream,
    /// Bytes of `burst` still to be sent, the next at `at`.
    due: usize,
    at: usize,
    /// Replies that are owed, and bytes of the current one that have come.
    owed: usize,
    got: usize,
    verified: bool,
    fragments: Fragments,
}

/// A reply in fragments, as far as it has come.
#[derive(Default)]
struct Fragments {
    /// The beginning of a header.
    head: Vec<u8>,
    /// Payload of the current frame that has not come.
    left: u64,
    last: bool,
}

pub struct Load {
    poller: Poller,
    connections: Vec<Connection>,
    /// `in_flight` requests one after another, so that several leave in one write.
    burst: Vec<u8>,
    request: usize,
    reply: Vec<u8>,
    /// Replies are long frames, and none of bare bytes.
    in_fragments: bool,
    in_flight: usize,
    sink: Vec<u8>,
    sending: bool,
    outstanding: usize,
    finished: u64,
}

impl Load {
    /// A load over open streams: each `request` sent brings exactly `reply` back.
    pub fn new(
        streams: Vec<TcpStream>,
        request: &[u8],
        reply: Vec<u8>,
        in_flight: usize,
        spin: bool,
    ) -> io::Result<Self> {
        let (poller, connections) = Poller::of(streams, spin, |stream| Connection {
            stream,
            due: 0,
            at: 0,
            owed: 0,
            got: 0,
            verified: false,
            fragments: Fragments::default(),
        })?;
        Ok(Self {
            poller,
            connections,
            burst: request.repeat(in_flight),
            request: request.len(),
            in_fragments: reply.len() > LONG && FrameHeader::parse(&reply, false).is_ok(),
            reply,
            in_flight,
            sink: vec![0; 256 * 1024],
            sending: false,
            outstanding: 0,
            finished: 0,
        })
    }

    /// Keeps all connections busy for `time`, lets every message come back, and returns how
    /// many came.
    pub fn run(&mut self, time: Duration) -> io::Result<u64> {
        let before = self.finished;
        self.sending = true;
        for index in 0..self.connections.len() {
            self.ask(index, self.in_flight);
            self.write(index)?;
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
                let (missing, came) = (self.outstanding, self.finished);
                let text = format!("{missing} replies are missing after {came} messages");
                return Err(io::Error::other(text));
            }
        }
        Ok(self.finished - before)
    }

    /// The streams, for a caller that closes them.
    pub fn into_streams(self) -> Vec<TcpStream> {
        self.connections
            .into_iter()
            .map(|connection| connection.stream)
            .collect()
    }

    fn ask(&mut self, index: usize, count: usize) {
        let connection = &mut self.connections[index];
        connection.due += count * self.request;
        connection.owed += count;
        self.outstanding += count;
    }

    fn write(&mut self, index: usize) -> io::Result<()> {
        let connection = &mut self.connections[index];
        while connection.due > 0 {
            let end = self.burst.len().min(connection.at + connection.due);
            let bytes = &self.burst[connection.at..end];
            let Some(count) = send(&connection.stream, bytes)? else {
                return Ok(());
            };
            connection.due -= count;
            connection.at = (connection.at + count) % self.burst.len();
        }
        Ok(())
    }

    fn read(&mut self, index: usize) -> io::Result<()> {
        loop {
            let connection = &mut self.connections[index];
            let Some(count) = recv(&connection.stream, &mut self.sink)? else {
                return Ok(());
            };
            if count == 0 {
                return Err(io::Error::other("the server closed a connection"));
            }
            let whole = match self.in_fragments {
                true => connection.take_fragments(&self.sink[..count], &self.reply)?,
                false => connection.take(&self.sink[..count], &self.reply)?,
            };
            if whole > connection.owed || (whole == connection.owed && connection.got > 0) {
                return Err(io::Error::other("more bytes came back than were asked for"));
            }
            connection.owed -= whole;
            self.outstanding -= whole;
            self.finished += whole as u64;
            if self.sending && whole > 0 {
                self.ask(index, whole);
                self.write(index)?;
            }
            if count < self.sink.len() {
                return Ok(());
            }
        }
    }
}

impl Connection {
    /// Replies that are whole with these bytes, each exactly as it is expected.
    fn take(&mut self, bytes: &[u8], reply: &[u8]) -> io::Result<usize> {
        self.check(bytes, reply)?;
        let got = self.got + bytes.len();
        self.got = got % reply.len();
        Ok(got / reply.len())
    }

    /// The same for replies that a server may cut into frames as it likes.
    fn take_fragments(&mut self, mut bytes: &[u8], reply: &[u8]) -> io::Result<usize> {
        let header = FrameHeader::parse(reply, false).ok().flatten();
        let payload = &reply[header.map_or(0, |(_, length)| length)..];
        let mut whole = 0;
        while let Some((first, rest)) = bytes.split_first() {
            if self.fragments.left == 0 {
                self.fragments.head.push(*first);
                bytes = rest;
                let parsed = FrameHeader::parse(&self.fragments.head, false);
                let parsed = parsed.map_err(|_| io::Error::other("a reply is no frame"))?;
                if let Some((header, _)) = parsed {
                    self.fragments.head.clear();
                    (self.fragments.left, self.fragments.last) = (header.length, header.fin);
                }
            } else {
                let take = self.fragments.left.min(bytes.len() as u64) as usize;
                let expected = payload.get(self.got..self.got + take);
                if expected.is_none_or(|expected| !self.verified && *expected != bytes[..take]) {
                    return Err(io::Error::other("a reply differs from what was sent"));
                }
                self.got += take;
                self.fragments.left -= take as u64;
                bytes = &bytes[take..];
            }
            if self.fragments.left == 0 && self.fragments.last && self.got == payload.len() {
                self.fragments.last = false;
                (self.got, self.verified) = (0, true);
                whole += 1;
            }
        }
        Ok(whole)
    }

    /// Compares what came with the reply that is due.
    fn check(&mut self, bytes: &[u8], reply: &[u8]) -> io::Result<()> {
        let whole = reply.len() - self.got;
        let length = if self.verified {
            2_usize.saturating_sub(self.got)
        } else {
            whole
        };
        let length = length.min(bytes.len());
        if bytes[..length] != reply[self.got..self.got + length] {
            return Err(io::Error::other("a reply differs from what was sent"));
        }
        self.verified |= bytes.len() >= whole;
        Ok(())
    }
}
