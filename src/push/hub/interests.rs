//! Who subscribes to what, over all workers.
//!
//! ```text
//!   by pattern:  "orders.*" ──▶ interest 3     3 ──▶ connections, and how many on each worker
//!   by peer:     peer 9 ──▶ its name, interests 3 and 7
//! ```
//!
//! Input: patterns that connections join and leave. Output: the [`Audience`] of a topic. Invariant:
//! a connection counts once, however many of its patterns match. Usually it is a sum of counters:
//! only connections with several patterns are looked at one by one.

use crate::net::{PeerId, PeerMap};
use crate::push::few::Few;
use crate::push::hub::limits::{HubLimits, Refused};
use crate::push::hub::wildcards::Wildcards;
use crate::push::name::{Pattern, TopicName};
use slab::Slab;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::ops::Bound;
use std::sync::Arc;

/// A pattern with subscribers: a small dense number, for lists of workers. When its last
/// connection has left, another pattern may get it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct InterestId(u32);

impl InterestId {
    /// An index for tables.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// The subscribers of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audience {
    /// The patterns that match, in the order of their numbers. Connections that have several of
    /// them are to be served once.
    pub interests: Box<[InterestId]>,
    /// The workers that have subscribers, in order.
    pub workers: Box<[usize]>,
    /// Connections.
    pub subscribers: usize,
}

/// Names of an answer that says who subscribes: more than a page shows.
const PRESENT_NAMES: usize = 1_000;

/// Connections with a name that are looked at for it, which keeps the broker from others for a few
/// milliseconds at most.
const PRESENT_CONNECTIONS: usize = 20_000;

/// Who subscribes to a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Presence {
    /// All connections, with or without a name.
    pub connections: usize,
    /// How many of them each name has: at most 1,000 names.
    pub names: BTreeMap<Arc<str>, usize>,
    /// There are more names, or more connections of these names.
    pub more: bool,
}

impl Presence {
    /// Adds the connections of another server.
    pub fn add(&mut self, other: &Self) {
        self.connections += other.connections;
        self.more |= other.more;
        for (name, connections) in &other.names {
            self.add_name(name, *connections);
        }
    }

    // req: push-v1-20
    fn add_name(&mut self, name: &Arc<str>, connections: usize) {
        if let Some(known) = self.names.get_mut(name) {
            *known += connections;
        } else if self.names.len() < PRESENT_NAMES {
            self.names.insert(Arc::clone(name), connections);
        } else {
            self.more = true;
        }
    }
}

#[derive(Debug)]
pub(super) struct Interests {
    workers: usize,
    by_pattern: HashMap<Pattern, u32>,
    /// Those of `by_pattern` that are topics of owners.
    by_owner: BTreeSet<Pattern>,
    all: Slab<Interest>,
    wildcards: Wildcards,
    /// By worker.
    subscribers: Box<[PeerMap<Subscriber>]>,
    /// Interests without wildcards, except topics of owners.
    exact: usize,
    /// Topics of owners, those that were detached included.
    owned: usize,
    /// Grows when an audience may have changed.
    generation: u64,
    empty: Arc<Audience>,
}

#[derive(Debug)]
struct Interest {
    pattern: Pattern,
    /// Connections.
    total: usize,
    /// Connections by worker.
    members: Box<[u32]>,
    /// Those that have other interests as well.
    several: HashSet<PeerId>,
    /// Those that have a name.
    named: HashSet<PeerId>,
}

#[derive(Debug, Default)]
struct Subscriber {
    name: Option<Arc<str>>,
    interests: Few<u32>,
}

/// What happened to a pattern.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Left {
    pub(super) interest: InterestId,
    /// No connection has it any more.
    pub(super) ended: Option<Pattern>,
}

impl Interests {
    pub(super) fn new(workers: usize) -> Self {
        Self {
            workers,
            by_pattern: HashMap::new(),
            by_owner: BTreeSet::new(),
            all: Slab::new(),
            wildcards: Wildcards::new(),
            subscribers: (0..workers).map(|_| PeerMap::new()).collect(),
            exact: 0,
            owned: 0,
            generation: 1,
            empty: Arc::default(),
        }
    }

    /// Never 0.
    pub(super) fn generation(&self) -> u64 {
        self.generation
    }

