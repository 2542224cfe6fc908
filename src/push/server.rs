//! A push server in a program: its loops, and handles to control them.
//!
//! Handling requests and messages is left to `service`.

use crate::net::{Counters, Handle, Options, Server, WorkerError};
use crate::proto::Message;
use crate::push::access::Access;
use crate::push::auth::{Auth, PushKey, TokenFile};
use crate::push::hosts::HostPolicy;
use crate::push::hub::{Hub, HubMail, Unavailable};
use crate::push::service::{PushService, Settings};
use crate::push::topics::Topic;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::ops::Deref;
use std::sync::Arc;

/// A running push server. It has all methods of its [`PushHandle`].
#[derive(Debug)]
pub struct PushServer {
    handle: PushHandle,
    server: Server<HubMail>,
}

/// Controls a push server from any thread, even while another joins it; cheap to clone.
#[derive(Clone, Debug)]
pub struct PushHandle {
    hub: Hub,
    loops: Handle<HubMail>,
    auth: Option<Auth>,
    push_key: Option<PushKey>,
    tokens: Option<TokenFile>,
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
        let hosts = HostPolicy::new(&addresses, &settings.hosts);
        let access = Access::new(settings.origin.clone(), hosts);
        let tries = Arc::default();
        let (push_key, tokens) = (settings.push_key.clone(), settings.tokens.clone());
        let auth = settings.auth.clone();
        let hub = Hub::default();
        let shared = hub.clone();
        let server = Server::bind(&addresses[..], options, move |worker| {
            let (hub, settings) = (shared.clone(), settings.clone());
            let service = PushService::new(hub, settings, &worker.mailboxes);
            service.with(access.clone(), Arc::clone(&tries))
        })?;
        hub.connect(server.mailboxes());
        let handle = PushHandle {
            hub,
            loops: server.handle(),
            auth,
            push_key,
            tokens,
        };
        Ok(Self { handle, server })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// A handle for other threads.
    pub fn handle(&self) -> PushHandle {
        self.handle.clone()
    }

    /// Waits until the server has stopped.
    ///
    /// # Errors
    ///
    /// The same as [`Server::join`].
    pub fn join(self) -> Result<(), WorkerError> {
        self.server.join()
    }
}

impl PushHandle {
    /// Reads the files of keys and tokens again at once, whether or not they seem to have changed.
    /// Does not wait for the result.
    pub fn reload(&self) {
        if let Some(auth) = &self.auth {
            auth.reload();
        }
        if let Some(key) = &self.push_key {
            key.reload();
        }
        if let Some(tokens) = &self.tokens {
            tokens.reload();
        }
    }

    /// Sends `message` to the connections of `user` that have registered for `event`; returns how
    /// many there are. From any thread; never waits for them.
    ///
    /// # Errors
    ///
    /// The same as [`Hub::publish`].
    pub fn push(&self, user: &str, event: &str, message: &str) -> Result<usize, Unavailable> {
        self.hub
            .publish(&Topic::new(user, event), Message::text(message))
    }

    /// Closes the connections of `user`, or only those registered for `event`; returns how many
    /// there are.
    ///
    /// # Errors
    ///
    /// The same as [`Hub::close`].
    pub fn close_connections(&self, user: &str, event: Option<&str>) -> Result<usize, Unavailable> {
        self.hub.close(user, event)
    }

    /// Begins a graceful stop: see [`Handle::stop`]. From now on no connection counts as a
    /// subscriber.
    pub fn stop(&self) {
        self.hub.stop();
        self.loops.stop();
    }

    /// The counters of each worker.
    pub fn counters(&self) -> Vec<Counters> {
        self.loops.counters()
    }
}
