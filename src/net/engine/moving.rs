//! Connections that go on in another process, and those that come from one.
//!
//! Input: orders of a program that hands over or takes over. Output: copies of the sockets with
//! their records; peers made of them. Invariants: lending changes nothing, so a loop that is told
//! to go on has missed nothing: what became ready meanwhile is on the ready list. A loop that
//! begins by resting has neither read nor written anything before it is told to go.

use crate::http::Step;
use crate::net::conn::moved::{Kind, Snapshot, Stays, snapshot};
use crate::net::conn::peer::{Closing, HttpWait, Peer, Phase};
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::engine::deadlines::arm;
use crate::net::engine::rest::{Rest, SUCCEEDED};
use crate::net::engine::{Engine, Next};
use crate::net::moving::{Batch, Moved, Order, Unsettled};
use crate::net::output::Output;
use crate::net::service::{Export, Service};
use crate::net::words::{Delivery, PeerId};
use crate::proto::{Connection, Event, Outbox, Role};
use std::mem;

impl<S: Service> Engine<S> {
    /// As with [`Options::resting`](crate::net::Options::resting), in a loop that runs.
    pub(crate) fn begin_by_resting(&mut self) {
        self.moving.rest = Some(Rest::All);
    }

    /// The end of a turn, if nothing was read in it.
    pub(super) fn finish_resting(&mut self) -> Option<Next> {
        let rest = self.moving.rest?;
        self.deliver();
        if rest == Rest::Input {
            self.settle();
        }
        self.carry_out();
        if !self.moving.rests() {
            return Some(Next::Now);
        }
        let lists = &self.connections.out.lists;
        let is_busy = !self.mail.is_empty()
            || rest == Rest::Input && !(lists.are_settled() && lists.left.is_empty());
        Some(match is_busy || !self.mailbox().fall_asleep() {
            true => Next::Now,
            false => Next::Idle,
        })
    }

    /// Does what was ordered in this turn.
    pub(super) fn carry_out(&mut self) {
        for order in mem::take(&mut self.moving.orders) {
            match order {
                Order::Rest(answer) => {
                    self.moving.rest.get_or_insert(Rest::Input);
                    let _ = answer.send(self.unsettled());
                }
                Order::Listeners(answer) => {
                    let _ = answer.send(self.connections.out.sockets.movable().listeners());
                }
                Order::Lend { from, most, to } => {
                    let _ = to.send(self.lend(from, most));
                }
                Order::Adopt(moved, answer) => {
                    let adopted = moved.into_iter().filter_map(|it| self.adopt(it));
                    let _ = answer.send(adopted.count());
                }
                Order::Go => self.go(),
                Order::Leave => self.leave(),
            }
        }
    }

    fn unsettled(&mut self) -> Unsettled {
        let mut connections = 0;
        for index in self.connections.peers.indices() {
            if self.snapshot(index) == Err(Stays::ForNow) {
                connections += 1;
            }
        }
        Unsettled {
            connections,
            mail: !self.mail.is_empty() || self.mailbox().has_post(),
        }
    }

    /// What another process has to know of a connection.
    fn snapshot(&mut self, index: u32) -> Result<Snapshot, Stays> {
        let Connections { peers, out, .. } = &mut self.connections;
        let peer = peers.at(index).ok_or(Stays::ToTheEnd)?;
        if out.sockets.is_secure(index) {
            return Err(Stays::ToTheEnd);
        }
        let mut snapshot = snapshot(peer, out.now)?;
        let (id, is_known) = (peer.id(out.worker), peer.flags.announced);
        snapshot.redirect = out.redirects.get(&index).copied();
        if out.addresses.is_proxy(index) {
            snapshot.client = Some(out.addresses.client(index));
        }
        if is_known {
            let context = &mut Context::new(&mut self.connections);
            snapshot.service = match self.service.export(context, id) {
                Export::Record(record) => Some(record),
                Export::Soon => return Err(Stays::ForNow),
                Export::Never => return Err(Stays::ToTheEnd),
            };
        }
        Ok(snapshot)
    }

