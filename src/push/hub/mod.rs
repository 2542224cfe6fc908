//! The hub: topics with their histories, and who subscribes to them.
//!
//! ```text
//!   Record ──apply──▶ histories ──▶ Audience: workers, interests, number of subscribers
//!                         │
//!   patterns ─subscribe───┴───────▶ Start: what was missed, up to a position; then live
//! ```
//!
//! Input: records in the order of their log, subscriptions, a time. Output: values that say what to
//! deliver to whom. Pure: no clock, no lock, no mailbox. Invariants: a replay and the deliveries
//! after it are every record of the patterns, once and in order, or a gap says otherwise; no table
//! exceeds its limit. Delivering is left to the broker and its workers.
//!
//! Reading order: `limits`, `rules`, `history`, `lineage`; `wildcards`, `interests`, `account`;
//! `topics`, `replay`.

mod account;
mod history;
mod interests;
mod limits;
mod lineage;
mod replay;
mod rules;
mod topics;
mod wildcards;

use crate::net::{Overflow, PeerId};
use crate::push::name::{Pattern, TopicName};
use crate::push::position::{Epoch, Position, Since};
use crate::push::record::Record;
use interests::{Interests, Left};
use replay::Query;
use std::collections::BTreeMap;
use std::sync::Arc;
use topics::TopicId;

pub(in crate::push) use account::{Account, NoRoom, OwnerLimits};
#[cfg(feature = "data")]
pub(in crate::push) use history::Kept;
pub use interests::{Audience, InterestId, Presence};
pub use limits::{Cursor, HubLimits, Page, Refused};
pub use lineage::Break;
use lineage::Lineage;
pub use replay::{Gap, Replay};
pub(super) use rules::GOTIFY_TOPICS;
pub use rules::{Bounds, HistoryRules};
pub(in crate::push) use topics::Topics;

/// All topics of a server.
#[derive(Debug)]
pub struct Hub {
    limits: HubLimits,
    head: Position,
    lineage: Lineage,
    /// Records that were applied, ephemeral ones included.
    order: u64,
    topics: Topics<Arc<Record>>,
    interests: Interests,
}

/// A record that has been applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Who is to get it.
    pub audience: Arc<Audience>,
    /// Grows with every record: see [`Start::order`].
    pub order: u64,
    /// What its topic does with slow subscribers.
    pub overflow: Overflow,
}

/// What a log has from the processes before this one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Past {
    /// The sequence number of the last record.
    pub head: u64,
    /// The records that may be replayed, in their order.
    pub records: Vec<Arc<Record>>,
    /// Their topics, and perhaps others: up to which record each may miss some.
    pub topics: Vec<(TopicName, u64)>,
    /// The same for all other topics.
    pub common_floor: u64,
}

/// What a connection wants to get.
#[derive(Clone, Debug, Default)]
pub struct Subscribe {
    /// Whose connection it is, for [`Hub::presence`].
    pub name: Option<Arc<str>>,
    /// The topics.
    pub patterns: Vec<Pattern>,
    /// Where to begin.
    pub since: Since,
    /// How much of the replay is wanted at once.
    pub page: Page,
}

/// How a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What it missed. If there is a [next](Replay::next) page, nothing has been subscribed to yet:
    /// subscribe again with its cursor.
    pub replay: Replay,
    /// The patterns by number; empty before the last page.
    pub interests: Vec<(Pattern, InterestId)>,
    /// Only records that were [applied](Applied::order) with a higher number are to be delivered;
    /// the others are in the replay, or too old.
    pub order: u64,
}

impl Hub {
    /// A hub without topics, of a log that has no records yet, for the connections of this many
    /// workers.
    pub fn new(epoch: Epoch, workers: usize, rules: HistoryRules, limits: HubLimits) -> Self {
        Self {
            limits,
            head: epoch.at(0),
            lineage: Lineage::default(),
            order: 0,
            topics: Topics::new(rules),
            interests: Interests::new(workers),
        }
    }

    /// The log no longer has the records up to this one: who resumes from before it gets a gap.
    pub fn begin_after(&mut self, sequence: u64) {
        self.head.sequence = self.head.sequence.max(sequence);
        self.topics.raise_common_floor(sequence);
    }

    /// The log does not simply go on. Returns whether subscribers have to resume: they may have
    /// missed something, or have something that is not part of the log any more.
    // req: push-nodes-02 push-nodes-03
    pub fn go_on(&mut self, from: &Break) -> bool {
        let is_behind = from.end < self.head.sequence;
        if is_behind {
            self.topics.rewind(from.end);
        }
        self.lineage.enter(self.head.epoch, from);
        if from.lost {
            self.topics.lose(from.begin);
        }
        self.head = from.epoch.at(from.begin.max(from.end));
        is_behind || from.lost
    }

    /// Takes over what the log has from before this process. Call it first.
    pub fn restore(&mut self, past: Past, now: u64) {
        for (name, floor) in &past.topics {
            self.topics.recall(name, *floor);
        }
        for record in past.records {
            let most = self.limits.topics;
            self.topics.keep(&record.topic.clone(), record, now, most);
        }
        for (name, _) in &past.topics {
            self.topics.unsubscribe(name);
        }
        self.topics.raise_common_floor(past.common_floor);
        self.head.sequence = self.head.sequence.max(past.head);
        let excess = self.topics.cost().saturating_sub(self.limits.history_bytes);
        self.topics.shed(excess, now);
    }

    /// What it has, for the hub of another process.
    pub fn past(&self) -> Past {
        let all = || self.topics.iter().filter(|topic| !topic.name.is_owned());
        let mut records: Vec<_> = all()
            .flat_map(|topic| topic.history.after(0, 0).cloned())
            .collect();
        records.sort_unstable_by_key(|record| record.sequence);
        let topics = all().map(|topic| (topic.name.clone(), topic.history.floor()));
        Past {
            head: self.head.sequence,
            records,
            topics: topics.collect(),
            common_floor: self.topics.common_floor().0,
        }
    }

