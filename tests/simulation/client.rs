//! A bare client: it sends what the plan says, and reads when the plan says so.

use crate::support::frames::{Sent, close, pong, take_frame};
use wirebell::Role;
use wirebell::net::testing::Peer;

/// One life of a bare client.
pub struct Client {
    pub who: usize,
    pub peer: Peer,
    /// What it has asked for: a WebSocket, or a response.
    pub socket: bool,
    /// All that it has read.
    pub raw: Vec<u8>,
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
    /// The frames after the head of the response, and what is left of one that is not whole.
    pub fn frames(&self) -> (Vec<Sent>, usize) {
        let mut rest = self.body();
        let mut frames = Vec::new();
        while let Some((frame, len)) = take_frame(rest) {
            frames.push(frame);
            rest = &rest[len..];
        }
        (frames, rest.len())
    }

    /// The first byte of a frame that is not whole.
    pub fn first_of_rest(&self) -> Option<u8> {
        let (body, (_, rest)) = (self.body(), self.frames());
        body.get(body.len() - rest..)?.first().copied()
    }

    /// What follows the first head.
    fn body(&self) -> &[u8] {
        let end = self.raw.windows(4).position(|four| four == b"\r\n\r\n");
        end.map_or(&[], |end| &self.raw[end + 4..])
    }

    pub fn is_open(&self) -> bool {
        self.socket && self.raw.starts_with(b"HTTP/1.1 101")
    }

    pub fn read(&mut self, most: usize) -> usize {
        let read = self.peer.read(most);
        self.raw.extend(self.peer.take_bytes());
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