    /// Connections with patterns.
    pub(super) fn connections(&self) -> usize {
        self.subscribers.iter().map(PeerMap::len).sum()
    }

    /// Different patterns.
    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    /// Topics of owners.
    pub(super) fn owned(&self) -> usize {
        self.owned
    }

    /// Whether some connection has joined a pattern.
    pub(super) fn knows(&self, pattern: &Pattern) -> bool {
        self.by_pattern.contains_key(pattern)
    }

    /// Whether a connection may join all of these.
    // req: push-v1-16 push-bounds-05 push-bounds-06
    pub(super) fn check(
        &self,
        connection: PeerId,
        patterns: &[Pattern],
        limits: &HubLimits,
    ) -> Result<(), Refused> {
        let subscriber = self.subscriber(connection);
        let interests = subscriber.map_or(&[][..], |it| it.interests.as_slice());
        let size = |number: &u32| self.all[*number as usize].pattern.as_str().len();
        let mut joined = interests.len();
        let mut bytes: usize = interests.iter().map(size).sum();
        let mut topics = limits.topics.saturating_sub(self.exact);
        let mut levels = limits
            .wildcard_levels
            .saturating_sub(self.wildcards.levels());
        let mut seen = HashSet::new();
        for pattern in patterns {
            if self.has(connection, pattern) || !seen.insert(pattern) {
                continue;
            }
            if !self.by_pattern.contains_key(pattern) {
                let (room, needed) = match pattern.to_topic() {
                    Some(_) => (&mut topics, 1),
                    None => (&mut levels, Wildcards::levels_of(pattern)),
                };
                if *room < needed || *room <= joined.saturating_mul(limits.topic_share) {
                    return Err(Refused::Full);
                }
                *room -= needed;
            }
            joined += 1;
            bytes += pattern.as_str().len();
            if joined > limits.patterns || bytes > limits.pattern_bytes {
                return Err(Refused::TooMany);
            }
        }
        Ok(())
    }

    /// Whether a connection has joined a pattern.
    pub(super) fn has(&self, connection: PeerId, pattern: &Pattern) -> bool {
        let subscriber = self.subscriber(connection);
        let number = self.by_pattern.get(pattern);
        let both = subscriber.zip(number);
        both.is_some_and(|(it, number)| it.interests.as_slice().contains(number))
    }

    /// Sets the name of a connection that has joined something, or is about to.
    pub(super) fn set_name(&mut self, connection: PeerId, name: Arc<str>) {
        let subscriber = entry(&mut self.subscribers, connection);
        subscriber.name = Some(name);
        for number in subscriber.interests.as_slice() {
            self.all[*number as usize].named.insert(connection);
        }
    }

    /// Adds a pattern to a connection, which may have it.
    pub(super) fn join(&mut self, connection: PeerId, pattern: &Pattern) -> InterestId {
        let number = self.number(pattern);
        let subscriber = entry(&mut self.subscribers, connection);
        if subscriber.interests.as_slice().contains(&number) {
            return InterestId(number);
        }
        let interest = &mut self.all[number as usize];
        interest.total += 1;
        interest.members[connection.worker()] += 1;
        if subscriber.name.is_some() {
            interest.named.insert(connection);
        }
        self.generation += 1;
        subscriber.interests.push(number);
        match *subscriber.interests.as_slice() {
            [_] => {}
            [first, second] => {
                for number in [first, second] {
                    self.all[number as usize].several.insert(connection);
                }
            }
            _ => drop(self.all[number as usize].several.insert(connection)),
        }
        InterestId(number)
    }

    /// Removes a pattern from a connection.
    pub(super) fn leave(&mut self, connection: PeerId, pattern: &Pattern) -> Option<Left> {
        let number = *self.by_pattern.get(pattern)?;
        let subscriber = self.subscribers[connection.worker()].get_mut(connection)?;
        if subscriber
            .interests
            .split_off(|it| *it != number)
            .is_empty()
        {
            return None;
        }
        match *subscriber.interests.as_slice() {
            [] => drop(self.subscribers[connection.worker()].remove(connection)),
            [last] => drop(self.all[last as usize].several.remove(&connection)),
            _ => {}
        }
        Some(self.part(connection, number))
    }

