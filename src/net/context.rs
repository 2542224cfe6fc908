//! What a service can do to the connections of its loop.
//!
//! Input: calls of a service, with the names of connections. Output: frames, responses, timers and
//! dials. Invariant: a call for a connection that has ended does nothing. The work itself is left
//! to `output` and `conn`.

use crate::http::Response;
use crate::net::conn::peer::{HttpWait, Peer, Phase};
use crate::net::connections::Connections;
use crate::net::frame::{SharedChunk, SharedFrame};
use crate::net::latency::Latency;
use crate::net::limits::Limits;
use crate::net::metrics::Counters;
use crate::net::sockets::SocketCounts;
use crate::net::wheel::Wheel;
use crate::net::words::{Cause, Overflow, PeerId, Sent};
use crate::proto::{Message, Millis};
#[cfg(feature = "tls")]
use crate::tls::rustls::pki_types::CertificateDer;
use crate::wire::{CloseCode, MessageKind};
use std::net::SocketAddr;
use std::time::Instant;

/// The loop, as its service sees it during one call.
///
/// All methods may be called with the name of a connection that has ended; then they do nothing and
/// say so.
#[derive(Debug)]
pub struct Context<'a> {
    connections: &'a mut Connections,
}

impl<'a> Context<'a> {
    pub(crate) fn new(connections: &'a mut Connections) -> Self {
        Self { connections }
    }

    /// Sends a message as one frame. Everything sent to the peer whose input is being handled is
    /// written together at the end of that input; a large message is written at once, by reference.
    #[inline]
    pub fn send(&mut self, peer: PeerId, message: Message<'_>) -> Sent {
        let out = &mut self.connections.out;
        match self.connections.peers.get_mut(peer) {
            Some(peer) => out.send(peer, message, 0).counted(&out.metrics),
            None => Sent::Closed,
        }
    }

    /// Like [`Context::send`], but never compressed: for messages that mix secrets with data that
    /// others can choose (RFC 7692 section 8).
    pub fn send_uncompressed(&mut self, peer: PeerId, message: Message<'_>) -> Sent {
        let out = &mut self.connections.out;
        match self.connections.peers.get_mut(peer) {
            Some(peer) => out.send_plain(peer, message, 0).counted(&out.metrics),
            None => Sent::Closed,
        }
    }

    /// Sends a frame that was encoded once for many. All frames of one turn of the loop reach a
    /// peer in one write. With [`Overflow::KeepLatest`], waiting frames of the same `key` other
    /// than 0 are replaced.
    #[inline]
    pub fn send_frame(&mut self, peer: PeerId, frame: &SharedFrame, key: u32) -> Sent {
        let out = &mut self.connections.out;
        match self.connections.peers.get_mut(peer) {
            Some(peer) => out.send_frame(peer, frame, key).counted(&out.metrics),
            None => Sent::Closed,
        }
    }

