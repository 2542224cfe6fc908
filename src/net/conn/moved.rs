//! One connection as bytes, for another process.
//!
//! ```text
//!   phase · tag · deflate · what of a message has arrived, as frames · input · output · client
//! ```
//!
//! Input: a peer that rests between two reads. Output: a record; of a record, a peer. Invariant:
//! what either side of the connection sees is the same as if it had not moved. A message that has
//! arrived in part is written as frames, which are read again; the last may be a header whose
//! payload has yet to arrive, masked as it was. What cannot be written that way does not move: TLS,
//! and a compressed message that has arrived in part.

use crate::deflate::{Params, Session};
use crate::handshake::Direction;
use crate::net::conn::deflate::Terms;
use crate::net::conn::peer::{Closing, HttpWait, Peer, Phase};
use crate::net::fields::{Reader, Writer};
use crate::net::words::Delivery;
use crate::proto::{Role, State};
use std::net::SocketAddr;
use std::num::NonZeroU16;

/// What is known of a connection besides its socket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Snapshot {
    pub(crate) kind: Kind,
    pub(crate) tag: u32,
    pub(crate) sends_close: bool,
    /// Bytes that have arrived and are to be read again before all others.
    pub(crate) again: Vec<u8>,
    /// Bytes that have not been parsed.
    pub(crate) input: Vec<u8>,
    pub(crate) output: Vec<u8>,
    /// The port to which its requests are redirected, over TLS.
    pub(crate) redirect: Option<NonZeroU16>,
    /// It comes through a proxy, which may have named the client.
    pub(crate) client: Option<Option<SocketAddr>>,
    /// What the service knows of it.
    pub(crate) service: Option<Vec<u8>>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Milliseconds for which it has waited for a request.
    Http { waited: u64 },
    /// A body in parts.
    Stream { chunked: bool, close: bool },
    /// A WebSocket.
    Open {
        delivery: Delivery,
        message_limit: u64,
        deflate: Option<Deflate>,
    },
}

/// What was agreed to, and the window of the peer's messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Deflate {
    pub(crate) send: Direction,
    pub(crate) receive: Direction,
    pub(crate) window: Vec<u8>,
}

/// Why a connection does not move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stays {
    /// It can move soon.
    ForNow,
    /// It cannot move, and ends in this process.
    ToTheEnd,
}

/// A peer as it is, without what others know of it.
// req: push-upgrade-01
pub(crate) fn snapshot(peer: &Peer, now: u64) -> Result<Snapshot, Stays> {
    let flags = &peer.flags;
    if flags.dying || flags.shut || flags.discard || flags.closing == Closing::Clean {
        return Err(Stays::ToTheEnd);
    }
    let cold = peer.cold.as_deref();
    let (mut again, mut output) = (Vec::new(), Vec::new());
    let kind = match &peer.phase {
        Phase::Open(it) if it.role() == Role::Server && it.state() == State::Open => {
            if it.is_sending() {
                return Err(Stays::ForNow);
            }
            if it.in_message() {
                let is_whole = peer.delivery == Delivery::Messages && !it.is_compressed();
                let arrived = cold.map_or(&[][..], |cold| cold.assembler.bytes());
                match is_whole {
                    true => it.begin_again(arrived, &mut again),
                    false => return Err(Stays::ToTheEnd),
                }
            }
            Kind::Open {
                delivery: peer.delivery,
                message_limit: it.message_limit(),
                deflate: deflate(peer)?,
            }
        }
        Phase::Http { since, waits } => match waits {
            HttpWait::Head | HttpWait::Next => {
                let part = cold.map_or(Some(&[][..]), |cold| cold.http.part());
                again.extend_from_slice(part.ok_or(Stays::ToTheEnd)?);
                Kind::Http {
                    waited: now.saturating_sub(*since),
                }
            }
            HttpWait::Stream { chunked, close } => Kind::Stream {
                chunked: *chunked,
                close: *close,
            },
            // It is finished here.
            HttpWait::Body | HttpWait::Answer(_) => return Err(Stays::ToTheEnd),
        },
        _ => return Err(Stays::ToTheEnd),
    };
    if let Some(cold) = cold {
        cold.queue.copy_to(&mut output);
    }
    Ok(Snapshot {
        kind,
        tag: peer.tag,
        sends_close: flags.closing != Closing::WithoutClose,
        again,
        input: cold.map_or_else(Vec::new, |cold| cold.tail.clone()),
        output,
        redirect: None,
        client: None,
        service: None,
    })
}

fn deflate(peer: &Peer) -> Result<Option<Deflate>, Stays> {
    let Some(params) = peer.terms else {
        return Ok(None);
    };
    let state = peer.cold.as_ref().map(|cold| &cold.deflate);
    if state.is_some_and(|state| state.waiting.is_some() || state.session.is_inflating()) {
        return Err(Stays::ToTheEnd);
    }
    Ok(Some(Deflate {
        send: params.send,
        receive: params.receive,
        window: state.map_or_else(Vec::new, |state| state.session.window_bytes()),
    }))
}

