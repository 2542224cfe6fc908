//! The services behind `wirebell serve` and `wirebell echo`: routes, and what each does.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page |
//! | `/ws`, `/push`, `/drop` | the wserver dialect |
//! | `/echo` | every message comes back |
//! | `/healthz` | 200 |
//!
//! Invariant: a connection that we have sent a Close is no subscriber any more, and from the
//! beginning of a graceful stop every request is answered with 503; so nobody is told of receivers
//! that there are not.

use crate::handshake::{Ask, Subprotocol};
use crate::limits::Limits;
use crate::net::{Context, End, Mailbox, Options, PeerId, Reply, Request, Response};
use crate::net::{Sent, Server, Service};
use crate::proto::{Message, Millis};
use crate::push::answers::{is_encoded, no_echo, nothing_at, unavailable, unsupported};
use crate::push::auth::{PushKey, TokenFile};
use crate::push::dialect::wserver::{Dropping, ILLEGAL, NoRegistration};
use crate::push::dialect::wserver::{Publication, Registration};
use crate::push::hub::{Delivery, Hub, Unavailable, What};
use crate::push::members::{Members, Refused};
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
    /// Whether there is `/echo`. If it is not said, there is while neither publishing nor
    /// subscribing needs a secret: a server for some is no free echo for all.
    pub echo: Option<bool>,
}

impl Settings {
    fn has_echo(&self) -> bool {
        let is_open = self.push_key.is_none() && self.tokens.is_none();
        self.echo.unwrap_or(is_open)
    }
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
    ///
    /// # Errors
    ///
    /// As [`Hub::publish`].
    pub fn push(&self, user: &str, event: &str, message: &str) -> Result<usize, Unavailable> {
        self.hub
            .publish(&Topic::new(user, event), Message::text(message))
    }

    /// Closes the connections of `user`, or only those registered for `event`; returns how many
    /// there are.
    ///
    /// # Errors
    ///
    /// As [`Hub::close`].
    pub fn close_connections(&self, user: &str, event: Option<&str>) -> Result<usize, Unavailable> {
        self.hub.close(user, event)
    }

    /// Begins a graceful stop: see [`Server::stop`]. From now on nobody counts as a subscriber.
    pub fn stop(&self) {
        self.hub.stop();
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
    /// The service of the worker with this number. Call [`Hub::stop`] before
    /// [`Server::stop`], as [`PushServer::stop`] does.
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
            let subprotocol = match tag {
                ECHO => first_of(&ask, &[]),
                _ => None,
            };
            Ok(ask.accept(subprotocol))
        });
        match accepted {
            Ok(accepted) => Reply::Open { accepted, tag },
            Err(refusal) => refusal.into(),
        }
    }

    fn echo<'r>(&self, request: &Request<'r>) -> Reply<'r> {
        match self.settings.has_echo() {
            true => self.upgrade(request, ECHO),
            false => no_echo().into(),
        }
    }

    fn push(&self, request: &Request<'_>, limits: &Limits) -> Response {
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
        if is_encoded(request) {
            return unsupported();
        }
        let Some(publication) = Publication::read(request.body()) else {
            return Response::text(400, ILLEGAL);
        };
        let Publication {
            user,
            event,
            message,
        } = publication;
        let topic = Topic::new(user, event);
        match self.hub.publish(&topic, Message::text(&message)) {
            Ok(count) => Response::text(200, format!("message sent to {count} clients")),
            Err(reason) => unavailable(reason, limits),
        }
    }

    fn drop_user(&self, request: &Request<'_>, limits: &Limits) -> Response {
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
        if is_encoded(request) {
            return unsupported();
        }
        let Some(Dropping { user, event }) = Dropping::read(request.body()) else {
            return Response::text(400, ILLEGAL);
        };
        match self.hub.close(&user, event.as_deref()) {
            Ok(count) => Response::text(200, format!("{count} clients dropped")),
            Err(reason) => unavailable(reason, limits),
        }
    }

    /// What a client says on `/ws`. It is never answered: what is no registration is ignored, as
    /// clients of wserver expect, and one that is refused ends the connection, so that its client
    /// does not wait for pushes that never come.
    fn register(&mut self, context: &mut Context<'_>, peer: PeerId, bytes: &[u8]) {
        let limits = context.limits();
        let Registration { token, events } = match Registration::read(bytes, limits.subscriptions) {
            Ok(registration) => registration,
            Err(NoRegistration::Malformed) => {
                return log::debug!("peer {}: not a registration", peer.index());
            }
            Err(NoRegistration::TooManyEvents) => {
                let (code, reason) = Refused::TooMany.close();
                return self.dismiss(context, peer, code, reason);
            }
        };
        let user = match &self.settings.tokens {
            None => Some(token),
            Some(tokens) => tokens.user(&token),
        };
        let Some(user) = user else {
            return self.dismiss(context, peer, CloseCode::POLICY, "unknown token");
        };
        let (hub, members) = (&self.hub, &mut self.members);
        let joined = members.subscribe(hub, self.worker, peer, &user, &events, limits);
        if let Err(refused) = joined {
            let (code, reason) = refused.close();
            self.dismiss(context, peer, code, reason);
        }
    }

    /// Closes a connection, which from now on is no subscriber.
    fn dismiss(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        code: CloseCode,
        reason: &'static str,
    ) {
        log::info!("peer {}: closing with {code}: {reason}", peer.index());
        context.close(peer, code, reason);
        self.members.remove(&self.hub, self.worker, peer);
    }

    fn is_stopping(&self, context: &Context<'_>) -> bool {
        context.is_stopping() || self.hub.is_stopped()
    }
}

