//! In place of `sessions` where the feature `tls` is off: no connection is encrypted.

use crate::net::secure::socket::Socket;
use crate::net::sockets::Received;
use std::io::{self, IoSlice};
use std::time::Duration;

/// Cannot exist, so no listener has one.
#[derive(Clone, Debug)]
pub(crate) enum Acceptor {}

#[derive(Debug, Default)]
pub(crate) struct Sessions {}

impl Sessions {
    pub(crate) fn simulated(_: Duration) -> Self {
        Self {}
    }

    pub(crate) fn begin_turn(&mut self) {}

    pub(crate) fn accept(&mut self, _: u32, acceptor: &Acceptor) {
        match *acceptor {}
    }

    pub(crate) fn has(&self, _: u32) -> bool {
        false
    }

    pub(crate) fn held(&self) -> usize {
        0
    }

    pub(crate) fn handshakes(&self) -> u64 {
        0
    }

    pub(crate) fn held_by(&self, _: u32) -> usize {
        0
    }

    pub(crate) fn close(&mut self, _: u32) {}

    pub(crate) fn read(
        &mut self,
        _: u32,
        _: &mut impl Socket,
        _: &mut [u8],
        _: bool,
    ) -> io::Result<Received> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn write(
        &mut self,
        _: u32,
        _: &mut impl Socket,
        _: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(crate) fn flush(&mut self, _: u32, _: &mut impl Socket) {}

    pub(crate) fn shut_down(&mut self, _: u32, _: &mut impl Socket) {}
}
