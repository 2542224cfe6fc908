//! What a server listens on: addresses, unix sockets, inherited descriptors.
//!
//! Input: a list of [`Listen`]s. Output: for each worker its own listener for each of them.
//! Invariant: a path that this process has bound is removed when its listeners are gone, and no
//! other path is, except for a stale socket on which no process listens.

#[cfg(feature = "take-over")]
use crate::net::moving::MovedListener;
use crate::net::secure::Acceptor;
use crate::net::sockets::ListenerCounts;
use mio::net::TcpListener;
#[cfg(unix)]
use mio::net::UnixListener;
use mio::{Interest, Registry, Token};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::num::NonZeroU16;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
#[cfg(unix)]
use std::{os::fd::OwnedFd, path::PathBuf};

/// Connections that the kernel holds until they are accepted; it caps this at its own limit.
const BACKLOG: i32 = 4096;

/// The token of the listener with number 0; those of the others are lower. The waker's is one
/// higher. They are the same on targets of 32 and 64 bits.
const FIRST: u32 = u32::MAX - 1;

/// Tokens that are left to listeners. No peer has one of them as its number: numbers are reused,
/// each peer has a descriptor, and descriptors are below 2^31.
const TOKENS: u32 = 65_536;

/// Something to listen on.
#[derive(Debug)]
pub struct Listen {
    what: What,
    /// TLS is spoken here.
    #[cfg(feature = "tls")]
    secure: Option<Acceptor>,
    /// Requests are sent to this port, over TLS.
    redirect: Option<NonZeroU16>,
}

#[derive(Debug)]
enum What {
    Tcp(Vec<SocketAddr>),
    #[cfg(unix)]
    Unix(PathBuf),
    #[cfg(unix)]
    Inherited(OwnedFd),
    /// Of another process: one or more for each worker, or fewer.
    #[cfg(feature = "take-over")]
    Moved(MovedListener),
}

impl Listen {
    /// The first of these addresses that works. Port 0 means any free port.
    ///
    /// # Errors
    ///
    /// The system's error for a name.
    pub fn tcp(addresses: impl ToSocketAddrs) -> io::Result<Self> {
        let addresses = addresses.to_socket_addrs()?.collect();
        Ok(Self::new(What::Tcp(addresses)))
    }

    /// A unix socket at this path: for a reverse proxy on the same machine. Its file is removed
    /// when the server stops; a stale one, on which no process listens, is replaced.
    #[cfg(unix)]
    pub fn unix(path: impl Into<PathBuf>) -> Self {
        Self::new(What::Unix(path.into()))
    }

    /// A stream socket, TCP or unix, on which another process has called `listen`, such as systemd
    /// (`sd_listen_fds(3)`).
    #[cfg(unix)]
    pub fn inherited(socket: impl Into<OwnedFd>) -> Self {
        Self::new(What::Inherited(socket.into()))
    }

    /// What another process has listened on, which hands it over.
    #[cfg(feature = "take-over")]
    pub fn moved(listener: MovedListener) -> Self {
        Self::new(What::Moved(listener))
    }

    fn new(what: What) -> Self {
        Self {
            what,
            #[cfg(feature = "tls")]
            secure: None,
            redirect: None,
        }
    }

    /// Speaks TLS here, and nothing else: an unencrypted request gets 400 and a text that says so.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn secured(mut self, acceptor: Acceptor) -> Self {
        self.secure = Some(acceptor);
        self
    }

    /// Serves nothing here: each request is answered with 308 (RFC 9110 section 15.4.9) to the same
    /// host and path at `https://`, on this port.
    #[must_use]
    pub fn redirecting(mut self, https_port: NonZeroU16) -> Self {
        self.redirect = Some(https_port);
        self
    }

    /// One listener for each worker, and their common address; more if there are more sockets of
    /// another process, as connections wait at each.
    pub(super) fn open(self, workers: usize) -> io::Result<(Vec<Listener>, Option<SocketAddr>)> {
        let mut listeners = match self.what {
            What::Tcp(addresses) => first_of(&addresses, workers)?,
            #[cfg(unix)]
            What::Unix(path) => at_path(path, workers)?,
            #[cfg(unix)]
            What::Inherited(socket) => shared(Socket::from(socket), workers, None)?,
            #[cfg(feature = "take-over")]
            What::Moved(listener) => moved(listener, workers)?,
        };
        for listener in &mut listeners {
            #[cfg(feature = "tls")]
            listener.secure.clone_from(&self.secure);
            listener.redirect = self.redirect;
        }
        let address = match &listeners[0].kind {
            ListenerKind::Tcp(listener) => Some(listener.local_addr()?),
            #[cfg(unix)]
            ListenerKind::Unix(_) => None,
        };
        Ok((listeners, address))
    }
}