    /// Takes the next record of the log, or one of an ephemeral topic, and keeps it as long as the
    /// rules say. `now` is a Unix time in milliseconds, as everywhere here.
    pub fn apply(&mut self, record: &Arc<Record>, now: u64) -> Applied {
        self.order += 1;
        let topic = &record.topic;
        let id = if record.sequence > 0 {
            debug_assert!(
                record.sequence > self.head.sequence,
                "records come in order"
            );
            self.head.sequence = record.sequence;
            self.topics
                .keep(topic, Arc::clone(record), now, self.limits.topics)
        } else {
            self.topics.find(topic.as_str())
        };
        let applied = Applied {
            audience: self.audience_of(id, topic),
            order: self.order,
            overflow: self.topics.bounds(id, topic).overflow,
        };
        // Last, as the topic may be forgotten.
        let excess = self.topics.cost().saturating_sub(self.limits.history_bytes);
        if excess > 0 {
            self.topics.shed(excess, now);
        }
        applied
    }

    /// Whether records of this topic are not in the log.
    pub fn is_ephemeral(&self, topic: &TopicName) -> bool {
        self.topics.is_ephemeral(topic)
    }

    /// Who gets a record of this topic, and the bounds of the topic.
    pub fn look_up(&mut self, topic: &TopicName) -> (Arc<Audience>, Bounds) {
        let id = self.topics.find(topic.as_str());
        (self.audience_of(id, topic), self.topics.bounds(id, topic))
    }

    fn audience_of(&mut self, id: Option<TopicId>, topic: &TopicName) -> Arc<Audience> {
        let Some(id) = id else {
            return self.interests.audience(topic);
        };
        let generation = self.interests.generation();
        let topic = self.topics.get_mut(id);
        match &topic.audience {
            Some((then, audience)) if *then == generation => Arc::clone(audience),
            _ => {
                let audience = self.interests.audience(&topic.name);
                topic.audience = Some((generation, Arc::clone(&audience)));
                audience
            }
        }
    }

    /// Subscribes a connection to patterns, all or none, and replays what it missed. Patterns that
    /// it has are replayed again.
    ///
    /// # Errors
    ///
    /// See [`Refused`].
    pub fn subscribe(
        &mut self,
        connection: PeerId,
        request: &Subscribe,
        now: u64,
    ) -> Result<Start, Refused> {
        let patterns = &request.patterns;
        self.interests.check(connection, patterns, &self.limits)?;
        let replay = self.replay(patterns, request.since, request.page, now)?;
        let mut start = Start {
            replay,
            interests: Vec::new(),
            order: self.order,
        };
        if start.replay.next.is_some() {
            return Ok(start);
        }
        for pattern in patterns {
            if let Some(topic) = pattern.to_topic() {
                self.topics.subscribe(&topic);
            }
            let interest = self.interests.join(connection, pattern);
            start.interests.push((pattern.clone(), interest));
        }
        if let Some(name) = request.name.as_ref().filter(|_| !patterns.is_empty()) {
            self.interests.set_name(connection, Arc::clone(name));
        }
        Ok(start)
    }

    /// Subscribes a connection to topics of an owner, which keep nothing and have bounds of their
    /// own. Those that it has are skipped. Returns the new ones; only what is applied or detached
    /// with a higher number than [`Hub::order`] is for them.
    ///
    /// # Errors
    ///
    /// See [`NoRoom`]: then it has no subscriptions any more.
    pub(in crate::push) fn join(
        &mut self,
        connection: PeerId,
        owner: &str,
        names: &[String],
        account: &mut Account,
        limits: &OwnerLimits,
    ) -> Result<Vec<InterestId>, NoRoom> {
        let mut joined = Vec::new();
        for name in names {
            let topic = TopicName::owned(owner, name).to_pattern();
            if self.interests.has(connection, &topic) {
                continue;
            }
            let free = match self.interests.knows(&topic) {
                true => usize::MAX,
                false => limits.topics.saturating_sub(self.interests.owned()),
            };
            if let Err(refused) = account.add(owner, name, free, limits) {
                self.leave(connection);
                return Err(refused);
            }
            joined.push(self.interests.join(connection, &topic));
        }
        Ok(joined)
    }

    /// The subscriptions to the topic `name` of an owner end, or to all of its topics: from now on
    /// they do not count. Returns whose; these connections are to be closed.
    pub(in crate::push) fn detach(&mut self, owner: &str, name: Option<&str>) -> Arc<Audience> {
        self.order += 1;
        self.interests.detach(owner, name)
    }

    /// What a connection has subscribed to, in no order.
    #[cfg(feature = "take-over")]
    pub(in crate::push) fn patterns(&self, connection: PeerId) -> Vec<Pattern> {
        self.interests.patterns(connection)
    }

    /// The number of the last record that was applied.
    pub(in crate::push) fn order(&self) -> u64 {
        self.order
    }

    /// What histories hold of these patterns, without subscribing.
    ///
    /// # Errors
    ///
    /// [`Refused::TooWide`].
    pub fn replay(
        &mut self,
        patterns: &[Pattern],
        since: Since,
        page: Page,
        now: u64,
    ) -> Result<Replay, Refused> {
        let query = Query {
            patterns,
            since,
            page,
            scan: self.limits.scan,
            now,
            head: self.head,
            lineage: &self.lineage,
        };
        query.run(&mut self.topics)
    }

    /// What histories hold of a pattern, newest first: at most this many records with lower
    /// sequence numbers than `below`.
    pub fn latest(
        &mut self,
        pattern: &Pattern,
        below: u64,
        most: usize,
        now: u64,
    ) -> Vec<Arc<Record>> {
        self.topics.latest(pattern, below, most, now)
    }

    /// Removes records of a pattern by their sequence numbers, which are in order. They are no gap.
    pub fn forget(&mut self, pattern: &Pattern, sequences: &[u64]) {
        self.topics.remove(pattern, sequences);
    }

    /// Ends subscriptions of a connection. Returns the numbers of those that it had.
    pub fn unsubscribe(&mut self, connection: PeerId, patterns: &[Pattern]) -> Vec<InterestId> {
        let patterns = patterns.iter();
        let left = patterns.filter_map(|it| self.interests.leave(connection, it));
        let left: Vec<_> = left.collect();
        self.parted(left)
    }

    /// Ends all subscriptions of a connection. Returns their numbers.
    pub fn leave(&mut self, connection: PeerId) -> Vec<InterestId> {
        let left = self.interests.leave_all(connection);
        self.parted(left)
    }

