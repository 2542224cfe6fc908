//! What a service can do to the connections of its loop.

use crate::limits::Limits;
use crate::net::core::Core;
use crate::net::frame::SharedFrame;
use crate::net::peer::Phase;
use crate::net::slots::PeerId;
use crate::proto::{Message, Millis};
use crate::wire::CloseCode;
use std::net::SocketAddr;

/// The loop, as its service sees it during one call.
///
/// All of these may be called with the name of a connection that has ended; they do nothing then
/// and say so.
pub struct Context<'a> {
    core: &'a mut Core,
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[must_use = "a message to a slow or ended connection may not have been taken"]
pub enum Sent {
    /// It leaves in this turn of the loop, or waits for a slow peer within its bound.
    Taken,
    /// It was not taken: the connection has ended or is closing, perhaps because this message was
    /// one too many for a slow peer ([`Overflow::Disconnect`](crate::net::Overflow::Disconnect)).
    Closed,
    /// It was taken, and older ones that waited for this slow peer were dropped for it.
    Overflow,
}

/// Counts of one loop since it began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Waits for events.
    pub turns: u64,
    /// System calls that read from a peer.
    pub reads: u64,
    /// System calls that wrote to a peer.
    pub writes: u64,
    /// Connections accepted.
    pub accepted: u64,
    /// Connections that were dialled and opened.
    pub dialled: u64,
    /// Connections refused because of a limit.
    pub refused: u64,
    /// WebSocket messages received.
    pub messages: u64,
    /// Frames that were dropped for slow peers.
    pub dropped: u64,
    /// Connections that were ended because their peer was too slow.
    pub overflowed: u64,
    /// Connections that were ended because the server held too much for its peers
    /// ([`Limits::memory_bytes`](crate::Limits::memory_bytes)).
    pub shed: u64,
    /// Connections that failed because their peer broke a rule.
    pub violations: u64,
}

impl<'a> Context<'a> {
    pub(super) fn new(core: &'a mut Core) -> Self {
        Self { core }
    }

    /// Sends a message as one frame. What is sent to the peer whose input is being handled leaves
    /// together in one write at the end of that input; a large message leaves at once, by
    /// reference.
    #[inline]
    pub fn send(&mut self, peer: PeerId, message: Message<'_>) -> Sent {
        self.core.send(peer, message)
    }

    /// As [`Context::send`], but never compressed: for what mixes secrets with what others can
    /// choose (RFC 7692 section 8).
    pub fn send_uncompressed(&mut self, peer: PeerId, message: Message<'_>) -> Sent {
        self.core.send_plain(peer, message, 0)
    }

    /// Sends a frame that was encoded once for many. All frames of one turn of the loop reach a
    /// peer in one write. With [`Overflow::KeepLatest`](crate::net::Overflow::KeepLatest), waiting
    /// frames of the same `key` other than 0 are replaced.
    pub fn send_frame(&mut self, peer: PeerId, frame: &SharedFrame, key: u32) -> Sent {
        self.core.send_frame(peer, frame, key)
    }

    /// Opens a connection to a server. At most one handshake with each server is in progress (RFC
    /// 6455 section 4.1); the others wait. [`Service::opened`] or [`Service::not_opened`] follows.
    ///
    /// [`Service::opened`]: crate::net::Service::opened
    /// [`Service::not_opened`]: crate::net::Service::not_opened
    #[cfg(feature = "client")]
    pub fn dial(&mut self, dial: crate::net::Dial) {
        self.core.dial(dial);
    }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). A reason over 123 bytes is cut.
    pub fn close(&mut self, peer: PeerId, code: CloseCode, reason: &str) {
        if self.core.peers.get(peer).is_some() {
            self.core.forget_dial(peer.index);
        }
        self.core.close(peer, code, reason);
    }

    /// The tag that the service gave with [`Reply::Open`](crate::net::Reply::Open) or `Dial`.
    pub fn tag(&self, peer: PeerId) -> Option<u32> {
        self.core.peers.get(peer).map(|peer| peer.tag)
    }

    /// From its next frame on, a frame or message of more than `bytes` fails this connection (close
    /// code 1009), on the wire and while it is inflated: see
    /// [`Connection::set_message_limit`](crate::Connection::set_message_limit). The place to call
    /// it is [`Service::opened`](crate::net::Service::opened).
    pub fn set_message_limit(&mut self, peer: PeerId, bytes: u64) {
        if let Some(peer) = self.core.peers.get_mut(peer)
            && let Phase::Open(connection) = &mut peer.phase
        {
            connection.set_message_limit(bytes);
        }
    }

    /// A graceful stop has begun: every connection is sent Close 1001, and no new ones are
    /// accepted.
    pub fn is_stopping(&self) -> bool {
        self.core.stopping
    }

    /// Bytes for this peer that have not left: what waits because the peer reads slowly, and what
    /// was sent in this turn of the loop.
    pub fn queued_bytes(&self, peer: PeerId) -> usize {
        self.core.waiting(peer)
    }

    /// Bytes that all loops of the server hold for their peers, of at most
    /// [`Limits::memory_bytes`](crate::Limits::memory_bytes).
    pub fn held_bytes(&self) -> usize {
        self.core.memory.held()
    }

    /// The address at the other end: a system call, as few ask.
    pub fn address(&self, peer: PeerId) -> Option<SocketAddr> {
        self.core
            .peers
            .get(peer)
            .and_then(|peer| peer.transport.peer_addr())
    }

    /// The address of whoever sent the request that is being answered: a system call. `None`
    /// outside of [`Service::request`](crate::net::Service::request).
    pub fn requester(&self) -> Option<SocketAddr> {
        let id = self.core.peers.id(self.core.asking?)?;
        self.address(id)
    }

    /// Connections of this loop in any state.
    pub fn connections(&self) -> usize {
        self.core.peers.len()
    }

    /// Milliseconds since the loop began, as of this turn.
    pub fn now(&self) -> Millis {
        self.core.now
    }

    /// The bounds of this loop.
    pub fn limits(&self) -> &Limits {
        &self.core.options.limits
    }

    /// What the loop has done so far.
    pub fn counters(&self) -> Counters {
        self.core.counters
    }
}
