//! In place of `dialing` where the feature `client` is off: the loop opens no connections.

use crate::proto::Millis;

#[derive(Debug)]
pub(crate) enum Dialing {}

impl Dialing {
    pub(crate) fn deadline(&self) -> Millis {
        match *self {}
    }

    pub(crate) fn receive_eof(&mut self) {
        match *self {}
    }

    pub(crate) fn insecure(&mut self, _: std::io::Error) {
        match *self {}
    }

    pub(crate) fn timed_out(&mut self) {
        match *self {}
    }
}

#[derive(Debug, Default)]
pub(crate) struct Dials {}

impl Dials {
    pub(crate) fn deadline(&self) -> Option<Millis> {
        None
    }

    pub(crate) fn forget(&mut self, _: u32) {}

    pub(crate) fn ended(&mut self, _: u32, _: Millis, _: bool) {}

    pub(crate) fn clear(&mut self) {}
}
