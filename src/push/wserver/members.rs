//! The subscribers of one worker: dense lists by topic, for a quick walk.
//!
//! ```text
//!   by topic:  7 ──▶ [ peer 3 ][ peer 9 ]                       walked for each publication
//!   by peer:   9 ──▶ { owner 1, topic 4: at 0 · topic 7: at 1 } walked when the peer leaves
//! ```
//!
//! Invariant: a peer knows its position in each list that it is in; removal from a list is a swap
//! with the last entry and one correction. A peer that was sent a Close is no longer here: it can
//! neither subscribe nor count as a subscriber, however long its connection lasts.

use crate::net::PeerId;
use crate::push::limits::Limits;
use crate::push::wserver::hub::{Hub, Joined};
use crate::push::wserver::topics::{OwnerId, TopicId};
use crate::wire::CloseCode;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
pub(in crate::push) struct Members {
    by_topic: HashMap<TopicId, Vec<Member>>,
    by_peer: HashMap<PeerId, Subscriber>,
}

/// A subscriber in the list of its topic.
#[derive(Clone, Copy, Debug)]
struct Member {
    peer: PeerId,
    /// Only deliveries after this number are for it.
    sequence: u64,
}

/// A connection that may subscribe.
#[derive(Debug, Default)]
struct Subscriber {
    /// Its position in the list of each of its topics.
    places: BTreeMap<(OwnerId, TopicId), u32>,
    /// Bytes of names: see [`Limits::subscription_bytes`].
    bytes: usize,
}

/// Why a registration is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::push) enum Refused {
    /// [`Limits::topic_bytes`].
    NameTooLong,
    /// [`Limits::subscriptions`].
    TooMany,
    /// [`Limits::subscription_bytes`].
    TooManyBytes,
    /// [`Limits::topics`] and [`Limits::topic_share`].
    Full,
}

impl Refused {
    /// The code and reason of the Close.
    pub(in crate::push) fn close(self) -> (CloseCode, &'static str) {
        match self {
            Self::NameTooLong => (CloseCode::POLICY, "user or event too long"),
            Self::TooMany => (CloseCode::POLICY, "too many events"),
            Self::TooManyBytes => (CloseCode::POLICY, "names of events too long together"),
            Self::Full => (CloseCode::TRY_AGAIN_LATER, "no room for more topics"),
        }
    }
}

impl Members {
    /// A connection has opened that may subscribe.
    pub(in crate::push) fn open(&mut self, peer: PeerId) {
        self.by_peer.insert(peer, Subscriber::default());
    }

    /// The peer may subscribe: it was opened and not removed.
    pub(in crate::push) fn is_open(&self, peer: PeerId) -> bool {
        self.by_peer.contains_key(&peer)
    }

    /// The peer may subscribe and has not done so.
    pub(in crate::push) fn is_idle(&self, peer: PeerId) -> bool {
        let subscriber = self.by_peer.get(&peer);
        subscriber.is_some_and(|subscriber| subscriber.places.is_empty())
    }

    /// Subscribes a peer to topics of one owner, here and in the hub. Topics that it already has
    /// are not an error. If it is refused, it may have joined some of them; the caller closes and
    /// removes it.
    pub(in crate::push) fn subscribe(
        &mut self,
        hub: &Hub,
        worker: usize,
        peer: PeerId,
        owner: &str,
        names: &[String],
        limits: &Limits,
    ) -> Result<(), Refused> {
        let is_long = |name: &str| name.len() > limits.topic_bytes;
        if names.len() > limits.subscriptions {
            return Err(Refused::TooMany);
        }
        if is_long(owner) || names.iter().any(|name| is_long(name)) {
            return Err(Refused::NameTooLong);
        }
        let Self { by_topic, by_peer } = self;
        let (Some(subscriber), Some(mut joining)) =
            (by_peer.get_mut(&peer), hub.joining(worker, owner))
        else {
            return Ok(()); // Its Close is pending.
        };
        for name in names {
            let known = joining.owner().zip(joining.find(name));
            if known.is_some_and(|place| subscriber.places.contains_key(&place)) {
                continue;
            }
            let first = !joining.owner().is_some_and(|id| subscriber.has(id));
            let bytes = name.len() + if first { owner.len() } else { 0 };
            if subscriber.places.len() >= limits.subscriptions {
                return Err(Refused::TooMany);
            }
            if subscriber.bytes + bytes > limits.subscription_bytes {
                return Err(Refused::TooManyBytes);
            }
            if known.is_none() && !joining.has_room(subscriber.places.len(), limits) {
                return Err(Refused::Full);
            }
            let Joined {
                owner,
                topic,
                sequence,
            } = joining.join(name, first);
            let list = by_topic.entry(topic).or_default();
            subscriber.places.insert((owner, topic), list.len() as u32);
            subscriber.bytes += bytes;
            list.push(Member { peer, sequence });
        }
        Ok(())
    }

