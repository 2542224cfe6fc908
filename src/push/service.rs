//! The service behind `wirebell serve`: routes, and what each does.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page |
//! | `/ws`, `/push`, `/drop` | the wserver dialect |
//! | `/echo` | every message comes back |
//! | `/healthz` | 200 |
//!
//! Invariant: a connection that was sent a Close is no longer a subscriber, and from the beginning
//! of a graceful stop every request is answered with 503; so no publisher is told of receivers that
//! do not exist.

use crate::handshake::UpgradeRequest;
use crate::http::{MediaType, RequestHead, Status, field};
use crate::limits::Limits;
use crate::net::{Context, End, Mailbox, PeerId, Reply, Request, Response};
use crate::net::{Sent, Service, Upgrade};
use crate::proto::{Message, Millis};
use crate::push::access::{Access, Admitted};
use crate::push::answers::{UNREAD_BODY, at_most, check_method, is_encoded};
use crate::push::answers::{no_echo, unavailable, unsupported};
use crate::push::auth::{Auth, PushKey, TokenFile};
use crate::push::dialect::wserver::{Dropping, ILLEGAL, NoRegistration};
use crate::push::dialect::wserver::{Publication, Registration};
use crate::push::echo::first_of;
use crate::push::hosts::HostPolicy;
use crate::push::hub::{Hub, HubMail, Unavailable, What};
use crate::push::members::{Members, Refused};
use crate::push::origin::OriginPolicy;
use crate::push::routes::Route;
use crate::push::topics::Topic;
use crate::push::tries::Tries;
use crate::wire::CloseCode;
use std::net::SocketAddr;
use std::sync::Arc;

/// The settings of a push server besides the [`Options`](crate::net::Options) of its loops.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Which pages may connect.
    pub origin: OriginPolicy,
    /// Names of the server, without ports. On a loopback address they are accepted in addition to
    /// `localhost` and loopback addresses; elsewhere, any host is accepted if the list is empty.
    /// See [`HostPolicy`].
    pub hosts: Vec<String>,
    /// Who may use which topics. Without it, everyone may use all.
    pub auth: Option<Auth>,
    /// Without one, every caller may push and none may drop.
    pub push_key: Option<PushKey>,
    /// Without one, a token is the name of its user.
    pub tokens: Option<TokenFile>,
    /// Whether there is `/echo`. `None` enables it only if neither publishing nor subscribing needs
    /// a secret: a protected server should not be a public echo.
    pub echo: Option<bool>,
}

impl Settings {
    fn has_echo(&self) -> bool {
        let is_open = self.auth.is_none() && self.push_key.is_none() && self.tokens.is_none();
        self.echo.unwrap_or(is_open)
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
    members: Members,
}

/// The purpose of an open connection: the tag of its peer.
const ECHO: u32 = 0;
const WSERVER: u32 = 1;

const PAGE: &str = include_str!("page/index.html");

/// The page is one file: nothing is loaded from elsewhere, and the policy forbids it.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; \
     script-src 'unsafe-inline'; connect-src 'self' ws: wss:; img-src data:; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

impl PushService {
    /// The service of one worker. As it does not know its addresses, any host is accepted unless
    /// the settings name some. Call [`Hub::stop`] before stopping the server, as a `PushServer`
    /// does.
    pub fn new(hub: Hub, settings: Settings, mailboxes: &[Mailbox<HubMail>]) -> Self {
        hub.connect(mailboxes);
        let members = Members::default();
        let hosts = HostPolicy::new(&[], &settings.hosts);
        Self {
            hub,
            access: Access::new(settings.origin.clone(), hosts),
            tries: Arc::default(),
            settings,
            members,
        }
    }

    /// With the policies that all workers share.
    pub(super) fn with(mut self, access: Access, tries: Arc<Tries>) -> Self {
        self.access = access;
        self.tries = tries;
        self
    }

