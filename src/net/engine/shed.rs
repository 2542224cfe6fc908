//! Frees memory when the server holds too much for its peers: the largest holders are closed (RFC
//! 6455 section 10.4).

use crate::net::conn::cold::Wanted;
use crate::net::conn::peer::Peer;
use crate::net::conn::table::Table;
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::engine::Engine;
use crate::net::memory::Memory;
use crate::net::output::Output;
use crate::net::service::Service;

impl<S: Service> Engine<S> {
    /// A peer needs memory to continue, and there is none: the largest holders are closed, or else
    /// the peer itself.
    #[cold]
    pub(super) fn make_room(&mut self, wanted: Wanted) {
        self.shed(wanted.bytes);
        let Connections { peers, out, .. } = &mut self.connections;
        // It may have been among those, and its Close has to be sent.
        if out.cold.memory.lacks(wanted.bytes)
            && let Some(peer) = peers.at(wanted.index)
            && peer.cause.is_none()
            && !peer.flags.dying
        {
            out.metrics.shed.add(1);
            out.evict(peer);
        }
    }

    /// Closes the connections for which this loop holds most, until there is room for `more` bytes,
    /// or nothing is left that would help.
    #[cold]
    pub(super) fn shed(&mut self, more: usize) {
        let excess = self.connections.out.cold.memory.excess(more);
        let context = &mut Context::new(&mut self.connections);
        self.service.shed(context, excess);
        let Connections { peers, out, .. } = &mut self.connections;
        out.cold.settle();
        let memory = out.cold.memory.clone();
        if !memory.lacks(more.max(1)) {
            return;
        }
        let held = memory.held() + more;
        if held <= self.unsheddable {
            return;
        }
        memory.call();
        if !memory.concerns(out.cold.told()) {
            return; // Another loop holds more, and has been woken.
        }
        let shed = evict_largest(peers, out, 1, |memory| memory.is_over_target(more));
        // A frame that has begun to leave is still held, and its peer may never read it.
        evict_largest(peers, out, A_CLOSE, |memory| memory.is_over());
        out.metrics.shed.add(shed);
        self.unsheddable = match memory.is_over() {
            true => memory.held() + memory.limit() / 16,
            false => 0,
        };
        memory.answered();
        let limit = memory.limit();
        log::warn!("{held} bytes held for peers, of {limit}: {shed} connections closed");
    }
}

/// More than a connection holds of which a Close alone is left.
const A_CLOSE: usize = 1_024;

/// Closes the largest of those that hold at least this much, as long as that is wanted; returns how
/// many. Those that are closing already end at once.
fn evict_largest(
    peers: &mut Table,
    out: &mut Output,
    least: usize,
    wanted: impl Fn(&Memory) -> bool,
) -> u64 {
    let memory = out.cold.memory.clone();
    let mut holders: Vec<(usize, u32)> = peers
        .iter()
        .filter_map(|peer| holding(peer, out))
        .filter(|(held, _)| *held >= least)
        .collect();
    holders.sort_unstable();
    let mut count = 0;
    while wanted(&memory)
        && let Some((_, index)) = holders.pop()
    {
        if let Some(peer) = peers.at(index) {
            out.evict(peer);
            out.charge_beside();
            out.cold.settle();
            count += 1;
        }
    }
    count
}

/// What is held for a peer, if anything; shared frames count for each.
fn holding(peer: &Peer, out: &Output) -> Option<(usize, u32)> {
    let cold = peer.cold.as_ref();
    let own = cold.map_or(0, |cold| cold.charged.max(cold.queue.held()));
    let held = own + out.held_beside(peer.index);
    (held > 0 && !peer.flags.dying).then_some((held, peer.index))
}
