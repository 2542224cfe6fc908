//! Receipts from Pongs: what unmodified WebSocket clients have read (RFC 6455 section 5.5.3).
//!
//! ```text
//!   message 41 ▸ Ping w1:41 ▸ message 42 ▸ message 43        ◂ Pong w1:41 ▸ Ping w1:43
//!                                                             41 is confirmed
//! ```
//!
//! A Pong for a position proves that the peer has read everything that was sent before its Ping,
//! so one Ping speaks for all messages before it. Invariants: at most one Ping without an answer,
//! unless it is older than a second; the payload is ASCII and cumulative; every subscriber of a
//! tally is settled once. Input: what was sent to whom, Pongs, time. Output: what tallies hear.

use crate::net::{Context, PeerId};
use crate::proto::Millis;
use crate::push::access::Admitted;
use crate::push::broker::Receipt;
use crate::push::name::TopicName;
use crate::push::native::form::Form;
use crate::push::tally::{Heard, Tally, Totals};
use std::collections::BTreeMap;

/// Milliseconds until a Ping without an answer is followed by another: some implementations drop a
/// Ping while they have another to answer.
const ASK_AGAIN_MS: Millis = 1_000;

/// Publications for which a connection can owe receipts at a time; it gives none for more.
const MOST_OPEN: usize = 64;

/// What the payload of each Ping begins with.
const PREFIX: &str = "w1:";

/// A publication whose receipts are wanted.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) topic: TopicName,
    pub(super) tally: Tally,
    /// How long the publisher waits.
    pub(super) wait: Millis,
}

/// A publisher that waits.
#[derive(Debug)]
pub(super) struct Counting {
    pub(super) wanted: Wanted,
    pub(super) receipt: Receipt,
    pub(super) admitted: Admitted,
}

/// The receipts that the connections of one worker owe.
#[derive(Debug, Default)]
pub(super) struct Receipts {
    peers: BTreeMap<PeerId, Owed>,
    pub(super) totals: Totals,
}

#[derive(Debug, Default)]
struct Owed {
    /// In the order of their deliveries.
    open: Vec<Open>,
    asked: Option<Asked>,
    /// The connection has answered a Ping with another payload.
    unsupported: bool,
}

#[derive(Debug)]
struct Open {
    order: u64,
    tally: Tally,
    sent: Millis,
    written: bool,
    /// The connection has Pongs: it is a WebSocket.
    confirms: bool,
}

/// A Ping without an answer.
#[derive(Clone, Copy, Debug)]
struct Asked {
    order: u64,
    at: Millis,
}

impl Receipts {
    /// A message with a tally was sent to a peer. False if nothing will be heard of it.
    // req: push-receipt-03
    pub(super) fn add(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        order: u64,
        tally: &Tally,
        form: Form,
    ) -> bool {
        let owed = self.peers.entry(peer).or_default();
        if owed.open.len() >= MOST_OPEN {
            return false;
        }
        owed.open.push(Open {
            order,
            tally: tally.clone(),
            sent: context.now(),
            written: false,
            confirms: matches!(form, Form::Raw | Form::Envelopes),
        });
        context.notify_when_sent(peer);
        owed.ask(context, peer);
        true
    }

    /// Everything that was sent to a peer has left. Returns the tallies that are complete.
    pub(super) fn written(&mut self, context: &Context<'_>, peer: PeerId) -> Vec<Tally> {
        let Some(owed) = self.peers.get_mut(&peer) else {
            return Vec::new();
        };
        let unsupported = owed.unsupported;
        let settling = (&mut self.totals, context.now());
        let done = owed.settle(settling, |open| match unsupported || !open.confirms {
            true => Some(Heard::Unsupported),
            false => Some(Heard::Written),
        });
        self.forget_if_empty(peer);
        done
    }