    /// Removes a peer and all its subscriptions.
    pub(in crate::push) fn remove(&mut self, hub: &Hub, worker: usize, peer: PeerId) {
        let Some(Subscriber { places, .. }) = self.by_peer.remove(&peer) else {
            return;
        };
        if places.is_empty() {
            return;
        }
        hub.leave(worker, places.keys().copied());
        for ((owner, topic), at) in places {
            let Some(members) = self.by_topic.get_mut(&topic) else {
                continue;
            };
            members.swap_remove(at as usize);
            if let Some(moved) = members.get(at as usize)
                && let Some(subscriber) = self.by_peer.get_mut(&moved.peer)
            {
                subscriber.places.insert((owner, topic), at);
            }
            if members.is_empty() {
                self.by_topic.remove(&topic);
            }
        }
    }

    /// The receivers of a delivery of this topic and number.
    pub(in crate::push) fn of(
        &self,
        topic: TopicId,
        sequence: u64,
    ) -> impl Iterator<Item = PeerId> {
        let members = self.by_topic.get(&topic).map_or(&[][..], Vec::as_slice);
        members
            .iter()
            .filter(move |member| member.sequence < sequence)
            .map(|member| member.peer)
    }
}

impl Subscriber {
    /// Adds a subscription to a topic of this owner.
    fn has(&self, owner: OwnerId) -> bool {
        let all = (owner, TopicId::MIN)..=(owner, TopicId::MAX);
        self.places.range(all).next().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Mailbox;
    use crate::proto::Message;
    use crate::push::limits::Limits;
    use crate::push::unavailable::Unavailable;
    use crate::push::wserver::hub::{HubMail, What};
    use crate::push::wserver::topics::Topic;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    const WORKERS: usize = 2;

    /// Few, so that they meet often.
    const NAMES: [&str; 3] = ["a", "b", "ab"];

    #[derive(Clone, Debug)]
    enum Step {
        /// The peer opens, or opens again, and subscribes to topics of one owner.
        Subscribe(u32, usize, Vec<usize>),
        Leave(u32),
        Publish(usize, usize),
        Close(usize, Option<usize>),
        /// A worker reads its mail.
        Deliver(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let (peer, name) = (0_u32..8, 0..NAMES.len());
        let step = prop_oneof![
            4 => (peer.clone(), name.clone(), prop::collection::vec(name.clone(), 0..4))
                .prop_map(|(peer, owner, names)| Step::Subscribe(peer, owner, names)),
            2 => peer.prop_map(Step::Leave),
            3 => (name.clone(), name.clone()).prop_map(|(a, b)| Step::Publish(a, b)),
            1 => (name.clone(), prop::option::of(name)).prop_map(|(a, b)| Step::Close(a, b)),
            3 => (0..WORKERS).prop_map(Step::Deliver),
        ];
        prop::collection::vec(step, 0..80)
    }

    /// What one peer has joined, and what it is owed. A topic is marked when it is being closed:
    /// then it no longer counts.
    #[derive(Debug, Default)]
    struct Model {
        topics: Vec<(Topic, bool)>,
        owed: Vec<String>,
        got: Vec<String>,
    }

    impl Model {
        fn has(&self, topic: &Topic) -> bool {
            self.topics.contains(&(topic.clone(), false))
        }

        fn is_closing(&self) -> bool {
            self.topics.iter().any(|(_, closing)| *closing)
        }
    }

    /// The hub and its workers, and a model: a list of what each peer has joined.
    struct Both {
        hub: Hub,
        mailboxes: Vec<Mailbox<HubMail>>,
        workers: Vec<Members>,
        model: BTreeMap<u32, Model>,
        published: usize,
    }

    fn worker_of(peer: u32) -> usize {
        peer as usize % WORKERS
    }

    impl Both {
        fn new() -> Self {
            let mailboxes: Vec<_> = (0..WORKERS).map(|_| Mailbox::unread()).collect();
            let hub = Hub::default();
            hub.connect(&mailboxes);
            Self {
                hub,
                mailboxes,
                workers: (0..WORKERS).map(|_| Members::default()).collect(),
                model: BTreeMap::new(),
                published: 0,
            }
        }

        fn step(&mut self, step: &Step) {
            match step {
                Step::Subscribe(peer, owner, names) => self.subscribe(*peer, *owner, names),
                Step::Leave(peer) => self.leave(*peer),
                Step::Publish(owner, name) => self.publish(*owner, *name),
                Step::Close(owner, name) => self.close(*owner, *name),
                Step::Deliver(worker) => self.deliver(*worker),
            }
            self.check();
        }

        fn subscribe(&mut self, peer: u32, owner: usize, names: &[usize]) {
            let members = &mut self.workers[worker_of(peer)];
            let id = PeerId::invented(peer);
            if !members.is_open(id) {
                members.open(id);
            }
            let owner = NAMES[owner];
            let names: Vec<_> = names.iter().map(|name| NAMES[*name].to_owned()).collect();
            let limits = Limits::default();
            let done = members.subscribe(&self.hub, worker_of(peer), id, owner, &names, &limits);
            assert_eq!(done, Ok(()));
            let model = self.model.entry(peer).or_default();
            for name in names {
                let topic = Topic::new(owner, name);
                if !model.has(&topic) {
                    model.topics.push((topic, false));
                }
            }
        }

        fn leave(&mut self, peer: u32) {
            let id = PeerId::invented(peer);
            self.workers[worker_of(peer)].remove(&self.hub, worker_of(peer), id);
            self.model.remove(&peer);
        }

        fn publish(&mut self, owner: usize, name: usize) {
            let topic = Topic::new(NAMES[owner], NAMES[name]);
            let text = self.published.to_string();
            self.published += 1;
            let mut expected = 0;
            for model in self.model.values_mut().filter(|model| model.has(&topic)) {
                expected += 1;
                // It counts until its worker has handled the close of another of its topics, but
                // the Close comes first.
                if !model.is_closing() {
                    model.owed.push(text.clone());
                }
            }
            assert_eq!(self.hub.publish(&topic, Message::text(&text)), Ok(expected));
        }

        fn close(&mut self, owner: usize, name: Option<usize>) {
            // What is already being closed must not be counted again.
            (0..WORKERS).for_each(|worker| self.deliver(worker));
            let (owner, name) = (NAMES[owner], name.map(|name| NAMES[name]));
            let is_meant =
                |topic: &Topic| topic.owner == owner && name.is_none_or(|name| topic.name == name);
            let mut expected = 0;
            for model in self.model.values_mut() {
                let meant = model.topics.iter_mut().filter(|(topic, _)| is_meant(topic));
                let closing: Vec<_> = meant.map(|(_, closing)| *closing = true).collect();
                expected += usize::from(!closing.is_empty());
            }
            assert_eq!(self.hub.close(owner, name), Ok(expected));
        }

        fn deliver(&mut self, worker: usize) {
            for delivery in self.mailboxes[worker].take_mail() {
                let HubMail {
                    topic,
                    sequence,
                    what,
                } = delivery;
                let peers: Vec<_> = self.workers[worker].of(topic, sequence).collect();
                for peer in peers {
                    let number = peer.index() as u32;
                    match &what {
                        What::Frame(frame) => {
                            let text = frame.as_bytes()[2..].to_vec();
                            let model = self.model.get_mut(&number).expect("it is there");
                            model.got.push(String::from_utf8(text).expect("a number"));
                        }
                        What::Close => {
                            let model = self.model.get(&number).expect("it is there");
                            assert!(model.is_closing() && model.got == model.owed);
                            self.leave(number);
                        }
                    }
                }
            }
            for (_, model) in self
                .model
                .iter()
                .filter(|(peer, _)| worker_of(**peer) == worker)
            {
                assert_eq!(model.got, model.owed);
                assert!(!model.is_closing());
            }
        }

        /// The two structures are consistent.
        fn check(&self) {
            let all = self.model.values().flat_map(|model| &model.topics);
            assert_eq!(self.hub.topics(), all.collect::<BTreeSet<_>>().len());
            for members in &self.workers {
                let places = members.by_peer.iter().flat_map(|(peer, subscriber)| {
                    let places = subscriber.places.iter();
                    places.map(|((_, topic), at)| (*peer, *topic, *at as usize))
                });
                let mut count = 0;
                for (peer, topic, at) in places {
                    assert_eq!(members.by_topic[&topic][at].peer, peer);
                    count += 1;
                }
                assert_eq!(
                    count,
                    members.by_topic.values().map(Vec::len).sum::<usize>()
                );
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 200,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn hub_and_members_do_what_a_list_would(steps in steps()) {
            let mut both = Both::new();
            steps.iter().for_each(|step| both.step(step));
            // Nothing is left of peers that have gone.
            (0..8).for_each(|peer| both.leave(peer));
            both.check();
            assert!(both.workers.iter().all(|members| members.by_topic.is_empty()));
            assert!(both.hub.is_empty());
        }
    }

    /// Quadratic time would be noticed: the work for one peer must not depend on how many topics it
    /// has joined before.
    #[test]
    fn many_owners_and_repeated_names_cost_no_walks() {
        let (hub, mut members) = (Hub::default(), Members::default());
        let limits = Limits::default()
            .subscriptions(usize::MAX)
            .subscription_bytes(usize::MAX)
            .topics(usize::MAX);
        let peer = PeerId::invented(1);
        members.open(peer);
        let repeated: Vec<_> = (0..10).map(|n| (n % 2).to_string()).collect();
        for owner in 0..5_000 {
            let owner = owner.to_string();
            let done = members.subscribe(&hub, 0, peer, &owner, &repeated, &limits);
            assert_eq!(done, Ok(()));
        }
        assert_eq!(hub.topics(), 10_000);
        members.remove(&hub, 0, peer);
        assert!(hub.is_empty());
    }

    #[test]
    fn after_a_stop_no_peer_counts_and_none_joins() {
        let (hub, mut members) = (Hub::default(), Members::default());
        let (peer, limits) = (PeerId::invented(1), Limits::default());
        let topic = Topic::new("a", "e");
        members.open(peer);
        let mut join = |name: &str| {
            let names = [name.to_owned()];
            members.subscribe(&hub, 0, peer, "a", &names, &limits)
        };
        assert_eq!(join("e"), Ok(()));
        assert_eq!(hub.publish(&topic, Message::text("m")), Ok(1));
        hub.stop();
        assert_eq!(join("f"), Ok(()));
        assert_eq!(
            hub.publish(&topic, Message::text("m")),
            Err(Unavailable::Stopped)
        );
        assert_eq!(hub.close("a", None), Err(Unavailable::Stopped));
        assert_eq!(hub.topics(), 1);
        members.remove(&hub, 0, peer);
        assert!(hub.is_empty());
    }

    #[test]
    fn a_worker_that_is_behind_makes_publishers_wait_and_loses_nothing() {
        let (hub, mut members) = (Hub::default(), Members::default());
        let (peer, limits) = (PeerId::invented(1), Limits::default());
        let mailbox = Mailbox::<HubMail>::unread();
        hub.connect(std::slice::from_ref(&mailbox));
        let (topic, unheard) = (Topic::new("a", "e"), Topic::new("a", "f"));
        members.open(peer);
        let names = ["e".to_owned()];
        assert_eq!(
            members.subscribe(&hub, 0, peer, "a", &names, &limits),
            Ok(())
        );
        let mut published = 0;
        let message = "m".repeat(1000);
        while hub.publish(&topic, Message::text(&message)) == Ok(1) {
            published += 1;
            assert!(published < 10_000, "it is never busy");
        }
        assert_eq!(
            hub.publish(&topic, Message::text("m")),
            Err(Unavailable::Busy)
        );
        assert_eq!(hub.publish(&unheard, Message::text("m")), Ok(0));
        // A close is never lost.
        assert_eq!(hub.close("a", None), Ok(1));
        assert_eq!(mailbox.take_mail().len(), published + 1);
    }
}