/// A listener of one worker.
#[derive(Debug)]
pub(super) struct Listener {
    pub(super) kind: ListenerKind,
    pub(super) secure: Option<Acceptor>,
    pub(super) redirect: Option<NonZeroU16>,
    /// Removed with the last of them.
    #[cfg_attr(not(feature = "take-over"), expect(dead_code))]
    pub(super) path: Option<Arc<BoundPath>>,
}

#[derive(Debug)]
pub(super) enum ListenerKind {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener),
}

impl Listener {
    pub(super) fn register(&mut self, registry: &Registry, number: usize) -> io::Result<()> {
        let token = token_of(number).ok_or(io::ErrorKind::InvalidInput)?;
        match &mut self.kind {
            ListenerKind::Tcp(listener) => registry.register(listener, token, Interest::READABLE),
            #[cfg(unix)]
            ListenerKind::Unix(listener) => registry.register(listener, token, Interest::READABLE),
        }
    }

    /// Its name, and no connections yet.
    pub(super) fn counts(&self) -> io::Result<ListenerCounts> {
        let (name, transport) = match &self.kind {
            ListenerKind::Tcp(listener) => (listener.local_addr()?.to_string(), "tcp"),
            #[cfg(unix)]
            ListenerKind::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().map(|path| path.display().to_string());
                (format!("unix:{}", path.unwrap_or_default()), "unix")
            }
        };
        Ok(ListenerCounts {
            name: name.into(),
            transport: match self.secure {
                Some(_) => "tls",
                None => transport,
            },
            accepted: 0,
            ended: 0,
        })
    }

    pub(super) fn deregister(&mut self, registry: &Registry) {
        let _ = match &mut self.kind {
            ListenerKind::Tcp(listener) => registry.deregister(listener),
            #[cfg(unix)]
            ListenerKind::Unix(listener) => registry.deregister(listener),
        };
    }
}

/// The token of a listener; `None` if there are none left.
fn token_of(number: usize) -> Option<Token> {
    let number = u32::try_from(number).ok().filter(|it| *it < TOKENS)?;
    Some(Token((FIRST - number) as usize))
}

/// The number of the listener that an event concerns, if any.
#[inline]
pub(super) fn listener_of(token: Token) -> Option<usize> {
    let number = FIRST.checked_sub(token.0 as u32)?;
    (number < TOKENS).then_some(number as usize)
}

