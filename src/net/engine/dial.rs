//! Connections that the loop opens itself, and reopens: RFC 6455 sections 4.1 and 7.2.3.
//!
//! Input: what waits in `Dials`. Output: a peer in the phase Open, or the reason why there is none.
//! Invariant: each dial ends in one `opened` or one `not_opened` of the service, unless the loop
//! stops first.

use crate::client::Endpoint;
use crate::client::Error;
use crate::client::open::Opening;
use crate::net::conn::dialing::{Attempt, Dialing};
use crate::net::conn::peer::{Peer, Phase};
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::engine::Engine;
use crate::net::engine::deadlines::arm;
use crate::net::mailbox::Mailbox;
use crate::net::output::Output;
use crate::net::service::Service;
use crate::proto::{Millis, Role};
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;

/// A look-up that reports a result when it is dropped, whether or not it ran.
struct LookUp<M> {
    mailbox: Mailbox<M>,
    number: u64,
    addresses: Option<Vec<SocketAddr>>,
}

impl<M> Drop for LookUp<M> {
    fn drop(&mut self) {
        let addresses = self.addresses.take();
        self.mailbox.post_addresses(self.number, addresses);
    }
}

impl<S: Service> Engine<S> {
    /// Begins the attempts that are due.
    pub(super) fn dial(&mut self) {
        let now = self.connections.out.now;
        if !self.connections.dials.is_due(now) {
            return;
        }
        while let Some((number, endpoint)) = self.connections.dials.next_lookup(now) {
            self.look_up(number, endpoint);
        }
        for (mut attempt, permit) in self.connections.dials.next(now) {
            let deadline = attempt.begin(now);
            let mut first = Vec::new();
            match Opening::new(&attempt.dial.endpoint, &mut first) {
                Err(error) => self.dial_failed(attempt, error),
                Ok(opening) => {
                    let dialing = Dialing {
                        deadline,
                        attempt,
                        opening,
                        first,
                        error: None,
                        cancelled: false,
                        _permit: permit,
                    };
                    self.connect(dialing);
                }
            }
        }
    }

    /// Looks up the server again, as its address may have changed. That may take as long as the
    /// system's resolver needs.
    fn look_up(&mut self, number: u64, endpoint: Arc<Endpoint>) {
        let mut answer = LookUp {
            mailbox: self.mailbox().clone(),
            number,
            addresses: None,
        };
        self.connections.out.sockets.run(Box::new(move || {
            match endpoint.look_up() {
                Ok(addresses) => answer.addresses = Some(addresses),
                Err(error) => log::debug!("trying the addresses from before: {error}"),
            }
            drop(answer);
        }));
    }

    fn connect(&mut self, dialing: Dialing) {
        let Connections { peers, out, .. } = &mut self.connections;
        let address = dialing.attempt.current();
        let phase = Phase::Dial(Box::new(dialing));
        let peer = peers.insert(Peer::new(phase, out.options.overflow));
        match out.sockets.connect(peer.index, address) {
            Ok(()) => arm(peer, out, &mut self.wheel),
            Err(error) => out.dial_error(peer, Error::Connect(error)),
        }
    }

    /// A peer has been removed, which may have been an attempt.
    pub(super) fn removed(&mut self, peer: Peer) {
        if let Phase::Dial(dialing) = peer.phase {
            let Dialing { attempt, error, .. } = *dialing;
            if dialing.cancelled {
                return self.connections.dials.look();
            }
            self.dial_failed(attempt, error.unwrap_or(Error::Lost(None)));
        }
    }

    /// Continues with the next address, or later, or not at all.
    fn dial_failed(&mut self, mut attempt: Attempt, error: Error) {
        let Connections {
            dials,
            out,
            stopping,
            ..
        } = &mut self.connections;
        if *stopping {
            return;
        }
        // Its permit was given back: an attempt that waits for the same server may begin.
        dials.look();
        attempt.address += 1;
        let took: Millis = out.now.saturating_sub(attempt.began);
        attempt.left = attempt.left.saturating_sub(took);
        let unreachable = matches!(error, Error::Connect(_));
        if unreachable && attempt.address < attempt.addresses.len() {
            return dials.enqueue(attempt);
        }
        let tag = attempt.dial.tag;
        dials.postpone(attempt, out.now);
        let context = &mut Context::new(&mut self.connections);
        self.service.not_opened(context, tag, &error);
    }
}

/// The socket of a peer is ready. If it was connecting, returns whether it is connected now.
#[inline]
pub(super) fn dialled(out: &mut Output, peer: &mut Peer) -> bool {
    let Phase::Dial(dialing) = &mut peer.phase else {
        return true;
    };
    if !dialing.is_connecting() {
        return true;
    }
    match out.sockets.connected(peer.index) {
        Ok(None) => return false,
        Ok(Some(())) => {
            let own = dialing.attempt.dial.endpoint.options.tap.as_ref();
            if let Some(tap) = own.or(out.options.tap.as_ref()) {
                out.sockets.show(peer.index, Role::Client, tap);
            }
            // The handshake gets all the remaining time, as no other address will be tried.
            dialing.deadline = dialing.attempt.began + dialing.attempt.left;
            let first = mem::take(&mut dialing.first);
            let begun = match Opening::is_secure_at_once(&dialing.attempt.dial.endpoint) {
                true => out.secure(peer),
                false => Ok(()),
            };
            match begun {
                Ok(()) => out.put(peer, &first),
                Err(error) => out.dial_error(peer, error),
            }
        }
        Err(error) => out.dial_error(peer, Error::Connect(error)),
    }
    true
}
