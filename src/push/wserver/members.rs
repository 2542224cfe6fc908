//! The subscribers of one worker: dense lists by topic, for a quick walk.
//!
//! ```text
//!   by interest:  7 ──▶ [ peer 3 ][ peer 9 ]            walked for each publication
//!   by peer:      9 ──▶ { interest 4: at 0 · 7: at 1 }  walked when the peer leaves
//! ```
//!
//! Input: registrations of peers, the audience of a delivery. Output: peers. Invariants: a peer
//! knows its position in each list that it is in; removal from a list is a swap with the last entry
//! and one correction. A peer that was sent a Close is no longer here: it can neither subscribe nor
//! count as a subscriber, however long its connection lasts.

use crate::net::{PeerId, PeerMap};
use crate::push::broker::Broker;
use crate::push::hub::{Account, Audience, InterestId, NoRoom, OwnerLimits};
use crate::push::limits::Limits;
use crate::push::throttle::Place;
use crate::wire::CloseCode;
use std::collections::{BTreeMap, HashMap};

#[derive(Debug, Default)]
pub(in crate::push) struct Members {
    lists: HashMap<InterestId, Vec<Member>>,
    peers: PeerMap<Subscriber>,
}

/// A subscriber in the list of its topic.
#[derive(Clone, Copy, Debug)]
struct Member {
    peer: PeerId,
    /// Only deliveries after this number are for it.
    order: u64,
}

/// A connection that may subscribe.
#[derive(Debug, Default)]
struct Subscriber {
    /// Its position in the list of each of its topics.
    places: BTreeMap<InterestId, u32>,
    account: Account,
    /// It counts for the first user of its registrations.
    counts: Option<Place>,
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

impl From<NoRoom> for Refused {
    fn from(reason: NoRoom) -> Self {
        match reason {
            NoRoom::TooMany => Self::TooMany,
            NoRoom::TooManyBytes => Self::TooManyBytes,
            NoRoom::Full => Self::Full,
        }
    }
}

impl Members {
    /// A connection has opened that may subscribe.
    pub(in crate::push) fn open(&mut self, peer: PeerId) {
        self.peers.insert(peer, Subscriber::default());
    }

    /// The peer may subscribe: it was opened and not removed.
    pub(in crate::push) fn is_open(&self, peer: PeerId) -> bool {
        self.peers.get(peer).is_some()
    }

    /// The peer may subscribe and has not done so.
    pub(in crate::push) fn is_idle(&self, peer: PeerId) -> bool {
        let subscriber = self.peers.get(peer);
        subscriber.is_some_and(|subscriber| subscriber.places.is_empty())
    }

    /// The peer counts as a connection of a user.
    pub(in crate::push) fn has_place(&self, peer: PeerId) -> bool {
        let subscriber = self.peers.get(peer);
        subscriber.is_some_and(|subscriber| subscriber.counts.is_some())
    }

    /// It counts until it is removed.
    pub(in crate::push) fn keep_place(&mut self, peer: PeerId, place: Option<Place>) {
        if let Some(subscriber) = self.peers.get_mut(peer) {
            subscriber.counts = place;
        }
    }

    /// Subscribes a peer to events of a user, here and in the hub. Those that it already has are
    /// not an error. If it is refused, the caller closes and removes it.
    pub(in crate::push) fn subscribe(
        &mut self,
        broker: &Broker,
        peer: PeerId,
        user: &str,
        events: &[String],
        limits: &Limits,
    ) -> Result<(), Refused> {
        let is_long = |name: &str| name.len() > limits.topic_bytes;
        if events.len() > limits.subscriptions {
            return Err(Refused::TooMany);
        }
        if is_long(user) || events.iter().any(|event| is_long(event)) {
            return Err(Refused::NameTooLong);
        }
        let Some(subscriber) = self.peers.get_mut(peer) else {
            return Ok(()); // Its Close is pending.
        };
        let limits = OwnerLimits {
            topics: limits.topics,
            topic_share: limits.topic_share,
            joined: limits.subscriptions,
            bytes: limits.subscription_bytes,
        };
        let (joined, order) = broker.join(peer, user, events, &mut subscriber.account, &limits)?;
        for interest in joined {
            let list = self.lists.entry(interest).or_default();
            subscriber.places.insert(interest, list.len() as u32);
            list.push(Member { peer, order });
        }
        Ok(())
    }

