//! Bytes of a server that we have dialled → the end of its opening handshake (RFC 6455 section
//! 4.1).
//!
//! What the answer must be is left to `client`.

use crate::client::open::{BODY_GRACE_MS, Opened};
use crate::client::{self, Error};
use crate::deflate::{Budget, Link, Pool};
use crate::handshake::DeflateTerms;
use crate::net::conn::deflate::Terms;
use crate::net::conn::dialing::Dials;
use crate::net::conn::peer::{Peer, Phase};
use crate::net::connections::Connections;
use crate::net::context::Context;
use crate::net::input::Reader;
use crate::net::output::Output;
use crate::net::service::Service;
use crate::proto::{Connection, Role};

impl<S: Service> Reader<'_, S> {
    /// Bytes of a server that has not opened the WebSocket yet; returns how many are done with.
    pub(super) fn answer(&mut self, index: u32, end: usize) -> usize {
        let Connections {
            peers, out, dials, ..
        } = &mut *self.connections;
        let Some(peer) = peers.at(index) else {
            return end;
        };
        let Phase::Dial(dialing) = &mut peer.phase else {
            return 0;
        };
        let mut reply = Vec::new();
        let answered = dialing.opening.is_settled();
        let endpoint = &dialing.attempt.dial.endpoint;
        let received = dialing
            .opening
            .receive(endpoint, &self.buffer[..end], &mut reply);
        match received {
            Ok(None) => {
                if dialing.opening.is_settled() && !answered {
                    // Only a body is missing.
                    dialing.deadline = dialing.deadline.min(out.now + BODY_GRACE_MS);
                    out.lists.touch(peer);
                }
                if !reply.is_empty() {
                    out.put(peer, &reply);
                }
                end
            }
            Ok(Some(opened)) => {
                let rest = opened.rest.len();
                match out.open_dialled(peer, dials, &opened) {
                    Ok(()) => {
                        let id = peer.id(out.worker);
                        self.service.opened(&mut Context::new(self.connections), id);
                    }
                    Err(error) => out.dial_error(peer, error),
                }
                end - rest
            }
            Err(error) => {
                out.dial_error(peer, error);
                end
            }
        }
    }
}

impl Output {
    /// The attempt has failed; the service is told when the peer is removed.
    pub(crate) fn dial_error(&mut self, peer: &mut Peer, error: Error) {
        if let Phase::Dial(dialing) = &mut peer.phase {
            dialing.error = Some(error);
        }
        self.lists.remove_soon(peer);
    }

    /// Frames from here on.
    fn open_dialled(
        &mut self,
        peer: &mut Peer,
        dials: &mut Dials,
        opened: &Opened,
    ) -> Result<(), Error> {
        let Phase::Dial(dialing) = &peer.phase else {
            return Err(Error::Lost(None));
        };
        let dial = dialing.attempt.dial.clone();
        let failed = dialing.attempt.failed;
        let terms = self.agree(peer, &dial.endpoint.options, opened.deflate)?;
        let mut connection = Connection::new(Role::Client, &self.options.limits, self.now);
        if terms.is_some() {
            connection.enable_compression();
        }
        if dial.delivery == crate::net::Delivery::Chunks {
            connection.lift_message_limits();
        }
        peer.terms = terms;
        peer.tag = dial.tag;
        peer.delivery = dial.delivery;
        peer.flags.announced = true;
        peer.phase = Phase::Open(connection); // The permit of the attempt ends here.
        dials.look();
        dials.choose(peer.index, opened.subprotocol.as_deref());
        dials.keep(peer.index, dial, failed, self.now);
        self.metrics.dialled.add(1);
        self.metrics.opened.add(1);
        self.lists.touch(peer);
        Ok(())
    }

    /// What a server that we have dialled has agreed to.
    fn agree(
        &mut self,
        peer: &mut Peer,
        options: &client::Options,
        agreed: Option<DeflateTerms>,
    ) -> Result<Terms, Error> {
        let (Some(terms), Some(settings)) = (agreed, options.deflate()) else {
            return Ok(None);
        };
        let new = || Pool::new(settings, Budget::new(settings.budget));
        let pool = self.compression.pool.get_or_insert_with(new);
        let budget = pool.budget().clone();
        let link = Link::client(&terms);
        match self.has_memory(peer, &link, &budget) {
            true => Ok(Some(link)),
            false => Err(Error::Budget),
        }
    }
}
