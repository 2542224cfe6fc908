//! A push server in a program: its loops, and handles to control them.
//!
//! Handling requests and messages is left to `service`.

use crate::net::{Builder, Counters, Handle, Listen, Options, Server, Service, WorkerError};
use crate::push::beside::Beside;
use crate::push::broker::Broker;
use crate::push::mail::PushMail;
use crate::push::service::PushService;
use crate::push::settings::Settings;
use crate::push::shared::Shared;
use crate::push::unavailable::Unavailable;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::Deref;

/// A running push server. It has all methods of its [`PushHandle`].
#[derive(Debug)]
pub struct PushServer {
    handle: PushHandle,
    server: Server<PushMail>,
}

/// Controls a push server from any thread, even while another joins it; cheap to clone.
#[derive(Clone, Debug)]
pub struct PushHandle {
    pub(super) shared: Shared,
    pub(super) loops: Handle<PushMail>,
}

impl Deref for PushServer {
    type Target = PushHandle;

    fn deref(&self) -> &PushHandle {
        &self.handle
    }
}

impl PushServer {
    /// Listens and serves until it is stopped.
    ///
    /// # Errors
    ///
    /// The same as [`Server::bind`].
    pub fn bind(
        address: impl ToSocketAddrs,
        options: Options,
        settings: Settings,
    ) -> io::Result<Self> {
        let addresses: Vec<SocketAddr> = address.to_socket_addrs()?.collect();
        let listen = Listen::tcp(&addresses[..])?;
        Self::start([listen], &addresses, options, settings)
    }

    /// Listens on all of `listens` and serves until it is stopped. If `loopback` has a loopback
    /// address, the server answers to its own names only: see [`HostPolicy`].
    ///
    /// # Errors
    ///
    /// The same as [`Builder::start`].
    ///
    /// [`HostPolicy`]: crate::push::HostPolicy
    pub fn start(
        listens: impl IntoIterator<Item = Listen>,
        loopback: &[SocketAddr],
        options: Options,
        settings: Settings,
    ) -> io::Result<Self> {
        Self::serve(listens, loopback, options, settings, |push, _| push)
    }

    /// The same, with a service of the program's own beside the push server: it gets the requests
    /// for paths that the push server does not have, and their connections. Requests of foreign
    /// origins and to foreign hosts are refused first; other permissions are its own affair. It
    /// gets no mail: its connections [follow](Broker::follow) topics, to which any thread
    /// publishes. `make` is called on each worker, with the topics.
    ///
    /// ```no_run
    /// use wirebell::http::Status;
    /// use wirebell::net::{Context, Listen, Options, PeerId, Reply, Request, Response, Service};
    /// use wirebell::push::{Broker, PushServer, Settings};
    /// use wirebell::{CloseCode, Message};
    ///
    /// /// A WebSocket at `/chat`: what one client says, all get.
    /// struct Chat {
    ///     broker: Broker,
    /// }
    ///
    /// impl Service for Chat {
    ///     type Mail = ();
    ///
    ///     fn request<'r>(
    ///         &mut self,
    ///         _: &mut Context<'_>,
    ///         _: PeerId,
    ///         request: &Request<'r>,
    ///     ) -> Reply<'r> {
    ///         match request.head().path() {
    ///             "/chat" => request.upgrade().map(|opening| opening.accept(None)).into(),
    ///             _ => Response::new(Status::NOT_FOUND).into(),
    ///         }
    ///     }
    ///
    ///     fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
    ///         let room = "chat".parse().expect("a pattern");
    ///         if self.broker.follow(peer, &[room]).is_err() {
    ///             context.close(peer, CloseCode::TRY_AGAIN_LATER, "no room");
    ///         }
    ///     }
    ///
    ///     fn message(&mut self, _: &mut Context<'_>, _: PeerId, message: Message<'_>) {
    ///         let topic = "chat".parse().expect("a topic");
    ///         let _ = self.broker.send(topic, message.into());
    ///     }
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let address: std::net::SocketAddr = "127.0.0.1:8080".parse()?;
    /// let listen = Listen::tcp(address)?;
    /// let make = |broker: &Broker| Chat { broker: broker.clone() };
    /// let (options, settings) = (Options::default(), Settings::default());
    /// let server = PushServer::beside([listen], &[address], options, settings, make)?;
    /// # server.stop();
    /// # Ok(server.join()?)
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The same as [`Builder::start`].
    pub fn beside<S, F>(
        listens: impl IntoIterator<Item = Listen>,
        loopback: &[SocketAddr],
        options: Options,
        settings: Settings,
        make: F,
    ) -> io::Result<Self>
    where
        S: Service,
        F: Fn(&Broker) -> S + Clone + Send + 'static,
    {
        let make = move |push, broker: &Broker| Beside::new(push, make(broker));
        Self::serve(listens, loopback, options, settings, make)
    }

