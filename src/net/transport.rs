//! What a peer reads from and writes to.
//!
//! Plain TCP is the only kind now. It is an enum, so that another kind (TLS) is another variant
//! and not another event loop.

use crate::tap::Tapped;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};

/// One connected socket, never blocking.
#[derive(Debug)]
pub(super) enum Transport {
    Plain(TcpStream),
}

impl Transport {
    /// Asks for both directions, edge-triggered, once and for all: no system call on interest is
    /// made for this socket again.
    pub(super) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let Self::Plain(stream) = self;
        registry.register(stream, token, Interest::READABLE | Interest::WRITABLE)
    }

    /// Begins to connect; writable means that it is decided.
    #[cfg(feature = "client")]
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self::Plain(stream))
    }

    /// Whether connecting has succeeded; `None` while it is not decided.
    #[cfg(feature = "client")]
    pub(super) fn connected(&self) -> io::Result<Option<()>> {
        let Self::Plain(stream) = self;
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(Some(())),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Reads once; `tap` is shown what came.
    #[inline]
    pub(super) fn read(&mut self, into: &mut [u8], tap: Option<&Tapped>) -> io::Result<usize> {
        let Self::Plain(stream) = self;
        let read = stream.read(into);
        if let (Some(tap), Ok(n)) = (tap, &read) {
            tap.received(&into[..*n]);
        }
        read
    }

    /// Writes once; `tap` is shown what left.
    #[inline]
    pub(super) fn write_vectored(
        &mut self,
        slices: &[IoSlice<'_>],
        tap: Option<&Tapped>,
    ) -> io::Result<usize> {
        let Self::Plain(stream) = self;
        let written = match slices {
            [one] => stream.write(one),
            several => stream.write_vectored(several),
        };
        if let (Some(tap), Ok(n)) = (tap, &written) {
            show(tap, slices, *n);
        }
        written
    }

    /// Says that nothing more will be sent. Errors mean that the peer is gone, which the next
    /// read tells too.
    pub(super) fn shutdown_write(&mut self) {
        let Self::Plain(stream) = self;
        let _ = stream.shutdown(Shutdown::Write);
    }

    pub(super) fn peer_addr(&self) -> Option<SocketAddr> {
        let Self::Plain(stream) = self;
        stream.peer_addr().ok()
    }

    pub(super) fn local_addr(&self) -> Option<SocketAddr> {
        let Self::Plain(stream) = self;
        stream.local_addr().ok()
    }
}

/// Shows the first `left` bytes of the slices.
#[cold]
fn show(tap: &Tapped, slices: &[IoSlice<'_>], mut left: usize) {
    for slice in slices {
        let part = left.min(slice.len());
        tap.sent(&slice[..part]);
        left -= part;
    }
}
