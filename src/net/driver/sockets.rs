//! The sockets of one loop: non-blocking, registered once, edge-triggered.
//!
//! Input: calls of the engine by number. Output: system calls, one each. Invariant: the interest of
//! a socket is set when it is registered and never again. Kinds of sockets are variants of
//! [`Socket`], so that another one is not another event loop.

use crate::net::driver::listeners::{Listener, ListenerKind};
use crate::net::driver::taps::Taps;
use crate::net::sockets::{Received, Sockets};
use crate::proto::Role;
use crate::tap::Tap;
use mio::net::TcpStream;
#[cfg(unix)]
use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

/// One connected socket.
#[derive(Debug)]
pub(super) enum Socket {
    Tcp(TcpStream),
    #[cfg(unix)]
    Unix(UnixStream),
}

impl Socket {
    /// Asks for both directions, once and for all.
    fn register(&mut self, registry: &Registry, index: u32) -> io::Result<()> {
        let both = Interest::READABLE | Interest::WRITABLE;
        let token = Token(index as usize);
        match self {
            Self::Tcp(stream) => registry.register(stream, token, both),
            #[cfg(unix)]
            Self::Unix(stream) => registry.register(stream, token, both),
        }
    }

    #[inline]
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(into),
            #[cfg(unix)]
            Self::Unix(stream) => stream.read(into),
        }
    }

    #[inline]
    fn write(&mut self, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        match (self, parts) {
            (Self::Tcp(stream), [one]) => stream.write(one),
            (Self::Tcp(stream), several) => stream.write_vectored(several),
            #[cfg(unix)]
            (Self::Unix(stream), several) => stream.write_vectored(several),
        }
    }

    fn shutdown_write(&self) {
        let _ = match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            #[cfg(unix)]
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    fn remote(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.peer_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }

    fn local(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(stream) => stream.local_addr().ok(),
            #[cfg(unix)]
            Self::Unix(_) => None,
        }
    }
}

/// All sockets of a loop, and what it listens on.
#[derive(Debug)]
pub(super) struct SystemSockets {
    registry: Registry,
    listeners: Vec<Listener>,
    /// By the number of the peer.
    sockets: Vec<Option<Socket>>,
    taps: Taps,
    /// Let go of once nothing listens any more.
    open: Option<Arc<()>>,
    /// Read until the socket says that nothing is left, instead of until it gave less than there
    /// was room for.
    strict_drain: bool,
}

impl SystemSockets {
    pub(super) fn new(
        registry: Registry,
        (mut listeners, open): (Vec<Listener>, Arc<()>),
        strict_drain: bool,
    ) -> io::Result<Self> {
        for (number, listener) in listeners.iter_mut().enumerate() {
            listener.register(&registry, number)?;
        }
        Ok(Self {
            registry,
            listeners,
            sockets: Vec::new(),
            taps: Taps::default(),
            open: Some(open),
            strict_drain,
        })
    }

    #[inline]
    fn at(&mut self, index: u32) -> io::Result<&mut Socket> {
        let socket = self.sockets.get_mut(index as usize);
        let socket = socket.and_then(Option::as_mut);
        socket.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn insert(&mut self, index: u32, mut socket: Socket) -> io::Result<()> {
        socket.register(&self.registry, index)?;
        let index = index as usize;
        if self.sockets.len() <= index {
            self.sockets.resize_with(index + 1, || None);
        }
        self.sockets[index] = Some(socket);
        Ok(())
    }
}

impl Sockets for SystemSockets {
    fn accept(&mut self, listener: usize, index: u32) -> io::Result<Option<SocketAddr>> {
        let Some(listener) = self.listeners.get(listener) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let (socket, address) = match &listener.kind {
            ListenerKind::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                (Socket::Tcp(stream), Some(address))
            }
            #[cfg(unix)]
            ListenerKind::Unix(listener) => (Socket::Unix(listener.accept()?.0), None),
        };
        match self.insert(index, socket) {
            Ok(()) => Ok(address),
            // Not the listener's fault: as if the peer had gone already.
            Err(error) => {
                log::warn!("cannot watch a connection: {error}");
                Err(io::ErrorKind::ConnectionAborted.into())
            }
        }
    }

    fn stop_listening(&mut self) {
        for mut listener in self.listeners.drain(..) {
            listener.deregister(&self.registry);
        }
        self.open = None;
    }

    #[inline]
    fn read(&mut self, index: u32, into: &mut [u8]) -> io::Result<Received> {
        let len = self.at(index)?.read(into)?;
        if let Some(tap) = self.taps.of(index) {
            tap.received(&into[..len]);
        }
        let more = len == into.len() || self.strict_drain;
        Ok(Received { len, more })
    }

    #[inline]
    fn write(&mut self, index: u32, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let written = self.at(index)?.write(parts)?;
        if let Some(tap) = self.taps.of(index) {
            show(tap, parts, written);
        }
        Ok(written)
    }

    fn shutdown_write(&mut self, index: u32) {
        if let Ok(socket) = self.at(index) {
            socket.shutdown_write();
        }
    }

    fn close(&mut self, index: u32) {
        self.taps.close(index);
        if let Some(socket) = self.sockets.get_mut(index as usize) {
            *socket = None;
        }
    }

    fn remote(&self, index: u32) -> Option<SocketAddr> {
        self.sockets.get(index as usize)?.as_ref()?.remote()
    }

    fn show(&mut self, index: u32, role: Role, tap: &Arc<dyn Tap>) {
        if let Some(Some(socket)) = self.sockets.get(index as usize)
            && let Some(remote) = socket.remote()
        {
            self.taps.open(index, tap, role, (socket.local(), remote));
        }
    }

    #[cfg(feature = "client")]
    fn connect(&mut self, index: u32, address: SocketAddr) -> io::Result<()> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        self.insert(index, Socket::Tcp(stream))
    }

    #[cfg(feature = "client")]
    fn run(&mut self, job: Box<dyn FnOnce() + Send>) {
        let thread = std::thread::Builder::new().name("wirebell-lookup".into());
        if let Err(error) = thread.spawn(job) {
            log::error!("a name cannot be looked up: {error}");
        }
    }

    #[cfg(feature = "client")]
    fn connected(&mut self, index: u32) -> io::Result<Option<()>> {
        let Socket::Tcp(stream) = self.at(index)? else {
            return Ok(Some(()));
        };
        if let Some(error) = stream.take_error()? {
            return Err(error);
        }
        match stream.peer_addr() {
            Ok(_) => Ok(Some(())),
            Err(error) if error.kind() == io::ErrorKind::NotConnected => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Shows the first `left` bytes of the slices.
#[cold]
fn show(tap: &crate::tap::Tapped, slices: &[IoSlice<'_>], mut left: usize) {
    for slice in slices {
        let part = left.min(slice.len());
        tap.sent(&slice[..part]);
        left -= part;
    }
}
