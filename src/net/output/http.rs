//! Responses: whole, or a head now and a body in parts (RFC 9112 section 7.1).
//!
//! Invariant: responses leave in the order of the requests, because nothing after an unanswered
//! request is read; a closing one is the last.

use crate::http::Response;
use crate::net::conn::peer::{Answer, HttpWait, Peer, Phase};
use crate::net::frame::SharedChunk;
use crate::net::output::Output;
use crate::net::words::Sent;

/// The end of a body in chunks.
const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

impl Output {
    /// Writes a response; a closing one ends the phase.
    pub(crate) fn respond(&mut self, peer: &mut Peer, response: &Response, head_only: bool) {
        let mut bytes = Vec::with_capacity(256 + response.body.len());
        response.write(&mut bytes, head_only);
        self.put(peer, &bytes);
        let body = if head_only { 0 } else { response.body.len() };
        self.log_answer(peer.index, response.status.code(), body);
        if response.close {
            self.linger(peer);
        }
    }

    /// Writes the head of a body in parts; returns whether there will be a body at all.
    pub(crate) fn begin_stream(
        &mut self,
        peer: &mut Peer,
        response: &Response,
        answer: Answer,
    ) -> bool {
        let mut bytes = Vec::with_capacity(512);
        response.write_head_of_stream(&mut bytes, answer.chunks);
        if !answer.head_only {
            write_first_part(&mut bytes, &response.body, answer.chunks);
        }
        self.put(peer, &bytes);
        self.log_answer(peer.index, response.status.code(), response.body.len());
        let close = response.close || answer.close || !answer.chunks;
        match (answer.head_only, close) {
            (true, true) => self.linger(peer),
            (true, false) => {}
            (false, _) => {
                peer.phase = Phase::Http {
                    since: self.now,
                    waits: HttpWait::Stream {
                        chunked: answer.chunks,
                        close,
                    },
                };
            }
        }
        !answer.head_only
    }

    /// See [`Context::write`](crate::net::Context::write).
    pub(crate) fn write_part(&mut self, peer: &mut Peer, part: &SharedChunk, key: u32) -> Sent {
        match peer.phase {
            Phase::Http {
                waits: HttpWait::Stream { chunked: true, .. },
                ..
            } if !peer.flags.dying => self.send_bytes(peer, part.frame(), key),
            Phase::Http {
                waits: HttpWait::Stream { chunked: false, .. },
                ..
            } if !peer.flags.dying => self.send_bytes(peer, &part.plain(), key),
            _ => Sent::Closed,
        }
    }

    /// The body is complete: the next request may be read. False if there is no body, or if parts
    /// of it have overflowed.
    pub(crate) fn end_stream(&mut self, peer: &mut Peer) -> bool {
        let Phase::Http {
            waits: HttpWait::Stream { chunked, close },
            ..
        } = peer.phase
        else {
            return false;
        };
        self.write_run(peer);
        if peer.flags.dying {
            return false;
        }
        if chunked {
            self.put(peer, LAST_CHUNK);
        }
        match close {
            true => self.linger(peer),
            false => self.next_request(peer),
        }
        true
    }

    /// The request has been answered.
    pub(crate) fn next_request(&mut self, peer: &mut Peer) {
        self.leaving.remove(&peer.index);
        self.release_client(peer);
        peer.phase = Phase::Http {
            since: self.now,
            waits: HttpWait::Next,
        };
        self.lists.touch(peer);
        self.lists.push_ready(peer);
    }

    /// A proxy may use the connection for another client next.
    pub(crate) fn release_client(&mut self, peer: &Peer) {
        if self.addresses.is_proxy(peer.index) {
            self.addresses.release(peer.index);
        }
    }

    /// Ends an HTTP connection with this response, unless the current request has already been
    /// answered, in whole or in part, or there is none: a client would take the response for that
    /// to its next request (RFC 9112 section 9.2).
    pub(crate) fn give_up(&mut self, peer: &mut Peer, response: Response) {
        if peer.is_stream() {
            return self.lists.remove_soon(peer);
        }
        let cold = peer.cold.as_ref();
        let head_only = match peer.phase {
            Phase::Http {
                waits: HttpWait::Answer(answer),
                ..
            } => answer.head_only,
            _ => cold.is_some_and(|cold| cold.http.is_head_only()),
        };
        let is_answered = cold.is_some_and(|cold| cold.http.is_answered());
        match peer.has_asked() && !is_answered {
            true => self.respond(peer, &response.closing(), head_only),
            false => self.linger(peer),
        }
    }

    /// The layer below has failed: nothing can be sent, but what the peer sends is discarded for a
    /// while.
    pub(crate) fn abandon(&mut self, peer: &mut Peer) {
        self.batch.take_run(peer.pending);
        if let Some(cold) = &mut peer.cold {
            cold.queue.clear();
        }
        self.cold.charge(peer);
        self.linger(peer);
        self.after_write(peer);
    }

    /// Nothing more will be sent: flush, shut down, read and discard for a while.
    pub(crate) fn linger(&mut self, peer: &mut Peer) {
        if peer.is_answering() {
            self.lists.push_ready(peer); // Its input was paused.
        }
        peer.phase = Phase::Lingering { since: self.now };
        peer.flags.discard = true;
        if let Some(cold) = &mut peer.cold {
            cold.drop_input();
        }
        self.lists.touch(peer);
    }
}

/// Appends what is sent together with the head of a body in parts.
fn write_first_part(out: &mut Vec<u8>, part: &[u8], chunked: bool) {
    let chunk = SharedChunk::new(part);
    match chunked {
        true => out.extend_from_slice(chunk.frame().as_bytes()),
        false => out.extend_from_slice(part),
    }
}
