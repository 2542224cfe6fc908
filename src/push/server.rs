//! The services behind `wirebell serve` and `wirebell echo`: routes, and what each does.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page |
//! | `/ws`, `/push`, `/drop` | the wserver dialect |
//! | `/echo` | every message comes back |
//! | `/healthz` | 200 while the loop runs |

use crate::error::Refusal;
use crate::net::{Context, End, Mailbox, Options, PeerId, Reply, Request, Response};
use crate::net::{Server, Service};
use crate::proto::{Message, Millis};
use crate::push::auth::{PushKey, TokenFile};
use crate::push::dialect::wserver::{Dropping, ILLEGAL, Publication, Registration};
use crate::push::hub::{Delivery, Hub, What};
use crate::push::members::{Members, Subscribed};
use crate::push::origin::OriginPolicy;
use crate::push::topics::Topic;
use crate::wire::CloseCode;
use std::collections::VecDeque;
use std::io;
use std::net::{SocketAddr, ToSocketAddrs};

/// What a push server is told apart from the [`Options`] of its loops.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which pages may connect.
    pub origin: OriginPolicy,
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
        let hub = Hub::default();
        let shared = hub.clone();
        let server = Server::bind(address, options, move |worker| {
            PushService::new(
                shared.clone(),
                settings.clone(),
                worker.number,
                &worker.mailboxes,
            )
        })?;
        hub.connect(server.mailboxes());
        Ok(Self { hub, server })
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
    /// The service of the worker with this number.
    pub fn new(
        hub: Hub,
        settings: Settings,
        worker: usize,
        mailboxes: &[Mailbox<Delivery>],
    ) -> Self {
        hub.connect(mailboxes);
        let members = Members::default();
        Self {
            hub,
            settings,
            worker,
            members,
            waiting: VecDeque::new(),
        }
    }

    fn upgrade<'r>(&self, request: &Request<'r>, tag: u32) -> Reply<'r> {
        let accepted = request.handshake().and_then(|ask| {
            self.settings.origin.check(&ask)?;
            Ok(ask.accept(None))
        });
        match accepted {
            Ok(accepted) => Reply::Open { accepted, tag },
            Err(refusal) => refusal.into(),
        }
    }

    fn push(&self, request: &Request<'_>) -> Response {
        if request.method() != "POST" {
            return Response::new(405).field("Allow", "POST");
        }
        if self
            .settings
            .push_key
            .as_ref()
            .is_some_and(|key| !key.admits(request.bearer()))
        {
            return unauthorized();
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

    fn drop_user(&self, request: &Request<'_>) -> Response {
        if request.method() != "POST" {
            return Response::new(405).field("Allow", "POST");
        }
        match &self.settings.push_key {
            None => return Response::text(403, "dropping needs a server with a push key"),
            Some(key) if !key.admits(request.bearer()) => return unauthorized(),
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

    fn register(&mut self, context: &mut Context<'_>, peer: PeerId, bytes: &[u8]) {
        let Some(Registration { token, events }) = Registration::read(bytes) else {
            return log::debug!("peer {}: not a registration", peer.index());
        };
        let user = match &self.settings.tokens {
            None => Some(token),
            Some(tokens) => tokens.user(&token),
        };
        let Some(user) = user else {
            return log::info!("peer {}: unknown token", peer.index());
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

fn unauthorized() -> Response {
    Response::new(401).field("WWW-Authenticate", "Bearer")
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
    fn request<'r>(&mut self, _: &mut Context<'_>, request: &Request<'r>) -> Reply<'r> {
        match request.path() {
            "/" => page(request).into(),
            "/ws" => self.upgrade(request, WSERVER),
            "/push" => self.push(request).into(),
            "/drop" => self.drop_user(request).into(),
            "/echo" => self.upgrade(request, ECHO),
            "/healthz" => health(request).into(),
            _ => Refusal::NotFound.into(),
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
    /// Which pages may connect.
    pub origin: OriginPolicy,
}

impl Service for EchoServer {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, request: &Request<'r>) -> Reply<'r> {
        let accepted = request.handshake().and_then(|ask| {
            self.origin.check(&ask)?;
            Ok(ask.accept(None))
        });
        accepted.into()
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }
}
