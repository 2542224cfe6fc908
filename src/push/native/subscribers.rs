//! The subscribers of one worker: dense lists by interest, for a quick walk.
//!
//! ```text
//!   by interest:  3 ──▶ [ peer 3 ][ peer 9 ]           walked for each delivery
//!   by peer:      9 ──▶ form, caller, interests 3 and 7, and its place in each list
//! ```
//!
//! Input: subscriptions that have begun, deliveries of the broker. Output: messages in the form of
//! each subscriber. Invariants: a peer knows its place in each list that it is in; removal is a
//! swap with the last entry and one correction; a delivery reaches a peer once, however many of its
//! patterns match.

use crate::net::{Context, Overflow, PeerId, PeerMap, Sent, SharedChunk, SharedFrame};
use crate::proto::Message;
use crate::push::delivery::{ChunkForm, Delivery, FrameForm};
use crate::push::few::Few;
use crate::push::hub::InterestId;
use crate::push::name::Pattern;
use crate::push::native::caller::Caller;
use crate::push::native::envelope::message;
use crate::push::native::events::{event, line};
use crate::push::native::form::Form;
use crate::push::native::receipts::Receipts;
use crate::push::native::session::Work;
use crate::push::position::Epoch;
use crate::push::throttle;
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

#[derive(Debug, Default)]
pub(super) struct Subscribers {
    peers: PeerMap<Subscriber>,
    lists: HashMap<InterestId, List>,
}

#[derive(Debug)]
struct List {
    pattern: Pattern,
    entries: Vec<Entry>,
}

/// A subscriber in a list.
#[derive(Clone, Copy, Debug)]
struct Entry {
    peer: PeerId,
    form: Form,
    /// Only deliveries with a higher number are for it.
    order: u64,
}

/// A connection that gets records.
#[derive(Debug)]
pub(super) struct Subscriber {
    pub(super) peer: PeerId,
    pub(super) form: Form,
    /// `None` until it has sent a token, on a server that wants one.
    pub(super) caller: Option<Caller>,
    /// What is not finished yet.
    pub(super) work: Option<Box<Work>>,
    /// Its place among the connections of its token's name, if those are limited.
    pub(super) place: Option<throttle::Place>,
    places: Few<Place>,
    /// The last delivery that matched several patterns.
    last: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    interest: InterestId,
    at: u32,
}

impl Subscriber {
    pub(super) fn new(
        peer: PeerId,
        form: Form,
        caller: Option<Caller>,
        work: Option<Work>,
    ) -> Self {
        Self {
            peer,
            form,
            caller,
            work: work.map(Box::new),
            place: None,
            places: Few::None,
            last: 0,
        }
    }

    /// With its place among the connections of its token.
    pub(super) fn with_place(mut self, place: Option<throttle::Place>) -> Self {
        self.place = place;
        self
    }

    /// It gets messages, or is about to.
    pub(super) fn has_begun(&self) -> bool {
        let begins = matches!(
            self.work.as_deref(),
            Some(Work::Replay(_) | Work::Poll { .. })
        );
        begins || self.has_subscriptions()
    }

    pub(super) fn has_subscriptions(&self) -> bool {
        !self.places.as_slice().is_empty()
    }
}

impl Subscribers {
    pub(super) fn insert(&mut self, subscriber: Subscriber) {
        self.peers.insert(subscriber.peer, subscriber);
    }

    pub(super) fn get(&self, peer: PeerId) -> Option<&Subscriber> {
        self.peers.get(peer)
    }

    pub(super) fn get_mut(&mut self, peer: PeerId) -> Option<&mut Subscriber> {
        self.peers.get_mut(peer)
    }

    /// All peers.
    pub(super) fn all(&self) -> impl Iterator<Item = &Subscriber> {
        self.peers.values()
    }

    /// Adds a peer to these lists; one that is there gets a newer number.
    // req: push-v1-17
    pub(super) fn join(&mut self, peer: PeerId, all: &[(Pattern, InterestId)], order: u64) {
        let Self { peers, lists } = self;
        let Some(subscriber) = peers.get_mut(peer) else {
            return;
        };
        for (pattern, interest) in all {
            let list = lists.entry(*interest).or_insert_with(|| List {
                pattern: pattern.clone(),
                entries: Vec::new(),
            });
            let mut places = subscriber.places.as_slice().iter();
            if let Some(place) = places.find(|place| place.interest == *interest) {
                list.entries[place.at as usize].order = order;
                continue;
            }
            subscriber.places.push(Place {
                interest: *interest,
                at: list.entries.len() as u32,
            });
            list.entries.push(Entry {
                peer,
                form: subscriber.form,
                order,
            });
        }
    }

    /// The patterns of a peer.
    pub(super) fn patterns(&self, peer: PeerId) -> Vec<Pattern> {
        let places = self.peers.get(peer);
        let places = places.map_or(&[][..], |it| it.places.as_slice());
        let lists = places.iter().filter_map(|it| self.lists.get(&it.interest));
        lists.map(|list| list.pattern.clone()).collect()
    }

    /// Removes a peer from some lists.
    pub(super) fn part(&mut self, peer: PeerId, interests: &[InterestId]) {
        let Some(subscriber) = self.peers.get_mut(peer) else {
            return;
        };
        let places = &mut subscriber.places;
        let gone = places.split_off(|place| !interests.contains(&place.interest));
        self.drop_places(gone);
    }