    /// Removes a peer and all its subscriptions.
    pub(in crate::push) fn remove(&mut self, broker: &Broker, peer: PeerId) {
        let Some(Subscriber { places, .. }) = self.peers.remove(peer) else {
            return;
        };
        if places.is_empty() {
            return;
        }
        broker.leave(peer);
        for (interest, at) in places {
            let Some(members) = self.lists.get_mut(&interest) else {
                continue;
            };
            members.swap_remove(at as usize);
            if let Some(moved) = members.get(at as usize)
                && let Some(subscriber) = self.peers.get_mut(moved.peer)
            {
                subscriber.places.insert(interest, at);
            }
            if members.is_empty() {
                self.lists.remove(&interest);
            }
        }
    }

    /// The peers that a delivery with this number is for, each with one of its topics. A peer that
    /// is to be closed may come several times.
    pub(in crate::push) fn of<'m>(
        &'m self,
        audience: &'m Audience,
        order: u64,
    ) -> impl Iterator<Item = (PeerId, InterestId)> + 'm {
        audience.interests.iter().flat_map(move |interest| {
            let members = self.lists.get(interest).map_or(&[][..], Vec::as_slice);
            let members = members.iter().filter(move |member| member.order < order);
            members.map(|member| (member.peer, *interest))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::Mailbox;
    use crate::push::broker::BrokerMail;
    use crate::push::hub::{HistoryRules, HubLimits};
    use crate::push::log::{KeyLimits, MemoryLog};
    use crate::push::unavailable::Unavailable;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::Arc;

    const WORKERS: usize = 2;

    /// Few, so that they meet often, and some of which no other topic may consist.
    const NAMES: [&str; 4] = ["a", "1,a", "*", "a.**"];

    /// A user and an event.
    type Topic = (&'static str, &'static str);

    fn broker(mailboxes: &[Mailbox<BrokerMail>]) -> Broker {
        let log = MemoryLog::new("e".parse().unwrap(), KeyLimits::default());
        let (rules, limits) = (HistoryRules::default(), HubLimits::default());
        let broker = Broker::new(Arc::new(log), WORKERS, rules, limits, || 0);
        broker.connect(mailboxes);
        broker
    }

    fn peer(number: u32) -> PeerId {
        PeerId {
            worker: worker_of(number) as u16,
            ..PeerId::invented(number)
        }
    }

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
            self.topics.contains(&(*topic, false))
        }

        fn is_closing(&self) -> bool {
            self.topics.iter().any(|(_, closing)| *closing)
        }
    }

    /// The hub and its workers, and a model: a list of what each peer has joined.
    struct Both {
        broker: Broker,
        mailboxes: Vec<Mailbox<BrokerMail>>,
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
            Self {
                broker: broker(&mailboxes),
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
            let id = self::peer(peer);
            if !members.is_open(id) {
                members.open(id);
            }
            let owner = NAMES[owner];
            let texts: Vec<_> = names.iter().map(|name| NAMES[*name].to_owned()).collect();
            let limits = Limits::default();
            let done = members.subscribe(&self.broker, id, owner, &texts, &limits);
            assert_eq!(done, Ok(()));
            let model = self.model.entry(peer).or_default();
            for name in names {
                let topic = (owner, NAMES[*name]);
                if !model.has(&topic) {
                    model.topics.push((topic, false));
                }
            }
        }

        fn leave(&mut self, peer: u32) {
            self.workers[worker_of(peer)].remove(&self.broker, self::peer(peer));
            self.model.remove(&peer);
        }

        fn publish(&mut self, owner: usize, name: usize) {
            let topic = (NAMES[owner], NAMES[name]);
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
            let done = self.broker.push(topic.0, topic.1, text.into());
            assert_eq!(done, Ok(expected));
        }

        fn close(&mut self, owner: usize, name: Option<usize>) {
            // What is already being closed must not be counted again.
            (0..WORKERS).for_each(|worker| self.deliver(worker));
            let (owner, name) = (NAMES[owner], name.map(|name| NAMES[name]));
            let is_meant =
                |topic: &Topic| topic.0 == owner && name.is_none_or(|name| topic.1 == name);
            let mut expected = 0;
            for model in self.model.values_mut() {
                let meant = model.topics.iter_mut().filter(|(topic, _)| is_meant(topic));
                let closing: Vec<_> = meant.map(|(_, closing)| *closing = true).collect();
                expected += usize::from(!closing.is_empty());
            }
            assert_eq!(self.broker.close(owner, name), Ok(expected));
        }