    fn serve<S: Service<Mail = PushMail>>(
        listens: impl IntoIterator<Item = Listen>,
        loopback: &[SocketAddr],
        options: Options,
        settings: Settings,
        make: impl Fn(PushService, &Broker) -> S + Clone + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Shared::new(settings, loopback, options.worker_count());
        let of_workers = shared.clone();
        let builder = Server::<PushMail>::builder(options);
        let builder = listens.into_iter().fold(builder, Builder::listen);
        let server = builder.start(move |worker| {
            let push = PushService::new(&of_workers, &worker.mailboxes);
            make(push, of_workers.broker())
        })?;
        shared.connect(server.mailboxes());
        let handle = PushHandle {
            shared,
            loops: server.handle(),
        };
        Ok(Self { handle, server })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// All addresses that it listens on: see [`Server::local_addrs`].
    pub fn local_addrs(&self) -> &[SocketAddr] {
        self.server.local_addrs()
    }

    /// A handle for other threads.
    pub fn handle(&self) -> PushHandle {
        self.handle.clone()
    }

    /// Waits until the server has stopped, and the log of its messages is closed.
    ///
    /// # Errors
    ///
    /// The same as [`Server::join`].
    pub fn join(self) -> Result<(), WorkerError> {
        let ended = self.server.join();
        self.handle.shared.broker.close_log();
        ended
    }
}

impl PushHandle {
    /// Reads the files of keys and tokens again at once, whether or not they seem to have changed.
    /// Does not wait for the result.
    pub fn reload(&self) {
        let settings = &self.shared.settings;
        if let Some(key) = &settings.push_key {
            key.reload();
        }
        if let Some(tokens) = &settings.tokens {
            tokens.reload();
        }
        if let Some(auth) = &settings.auth {
            auth.reload();
        }
    }

    /// Sends `message` to the connections of `user` that have registered for `event`; returns how
    /// many there are. From any thread; never waits for them.
    ///
    /// # Errors
    ///
    /// The same as [`Broker::push`].
    pub fn push(&self, user: &str, event: &str, message: &str) -> Result<usize, Unavailable> {
        self.shared.broker.push(user, event, message.into())
    }

    /// Closes the connections of `user`, or only those registered for `event`; returns how many
    /// there are.
    ///
    /// # Errors
    ///
    /// The same as [`Broker::close`].
    pub fn close_connections(&self, user: &str, event: Option<&str>) -> Result<usize, Unavailable> {
        self.shared.broker.close(user, event)
    }

    /// Begins a graceful stop: see [`Handle::stop`]. From now on no connection counts as a
    /// subscriber.
    pub fn stop(&self) {
        self.shared.stop();
        self.loops.stop();
    }

    /// The topics: to publish to them and to see who subscribes.
    pub fn broker(&self) -> &Broker {
        &self.shared.broker
    }

    /// How often each worker has reported, which it does twice a second: one that no longer does is
    /// stuck, or has ended.
    pub fn reports(&self) -> Vec<u64> {
        let told = self.shared.board.told();
        told.iter().map(|told| told.times).collect()
    }

    /// The counters of each worker.
    pub fn counters(&self) -> Vec<Counters> {
        self.loops.counters()
    }
}
