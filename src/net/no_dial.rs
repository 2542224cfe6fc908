//! In place of `dial` where the feature `client` is off: the loop opens no connections.

use crate::net::core::Core;
use crate::net::event_loop::EventLoop;
use crate::net::input::Reader;
use crate::net::peer::Peer;
use crate::net::service::Service;
use crate::proto::Millis;

/// Servers need no masking keys.
pub(super) type Source = crate::wire::NoEntropy;

#[derive(Debug)]
pub(super) enum Dialing {}

#[derive(Debug, Default)]
pub(super) struct Dials {}

impl Dials {
    pub(super) fn deadline(&self) -> Option<Millis> {
        None
    }
}

impl Dialing {
    pub(super) fn deadline(&self) -> Millis {
        match *self {}
    }

    pub(super) fn receive_eof(&mut self) {}

    pub(super) fn timed_out(&mut self) {}
}

impl<S: Service> EventLoop<S> {
    pub(super) fn dial(&mut self) {}

    pub(super) fn removed(&mut self, _: u32, _: Peer) {}
}

impl<S: Service> Reader<'_, S> {
    pub(super) fn answer(&mut self, _: u32, end: usize) -> usize {
        end
    }
}

impl Core {
    pub(super) fn dialled(&mut self, _: u32) -> bool {
        true
    }

    pub(super) fn forget_dial(&mut self, _: u32) {}
}
