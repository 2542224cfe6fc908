//! Compressed messages on their way in: through the pool of the loop to the service (RFC 7692).
//!
//! Invariant: a violation that shows only after inflating fails the connection as if it had been
//! seen on the wire.

use crate::deflate::{Compressed, Inflated, InflatedPart, Params, Session};
use crate::error::Violation;
use crate::limits::Limits;
use crate::net::conn::deflate::Waiting;
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
    match inflate_whole(out, peer, piece) {
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

/// The same for a service that wants parts: as much at a time as one call should handle, and only
/// as long as the peer's input is not paused. The rest of the piece waits.
fn inflate_chunks<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    piece: Piece<'_>,
) {
    let mut rest = compressed(piece);
    loop {
        let Connections { peers, out, .. } = &mut *connections;
        let Some(peer) = peers.get_mut(id) else {
            return;
        };
        let part = match inflate_part(out, peer, &mut rest) {
            Ok(Some(part)) => part,
            Ok(None) => return,
            Err(violation) => return fail(connections, service, id, violation),
        };
        let (last, more) = (part.is_last(), part.has_more());
        let lent = Piece {
            bytes: part.bytes(),
            first: std::mem::take(&mut rest.first),
            last,
            ..piece
        };
        chunk(connections, service, id, lent, None);
        let Connections { peers, out, .. } = &mut *connections;
        let Some(peer) = peers.get_mut(id) else {
            return;
        };
        hand_on(out, peer, part);
        if !more {
            return;
        }
        if should_rest(out, peer) {
            let waiting = Waiting {
                kind: rest.kind,
                bytes: rest.bytes.to_vec(),
                last: rest.last,
            };
            out.cold.of(peer).deflate.waiting = Some(waiting);
            return;
        }
    }
}

/// Continues with the rest of a piece, if there is any.
pub(super) fn inflate_waiting<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    index: u32,
) {
    let Connections { peers, out, .. } = &mut *connections;
    let Some(peer) = peers.at(index) else {
        return;
    };
    let id = peer.id(out.worker);
    let Some(cold) = &mut peer.cold else {
        return;
    };
    if let Some(waiting) = cold.deflate.waiting.take() {
        let piece = Piece {
            kind: waiting.kind,
            bytes: &waiting.bytes,
            first: false,
            last: waiting.last,
            compressed: true,
        };
        inflate_chunks(connections, service, id, piece);
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

/// The session of a peer, if its state `lasts` beyond this piece, and the bounds of its
/// messages.
fn lend_session(
    out: &mut Output,
    peer: &mut Peer,
    lasts: bool,
) -> Option<(Params, Session, Limits)> {
    let (Some(params), Phase::Open(connection)) = (peer.terms, &peer.phase) else {
        return None;
    };
    let limits = out.options.limits.protocol;
    let limits = limits.message_bytes(connection.message_limit());
    let session = match lasts {
        true => out.take_session(peer),
        false => Session::default(),
    };
    Some((params, session, limits))
}

/// The next part of a message. `None` if there is no memory for it, which has ended the
/// connection.
fn inflate_part(
    out: &mut Output,
    peer: &mut Peer,
    piece: &mut Compressed<'_>,
) -> Result<Option<InflatedPart>, Violation> {
    let Some((params, mut session, limits)) = lend_session(out, peer, true) else {
        return Ok(None);
    };
    let Some(pool) = &mut out.compression.pool else {
        return Ok(None);
    };
    let part = pool.inflate_part(&mut session, &params, piece, &limits)?;
    match &part {
        Some(part) => {
            out.compression.work += part.bytes().len();
            out.put_session(peer, session);
        }
        None => {
            let (code, text) = (CloseCode::TRY_AGAIN_LATER, "no memory for compression");
            out.fail(peer, code, text, Cause::Memory);
        }
    }
    Ok(part)
}

fn hand_on(out: &mut Output, peer: &mut Peer, part: InflatedPart) {
    if let Some(pool) = &mut out.compression.pool {
        let session = &mut out.cold.of(peer).deflate.session;
        pool.hand_on(session, part);
    }
}

/// Nothing more may be inflated for this peer now; if other peers go first, it is on the ready
/// list.
fn should_rest(out: &mut Output, peer: &mut Peer) -> bool {
    if out.compression.is_exhausted() {
        out.lists.push_ready(peer);
        return true;
    }
    peer.rests(out.options.limits.queued_bytes) || peer.flags.dying
}

fn inflate_whole(
    out: &mut Output,
    peer: &mut Peer,
    piece: Piece<'_>,
) -> Result<Option<Inflated>, Violation> {
    let takeover = peer.terms.is_some_and(|params| params.receive.takeover);
    let lasts = takeover || !(piece.first && piece.last);
    let Some((params, mut session, limits)) = lend_session(out, peer, lasts) else {
        return Ok(None);
    };
    let Some(pool) = &mut out.compression.pool else {
        return Ok(None);
    };
    let inflated = pool.inflate(&mut session, &params, compressed(piece), &limits);
    if lasts && inflated.is_ok() {
        out.put_session(peer, session);
    }
    if let Ok(Some(message)) = &inflated {
        out.compression.work += message.bytes().len();
    }
    inflated
}