/// The first subprotocol that the client offers, out of `supported` if that is not empty. Browsers
/// and others end a connection for which none of those that they offer is confirmed (RFC 6455
/// section 4.1).
fn first_of<'h>(ask: &Ask<'h>, supported: &[String]) -> Option<Subprotocol<'h>> {
    let is_supported = |name: &str| supported.iter().any(|supported| supported == name);
    ask.subprotocols()
        .find(|offered| supported.is_empty() || is_supported(offered.name()))
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
    fn request<'r>(&mut self, context: &mut Context<'_>, request: &Request<'r>) -> Reply<'r> {
        let limits = context.limits();
        if self.is_stopping(context) {
            return unavailable(Unavailable::Stopped, limits).into();
        }
        match request.path() {
            "/" if !request.fields().has_token("Upgrade", "websocket") => page(request).into(),
            "/ws" => self.upgrade(request, WSERVER),
            "/push" => self.push(request, limits).into(),
            "/drop" => self.drop_user(request, limits).into(),
            "/echo" => self.echo(request),
            "/healthz" => health(request).into(),
            path => nothing_at(path, request).into(),
        }
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if context.tag(peer) == Some(WSERVER) {
            let limits = context.limits();
            let until = context.now() + Millis::from(limits.register_ms);
            let general = limits.frame_bytes.min(limits.message_bytes);
            let bytes = limits.registration_bytes.min(general);
            context.set_message_limit(peer, bytes);
            self.waiting.push_back((until, peer));
            self.members.open(peer);
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        match context.tag(peer) {
            Some(WSERVER) if self.members.is_open(peer) => {
                self.register(context, peer, message.bytes);
            }
            Some(WSERVER) => {} // It has been sent a Close.
            _ => drop(context.send(peer, message)),
        }
    }

    fn closing(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.members.remove(&self.hub, self.worker, peer);
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
        let members = self.members.of(topic, sequence);
        match what {
            What::Frame(frame) => {
                let mut send = |peer: &PeerId| context.send_frame(*peer, &frame, topic);
                let closed: Vec<_> = members.filter(|peer| send(peer) == Sent::Closed).collect();
                for peer in closed {
                    self.members.remove(&self.hub, self.worker, peer);
                }
            }
            What::Close => {
                for peer in members.collect::<Vec<_>>() {
                    self.dismiss(context, peer, CloseCode::NORMAL, "dropped");
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
                && self.members.is_idle(peer)
            {
                self.dismiss(context, peer, CloseCode::POLICY, "no registration came");
            }
        }
    }
}

/// Echoes on every path; for conformance tools.
#[derive(Clone, Debug, Default)]
pub struct EchoServer {
    /// Which pages may connect.
    pub origin: OriginPolicy,
    /// The subprotocols that it confirms; without any, all.
    pub subprotocols: Vec<String>,
}

impl Service for EchoServer {
    type Mail = ();

    fn request<'r>(&mut self, context: &mut Context<'_>, request: &Request<'r>) -> Reply<'r> {
        if context.is_stopping() {
            return unavailable(Unavailable::Stopped, context.limits()).into();
        }
        let accepted = request.handshake().and_then(|ask| {
            self.origin.check(&ask)?;
            Ok(ask.accept(first_of(&ask, &self.subprotocols)))
        });
        accepted.into()
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }
}
