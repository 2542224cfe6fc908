//! The service behind `wirebell serve`: routes, and what each does.
//!
//! | path | what |
//! |---|---|
//! | `/` | the live page |
//! | `/topics`, `/topics/…` | the native dialect |
//! | `/ws`, `/push`, `/drop` | the wserver dialect |
//! | `/message`, `/stream`, … | the gotify dialect, if there is one |
//! | `/echo` | every message comes back |
//! | `/healthz`, `/readyz`, `/metrics` | for those who operate it |
//!
//! Invariant: a connection that was sent a Close is no longer a subscriber, and from the beginning
//! of a graceful stop every request is answered with 503; so no publisher is told of receivers that
//! do not exist.

use crate::handshake::UpgradeRequest;
use crate::http::{RequestHead, Status};
use crate::net::{self, Context, End, Mailbox, PeerId, Reply, Request, Response};
use crate::net::{Sent, Service, Upgrade};
use crate::proto::{Message, Millis};
use crate::push::access::Admitted;
use crate::push::answers::unavailable;
use crate::push::broker::BrokerMail;
use crate::push::delivery::Delivery;
use crate::push::denial::Delayed;
use crate::push::echo::first_of;
use crate::push::gotify::{self, GOTIFY};
use crate::push::mail::PushMail;
use crate::push::native::{Dialect, NATIVE};
use crate::push::page::page;
use crate::push::routes::{Entry, Route};
use crate::push::shared::Shared;
use crate::push::stats::{Memory, Reporter};
use crate::push::wserver::members::{Members, Refused};
use crate::push::wserver::{Dropping, ILLEGAL, NoRegistration, Publication, Registration};
use crate::wire::CloseCode;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The push server of one worker.
#[derive(Debug)]
pub struct PushService {
    pub(super) shared: Shared,
    pub(super) native: Dialect,
    pub(super) gotify: Option<gotify::Dialect>,
    pub(super) members: Members,
    /// When to look after topics and tokens.
    due: Millis,
    pub(super) delayed: Delayed,
    reporter: Reporter,
}

/// The purpose of an open connection: the tag of its peer. [`NATIVE`] is another.
pub(super) const ECHO: u32 = 0;
pub(super) const WSERVER: u32 = 1;

/// A wrong key or token, which is answered later.
pub(super) const DENIED: u32 = 2;

/// Milliseconds between two looks at topics and tokens: a revoked token has ended within a second.
const LOOK_MS: Millis = 500;

