//! What the engine needs from the owner of the sockets: the driver, or a simulation.
//!
//! Input: the number of a connection, the same that the engine gave it. Output: bytes, errors,
//! addresses. Nothing here blocks. Invariant: whether more can be read and whether output waits
//! below is reported here, never inferred from a length, so that a transport may have its own
//! records (TLS).

use crate::proto::Role;
use crate::tap::Tap;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::sync::Arc;

/// The result of one read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Received {
    /// Bytes; 0 at the end of the stream.
    pub(crate) len: usize,
    /// More may already be there: read again, as no event will announce it.
    pub(crate) more: bool,
}

/// What happened to a socket.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ready {
    pub(crate) readable: bool,
    pub(crate) writable: bool,
    /// The peer ended its side, or the connection was reset: read until that comes.
    pub(crate) hung_up: bool,
    /// The connection was reset, or both sides have ended.
    pub(crate) broken: bool,
}

/// The sockets of one loop, by the numbers of its peers.
pub(crate) trait Sockets: fmt::Debug {
    /// Takes a connection that waits at this listener, under the number `index`; returns its remote
    /// address, if it has one. [`io::ErrorKind::WouldBlock`] if none waits,
    /// [`io::ErrorKind::ConnectionAborted`] if it had already gone.
    fn accept(&mut self, listener: usize, index: u32) -> io::Result<Option<SocketAddr>>;

    /// Stops accepting: the ports become free.
    fn stop_listening(&mut self);

    /// Reads once. [`io::ErrorKind::WouldBlock`] if nothing is there.
    fn read(&mut self, index: u32, into: &mut [u8]) -> io::Result<Received>;

    /// Writes once; 0 bytes if there is no room for any.
    fn write(&mut self, index: u32, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// Nothing more will be sent. Errors mean that the peer is gone, which the next read reports
    /// too.
    fn shutdown_write(&mut self, index: u32);

    /// The connection has ended.
    fn close(&mut self, index: u32);

    /// The address of the other end; `None` if it has none.
    fn remote(&self, index: u32) -> Option<SocketAddr>;

    /// A connection is established, by either side: `tap` is shown its bytes.
    fn show(&mut self, index: u32, role: Role, tap: &Arc<dyn Tap>);

    /// Begins to connect; writable means that the outcome is known.
    #[cfg(feature = "client")]
    fn connect(&mut self, index: u32, address: SocketAddr) -> io::Result<()>;

    /// Runs a job that may block on another thread.
    #[cfg(feature = "client")]
    fn run(&mut self, job: Box<dyn FnOnce() + Send>);

    /// Whether connecting has succeeded; `None` while the outcome is unknown.
    #[cfg(feature = "client")]
    fn connected(&mut self, index: u32) -> io::Result<Option<()>>;
}

pub(crate) fn is_transient(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
