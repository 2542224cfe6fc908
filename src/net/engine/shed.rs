//! Room when the server holds too much for its peers: the largest holders go (RFC 6455 section
//! 10.4).

use crate::net::conn::peer::Peer;
use crate::net::connections::Connections;
use crate::net::engine::Engine;
use crate::net::service::Service;

impl<S: Service> Engine<S> {
    /// Closes the connections that this loop holds most for, until the server holds little enough,
    /// or nothing is left that would help.
    #[cold]
    pub(super) fn shed(&mut self) {
        let Connections { peers, out, .. } = &mut self.connections;
        let memory = out.cold.memory.clone();
        let held = memory.held();
        if held <= self.unsheddable {
            return;
        }
        memory.call();
        if !memory.concerns(out.cold.held()) {
            return; // Another loop holds more, and has been called.
        }
        let mut holders: Vec<(usize, u32)> = peers.iter().filter_map(holding).collect();
        holders.sort_unstable();
        let mut shed = 0;
        while memory.is_over_target()
            && let Some((_, index)) = holders.pop()
        {
            if let Some(peer) = peers.at(index) {
                out.evict(peer);
                shed += 1;
            }
        }
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

/// What is held for a peer, if anything; shared frames count for each.
fn holding(peer: &Peer) -> Option<(usize, u32)> {
    let cold = peer.cold.as_ref().filter(|_| !peer.flags.dying)?;
    let held = cold.charged.max(cold.queue.held());
    (held > 0).then_some((held, peer.index))
}