    /// Removes a connection, and so all of its patterns.
    pub(super) fn leave_all(&mut self, connection: PeerId) -> Vec<Left> {
        let subscriber = self.subscribers[connection.worker()].remove(connection);
        let subscriber = subscriber.unwrap_or_default();
        let numbers = subscriber.interests.into_iter();
        numbers.map(|it| self.part(connection, it)).collect()
    }

    /// The topics of this owner, or only `name`, have no subscribers any more. Returns who they
    /// were: these connections have yet to leave.
    pub(super) fn detach(&mut self, owner: &str, name: Option<&str>) -> Arc<Audience> {
        let gone: Vec<Pattern> = match name {
            Some(name) => vec![TopicName::owned(owner, name).to_pattern()],
            None => {
                let prefix = TopicName::prefix_of_owner(owner);
                let range = (Bound::Included(&*prefix), Bound::Unbounded);
                let all = self.by_owner.range::<str, _>(range);
                let of_owner = all.take_while(|it| it.as_str().starts_with(&prefix));
                of_owner.cloned().collect()
            }
        };
        let mut numbers = Vec::new();
        for topic in &gone {
            numbers.extend(self.by_pattern.remove(topic));
            self.by_owner.remove(topic);
        }
        self.audience_of(numbers)
    }

    /// The subscribers of a topic.
    pub(super) fn audience(&self, topic: &TopicName) -> Arc<Audience> {
        self.audience_of(self.matching(topic))
    }

    fn audience_of(&self, matching: Vec<u32>) -> Arc<Audience> {
        if matching.is_empty() {
            return Arc::clone(&self.empty);
        }
        let has_any = |worker: &usize| {
            let mut interests = matching.iter().map(|it| &self.all[*it as usize]);
            interests.any(|it| it.members[*worker] > 0)
        };
        Arc::new(Audience {
            workers: (0..self.workers).filter(has_any).collect(),
            subscribers: self.count(&matching),
            interests: matching.into_iter().map(InterestId).collect(),
        })
    }

    pub(super) fn presence(&self, topic: &TopicName) -> Presence {
        let matching = self.matching(topic);
        let interests = matching.iter().map(|it| &self.all[*it as usize]);
        let mut named = interests.flat_map(|it| &it.named);
        let mut presence = Presence {
            connections: self.count(&matching),
            ..Presence::default()
        };
        let mut seen = HashSet::new();
        for connection in named.by_ref().take(PRESENT_CONNECTIONS) {
            let subscriber = self
                .subscriber(*connection)
                .filter(|_| seen.insert(connection));
            if let Some(name) = subscriber.and_then(|it| it.name.as_ref()) {
                presence.add_name(name, 1);
            }
        }
        presence.more |= named.next().is_some();
        presence
    }

    /// All connections, by what they have joined.
    pub(super) fn groups(&self) -> BTreeMap<Vec<Pattern>, Presence> {
        let mut groups = BTreeMap::<_, Presence>::new();
        for subscriber in self.subscribers.iter().flat_map(PeerMap::values) {
            let numbers = subscriber.interests.as_slice().iter();
            let pattern = |number: &u32| self.all[*number as usize].pattern.clone();
            let mut patterns: Vec<_> = numbers.map(pattern).collect();
            patterns.sort_unstable();
            let presence = groups.entry(patterns).or_default();
            presence.connections += 1;
            if let Some(name) = &subscriber.name {
                *presence.names.entry(Arc::clone(name)).or_default() += 1;
            }
        }
        groups
    }

    /// What a connection has joined.
    #[cfg(feature = "take-over")]
    pub(super) fn patterns(&self, connection: PeerId) -> Vec<Pattern> {
        let joined = self.subscriber(connection);
        let numbers = joined.map_or(&[][..], |it| it.interests.as_slice()).iter();
        let pattern = |number: &u32| self.all[*number as usize].pattern.clone();
        numbers.map(pattern).collect()
    }

    fn subscriber(&self, connection: PeerId) -> Option<&Subscriber> {
        self.subscribers.get(connection.worker())?.get(connection)
    }

    /// The interests that match a topic, in order.
    fn matching(&self, topic: &TopicName) -> Vec<u32> {
        let mut matching = match topic.is_owned() {
            true => Vec::new(),
            false => self.wildcards.matching(topic),
        };
        matching.extend(self.by_pattern.get(topic.as_str()));
        matching.sort_unstable();
        matching
    }

