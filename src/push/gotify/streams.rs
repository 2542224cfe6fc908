//! The streams of one worker: who gets the messages of which user.
//!
//! Input: subscriptions, deliveries of the broker, ends. Output: text messages, each encoded once.
//! Invariant: a stream gets messages and nothing else.

use crate::net::{Context, PeerId, PeerMap, SharedFrame};
use crate::proto::Message;
use crate::push::delivery::{Delivery, FrameForm};
use crate::push::gotify::edits::Ended;
use crate::push::gotify::message::write;
use crate::push::hub::InterestId;
use crate::push::throttle::Place;
use std::collections::HashMap;

#[derive(Debug, Default)]
pub(super) struct Streams {
    peers: PeerMap<Stream>,
    lists: HashMap<InterestId, Vec<PeerId>>,
}

#[derive(Debug)]
pub(super) struct Stream {
    pub(super) user: u64,
    /// `None` if it was opened with a password.
    pub(super) client: Option<u64>,
    pub(super) interest: InterestId,
    /// Only deliveries with a higher number are for it.
    pub(super) order: u64,
    /// It counts for its client.
    pub(super) _place: Option<Place>,
}

impl Streams {
    pub(super) fn insert(&mut self, peer: PeerId, stream: Stream) {
        self.lists.entry(stream.interest).or_default().push(peer);
        self.peers.insert(peer, stream);
    }

    #[cfg(feature = "take-over")]
    pub(super) fn get(&self, peer: PeerId) -> Option<&Stream> {
        self.peers.get(peer)
    }

    /// Whether there was such a stream.
    pub(super) fn remove(&mut self, peer: PeerId) -> bool {
        let Some(stream) = self.peers.remove(peer) else {
            return false;
        };
        if let Some(list) = self.lists.get_mut(&stream.interest) {
            list.retain(|other| *other != peer);
            if list.is_empty() {
                self.lists.remove(&stream.interest);
            }
        }
        true
    }

    /// The streams that end with a client or user.
    pub(super) fn ended(&self, ended: Ended) -> Vec<PeerId> {
        let lists = self.lists.values().flatten();
        let ends = |stream: &Stream| match ended {
            Ended::Client(id) => stream.client == Some(id),
            Ended::User(id) => stream.user == id,
        };
        let all = lists.filter(|peer| self.peers.get(**peer).is_some_and(ends));
        all.copied().collect()
    }

    // req: gotify-stream-03
    pub(super) fn deliver(&self, context: &mut Context<'_>, delivery: &Delivery) {
        for interest in &delivery.audience().interests {
            for peer in self.lists.get(interest).into_iter().flatten() {
                let order = self.peers.get(*peer).map(|stream| stream.order);
                if order.is_some_and(|order| order < delivery.order()) {
                    let frame = delivery.frame(FrameForm::Gotify, || encode(delivery));
                    let _ = context.send_frame(*peer, frame, 0);
                }
            }
        }
    }
}

fn encode(delivery: &Delivery) -> SharedFrame {
    let mut json = Vec::with_capacity(delivery.record().size() + 128);
    write(&mut json, delivery.record());
    json.push(b'\n');
    SharedFrame::new(Message::text(&String::from_utf8_lossy(&json)))
}
