//! A connection that sends requests, one after the other, without waiting for their answers.

use super::body::Input;
use std::collections::VecDeque;
use std::net::SocketAddr;
use wirebell::net::testing::{Network, Peer};

/// `T` is what is remembered of a request until its answer has come.
pub struct Requests<T> {
    peer: Option<Peer>,
    input: Input,
    /// Of the answer that has begun: its status, and the length of its body.
    head: Option<(u16, usize)>,
    waiting: VecDeque<T>,
}

/// The answer to one request.
pub struct Answered<T> {
    pub to: T,
    pub status: u16,
    pub body: String,
}

/// What one look at a connection has brought.
pub struct Read<T> {
    /// Anything came or went.
    pub moved: bool,
    pub answers: Vec<Answered<T>>,
    /// The connection ended before these were answered: they may have been done or not.
    pub lost: Vec<T>,
}

impl<T> Default for Requests<T> {
    fn default() -> Self {
        Self {
            peer: None,
            input: Input::default(),
            head: None,
            waiting: VecDeque::new(),
        }
    }
}

impl<T> Requests<T> {
    /// Sends a request, over a new connection if there is none.
    pub fn send(&mut self, network: &Network, to: SocketAddr, request: &str, what: T) {
        if self.peer.is_none() {
            self.peer = network.connect(to).ok();
        }
        if let Some(peer) = &mut self.peer {
            peer.send(request.as_bytes());
            self.waiting.push_back(what);
        }
    }

    /// Something waits for its answer.
    pub fn waits(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// What waits for its answer.
    pub fn waiting(&self) -> impl Iterator<Item = &T> {
        self.waiting.iter()
    }

    /// The connection is lost. Returns what had no answer.
    pub fn lose(&mut self) -> Vec<T> {
        if let Some(mut peer) = std::mem::take(&mut self.peer) {
            peer.reset();
        }
        std::mem::take(self).waiting.into()
    }

    pub fn read(&mut self) -> Result<Read<T>, String> {
        let mut read = Read {
            moved: false,
            answers: Vec::new(),
            lost: Vec::new(),
        };
        let Some(peer) = &mut self.peer else {
            return Ok(read);
        };
        read.moved = peer.read(usize::MAX) > 0;
        self.input.push(&peer.take_bytes());
        let unsent = peer.unsent();
        peer.send(&[]);
        read.moved |= unsent != peer.unsent();
        let ended = peer.has_ended();
        while let Some(answer) = self.answer()? {
            read.answers.push(answer);
        }
        if ended {
            read.lost = std::mem::take(self).waiting.into();
        }
        Ok(read)
    }

    fn answer(&mut self) -> Result<Option<Answered<T>>, String> {
        if self.head.is_none()
            && let Some(head) = self.input.head()
        {
            let length = head.field("content-length").and_then(|it| it.parse().ok());
            self.head = Some((head.status, length.unwrap_or(0)));
        }
        let Some((status, length)) = self.head else {
            return Ok(None);
        };
        let Some(body) = self.input.body(length) else {
            return Ok(None);
        };
        self.head = None;
        let to = self.waiting.pop_front().ok_or("an answer to nothing")?;
        Ok(Some(Answered { to, status, body }))
    }
}
