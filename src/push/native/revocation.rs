//! Tokens that were revoked, narrowed or have expired, and logs that have lost something: what
//! becomes of live connections.
//!
//! Input: the time, once a second. Output: ends of connections, of subscriptions. Invariant: a
//! connection never outlives its token by more than a second, and keeps nothing that its token no
//! longer allows.

use crate::http::Response;
use crate::net::{Context, PeerId};
use crate::push::auth::Verdict;
use crate::push::native::caller::Caller;
use crate::push::native::dialect::{Dialect, TOKEN_REVOKED, earlier};
use crate::push::native::form::Form;
use crate::push::native::messages;
use crate::push::native::problem::Problem;
use crate::push::native::session::{Work, send_json};
use crate::wire::CloseCode;
use std::sync::Arc;

/// The token of a connection was revoked.
const REVOKED: &str = "token revoked";

/// Why a subscriber that may have missed something is to connect again.
const LOST: &str = "messages were lost: resume";

impl Dialect {
    /// What is to be done now and then.
    pub(in crate::push) fn look(&mut self, context: &mut Context<'_>) {
        if context.worker() == 0 {
            self.broker.expire();
        }
        self.receipts.look(context);
        self.check_grants(context);
        self.check_readers(context);
    }

    /// Looks at all gotify clients, if one may have gone.
    // req: gotify-topics-03
    fn check_readers(&mut self, context: &mut Context<'_>) {
        let Some(gotify) = self.gotify.clone() else {
            return;
        };
        let generation = gotify.generation();
        if std::mem::replace(&mut self.readers, generation) == generation {
            return;
        }
        let gone = self.subscribers.all().filter(|it| match &it.caller {
            Some(Caller::Reader { reader, .. }) => !gotify.has(reader),
            _ => false,
        });
        for peer in gone.map(|it| it.peer).collect::<Vec<_>>() {
            self.revoke(context, peer);
        }
    }

    /// Looks at all grants in use, if anything may have changed.
    // req: push-auth-07 push-auth-08 push-auth-14
    fn check_grants(&mut self, context: &mut Context<'_>) {
        let Some(auth) = self.auth.clone() else {
            return;
        };
        let (now, generation) = (self.broker.now(), auth.generation());
        if generation == self.generation && self.expires.is_none_or(|at| at > now) {
            return;
        }
        self.generation = generation;
        self.expires = None;
        let callers = self.subscribers.all().filter_map(|it| match &it.caller {
            Some(Caller::Bearer(grant)) => Some((it.peer, Arc::clone(grant))),
            _ => None,
        });
        for (peer, grant) in callers.collect::<Vec<_>>() {
            match auth.revalidate(&grant, now) {
                Verdict::Gone => self.revoke(context, peer),
                Verdict::Unchanged => self.expires = earlier(self.expires, grant.expires()),
                Verdict::Changed(new) => {
                    self.expires = earlier(self.expires, new.expires());
                    if let Some(subscriber) = self.subscribers.get_mut(peer) {
                        subscriber.caller = Some(Caller::Bearer(new));
                    }
                    self.drop_forbidden(context, peer);
                }
            }
        }
    }

    // req: push-auth-07
    fn revoke(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let form = self.subscribers.get(peer).map(|it| it.form);
        if form != Some(Form::Poll) {
            return self.end(context, peer, TOKEN_REVOKED, REVOKED);
        }
        if let Some(subscriber) = self.remove(peer)
            && let Some(Work::Poll { admitted, .. }) = subscriber.work.map(|work| *work)
        {
            let response = Response::from(Problem::unauthorized(REVOKED));
            let _ = context.respond(peer, admitted.mark(response));
        }
    }

    /// Ends everything that may have missed something, so that it resumes and learns of the gap.
    // req: push-nodes-03
    pub(super) fn resume_all(&mut self, context: &mut Context<'_>) {
        let all = self.subscribers.all().filter(|it| it.has_begun());
        for peer in all.map(|it| it.peer).collect::<Vec<_>>() {
            match self.subscribers.get(peer).map(|it| it.form) {
                Some(Form::Poll) => self.end_poll(context, peer, None, None),
                _ => self.end(context, peer, CloseCode::SERVICE_RESTART, LOST),
            }
        }
    }

    /// Ends the subscriptions that the token no longer allows. If none is left, only a connection
    /// that can subscribe again stays open.
    // req: push-auth-09
    pub(super) fn drop_forbidden(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let Some(subscriber) = self.subscribers.get(peer) else {
            return;
        };
        let Some(caller) = subscriber.caller.clone() else {
            return;
        };
        let form = subscriber.form;
        let is_forbidden = |pattern: &_| !caller.may_subscribe(pattern);
        if let Some(Work::Replay(replaying)) = subscriber.work.as_deref()
            && replaying.patterns.iter().any(is_forbidden)
        {
            return self.end(context, peer, TOKEN_REVOKED, REVOKED);
        }
        let mut lost = self.subscribers.patterns(peer);
        lost.retain(is_forbidden);
        if lost.is_empty() {
            return;
        }
        let interests = self.broker.unsubscribe(peer, &lost);
        self.subscribers.part(peer, &interests);
        if form == Form::Envelopes {
            return send_json(context, peer, messages::unsubscribed(None, &lost));
        }
        let is_left = self
            .subscribers
            .get(peer)
            .is_some_and(|it| it.has_subscriptions());
        if !is_left {
            self.revoke(context, peer);
        }
    }
}