        fn deliver(&mut self, worker: usize) {
            for mail in self.mailboxes[worker].take_mail() {
                let (audience, order, text) = match &mail {
                    BrokerMail::Delivery(it) => {
                        let text = it.record().payload.text().map(str::to_owned);
                        (it.audience(), it.order(), text)
                    }
                    BrokerMail::Close { audience, order } => (&**audience, *order, None),
                    other => panic!("{other:?}"),
                };
                let peers = self.workers[worker].of(audience, order);
                let peers: BTreeSet<_> = peers.map(|(peer, _)| peer.index() as u32).collect();
                for number in peers {
                    let model = self.model.get_mut(&number).expect("it is there");
                    match &text {
                        Some(text) => model.got.push(text.clone()),
                        None => {
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
            for members in &self.workers {
                let places = members.peers.values().flat_map(|it| &it.places);
                let entries = members.lists.values().map(Vec::len).sum::<usize>();
                assert_eq!(places.count(), entries);
                for (interest, list) in &members.lists {
                    for (at, member) in list.iter().enumerate() {
                        let subscriber = members.peers.get(member.peer).expect("it is open");
                        assert_eq!(subscriber.places[interest], at as u32);
                    }
                }
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
            assert!(both.workers.iter().all(|members| members.lists.is_empty()));
            assert_eq!(both.broker.connections(), 0);
        }
    }

    /// Quadratic time would be noticed: the work for one peer must not depend on how many topics it
    /// has joined before.
    #[test]
    fn many_owners_and_repeated_names_cost_no_walks() {
        let (broker, mut members) = (broker(&[]), Members::default());
        let limits = Limits::default()
            .subscriptions(usize::MAX)
            .subscription_bytes(usize::MAX)
            .topics(usize::MAX);
        let peer = peer(0);
        members.open(peer);
        let repeated: Vec<_> = (0..10).map(|n| (n % 2).to_string()).collect();
        for owner in 0..5_000 {
            let owner = owner.to_string();
            let done = members.subscribe(&broker, peer, &owner, &repeated, &limits);
            assert_eq!(done, Ok(()));
        }
        assert_eq!(broker.push("7", "1", "m".into()), Ok(1));
        members.remove(&broker, peer);
        assert_eq!(broker.connections(), 0);
    }

    #[test]
    fn after_a_stop_no_peer_counts_and_none_joins() {
        let (broker, mut members) = (broker(&[]), Members::default());
        let (peer, limits) = (peer(0), Limits::default());
        members.open(peer);
        let mut join = |name: &str| {
            let names = [name.to_owned()];
            members.subscribe(&broker, peer, "a", &names, &limits)
        };
        assert_eq!(join("e"), Ok(()));
        assert_eq!(broker.push("a", "e", "m".into()), Ok(1));
        broker.stop();
        assert_eq!(join("f"), Ok(()));
        assert_eq!(broker.push("a", "e", "m".into()), Err(Unavailable::Stopped));
        assert_eq!(broker.close("a", None), Err(Unavailable::Stopped));
        members.remove(&broker, peer);
        assert_eq!(broker.connections(), 0);
    }

    #[test]
    fn a_worker_that_is_behind_makes_publishers_wait_and_loses_nothing() {
        let mailbox = Mailbox::<BrokerMail>::unread();
        let broker = broker(std::slice::from_ref(&mailbox));
        let (mut members, peer, limits) = (Members::default(), peer(0), Limits::default());
        members.open(peer);
        let names = ["e".to_owned()];
        assert_eq!(
            members.subscribe(&broker, peer, "a", &names, &limits),
            Ok(())
        );
        let mut published = 0;
        let message = "m".repeat(1000);
        while broker.push("a", "e", message.clone().into()) == Ok(1) {
            published += 1;
            assert!(published < 10_000, "it is never busy");
        }
        assert_eq!(broker.push("a", "e", "m".into()), Err(Unavailable::Busy));
        assert_eq!(broker.push("a", "f", "m".into()), Ok(0));
        // A close is never lost.
        assert_eq!(broker.close("a", None), Ok(1));
        assert_eq!(mailbox.take_mail().len(), published + 1);
    }
}
