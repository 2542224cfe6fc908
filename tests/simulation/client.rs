//! A bare client: it sends what the plan says, and reads when the plan says so.

use crate::layers::Inflating;
use crate::support::frames::{Frame, Sent, close, frame, pong, take_frame};
use wirebell::Role;
use wirebell::net::testing::Peer;

/// One life of a bare client.
pub struct Client {
    pub who: usize,
    pub peer: Peer,
    /// What it has asked for: a WebSocket, or a response.
    pub socket: bool,
    /// All that it has read, without compression.
    pub raw: Vec<u8>,
    pub inflating: Inflating,
    /// Messages that it has sent whole.
    pub sent: Vec<u64>,
    pub broke: bool,
    pub began: bool,
    pub half_closed: bool,
    pub reset: bool,
    /// It has begun to close.
    pub closed: bool,
    /// It has answered the server's Close.
    pub answered: bool,
    pub ponged: usize,
}

impl Client {
    /// The frames after the head of the response, and the beginning of one that is not whole.
    pub fn frames(&self) -> (Vec<Sent>, Vec<u8>) {
        let mut rest = self.body();
        let mut frames = Vec::new();
        while let Some((frame, len)) = take_frame(rest) {
            frames.push(frame);
            rest = &rest[len..];
        }
        (frames, [rest, self.inflating.rest()].concat())
    }

    /// What follows the first head.
    fn body(&self) -> &[u8] {
        let end = self.raw.windows(4).position(|four| four == b"\r\n\r\n");
        end.map_or(&[], |end| &self.raw[end + 4..])
    }

    pub fn is_open(&self) -> bool {
        self.socket && self.raw.starts_with(b"HTTP/1.1 101")
    }

    /// Sends a message in this many frames.
    pub fn say(&mut self, number: u64, bytes: &[u8], frames: usize) {
        let message = self.inflating.message(0x82, bytes);
        self.peer.send(&fragments(&message, frames));
        self.sent.push(number);
    }

    pub fn read(&mut self, most: usize) -> usize {
        let read = self.peer.read(most);
        self.raw
            .extend(self.inflating.push(&self.peer.take_bytes()));
        read
    }

    /// Answers Pings and a Close, as a peer should.
    pub fn be_polite(&mut self) {
        if !self.is_open() || self.broke || self.began || self.half_closed {
            return;
        }
        let (frames, _) = self.frames();
        let pings: Vec<_> = frames.iter().filter(|sent| sent.first == 0x89).collect();
        for ping in &pings[self.ponged..] {
            self.peer.send(&pong(&ping.payload).to(Role::Server));
        }
        self.ponged = pings.len();
        if frames.iter().any(|sent| sent.first == 0x88) && !self.closed && !self.answered {
            self.answered = true;
            self.peer.send(&close(1000, "").to(Role::Server));
        }
    }
}

/// A message in masked frames of about equal length.
fn fragments(message: &Frame, frames: usize) -> Vec<u8> {
    let part = message.payload.len().div_ceil(frames).max(1);
    let parts: Vec<_> = message.payload.chunks(part).collect();
    let mut all = Vec::new();
    for (at, part) in parts.iter().enumerate() {
        let opcode = if at == 0 { message.first & 0x7F } else { 0 };
        let fin = if at + 1 == parts.len() { 0x80 } else { 0 };
        all.extend(frame(opcode | fin, part).to(Role::Server));
    }
    all
}