    /// A Pong has come: the answer to a Ping for receipts, to one of the keepalive, or something
    /// else.
    // req: push-receipt-04 push-receipt-05
    pub(super) fn pong(
        &mut self,
        context: &mut Context<'_>,
        peer: PeerId,
        payload: &[u8],
    ) -> Vec<Tally> {
        let Some(owed) = self.peers.get_mut(&peer) else {
            return Vec::new();
        };
        let Some(asked) = owed.asked else {
            return Vec::new();
        };
        let done = match read(payload) {
            Some(order) if order <= asked.order => {
                if order == asked.order {
                    owed.asked = None;
                }
                let settling = (&mut self.totals, context.now());
                owed.settle(settling, |open| {
                    (open.order <= order).then_some(Heard::Confirmed)
                })
            }
            // The answer to a Ping of the keepalive, or unsolicited.
            None if payload.is_empty() => return Vec::new(),
            _ => {
                owed.unsupported = true;
                owed.asked = None;
                let settling = (&mut self.totals, context.now());
                owed.settle(settling, |open| open.written.then_some(Heard::Unsupported))
            }
        };
        owed.ask(context, peer);
        self.forget_if_empty(peer);
        done
    }

    /// Asks again where a Ping has had no answer, and forgets publications that no one waits for
    /// any more.
    pub(super) fn look(&mut self, context: &mut Context<'_>) {
        self.peers.retain(|peer, owed| {
            owed.open.retain(|open| !open.tally.is_closed());
            owed.ask(context, *peer);
            !owed.is_empty()
        });
    }

    /// A peer has gone.
    pub(super) fn closed(&mut self, peer: PeerId) -> Vec<Tally> {
        let Some(mut owed) = self.peers.remove(&peer) else {
            return Vec::new();
        };
        owed.settle((&mut self.totals, 0), |_| Some(Heard::Lost))
    }

    fn forget_if_empty(&mut self, peer: PeerId) {
        if self.peers.get(&peer).is_some_and(Owed::is_empty) {
            self.peers.remove(&peer);
        }
    }
}

impl Owed {
    fn is_empty(&self) -> bool {
        self.open.is_empty() && !self.unsupported
    }

    /// Sends a Ping for the newest message, if it is time to.
    fn ask(&mut self, context: &mut Context<'_>, peer: PeerId) {
        let Some(newest) = self.open.iter().rev().find(|open| open.confirms) else {
            return;
        };
        let now = context.now();
        let waits = |asked: Asked| now < asked.at + ASK_AGAIN_MS;
        if self.unsupported || self.asked.is_some_and(waits) {
            return;
        }
        let order = newest.order;
        let payload = format!("{PREFIX}{order}");
        if context.ping(peer, payload.as_bytes()).is_taken() {
            self.asked = Some(Asked { order, at: now });
        }
    }

    /// Tells tallies what was heard, and counts it at this time; those that have nothing more to
    /// hear are returned.
    fn settle(
        &mut self,
        (totals, now): (&mut Totals, Millis),
        heard: impl Fn(&Open) -> Option<Heard>,
    ) -> Vec<Tally> {
        let mut done = Vec::new();
        self.open.retain_mut(|open| {
            let Some(heard) = heard(open) else {
                return true;
            };
            // What was read or cannot be confirmed was written, which is counted once.
            let both = [Heard::Written, heard];
            let all = match (heard, open.written) {
                (Heard::Written, true) => return true,
                (Heard::Confirmed | Heard::Unsupported, false) => &both[..],
                _ => &both[1..],
            };
            totals.count(all, open.sent, now);
            if open.tally.hear(all) {
                done.push(open.tally.clone());
            }
            open.written = true;
            heard == Heard::Written
        });
        done
    }
}

/// Whether a Pong with this payload answers a Ping for receipts.
pub(in crate::push) fn answers_receipt(payload: &[u8]) -> bool {
    read(payload).is_some()
}

fn read(payload: &[u8]) -> Option<u64> {
    let number = std::str::from_utf8(payload).ok()?.strip_prefix(PREFIX)?;
    number.parse().ok()
}
