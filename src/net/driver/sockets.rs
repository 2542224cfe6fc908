//! The sockets of one loop: non-blocking, registered once, edge-triggered.
//!
//! Input: calls of the engine by number. Output: one system call each. Invariant: the interest of a
//! socket is set when it is registered and never changed; a socket takes four bytes here.

use crate::net::driver::listeners::{Listener, ListenerKind};
use crate::net::driver::taps::Taps;
#[cfg(feature = "take-over")]
use crate::net::moving::Movable;
use crate::net::secure::{Sessions, Socket};
use crate::net::sockets::{Accepted, ListenerCounts, Received, SocketCounts, Sockets};
use crate::proto::Role;
use crate::tap::Tap;
#[cfg(all(feature = "client", feature = "tls"))]
use crate::tls::SecureServer;
#[cfg(feature = "tls")]
use crate::tls::rustls::pki_types::CertificateDer;
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};
use std::io::{self, IoSlice, Read, Write};
use std::net::{Shutdown, SocketAddr};
use std::sync::Arc;

/// All sockets of a loop, and what it listens on.
#[derive(Debug)]
pub(super) struct SystemSockets {
    pub(super) registry: Registry,
    pub(super) listeners: Vec<Listener>,
    /// By the number of the peer.
    pub(super) sockets: Vec<Option<TcpStream>>,
    /// The listener that accepted it, from 1, by the number of the peer; 0 if it was dialled.
    listener_of: Vec<u8>,
    pub(super) counts: Vec<ListenerCounts>,
    sessions: Sessions,
    taps: Taps,
    /// Dropped when the loop stops listening.
    open: Option<Arc<()>>,
    /// Read until the socket would block, instead of until a read returned less than there was room
    /// for.
    read_until_would_block: bool,
}

impl SystemSockets {
    pub(super) fn new(
        registry: Registry,
        (mut listeners, open): (Vec<Listener>, Arc<()>),
        read_until_would_block: bool,
    ) -> io::Result<Self> {
        for (number, listener) in listeners.iter_mut().enumerate() {
            listener.register(&registry, number)?;
        }
        let counts = listeners.iter().map(Listener::counts);
        Ok(Self {
            registry,
            counts: counts.collect::<io::Result<_>>()?,
            listeners,
            sockets: Vec::new(),
            listener_of: Vec::new(),
            sessions: Sessions::default(),
            taps: Taps::default(),
            open: Some(open),
            read_until_would_block,
        })
    }

    /// Notes that this listener has accepted the connection. Those past the last number that fits
    /// count together.
    fn note_accepted(&mut self, index: u32, listener: usize) {
        let number = u8::try_from(listener + 1).unwrap_or(u8::MAX);
        let index = index as usize;
        if self.listener_of.len() <= index {
            self.listener_of.resize(index + 1, 0);
        }
        self.listener_of[index] = number;
        self.counts[usize::from(number) - 1].accepted += 1;
    }

    /// Asks for both directions, once and for all.
    pub(super) fn insert(&mut self, index: u32, mut socket: TcpStream) -> io::Result<()> {
        let index = index as usize;
        let both = Interest::READABLE | Interest::WRITABLE;
        self.registry.register(&mut socket, Token(index), both)?;
        if self.sockets.len() <= index {
            self.sockets.resize_with(index + 1, || None);
        }
        self.sockets[index] = Some(socket);
        Ok(())
    }
}

impl Sockets for SystemSockets {
    fn begin_turn(&mut self) {
        self.sessions.begin_turn();
    }