impl PushService {
    /// The service of one worker, whose number is not known yet. Call [`Shared::stop`] before
    /// stopping the server, as a `PushServer` does.
    pub fn new(shared: &Shared, mailboxes: &[Mailbox<PushMail>]) -> Self {
        shared.connect(mailboxes);
        let settings = &shared.settings;
        Self {
            native: Dialect::new(
                shared.broker.clone(),
                settings.auth.clone(),
                settings.gotify.clone(),
                Arc::clone(&shared.tries),
                Arc::clone(&shared.throttles),
                settings.limits,
            ),
            gotify: settings.gotify.clone().map(|gotify| {
                let (broker, tries) = (shared.broker.clone(), Arc::clone(&shared.tries));
                let throttles = Arc::clone(&shared.throttles);
                gotify::Dialect::new(gotify, broker, tries, throttles, settings.limits)
            }),
            shared: shared.clone(),
            members: Members::default(),
            due: 0,
            delayed: Delayed::default(),
            reporter: Reporter::new(settings.clock.now()),
        }
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

    /// Answers a request. If it is `new`, its body was not admitted before.
    fn serve<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        new: bool,
    ) -> Reply<'r> {
        let head = request.head();
        match self.judge(context, from, &head) {
            Ok((admitted, entry)) => {
                if new && let Err(refused) = self.limit(context, &entry, &head) {
                    return admitted.mark(refused).into();
                }
                self.answer(context, from, request, &admitted, entry)
            }
            Err(denial) => {
                if new && let Err(refused) = self.deny_body(context, from, &head, &denial) {
                    return refused.into();
                }
                self.deny(context, from, denial)
            }
        }
    }

    /// Answers a request that is let in.
    fn answer<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        admitted: &Admitted,
        entry: Entry,
    ) -> Reply<'r> {
        if let Err(refused) = self.throttle(context, from, request, &entry) {
            return admitted.mark(refused).into();
        }
        let limits = context.limits();
        let reply = match entry {
            Entry::Topics(guest) => {
                let native = &mut self.native;
                native.request(context, from, request, guest, admitted)
            }
            Entry::Gotify(asked) => match &mut self.gotify {
                Some(gotify) => gotify.request(context, from, request, asked, admitted),
                None => Response::new(Status::NOT_FOUND).into(),
            },
            Entry::Route(Route::Page | Route::Topics) => page(self.gotify.is_some()).into(),
            Entry::Route(Route::Register) => self.upgrade(request, WSERVER),
            Entry::Route(Route::Push) => self.push(request, limits).into(),
            Entry::Route(Route::Drop) => self.drop_user(request, limits).into(),
            Entry::Route(Route::Echo) => self.upgrade(request, ECHO),
            Entry::Route(Route::Health) => self.health(context).into(),
            Entry::Route(Route::Ready) => self.ready(context).into(),
            Entry::Route(Route::Metrics) => self.metrics(context).into(),
        };
        admitted.mark_reply(reply)
    }

    fn push(&self, request: &Request<'_>, limits: &net::Limits) -> Response {
        let Some(publication) = Publication::read(request.body()) else {
            return Response::text(Status::BAD_REQUEST, ILLEGAL);
        };
        let Publication {
            user,
            event,
            message,
        } = publication;
        match self.shared.broker.push(&user, &event, message.into()) {
            Ok(count) => Response::text(Status::OK, format!("message sent to {count} clients")),
            Err(reason) => unavailable(reason, limits),
        }
    }

    fn drop_user(&self, request: &Request<'_>, limits: &net::Limits) -> Response {
        if !request.has_length() {
            return Response::new(Status::LENGTH_REQUIRED);
        }
        let Some(Dropping { user, event }) = Dropping::read(request.body()) else {
            return Response::text(Status::BAD_REQUEST, ILLEGAL);
        };
        match self.shared.broker.close(&user, event.as_deref()) {
            Ok(count) => Response::text(Status::OK, format!("{count} clients dropped")),
            Err(reason) => unavailable(reason, limits),
        }
    }

    /// A message of a client on `/ws`. It is never answered: a message that is not a registration
    /// is ignored, as clients of wserver expect, and a refused registration ends the connection, so
    /// that its client does not wait for pushes that never come.
    fn register(&mut self, context: &mut Context<'_>, peer: PeerId, bytes: &[u8]) {
        let limits = &self.shared.settings.limits;
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
        let Some(user) = self.shared.settings.user_of(token) else {
            self.shared.tries.wrong("token", context.address(peer));
            return self.dismiss(context, peer, CloseCode::POLICY, "unknown token");
        };
        let (broker, members) = (&self.shared.broker, &mut self.members);
        if !members.has_place(peer) {
            match self.shared.throttles.place(Some(&user.as_str().into())) {
                Ok(place) => members.keep_place(peer, place),
                Err(_) => {
                    let text = "this user has too many connections";
                    return self.dismiss(context, peer, CloseCode::TRY_AGAIN_LATER, text);
                }
            }
        }
        let joined = members.subscribe(broker, peer, &user, &events, limits);
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
        self.members.remove(&self.shared.broker, peer);
        context.close(peer, code, reason);
    }

    /// Sends what was pushed to those who have registered for it.
    fn deliver(&mut self, context: &mut Context<'_>, delivery: &Delivery) {
        let members = self.members.of(delivery.audience(), delivery.order());
        let mut closed = Vec::new();
        for (peer, interest) in members {
            // Queues of slow peers know frames by their topic, and 0 is none.
            let key = interest.index() as u32 + 1;
            if context.send_frame(peer, delivery.raw(), key) == Sent::Closed {
                closed.push(peer);
            }
        }
        for peer in closed {
            self.members.remove(&self.shared.broker, peer);
        }
    }

    /// Mail of the broker that is for the wserver dialect; any other is returned.
    fn wserver_mail(&mut self, context: &mut Context<'_>, mail: BrokerMail) -> Option<BrokerMail> {
        match mail {
            BrokerMail::Delivery(it) if it.record().topic.is_owned() => {
                self.deliver(context, &it);
            }
            BrokerMail::Close { audience, order } => {
                let peers: BTreeSet<_> = self.members.of(&audience, order).collect();
                for (peer, _) in peers {
                    if self.members.is_open(peer) {
                        self.dismiss(context, peer, CloseCode::NORMAL, "dropped");
                    }
                }
            }
            mail => return Some(mail),
        }
        None
    }

    fn forget(&mut self, peer: PeerId) {
        self.members.remove(&self.shared.broker, peer);
        self.native.closed(peer);
        self.gotify.iter_mut().for_each(|it| it.closed(peer));
        self.delayed.take(peer);
    }

    /// Whether there is something at the path of this request.
    pub(super) fn has(&self, head: &RequestHead<'_>) -> bool {
        self.gotify.is_some() && gotify::is_path(head.path()) || Route::at(head).is_some()
    }

    pub(super) fn memory(&self, context: &Context<'_>) -> Memory {
        Memory {
            used: context.held_bytes(),
            budget: context.limits().memory_bytes,
        }
    }

    pub(super) fn is_stopping(&self, context: &Context<'_>) -> bool {
        context.is_stopping() || self.shared.broker.is_stopped()
    }
}

