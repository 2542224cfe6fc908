//! The services behind `wirebell serve` and `wirebell echo`: routes, and what each does.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page |
//! | `/ws`, `/push`, `/drop` | the wserver dialect |
//! | `/echo` | every message comes back |
//! | `/healthz` | 200 while the loop runs |

use crate::error::Refusal;
use crate::handshake::RequestHead;
use crate::net::{Context, End, Mailbox, Options, PeerId, Reply, Request, Response};
use crate::net::{Server, Service};
use crate::proto::{Message, Millis};
use crate::push::access::{Access, Admitted};
use crate::push::auth::{PushKey, TokenFile};
use crate::push::dialect::wserver::{Dropping, ILLEGAL, Publication, Registration};
use crate::push::hosts::HostPolicy;
use crate::push::hub::{Delivery, Hub, What};
use crate::push::members::{Members, Subscribed};
use crate::push::origin::OriginPolicy;
use crate::push::topics::Topic;
use crate::push::tries::Tries;
use crate::wire::CloseCode;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};
use std::sync::Arc;

/// What a push server is told apart from the [`Options`] of its loops.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which pages may connect.
    pub origin: OriginPolicy,
    /// Names of the server, without ports. On a loopback address they are accepted beside
    /// `localhost` and loopback addresses; elsewhere any host is, unless there are some. See
    /// [`HostPolicy`].
    pub hosts: Vec<String>,
    /// Without one, everybody may push and nobody may drop.
    pub push_key: Option<PushKey>,
    /// Without one, a token is the name of its user.
    pub tokens: Option<TokenFile>,
}

/// A running push server.
#[derive(Debug)]
pub struct PushServer {
    hub: Hub,
    server: Server<Delivery>,
    push_key: Option<PushKey>,
    tokens: Option<TokenFile>,
}

impl PushServer {
    /// Listens and serves until [`PushServer::stop`].
    ///
    /// # Errors
    ///
    /// As [`Server::bind`].
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
        let hub = Hub::default();
        let shared = hub.clone();
        let server = Server::bind(&addresses[..], options, move |worker| {
            let (hub, settings) = (shared.clone(), settings.clone());
            let mut service = PushService::new(hub, settings, worker.number, &worker.mailboxes);
            service.access = access.clone();
            service.tries = Arc::clone(&tries);
            service
        })?;
        hub.connect(server.mailboxes());
        Ok(Self {
            hub,
            server,
            push_key,
            tokens,
        })
    }

    /// Has the files of keys and tokens read again at once, whether or not they seem to have
    /// changed. Does not wait for it.
    pub fn reload(&self) {
        if let Some(key) = &self.push_key {
            key.reload();
        }
        if let Some(tokens) = &self.tokens {
            tokens.reload();
        }
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.server.local_addr()
    }

    /// Sends `message` to the connections of `user` that have registered for `event`; returns how
    /// many there are. From any thread; never waits for them.
    pub fn push(&self, user: &str, event: &str, message: &str) -> usize {
        self.hub
            .publish(&Topic::new(user, event), Message::text(message))
    }

    /// Closes the connections of `user`, or only those registered for `event`; returns how many
    /// there are.
    pub fn close_connections(&self, user: &str, event: Option<&str>) -> usize {
        self.hub.close(user, event)
    }

    /// Begins a graceful stop: see [`Server::stop`].
    pub fn stop(&self) {
        self.server.stop();
    }

    /// Waits for the end of the stop.
    pub fn join(self) {
        self.server.join();
    }
}

/// The push server of one worker.
#[derive(Debug)]
pub struct PushService {
    hub: Hub,
    settings: Settings,
    access: Access,
    /// Shared by all workers.
    tries: Arc<Tries>,
    worker: usize,
    members: Members,
    /// Connections that have not registered, and until when they must have.
    waiting: VecDeque<(Millis, PeerId)>,
}

