//! How connections are brought to an end: by the service, by the loop, for lack of memory.
//!
//! Invariant: what was sent before a Close leaves before it, and nothing after it (RFC 6455
//! section 5.5.1).

use crate::http::{Response, Status, field};
use crate::net::conn::peer::{Closing, Peer, Phase};
use crate::net::entropy::Source;
use crate::net::output::Output;
use crate::net::words::{Cause, Sent};
use crate::proto::{MAX_CONTROL_FRAME, Outbox, State};
use crate::wire::{CloseCode, cut_reason};

impl Output {
    /// Starts the closing handshake: see [`Context::close`](crate::net::Context::close). Returns
    /// whether it is this call that ends the connection: not if it was ending already, or if what
    /// was sent before has overflowed.
    pub(crate) fn close(
        &mut self,
        peer: &mut Peer,
        code: CloseCode,
        reason: &str,
        cause: Cause,
    ) -> bool {
        // What was sent before leaves before.
        self.write_run(peer);
        if !peer.is_open() {
            return false;
        }
        peer.end_for(cause);
        if peer.flags.closing == Closing::WithoutClose {
            self.hang_up(peer);
            return true;
        }
        if let Phase::Open(connection) = &mut peer.phase {
            let closed = connection.close(Some(code), cut_reason(reason), &mut self.outbox);
            debug_assert!(closed.is_ok());
            self.transmit(peer);
            self.listen(peer);
            self.lists.touch(peer);
        }
        true
    }

    /// See [`Context::ping`](crate::net::Context::ping).
    pub(crate) fn ping(&mut self, peer: &mut Peer, payload: &[u8]) -> Sent {
        let Phase::Open(connection) = &mut peer.phase else {
            return Sent::Closed;
        };
        if connection.ping(payload, &mut self.outbox).is_err() {
            return Sent::Closed;
        }
        self.transmit(peer);
        self.taken_if_open(peer)
    }

    /// The service resumes it: the time in which the peer was not read does not count.
    pub(crate) fn resumed(&mut self, peer: &mut Peer) {
        let now = self.now;
        if let Phase::Open(connection) = &mut peer.phase {
            connection.heard(now);
        }
        if let Some(cold) = &mut peer.cold {
            cold.unfinished = cold.unfinished.and(Some(now));
        }
        self.lists.push_ready(peer);
        self.lists.touch(peer);
    }

    /// Ends a connection without a Close: see
    /// [`Upgrade::without_close`](crate::net::Upgrade::without_close). One that the peer has closed
    /// has its Close already.
    // req: gotify-stream-08 gotify-stream-09
    fn hang_up(&mut self, peer: &mut Peer) {
        if !peer.is_open() {
            return;
        }
        self.metrics.closed.add(1);
        self.listen(peer);
        self.linger(peer);
        self.lists.push_ready(peer);
        self.cold.charge(peer);
        if !self.is_corked(peer) {
            self.after_write(peer);
        }
    }

    /// Ends a pause: the peer's Close has to be read.
    fn listen(&mut self, peer: &mut Peer) {
        if std::mem::take(&mut peer.flags.paused) {
            self.lists.push_ready(peer);
        }
    }

    /// Sends the control frames that `receive`, `close` or `tick` left in the outbox.
    // req: 6455-6.1-09
    pub(crate) fn transmit(&mut self, peer: &mut Peer) {
        while !self.outbox.is_empty() {
            let Phase::Open(connection) = &mut peer.phase else {
                self.outbox = Outbox::new();
                return;
            };
            let mut out = [0; 3 * MAX_CONTROL_FRAME];
            let len = connection.transmit(&mut self.outbox, &mut out, &mut Source::default());
            self.put(peer, &out[..len]);
        }
    }

    /// Gives up a WebSocket connection for a reason of the loop itself: sends Close and discards
    /// all further input.
    pub(crate) fn fail(&mut self, peer: &mut Peer, code: CloseCode, reason: &str, cause: Cause) {
        self.write_run(peer);
        if peer.is_open() {
            self.lists.closing.push(peer.index);
            if peer.flags.closing == Closing::WithoutClose {
                peer.end_for(cause);
                return self.hang_up(peer);
            }
        }
        if let Phase::Open(connection) = &mut peer.phase {
            connection.give_up(code, reason, &mut self.outbox);
            peer.end_for(cause);
            if let Some(cold) = &mut peer.cold {
                cold.drop_input();
            }
            self.transmit(peer);
            self.listen(peer);
            self.cold.charge(peer);
            self.lists.touch(peer);
        }
    }

    /// Ends a connection so that its memory is freed at once. One that is closing already loses
    /// what waits to be written, its Close included.
    pub(crate) fn evict(&mut self, peer: &mut Peer) {
        let queued = peer.queued() > 0;
        match &peer.phase {
            Phase::Open(connection) if connection.state() == State::Open => {
                if let Some(cold) = &mut peer.cold {
                    cold.queue.drop_unsent();
                }
                let text = "the server is short of memory";
                self.fail(peer, CloseCode::TRY_AGAIN_LATER, text, Cause::Memory);
            }
            Phase::Http { .. } if !queued => {
                peer.end_for(Cause::Memory);
                let response = Response::new(Status::SERVICE_UNAVAILABLE);
                self.give_up(peer, response.field(field!("Retry-After", "5")));
            }
            _ => {
                if let Some(cold) = &mut peer.cold {
                    cold.drop_input();
                    cold.queue.clear();
                }
                peer.end_for(Cause::Memory);
                self.lists.remove_soon(peer);
            }
        }
        self.cold.charge(peer);
    }

    /// From here on the connection to a server that we have dialled is encrypted.
    // req: 6455-4.1-16
    #[cfg(feature = "client")]
    pub(crate) fn secure(&mut self, peer: &mut Peer) -> Result<(), crate::client::Error> {
        #[cfg(feature = "tls")]
        if let Phase::Dial(dialing) = &peer.phase
            && let Some(server) = dialing.attempt.dial.endpoint.secure()
        {
            self.some_secure = true;
            let begun = self.sockets.secure(peer.index, server);
            return begun.map_err(crate::client::Error::of_stream);
        }
        let _ = peer;
        Err(crate::client::Error::Secure)
    }

    /// An attempt to open a connection has failed; the service is told when the peer is removed.
    #[cfg(feature = "client")]
    pub(crate) fn dial_error(&mut self, peer: &mut Peer, error: crate::client::Error) {
        if let Phase::Dial(dialing) = &mut peer.phase {
            dialing.error = Some(error);
        }
        self.lists.remove_soon(peer);
    }
}
