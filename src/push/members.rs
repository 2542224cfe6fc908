//! The subscribers of one worker: dense lists by topic, for a quick walk.
//!
//! ```text
//!   by topic:  7 ──▶ [ peer 3, place 0 ][ peer 9, place 1 ]     walked for each publication
//!   by peer:   9 ──▶ [ topic 4, at 0 ][ topic 7, at 1 ]         walked when the peer ends
//! ```
//!
//! Invariant: each entry of one list knows its place in the other; removal is a swap with the last
//! entry and one correction.

use crate::limits::Limits;
use crate::net::PeerId;
use crate::push::hub::{Hub, Joined};
use crate::push::topics::{Topic, TopicId};
use std::collections::HashMap;

#[derive(Debug, Default)]
pub(super) struct Members {
    by_topic: HashMap<TopicId, Vec<Member>>,
    by_peer: HashMap<PeerId, Vec<Subscription>>,
}

/// A subscriber, as its topic knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Member {
    pub(super) peer: PeerId,
    /// Index in the peer's list.
    place: u32,
    /// Only later deliveries are for it.
    sequence: u64,
}

/// A topic, as its subscriber knows it.
#[derive(Debug)]
struct Subscription {
    topic: Topic,
    id: TopicId,
    /// Index in the topic's list.
    at: u32,
}

/// What came of a wish to subscribe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Subscribed {
    New,
    Already,
    /// [`Limits::subscriptions`] or [`Limits::topics`].
    TooMany,
}

impl Members {
    /// Subscribes a peer, here and in the hub.
    pub(super) fn subscribe(
        &mut self,
        hub: &Hub,
        worker: usize,
        peer: PeerId,
        topic: Topic,
        limits: &Limits,
    ) -> Subscribed {
        let subscriptions = self.by_peer.entry(peer).or_default();
        if subscriptions
            .iter()
            .any(|subscription| subscription.topic == topic)
        {
            return Subscribed::Already;
        }
        let first = !subscriptions
            .iter()
            .any(|other| other.topic.owner == topic.owner);
        let joined = match subscriptions.len() < limits.subscriptions {
            true => hub.join(&topic, worker, first, limits),
            false => None,
        };
        let Some(Joined {
            topic: id,
            sequence,
        }) = joined
        else {
            return Subscribed::TooMany;
        };
        let members = self.by_topic.entry(id).or_default();
        let (place, at) = (subscriptions.len() as u32, members.len() as u32);
        members.push(Member {
            peer,
            place,
            sequence,
        });
        subscriptions.push(Subscription { topic, id, at });
        Subscribed::New
    }

    /// Forgets a peer and all that it listened to.
    pub(super) fn remove(&mut self, hub: &Hub, worker: usize, peer: PeerId) {
        let mut rest = self.by_peer.remove(&peer).unwrap_or_default();
        while let Some(Subscription { topic, id, at }) = rest.pop() {
            let last = !rest.iter().any(|other| other.topic.owner == topic.owner);
            hub.leave(&topic, worker, last);
            let Some(members) = self.by_topic.get_mut(&id) else {
                continue;
            };
            members.swap_remove(at as usize);
            if let Some(moved) = members.get(at as usize)
                && let Some(theirs) = self.by_peer.get_mut(&moved.peer)
            {
                theirs[moved.place as usize].at = at;
            }
            if members.is_empty() {
                self.by_topic.remove(&id);
            }
        }
    }

    /// Whom a delivery of this topic and number is for.
    pub(super) fn of(&self, topic: TopicId, sequence: u64) -> impl Iterator<Item = PeerId> {
        let members = self.by_topic.get(&topic).map_or(&[][..], Vec::as_slice);
        members
            .iter()
            .filter(move |member| member.sequence < sequence)
            .map(|member| member.peer)
    }

    /// The peer listens to something.
    pub(super) fn has(&self, peer: PeerId) -> bool {
        self.by_peer
            .get(&peer)
            .is_some_and(|subscriptions| !subscriptions.is_empty())
    }
}