    fn upgrade<'r>(&self, request: &Request<'r>, tag: u32) -> Reply<'r> {
        let subprotocol = |opening: &UpgradeRequest<'r>| match tag {
            ECHO => first_of(opening, &[]),
            _ => None,
        };
        match request
            .upgrade()
            .map(|opening| opening.accept(subprotocol(&opening)))
        {
            Ok(accepted) => Upgrade::new(accepted).tag(tag).into(),
            Err(refusal) => refusal.into(),
        }
    }

    /// Whether a request is answered at all, and by which route, judged by its head.
    ///
    /// # Errors
    ///
    /// The response that refuses it.
    fn judge(
        &self,
        context: &Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<(Admitted, Route), Response> {
        let admitted = self.access.admit(head, || context.address(from))?;
        match self.gate(context, from, head) {
            Ok(route) => Ok((admitted, route)),
            Err(refused) => Err(admitted.mark(refused)),
        }
    }

    fn gate(
        &self,
        context: &Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<Route, Response> {
        if self.is_stopping(context) {
            return Err(unavailable(Unavailable::Stopped, context.limits()));
        }
        let route = Route::of(head)?;
        match (route, &self.settings.push_key) {
            (Route::Push | Route::Drop, Some(key)) if !key.admits(head.bearer()) => {
                return Err(self.unauthorized(context.address(from), head));
            }
            (Route::Drop, None) => {
                let text = "dropping needs a server with a push key";
                return Err(Response::text(Status::FORBIDDEN, text));
            }
            (Route::Echo, _) if !self.settings.has_echo() => return Err(no_echo()),
            (Route::Register | Route::Echo, _) => check_method(head)?,
            _ => {}
        }
        match route.takes_body() && is_encoded(head) {
            true => Err(unsupported()),
            false => Ok(route),
        }
    }

    /// A request without a key does not count as a guess.
    fn unauthorized(&self, from: Option<SocketAddr>, head: &RequestHead<'_>) -> Response {
        let mut response =
            Response::new(Status::UNAUTHORIZED).field(field!("WWW-Authenticate", "Bearer"));
        response.close = head.bearer().is_some() && self.tries.wrong("push key", from);
        response
    }

    fn push(&self, request: &Request<'_>, limits: &Limits) -> Response {
        let Some(publication) = Publication::read(request.body()) else {
            return Response::text(Status::BAD_REQUEST, ILLEGAL);
        };
        let Publication {
            user,
            event,
            message,
        } = publication;
        let topic = Topic::new(user, event);
        match self.hub.publish(&topic, Message::text(&message)) {
            Ok(count) => Response::text(Status::OK, format!("message sent to {count} clients")),
            Err(reason) => unavailable(reason, limits),
        }
    }

    fn drop_user(&self, request: &Request<'_>, limits: &Limits) -> Response {
        if !request.has_length() {
            return Response::new(Status::LENGTH_REQUIRED);
        }
        let Some(Dropping { user, event }) = Dropping::read(request.body()) else {
            return Response::text(Status::BAD_REQUEST, ILLEGAL);
        };
        match self.hub.close(&user, event.as_deref()) {
            Ok(count) => Response::text(Status::OK, format!("{count} clients dropped")),
            Err(reason) => unavailable(reason, limits),
        }
    }

    /// A message of a client on `/ws`. It is never answered: a message that is not a registration
    /// is ignored, as clients of wserver expect, and a refused registration ends the connection, so
    /// that its client does not wait for pushes that never come.
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
            self.tries.wrong("token", context.address(peer));
            return self.dismiss(context, peer, CloseCode::POLICY, "unknown token");
        };
        let (hub, members) = (&self.hub, &mut self.members);
        let joined = members.subscribe(hub, peer.worker(), peer, &user, &events, limits);
        if let Err(refused) = joined {
            let (code, reason) = refused.close();
            self.dismiss(context, peer, code, reason);
        }
    }

    /// Closes a connection, which is no longer a subscriber.
    fn dismiss(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        code: CloseCode,
        reason: &'static str,
    ) {
        log::info!("peer {}: closing with {code}: {reason}", peer.index());
        // First, as the Close may be seen before this returns.
        self.members.remove(&self.hub, peer.worker(), peer);
        context.close(peer, code, reason);
    }

    fn is_stopping(&self, context: &Context<'_>) -> bool {
        context.is_stopping() || self.hub.is_stopped()
    }
}

fn page() -> Response {
    Response::content(Status::OK, MediaType::HTML, PAGE.as_bytes())
        .field(field!("Content-Security-Policy", PAGE_POLICY))
        .field(field!("Cache-Control", "no-cache"))
        .field(field!("Referrer-Policy", "no-referrer"))
        .field(field!("X-Content-Type-Options", "nosniff"))
}

impl Service for PushService {
    type Mail = HubMail;

    fn body(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        let (admitted, route) = self.judge(context, from, head)?;
        let limit = match route.takes_body() {
            true => context.limits().body_bytes,
            false => UNREAD_BODY,
        };
        at_most(limit, head).map_err(|refused| admitted.mark(refused))
    }

    fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        let limits = context.limits();
        let (admitted, route) = match self.judge(context, from, &request.head()) {
            Ok(judged) => judged,
            Err(refused) => return refused.into(),
        };
        let reply = match route {
            Route::Page => page().into(),
            Route::Register => self.upgrade(request, WSERVER),
            Route::Push => self.push(request, limits).into(),
            Route::Drop => self.drop_user(request, limits).into(),
            Route::Echo => self.upgrade(request, ECHO),
            Route::Health => Response::text(Status::OK, "ok").into(),
        };
        admitted.mark_reply(reply)
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if context.tag(peer) == Some(WSERVER) {
            let limits = context.limits();
            let until = context.now() + Millis::from(limits.register_ms);
            let general = limits.frame_bytes.min(limits.message_bytes);
            let bytes = limits.registration_bytes.min(general);
            context.set_message_limit(peer, bytes);
            context.set_timer(peer, Some(until));
            self.members.open(peer);
        }
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        match context.tag(peer) {
            Some(WSERVER) if self.members.is_open(peer) => {
                self.register(context, peer, message.bytes);
            }
            Some(WSERVER) => {} // It was sent a Close.
            _ => drop(context.send(peer, message)),
        }
    }

    fn closing(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.members.remove(&self.hub, peer.worker(), peer);
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End<'_>) {
        self.members.remove(&self.hub, peer.worker(), peer);
    }

    fn mail(&mut self, context: &mut Context<'_>, delivery: HubMail) {
        let HubMail {
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
                    self.members.remove(&self.hub, peer.worker(), peer);
                }
            }
            What::Close => {
                for peer in members.collect::<Vec<_>>() {
                    self.dismiss(context, peer, CloseCode::NORMAL, "dropped");
                }
            }
        }
    }

    fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if self.members.is_idle(peer) {
            self.dismiss(context, peer, CloseCode::POLICY, "no registration came");
        }
    }
}
