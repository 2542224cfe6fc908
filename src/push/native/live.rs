//! Live connections of the native dialect: WebSockets, streams and polls that wait.
//!
//! Input: messages of clients, mail of the broker, timers. Output: answers, deliveries, the end.
//! Invariants: while a connection subscribes, nothing more of it is read, so its answers are in the
//! order of its messages; a connection that was sent a Close is no longer a subscriber.

use crate::net::{Context, PeerId, SharedChunk};
use crate::proto::{Message, Millis};
use crate::push::broker::{BrokerMail, Following, Started};
use crate::push::delivery::Delivery;
use crate::push::hub::Start;
use crate::push::name::{Pattern, TopicName};
use crate::push::native::caller::Caller;
use crate::push::native::dialect::{Awaited, Dialect, KEEPALIVE_MS};
use crate::push::native::dialect::{check_patterns, earlier};
use crate::push::native::events::{KEEPALIVE_EVENT, KEEPALIVE_LINE};
use crate::push::native::form::Form;
use crate::push::native::messages::{self, Reference, Said};
use crate::push::native::problem::Problem;
use crate::push::native::session::{Replaying, Work, send_json, send_page};
use crate::push::native::subscribers::Subscriber;
use crate::push::position::Since;
use crate::push::record::Publication;
use crate::wire::{CloseCode, MessageKind};
use std::sync::Arc;

