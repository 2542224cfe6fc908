//! All topics that the hub knows, with their histories.
//!
//! ```text
//!   by name:    "orders.eu" ──▶ 7      7 ──▶ history, bounds, audience as it was last looked up
//!   by oldest:  sequence 31 ──▶ 7      whose turn it is when memory must be freed
//!   by due:     time ──▶ 7             when something in it ends
//! ```
//!
//! Input: records in their order. Output: histories. Invariants: a topic exists while it has a
//! history or is subscribed to by name; the floor of one that was forgotten is in the common floor,
//! which all topics begin with that the hub does not know; the keys of `oldest` and `due` are never
//! later than the truth, and are corrected when their turn comes.

use crate::push::hub::history::{History, Kept, has_expired};
use crate::push::hub::interests::Audience;
use crate::push::hub::rules::{Bounds, HistoryRules};
use crate::push::name::{Pattern, TopicName};
use slab::Slab;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

pub(super) type TopicId = usize;

#[derive(Debug)]
pub(in crate::push) struct Topics<R> {
    rules: HistoryRules,
    by_name: HashMap<TopicName, TopicId>,
    /// The same, sorted, to find the topics of a pattern.
    names: BTreeMap<TopicName, TopicId>,
    all: Slab<Topic<R>>,
    oldest: BTreeMap<u64, TopicId>,
    due: BTreeSet<(u64, TopicId)>,
    common_floor: u64,
    /// The last change of the common floor.
    common_change: u64,
    /// Counts the changes of all floors.
    changes: u64,
    /// Some records up to this one, of any topic, may never have come; and the change of floors
    /// that noted it.
    lost: (u64, u64),
    /// Bytes of all histories and topics.
    cost: usize,
}

#[derive(Debug)]
pub(in crate::push) struct Topic<R> {
    pub(in crate::push) name: TopicName,
    pub(in crate::push) history: History<R>,
    pub(super) bounds: Bounds,
    /// The last change of its floor.
    pub(super) change: u64,
    /// The common floor when it became known.
    common_floor: u64,
    /// Its subscribers, with the generation of subscriptions for which they are right.
    pub(super) audience: Option<(u64, Arc<Audience>)>,
    /// Whether a connection subscribes to it by name.
    subscribed: bool,
    /// Its key in `oldest`.
    oldest: Option<u64>,
    /// Its key in `due`.
    due: Option<u64>,
}

/// Topics that one call of [`Topics::expire`] looks at: about a millisecond.
const EXPIRED_AT_ONCE: usize = 1_000;

/// What a topic costs besides its name: itself, a slot in each table, of which some are half empty,
/// and what the allocator adds.
const TOPIC: usize =
    size_of::<Topic<()>>() + 2 * (size_of::<TopicName>() + 4 * size_of::<u64>()) + 160;

impl<R: Kept> Topics<R> {
    pub(in crate::push) fn new(rules: HistoryRules) -> Self {
        Self {
            rules,
            by_name: HashMap::new(),
            names: BTreeMap::new(),
            all: Slab::new(),
            oldest: BTreeMap::new(),
            due: BTreeSet::new(),
            common_floor: 0,
            common_change: 0,
            changes: 0,
            lost: (0, 0),
            cost: 0,
        }
    }

    pub(in crate::push) fn len(&self) -> usize {
        self.all.len()
    }

    pub(in crate::push) fn cost(&self) -> usize {
        self.cost
    }

    /// The common floor, and its last change.
    pub(in crate::push) fn common_floor(&self) -> (u64, u64) {
        (self.common_floor, self.common_change)
    }

    /// The last change of any floor.
    pub(super) fn changes(&self) -> u64 {
        self.changes
    }

    /// Records up to this one are not known, of any topic.
    pub(in crate::push) fn raise_common_floor(&mut self, sequence: u64) {
        if sequence > self.common_floor {
            self.common_floor = sequence;
            self.changes += 1;
            self.common_change = self.changes;
        }
    }

    /// Up to which record some may never have come, whatever histories hold, and that change.
    pub(super) fn lost(&self) -> (u64, u64) {
        self.lost
    }

    /// Some records up to this one may never have come.
    pub(super) fn lose(&mut self, sequence: u64) {
        self.changes += 1;
        self.lost = (self.lost.0.max(sequence), self.changes);
    }

    /// Forgets whatever is known of records after this one.
    pub(super) fn rewind(&mut self, end: u64) {
        self.common_floor = self.common_floor.min(end);
        self.lost.0 = self.lost.0.min(end);
        let all: Vec<_> = self.all.iter().map(|(id, _)| id).collect();
        for id in all {
            self.alter(id, |history, _| history.rewind(end));
            let topic = &mut self.all[id];
            topic.common_floor = topic.common_floor.min(end);
            if topic.history.is_empty()
                && let Some(sequence) = topic.oldest.take()
            {
                self.oldest.remove(&sequence);
            }
            self.file(id);
        }
    }

    pub(in crate::push) fn find(&self, name: &str) -> Option<TopicId> {
        self.by_name.get(name).copied()
    }

