//! permessage-deflate for output: messages and shared frames through the pool (RFC 7692).
//!
//! Invariant: a frame that a policy may drop refers to nothing, because the peer's window would
//! miss it. What is compressed once for many is left to `frame`.

use crate::deflate::{Budget, Compressor, Params, Pool, Session};
use crate::handshake::Accepted;
use crate::net::conn::deflate::Terms;
use crate::net::conn::peer::{Peer, Phase};
use crate::net::conn::table::Table;
use crate::net::entropy::Source;
use crate::net::frame::SharedFrame;
use crate::net::output::Output;
use crate::net::words::{Overflow, Sent};
use crate::proto::{Message, Millis};
use crate::wire::MessageKind;
use std::mem;

impl Output {
    /// Answers the client's offers of extensions; reserves the memory that the answer needs.
    pub(crate) fn negotiate<'h>(
        &mut self,
        peer: &mut Peer,
        accepted: Accepted<'h>,
    ) -> (Accepted<'h>, Terms) {
        let Some(pool) = self.served_pool() else {
            return (accepted.without_extensions(), None);
        };
        let (policy, budget) = (pool.settings().policy, pool.budget().clone());
        let mut answer = accepted.negotiate(&policy);
        if let Some(terms) = answer.deflate()
            && !self.has_memory(peer, &Params::server(&terms), &budget)
        {
            answer = accepted.negotiate(&policy.server_takeover(false).client_takeover(false));
        }
        let params = answer.deflate().map(|terms| Params::server(&terms));
        (answer, params)
    }

    /// The compression of connections that are accepted. A pool that was made for a dial is not for
    /// them.
    pub(crate) fn served_pool(&self) -> Option<&Pool> {
        self.options.deflate_settings()?;
        self.compression.pool.as_ref()
    }

    /// Reserves a window if one is required; an own compressor, which is optional, needs enough
    /// budget left.
    pub(crate) fn has_memory(&mut self, peer: &mut Peer, params: &Params, budget: &Budget) -> bool {
        let receive = params.receive;
        let mut session = Session::default();
        let window = !receive.takeover || session.reserve(budget, receive.window_bits);
        let compressor = Compressor::cost(params.send.window_bits);
        let all = window && (!params.send.takeover || budget.left() >= compressor);
        if all && receive.takeover {
            self.put_session(peer, session);
        }
        all
    }

    /// Sends a message compressed; `None` if it should be sent uncompressed.
    pub(super) fn send_compressed(
        &mut self,
        peer: &mut Peer,
        message: Message<'_>,
        key: u32,
    ) -> Option<Sent> {
        let params = peer.terms?;
        let mut scratch = mem::take(&mut self.compression.scratch);
        let len = self.compress(peer, params, message.bytes, &mut scratch);
        let sent = len.map(|len| self.send_payload(peer, message.kind, &scratch[..len], key));
        self.compression.scratch = scratch;
        sent
    }

    fn compress(
        &mut self,
        peer: &mut Peer,
        params: Params,
        message: &[u8],
        out: &mut Vec<u8>,
    ) -> Option<usize> {
        let settings = *self.compression.pool.as_ref()?.settings();
        if message.len() < settings.min_bytes {
            return None;
        }
        if !params.send.takeover {
            let pool = self.compression.pool.as_mut()?;
            return pool.compress_alone(params.send.window_bits, message, out);
        }
        if !self.is_corked(peer) && peer.overflow != Overflow::Disconnect {
            bypass(peer);
            let pool = self.compression.pool.as_mut()?;
            return pool.compress_alone(params.send.window_bits, message, out);
        }
        let mut session = self.take_session(peer);
        let held = session.holds_compressor();
        let pool = self.compression.pool.as_mut()?;
        let len = pool.compress(&mut session, &params, message, out);
        if !held && session.holds_compressor() {
            let at = self.now + Millis::from(settings.idle_ms);
            let id = peer.id(self.worker);
            self.compression.held.push_back((at, id));
        }
        self.put_session(peer, session);
        len
    }

    fn send_payload(
        &mut self,
        peer: &mut Peer,
        kind: MessageKind,
        payload: &[u8],
        key: u32,
    ) -> Sent {
        let Phase::Open(connection) = &mut peer.phase else {
            return Sent::Closed;
        };
        let len = payload.len() as u64;
        let begun = connection.begin_compressed(kind, len, true, &mut Source::default());
        let Ok((header, mask)) = begun else {
            return Sent::Closed;
        };
        if let Some(mask) = mask {
            return self.send_masked(peer, &header, mask, payload, key);
        }
        if !self.is_corked(peer) {
            let frame = SharedFrame::encoded(&header, payload);
            return self.dispatch(peer, &frame, key);
        }
        self.cork_frame(peer, &header, payload)
    }

    /// The form of a shared frame that this peer can read, compressed if that pays: made at most
    /// once per window size.
    pub(super) fn form(
        &mut self,
        peer: &mut Peer,
        params: Params,
        frame: &SharedFrame,
    ) -> SharedFrame {
        let Some(pool) = &mut self.compression.pool else {
            return frame.clone();
        };
        let bits = params.send.window_bits;
        let scratch = &mut self.compression.scratch;
        let form = frame.form(bits, |payload| {
            let len = pool.compress_alone(bits, payload, scratch)?;
            Some(&scratch[..len])
        });
        let form = form.clone();
        if params.send.takeover && !form.is(frame) {
            bypass(peer);
        }
        form
    }

    /// Gives back compressors that have not been used for a while.
    pub(crate) fn drop_idle_compressors(&mut self, peers: &mut Table) {
        let Some(pool) = &self.compression.pool else {
            return;
        };
        let idle = Millis::from(pool.settings().idle_ms);
        while let Some((at, id)) = self.compression.held.front().copied() {
            if at > self.now {
                return;
            }
            self.compression.held.pop_front();
            let Some(peer) = peers.get_mut(id) else {
                continue;
            };
            let Some(cold) = &mut peer.cold else {
                continue;
            };
            let again = cold.deflate.used + idle;
            if again > self.now {
                self.compression.held.push_back((again, id));
            } else {
                cold.deflate.session.drop_compressor();
                self.cold.release(peer);
            }
        }
    }

    pub(crate) fn take_session(&mut self, peer: &mut Peer) -> Session {
        let deflate = &mut self.cold.of(peer).deflate;
        deflate.used = self.now;
        mem::take(&mut deflate.session)
    }

    pub(crate) fn put_session(&mut self, peer: &mut Peer, session: Session) {
        self.cold.of(peer).deflate.session = session;
    }
}

/// The peer is sent a compressed message that its own compressor has not seen.
fn bypass(peer: &mut Peer) {
    if let Some(cold) = &mut peer.cold {
        cold.deflate.session.bypassed();
    }
}