impl Dialect {
    /// A WebSocket is open.
    // req: push-auth-16
    pub(in crate::push) fn opened(&mut self, context: &mut Context<'_>, peer: PeerId) {
        context.set_message_limit(peer, Self::message_bytes(context));
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return;
        };
        match subscriber.work.as_deref_mut() {
            Some(Work::Token { until }) => context.set_timer(peer, Some(*until)),
            Some(Work::Replay(replaying)) => {
                if let Some(start) = replaying.ready.take() {
                    if subscriber.form == Form::Envelopes {
                        context.pause(peer);
                    }
                    self.page(context, peer, &start);
                }
            }
            _ => {}
        }
    }

    /// A page of a replay has come: after the last one it is live.
    // req: push-since-06
    fn page(&mut self, context: &mut Context<'_>, peer: PeerId, start: &Start) {
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return;
        };
        let form = subscriber.form;
        let Some(Work::Replay(replaying)) = subscriber.work.as_deref_mut() else {
            return;
        };
        replaying.asking = false;
        let more = replaying.take(&start.replay);
        send_page(context, peer, form, replaying, &start.replay);
        if more {
            return context.notify_when_sent(peer);
        }
        subscriber.work = None;
        self.subscribers.join(peer, &start.interests, start.order);
        context.resume(peer);
    }

    /// What was sent has left: a replay goes on.
    pub(in crate::push) fn writable(&mut self, context: &mut Context<'_>, peer: PeerId) {
        self.left(context, peer);
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return;
        };
        if let Some(Work::Replay(replaying)) = subscriber.work.as_deref()
            && !replaying.asking
        {
            self.ask_for_page(context, peer);
        }
    }

    /// Asks the broker for the next page. A connection that is live already gets it among its
    /// deliveries.
    fn ask_for_page(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return;
        };
        let name = subscriber.caller.as_ref().and_then(Caller::name);
        let form = subscriber.form;
        let Some(Work::Replay(replaying)) = subscriber.work.as_deref_mut() else {
            return;
        };
        let request = replaying.request(name, context.limits().queued_bytes);
        let result = match form {
            Form::Envelopes => {
                replaying.asking = true;
                let asked = self.broker.subscribe_in_order(peer, &request, 0);
                asked.map(|()| None).map_err(Problem::from)
            }
            _ => {
                let start = self.broker.subscribe(peer, &request);
                start.map(Some).map_err(Problem::from)
            }
        };
        match result {
            Ok(Some(start)) => self.page(context, peer, &start),
            Ok(None) => {}
            Err(problem) => self.no_page(context, peer, &problem),
        }
    }

    /// A replay cannot go on.
    fn no_page(&mut self, context: &mut Context<'_>, peer: PeerId, problem: &Problem) {
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return;
        };
        if subscriber.form != Form::Envelopes {
            return self.end(context, peer, CloseCode::TRY_AGAIN_LATER, "try again later");
        }
        if let Some(Work::Replay(replaying)) = subscriber.work.take().map(|work| *work) {
            let json = messages::error(replaying.reference.as_deref(), problem);
            send_json(context, peer, json);
            context.resume(peer);
        }
    }

    /// A message of a client.
    // req: push-v1-01
    pub(in crate::push) fn message(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        message: Message<'_>,
    ) {
        let Some(subscriber) = self.subscribers.get(peer) else {
            return; // It was sent a Close.
        };
        if subscriber.form == Form::Raw {
            return self.raw_message(context, peer, message);
        }
        let (reference, said) = match message.kind {
            MessageKind::Text => messages::read(message.as_text().unwrap_or_default()),
            MessageKind::Binary => (None, Err(Problem::malformed("send JSON as text messages"))),
        };
        let done = match (said, &subscriber.caller) {
            (Err(problem), _) => Err(problem),
            (Ok(Said::Auth(token)), _) => self.authenticate(context, peer, &reference, &token),
            (Ok(_), None) => Err(Problem::unauthorized("send a message of type auth first")),
            (Ok(said), Some(caller)) => {
                let caller = caller.clone();
                self.act(context, peer, &reference, said, &caller)
            }
        };
        if let Err(problem) = done {
            send_json(
                context,
                peer,
                messages::error(reference.as_deref(), &problem),
            );
        }
    }

    fn act(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        reference: &Reference,
        said: Said,
        caller: &Caller,
    ) -> Result<(), Problem> {
        let to = reference.as_deref();
        match said {
            Said::Subscribe(patterns, since) => {
                check_patterns(caller, &patterns)?;
                self.subscribe(context, peer, reference, patterns, since);
            }
            Said::Unsubscribe(patterns) => {
                let interests = self.broker.unsubscribe(peer, &patterns);
                self.subscribers.part(peer, &interests);
                send_json(context, peer, messages::unsubscribed(to, &patterns));
            }
            Said::Publish(mut publication) => {
                if !caller.may_publish(&publication.topic) {
                    return Err(Problem::may_not_publish(&publication.topic));
                }
                self.count_publication(context, peer, caller)?;
                if let Some(key) = &mut publication.key {
                    key.owner = caller.owner();
                }
                let awaited = Awaited::Message {
                    peer,
                    topic: publication.topic.clone(),
                    reference: reference.clone(),
                };
                self.publish_and_tell(context, peer, *publication, awaited)?;
            }
            Said::Presence(topic) => {
                check_patterns(caller, &[topic.to_pattern()])?;
                // req: push-rates-03
                self.count_publication(context, peer, caller)?;
                let presence = self.broker.presence(&topic);
                send_json(context, peer, messages::presence(to, &topic, &presence));
            }
            Said::Auth(_) => {}
        }
        Ok(())
    }

    fn subscribe(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        reference: &Reference,
        patterns: Vec<Pattern>,
        since: Since,
    ) {
        if let Some(subscriber) = self.subscribers.get_mut(peer) {
            let replaying = Replaying::new(patterns, since, reference.clone());
            subscriber.work = Some(Box::new(Work::Replay(replaying)));
            context.pause(peer);
            self.ask_for_page(context, peer);
        }
    }

    /// A message on a raw WebSocket is published, if it has one topic and the token allows it.
    // req: push-raw-02 push-raw-03
    fn raw_message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let patterns = match self.subscribers.get(peer).map(|it| it.work.as_deref()) {
            Some(Some(Work::Replay(replaying))) => replaying.patterns.clone(),
            _ => self.subscribers.patterns(peer),
        };
        let caller = self.subscribers.get(peer).and_then(|it| it.caller.clone());
        let topic = match &patterns[..] {
            [pattern] => pattern.to_topic(),
            _ => None,
        };
        let may_publish = |it: &TopicName| caller.as_ref().is_some_and(|who| who.may_publish(it));
        let Some((topic, caller)) = topic.filter(may_publish).zip(caller.clone()) else {
            return self.end(
                context,
                peer,
                CloseCode::POLICY,
                "this cannot be published to",
            );
        };
        let publication = Publication::new(topic, message.into());
        let awaited = Awaited::Raw { peer };
        let counted = self.count_publication(context, peer, &caller);
        let published =
            counted.and_then(|()| self.publish_and_tell(context, peer, publication, awaited));
        if published.is_err() {
            self.end(context, peer, CloseCode::TRY_AGAIN_LATER, "not published");
        }
    }

    // req: push-v1-10 push-v1-11 push-auth-19
    fn authenticate(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        reference: &Reference,
        token: &str,
    ) -> Result<(), Problem> {
        let Some(auth) = &self.auth else {
            return Err(Problem::malformed("this server has no tokens"));
        };
        let grant = match auth.check(token, self.broker.now()) {
            Ok(grant) => grant,
            Err(denied) => {
                let problem = Problem::unauthorized(denied.to_string());
                let answer = messages::error(reference.as_deref(), &problem);
                self.deny(context, peer, answer);
                return Ok(());
            }
        };
        let caller = Caller::Bearer(Arc::clone(&grant));
        let counts = self.subscribers.get(peer).map(|it| it.place.is_some());
        let place = match counts {
            Some(false) => self.place(Some(&caller))?,
            _ => None,
        };
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return Ok(());
        };
        if let Some(Caller::Bearer(before)) = &subscriber.caller
            && before.name() != grant.name()
        {
            return Err(Problem::forbidden("this token belongs to another name"));
        }
        if matches!(subscriber.work.as_deref(), Some(Work::Token { .. })) {
            subscriber.work = None;
            context.set_timer(peer, None);
        }
        self.expires = earlier(self.expires, grant.expires());
        let name = Arc::clone(grant.name());
        subscriber.caller = Some(caller);
        subscriber.place = subscriber.place.take().or(place);
        send_json(
            context,
            peer,
            messages::authenticated(reference.as_deref(), &name),
        );
        self.drop_forbidden(context, peer);
        Ok(())
    }

    /// A token was wrong, which is answered later; until then nothing more is read.
    // req: push-auth-21
    fn deny(&mut self, context: &mut Context<'_>, peer: PeerId, answer: Vec<u8>) {
        let ends = self.tries.wrong("token", context.address(peer));
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return;
        };
        let until = match subscriber.work.as_deref() {
            Some(Work::Token { until }) => Some(*until),
            _ => None,
        };
        subscriber.work = Some(Box::new(Work::Denied {
            answer,
            ends,
            until,
        }));
        context.pause(peer);
        let wait = Millis::from(self.limits.wrong_token_ms);
        context.set_timer(peer, Some(context.now() + wait));
    }

    /// The timer of a WebSocket has expired.
    fn token_timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let Some(subscriber) = self.subscribers.get_mut(peer) else {
            return;
        };
        match subscriber.work.take().map(|work| *work) {
            Some(Work::Token { .. }) => {
                self.end(context, peer, CloseCode::POLICY, "no token came");
            }
            Some(Work::Denied { ends: true, .. }) => {
                self.end(context, peer, CloseCode::POLICY, "wrong token");
            }
            Some(Work::Denied { answer, until, .. }) => {
                subscriber.work = until.map(|until| Box::new(Work::Token { until }));
                context.set_timer(peer, until);
                send_json(context, peer, answer);
                context.resume(peer);
            }
            work => subscriber.work = work.map(Box::new),
        }
    }

    /// Mail of the broker.
    pub(in crate::push) fn mail(&mut self, context: &mut Context<'_>, mail: BrokerMail) {
        match mail {
            BrokerMail::Delivery(delivery) => self.deliver(context, &delivery),
            BrokerMail::Counted(publisher) => drop(self.counted(context, publisher)),
            BrokerMail::Published { tag, outcomes } => self.published(context, tag, outcomes),
            // Not for clients of this dialect.
            BrokerMail::Close { .. } | BrokerMail::Following(_) => {}
            BrokerMail::Broken => self.resume_all(context),
            BrokerMail::Started(started) => {
                let Started {
                    connection, start, ..
                } = *started;
                match start {
                    Ok(start) => self.page(context, connection, &start),
                    Err(refused) => self.no_page(context, connection, &refused.into()),
                }
            }
        }
    }

    /// A connection of another service is to get bare payloads.
    pub(in crate::push) fn follow(&mut self, following: &Following, is_own: bool) {
        let (peer, start) = (following.connection, &following.start);
        if !is_own {
            let patterns: Vec<_> = start.interests.iter().map(|(it, _)| it.clone()).collect();
            self.broker.unsubscribe(peer, &patterns);
            return;
        }
        if self.subscribers.get(peer).is_none() {
            let subscriber = Subscriber::new(peer, Form::Raw, None, None);
            self.subscribers.insert(subscriber);
        }
        self.subscribers.join(peer, &start.interests, start.order);
    }

    fn deliver(&mut self, context: &mut Context<'_>, delivery: &Delivery) {
        let mut polls = Vec::new();
        let (policies, receipts) = (self.policies, &mut self.receipts);
        let done = self
            .subscribers
            .deliver(context, delivery, policies, receipts, &mut polls);
        for peer in &polls {
            let record = Arc::new(delivery.record().clone());
            self.end_poll(context, *peer, delivery.position(), Some(record));
        }
        self.polls_answered(delivery, polls.len(), done);
    }

    /// A timer has expired: of a publisher that waits for receipts, of a token, of a poll, or of a
    /// stream that is silent.
    // req: push-sse-09 push-ndjson-04
    pub(in crate::push) fn timer(&mut self, context: &mut Context<'_>, peer: PeerId) {
        if self.counted(context, peer) {
            return;
        }
        let Some(subscriber) = self.subscribers.get(peer) else {
            return;
        };
        let keepalive = match subscriber.form {
            Form::Poll => return self.end_poll(context, peer, None, None),
            Form::Raw | Form::Envelopes => return self.token_timer(context, peer),
            Form::Lines => KEEPALIVE_LINE,
            Form::Events | Form::EnvelopeEvents => KEEPALIVE_EVENT,
        };
        // What waits for a slow one keeps it alive as well.
        if context.queued_bytes(peer) == 0 {
            let _ = context.write(peer, &SharedChunk::new(keepalive), 0);
        }
        context.set_timer(peer, Some(context.now() + KEEPALIVE_MS));
    }

    /// The server is about to end all connections: who waits for an answer gets what there is.
    // req: push-poll-08
    pub(in crate::push) fn stopping(&mut self, context: &mut Context<'_>) {
        let polls = self.subscribers.all().filter(|it| it.form == Form::Poll);
        for peer in polls.map(|it| it.peer).collect::<Vec<_>>() {
            self.end_poll(context, peer, None, None);
        }
        let publishers: Vec<PeerId> = self.counting.keys().copied().collect();
        for peer in publishers {
            self.counted(context, peer);
        }
    }

    /// Ends a connection, which is no longer a subscriber.
    pub(super) fn end(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        code: CloseCode,
        reason: &str,
    ) {
        log::info!("peer {}: closing with {code}: {reason}", peer.index());
        let Some(subscriber) = self.remove(peer) else {
            return;
        };
        match subscriber.form {
            Form::Raw | Form::Envelopes => context.close(peer, code, reason),
            form if form.is_stream() => drop(context.finish(peer)),
            _ => {}
        }
    }

    /// A connection has ended, or is about to.
    pub(in crate::push) fn closed(&mut self, peer: PeerId) {
        self.gone(peer);
        self.remove(peer);
    }

    // req: push-bounds-09
    pub(super) fn remove(&mut self, peer: PeerId) -> Option<Subscriber> {
        let subscriber = self.subscribers.remove(peer)?;
        self.broker.leave(peer);
        Some(subscriber)
    }
}
