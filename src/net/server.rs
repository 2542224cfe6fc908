//! Worker threads, each with an event loop and a listener of its own on the same port.
//!
//! Comes in: an address, [`Options`], and a function that makes a service. Goes out: a running
//! [`Server`]. Invariant: a connection never changes its thread; the kernel spreads new ones over
//! the listeners (`SO_REUSEPORT`).

use crate::net::alarm::Alarm;
use crate::net::compression;
use crate::net::core::Core;
use crate::net::event_loop::{EventLoop, WAKER};
use crate::net::mailbox::{Mailbox, Pressure};
use crate::net::memory::Memory;
use crate::net::options::Options;
use crate::net::service::Service;
use mio::net::TcpListener;
use mio::{Poll, Waker};
use socket2::{Domain, Protocol, Socket, Type};
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A server that runs on its worker threads. Dropping it stops it as [`Server::stop`] does and
/// waits until the port is closed, at most a second, but not for its connections.
#[derive(Debug)]
pub struct Server<M> {
    address: SocketAddr,
    workers: Workers<M>,
}

/// Event loops without a listener, for programs that only dial: see
/// [`Context::dial`](crate::net::Context::dial). Dropping it stops it as [`Clients::stop`] does.
#[derive(Debug)]
pub struct Clients<M> {
    workers: Workers<M>,
}

/// What a worker knows when its service is made.
#[derive(Debug)]
pub struct Worker<M> {
    /// The number of this worker, from 0.
    pub number: usize,
    /// The mailboxes of all workers, in the order of their numbers: to publish to all.
    pub mailboxes: Vec<Mailbox<M>>,
}

/// Running threads and how to reach them.
#[derive(Debug)]
struct Workers<M> {
    mailboxes: Vec<Mailbox<M>>,
    threads: Vec<JoinHandle<()>>,
    /// Some worker still listens.
    open: Weak<()>,
}

/// Connections that the kernel holds until they are accepted; it cuts this to its own bound.
const BACKLOG: i32 = 4096;

impl<M: Send + 'static> Server<M> {
    /// Listens on the first of `address` that works, and starts the workers. `make` is called
    /// once on each worker's thread.
    ///
    /// # Errors
    ///
    /// What the system says about the address (in use, not permitted, unknown), or about threads
    /// and event queues.
    pub fn bind<S, F>(address: impl ToSocketAddrs, options: Options, make: F) -> io::Result<Self>
    where
        S: Service<Mail = M>,
        F: Fn(&Worker<M>) -> S + Clone + Send + 'static,
    {
        let listeners = listen(address, options.worker_count())?;
        let address = listeners[0].local_addr()?;
        let listeners = listeners.into_iter().map(Some).collect();
        let workers = Workers::start(listeners, &options, make)?;
        Ok(Self { address, workers })
    }

    /// Where it listens; with port 0 in the request, the port that was chosen.
    pub fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// The mailboxes of all workers, usable from any thread.
    pub fn mailboxes(&self) -> &[Mailbox<M>] {
        &self.workers.mailboxes
    }

    /// Begins a graceful stop: no new connections, Close 1001 to every peer, and a wait bounded
    /// by [`Limits::close_ms`](crate::Limits::close_ms) and
    /// [`Limits::drain_ms`](crate::Limits::drain_ms). Returns at once; [`Server::join`] waits.
    pub fn stop(&self) {
        self.workers.stop();
    }

    /// Waits until all workers have ended. A panic of a worker goes on here, after the others have
    /// been stopped because of it.
    pub fn join(self) {
        self.workers.join();
    }
}

impl<M: Send + 'static> Clients<M> {
    /// Starts the workers. `make` is called once on each worker's thread;
    /// [`Service::started`] is where a service begins to dial.
    ///
    /// # Errors
    ///
    /// What the system says about threads and event queues.
    pub fn start<S, F>(options: Options, make: F) -> io::Result<Self>
    where
        S: Service<Mail = M>,
        F: Fn(&Worker<M>) -> S + Clone + Send + 'static,
    {
        let listeners = (0..options.worker_count()).map(|_| None).collect();
        let workers = Workers::start(listeners, &options, make)?;
        Ok(Self { workers })
    }

    /// The mailboxes of all workers, usable from any thread.
    pub fn mailboxes(&self) -> &[Mailbox<M>] {
        &self.workers.mailboxes
    }

    /// Begins a graceful stop: see [`Server::stop`].
    pub fn stop(&self) {
        self.workers.stop();
    }

    /// Waits until all workers have ended. A panic of a worker goes on here.
    pub fn join(self) {
        self.workers.join();
    }
}

