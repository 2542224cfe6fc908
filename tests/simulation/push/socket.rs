//! A WebSocket of a bare client: what it has read, and how it ends.
//!
//! Input: bytes of the server. Output: its messages; control frames are answered. Nothing may
//! follow a Close but a Pong.

use super::body::Input;
use crate::layers::Inflating;
use crate::support::frames::{Frame, Sent, close, pong};
use std::net::SocketAddr;
use wirebell::Role;
use wirebell::net::testing::{Network, Peer};

pub struct Socket {
    peer: Peer,
    input: Input,
    inflating: Inflating,
    pub status: Option<u16>,
    pub closes: Vec<u16>,
    /// The client has ended it itself.
    left: bool,
}

impl Socket {
    /// `None` if the server refuses the connection.
    pub fn open(network: &Network, to: SocketAddr, request: &str) -> Option<Self> {
        let mut peer = network.connect(to).ok()?;
        peer.send(request.as_bytes());
        Some(Self {
            peer,
            input: Input::default(),
            inflating: Inflating::default(),
            status: None,
            closes: Vec::new(),
            left: false,
        })
    }

    /// A whole frame. Text is compressed if that was agreed to.
    pub fn send(&mut self, frame: &Frame) {
        let frame = match frame.first {
            0x81 => &self.inflating.message(0x81, &frame.payload),
            _ => frame,
        };
        self.peer.send(&frame.to(Role::Server));
    }

    /// Bytes that have not reached the server.
    pub fn unsent(&self) -> usize {
        self.peer.unsent()
    }

    /// Reads at most this many bytes; returns how many.
    pub fn read(&mut self, most: usize) -> usize {
        let read = self.peer.read(most);
        let bytes = self.inflating.push(&self.peer.take_bytes());
        self.input.push(&bytes);
        self.peer.send(&[]);
        if self.status.is_none() {
            self.status = self.input.head().map(|head| head.status);
        }
        read
    }

    /// The next message that has been read.
    pub fn text(&mut self) -> Result<Option<String>, String> {
        while self.status == Some(101)
            && let Some(frame) = self.input.frame()
        {
            if !self.closes.is_empty() && frame.first != 0x8A {
                return Err(format!("a frame {:#x} after a Close", frame.first));
            }
            if frame.first == 0x81 {
                let text = String::from_utf8(frame.payload).map_err(|_| "not UTF-8")?;
                return Ok(Some(text));
            }
            control(&frame, &mut self.peer, &mut self.closes)?;
        }
        Ok(None)
    }

    pub fn end(&mut self, reset: bool) {
        end(&mut self.peer, reset);
        self.left = true;
    }

    /// Neither side has ended it.
    pub fn is_alive(&self) -> bool {
        let is_open = self.status == Some(101) && self.closes.is_empty();
        is_open && !self.left && !self.peer.has_ended()
    }
}

/// What every client does with a frame that is not text.
pub fn control(frame: &Sent, peer: &mut Peer, closes: &mut Vec<u16>) -> Result<(), String> {
    match frame.first {
        0x88 => {
            let code = frame.payload.first_chunk().copied().unwrap_or_default();
            closes.push(u16::from_be_bytes(code));
            peer.send(&close(1000, "").to(Role::Server));
        }
        0x89 => peer.send(&pong(&frame.payload).to(Role::Server)),
        0x8A => {}
        first => return Err(format!("a frame {first:#x}")),
    }
    Ok(())
}

pub fn end(peer: &mut Peer, reset: bool) {
    match reset {
        true => peer.reset(),
        false => peer.shutdown(),
    }
}
