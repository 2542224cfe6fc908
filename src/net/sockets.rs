//! What the engine needs from the owner of the sockets: the driver, or a simulation.
//!
//! Input: the number of a connection, the same that the engine gave it. Output: bytes, errors,
//! addresses. Nothing here blocks. Invariant: whether more can be read and whether output waits
//! below is reported here, never inferred from a length, so that a transport may have its own
//! records (TLS).

#[cfg(feature = "take-over")]
use crate::net::moving::Movable;
use crate::proto::Role;
use crate::tap::Tap;
#[cfg(all(feature = "client", feature = "tls"))]
use crate::tls::SecureServer;
#[cfg(feature = "tls")]
use crate::tls::rustls::pki_types::CertificateDer;
use std::fmt;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::num::NonZeroU16;
use std::sync::Arc;

/// The result of one read. With `more`, more may already be there: read again, as no event will
/// announce it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Received {
    /// This many bytes, at least one.
    Bytes { len: usize, more: bool },
    /// Only bytes of a layer below, such as a part of a TLS record. Something may have become
    /// possible to write.
    #[cfg(feature = "tls")]
    Progress { more: bool },
    /// The peer sends no more.
    End,
}

/// A connection that was accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Accepted {
    /// The address of the other end, if it has one.
    pub(crate) remote: Option<SocketAddr>,
    /// Requests are sent to this port, over TLS.
    pub(crate) redirect: Option<NonZeroU16>,
}

/// What the sockets of one loop have done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SocketCounts {
    /// In the order in which they were given.
    pub listeners: Vec<ListenerCounts>,
    /// TLS handshakes that were completed, in either role.
    pub handshakes: u64,
}

/// The connections of one listener.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ListenerCounts {
    /// Its address, or `unix:` and its path.
    pub name: Arc<str>,
    /// `tcp`, `tls` or `unix`.
    pub transport: &'static str,
    /// Connections that it has accepted.
    pub accepted: u64,
    /// Those of them that have ended.
    pub ended: u64,
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
    /// A turn begins.
    fn begin_turn(&mut self) {}

    /// Takes a connection that waits at this listener, under the number `index`.
    /// [`io::ErrorKind::WouldBlock`] if none waits,
    /// [`io::ErrorKind::ConnectionAborted`] if it had already gone.
    fn accept(&mut self, listener: usize, index: u32) -> io::Result<Accepted>;

    /// Stops accepting: the ports become free.
    fn stop_listening(&mut self);

    /// Reads once. [`io::ErrorKind::WouldBlock`] if nothing is there;
    /// [`io::ErrorKind::InvalidData`] if the layer below has failed and told the peer so.
    fn read(&mut self, index: u32, into: &mut [u8]) -> io::Result<Received>;

    /// Writes once; 0 bytes if there is no room for any.
    fn write(&mut self, index: u32, parts: &[IoSlice<'_>]) -> io::Result<usize>;

    /// The socket has become writable: what the layer below (TLS) still holds is sent.
    fn flush(&mut self, _index: u32) {}

    /// What has been accepted, by listener, and TLS handshakes.
    fn counts(&self) -> SocketCounts {
        SocketCounts::default()
    }

    /// Whether it is encrypted.
    fn is_secure(&self, _index: u32) -> bool {
        false
    }

    /// Bytes held below, for all connections.
    fn held(&self) -> usize {
        0
    }

    /// Bytes held below for this one.
    fn held_by(&self, _index: u32) -> usize {
        0
    }

    /// The certificates that the other end has shown, its own first.
    #[cfg(feature = "tls")]
    fn peer_certificates(&self, _index: u32) -> Option<&[CertificateDer<'static>]> {
        None
    }

    /// Nothing more will be sent. Errors mean that the peer is gone, which the next read reports
    /// too.
    fn shutdown_write(&mut self, index: u32);

    /// The connection has ended.
    fn close(&mut self, index: u32);

    /// The same sockets, which can go on in another process.
    #[cfg(feature = "take-over")]
    fn movable(&mut self) -> &mut dyn Movable;

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

    /// What is sent from here on is encrypted for the server of this endpoint.
    #[cfg(all(feature = "client", feature = "tls"))]
    fn secure(&mut self, _index: u32, _server: &SecureServer) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }

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