impl Service for PushService {
    type Mail = PushMail;

    fn body(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        let (admitted, entry) = match self.judge(context, from, head) {
            Ok(judged) => judged,
            Err(denial) => return self.deny_body(context, from, head, &denial),
        };
        let limit = self.limit(context, &entry, head);
        limit.map_err(|refused| admitted.mark(refused))
    }

    fn refused(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
        response: Response,
    ) -> Response {
        let response = self.in_dialect(head, response);
        match self.shared.access.admit(head, || context.address(from)) {
            Ok(admitted) => admitted.mark(response),
            Err(_) => response,
        }
    }

    fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        self.serve(context, from, request, false)
    }

    fn whole<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        self.serve(context, from, request, true)
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let tag = context.tag(peer);
        if tag == Some(NATIVE) {
            self.native.opened(context, peer);
        }
        if tag == Some(GOTIFY) {
            self.gotify.iter().for_each(|it| it.opened(context, peer));
        }
        if tag == Some(WSERVER) {
            let protocol = &context.limits().protocol;
            let until = context.now() + Millis::from(self.shared.settings.limits.register_ms);
            let general = protocol.frame_bytes.min(protocol.message_bytes);
            let bytes = self.shared.settings.limits.registration_bytes.min(general);
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
            Some(NATIVE) => self.native.message(context, peer, message),
            Some(GOTIFY) => {} // Its clients have nothing to say.
            _ => drop(context.send(peer, message)),
        }
    }

    fn pong(&mut self, context: &mut Context<'_>, peer: PeerId, payload: &[u8]) {
        self.native.pong(context, peer, payload);
    }

    fn writable(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.native.writable(context, peer);
    }

    fn closing(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.forget(peer);
    }

    fn closed(&mut self, _: &mut Context<'_>, peer: PeerId, _: End<'_>) {
        self.forget(peer);
    }

    fn mail(&mut self, context: &mut Context<'_>, mail: PushMail) {
        match mail {
            PushMail::Broker(mail) => {
                if let BrokerMail::Delivery(delivery) = &mail {
                    context.note_origin(delivery.origin());
                }
                let mut left = self.wserver_mail(context, mail);
                if let Some(gotify) = &mut self.gotify {
                    left = left.and_then(|mail| gotify.broker_mail(context, mail));
                }
                if let Some(mail) = left {
                    self.native.mail(context, mail);
                }
            }
            PushMail::Gotify(mail) => {
                if let Some(gotify) = &mut self.gotify {
                    gotify.mail(context, mail);
                }
            }
        }
    }

    fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if let Some(answer) = self.delayed.take(peer) {
            let _ = context.respond(peer, answer);
            return;
        }
        if self.members.is_idle(peer) {
            self.dismiss(context, peer, CloseCode::POLICY, "no registration came");
        }
        self.native.timer(context, peer);
        self.gotify
            .iter_mut()
            .for_each(|it| it.timer(context, peer));
    }

    #[cfg(feature = "take-over")]
    fn export(&mut self, context: &mut Context<'_>, peer: PeerId) -> net::Export {
        self.export_peer(context, peer)
    }

    #[cfg(feature = "take-over")]
    fn import(&mut self, context: &mut Context<'_>, peer: PeerId, record: &[u8]) -> bool {
        self.import_peer(context, peer, record)
    }

    fn deadline(&self) -> Option<Millis> {
        Some(self.due)
    }

    fn tick(&mut self, context: &mut Context<'_>) {
        let lag = match self.due {
            0 => 0, // The first look.
            due => context.now().saturating_sub(due),
        };
        self.due = context.now() + LOOK_MS;
        self.native.look(context);
        let receipts = self.native.receipt_totals();
        self.shared.board.tell(context, receipts, Some(lag));
        if context.worker() == 0 {
            let memory = self.memory(context);
            let Shared { broker, board, .. } = &self.shared;
            self.reporter.report(broker, board, memory);
        }
    }

    fn stopping(&mut self, context: &mut Context<'_>) {
        self.native.stopping(context);
    }

    fn shed(&mut self, _: &mut Context<'_>, bytes: usize) {
        self.shared.broker.shed(bytes);
    }
}