fn first_of(addresses: &[SocketAddr], workers: usize) -> io::Result<Vec<Listener>> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
    for address in addresses {
        match listen_on(*address, workers) {
            Ok(listeners) => return Ok(listeners),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// With `SO_REUSEPORT` alone, a second server would silently share the port of the first. So the
/// first socket is bound without it, which fails if the port is taken.
fn listen_on(address: SocketAddr, workers: usize) -> io::Result<Vec<Listener>> {
    let first = bind(address, false)?;
    first.listen(BACKLOG)?;
    if workers == 1 {
        return Ok(vec![tcp(first)]);
    }
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    drop(first);
    let sockets = (0..workers)
        .map(|_| bind(address, true))
        .collect::<io::Result<Vec<_>>>()?;
    // Each listens only once all are bound: before that, connections would be refused or go to
    // the first alone.
    for socket in &sockets {
        socket.listen(BACKLOG)?;
    }
    Ok(sockets.into_iter().map(tcp).collect())
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let domain = Domain::for_address(address);
    let socket = Socket::new(domain, Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    // Accepted sockets inherit it on Linux: one system call fewer per connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn tcp(socket: Socket) -> Listener {
    Listener {
        kind: ListenerKind::Tcp(TcpListener::from_std(socket.into())),
        secure: None,
        redirect: None,
        path: None,
    }
}

/// A file that is removed when its last listener is gone.
#[derive(Debug)]
pub(super) struct BoundPath {
    #[cfg(unix)]
    pub(super) path: PathBuf,
    /// It is not another process's.
    pub(super) is_ours: AtomicBool,
}

impl BoundPath {
    #[cfg(unix)]
    fn new(path: PathBuf, is_ours: bool) -> Self {
        Self {
            path,
            is_ours: AtomicBool::new(is_ours),
        }
    }
}

impl Drop for BoundPath {
    fn drop(&mut self) {
        #[cfg(unix)]
        if self.is_ours.load(Relaxed) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

#[cfg(unix)]
fn at_path(path: PathBuf, workers: usize) -> io::Result<Vec<Listener>> {
    let address = socket2::SockAddr::unix(&path)?;
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    if let Err(error) = socket.bind(&address) {
        if error.kind() != io::ErrorKind::AddrInUse || !is_left_behind(&path) {
            return Err(error);
        }
        std::fs::remove_file(&path)?;
        socket.bind(&address)?;
    }
    let bound = Arc::new(BoundPath::new(path, true));
    socket.listen(BACKLOG)?;
    shared(socket, workers, Some(bound))
}

/// Sockets of another process: each is watched by at least one worker. Workers beyond their number
/// share them.
#[cfg(feature = "take-over")]
fn moved(moved: MovedListener, workers: usize) -> io::Result<Vec<Listener>> {
    // The path is the other process's until this one serves.
    let bound = moved.path.map(|path| Arc::new(BoundPath::new(path, false)));
    let sockets: Vec<Socket> = moved.sockets.into_iter().map(Socket::from).collect();
    if sockets.is_empty() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut listeners = Vec::new();
    for number in 0..workers.max(sockets.len()) {
        let socket = sockets[number % sockets.len()].try_clone()?;
        socket.set_nonblocking(true)?;
        let is_unix = socket.local_addr()?.is_unix();
        listeners.push(listener(socket, is_unix, bound.clone()));
    }
    Ok(listeners)
}

#[cfg(unix)]
fn listener(socket: Socket, is_unix: bool, path: Option<Arc<BoundPath>>) -> Listener {
    Listener {
        kind: match is_unix {
            true => ListenerKind::Unix(UnixListener::from_std(socket.into())),
            false => ListenerKind::Tcp(TcpListener::from_std(socket.into())),
        },
        secure: None,
        redirect: None,
        path,
    }
}

/// Whether it is a socket on which no process listens.
#[cfg(unix)]
fn is_left_behind(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt;
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    is_socket && std::os::unix::net::UnixStream::connect(path).is_err_and(refused)
}

/// One listening socket for all workers: the first worker to accept gets the connection.
#[cfg(unix)]
fn shared(
    socket: Socket,
    workers: usize,
    path: Option<Arc<BoundPath>>,
) -> io::Result<Vec<Listener>> {
    socket.set_nonblocking(true)?;
    let is_unix = socket.local_addr()?.is_unix();
    if !is_unix {
        socket.set_tcp_nodelay(true)?;
    }
    let mut sockets = Vec::new();
    for _ in 1..workers {
        sockets.push(socket.try_clone()?);
    }
    sockets.push(socket);
    let listener = |socket| listener(socket, is_unix, path.clone());
    Ok(sockets.into_iter().map(listener).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::driver::event_loop::WAKER;

    /// On targets of 32 bits too: every value here fits.
    #[test]
    fn tokens_of_listeners_are_told_from_those_of_peers() {
        for number in [0, 1, 65_535] {
            let token = token_of(number).expect("it has a token");
            assert!(u32::try_from(token.0).is_ok() && token != WAKER, "{number}");
            assert_eq!(listener_of(token), Some(number));
        }
        assert_eq!(token_of(65_536), None);
        for peer in [0, 1, i32::MAX as usize, (FIRST - TOKENS) as usize] {
            assert_eq!(listener_of(Token(peer)), None, "{peer}");
        }
        assert!(u32::try_from(WAKER.0).is_ok());
        assert_eq!(listener_of(WAKER), None);
    }
}