impl<M: Send + 'static> Workers<M> {
    /// One worker for each listener, or absence of one.
    fn start<S, F>(
        listeners: Vec<Option<TcpListener>>,
        options: &Options,
        make: F,
    ) -> io::Result<Self>
    where
        S: Service<Mail = M>,
        F: Fn(&Worker<M>) -> S + Clone + Send + 'static,
    {
        let mut polls = Vec::new();
        let mut wakers = Vec::new();
        for _ in &listeners {
            let poll = Poll::new()?;
            wakers.push(Arc::new(Waker::new(poll.registry(), WAKER)?));
            polls.push(poll);
        }
        let alarms = Alarm::start(&wakers)?;
        let (pressure, limits) = (Pressure::default(), &options.limits);
        let memory = Memory::new(limits.memory_bytes, listeners.len());
        memory.set_wakers(&wakers);
        let mailbox = |waker| Mailbox::new(waker, limits.mail_bytes, &pressure, &memory);
        let mailboxes: Vec<_> = wakers.into_iter().map(mailbox).collect();
        let open = Arc::new(());
        let mut workers = Self {
            mailboxes: mailboxes.clone(),
            threads: Vec::new(),
            open: Arc::downgrade(&open),
        };
        let shared = compression::shared(options);
        let parts = listeners.into_iter().zip(polls).zip(alarms);
        for (number, ((listener, poll), alarm)) in parts.enumerate() {
            let worker = Worker {
                number,
                mailboxes: mailboxes.clone(),
            };
            let (options, make) = (options.clone(), make.clone());
            let open = Arc::clone(&open);
            let core_parts = (shared.clone(), memory.clone(), pressure.clone());
            let run = move || {
                let all = StopAll(&worker.mailboxes);
                let mailbox = worker.mailboxes[number].clone();
                let (shared, memory, pressure) = core_parts;
                let core = Core::new(options, shared, memory, pressure);
                let service = make(&worker);
                let event_loop =
                    EventLoop::new(poll, alarm, (listener, open), mailbox, core, service);
                match event_loop.and_then(EventLoop::run) {
                    Ok(()) => std::mem::forget(all),
                    Err(error) => log::error!("worker {number} has ended: {error}"),
                }
            };
            let thread = std::thread::Builder::new().name(format!("wirebell-{number}"));
            workers.threads.push(thread.spawn(run)?);
        }
        Ok(workers)
    }

    fn stop(&self) {
        for mailbox in &self.mailboxes {
            mailbox.stop();
        }
    }

    fn join(mut self) {
        let mut panics = Vec::new();
        for thread in std::mem::take(&mut self.threads) {
            panics.extend(thread.join().err());
        }
        if let Some(panic) = panics.into_iter().next() {
            std::panic::resume_unwind(panic);
        }
    }
}

/// Whoever lets go of a server without joining it does not want it any more: it stops gracefully,
/// and the port is closed when this returns, unless a service keeps its loop for long.
impl<M> Drop for Workers<M> {
    fn drop(&mut self) {
        for mailbox in &self.mailboxes {
            mailbox.stop();
        }
        let patience = Instant::now() + Duration::from_secs(1);
        while self.open.strong_count() > 0 && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// A worker that ends by an error or a panic takes the others with it, gracefully: half a server,
/// whose port takes connections that nobody serves, would be worse than none.
struct StopAll<'m, M>(&'m [Mailbox<M>]);

impl<M> Drop for StopAll<'_, M> {
    fn drop(&mut self) {
        for mailbox in self.0 {
            mailbox.stop();
        }
    }
}

fn listen(addresses: impl ToSocketAddrs, workers: usize) -> io::Result<Vec<TcpListener>> {
    let mut last = io::Error::new(io::ErrorKind::InvalidInput, "no address to listen on");
    for address in addresses.to_socket_addrs()? {
        match listen_on(address, workers) {
            Ok(listeners) => return Ok(listeners),
            Err(error) => last = error,
        }
    }
    Err(last)
}

/// With `SO_REUSEPORT` alone, a second server would silently share the port of the first. So the
/// first socket is bound without it, which fails if the port is taken.
fn listen_on(address: SocketAddr, workers: usize) -> io::Result<Vec<TcpListener>> {
    let first = bind(address, false)?;
    first.listen(BACKLOG)?;
    if workers == 1 {
        return Ok(vec![into_mio(first)]);
    }
    let address = first.local_addr()?.as_socket().unwrap_or(address);
    drop(first);
    let sockets = (0..workers)
        .map(|_| bind(address, true))
        .collect::<io::Result<Vec<_>>>()?;
    for socket in &sockets {
        socket.listen(BACKLOG)?;
    }
    Ok(sockets.into_iter().map(into_mio).collect())
}

fn bind(address: SocketAddr, shared: bool) -> io::Result<Socket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if shared {
        socket.set_reuse_port(true)?;
    }
    // Accepted sockets inherit it on Linux: one system call less for each connection.
    socket.set_tcp_nodelay(true)?;
    socket.bind(&address.into())?;
    Ok(socket)
}

fn into_mio(socket: Socket) -> TcpListener {
    TcpListener::from_std(socket.into())
}
