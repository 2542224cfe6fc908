//! Publishers that wait for receipts: `POST /topics/NAME?receipt=2s`.
//!
//! Input: the outcome of a publication, and what subscribers confirm. Output: the answer, with the
//! counts as they are when all have been heard of or the time is over. Invariant: a publisher is
//! answered once. What confirms a message is left to `receipts`.

use crate::http::Response;
use crate::net::{Context, PeerId};
use crate::push::access::Admitted;
use crate::push::broker::Outcome;
use crate::push::delivery::Delivery;
use crate::push::native::dialect::Dialect;
use crate::push::native::publish;
use crate::push::native::receipts::{Counting, Wanted};
use crate::push::tally::{Heard, Tally};

impl Dialect {
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

    /// The polls that a delivery has answered can confirm nothing.
    pub(super) fn polls_answered(&mut self, delivery: &Delivery, polls: usize, done: bool) {
        let Some(tally) = delivery.tally() else {
            return;
        };
        let mut done = done;
        for _ in 0..polls {
            tally.hear(Heard::Written);
            done |= tally.hear(Heard::Unsupported);
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
    pub(super) fn left(&mut self, peer: PeerId) {
        let done = self.receipts.written(peer);
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

    fn tell_publishers(&self, done: &[Tally]) {
        for tally in done {
            self.broker.counted(tally.publisher());
        }
    }
}
