//! Compressed messages on their way in: through the pool of the loop to the service (RFC 7692).
//!
//! Invariant: what breaks a rule only when it is inflated fails the connection as if it had been
//! seen on the wire.

use crate::deflate::{Compressed, Inflated, Link, Session};
use crate::error::Violation;
use crate::limits::Limits;
use crate::net::conn::peer::{Peer, Phase};
use crate::net::connections::Connections;
use crate::net::input::events::{chunk, failed, whole};
use crate::net::output::Output;
use crate::net::service::Service;
use crate::net::words::{Cause, PeerId};
use crate::proto::{Message, Piece, State};
use crate::wire::CloseCode;

/// A piece of a compressed message.
pub(super) fn inflate<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    piece: Piece<'_>,
) {
    let Connections { peers, out, .. } = &mut *connections;
    let Some(peer) = peers.at(id.index) else {
        return;
    };
    if peer.has_chunks() {
        return inflate_chunks(connections, service, id, piece);
    }
    let kind = piece.kind;
    match out.inflate(peer, piece) {
        Ok(None) => {}
        Ok(Some(inflated)) => {
            let bytes = inflated.bytes();
            whole(connections, service, id, Message { kind, bytes });
            if let Some(pool) = &mut connections.out.compression.pool {
                pool.recycle(inflated);
            }
        }
        Err(violation) => fail(connections, service, id, violation),
    }
}

/// The same for a service that wants parts: as much at a time as one call should take.
fn inflate_chunks<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    piece: Piece<'_>,
) {
    let mut lent = None;
    if let Some(peer) = connections.peers.at(id.index) {
        lent = connections.out.lend_session(peer, true);
    }
    let Some((link, mut session, limits)) = lent else {
        return;
    };
    let Some(mut pool) = connections.out.compression.pool.take() else {
        return;
    };
    let mut first = piece.first;
    let done = pool.inflate_parts(
        &mut session,
        &link,
        compressed(piece),
        &limits,
        |bytes, last| {
            connections.out.compression.work += bytes.len();
            let part = Piece {
                bytes,
                first,
                last,
                ..piece
            };
            first = false;
            chunk(connections, service, id, part, None);
        },
    );
    connections.out.compression.pool = Some(pool);
    match done {
        Err(violation) => fail(connections, service, id, violation),
        Ok(true) => {
            if let Some(peer) = connections.peers.get_mut(id) {
                connections.out.put_session(peer, session);
            }
        }
        Ok(false) => {
            if let Some(peer) = connections.peers.get_mut(id) {
                let (code, text) = (CloseCode::TRY_AGAIN_LATER, "no memory for compression");
                connections.out.fail(peer, code, text, Cause::Memory);
            }
        }
    }
}

fn fail<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    violation: Violation,
) {
    if let Some(peer) = connections.peers.at(id.index)
        && let Phase::Open(connection) = &mut peer.phase
        && connection.state() <= State::Closing
    {
        connection.fail(violation, &mut connections.out.outbox);
        failed(connections, service, id.index, violation);
    }
}

fn compressed(piece: Piece<'_>) -> Compressed<'_> {
    Compressed {
        kind: piece.kind,
        bytes: piece.bytes,
        first: piece.first,
        last: piece.last,
    }
}

impl Output {
    /// The session of a peer, if its state `lasts` beyond this piece, and the bounds of its
    /// messages.
    fn lend_session(&mut self, peer: &mut Peer, lasts: bool) -> Option<(Link, Session, Limits)> {
        let (Some(link), Phase::Open(connection)) = (peer.terms, &peer.phase) else {
            return None;
        };
        let limits = Limits {
            message_bytes: connection.message_limit(),
            ..self.options.limits.clone()
        };
        let session = match lasts {
            true => self.take_session(peer),
            false => Session::default(),
        };
        Some((link, session, limits))
    }

    fn inflate(
        &mut self,
        peer: &mut Peer,
        piece: Piece<'_>,
    ) -> Result<Option<Inflated>, Violation> {
        let takeover = peer.terms.is_some_and(|link| link.receive.takeover);
        let lasts = takeover || !(piece.first && piece.last);
        let Some((link, mut session, limits)) = self.lend_session(peer, lasts) else {
            return Ok(None);
        };
        let Some(pool) = &mut self.compression.pool else {
            return Ok(None);
        };
        let inflated = pool.inflate(&mut session, &link, compressed(piece), &limits);
        if lasts && inflated.is_ok() {
            self.put_session(peer, session);
        }
        if let Ok(Some(message)) = &inflated {
            self.compression.work += message.bytes().len();
        }
        inflated
    }
}