    /// Like [`Context::send`], but no policy for slow peers drops them: for the answer to what a
    /// peer has said, which leaves in one write. It counts toward what waits for the peer, and past
    /// the bound no more of its messages are read. A client sends them as any other messages.
    pub fn send_kept(&mut self, peer: PeerId, messages: &[Message<'_>]) -> Sent {
        let out = &mut self.connections.out;
        let Some(peer) = self.connections.peers.get_mut(peer) else {
            return Sent::Closed;
        };
        let sent = out.send_kept(peer, messages);
        if sent.is_taken() {
            out.metrics.sent.add(messages.len() as u64);
        }
        sent
    }

    /// Like [`Context::send_frame`], to many peers: returns how many accepted it. `refused` is
    /// called with the others.
    pub fn broadcast(
        &mut self,
        frame: &SharedFrame,
        key: u32,
        to: impl IntoIterator<Item = PeerId>,
        mut refused: impl FnMut(PeerId),
    ) -> usize {
        let mut taken = 0;
        for peer in to {
            match self.send_frame(peer, frame, key).is_taken() {
                true => taken += 1,
                false => refused(peer),
            }
        }
        taken
    }

    /// Sends a part of a message as one frame, uncompressed; `last` ends the message. All parts of
    /// a message have its `kind`. Until the last, no other message can be sent to the peer
    /// ([`Sent::Busy`]); Pings, Pongs and Close can. The result says how much waits: stop when that
    /// is too much, and go on in [`Service::writable`](crate::net::Service::writable), which always
    /// follows once all of it has left. The bytes of a text must be UTF-8 as a whole; a character
    /// may be cut between two parts.
    pub fn send_piece(
        &mut self,
        peer: PeerId,
        kind: MessageKind,
        bytes: &[u8],
        last: bool,
    ) -> Sent {
        let out = &mut self.connections.out;
        match self.connections.peers.get_mut(peer) {
            Some(peer) if last => {
                let sent = out.send_piece(peer, kind, bytes, last);
                sent.counted(&out.metrics)
            }
            Some(peer) => out.send_piece(peer, kind, bytes, last),
            None => Sent::Closed,
        }
    }

    /// [`Service::writable`](crate::net::Service::writable) is called once everything that was sent
    /// to the peer has left, even if nothing has to wait: for output that is made as the peer takes
    /// it.
    pub fn notify_when_sent(&mut self, peer: PeerId) {
        let out = &mut self.connections.out;
        if let Some(peer) = self.connections.peers.get_mut(peer) {
            peer.flags.wants_writable = true;
            out.lists.touch(peer);
        }
    }

    /// Sends a Ping; [`Service::pong`](crate::net::Service::pong) follows if it is answered. A
    /// payload of over 125 bytes is not sent (RFC 6455 section 5.5).
    pub fn ping(&mut self, peer: PeerId, payload: &[u8]) -> Sent {
        let out = &mut self.connections.out;
        let Some(peer) = self.connections.peers.get_mut(peer) else {
            return Sent::Closed;
        };
        out.ping(peer, payload)
    }

    /// Starts the closing handshake (RFC 6455 section 7.1.2). A reason over 123 bytes is cut.
    pub fn close(&mut self, peer: PeerId, code: CloseCode, reason: &str) {
        if let Some(peer) = self.connections.peers.get_mut(peer) {
            self.connections.dials.forget(peer.index);
            let out = &mut self.connections.out;
            out.close(peer, code, reason, Cause::Closed);
        }
    }

    /// Answers a request that was deferred with [`Reply::Later`](crate::net::Reply::Later).
    pub fn respond(&mut self, peer: PeerId, mut response: Response) -> Sent {
        let stopping = self.connections.stopping;
        let out = &mut self.connections.out;
        let Some(peer) = self.connections.peers.get_mut(peer) else {
            return Sent::Closed;
        };
        let Phase::Http {
            waits: HttpWait::Answer(answer),
            ..
        } = peer.phase
        else {
            return Sent::Closed;
        };
        if peer.flags.dying {
            return Sent::Closed;
        }
        peer.flags.announced = false;
        response.close |= answer.close || stopping;
        out.respond(peer, &response, answer.head_only);
        if !response.close {
            out.next_request(peer);
        }
        out.taken(peer)
    }

    /// Sends a part of the body that was begun with [`Reply::Stream`](crate::net::Reply::Stream);
    /// it is queued, bounded and dropped as frames are, so each part should make sense without the
    /// others.
    pub fn write(&mut self, peer: PeerId, part: &SharedChunk, key: u32) -> Sent {
        let out = &mut self.connections.out;
        match self.connections.peers.get_mut(peer) {
            Some(peer) => out.write_part(peer, part, key).counted(&out.metrics),
            None => Sent::Closed,
        }
    }

    /// Ends the body that was begun with [`Reply::Stream`](crate::net::Reply::Stream).
    pub fn finish(&mut self, peer: PeerId) -> Sent {
        let out = &mut self.connections.out;
        let Some(peer) = self.connections.peers.get_mut(peer) else {
            return Sent::Closed;
        };
        if !out.end_stream(peer) {
            return Sent::Closed;
        }
        peer.flags.announced = false;
        out.taken(peer)
    }

    /// Delivers nothing from the peer until [`Context::resume`], and stops reading: what it sends
    /// fills the socket's buffers, and then it has to wait. Meanwhile no deadline runs for what it
    /// has to send, including the answer to a Ping. [`Context::close`] ends the pause, because the
    /// peer's Close must be read: what it sent before is delivered first.
    pub fn pause(&mut self, peer: PeerId) {
        if let Some(peer) = self.connections.peers.get_mut(peer) {
            peer.flags.paused = true;
        }
    }

    /// Reads from the peer again.
    pub fn resume(&mut self, peer: PeerId) {
        let out = &mut self.connections.out;
        if let Some(peer) = self.connections.peers.get_mut(peer)
            && peer.flags.paused
        {
            peer.flags.paused = false;
            out.resumed(peer);
        }
    }

    /// Ends the connection at once if its peer ends its side before the answer to a
    /// [`Reply::Later`](crate::net::Reply::Later) is sent, as with a stream. Otherwise such a peer
    /// is still answered, as some clients end their side after the request. Holds for one answer.
    pub fn leave_if_hung_up(&mut self, peer: PeerId) {
        let out = &mut self.connections.out;
        if let Some(peer) = self.connections.peers.get_mut(peer) {
            out.leaving.insert(peer.index);
            if peer.flags.hung_up {
                peer.end_for(Cause::Lost);
                out.lists.remove_soon(peer);
            }
        }
    }

    /// [`Service::timer`](crate::net::Service::timer) is called once, at most 64 ms after `at` on
    /// the clock of [`Context::now`]. A peer has one timer; `None` cancels it.
    pub fn set_timer(&mut self, peer: PeerId, at: Option<Millis>) {
        let out = &mut self.connections.out;
        if let Some(peer) = self.connections.peers.get_mut(peer) {
            match at {
                Some(at) => out.timers.set(peer, Wheel::number(at)),
                None => out.timers.clear(peer),
            }
            out.lists.touch(peer);
        }
    }

    /// Sets what happens when this peer reads too slowly, from its next message on; the default is
    /// [`Options::overflow`](crate::net::Options::overflow).
    pub fn set_overflow(&mut self, peer: PeerId, policy: Overflow) {
        if let Some(peer) = self.connections.peers.get_mut(peer) {
            peer.overflow = policy;
        }
    }

    /// From its next frame on, a frame or message of more than `bytes` fails this connection (close
    /// code 1009), on the wire and while it is inflated: see
    /// [`Connection::set_message_limit`](crate::Connection::set_message_limit). The place to call
    /// it is [`Service::opened`](crate::net::Service::opened).
    pub fn set_message_limit(&mut self, peer: PeerId, bytes: u64) {
        if let Some(peer) = self.connections.peers.get_mut(peer)
            && let Phase::Open(connection) = &mut peer.phase
        {
            connection.set_message_limit(bytes);
        }
    }

    /// Opens a connection to a server. At most one handshake per server is in progress (RFC 6455
    /// section 4.1); the others wait. [`Service::opened`] or [`Service::not_opened`] follows.
    ///
    /// [`Service::opened`]: crate::net::Service::opened
    /// [`Service::not_opened`]: crate::net::Service::not_opened
    #[cfg(feature = "client")]
    pub fn dial(&mut self, dial: crate::net::Dial) {
        if !self.connections.stopping {
            self.connections.dials.dial(dial);
        }
    }

    /// Cancels all dials with this tag, and does not dial again when such a connection ends; open
    /// ones stay open. Neither [`Service::opened`] nor [`Service::not_opened`] follows.
    ///
    /// [`Service::opened`]: crate::net::Service::opened
    /// [`Service::not_opened`]: crate::net::Service::not_opened
    #[cfg(feature = "client")]
    pub fn cancel_dial(&mut self, tag: u32) {
        let Connections {
            peers, out, dials, ..
        } = &mut *self.connections;
        dials.cancel(tag);
        for index in peers.indices() {
            if let Some(peer) = peers.at(index)
                && let Phase::Dial(dialing) = &mut peer.phase
                && dialing.attempt.dial.tag == tag
            {
                dialing.cancelled = true;
                out.lists.remove_soon(peer);
            }
        }
    }

    /// The subprotocol that the server has chosen for a connection that was dialled (RFC 6455
    /// section 4.2.2).
    #[cfg(feature = "client")]
    pub fn subprotocol(&self, peer: PeerId) -> Option<&str> {
        let peer = self.peer(peer)?;
        self.connections.dials.subprotocol(peer.index)
    }

    /// Begins a graceful stop of all workers: see [`Handle::stop`](crate::net::Handle::stop).
    pub fn stop(&mut self) {
        self.connections.stop_wanted = true;
    }

    /// A graceful stop has begun: no new connections are accepted, and each of the others is sent
    /// Close 1001, or 1012 if another process has taken over, within
    /// [`Limits::drain_ms`](crate::net::Limits::drain_ms).
    pub fn is_stopping(&self) -> bool {
        self.connections.stopping
    }

    /// The number that the service gave the connection with its [`Reply`](crate::net::Reply) or
    /// `Dial`.
    pub fn tag(&self, peer: PeerId) -> Option<u32> {
        self.peer(peer).map(|peer| peer.tag)
    }

    /// Bytes for this peer that have not left: those that wait because the peer reads slowly, and
    /// those sent in this turn of the loop.
    pub fn queued_bytes(&self, peer: PeerId) -> usize {
        let out = &self.connections.out;
        self.peer(peer).map_or(0, |peer| out.waiting(peer))
    }

    /// The address at the other end: a system call, which few services need. `None` if the
    /// connection has ended or has no address, as with unix sockets. Behind one of
    /// [`Options::trusted_proxies`](crate::net::Options::trusted_proxies), that of the client of
    /// the last request, with port 0 if the proxy does not say which.
    // req: push-pages-11
    pub fn address(&self, peer: PeerId) -> Option<SocketAddr> {
        let peer = self.peer(peer)?;
        self.connections.out.address(peer.index)
    }

    /// The connection is encrypted.
    pub fn is_secure(&self, peer: PeerId) -> bool {
        let sockets = &self.connections.out.sockets;
        self.peer(peer)
            .is_some_and(|peer| sockets.is_secure(peer.index))
    }

    /// The certificates that the other end of an encrypted connection has shown, its own first.
    /// `None` if it has shown none.
    #[cfg(feature = "tls")]
    pub fn peer_certificates(&self, peer: PeerId) -> Option<&[CertificateDer<'static>]> {
        let peer = self.peer(peer)?;
        self.connections.out.sockets.peer_certificates(peer.index)
    }

    /// Bytes that all loops of the server hold for their peers, of at most
    /// [`Limits::memory_bytes`](crate::net::Limits::memory_bytes).
    pub fn held_bytes(&self) -> usize {
        self.connections.out.cold.memory.held()
    }

    /// Connections of this loop in any state.
    pub fn connections(&self) -> usize {
        self.connections.peers.len()
    }

    /// Milliseconds since the loop started, as of this turn.
    pub fn now(&self) -> Millis {
        self.connections.out.now
    }

    /// The number of this worker, from 0.
    pub fn worker(&self) -> usize {
        usize::from(self.connections.out.worker)
    }

    /// The bounds of this loop.
    pub fn limits(&self) -> &Limits {
        &self.connections.out.options.limits
    }

    /// What is sent in this turn of the loop was accepted from others at this time:
    /// [`Context::latency`] counts the time from `at` until it has been written or queued.
    pub fn note_origin(&mut self, at: Instant) {
        self.connections.out.origins.push(at);
    }

    /// The times from when something was accepted, as [`Context::note_origin`] says, until what was
    /// sent in that turn had been written or queued.
    pub fn latency(&self) -> Latency {
        self.connections.out.latency
    }

    /// What the loop has accepted, by listener, and its TLS handshakes.
    pub fn socket_counts(&self) -> SocketCounts {
        self.connections.out.sockets.counts()
    }

    /// What the loop has done so far.
    pub fn counters(&self) -> Counters {
        self.connections.out.metrics.counters()
    }

    fn peer(&self, peer: PeerId) -> Option<&Peer> {
        self.connections.peers.get(peer)
    }
}