    pub(crate) fn lend(&mut self, from: u32, most: usize) -> Batch {
        if from == 0 {
            self.moving.lent.clear();
        }
        let mut batch = Batch::default();
        let indices = self.connections.peers.indices();
        for index in indices.into_iter().filter(|index| *index >= from) {
            if batch.moved.len() == most {
                batch.next = Some(index);
                break;
            }
            let Ok(snapshot) = self.snapshot(index) else {
                continue;
            };
            match self.connections.out.sockets.movable().lend(index) {
                Ok(socket) => {
                    let record = snapshot.write();
                    batch.moved.push(Moved { socket, record });
                    self.moving.lent.push(index);
                }
                Err(error) => log::warn!("a connection cannot be handed over: {error}"),
            }
        }
        batch
    }

    /// Goes on, or begins.
    // req: push-upgrade-02
    pub(crate) fn go(&mut self) {
        let was = self.moving.rest.take();
        self.moving.lent.clear();
        if mem::take(&mut self.moving.stop_later) {
            self.stop();
        }
        if was != Some(Rest::All) {
            return;
        }
        let Connections { peers, out, .. } = &mut self.connections;
        out.sockets.movable().own_paths(true);
        for index in peers.indices() {
            if let Some(peer) = peers.at(index) {
                out.flush(peer);
                out.lists.push_ready(peer);
                out.lists.touch(peer);
            }
        }
    }

    /// The other process has what was lent; the rest ends.
    pub(crate) fn leave(&mut self) {
        self.moving.rest = None;
        let Connections { peers, out, .. } = &mut self.connections;
        for index in self.moving.lent.drain(..) {
            if let Some(mut peer) = peers.remove(index) {
                out.forget(&mut peer);
                out.sockets.movable().let_go(index);
            }
        }
        out.sockets.movable().own_paths(false);
        self.moving.farewell = SUCCEEDED;
        self.stop();
    }

    /// Makes a peer of what another process has sent; `None` if that is not possible here.
    pub(crate) fn adopt(&mut self, moved: Moved) -> Option<()> {
        let snapshot = Snapshot::read(&moved.record)?;
        let Connections { peers, out, .. } = &mut self.connections;
        let index = peers.vacant();
        if let Err(error) = out.sockets.movable().adopt(index, moved.socket) {
            log::warn!("a connection cannot be taken over: {error}");
            return None;
        }
        let peer = peers.insert(Peer::new(phase(out, &snapshot), out.options.overflow));
        peer.tag = snapshot.tag;
        if !snapshot.sends_close {
            peer.flags.closing = Closing::WithoutClose;
        }
        let id = peer.id(out.worker);
        let restored = restore(out, peer, &snapshot);
        if restored.is_none() {
            self.disown(id);
            return None;
        }
        arm(peer, out, &mut self.wheel);
        let is_open = matches!(peer.phase, Phase::Open(_));
        if let Some(record) = &snapshot.service {
            peer.flags.announced = true;
            let context = &mut Context::new(&mut self.connections);
            if !self.service.import(context, id, record) {
                self.disown(id);
                return None;
            }
        }
        let metrics = &self.connections.out.metrics;
        metrics.accepted.add(1);
        metrics.opened.add(is_open.into());
        Some(())
    }

    /// The other process keeps it.
    fn disown(&mut self, id: PeerId) {
        let Connections { peers, out, .. } = &mut self.connections;
        if let Some(mut peer) = peers.remove(id.index) {
            out.forget(&mut peer);
            out.sockets.movable().let_go(id.index);
        }
    }
}

/// What the connection does, as if that had just begun.
fn phase(out: &Output, snapshot: &Snapshot) -> Phase {
    match &snapshot.kind {
        Kind::Http { waited } => Phase::Http {
            since: out.now.saturating_sub(*waited),
            waits: match snapshot.again.is_empty() {
                true => HttpWait::Next,
                false => HttpWait::Head,
            },
        },
        Kind::Stream { chunked, close } => Phase::Http {
            since: out.now,
            waits: HttpWait::Stream {
                chunked: *chunked,
                close: *close,
            },
        },
        Kind::Open {
            delivery,
            message_limit,
            deflate,
        } => {
            let limits = &out.options.limits.protocol;
            let mut connection = Connection::new(Role::Server, limits, out.now);
            if deflate.is_some() {
                connection = connection.with_deflate();
            }
            if *delivery == Delivery::Chunks {
                connection.lift_message_limits();
            } else if connection.message_limit() != *message_limit {
                connection.set_message_limit(*message_limit);
            }
            Phase::Open(connection)
        }
    }
}

