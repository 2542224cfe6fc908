//! Worker threads, each with its own event loop and listeners.
//!
//! Input: what to listen on, [`Options`], and a function that makes a service. Output: a running
//! [`Server`]. Invariant: when a worker fails, the others stop too, so there is never half a
//! server.

use crate::net::driver::alarm::Alarm;
use crate::net::driver::event_loop::{EventLoop, Failure, WAKER};
use crate::net::driver::listeners::{Listen, Listener};
use crate::net::driver::sockets::SystemSockets;
use crate::net::engine::{Engine, Shared};
use crate::net::handle::{Handle, Worker};
use crate::net::options::Options;
use crate::net::service::Service;
use crate::net::wake::Wake;
use mio::{Poll, Waker};
use std::any::Any;
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::ops::Deref;
use std::sync::{Arc, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// A server that runs on its worker threads. Dropping it stops it as [`Handle::stop`] does and
/// waits until its ports are closed, for at most a second, but not for its connections. It has all
/// methods of its [`Handle`].
#[derive(Debug)]
pub struct Server<M> {
    addresses: Vec<SocketAddr>,
    workers: Workers<M>,
}

/// Event loops without a listener, for programs that only dial: see
/// [`Context::dial`](crate::net::Context::dial). Dropping it stops it as [`Handle::stop`] does. It
/// has all methods of its [`Handle`].
#[derive(Debug)]
pub struct Clients<M> {
    workers: Workers<M>,
}

impl<M> Deref for Server<M> {
    type Target = Handle<M>;

    fn deref(&self) -> &Handle<M> {
        &self.workers.handle
    }
}

impl<M> Deref for Clients<M> {
    type Target = Handle<M>;

    fn deref(&self) -> &Handle<M> {
        &self.workers.handle
    }
}

/// Why a worker ended before it was stopped. The others were stopped because of it.
#[derive(Debug)]
#[non_exhaustive]
pub struct WorkerError {
    /// The number of the worker.
    pub worker: usize,
    /// The message of the panic, or the system's error.
    pub reason: String,
    /// The service panicked.
    pub panicked: bool,
}

impl WorkerError {
    fn new(worker: usize, failure: Failure) -> Self {
        let (reason, panicked) = match failure {
            Failure::System(error) => (error.to_string(), false),
            Failure::Panic(panic) => (text_of(&*panic), true),
        };
        Self {
            worker,
            reason,
            panicked,
        }
    }
}

/// The message of a panic.
fn text_of(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

impl fmt::Display for WorkerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            worker,
            reason,
            panicked,
        } = self;
        let how = if *panicked { "panicked" } else { "has failed" };
        write!(f, "worker {worker} {how}: {reason}")
    }
}

impl std::error::Error for WorkerError {}

/// What to listen on; made by [`Server::builder`].
#[derive(Debug)]
pub struct Builder {
    options: Options,
    listens: Vec<Listen>,
}

impl Builder {
    /// Adds an address, path or descriptor to listen on.
    pub fn listen(mut self, listen: Listen) -> Self {
        self.listens.push(listen);
        self
    }

    /// Starts listening and starts the workers. `make` is called once on each worker's thread.
    ///
    /// # Errors
    ///
    /// The system's error for an address (in use, not permitted, unknown) or a path, or for threads
    /// and event queues.
    pub fn start<S, F>(self, make: F) -> io::Result<Server<S::Mail>>
    where
        S: Service,
        F: Fn(&Worker<S::Mail>) -> S + Clone + Send + 'static,
    {
        let count = self.options.worker_count();
        let mut addresses = Vec::new();
        let mut listeners: Vec<Vec<Listener>> = (0..count).map(|_| Vec::new()).collect();
        let mut more = Vec::new();
        for listen in self.listens {
            let (mut all, address) = listen.open(count)?;
            addresses.extend(address);
            more.extend(all.split_off(count));
            for (of_worker, listener) in listeners.iter_mut().zip(all) {
                of_worker.push(listener);
            }
        }
        for (number, listener) in more.into_iter().enumerate() {
            listeners[number % count].push(listener);
        }
        let workers = Workers::start(listeners, &self.options, make)?;
        Ok(Server { addresses, workers })
    }
}

impl<M: Send + 'static> Server<M> {
    /// Begins to configure a server.
    pub fn builder(options: Options) -> Builder {
        Builder {
            options,
            listens: Vec::new(),
        }
    }

    /// Listens on the first of `address` that works, and starts the workers: short for
    /// [`Server::builder`].
    ///
    /// # Errors
    ///
    /// The same as [`Builder::start`].
    pub fn bind<S, F>(address: impl ToSocketAddrs, options: Options, make: F) -> io::Result<Self>
    where
        S: Service<Mail = M>,
        F: Fn(&Worker<M>) -> S + Clone + Send + 'static,
    {
        let listen = Listen::tcp(address)?;
        Self::builder(options).listen(listen).start(make)
    }

    /// Where it listens: the first address of [`Server::local_addrs`]; if port 0 was given, the
    /// port that was chosen. `0.0.0.0:0` if it listens on no address.
    pub fn local_addr(&self) -> SocketAddr {
        let none = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        self.addresses.first().copied().unwrap_or(none)
    }

    /// All addresses that it listens on, in the order in which they were given.
    pub fn local_addrs(&self) -> &[SocketAddr] {
        &self.addresses
    }

    /// A handle for other threads.
    pub fn handle(&self) -> Handle<M> {
        self.workers.handle.clone()
    }

    /// Waits until all workers have ended.
    ///
    /// # Errors
    ///
    /// The failure of the first worker that ended before it was stopped.
    pub fn join(self) -> Result<(), WorkerError> {
        self.workers.join()
    }
}