    /// Who subscribes to a topic.
    pub fn presence(&self, topic: &TopicName) -> Presence {
        self.interests.presence(topic)
    }

    /// Grows when subscriptions may have changed.
    pub fn generation(&self) -> u64 {
        self.interests.generation()
    }

    /// The connections by what they subscribe to: each list of patterns once, in order.
    pub fn subscriptions(&self) -> BTreeMap<Vec<Pattern>, Presence> {
        self.interests.groups()
    }

    /// Whether some topic has another policy for slow subscribers than to disconnect them.
    pub fn has_policies(&self) -> bool {
        self.topics.has_policies()
    }

    /// Drops what has ended by now, of at most a thousand topics. Returns when to call again, if
    /// anything is kept. What has ended is never replayed, whether or not this is called.
    pub fn expire(&mut self, now: u64) -> Option<u64> {
        self.topics.expire(now)
    }

    /// Lets the oldest records go until this many bytes are free or there is no history. Returns
    /// how many have become free.
    pub fn shed(&mut self, bytes: usize, now: u64) -> usize {
        self.topics.shed(bytes, now)
    }

    /// Bytes that topics and their histories take.
    pub fn history_bytes(&self) -> usize {
        self.topics.cost()
    }

    /// Connections that subscribe to anything.
    pub fn connections(&self) -> usize {
        self.interests.connections()
    }

    /// Messages of the history of a topic, and the bytes of their payloads.
    pub fn history_of(&self, topic: &TopicName) -> (usize, usize) {
        let id = self.topics.find(topic.as_str());
        id.map_or((0, 0), |id| self.topics.get(id).history.size())
    }

    /// Some topics that have a history or are subscribed to by name, in no order.
    pub fn known(&self, most: usize) -> Vec<TopicName> {
        self.topics.some(most)
    }

    /// The position of the last record.
    pub fn head(&self) -> Position {
        self.head
    }

    /// Topics that have a history or are subscribed to by name.
    pub fn topics(&self) -> usize {
        self.topics.len()
    }

    /// Different patterns that are subscribed to.
    pub fn interests(&self) -> usize {
        self.interests.len()
    }

