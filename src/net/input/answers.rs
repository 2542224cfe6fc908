//! Bytes of a server that we have dialled → the end of its opening handshake (RFC 6455 section
//! 4.1).
//!
//! Checking the answer is left to `client`.

use crate::client::open::{BODY_GRACE_MS, Opened, Progress};
use crate::client::{self, Error};
use crate::deflate::{Budget, Params, Pool};
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
    /// Bytes of a server that has not opened the WebSocket yet; returns how many were consumed.
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
            Ok(Progress::Secure) => {
                match out.secure(peer) {
                    Ok(()) => out.put(peer, &reply),
                    Err(error) => out.dial_error(peer, error),
                }
                end
            }
            Ok(Progress::More) => {
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
            Ok(Progress::Opened(opened)) => {
                let rest = opened.rest.len();
                match open_dialled(out, peer, dials, &opened) {
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

/// Frames from here on.
fn open_dialled(
    out: &mut Output,
    peer: &mut Peer,
    dials: &mut Dials,
    opened: &Opened,
) -> Result<(), Error> {
    let Phase::Dial(dialing) = &peer.phase else {
        return Err(Error::Lost(None));
    };
    let dial = dialing.attempt.dial.clone();
    let failed = dialing.attempt.failed;
    let terms = agree(out, peer, &dial.endpoint.options, opened.deflate)?;
    let mut connection = Connection::new(Role::Client, &out.options.limits.protocol, out.now);
    if terms.is_some() {
        connection = connection.with_deflate();
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
    dials.keep(peer.index, dial, failed, out.now);
    out.metrics.dialled.add(1);
    out.metrics.opened.add(1);
    out.lists.touch(peer);
    Ok(())
}

/// What a server that we have dialled has agreed to.
fn agree(
    out: &mut Output,
    peer: &mut Peer,
    options: &client::Options,
    agreed: Option<DeflateTerms>,
) -> Result<Terms, Error> {
    let (Some(terms), Some(settings)) = (agreed, options.deflate_settings()) else {
        return Ok(None);
    };
    let new = || Pool::new(settings, Budget::new(settings.budget));
    let pool = out.compression.pool.get_or_insert_with(new);
    let budget = pool.budget().clone();
    let params = Params::client(&terms);
    match out.has_memory(peer, &params, &budget) {
        true => Ok(Some(params)),
        false => Err(Error::Budget),
    }
}
