//! Large payloads: read directly to their place, after what has arrived of their message.

use crate::error::Violation;
use crate::net::conn::cold::Wanted;
use crate::net::conn::peer::{Peer, Phase};
use crate::net::connections::Connections;
use crate::net::input::Reader;
use crate::net::input::events::{failed, whole};
#[cfg(feature = "tls")]
use crate::net::input::read::progress;
use crate::net::output::Output;
use crate::net::service::Service;
use crate::net::sockets::{Received, is_transient};
use crate::proto::{Assembler, Event, Message, Piece};
use crate::wire::MessageKind;

/// Bytes of one direct read: they are unmasked while they are in the second-level cache.
const DIRECT_READ: u64 = 256 * 1024;

impl<S: Service> Reader<'_, S> {
    /// Reads payload of a large frame to its place after what has arrived of its message.
    pub(super) fn read_direct(&mut self, index: u32) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        let left = peer.payload_left();
        let assembler = peer.cold.as_ref().map(|cold| &cold.assembler);
        let bytes = assembler.map_or(0, |assembler| assembler.growth(left));
        if out.cold.memory.lacks(bytes) {
            out.cold.want(Wanted { index, bytes });
            return out.lists.push_ready(peer);
        }
        let mut assembler = take_assembler(out, peer);
        let Phase::Open(connection) = &mut peer.phase else {
            return;
        };
        let spare = assembler.spare(DIRECT_READ, left);
        out.metrics.reads.add(1);
        match out.sockets.read(index, spare) {
            Ok(Received::Bytes { len, more }) => {
                out.metrics.bytes_in.add(len as u64);
                connection.heard(out.now);
                let received = connection.receive(&mut spare[..len], &mut out.outbox);
                let outcome = match received.event {
                    Some(Event::Piece(Piece { kind, last, .. })) => Ok(last.then_some(kind)),
                    Some(Event::Failed(violation)) => Err(violation),
                    _ => Ok(None),
                };
                assembler.advance(len);
                if more || peer.flags.hung_up {
                    out.lists.push_ready(peer);
                }
                self.took(index, assembler, outcome);
            }
            Ok(Received::End) => self.end_of_stream(index),
            #[cfg(feature = "tls")]
            Ok(Received::Progress { more }) => {
                out.cold.of(peer).assembler = assembler;
                progress(out, peer, more);
            }
            Err(error) if is_transient(&error) => {
                out.cold.of(peer).assembler = assembler;
                out.cold.release(peer);
            }
            Err(error) => self.lost(index, error),
        }
    }

    /// The outcome of a direct read: more to come, a whole message, or a violation.
    fn took(
        &mut self,
        index: u32,
        assembler: Assembler,
        outcome: Result<Option<MessageKind>, Violation>,
    ) {
        let Connections { peers, out, .. } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return;
        };
        let messages = out.metrics.messages.get();
        out.cork(peer);
        match outcome {
            Ok(None) => out.cold.of(peer).assembler = assembler,
            Ok(Some(kind)) => {
                let (id, bytes) = (peer.id(out.worker), assembler.bytes());
                whole(self.connections, self.service, id, Message { kind, bytes });
                self.connections.out.buffers.keep(assembler.into_memory());
            }
            Err(violation) => failed(self.connections, self.service, index, violation),
        }
        self.end_input(index, 0, 0, messages);
    }
}

/// The parts of a message out of the side table, with reused memory if there are none.
pub(super) fn take_assembler(out: &mut Output, peer: &mut Peer) -> Assembler {
    let parts = std::mem::take(&mut out.cold.of(peer).assembler);
    match parts.is_empty() {
        true => Assembler::with_memory(out.buffers.take()),
        false => parts,
    }
}
