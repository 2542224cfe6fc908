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
//! Reading order: `limits`, `rules`, `history`; `wildcards`, `interests`; `topics`, `replay`.

mod history;
mod interests;
mod limits;
mod replay;
mod rules;
mod topics;
mod wildcards;

use crate::net::PeerId;
use crate::push::name::{Pattern, TopicName};
use crate::push::position::{Epoch, Position, Since};
use crate::push::record::Record;
use interests::{Interests, Left};
use replay::Query;
use std::sync::Arc;
use topics::Topics;

pub use interests::{Audience, InterestId, Presence};
pub use limits::{HubLimits, Page, Refused};
pub use replay::{Gap, Replay};
pub use rules::{Bounds, HistoryRules};

/// All topics of a server. See the [module](self).
#[derive(Debug)]
pub struct Hub {
    limits: HubLimits,
    head: Position,
    /// Records that were applied, ephemeral ones included.
    order: u64,
    topics: Topics,
    interests: Interests,
}

/// A record that has been applied.
#[derive(Clone, Debug)]
pub struct Applied {
    /// Who is to get it.
    pub audience: Arc<Audience>,
    /// Grows with every record: see [`Start::order`].
    pub order: u64,
}

/// What a connection wants to get.
#[derive(Clone, Debug, Default)]
pub struct Subscribe {
    /// Whose connection it is, for [`Hub::presence`].
    pub name: Option<Arc<str>>,
    /// Of which topics.
    pub patterns: Vec<Pattern>,
    /// Where to begin.
    pub since: Since,
    /// How much of the replay is wanted at once.
    pub page: Page,
}

/// How a subscription begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Start {
    /// What it missed. If there is [more](Replay::more), nothing has been subscribed to: subscribe
    /// again, since [`Replay::position`].
    pub replay: Replay,
    /// The patterns by number; empty if there is more of the replay.
    pub interests: Vec<(Pattern, InterestId)>,
    /// Only records that were [applied](Applied::order) with a higher number are to be delivered;
    /// the others are in the replay, or too old.
    pub order: u64,
}

impl Hub {
    /// A hub without topics, of a log that has no records yet, for the connections of so many
    /// workers.
    pub fn new(epoch: Epoch, workers: usize, rules: HistoryRules, limits: HubLimits) -> Self {
        Self {
            limits,
            head: epoch.at(0),
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

    /// Takes the next record of the log, or one of an ephemeral topic, and keeps it as long as the
    /// rules say. `now` is a Unix time in milliseconds, as everywhere here.
    pub fn apply(&mut self, record: &Arc<Record>, now: u64) -> Applied {
        self.order += 1;
        if record.sequence > 0 {
            debug_assert!(
                record.sequence > self.head.sequence,
                "records come in order"
            );
            self.head.sequence = record.sequence;
            self.topics
                .keep(Arc::clone(record), now, self.limits.topics);
            let excess = self.topics.cost().saturating_sub(self.limits.history_bytes);
            if excess > 0 {
                self.topics.shed(excess, now);
            }
        }
        Applied {
            audience: self.audience(&record.topic),
            order: self.order,
        }
    }

    /// Who gets a record of this topic.
    pub fn audience(&mut self, topic: &TopicName) -> Arc<Audience> {
        let Some(id) = self.topics.find(topic.as_str()) else {
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
        if start.replay.more {
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
        };
        query.run(&mut self.topics)
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

    /// The bounds of a topic.
    pub fn bounds(&self, topic: &TopicName) -> Bounds {
        self.topics.bounds(topic)
    }

    /// Drops what has ended by now, of at most a thousand topics. Returns when to call again; `None`
    /// if nothing is kept. What has ended is never replayed, whether or not this is called.
    pub fn expire(&mut self, now: u64) -> Option<u64> {
        self.topics.expire(now)
    }

    /// Lets the oldest records go until so many bytes are free or there is no history. Returns the
    /// bytes that have become free.
    pub fn shed(&mut self, bytes: usize, now: u64) -> usize {
        self.topics.shed(bytes, now)
    }

    /// Bytes that topics and their histories take.
    pub fn history_bytes(&self) -> usize {
        self.topics.cost()
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
