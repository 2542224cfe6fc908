//! Publications of clients: to the broker, and the answer, at once or later.
//!
//! Input: what clients publish, the outcomes of the log, what subscribers confirm. Output: answers;
//! for `POST /topics/NAME?receipt=2s` with the counts as they are when all have been heard of or
//! the time is over. Invariant: a publisher is answered once. How a publication is read is left to
//! `publish` and `batch`, what confirms a message to `receipts`.

use crate::http::Response;
use crate::net::{Context, PeerId, Reply};
use crate::push::access::Admitted;
use crate::push::broker::{Answer, Outcome, Published};
use crate::push::delivery::Delivery;
use crate::push::log::LogError;
use crate::push::native::caller::Caller;
use crate::push::native::dialect::{Awaited, Dialect, NATIVE, Requested};
use crate::push::native::messages;
use crate::push::native::problem::Problem;
use crate::push::native::publish;
use crate::push::native::receipts::{Counting, Wanted};
use crate::push::native::session::send_json;
use crate::push::record::Publication;
use crate::push::tally::{Heard, Tally, Totals};
use crate::push::throttle::Wish;
use crate::wire::CloseCode;

impl Dialect {
    // req: push-batch-01
    pub(super) fn publish_request<'r>(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        requested: Requested,
        publications: Vec<Publication>,
        admitted: &Admitted,
    ) -> Result<Reply<'r>, Problem> {
        match self.publish(from, publications)? {
            (_, Published::Now(outcomes)) => {
                let response = self.response(context, from, requested, outcomes, admitted);
                Ok(response.map_or(Reply::Later { tag: NATIVE }, Reply::from))
            }
            (tag, Published::Later) => {
                let awaited = Awaited::Request {
                    peer: from,
                    requested,
                    admitted: admitted.clone(),
                };
                self.awaited.insert(tag, awaited);
                Ok(Reply::Later { tag: NATIVE })
            }
        }
    }

    /// The response to a publication; `None` if it waits for receipts.
    fn response(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        requested: Requested,
        outcomes: Vec<Outcome>,
        admitted: &Admitted,
    ) -> Option<Response> {
        match requested {
            Requested::One(topic) => Some(publish::answer(&topic, first(outcomes), None)),
            Requested::Counted(wanted) => {
                self.count(context, from, wanted, first(outcomes), admitted)
            }
            Requested::Batch(batch) => Some(batch.answer(outcomes)),
        }
    }

    /// Publishes one message of a WebSocket, and tells its client what became of it.
    pub(super) fn publish_and_tell(
        &mut self,
        context: &mut Context<'_>,
        from: PeerId,
        publication: Publication,
        awaited: Awaited,
    ) -> Result<(), Problem> {
        match self.publish(from, vec![publication])? {
            (_, Published::Now(outcomes)) => self.tell(context, awaited, outcomes),
            (tag, Published::Later) => drop(self.awaited.insert(tag, awaited)),
        }
        Ok(())
    }

    /// Publishes; the tag is for outcomes that come later.
    fn publish(
        &mut self,
        from: PeerId,
        publications: Vec<Publication>,
    ) -> Result<(u64, Published), Problem> {
        self.tags += 1;
        let answer = Answer::Mail {
            worker: from.worker(),
            tag: self.tags,
        };
        let published = self.broker.publish(publications, answer)?;
        Ok((self.tags, published))
    }

    /// The log has answered.
    pub(super) fn published(
        &mut self,
        context: &mut Context<'_>,
        tag: u64,
        outcomes: Vec<Outcome>,
    ) {
        if let Some(awaited) = self.awaited.remove(&tag) {
            self.tell(context, awaited, outcomes);
        }
    }

    fn tell(&mut self, context: &mut Context<'_>, awaited: Awaited, outcomes: Vec<Outcome>) {
        match awaited {
            Awaited::Request {
                peer,
                requested,
                admitted,
            } => {
                let response = self.response(context, peer, requested, outcomes, &admitted);
                if let Some(response) = response {
                    let _ = context.respond(peer, admitted.mark(response));
                }
            }
            Awaited::Message {
                peer,
                topic,
                reference,
            } => {
                let json = messages::outcome(reference.as_deref(), &topic, first(outcomes));
                send_json(context, peer, json);
            }
            Awaited::Raw { peer } => self.tell_raw(context, peer, &first(outcomes)),
        }
    }

    /// The answer to a publication, or `None` if it waits for receipts.
    // req: push-receipt-01 push-receipt-06
    pub(super) fn count(
        &mut self,
        context: &mut Context<'_>,
        publisher: PeerId,
        wanted: Wanted,
        outcome: Outcome,
        admitted: &Admitted,
    ) -> Option<Response> {
        let receipt = match outcome {
            Ok(receipt) if !receipt.repeated => receipt,
            other => return Some(publish::answer(&wanted.topic, other, None)),
        };
        if receipt.subscribers == 0 || wanted.tally.is_done() {
            let counts = wanted.tally.close();
            return Some(publish::answer(&wanted.topic, Ok(receipt), Some(counts)));
        }
        context.set_timer(publisher, Some(context.now() + wanted.wait));
        let admitted = admitted.clone();
        let counting = Counting {
            wanted,
            receipt,
            admitted,
        };
        self.counting.insert(publisher, counting);
        None
    }

    /// The receipts are complete, or the time is over. False if this publisher waits for none.
    // req: push-receipt-02
    pub(super) fn counted(&mut self, context: &mut Context<'_>, publisher: PeerId) -> bool {
        let Some(counting) = self.counting.remove(&publisher) else {
            return false;
        };
        let Wanted { topic, tally, .. } = counting.wanted;
        let response = publish::answer(&topic, Ok(counting.receipt), Some(tally.close()));
        context.set_timer(publisher, None);
        let _ = context.respond(publisher, counting.admitted.mark(response));
        true
    }

    /// The first message of a batch was counted with its request. The others are a debt.
    pub(super) fn count_batch(
        &self,
        context: &Context<'_>,
        peer: PeerId,
        caller: &Caller,
        messages: usize,
    ) {
        let more = Wish::Publications((messages as u64).saturating_sub(1));
        let name = caller.counts_as();
        let _ = self.throttles.take(context, peer, name.as_ref(), more);
    }

    pub(super) fn count_publication(
        &self,
        context: &Context<'_>,
        peer: PeerId,
        caller: &Caller,
    ) -> Result<(), Problem> {
        let one = Wish::Publications(1);
        let taken = self
            .throttles
            .take(context, peer, caller.counts_as().as_ref(), one);
        taken.map_err(Problem::too_many)
    }

    /// A raw WebSocket has no words for what was not published.
    pub(super) fn tell_raw(&mut self, context: &mut Context<'_>, peer: PeerId, outcome: &Outcome) {
        if outcome.is_err() {
            self.end(context, peer, CloseCode::TRY_AGAIN_LATER, "not published");
        }
    }

    /// The polls that a delivery has answered can confirm nothing.
    pub(super) fn polls_answered(&mut self, delivery: &Delivery, polls: usize, done: bool) {
        let Some(tally) = delivery.tally() else {
            return;
        };
        let mut done = done;
        for _ in 0..polls {
            let heard = [Heard::Written, Heard::Unsupported];
            self.receipts.totals.count(&heard, 0, 0);
            done |= tally.hear(&heard);
        }
        if done {
            self.broker.counted(tally.publisher());
        }
    }

    /// A peer has answered a Ping.
    pub(in crate::push) fn pong(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        payload: &[u8],
    ) {
        let done = self.receipts.pong(context, peer, payload);
        self.tell_publishers(&done);
    }

    /// What was sent to a peer has left.
    pub(super) fn left(&mut self, context: &Context<'_>, peer: PeerId) {
        let done = self.receipts.written(context, peer);
        self.tell_publishers(&done);
    }

    /// A subscriber or a publisher has gone.
    pub(super) fn gone(&mut self, peer: PeerId) {
        let done = self.receipts.closed(peer);
        self.tell_publishers(&done);
        if let Some(counting) = self.counting.remove(&peer) {
            counting.wanted.tally.close();
        }
    }

    /// What was heard of all publications with receipts.
    pub(in crate::push) fn receipt_totals(&self) -> Totals {
        self.receipts.totals
    }

    fn tell_publishers(&self, done: &[Tally]) {
        for tally in done {
            self.broker.counted(tally.publisher());
        }
    }
}

/// The only outcome of one publication.
fn first(outcomes: Vec<Outcome>) -> Outcome {
    let lost = Err(LogError::Unavailable);
    outcomes.into_iter().next().unwrap_or(lost)
}
