//! In place of `sessions` where the feature `tls` is off: no connection is encrypted.

use crate::net::sockets::Received;
use mio::net::TcpStream;
use std::io::{self, IoSlice};

/// Cannot exist, so no listener has one.
#[derive(Clone, Debug)]
pub(super) enum Acceptor {}

#[derive(Debug, Default)]
pub(super) struct Sessions {}

impl Sessions {
    pub(super) fn begin_turn(&mut self) {}

    pub(super) fn accept(&mut self, _: u32, acceptor: &Acceptor) {
        match *acceptor {}
    }

    pub(super) fn has(&self, _: u32) -> bool {
        false
    }

    pub(super) fn held(&self) -> usize {
        0
    }

    pub(super) fn handshakes(&self) -> u64 {
        0
    }

    pub(super) fn held_by(&self, _: u32) -> usize {
        0
    }

    pub(super) fn close(&mut self, _: u32) {}

    pub(super) fn read(
        &mut self,
        _: u32,
        _: &mut TcpStream,
        _: &mut [u8],
        _: bool,
    ) -> io::Result<Received> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn write(
        &mut self,
        _: u32,
        _: &mut TcpStream,
        _: &[IoSlice<'_>],
    ) -> io::Result<usize> {
        Err(io::ErrorKind::Unsupported.into())
    }

    pub(super) fn flush(&mut self, _: u32, _: &mut TcpStream) {}

    pub(super) fn shut_down(&mut self, _: u32, _: &mut TcpStream) {}
}
