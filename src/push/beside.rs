//! A service of the program's own beside the push server, on the same loops and listeners.
//!
//! Input: everything that a loop tells a service. Output: the same, for the push server if it has
//! the path of the request, otherwise for the other. Invariants: a connection belongs to the
//! service that got its last request; policies for origins and hosts hold for both.

use crate::http::RequestHead;
#[cfg(feature = "take-over")]
use crate::net::Export;
use crate::net::{Chunk, Context, End, PeerId, PeerMap, Reply, Request, Response, Service};
use crate::proto::{Message, Millis};
use crate::push::access::Admitted;
use crate::push::answers::unavailable;
use crate::push::broker::BrokerMail;
use crate::push::mail::PushMail;
use crate::push::native::answers_receipt;
use crate::push::service::PushService;
use crate::push::unavailable::Unavailable;

/// Both services of one worker.
#[derive(Debug)]
pub(super) struct Beside<S> {
    push: PushService,
    own: S,
    /// Connections of `push`, perhaps some that have ended. All others, such as those that it has
    /// dialled, are of `own`.
    pushed: PeerMap<()>,
}

impl<S: Service> Beside<S> {
    pub(super) fn new(push: PushService, own: S) -> Self {
        Self {
            push,
            own,
            pushed: PeerMap::new(),
        }
    }

    fn is_own(&self, peer: PeerId) -> bool {
        self.pushed.get(peer).is_none()
    }

    /// Whose request it is. If it is for `own`: whether it is let in.
    fn admit(
        &mut self,
        context: &Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Option<Result<Admitted, Response>> {
        if self.push.has(head) {
            self.pushed.insert(from, ());
            return None;
        }
        self.pushed.remove(from);
        let access = &self.push.shared.access;
        let admitted = access.admit(head, || context.address(from));
        Some(
            admitted.and_then(|admitted| match self.push.is_stopping(context) {
                false => Ok(admitted),
                true => {
                    let response = unavailable(Unavailable::Stopped, context.limits());
                    Err(admitted.mark(response))
                }
            }),
        )
    }

    /// Passes a request on to the service that has its path.
    fn pass<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
        (push, own): (Answer<PushService>, Answer<S>),
    ) -> Reply<'r> {
        match self.admit(context, from, &request.head()) {
            None => push(&mut self.push, context, from, request),
            Some(Ok(admitted)) => admitted.mark_reply(own(&mut self.own, context, from, request)),
            Some(Err(refused)) => refused.into(),
        }
    }
}

/// How a service answers a request.
type Answer<S> = for<'r> fn(&mut S, &mut Context<'_>, PeerId, &Request<'r>) -> Reply<'r>;

impl<S: Service> Service for Beside<S> {
    type Mail = PushMail;

    fn started(&mut self, context: &mut Context<'_>) {
        self.push.started(context);
        self.own.started(context);
    }

    fn body(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
    ) -> Result<usize, Response> {
        match self.admit(context, from, head) {
            None => self.push.body(context, from, head),
            Some(admitted) => {
                let admitted = admitted?;
                let limit = self.own.body(context, from, head);
                limit.map_err(|refused| admitted.mark(refused))
            }
        }
    }

    fn refused(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        head: &RequestHead<'_>,
        response: Response,
    ) -> Response {
        match self.admit(context, from, head) {
            None => self.push.refused(context, from, head, response),
            Some(Ok(admitted)) => {
                let response = self.own.refused(context, from, head, response);
                admitted.mark(response)
            }
            Some(Err(_)) => response,
        }
    }