impl<M: Send + 'static> Clients<M> {
    /// Starts the workers. `make` is called once on each worker's thread;
    /// [`Service::started`] is where a service begins to dial.
    ///
    /// # Errors
    ///
    /// The system's error for threads and event queues.
    pub fn start<S, F>(options: Options, make: F) -> io::Result<Self>
    where
        S: Service<Mail = M>,
        F: Fn(&Worker<M>) -> S + Clone + Send + 'static,
    {
        let listeners = (0..options.worker_count()).map(|_| Vec::new()).collect();
        let workers = Workers::start(listeners, &options, make)?;
        Ok(Self { workers })
    }

    /// A handle for other threads.
    pub fn handle(&self) -> Handle<M> {
        self.workers.handle.clone()
    }

    /// Waits until all workers have ended.
    ///
    /// # Errors
    ///
    /// The same as [`Server::join`].
    pub fn join(self) -> Result<(), WorkerError> {
        self.workers.join()
    }
}

/// Running threads and how to reach them.
#[derive(Debug)]
struct Workers<M> {
    handle: Handle<M>,
    threads: Vec<JoinHandle<Result<(), WorkerError>>>,
    /// At least one worker still listens.
    open: Weak<()>,
}

impl<M: Send + 'static> Workers<M> {
    /// One worker for each list of listeners.
    fn start<S, F>(listeners: Vec<Vec<Listener>>, options: &Options, make: F) -> io::Result<Self>
    where
        S: Service<Mail = M>,
        F: Fn(&Worker<M>) -> S + Clone + Send + 'static,
    {
        let (mut polls, mut wakes) = (Vec::new(), Vec::new());
        for _ in &listeners {
            let poll = Poll::new()?;
            let waker = Waker::new(poll.registry(), WAKER)?;
            wakes.push(Wake::new(move || waker.wake()));
            polls.push(poll);
        }
        let alarms = Alarm::start(&wakes)?;
        let shared = Shared::new(options, &wakes);
        let mailboxes = wakes.into_iter().map(|wake| shared.mailbox(wake)).collect();
        let metrics = listeners.iter().map(|_| Arc::default()).collect();
        let open = Arc::new(());
        let mut workers = Self {
            handle: Handle::new(mailboxes, metrics),
            threads: Vec::new(),
            open: Arc::downgrade(&open),
        };
        let parts = listeners.into_iter().zip(polls).zip(alarms);
        for (number, ((listeners, poll), alarm)) in parts.enumerate() {
            let registry = poll.registry().try_clone()?;
            let listening = (listeners, Arc::clone(&open));
            let sockets = SystemSockets::new(registry, listening, options.read_until_would_block)?;
            let seed = (options.clone(), shared.clone());
            let parts = (poll, alarm, sockets);
            let thread = workers.spawn(number, parts, seed, make.clone())?;
            workers.threads.push(thread);
        }
        Ok(workers)
    }

    /// Starts the thread of a worker.
    fn spawn<S, F>(
        &self,
        number: usize,
        (poll, alarm, sockets): (Poll, Alarm, SystemSockets),
        (options, shared): (Options, Shared),
        make: F,
    ) -> io::Result<JoinHandle<Result<(), WorkerError>>>
    where
        S: Service<Mail = M>,
        F: Fn(&Worker<M>) -> S + Send + 'static,
    {
        let handle = self.handle.clone();
        let run = move || {
            let all = StopAll(handle.clone());
            let worker = Worker {
                number,
                mailboxes: handle.mailboxes().to_vec(),
            };
            let metrics = handle.metrics(number);
            let service = make(&worker);
            let engine = Engine::new(
                number as u16,
                options,
                shared,
                Box::new(sockets),
                metrics,
                worker.mailboxes,
                service,
            );
            let event_loop = EventLoop {
                poll,
                alarm,
                engine,
            };
            let ended = event_loop.run(|| handle.stop());
            match ended {
                Ok(()) => {
                    std::mem::forget(all);
                    Ok(())
                }
                Err(failure) => {
                    let error = WorkerError::new(number, failure);
                    log::error!("{error}");
                    Err(error)
                }
            }
        };
        let thread = std::thread::Builder::new().name(format!("wirebell-{number}"));
        thread.spawn(run)
    }

    fn join(mut self) -> Result<(), WorkerError> {
        let mut result = Ok(());
        for (number, thread) in std::mem::take(&mut self.threads).into_iter().enumerate() {
            let panic = |panic| Err(WorkerError::new(number, Failure::Panic(panic)));
            let ended = thread.join().unwrap_or_else(panic);
            result = result.and(ended);
        }
        result
    }
}

/// A server that is dropped without being joined stops gracefully, and its ports are closed when
/// this returns, unless a service blocks its loop for long.
impl<M> Drop for Workers<M> {
    fn drop(&mut self) {
        self.handle.stop();
        let patience = Instant::now() + Duration::from_secs(1);
        while self.open.strong_count() > 0 && Instant::now() < patience {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

/// When a worker ends with an error or a panic, the others stop gracefully: half a server, whose
/// port accepts connections that no worker serves, would be worse than none.
struct StopAll<M>(Handle<M>);

impl<M> Drop for StopAll<M> {
    fn drop(&mut self) {
        self.0.stop();
    }
}