    pub(super) fn get(&self, id: TopicId) -> &Topic<R> {
        &self.all[id]
    }

    pub(super) fn get_mut(&mut self, id: TopicId) -> &mut Topic<R> {
        &mut self.all[id]
    }

    /// The names of some.
    pub(super) fn some(&self, most: usize) -> Vec<TopicName> {
        let all = self.all.iter().take(most);
        all.map(|(_, topic)| topic.name.clone()).collect()
    }

    pub(super) fn has_policies(&self) -> bool {
        self.rules.has_policies()
    }

    /// Whether this topic, which need not be known, has no history.
    pub(super) fn is_ephemeral(&self, name: &TopicName) -> bool {
        let of_topic = || self.bounds(self.find(name.as_str()), name);
        (name.is_reserved() || self.rules.has_ephemeral()) && of_topic().is_ephemeral()
    }

    /// The bounds of a topic, which need not be known.
    pub(super) fn bounds(&self, id: Option<TopicId>, name: &TopicName) -> Bounds {
        id.map_or_else(|| self.rules.of(name), |id| self.all[id].bounds)
    }

    /// The topics that a pattern may match, by name, and whether it does.
    pub(super) fn candidates<'t>(
        &'t self,
        pattern: &'t Pattern,
    ) -> impl Iterator<Item = (TopicId, bool)> {
        let prefix = pattern.prefix();
        let range = (Bound::Included(prefix), Bound::Unbounded);
        let names = self.names.range::<str, _>(range);
        names
            .take_while(move |(name, _)| name.as_str().starts_with(prefix))
            .map(|(name, id)| (*id, pattern.matches(name)))
    }

    /// Adds a record to the history of its topic, which is one of at most `most` with histories.
    /// Returns the topic, if it is known then.
    pub(in crate::push) fn keep(
        &mut self,
        name: &TopicName,
        record: R,
        now: u64,
        most: usize,
    ) -> Option<TopicId> {
        let id = self.find(name.as_str());
        let bounds = self.bounds(id, name);
        if has_expired(&record, now) {
            return id;
        }
        if bounds.is_ephemeral() || most == 0 {
            self.raise_common_floor(record.sequence());
            return id;
        }
        if id.is_none_or(|id| self.all[id].oldest.is_none()) {
            while self.oldest.len() >= most {
                self.end_oldest(now);
            }
        }
        let id = id.unwrap_or_else(|| self.add(name, bounds));
        self.alter(id, |history, bounds| history.push(record, bounds, now));
        self.file(id);
        self.all.contains(id).then_some(id)
    }

    /// Makes a topic known that was known to the process before this one, and what had been let go
    /// of it. It stays until it is [unsubscribed](Topics::unsubscribe) from.
    pub(in crate::push) fn recall(&mut self, name: &TopicName, floor: u64) {
        self.subscribe(name);
        if let Some(id) = self.find(name.as_str()) {
            self.alter(id, |history, _| history.raise_floor(floor));
        }
    }

    /// What has been let go of a topic; `None` if it is not known.
    #[cfg(feature = "data")]
    pub(in crate::push) fn floor_of(&self, name: &str) -> Option<u64> {
        Some(self.get(self.find(name)?).history.floor())
    }

    /// Whether the history of a topic has this record.
    #[cfg(feature = "data")]
    pub(in crate::push) fn holds(&self, name: &str, sequence: u64) -> bool {
        let id = self.find(name);
        id.is_some_and(|id| self.get(id).history.holds(sequence))
    }

    /// All topics, in no order.
    pub(in crate::push) fn iter(&self) -> impl Iterator<Item = &Topic<R>> {
        self.all.iter().map(|(_, topic)| topic)
    }

    /// Marks a topic as subscribed to by name.
    pub(super) fn subscribe(&mut self, name: &TopicName) {
        let id = self.find(name.as_str());
        let id = id.unwrap_or_else(|| self.add(name, self.rules.of(name)));
        self.all[id].subscribed = true;
    }

    /// The reverse.
    pub(in crate::push) fn unsubscribe(&mut self, name: &TopicName) {
        if let Some(id) = self.find(name.as_str()) {
            self.all[id].subscribed = false;
            self.file(id);
        }
    }

    /// The records of the topics that a pattern matches, below a sequence number, newest first: at
    /// most `most`.
    pub(super) fn latest(&mut self, pattern: &Pattern, below: u64, most: usize, now: u64) -> Vec<R>
    where
        R: Clone,
    {
        let found = self.matching(pattern);
        for id in &found {
            self.trim(*id, now);
        }
        let histories = found.iter().map(|id| &self.all[*id].history);
        let mut parts: Vec<_> = histories.map(|it| it.before(below).peekable()).collect();
        let heads = parts.iter_mut().enumerate();
        let heads = heads.filter_map(|(at, part)| Some((part.peek()?.sequence(), at)));
        let mut heads: BinaryHeap<_> = heads.collect();
        let mut latest = Vec::new();
        while latest.len() < most
            && let Some((_, at)) = heads.pop()
        {
            latest.extend(parts[at].next().cloned());
            heads.extend(parts[at].peek().map(|next| (next.sequence(), at)));
        }
        latest
    }

    /// Removes the records with these numbers, which are in order, from the topics that a pattern
    /// matches.
    pub(in crate::push) fn remove(&mut self, pattern: &Pattern, sequences: &[u64]) {
        for id in self.matching(pattern) {
            self.alter(id, |history, _| history.remove(sequences));
            self.file(id);
        }
    }

    fn matching(&self, pattern: &Pattern) -> Vec<TopicId> {
        let matching = self.candidates(pattern).filter(|(_, matches)| *matches);
        matching.map(|(id, _)| id).collect()
    }

    /// Drops from one history what has ended; the topic stays.
    pub(super) fn trim(&mut self, id: TopicId, now: u64) {
        self.alter(id, |history, bounds| history.expire(bounds, now));
    }

    /// Drops what has ended by now, from a thousand topics at most. Returns when it is to be called
    /// again.
    pub(in crate::push) fn expire(&mut self, now: u64) -> Option<u64> {
        for _ in 0..EXPIRED_AT_ONCE {
            let (due, id) = *self.due.first()?;
            if due > now {
                return Some(due);
            }
            self.due.pop_first();
            self.all[id].due = None;
            self.trim(id, now);
            self.file(id);
        }
        self.due.first().map(|(due, _)| *due)
    }

    /// Lets the oldest records of all go until `bytes` are free or none is left. Returns how many
    /// bytes have become free.
    pub(in crate::push) fn shed(&mut self, bytes: usize, now: u64) -> usize {
        let before = self.cost;
        while before - self.cost < bytes
            && let Some(id) = self.with_oldest()
        {
            self.alter(id, |history, _| history.drop_oldest(now));
            self.file(id);
        }
        before - self.cost
    }

    /// Changes a history, and what is known of all of them.
    fn alter(&mut self, id: TopicId, change: impl FnOnce(&mut History<R>, &Bounds)) {
        let topic = &mut self.all[id];
        let (cost, floor) = (topic.history.cost(), topic.history.floor());
        change(&mut topic.history, &topic.bounds);
        self.cost = self.cost - cost + topic.history.cost();
        if topic.history.floor() > floor {
            self.changes += 1;
            topic.change = self.changes;
        }
    }

    /// Lets go all of the topic that has the oldest record.
    fn end_oldest(&mut self, now: u64) {
        if let Some(id) = self.with_oldest() {
            while !self.all[id].history.is_empty() {
                self.alter(id, |history, _| history.drop_oldest(now));
            }
            self.file(id);
        }
    }

    /// The topic with the oldest record. It is no longer in `oldest`: call `file` next.
    fn with_oldest(&mut self) -> Option<TopicId> {
        while let Some((sequence, id)) = self.oldest.pop_first() {
            let topic = &mut self.all[id];
            topic.oldest = None;
            if topic.history.oldest() == Some(sequence) {
                return Some(id);
            }
            self.file(id);
        }
        None
    }

    fn add(&mut self, name: &TopicName, bounds: Bounds) -> TopicId {
        let id = self.all.insert(Topic {
            name: name.clone(),
            history: History::new(self.common_floor),
            bounds,
            change: self.common_change,
            common_floor: self.common_floor,
            audience: None,
            subscribed: false,
            oldest: None,
            due: None,
        });
        self.by_name.insert(name.clone(), id);
        self.names.insert(name.clone(), id);
        self.cost += TOPIC + name.as_str().len();
        id
    }

    /// Puts a topic where its turn will be found; forgets it if there is no reason to know it.
    fn file(&mut self, id: TopicId) {
        let topic = &mut self.all[id];
        if topic.history.is_empty() && !topic.subscribed {
            return self.forget(id);
        }
        if topic.oldest.is_none()
            && let Some(sequence) = topic.history.oldest()
        {
            topic.oldest = Some(sequence);
            self.oldest.insert(sequence, id);
        }
        let due = topic.history.due(&topic.bounds);
        if due.is_some_and(|due| topic.due.is_none_or(|before| due < before)) {
            if let Some(before) = std::mem::replace(&mut topic.due, due) {
                self.due.remove(&(before, id));
            }
            self.due.extend(due.map(|due| (due, id)));
        }
    }

    fn forget(&mut self, id: TopicId) {
        let topic = self.all.remove(id);
        self.by_name.remove(&topic.name);
        self.names.remove(&topic.name);
        if let Some(sequence) = topic.oldest {
            self.oldest.remove(&sequence);
        }
        if let Some(due) = topic.due {
            self.due.remove(&(due, id));
        }
        if topic.history.floor() > self.common_floor {
            self.common_floor = topic.history.floor();
            self.common_change = self.common_change.max(topic.change);
        }
        self.cost -= TOPIC + topic.name.as_str().len();
    }
}

impl<R: Kept> Topic<R> {
    /// It has let nothing go since it became known.
    pub(super) fn has_common_floor(&self) -> bool {
        self.history.floor() == self.common_floor
    }
}