/// What waits in either direction, and what the connection has agreed to.
fn restore(out: &mut Output, peer: &mut Peer, snapshot: &Snapshot) -> Option<()> {
    let index = peer.index;
    if snapshot.input.len() > out.options.receive_buffer {
        return None;
    }
    if let Some(port) = snapshot.redirect {
        out.redirects.insert(index, port);
    }
    let remote = out.sockets.remote(index);
    let address = match snapshot.client {
        Some(client) => {
            out.addresses.set_client(index, client);
            client
        }
        None => remote,
    };
    // It counts, but it is not refused.
    let _ = out.addresses.admit(index, address, &out.options.limits);
    if let Kind::Open {
        delivery, deflate, ..
    } = &snapshot.kind
    {
        peer.delivery = *delivery;
        if let Some(deflate) = deflate {
            let pool = out.served_pool()?;
            let (terms, session) = deflate.restore(pool)?;
            peer.terms = terms;
            if !session.is_empty() {
                out.cold.of(peer).deflate.session = session;
            }
        }
    }
    read_again(out, peer, &snapshot.again)?;
    if !snapshot.input.is_empty() {
        out.cold.of(peer).tail.extend_from_slice(&snapshot.input);
    }
    if !snapshot.output.is_empty() {
        let cold = out.cold.of(peer);
        cold.queue.push_own(&snapshot.output, true);
        cold.progress = out.now;
    }
    let is_open = matches!(peer.phase, Phase::Open(_));
    if is_open && !(snapshot.again.is_empty() && snapshot.input.is_empty()) {
        out.cold.of(peer).unfinished = Some(out.now);
    }
    out.cold.charge(peer);
    Some(())
}

/// Reads what the other process has read of a message or head that is not whole.
fn read_again(out: &mut Output, peer: &mut Peer, again: &[u8]) -> Option<()> {
    if again.is_empty() {
        return Some(());
    }
    let Phase::Open(connection) = &mut peer.phase else {
        let http = &mut out.cold.of(peer).http;
        let fed = http.feed(again, &out.options.limits.head);
        return (fed == Ok((again.len(), Step::More))).then_some(());
    };
    let (mut bytes, mut at) = (again.to_vec(), 0);
    // If it fails here, no Close may leave: the other process keeps the connection.
    let mut outbox = Outbox::new();
    let mut pieces = Vec::new();
    while at < bytes.len() {
        let received = connection.receive(&mut bytes[at..], &mut outbox);
        if received.consumed == 0 {
            return None;
        }
        at += received.consumed;
        match received.event {
            None => {}
            Some(Event::Piece(piece)) if !piece.last && !piece.compressed => {
                pieces.extend_from_slice(piece.bytes);
            }
            Some(_) => return None,
        }
    }
    if !pieces.is_empty() {
        let len = pieces.len();
        out.cold.of(peer).assembler = crate::proto::Assembler::adopt(pieces, 0..len);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::testing::{Network, Received};
    use crate::net::{Options, Reply, Request};
    use crate::proto::Message;

    struct Opening;

    impl Service for Opening {
        type Mail = ();

        fn request<'r>(
            &mut self,
            _: &mut Context<'_>,
            _: PeerId,
            request: &Request<'r>,
        ) -> Reply<'r> {
            request.upgrade().map(|opening| opening.accept(None)).into()
        }

        fn message(&mut self, _: &mut Context<'_>, _: PeerId, _: Message<'_>) {}

        fn export(&mut self, _: &mut Context<'_>, _: PeerId) -> Export {
            Export::Record(Vec::new())
        }

        fn import(&mut self, _: &mut Context<'_>, _: PeerId, _: &[u8]) -> bool {
            true
        }
    }

    /// What it has received breaks a rule here, such as a limit of this process.
    #[test]
    fn a_connection_that_cannot_be_adopted_leaves_nothing_to_others() {
        let network = Network::new();
        let mut server = network.serve(Options::default(), |_| Opening);
        let mut peers = [server.open("/"), server.open("/")];
        let mut moved = server.lend();
        let mut snapshot = Snapshot::read(&moved[1].record).expect("a record");
        snapshot.again = vec![0xF1, 0x80, 0, 0, 0, 0];
        moved[1].record = snapshot.write();
        let mut next = network.serve(Options::default(), |_| Opening);
        assert_eq!(next.adopt(moved), 1);
        next.run();
        peers[0].ping(b"still here");
        next.run();
        assert_eq!(peers[0].received(), [Received::Pong(b"still here".into())]);
        assert_eq!(peers[1].received(), []);
    }
}