/// What an open connection is for: the tag of its peer.
const ECHO: u32 = 0;
const WSERVER: u32 = 1;

const PAGE: &str = include_str!("page/index.html");

/// The page is one file: nothing is loaded from elsewhere, and nothing can be.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl PushService {
    /// The service of the worker with this number. As it does not know where it listens, any host
    /// is accepted unless the settings name some.
    pub fn new(
        hub: Hub,
        settings: Settings,
        worker: usize,
        mailboxes: &[Mailbox<Delivery>],
    ) -> Self {
        hub.connect(mailboxes);
        let members = Members::default();
        let hosts = HostPolicy::new(&[], &settings.hosts);
        Self {
            hub,
            access: Access::new(settings.origin.clone(), hosts),
            tries: Arc::default(),
            settings,
            worker,
            members,
            waiting: VecDeque::new(),
        }
    }

    fn upgrade<'r>(&self, request: &Request<'r>, tag: u32) -> Reply<'r> {
        match request.handshake().map(|ask| ask.accept(None)) {
            Ok(accepted) => Reply::Open { accepted, tag },
            Err(refusal) => refusal.into(),
        }
    }

    /// Whether a request is answered at all, by its head alone.
    ///
    /// # Errors
    ///
    /// The response that refuses it: see [`Access::admit`].
    pub fn admit(
        &self,
        context: &Context<'_>,
        head: &RequestHead<'_>,
    ) -> Result<Admitted, Response> {
        self.access.admit(head, || context.requester())
    }

    fn route<'r>(&self, context: &Context<'_>, request: &Request<'r>) -> Reply<'r> {
        match request.path() {
            "/" => page(request).into(),
            "/ws" => self.upgrade(request, WSERVER),
            "/push" => self.push(context, request).into(),
            "/drop" => self.drop_user(context, request).into(),
            "/echo" => self.upgrade(request, ECHO),
            "/healthz" => health(request).into(),
            _ => Refusal::NotFound.into(),
        }
    }

    fn push(&self, context: &Context<'_>, request: &Request<'_>) -> Response {
        if request.method() != "POST" {
            return Response::new(405).field("Allow", "POST");
        }
        if self
            .settings
            .push_key
            .as_ref()
            .is_some_and(|key| !key.admits(request.bearer()))
        {
            return self.unauthorized(context, request);
        }
        let Some(publication) = Publication::read(request.body()) else {
            return Response::text(400, ILLEGAL);
        };
        let Publication {
            user,
            event,
            message,
        } = publication;
        let count = self
            .hub
            .publish(&Topic::new(user, event), Message::text(&message));
        Response::text(200, format!("message sent to {count} clients"))
    }

    fn drop_user(&self, context: &Context<'_>, request: &Request<'_>) -> Response {
        if request.method() != "POST" {
            return Response::new(405).field("Allow", "POST");
        }
        match &self.settings.push_key {
            None => return Response::text(403, "dropping needs a server with a push key"),
            Some(key) if !key.admits(request.bearer()) => {
                return self.unauthorized(context, request);
            }
            Some(_) => {}
        }
        if !request.has_length() {
            return Response::new(411);
        }
        let Some(Dropping { user, event }) = Dropping::read(request.body()) else {
            return Response::text(400, ILLEGAL);
        };
        let count = self.hub.close(&user, event.as_deref());
        Response::text(200, format!("{count} clients dropped"))
    }

    /// Who sends no key at all guesses none.
    fn unauthorized(&self, context: &Context<'_>, request: &Request<'_>) -> Response {
        let mut response = Response::new(401).field("WWW-Authenticate", "Bearer");
        response.close =
            request.bearer().is_some() && self.tries.wrong("push key", context.requester());
        response
    }

    fn register(&mut self, context: &mut Context<'_>, peer: PeerId, bytes: &[u8]) {
        let Some(Registration { token, events }) = Registration::read(bytes) else {
            return log::debug!("peer {}: not a registration", peer.index());
        };
        let user = match &self.settings.tokens {
            None => Some(token),
            Some(tokens) => tokens.user(&token),
        };
        let Some(user) = user else {
            self.tries.wrong("token", context.address(peer));
            return;
        };
        let limits = context.limits();
        if user.len() > limits.topic_bytes
            || events.iter().any(|event| event.len() > limits.topic_bytes)
        {
            return log::info!("peer {}: user or event too long", peer.index());
        }
        for event in events {
            let topic = Topic::new(user.as_str(), event);
            let (hub, members) = (&self.hub, &mut self.members);
            if members.subscribe(hub, self.worker, peer, topic, limits) == Subscribed::TooMany {
                return log::info!("peer {}: too many subscriptions or topics", peer.index());
            }
        }
    }
}