    fn request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        self.pass(context, from, request, (PushService::request, S::request))
    }

    fn whole<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        request: &Request<'r>,
    ) -> Reply<'r> {
        self.pass(context, from, request, (PushService::whole, S::whole))
    }

    fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        match self.is_own(peer) {
            true => self.own.opened(context, peer),
            false => self.push.opened(context, peer),
        }
    }

    #[cfg(feature = "client")]
    fn not_opened(&mut self, context: &mut Context<'_>, tag: u32, error: &crate::client::Error) {
        self.own.not_opened(context, tag, error);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        match self.is_own(peer) {
            true => self.own.message(context, peer, message),
            false => self.push.message(context, peer, message),
        }
    }

    fn chunk(&mut self, context: &mut Context<'_>, peer: PeerId, chunk: Chunk<'_>) {
        match self.is_own(peer) {
            true => self.own.chunk(context, peer, chunk),
            false => self.push.chunk(context, peer, chunk),
        }
    }

    fn pong(&mut self, context: &mut Context<'_>, peer: PeerId, payload: &[u8]) {
        match self.is_own(peer) && !answers_receipt(payload) {
            true => self.own.pong(context, peer, payload),
            false => self.push.pong(context, peer, payload),
        }
    }

    fn writable(&mut self, context: &mut Context<'_>, peer: PeerId) {
        // A connection that follows a topic may owe receipts.
        self.push.writable(context, peer);
        if self.is_own(peer) {
            self.own.writable(context, peer);
        }
    }

    fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        match self.is_own(peer) {
            true => self.own.timer(context, peer),
            false => self.push.timer(context, peer),
        }
    }

    fn closing(&mut self, context: &mut Context<'_>, peer: PeerId) {
        // It may have subscriptions in any case.
        self.push.closing(context, peer);
        if self.is_own(peer) {
            self.own.closing(context, peer);
        }
    }

    fn closed(&mut self, context: &mut Context<'_>, peer: PeerId, end: End<'_>) {
        match self.pushed.remove(peer) {
            Some(()) => self.push.closed(context, peer, end),
            None => {
                self.push.closing(context, peer);
                self.own.closed(context, peer, end);
            }
        }
    }

    fn shed(&mut self, context: &mut Context<'_>, bytes: usize) {
        self.push.shed(context, bytes);
        self.own.shed(context, bytes);
    }

    fn mail(&mut self, context: &mut Context<'_>, mail: PushMail) {
        match mail {
            PushMail::Broker(BrokerMail::Following(started)) => {
                let peer = started.connection;
                let is_there = context.tag(peer).is_some();
                self.push
                    .native
                    .follow(&started, is_there && self.is_own(peer));
            }
            mail => self.push.mail(context, mail),
        }
    }

    /// The first byte says whose it is.
    #[cfg(feature = "take-over")]
    fn export(&mut self, context: &mut Context<'_>, peer: PeerId) -> Export {
        let is_own = self.is_own(peer);
        let export = match is_own {
            true => self.own.export(context, peer),
            false => self.push.export(context, peer),
        };
        match export {
            Export::Record(mut record) => {
                record.insert(0, is_own.into());
                Export::Record(record)
            }
            other => other,
        }
    }

    #[cfg(feature = "take-over")]
    fn import(&mut self, context: &mut Context<'_>, peer: PeerId, record: &[u8]) -> bool {
        match record.split_first() {
            Some((1, record)) => self.own.import(context, peer, record),
            Some((0, record)) => {
                self.pushed.insert(peer, ());
                self.push.import(context, peer, record)
            }
            _ => false,
        }
    }

    fn stopping(&mut self, context: &mut Context<'_>) {
        self.push.stopping(context);
        self.own.stopping(context);
    }

    fn deadline(&self) -> Option<Millis> {
        let both = [self.push.deadline(), self.own.deadline()];
        both.into_iter().flatten().min()
    }

    fn tick(&mut self, context: &mut Context<'_>) {
        let is_due = |deadline: Option<Millis>| deadline.is_some_and(|at| at <= context.now());
        let (push, own) = (is_due(self.push.deadline()), is_due(self.own.deadline()));
        if push {
            self.push.tick(context);
        }
        if own {
            self.own.tick(context);
        }
    }
}
