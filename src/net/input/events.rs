//! What happened to a connection → one call of the service.
//!
//! Invariant: a service that knows of a connection is told of its end, once.

use crate::error::Violation;
use crate::http::{EMPTY_FIELD, HttpReader, MAX_FIELDS, Response};
use crate::net::conn::peer::{Closing, Phase};
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::service::Service;
use crate::net::words::{Cause, Chunk, End, PeerId};
use crate::proto::{Message, Piece};
use crate::wire::CloseBody;

/// A message has arrived whole.
#[inline]
pub(super) fn whole<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    message: Message<'_>,
) {
    connections.out.metrics.messages.add(1);
    service.message(&mut Context::new(connections), id, message);
}

/// A part of a message, for a service that wants parts.
pub(super) fn chunk<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    piece: Piece<'_>,
    frame_left: Option<u64>,
) {
    connections.out.metrics.messages.add(piece.last.into());
    let chunk = Chunk {
        kind: piece.kind,
        bytes: piece.bytes,
        first: piece.first,
        last: piece.last,
        frame_left,
    };
    service.chunk(&mut Context::new(connections), id, chunk);
}

/// The peer has answered a Ping, or sent an unsolicited Pong.
pub(super) fn pong<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    payload: &[u8],
) {
    service.pong(&mut Context::new(connections), id, payload);
}

/// The peer has closed; the reply is sent with what was corked before it.
pub(super) fn closed<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    index: u32,
    body: &CloseBody<'_>,
) {
    let Connections { peers, out, .. } = &mut *connections;
    if let Some(peer) = peers.at(index) {
        out.transmit(peer);
        peer.flags.closing = Closing::Clean;
        peer.end_for(Cause::Closed);
    }
    announce(connections, service, index, body);
}

/// The peer has broken a rule; the Close is sent after the replies to valid input.
pub(super) fn failed<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    index: u32,
    violation: Violation,
) {
    let Connections { peers, out, .. } = &mut *connections;
    if let Some(peer) = peers.at(index) {
        out.metrics.violations.add(1);
        log::debug!("{}: {violation}", out.name(peer));
        out.transmit(peer);
        peer.end_for(Cause::Violation(violation));
    }
    announce(connections, service, index, &NO_CLOSE);
}

/// Tells the service, once, that a connection which it knows of has ended. `close` is the peer's
/// Close frame, if one came.
pub(crate) fn announce<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    index: u32,
    close: &CloseBody<'_>,
) {
    let Connections { peers, out, .. } = connections;
    let Some(peer) = peers.at(index) else {
        return;
    };
    out.lists.touch(peer);
    if !peer.flags.announced {
        return;
    }
    peer.flags.announced = false;
    out.timers.clear(peer);
    if matches!(peer.phase, Phase::Open(_)) {
        out.metrics.closed.add(1);
    }
    let id = peer.id(out.worker);
    let end = End {
        clean: peer.flags.closing == Closing::Clean,
        code: close.code,
        reason: close.reason,
        cause: peer.cause.unwrap_or(Cause::Lost),
    };
    service.closed(&mut Context::new(connections), id, end);
}

/// The refusal of a request whose body is not whole, as the service words it.
pub(crate) fn restated<S: Service>(
    connections: &mut Connections,
    service: &mut S,
    id: PeerId,
    http: &HttpReader,
    response: Response,
) -> Response {
    let mut storage = [EMPTY_FIELD; MAX_FIELDS];
    if !http.in_body() || http.is_answered() {
        return response;
    }
    match http.head(&mut storage) {
        Ok(head) => service.refused(&mut Context::new(connections), id, &head, response),
        Err(_) => response,
    }
}

/// No Close frame came.
pub(crate) const NO_CLOSE: CloseBody<'static> = CloseBody {
    code: None,
    reason: "",
};