    /// Connections that have at least one of these.
    fn count(&self, matching: &[u32]) -> usize {
        let interests = || matching.iter().map(|it| &self.all[*it as usize]);
        let sum: usize = interests().map(|it| it.total).sum();
        if matching.len() == 1 {
            return sum;
        }
        let several: usize = interests().map(|it| it.several.len()).sum();
        let once: HashSet<_> = interests().flat_map(|it| &it.several).collect();
        sum - (several - once.len())
    }

    fn number(&mut self, pattern: &Pattern) -> u32 {
        if let Some(number) = self.by_pattern.get(pattern) {
            return *number;
        }
        let interest = Interest {
            pattern: pattern.clone(),
            total: 0,
            members: vec![0; self.workers].into(),
            several: HashSet::new(),
            named: HashSet::new(),
        };
        let number = self.all.insert(interest) as u32;
        self.by_pattern.insert(pattern.clone(), number);
        match pattern.to_topic() {
            Some(topic) if topic.is_owned() => {
                self.owned += 1;
                self.by_owner.insert(pattern.clone());
            }
            Some(_) => self.exact += 1,
            None => self.wildcards.insert(pattern, number),
        }
        number
    }

    /// Removes a connection from an interest, which ends with its last one.
    fn part(&mut self, connection: PeerId, number: u32) -> Left {
        self.generation += 1;
        let interest = &mut self.all[number as usize];
        interest.total -= 1;
        interest.several.remove(&connection);
        interest.named.remove(&connection);
        interest.members[connection.worker()] -= 1;
        let ended = (interest.total == 0).then(|| {
            let pattern = self.all.remove(number as usize).pattern;
            // A topic that was detached may have been joined again, under another number.
            if self.by_pattern.get(&pattern) == Some(&number) {
                self.by_pattern.remove(&pattern);
                self.by_owner.remove(&pattern);
            }
            match pattern.to_topic() {
                Some(topic) if topic.is_owned() => self.owned -= 1,
                Some(_) => self.exact -= 1,
                None => self.wildcards.remove(&pattern),
            }
            pattern
        });
        Left {
            interest: InterestId(number),
            ended,
        }
    }
}

/// What is kept of a connection, from now on at the latest.
fn entry(subscribers: &mut [PeerMap<Subscriber>], connection: PeerId) -> &mut Subscriber {
    let subscribers = &mut subscribers[connection.worker()];
    if subscribers.get(connection).is_none() {
        subscribers.insert(connection, Subscriber::default());
    }
    subscribers.get_mut(connection).expect("it was inserted")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections with these names, all of which have joined `a` and `*`.
    fn joined(names: impl Iterator<Item = String>) -> Interests {
        let mut interests = Interests::new(1);
        for (index, name) in (0..).zip(names) {
            let connection = PeerId {
                worker: 0,
                index,
                generation: 1,
            };
            interests.set_name(connection, name.into());
            for pattern in ["a", "*"] {
                interests.join(connection, &pattern.parse().unwrap());
            }
        }
        interests
    }

    #[test]
    // req: push-v1-20
    fn presence_has_a_number_of_names() {
        let present = |names: usize| {
            let interests = joined((0..names).map(|it| format!("user-{it}")));
            interests.presence(&"a".parse().unwrap())
        };
        let all = present(PRESENT_NAMES);
        assert_eq!((all.names.len(), all.more), (PRESENT_NAMES, false));
        let some = present(PRESENT_NAMES + 1);
        assert_eq!((some.names.len(), some.more), (PRESENT_NAMES, true));
        assert_eq!(some.connections, PRESENT_NAMES + 1);
        let mut sum = all;
        sum.add(&some);
        assert_eq!((sum.names.len(), sum.more), (PRESENT_NAMES, true));
        assert_eq!(sum.connections, 2 * PRESENT_NAMES + 1);
    }

    #[test]
    fn presence_looks_at_a_number_of_connections() {
        let interests = joined((0..PRESENT_CONNECTIONS).map(|_| "alice".to_owned()));
        let presence = interests.presence(&"a".parse().unwrap());
        assert_eq!(presence.connections, PRESENT_CONNECTIONS);
        assert!(presence.more, "each is found twice");
        assert!(presence.names["alice"] <= PRESENT_CONNECTIONS);
        let elsewhere = interests.presence(&"a.b".parse().unwrap());
        assert_eq!(elsewhere, Presence::default());
    }
}
