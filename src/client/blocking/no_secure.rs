//! In place of `secure` where the feature `tls` is off: no stream is encrypted.

use crate::client::blocking::transport::Received;
use std::io;
use std::net::{Shutdown, TcpStream};

/// There is none.
#[derive(Debug)]
pub(super) enum Secure {}

impl Secure {
    pub(super) fn tcp(&self) -> &TcpStream {
        match *self {}
    }

    pub(super) fn read(&self, _: &mut [u8]) -> io::Result<Received> {
        match *self {}
    }

    pub(super) fn write(&self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    pub(super) fn write_all(&self, _: &[u8]) -> io::Result<()> {
        match *self {}
    }

    pub(super) fn shutdown(&self, _: Shutdown) {
        match *self {}
    }
}