    fn parted(&mut self, left: Vec<Left>) -> Vec<InterestId> {
        for topic in left.iter().filter_map(|it| it.ended.as_ref()?.to_topic()) {
            self.topics.unsubscribe(&topic);
        }
        left.into_iter().map(|it| it.interest).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::record::Publication;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::slice;

    const WORKERS: usize = 2;

    /// Few, so that they meet often.
    const TOPICS: [&str; 6] = ["a", "b.x", "b.y", "c", "c.d", "e.x"];
    const PATTERNS: [&str; 9] = ["a", "b.x", "b.*", "b.**", "*", "**", "c.d", "*.x", "e.x"];

    fn pattern(text: &str) -> Pattern {
        text.parse().unwrap()
    }

    fn epoch() -> Epoch {
        "e".parse().unwrap()
    }

    fn peer(number: u32) -> PeerId {
        PeerId {
            worker: (number as usize % WORKERS) as u16,
            index: number,
            generation: 1,
        }
    }

    fn keep(messages: usize, age: u64, bytes: usize) -> Bounds {
        let mut bounds = Bounds::default();
        (bounds.messages, bounds.age, bounds.bytes) = (messages, age, bytes);
        bounds
    }

    fn rules() -> HistoryRules {
        let rules = [
            ("a", keep(3, 50, 20)),
            ("b.**", keep(2, 1_000, 1_000)),
            ("e.**", Bounds::EPHEMERAL),
        ];
        let rules = rules.map(|(text, bounds)| (pattern(text), bounds));
        HistoryRules::new(rules.into(), keep(5, 200, 30))
    }

    #[derive(Clone, Debug)]
    enum Step {
        Publish(usize, Option<u64>, usize),
        Subscribe(u32, Vec<usize>, Begin, usize),
        Unsubscribe(u32, Vec<usize>),
        Leave(u32),
        /// Milliseconds pass.
        Pass(u64),
        Expire,
        Shed(usize),
    }

    /// A place to begin, relative to the head or to now.
    #[derive(Clone, Copy, Debug)]
    enum Begin {
        New,
        All,
        Ago(u64),
        Back(u64),
        Beyond,
        Foreign,
        Unreadable,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let connection = 0_u32..5;
        let patterns = prop::collection::vec(0..PATTERNS.len(), 0..4);
        let begin = prop_oneof![
            2 => Just(Begin::New),
            2 => Just(Begin::All),
            2 => (0_u64..300).prop_map(Begin::Ago),
            6 => (0_u64..12).prop_map(Begin::Back),
            1 => Just(Begin::Beyond),
            1 => Just(Begin::Foreign),
            1 => Just(Begin::Unreadable),
        ];
        let ttl = prop::option::weighted(0.3, prop_oneof![Just(0_u64), 1..120_u64]);
        let step = prop_oneof![
            12 => (0..TOPICS.len(), ttl, 0_usize..12).prop_map(|(a, b, c)| Step::Publish(a, b, c)),
            6 => (connection.clone(), patterns.clone(), begin, 1_usize..5)
                .prop_map(|(a, b, c, d)| Step::Subscribe(a, b, c, d)),
            2 => (connection.clone(), patterns).prop_map(|(a, b)| Step::Unsubscribe(a, b)),
            1 => connection.prop_map(Step::Leave),
            4 => (1_u64..80).prop_map(Step::Pass),
            2 => Just(Step::Expire),
            1 => (1_usize..600).prop_map(Step::Shed),
        ];
        prop::collection::vec(step, 0..120)
    }

    /// A record as the model knows it, for ever.
    struct Known {
        record: Arc<Record>,
        /// The rules or a shortage have ended it before its TTL.
        let_go: bool,
    }

    impl Known {
        fn is_kept(&self, now: u64) -> bool {
            !self.let_go && !self.record.has_expired(now)
        }
    }

    /// The hub, and a model that keeps everything and filters.
    struct Both {
        hub: Hub,
        now: u64,
        all: Vec<Known>,
        connections: BTreeMap<u32, BTreeSet<Pattern>>,
        /// What workers keep: who has which interest, and since when.
        lists: BTreeMap<InterestId, BTreeMap<u32, u64>>,
        /// The highest floor of any topic that may have been forgotten.
        forgotten: u64,
    }

    impl Both {
        fn new() -> Self {
            Self {
                hub: Hub::new(epoch(), WORKERS, rules(), HubLimits::default()),
                now: 1_000_000,
                all: Vec::new(),
                connections: BTreeMap::new(),
                lists: BTreeMap::new(),
                forgotten: 0,
            }
        }

        fn step(&mut self, step: &Step) {
            let named = |all: &[usize]| all.iter().map(|at| pattern(PATTERNS[*at])).collect();
            match step {
                Step::Publish(topic, ttl, len) => self.publish(TOPICS[*topic], *ttl, *len),
                Step::Subscribe(connection, patterns, begin, page) => {
                    self.subscribe(*connection, named(patterns), *begin, *page);
                }
                Step::Unsubscribe(connection, patterns) => {
                    let patterns: Vec<_> = named(patterns);
                    let ended = self.hub.unsubscribe(peer(*connection), &patterns);
                    self.parted(*connection, &ended);
                    let mine = self.connections.entry(*connection).or_default();
                    mine.retain(|pattern| !patterns.contains(pattern));
                }
                Step::Leave(connection) => self.leave(*connection),
                Step::Pass(ms) => self.now += ms,
                Step::Expire => {
                    let next = self.hub.expire(self.now);
                    assert!(next.is_none_or(|next| next > self.now));
                }
                Step::Shed(bytes) => self.shed(*bytes),
            }
            self.let_go();
            self.check();
        }

        fn publish(&mut self, topic: &str, ttl: Option<u64>, len: usize) {
            let topic: TopicName = topic.parse().unwrap();
            let mut publication = Publication::new(topic.clone(), "x".repeat(len).into());
            publication.ttl = ttl;
            let sequence = match rules().of(&topic).is_ephemeral() {
                true => 0,
                false => self.hub.head().sequence + 1,
            };
            let record = Arc::new(publication.into_record(sequence, self.now));
            let applied = self.hub.apply(&record, self.now);
            if sequence > 0 {
                let let_go = false;
                self.all.push(Known { record, let_go });
            }
            let matches =
                |patterns: &BTreeSet<Pattern>| patterns.iter().any(|it| it.matches(&topic));
            let expected = self.connections.iter().filter(|(_, it)| matches(it));
            let expected: BTreeSet<u32> = expected.map(|(connection, _)| *connection).collect();
            let audience = &applied.audience;
            let lists = audience.interests.iter().map(|it| &self.lists[it]);
            let in_time = |(connection, since): (&u32, &u64)| {
                assert!(*since < applied.order);
                *connection
            };
            let got: BTreeSet<u32> = lists.flatten().map(in_time).collect();
            assert_eq!(got, expected);
            assert_eq!(audience.subscribers, expected.len());
            let workers: BTreeSet<_> = expected.iter().map(|it| peer(*it).worker()).collect();
            assert_eq!(
                audience.workers[..],
                workers.into_iter().collect::<Vec<_>>()
            );
        }

        fn subscribe(
            &mut self,
            connection: u32,
            patterns: Vec<Pattern>,
            begin: Begin,
            size: usize,
        ) {
            let head = self.hub.head();
            let back = head
                .sequence
                .saturating_sub(if let Begin::Back(it) = begin { it } else { 0 });
            let since = match begin {
                Begin::New => Since::New,
                Begin::All => Since::All,
                Begin::Ago(ms) => Since::Ago(ms),
                Begin::Back(_) => Since::Position(epoch().at(back)),
                Begin::Beyond => Since::Position(epoch().at(head.sequence + 1)),
                Begin::Foreign => Since::Position("other-1".parse().unwrap()),
                Begin::Unreadable => Since::Unreadable,
            };
            let (mut records, mut gaps, mut recovered) = (Vec::new(), Vec::new(), true);
            let mut cursor = None;
            loop {
                let request = Subscribe {
                    name: (connection > 0).then(|| (connection / 2).to_string().into()),
                    patterns: patterns.clone(),
                    since,
                    page: Page {
                        records: size,
                        bytes: 8 * size,
                        cursor,
                    },
                };
                let start = self
                    .hub
                    .subscribe(peer(connection), &request, self.now)
                    .unwrap();
                let Replay { next, position, .. } = start.replay;
                assert!(start.replay.records.len() <= size);
                records.extend(start.replay.records);
                gaps.extend(start.replay.gaps);
                recovered &= start.replay.recovered;
                if next.is_none() {
                    assert_eq!(position, head);
                    self.joined(connection, start.interests, start.order);
                    break;
                }
                assert!(start.interests.is_empty());
                assert_eq!(
                    records.last().map(|it| it.sequence),
                    Some(position.sequence)
                );
                cursor = next;
            }
            self.check_records(&patterns, since, &records);
            self.check_gaps(&patterns, since, &gaps, recovered);
        }

        fn check_records(&self, patterns: &[Pattern], since: Since, records: &[Arc<Record>]) {
            let is_after = |record: &Record| match since {
                Since::New => false,
                Since::Ago(ms) => record.time >= self.now - ms,
                Since::Position(it) if self.is_known(it) => record.sequence > it.sequence,
                _ => true,
            };
            let matches = |record: &Record| patterns.iter().any(|it| it.matches(&record.topic));
            let kept = self.all.iter().filter(|it| it.is_kept(self.now));
            let expected = kept.map(|it| &it.record);
            let expected = expected.filter(|record| is_after(record) && matches(record));
            let sequences = |it: &Arc<Record>| it.sequence;
            let got: Vec<_> = records.iter().map(sequences).collect();
            assert_eq!(got, expected.map(sequences).collect::<Vec<_>>());
        }

        fn check_gaps(&self, patterns: &[Pattern], since: Since, gaps: &[Gap], recovered: bool) {
            let asked = match since {
                Since::Position(it) if self.is_known(it) => it,
                Since::Position(_) | Since::Unreadable => {
                    let topics: BTreeSet<_> = gaps.iter().map(|gap| &gap.topic).collect();
                    let patterns: BTreeSet<_> = patterns.iter().collect();
                    assert!(!recovered && patterns.is_subset(&topics));
                    return;
                }
                _ => return assert!(recovered && gaps.is_empty()),
            };
            assert_eq!(recovered, gaps.is_empty());
            let after = |it: &&Known| it.let_go && it.record.sequence > asked.sequence;
            for lost in self.all.iter().filter(after) {
                let topic = &lost.record.topic;
                if lost.is_kept(self.now) || lost.record.has_expired(self.now) {
                    continue;
                }
                let meant = patterns.iter().any(|it| it.matches(topic));
                let told = gaps.iter().any(|gap| gap.topic.matches(topic));
                assert!(!meant || told, "{} {asked} {gaps:?}", lost.record.sequence);
            }
            for gap in gaps {
                let lost = self.all.iter().filter(after);
                let mut lost =
                    lost.filter(|it| gap.topic.to_topic() == Some(it.record.topic.clone()));
                assert!(
                    lost.next().is_some() || self.forgotten > asked.sequence,
                    "{gap:?}"
                );
                if let Some(next) = gap.next {
                    let of = self
                        .all
                        .iter()
                        .filter(|it| gap.topic.matches(&it.record.topic));
                    let mut kept = of.filter(|it| it.is_kept(self.now));
                    assert_eq!(
                        kept.next().map(|it| it.record.sequence),
                        Some(next.sequence)
                    );
                }
            }
        }

        fn is_known(&self, position: Position) -> bool {
            position.epoch == epoch() && position.sequence <= self.hub.head().sequence
        }

        fn joined(&mut self, connection: u32, interests: Vec<(Pattern, InterestId)>, order: u64) {
            for (pattern, interest) in interests {
                self.connections
                    .entry(connection)
                    .or_default()
                    .insert(pattern);
                self.lists
                    .entry(interest)
                    .or_default()
                    .insert(connection, order);
            }
        }

        fn parted(&mut self, connection: u32, ended: &[InterestId]) {
            for interest in ended {
                let list = self.lists.get_mut(interest).unwrap();
                assert!(list.remove(&connection).is_some());
            }
        }

        fn leave(&mut self, connection: u32) {
            let ended = self.hub.leave(peer(connection));
            self.parted(connection, &ended);
            let mine = self.connections.remove(&connection).unwrap_or_default();
            assert_eq!(ended.len(), mine.len());
        }

        /// The oldest go, and as few as that takes.
        fn shed(&mut self, bytes: usize) {
            let before = self.hub.history_bytes();
            let freed = self.hub.shed(bytes, self.now);
            assert_eq!(before - self.hub.history_bytes(), freed);
            let all = [pattern("**")];
            let page = Page {
                records: usize::MAX,
                bytes: usize::MAX,
                cursor: None,
            };
            let left = self
                .hub
                .replay(&all, Since::All, page, self.now)
                .unwrap()
                .records;
            assert!(freed >= bytes || left.is_empty());
            let first = left.first().map_or(u64::MAX, |record| record.sequence);
            for known in &mut self.all {
                known.let_go |= known.record.sequence < first && known.is_kept(self.now);
            }
        }

        /// What the rules let go by now, from the oldest to the newest.
        fn let_go(&mut self) {
            for name in TOPICS {
                let topic = name.parse().unwrap();
                let bounds = rules().of(&topic);
                let of_topic = self.all.iter_mut().filter(|it| it.record.topic == topic);
                let (mut count, mut bytes, mut empty, mut floor) = (0, 0, true, 0);
                for known in of_topic.rev() {
                    if known.is_kept(self.now) {
                        count += 1;
                        bytes += known.record.payload.bytes().len();
                        known.let_go = count > bounds.messages
                            || bytes > bounds.bytes
                            || known.record.time + bounds.age <= self.now;
                        empty &= known.let_go;
                    }
                    if known.let_go {
                        floor = floor.max(known.record.sequence);
                    }
                }
                if empty && !self.connections.values().any(|it| it.contains(name)) {
                    self.forgotten = self.forgotten.max(floor);
                }
            }
        }

        fn check(&self) {
            for topic in TOPICS {
                let topic = topic.parse().unwrap();
                let here = self.connections.iter();
                let here = here.filter(|(_, all)| all.iter().any(|it| it.matches(&topic)));
                let here: Vec<u32> = here.map(|(connection, _)| *connection).collect();
                let mut names = BTreeMap::<Arc<str>, usize>::new();
                for connection in here.iter().filter(|it| **it > 0) {
                    *names
                        .entry((connection / 2).to_string().into())
                        .or_default() += 1;
                }
                let connections = here.len();
                let presence = Presence {
                    connections,
                    names,
                    more: false,
                };
                assert_eq!(self.hub.presence(&topic), presence);
            }
            let patterns: BTreeSet<_> = self.connections.values().flatten().collect();
            assert_eq!(self.hub.interests(), patterns.len());
        }

        /// Nothing is left when everything has ended.
        fn end(mut self) {
            (0..5).for_each(|connection| self.leave(connection));
            self.hub.expire(u64::MAX);
            assert_eq!((self.hub.topics(), self.hub.interests()), (0, 0));
            assert_eq!(self.hub.history_bytes(), 0);
        }
    }

    fn small(change: impl FnOnce(&mut HubLimits)) -> Hub {
        let mut limits = HubLimits::default();
        change(&mut limits);
        Hub::new(epoch(), WORKERS, HistoryRules::default(), limits)
    }

    fn ask(patterns: &[&str], since: Since) -> Subscribe {
        Subscribe {
            patterns: patterns.iter().map(|it| pattern(it)).collect(),
            since,
            ..Subscribe::default()
        }
    }

    fn publish(hub: &mut Hub, topic: &str) -> u64 {
        let sequence = hub.head().sequence + 1;
        let publication = Publication::new(topic.parse().unwrap(), "x".into());
        let record = Arc::new(publication.into_record(sequence, sequence));
        hub.apply(&record, sequence);
        sequence
    }

    #[test]
    // req: push-v1-16 push-bounds-05
    fn a_connection_has_so_many_patterns_and_bytes_and_gets_all_or_none() {
        let mut hub = small(|it| (it.patterns, it.pattern_bytes) = (3, 10));
        let mut subscribe = |patterns: &[&str]| {
            let joined = hub.subscribe(peer(1), &ask(patterns, Since::New), 0);
            joined.map(|_| hub.interests())
        };
        assert_eq!(subscribe(&["a", "b", "c", "d"]), Err(Refused::TooMany));
        assert_eq!(subscribe(&["a", "*", "a"]), Ok(2));
        assert_eq!(subscribe(&["c", "d"]), Err(Refused::TooMany));
        assert_eq!(subscribe(&["123456789"]), Err(Refused::TooMany));
        assert_eq!(subscribe(&["12345678", "a"]), Ok(3));
        hub.unsubscribe(peer(1), &[pattern("12345678")]);
        assert_eq!(hub.interests(), 2);
    }

    #[test]
    // req: push-bounds-06
    fn the_last_room_of_the_hub_goes_to_many() {
        let mut topics = small(|it| (it.topics, it.topic_share) = (10, 4));
        let mut levels = small(|it| (it.wildcard_levels, it.topic_share) = (10, 4));
        for (hub, star) in [(&mut topics, ""), (&mut levels, "*")] {
            let mut names = ('a'..).map(|name| match star {
                "" => name.to_string(),
                _ => format!("{star}.{name}"),
            });
            let mut fit = |hub: &mut Hub, connection| {
                let fits = |name: &String| {
                    let request = ask(&[name], Since::New);
                    hub.subscribe(peer(connection), &request, 0).is_ok()
                };
                names.by_ref().take_while(fits).count()
            };
            let first = fit(hub, 1);
            assert!((1..=3).contains(&first), "{first}");
            let others: usize = (2..20).map(|connection| fit(hub, connection)).sum();
            assert!(first + others >= if star.is_empty() { 10 } else { 5 });
            // What others have needs no room.
            let known = if star.is_empty() { "a" } else { "*.a" };
            assert!(
                hub.subscribe(peer(99), &ask(&[known], Since::New), 0)
                    .is_ok()
            );
        }
    }

    #[test]
    // req: push-order-05
    fn one_history_too_many_ends_the_one_with_the_oldest_message() {
        let mut hub = small(|it| it.topics = 3);
        hub.subscribe(peer(1), &ask(&["b"], Since::New), 0).unwrap();
        for topic in ["a", "b", "c", "a", "d", "e"] {
            publish(&mut hub, topic);
        }
        // Of `a` and `b`; who subscribes to `b` still does.
        assert_eq!(hub.topics(), 4);
        let all = hub
            .subscribe(peer(2), &ask(&["**"], Since::All), 9)
            .unwrap()
            .replay;
        let left: Vec<_> = all.records.iter().map(|record| record.sequence).collect();
        assert_eq!(left, [3, 5, 6]);
        let patterns = [pattern("a"), pattern("b"), pattern("c"), pattern("**")];
        let since = Since::Position(epoch().at(1));
        let missed = hub.replay(&patterns, since, Page::default(), 9).unwrap();
        let gaps: Vec<_> = missed.gaps.iter().map(|gap| gap.topic.as_str()).collect();
        assert_eq!((gaps, missed.recovered), (vec!["**", "a", "b"], false));
        let since = Since::Position(epoch().at(4));
        assert!(
            hub.replay(&patterns, since, Page::default(), 9)
                .unwrap()
                .recovered
        );
    }

    #[test]
    // req: push-bounds-12
    fn histories_stay_within_their_memory() {
        let mut hub = small(|it| it.history_bytes = 10_000);
        for number in 0..1_000 {
            publish(&mut hub, &format!("{}", number % 7));
            assert!(hub.history_bytes() <= 10_000);
        }
        let all = hub
            .replay(&[pattern("**")], Since::All, Page::default(), 0)
            .unwrap();
        let first = all.records.first().map(|record| record.sequence);
        let count = all.records.len() as u64;
        assert!(count > 20 && first == Some(1_001 - count));
        assert!(hub.shed(usize::MAX, 0) > 0);
        assert_eq!((hub.history_bytes(), hub.topics()), (0, 0));
    }

    #[test]
    fn a_short_ttl_frees_memory_when_it_ends() {
        let mut hub = small(|_| {});
        publish(&mut hub, "a");
        let before = hub.history_bytes();
        let mut publication = Publication::new("a".parse().unwrap(), "y".into());
        publication.ttl = Some(50);
        hub.apply(&Arc::new(publication.into_record(2, 10)), 10);
        assert_eq!(hub.expire(11), Some(60));
        let end = Bounds::default().age + 1;
        assert_eq!((hub.expire(60), hub.history_bytes()), (Some(end), before));
        assert_eq!((hub.expire(end), hub.history_bytes()), (None, 0));
    }

    #[test]
    // req: push-bounds-07
    fn a_search_among_too_many_topics_is_refused() {
        let mut hub = small(|it| it.scan = 10);
        for name in 'a'..='j' {
            publish(&mut hub, &format!("{name}.x"));
        }
        let mut subscribe = |patterns: &[&str], since| {
            let start = hub.subscribe(peer(1), &ask(patterns, since), 0);
            start.map(|start| start.replay.records.len())
        };
        assert_eq!(subscribe(&["**"], Since::All), Ok(10));
        assert_eq!(
            subscribe(&["*.y", "b.*"], Since::All),
            Err(Refused::TooWide)
        );
        assert_eq!(subscribe(&["b.*", "c.**"], Since::All), Ok(2));
        assert_eq!(subscribe(&["*.y", "b.*"], Since::New), Ok(0));
    }

    #[test]
    fn what_goes_between_two_pages_is_a_gap_and_what_went_before_is_not() {
        let mut hub = small(|_| {});
        for topic in ["a", "b", "a", "b", "a"] {
            publish(&mut hub, topic);
        }
        hub.shed(1, 0);
        let mut request = ask(&["a", "b"], Since::All);
        request.page.records = 1;
        let page = hub.subscribe(peer(1), &request, 0).unwrap().replay;
        assert_eq!((page.position.sequence, page.recovered), (2, true));
        hub.shed(1, 0);
        hub.shed(1, 0);
        request.page.cursor = page.next;
        let page = hub.subscribe(peer(1), &request, 0).unwrap().replay;
        assert_eq!((page.position.sequence, page.recovered), (4, false));
        assert_eq!(page.gaps.len(), 1);
        let gap = Gap {
            topic: pattern("a"),
            after: Some(epoch().at(2)),
            next: Some(epoch().at(5)),
        };
        assert_eq!(page.gaps, [gap]);
        request.page.cursor = page.next;
        let last = hub.subscribe(peer(1), &request, 0).unwrap();
        assert_eq!((last.replay.recovered, last.interests.len()), (true, 2));
    }

    /// Both bounds of a page, and a message that exceeds both.
    #[test]
    fn a_page_ends_before_it_has_too_many_bytes() {
        let mut hub = small(|_| {});
        let sizes: Vec<_> = (0..4).map(|_| publish(&mut hub, "a")).collect();
        let mut all = |page| hub.replay(&[pattern("a")], Since::All, page, 0).unwrap();
        let bytes = all(Page::default()).records[0].size();
        for (records, most, expected) in [
            (10, 4 * bytes, 4),
            (10, 4 * bytes - 1, 3),
            (10, 2 * bytes, 2),
            (10, 1, 1),
            (10, 0, 1),
            (3, 4 * bytes, 3),
            (0, 4 * bytes, 1),
        ] {
            let page = Page {
                records,
                bytes: most,
                cursor: None,
            };
            let replay = all(page);
            assert_eq!(replay.records.len(), expected, "{records} of {most} bytes");
            assert_eq!(replay.next.is_some(), expected < sizes.len());
            let last = replay.records.last().map(|record| record.sequence);
            assert_eq!(last, Some(replay.position.sequence));
        }
        let mut alone = small(|_| {});
        publish(&mut alone, "a");
        for (most, goes_on) in [(bytes - 1, true), (bytes, false)] {
            let page = Page {
                bytes: most,
                ..Page::default()
            };
            let replay = alone.replay(&[pattern("a")], Since::All, page, 0).unwrap();
            assert_eq!((replay.records.len(), replay.next.is_some()), (1, goes_on));
        }
    }

    /// Another hub answers as the one before would have: records, and gaps of what has been let go.
    #[test]
    fn what_one_hub_tells_another_makes_it_equal() {
        let mut hub = small(|_| {});
        for topic in ["a", "b", "a", "c", "b"] {
            publish(&mut hub, topic);
        }
        hub.shed(1, 5);
        let mut next = small(|_| {});
        next.restore(hub.past(), 5);
        assert_eq!((next.head(), next.topics()), (hub.head(), hub.topics()));
        assert_eq!(next.past(), hub.past());
        for pattern in ["a", "b", "c", "d", "**"].map(pattern) {
            for since in [Since::All, Since::Position(epoch().at(0))] {
                let ask = |hub: &mut Hub| {
                    hub.replay(slice::from_ref(&pattern), since, Page::default(), 5)
                };
                assert_eq!(ask(&mut next), ask(&mut hub), "{pattern} {since:?}");
            }
        }
    }

    /// Otherwise a server that runs for long would refuse all connections in the end.
    #[test]
    // req: push-bounds-05
    fn the_room_of_what_is_no_longer_subscribed_to_is_free_again() {
        let mut hub = small(|it| (it.topics, it.wildcard_levels, it.topic_share) = (2, 4, 1));
        for round in 0..5 {
            for name in ["a.b", "a.*"] {
                let request = ask(&[&format!("{name}.{round}")], Since::New);
                assert!(hub.subscribe(peer(1), &request, 0).is_ok(), "{round}");
                hub.leave(peer(1));
            }
        }
        assert_eq!((hub.interests(), hub.connections()), (0, 0));
        let limits = OwnerLimits {
            topics: 1,
            topic_share: 1,
            joined: 1,
            bytes: 10,
        };
        for name in ["a", "b", "c"].map(String::from) {
            let account = &mut Account::default();
            let joined = hub.join(peer(1), "owner", slice::from_ref(&name), account, &limits);
            assert_eq!(joined.map(|it| it.len()), Ok(1), "{name}");
            assert_eq!(hub.connections(), 1);
            let other = &mut Account::default();
            let full = hub.join(peer(2), "owner", &["d".into()], other, &limits);
            assert_eq!(full, Err(NoRoom::Full));
            hub.leave(peer(1));
        }
    }

    /// What the servers of one log tell each other.
    #[test]
    fn connections_are_counted_by_all_that_they_subscribe_to() {
        let mut hub = small(|_| {});
        let before = hub.generation();
        for (number, patterns) in [(1, &["a", "b.*"][..]), (2, &["b.*", "a"]), (3, &["a"])] {
            hub.subscribe(peer(number), &ask(patterns, Since::New), 0)
                .unwrap();
        }
        assert!(hub.generation() > before);
        let told = hub.subscriptions().into_iter();
        let told: Vec<_> = told.map(|(all, it)| (all, it.connections)).collect();
        let both = vec![pattern("a"), pattern("b.*")];
        assert_eq!(told, [(vec![pattern("a")], 1), (both.clone(), 2)]);
        hub.leave(peer(1));
        hub.leave(peer(3));
        let told = hub.subscriptions().into_iter();
        let told: Vec<_> = told.map(|(all, it)| (all, it.connections)).collect();
        assert_eq!(told, [(both, 1)]);
    }

    #[test]
    fn connections_of_one_name_are_counted_here_and_elsewhere() {
        let mut hub = small(|_| {});
        for (number, name) in [(1, Some("ann")), (2, Some("ann")), (3, None)] {
            let mut asked = ask(&["a"], Since::New);
            asked.name = name.map(Arc::from);
            hub.subscribe(peer(number), &asked, 0).unwrap();
        }
        let mut told = hub.subscriptions();
        let mut all = told.remove(&vec![pattern("a")]).unwrap();
        let of = |connections, names: &[(&str, usize)]| Presence {
            connections,
            names: names.iter().map(|(name, n)| ((*name).into(), *n)).collect(),
            more: false,
        };
        assert_eq!(all, of(3, &[("ann", 2)]));
        all.add(&of(4, &[("ann", 1), ("bob", 3)]));
        assert_eq!(all, of(7, &[("ann", 3), ("bob", 3)]));
    }

    #[test]
    // req: push-since-10
    fn a_gap_after_an_unknown_position_names_it() {
        let mut hub = small(|_| {});
        publish(&mut hub, "a");
        assert_eq!(publish(&mut hub, "a"), 2);
        assert_eq!(hub.history_of(&"a".parse().unwrap()), (2, 2));
        assert_eq!(hub.history_of(&"b".parse().unwrap()), (0, 0));
        for (since, after) in [
            (Since::Position(epoch().at(9)), Some(epoch().at(9))),
            (Since::Unreadable, None),
        ] {
            let start = hub.subscribe(peer(1), &ask(&["a"], since), 2).unwrap();
            let gaps = start.replay.gaps.iter();
            let gaps: Vec<_> = gaps.map(|gap| (gap.after, gap.next)).collect();
            assert_eq!(gaps, [(after, None)]);
            hub.leave(peer(1));
        }
    }

    #[test]
    fn a_replay_follows_positions_of_its_epoch_that_are_not_ahead() {
        let replay = Replay {
            records: Vec::new(),
            gaps: Vec::new(),
            position: epoch().at(5),
            recovered: false,
            next: None,
        };
        let other: Epoch = "f".parse().unwrap();
        let rows = [epoch().at(4), epoch().at(5), epoch().at(6), other.at(4)];
        assert_eq!(
            rows.map(|it| replay.follows(it)),
            [true, true, false, false]
        );
    }

    #[test]
    fn a_log_that_has_lost_its_beginning_says_so() {
        let mut hub = small(|_| {});
        hub.begin_after(10);
        assert_eq!((publish(&mut hub, "a"), hub.head()), (11, epoch().at(11)));
        let mut recovered = |sequence| {
            let since = Since::Position(epoch().at(sequence));
            let replay = hub
                .replay(&[pattern("a")], since, Page::default(), 0)
                .unwrap();
            (replay.records.len(), replay.recovered)
        };
        assert_eq!([recovered(9), recovered(10)], [(1, false), (1, true)]);
    }

    /// Whether a resume from here is without a gap, and what it replays.
    fn resume(hub: &mut Hub, epoch: &str, sequence: u64) -> (bool, Vec<u64>) {
        let epoch: Epoch = epoch.parse().unwrap();
        let since = Since::Position(epoch.at(sequence));
        let replay = hub.replay(&[pattern("**")], since, Page::default(), 0);
        let replay = replay.unwrap();
        assert_eq!(replay.gaps.is_empty(), replay.recovered);
        let numbers = replay.records.iter().map(|it| it.sequence).collect();
        (replay.recovered, numbers)
    }

    fn broken(end: u64, epoch: &str, begin: u64, lost: bool) -> Break {
        Break {
            end,
            epoch: epoch.parse().unwrap(),
            begin,
            lost,
        }
    }

    #[test]
    // req: push-nodes-02
    fn another_epoch_with_everything_is_no_gap() {
        let mut hub = small(|_| {});
        publish(&mut hub, "a");
        publish(&mut hub, "b");
        assert!(!hub.go_on(&broken(2, "f", 2, false)));
        assert_eq!(publish(&mut hub, "a"), 3);
        assert_eq!(hub.head(), "f-3".parse().unwrap());
        assert_eq!(resume(&mut hub, "e", 1), (true, vec![2, 3]));
        assert_eq!(resume(&mut hub, "f", 2), (true, vec![3]));
        assert_eq!(resume(&mut hub, "e", 3), (false, vec![1, 2, 3]));
    }

    #[test]
    // req: push-nodes-03
    fn what_the_log_has_lost_is_taken_back_and_is_a_gap_of_every_topic() {
        let mut hub = small(|_| {});
        for topic in ["a", "b", "a", "c"] {
            publish(&mut hub, topic);
        }
        assert!(
            hub.go_on(&broken(2, "e", 2, true)),
            "subscribers have too much"
        );
        assert_eq!(resume(&mut hub, "e", 4), (false, vec![1, 2]));
        assert!(!hub.go_on(&broken(2, "f", 2, false)));
        assert_eq!(publish(&mut hub, "b"), 3);
        assert!(
            hub.go_on(&broken(3, "g", 5, true)),
            "some have missed something"
        );
        assert_eq!(publish(&mut hub, "a"), 6);
        assert_eq!(resume(&mut hub, "f", 3), (false, vec![6]));
        assert_eq!(resume(&mut hub, "g", 5), (true, vec![6]));
        assert_eq!(hub.latest(&pattern("**"), u64::MAX, 9, 0).len(), 4);
        hub.shed(usize::MAX, 0);
        assert_eq!(hub.history_bytes(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            cases: 150,
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        // req: push-order-04
        fn the_hub_does_what_a_list_of_everything_would(steps in steps()) {
            let mut both = Both::new();
            steps.iter().for_each(|step| both.step(step));
            both.end();
        }
    }

    #[test]
    // req: gotify-messages-04 gotify-messages-06
    fn the_newest_records_of_a_pattern_come_first_and_can_be_forgotten() {
        let mut hub = Hub::new(
            epoch(),
            WORKERS,
            HistoryRules::default(),
            HubLimits::default(),
        );
        for (at, topic) in ["b.x", "b.y", "a", "b.x", "b.z", "b.y"]
            .into_iter()
            .enumerate()
        {
            let publication = Publication::new(topic.parse().unwrap(), "m".into());
            hub.apply(&Arc::new(publication.into_record(at as u64 + 1, 100)), 100);
        }
        let ids = |hub: &mut Hub, below, most| -> Vec<u64> {
            let latest = hub.latest(&pattern("b.*"), below, most, 100);
            latest.iter().map(|record| record.sequence).collect()
        };
        assert_eq!(ids(&mut hub, u64::MAX, 100), [6, 5, 4, 2, 1]);
        assert_eq!(ids(&mut hub, 5, 2), [4, 2]);
        let cost = hub.history_bytes();
        hub.forget(&pattern("b.*"), &[1, 3, 4, 5]);
        assert_eq!(ids(&mut hub, u64::MAX, 100), [6, 2]);
        assert_eq!(hub.topics(), 2, "b.y and a");
        assert!(hub.history_bytes() < cost);
        let since = Since::Position(epoch().at(0));
        let all = hub
            .replay(&[pattern("**")], since, Page::default(), 100)
            .unwrap();
        assert_eq!((all.records.len(), all.recovered), (3, true));
        hub.forget(&pattern("**"), &[2, 3, 6]);
        assert_eq!((hub.topics(), hub.history_bytes()), (0, 0));
    }
}