impl Deflate {
    /// The same terms here, and the session that they need.
    pub(crate) fn restore(&self, pool: &crate::deflate::Pool) -> Option<(Terms, Session)> {
        let params = Params::new(self.send, self.receive)?;
        let mut session = Session::default();
        let takes = self.receive.takeover;
        if takes && !session.reserve(pool.budget(), self.receive.window_bits) {
            return None;
        }
        session.fill_window(&self.window, self.receive.window_bits);
        Some((Some(params), session))
    }
}

/// The version of these records is that of the program that speaks of them.
impl Snapshot {
    pub(crate) fn write(&self) -> Vec<u8> {
        let mut out = Writer::default();
        match &self.kind {
            Kind::Http { waited } => {
                out.byte(0);
                out.number(*waited);
            }
            Kind::Stream { chunked, close } => {
                out.byte(1);
                out.flag(*chunked);
                out.flag(*close);
            }
            Kind::Open {
                delivery,
                message_limit,
                deflate,
            } => {
                out.byte(2);
                out.byte(*delivery as u8);
                out.number(*message_limit);
                out.option(deflate.as_ref(), |out, deflate| {
                    direction(out, deflate.send);
                    direction(out, deflate.receive);
                    out.bytes(&deflate.window);
                });
            }
        }
        out.number(self.tag.into());
        out.flag(self.sends_close);
        out.bytes(&self.again);
        out.bytes(&self.input);
        out.bytes(&self.output);
        out.number(self.redirect.map_or(0, |port| port.get().into()));
        out.option(self.client, |out, client| {
            out.option(client, |out, client| out.text(&client.to_string()));
        });
        out.option(self.service.as_deref(), Writer::bytes);
        out.0
    }

    /// `None` if this was not written by [`Snapshot::write`].
    pub(crate) fn read(record: &[u8]) -> Option<Self> {
        let mut from = Reader(record);
        let kind = match from.byte()? {
            0 => Kind::Http {
                waited: from.number()?,
            },
            1 => Kind::Stream {
                chunked: from.flag()?,
                close: from.flag()?,
            },
            2 => Kind::Open {
                delivery: match from.byte()? {
                    0 => Delivery::Messages,
                    1 => Delivery::Chunks,
                    2 => Delivery::LongInChunks,
                    _ => return None,
                },
                message_limit: from.number()?,
                deflate: from.option(|from| {
                    Some(Deflate {
                        send: read_direction(from)?,
                        receive: read_direction(from)?,
                        window: from.bytes()?.to_vec(),
                    })
                })?,
            },
            _ => return None,
        };
        let snapshot = Self {
            kind,
            tag: u32::try_from(from.number()?).ok()?,
            sends_close: from.flag()?,
            again: from.bytes()?.to_vec(),
            input: from.bytes()?.to_vec(),
            output: from.bytes()?.to_vec(),
            redirect: NonZeroU16::new(u16::try_from(from.number()?).ok()?),
            client: from.option(|from| from.option(|from| from.text()?.parse().ok()))?,
            service: from.option(|from| from.bytes().map(<[u8]>::to_vec))?,
        };
        from.is_done().then_some(snapshot)
    }
}

fn direction(out: &mut Writer, direction: Direction) {
    out.flag(direction.takeover);
    out.byte(direction.window_bits);
}

fn read_direction(from: &mut Reader<'_>) -> Option<Direction> {
    Some(Direction {
        takeover: from.flag()?,
        window_bits: from.byte().filter(|bits| (8..=15).contains(bits))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_record_reads_back() {
        let both = Direction {
            takeover: true,
            window_bits: 12,
        };
        let deflate = Deflate {
            send: both,
            receive: both,
            window: vec![1, 2, 3],
        };
        let kinds = [
            Kind::Http { waited: 70 },
            Kind::Stream {
                chunked: true,
                close: false,
            },
            Kind::Open {
                delivery: Delivery::Messages,
                message_limit: 1 << 20,
                deflate: Some(deflate),
            },
        ];
        for kind in kinds {
            let snapshot = Snapshot {
                kind,
                tag: 9,
                sends_close: false,
                again: b"GET /".to_vec(),
                input: vec![0x81],
                output: vec![7; 100],
                redirect: NonZeroU16::new(443),
                client: Some(Some("192.0.2.1:0".parse().unwrap())),
                service: Some(b"s".to_vec()),
            };
            let record = snapshot.write();
            assert_eq!(Snapshot::read(&record), Some(snapshot));
            for end in 0..record.len() {
                assert_eq!(Snapshot::read(&record[..end]), None);
            }
        }
    }

    proptest! {
        #[test]
        fn any_record_is_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..90)) {
            let _ = Snapshot::read(&bytes);
        }
    }
}