    fn accept(&mut self, listener: usize, index: u32) -> io::Result<Accepted> {
        let number = listener;
        let Some(listener) = self.listeners.get(number) else {
            return Err(io::ErrorKind::WouldBlock.into());
        };
        let (socket, remote) = match &listener.kind {
            ListenerKind::Tcp(listener) => {
                let (stream, address) = listener.accept()?;
                (stream, Some(address))
            }
            #[cfg(unix)]
            ListenerKind::Unix(listener) => (as_stream(listener.accept()?.0), None),
        };
        let redirect = listener.redirect;
        if let Some(acceptor) = &listener.secure {
            self.sessions.accept(index, acceptor);
        }
        match self.insert(index, socket) {
            Ok(()) => {
                self.note_accepted(index, number);
                Ok(Accepted { remote, redirect })
            }
            // Not the listener's fault: treated as if the peer had already gone.
            Err(error) => {
                log::warn!("cannot watch a connection: {error}");
                self.sessions.close(index);
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
        let until_would_block = self.read_until_would_block;
        let socket = at(&mut self.sockets, index)?;
        let received = match self.sessions.has(index) {
            false => match socket.read(into)? {
                0 => Received::End,
                len => Received::Bytes {
                    len,
                    more: len == into.len() || until_would_block,
                },
            },
            true => self.sessions.read(index, socket, into, until_would_block)?,
        };
        if let Received::Bytes { len, .. } = received
            && let Some(tap) = self.taps.of(index)
        {
            tap.received(&into[..len]);
        }
        Ok(received)
    }

    #[inline]
    fn write(&mut self, index: u32, parts: &[IoSlice<'_>]) -> io::Result<usize> {
        let socket = at(&mut self.sockets, index)?;
        let written = match parts {
            parts if self.sessions.has(index) => self.sessions.write(index, socket, parts)?,
            [one] => socket.write(one)?,
            several => socket.write_vectored(several)?,
        };
        if let Some(tap) = self.taps.of(index) {
            show(tap, parts, written);
        }
        Ok(written)
    }

    fn flush(&mut self, index: u32) {
        if let Ok(socket) = at(&mut self.sockets, index) {
            self.sessions.flush(index, socket);
        }
    }

    fn is_secure(&self, index: u32) -> bool {
        self.sessions.has(index)
    }

    fn counts(&self) -> SocketCounts {
        SocketCounts {
            listeners: self.counts.clone(),
            handshakes: self.sessions.handshakes(),
        }
    }

    fn held(&self) -> usize {
        self.sessions.held()
    }

    fn held_by(&self, index: u32) -> usize {
        self.sessions.held_by(index)
    }

    #[cfg(feature = "tls")]
    fn peer_certificates(&self, index: u32) -> Option<&[CertificateDer<'static>]> {
        self.sessions.peer_certificates(index)
    }

    fn shutdown_write(&mut self, index: u32) {
        let Ok(socket) = at(&mut self.sockets, index) else {
            return;
        };
        match self.sessions.has(index) {
            true => self.sessions.shut_down(index, socket),
            false => drop(socket.shutdown(Shutdown::Write)),
        }
    }

    fn close(&mut self, index: u32) {
        self.taps.close(index);
        if self.sessions.has(index) {
            self.shutdown_write(index); // If that has not been said.
            self.sessions.close(index);
        }
        if let Some(socket) = self.sockets.get_mut(index as usize) {
            *socket = None;
        }
        if let Some(number) = self.listener_of.get_mut(index as usize)
            && let Some(listener) = usize::from(std::mem::take(number)).checked_sub(1)
        {
            self.counts[listener].ended += 1;
        }
    }

    #[cfg(feature = "take-over")]
    fn movable(&mut self) -> &mut dyn Movable {
        self
    }

    fn remote(&self, index: u32) -> Option<SocketAddr> {
        self.sockets.get(index as usize)?.as_ref()?.peer_addr().ok()
    }

    fn show(&mut self, index: u32, role: Role, tap: &Arc<dyn Tap>) {
        if let Some(Some(socket)) = self.sockets.get(index as usize)
            && let Ok(remote) = socket.peer_addr()
        {
            self.taps
                .open(index, tap, role, (socket.local_addr().ok(), remote));
        }
    }

    #[cfg(feature = "client")]
    fn connect(&mut self, index: u32, address: SocketAddr) -> io::Result<()> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        self.insert(index, stream)
    }

    #[cfg(feature = "client")]
    fn run(&mut self, job: Box<dyn FnOnce() + Send>) {
        let thread = std::thread::Builder::new().name("wirebell-lookup".into());
        if let Err(error) = thread.spawn(job) {
            log::error!("a name cannot be looked up: {error}");
        }
    }

    #[cfg(all(feature = "client", feature = "tls"))]
    fn secure(&mut self, index: u32, server: &SecureServer) -> io::Result<()> {
        let socket = at(&mut self.sockets, index)?;
        self.sessions.connect(index, server, socket)
    }

    #[cfg(feature = "client")]
    fn connected(&mut self, index: u32) -> io::Result<Option<()>> {
        let stream = at(&mut self.sockets, index)?;
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

impl Socket for TcpStream {
    fn shut_down(&mut self) {
        let _ = self.shutdown(Shutdown::Write);
    }
}

#[inline]
pub(super) fn at(sockets: &mut [Option<TcpStream>], index: u32) -> io::Result<&mut TcpStream> {
    let socket = sockets.get_mut(index as usize).and_then(Option::as_mut);
    socket.ok_or_else(|| io::ErrorKind::NotConnected.into())
}

/// A unix socket connection as a TCP one: it is read, written and shut down with the same calls. It
/// has no addresses.
#[cfg(unix)]
fn as_stream(socket: mio::net::UnixStream) -> TcpStream {
    let socket = std::os::unix::net::UnixStream::from(socket);
    TcpStream::from_std(std::os::fd::OwnedFd::from(socket).into())
}

/// Shows the tap the first `left` bytes of the slices.
#[cold]
fn show(tap: &crate::tap::Tapped, slices: &[IoSlice<'_>], mut left: usize) {
    for slice in slices {
        let part = left.min(slice.len());
        tap.sent(&slice[..part]);
        left -= part;
    }
}