fn page(request: &Request<'_>) -> Response {
    if !matches!(request.method(), "GET" | "HEAD") {
        return Response::new(405).field("Allow", "GET, HEAD");
    }
    let mut page = Response::new(200)
        .field("Content-Type", "text/html; charset=utf-8")
        .field("Content-Security-Policy", PAGE_POLICY)
        .field("Cache-Control", "no-cache")
        .field("Referrer-Policy", "no-referrer")
        .field("X-Content-Type-Options", "nosniff");
    page.body = PAGE.as_bytes().into();
    page
}

fn health(request: &Request<'_>) -> Response {
    match request.method() {
        "GET" | "HEAD" => Response::text(200, "ok"),
        _ => Response::new(405).field("Allow", "GET, HEAD"),
    }
}

impl Service for PushService {
    type Mail = Delivery;

    // req: 6455-4.2.2-07
    fn request<'r>(&mut self, context: &mut Context<'_>, request: &Request<'r>) -> Reply<'r> {
        match self.admit(context, request.head()) {
            Ok(admitted) => admitted.mark_reply(self.route(context, request)),
            Err(refused) => refused.into(),
        }
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if context.tag(peer) == Some(WSERVER) {
            let until = context.now() + Millis::from(context.limits().register_ms);
            self.waiting.push_back((until, peer));
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        match context.tag(peer) {
            Some(WSERVER) => self.register(context, peer, message.bytes),
            _ => drop(context.send(peer, message)),
        }
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End) {
        self.members.remove(&self.hub, self.worker, peer);
    }

    fn mail(&mut self, context: &mut Context<'_>, delivery: Delivery) {
        let Delivery {
            topic,
            sequence,
            what,
        } = delivery;
        match what {
            What::Frame(frame) => {
                for peer in self.members.of(topic, sequence) {
                    let _ = context.send_frame(peer, &frame, topic);
                }
            }
            What::Close => {
                for peer in self.members.of(topic, sequence) {
                    context.close(peer, CloseCode::NORMAL, "dropped");
                }
            }
        }
    }

    fn deadline(&self) -> Option<Millis> {
        self.waiting.front().map(|(until, _)| *until)
    }

    fn tick(&mut self, context: &mut Context<'_>) {
        while self
            .waiting
            .front()
            .is_some_and(|(until, _)| *until <= context.now())
        {
            if let Some((_, peer)) = self.waiting.pop_front()
                && !self.members.has(peer)
            {
                context.close(peer, CloseCode::POLICY, "no registration came");
            }
        }
    }
}

/// Echoes on every path; for conformance tools.
#[derive(Clone, Debug, Default)]
pub struct EchoServer {
    /// Which pages may connect, and to which names of the server.
    pub access: Access,
}

impl Service for EchoServer {
    type Mail = ();

    fn request<'r>(&mut self, context: &mut Context<'_>, request: &Request<'r>) -> Reply<'r> {
        match self.access.admit(request.head(), || context.requester()) {
            Ok(admitted) => {
                admitted.mark_reply(request.handshake().map(|ask| ask.accept(None)).into())
            }
            Err(refused) => refused.into(),
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }
}
