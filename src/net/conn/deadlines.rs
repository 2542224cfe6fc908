//! The deadline of each state of a connection.
//!
//! What happens then is left to the engine. Invariant: `None` only for a connection whose end is up
//! to the service, or an open one without keepalive.

use crate::net::conn::peer::{HttpWait, Peer, Phase};
use crate::net::limits::Limits;
use crate::proto::{Millis, State};

/// The earliest moment at which something is due. While output waits, a server does not read from
/// the peer, so what the peer may have sent in time does not count as missing: only the stall
/// deadline applies, and that of the closing handshake. The same holds while the service has paused
/// it.
pub(crate) fn deadline(peer: &Peer, limits: &Limits) -> Option<Millis> {
    let stall = stall_deadline(peer, limits);
    let rests = stall.is_some() || peer.flags.paused;
    let phase = match &peer.phase {
        Phase::Open(connection) if rests && connection.state() == State::Open => None,
        Phase::Open(connection) => earlier(
            connection.deadline(&limits.protocol),
            message_deadline(peer, limits),
        ),
        Phase::Dial(dialing) => Some(dialing.deadline()),
        Phase::Http { .. } | Phase::Lingering { .. } if stall.is_some() => None,
        Phase::Lingering { since } => Some(since + Millis::from(limits.protocol.linger_ms)),
        Phase::Http { since, waits } => http_wait(*waits, limits).map(|wait| since + wait),
    };
    earlier(phase, stall)
}

fn http_wait(waits: HttpWait, limits: &Limits) -> Option<Millis> {
    let after = match waits {
        HttpWait::Head => limits.head_ms,
        HttpWait::Next => limits.http_idle_ms,
        HttpWait::Body => limits.body_ms,
        HttpWait::Answer(_) => limits.answer_ms,
        HttpWait::Stream { .. } => return None,
    };
    Some(Millis::from(after))
}

fn earlier(one: Option<Millis>, other: Option<Millis>) -> Option<Millis> {
    match (one, other) {
        (Some(one), Some(other)) => Some(one.min(other)),
        (one, other) => one.or(other),
    }
}

/// When a message that has begun must be whole.
pub(crate) fn message_deadline(peer: &Peer, limits: &Limits) -> Option<Millis> {
    let since = peer.cold.as_ref()?.unfinished?;
    (limits.message_ms > 0).then(|| since + Millis::from(limits.message_ms))
}

/// When the peer must have accepted some of what waits for it.
pub(crate) fn stall_deadline(peer: &Peer, limits: &Limits) -> Option<Millis> {
    let cold = peer.cold.as_ref().filter(|cold| !cold.queue.is_empty())?;
    Some(cold.progress + Millis::from(limits.stall_ms))
}