    /// Removes a peer.
    pub(super) fn remove(&mut self, peer: PeerId) -> Option<Subscriber> {
        let mut subscriber = self.peers.remove(peer)?;
        self.drop_places(std::mem::take(&mut subscriber.places));
        Some(subscriber)
    }

    fn drop_places(&mut self, places: impl IntoIterator<Item = Place>) {
        let Self { peers, lists } = self;
        for Place { interest, at } in places {
            let Some(list) = lists.get_mut(&interest) else {
                continue;
            };
            list.entries.swap_remove(at as usize);
            if let Some(moved) = list.entries.get(at as usize)
                && let Some(subscriber) = peers.get_mut(moved.peer)
                && let mut places = subscriber.places.as_mut_slice().iter_mut()
                && let Some(place) = places.find(|place| place.interest == interest)
            {
                place.at = at;
            }
            if list.entries.is_empty() {
                lists.remove(&interest);
            }
        }
    }

    /// Sends a delivery to all whom it is for; `polls` gets those who wait for one answer, and who
    /// get it from the caller. `policies` says that some topic has another policy for slow
    /// subscribers than the default. True if there will be no receipts that are not counted yet.
    // req: push-bounds-03
    pub(super) fn deliver(
        &mut self,
        context: &mut Context<'_>,
        delivery: &Delivery,
        policies: bool,
        receipts: &mut Receipts,
        polls: &mut Vec<PeerId>,
    ) -> bool {
        let interests = &delivery.audience().interests;
        let mut open = 0;
        let key = match delivery.overflow() {
            Overflow::KeepLatest => key_of(delivery),
            _ => 0,
        };
        for interest in interests {
            let Some(list) = self.lists.get(interest) else {
                continue;
            };
            for entry in &list.entries {
                if entry.order >= delivery.order() {
                    continue;
                }
                if interests.len() > 1 && !is_first(&mut self.peers, entry.peer, delivery.order()) {
                    continue;
                }
                if policies {
                    context.set_overflow(entry.peer, delivery.overflow());
                }
                if entry.form == Form::Poll {
                    open += 1;
                    polls.push(entry.peer);
                    continue;
                }
                let sent = send(context, entry.peer, entry.form, delivery, key);
                if let Some(tally) = delivery.tally()
                    && sent.is_taken()
                    && receipts.add(context, entry.peer, delivery.order(), tally, entry.form)
                {
                    open += 1;
                }
            }
        }
        delivery.tally().is_some_and(|tally| tally.sent(open))
    }
}

/// Notes that a peer gets this delivery; false if it has got it by another pattern.
// req: push-v1-15
fn is_first(peers: &mut PeerMap<Subscriber>, peer: PeerId, order: u64) -> bool {
    let Some(subscriber) = peers.get_mut(peer) else {
        return false;
    };
    let is_first = subscriber.last < order;
    subscriber.last = order;
    is_first
}

/// What waits of the same topic is replaced; never 0.
fn key_of(delivery: &Delivery) -> u32 {
    let mut hasher = DefaultHasher::new();
    delivery.record().topic.hash(&mut hasher);
    (hasher.finish() as u32).max(1)
}

/// Sends a delivery in one form, which is made for the first peer that needs it. A peer that is too
/// slow is ended by the loop, which says so to the service.
// req: push-order-10 push-raw-01 push-v1-18
fn send(
    context: &mut Context<'_>,
    peer: PeerId,
    form: Form,
    delivery: &Delivery,
    key: u32,
) -> Sent {
    match form {
        Form::Raw => context.send_frame(peer, delivery.raw(), key),
        Form::Envelopes => {
            let make = || frame_of(delivery);
            context.send_frame(peer, delivery.frame(FrameForm::Envelope, make), key)
        }
        Form::Events => chunk(context, peer, delivery, key, ChunkForm::EventRaw),
        Form::EnvelopeEvents => chunk(context, peer, delivery, key, ChunkForm::EventEnvelope),
        Form::Lines | Form::Poll => chunk(context, peer, delivery, key, ChunkForm::Line),
    }
}

fn chunk(
    context: &mut Context<'_>,
    peer: PeerId,
    delivery: &Delivery,
    key: u32,
    form: ChunkForm,
) -> Sent {
    let make = || {
        let (record, epoch) = (delivery.record(), epoch_of(delivery));
        let mut out = Vec::with_capacity(2 * record.payload.bytes().len() + 256);
        match form {
            ChunkForm::EventRaw => event(&mut out, record, epoch, false),
            ChunkForm::EventEnvelope => event(&mut out, record, epoch, true),
            ChunkForm::Line => line(&mut out, record, epoch),
        }
        SharedChunk::new(&out)
    };
    context.write(peer, delivery.chunk(form, make), key)
}

fn frame_of(delivery: &Delivery) -> SharedFrame {
    let record = delivery.record();
    let mut out = Vec::with_capacity(2 * record.payload.bytes().len() + 256);
    message(&mut out, record, epoch_of(delivery));
    let text = String::from_utf8(out).unwrap_or_default(); // JSON is UTF-8.
    SharedFrame::new(Message::text(&text))
}

/// Of an ephemeral record there is none, and none is written.
fn epoch_of(delivery: &Delivery) -> Epoch {
    let position = delivery.position();
    position.map_or_else(|| Epoch::from_number(0), |position| position.epoch)
}
