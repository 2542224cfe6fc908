//! What a subscriber gets first: the messages that histories hold for it, and where some are
//! missing.
//!
//! Input: patterns and where to begin. Output: records in their order, a page at a time, and gaps.
//! Invariants: a record comes once, however many patterns match it; whatever was let go after the
//! place to begin is in a gap of the first page, or of a later one if it was let go meanwhile.

use crate::push::hub::limits::{Cursor, Page, Refused};
use crate::push::hub::lineage::Lineage;
use crate::push::hub::topics::{TopicId, Topics};
use crate::push::name::Pattern;
use crate::push::position::{Position, Since};
use crate::push::record::Record;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The messages that a subscriber missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Replay {
    /// In the order of the log.
    pub records: Vec<Arc<Record>>,
    /// What is missing.
    pub gaps: Vec<Gap>,
    /// Everything up to here is among the records or in a gap: the last record if there is a
    /// [next](Self::next) page, otherwise the head of the log.
    pub position: Position,
    /// Nothing is missing, and the place to begin is known. Of a replay in pages, all must say so.
    pub recovered: bool,
    /// The page is full, and the next one begins here.
    pub next: Option<Cursor>,
}

/// Messages of a topic that were published, and that the log no longer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The topic; a pattern if it is not known of which topics messages are missing.
    pub topic: Pattern,
    /// The missing messages came after this position; `None` if the subscriber has named none that
    /// can be read.
    pub after: Option<Position>,
    /// The missing messages came before this one, the oldest of the topic that is still there.
    pub next: Option<Position>,
}

impl Replay {
    /// Whether the log has given this position, which was asked for. All of a replay comes after
    /// such a position; if it is unknown, that of the replay is before it, or of another log.
    pub(in crate::push) fn follows(&self, asked: Position) -> bool {
        asked.epoch == self.position.epoch && asked.sequence <= self.position.sequence
    }
}

/// What one subscriber asks for.
#[derive(Debug)]
pub(super) struct Query<'q> {
    pub(super) patterns: &'q [Pattern],
    pub(super) since: Since,
    pub(super) page: Page,
    pub(super) scan: usize,
    pub(super) now: u64,
    pub(super) head: Position,
    pub(super) lineage: &'q Lineage,
}

/// A topic, and whether a wildcard matches it.
type Found = (TopicId, bool);

/// Where a query begins.
struct Start {
    after: u64,
    time: u64,
    /// `after` is a position of this log: what was let go after it is a gap.
    known: bool,
    /// What was let go before this change is not a gap.
    change: u64,
    recovered: bool,
}

impl Query<'_> {
    pub(super) fn run(&self, topics: &mut Topics<Arc<Record>>) -> Result<Replay, Refused> {
        let start = self.start();
        let mut replay = Replay {
            records: Vec::new(),
            gaps: Vec::new(),
            position: self.head,
            recovered: start.recovered,
            next: None,
        };
        if start.recovered && start.after == self.head.sequence {
            return Ok(replay);
        }
        let (found, unknown) = self.find(topics)?;
        for (id, _) in &found {
            topics.trim(*id, self.now);
        }
        self.merge(topics, &found, &start, &mut replay);
        let (lost, change) = topics.lost();
        let has_lost = start.known && lost > start.after && change > start.change;
        if !start.recovered || has_lost {
            replay.gaps = self.all_gaps();
            replay.recovered = false;
        } else if start.known {
            replay.gaps = self.gaps(topics, &found, unknown, &start);
            replay.recovered = replay.gaps.is_empty();
        }
        Ok(replay)
    }

    // req: push-since-07
    fn start(&self) -> Start {
        let all = Start {
            after: 0,
            time: 0,
            known: false,
            change: 0,
            recovered: true,
        };
        if let Some(Cursor { after, change }) = self.page.cursor {
            return Start {
                after,
                change,
                known: true,
                ..all
            };
        }
        match self.since {
            Since::New => Start {
                after: self.head.sequence,
                ..all
            },
            Since::All => all,
            Since::Time(time) => Start { time, ..all },
            Since::Ago(ms) => Start {
                time: self.now.saturating_sub(ms),
                ..all
            },
            Since::Position(asked) if self.knows(asked) => Start {
                after: asked.sequence,
                known: true,
                ..all
            },
            Since::Position(_) | Since::Unreadable => Start {
                recovered: false,
                ..all
            },
        }
    }

    /// The log has given this position, or will give the one after it next.
    // req: push-since-08
    fn knows(&self, asked: Position) -> bool {
        match asked.epoch == self.head.epoch {
            true => asked.sequence <= self.head.sequence,
            false => self.lineage.has(asked),
        }
    }

    /// The known topics, and the patterns that may have matched topics that are not known.
    // req: push-bounds-07
    fn find(&self, topics: &Topics<Arc<Record>>) -> Result<(Vec<Found>, Vec<&Pattern>), Refused> {
        let (mut found, mut unknown) = (Vec::new(), Vec::new());
        let mut left = self.scan;
        for pattern in self.patterns {
            if pattern.to_topic().is_some() {
                match topics.find(pattern.as_str()) {
                    Some(id) => found.push((id, false)),
                    None => unknown.push(pattern),
                }
                continue;
            }
            unknown.push(pattern);
            for (id, matches) in topics.candidates(pattern) {
                left = left.checked_sub(1).ok_or(Refused::TooWide)?;
                if matches {
                    found.push((id, true));
                }
            }
        }
        unknown.sort_unstable();
        unknown.dedup();
        // Of a topic that is named and matched as well, the wildcard counts.
        found.sort_unstable_by_key(|(id, wildcard)| (*id, !wildcard));
        found.dedup_by_key(|(id, _)| *id);
        Ok((found, unknown))
    }

    /// Takes records from all histories in order until the page is full.
    // req: push-order-03
    fn merge(
        &self,
        topics: &Topics<Arc<Record>>,
        found: &[Found],
        start: &Start,
        replay: &mut Replay,
    ) {
        let histories = found.iter().map(|(id, _)| &topics.get(*id).history);
        let mut parts: Vec<_> = histories
            .map(|history| history.after(start.after, start.time).peekable())
            .collect();
        let heads = parts.iter_mut().enumerate();
        let heads = heads.filter_map(|(at, part)| Some(Reverse((part.peek()?.sequence, at))));
        let mut heads: BinaryHeap<_> = heads.collect();
        let left: usize = parts.iter().map(|part| part.size_hint().0).sum();
        replay.records.reserve(left.min(self.page.records));
        let mut bytes = 0;
        while let Some(Reverse((_, at))) = heads.pop() {
            // All up to the first of another topic.
            let other = heads
                .peek()
                .map_or(u64::MAX, |Reverse((sequence, _))| *sequence);
            while let Some(record) = parts[at].next_if(|record| record.sequence < other) {
                bytes += record.size();
                let count = replay.records.len();
                if count >= self.page.records.max(1) || (count > 0 && bytes > self.page.bytes) {
                    return Self::end_page(topics, replay);
                }
                replay.records.push(Arc::clone(record));
            }
            let next = parts[at].peek();
            heads.extend(next.map(|next| Reverse((next.sequence, at))));
        }
        // What is larger than a page leaves before anything follows it.
        if bytes > self.page.bytes {
            Self::end_page(topics, replay);
        }
    }

    /// There is more than fits into this page.
    fn end_page(topics: &Topics<Arc<Record>>, replay: &mut Replay) {
        let after = replay.records.last().map_or(0, |last| last.sequence);
        let change = topics.changes();
        replay.position.sequence = after;
        replay.next = Some(Cursor { after, change });
    }

    /// Nothing is known of what came after the place to begin.
    // req: push-since-10
    fn all_gaps(&self) -> Vec<Gap> {
        let after = match self.since {
            Since::Position(position) => Some(position),
            _ => None,
        };
        let gap = |topic: &Pattern| Gap {
            topic: topic.clone(),
            after,
            next: None,
        };
        let mut patterns: Vec<_> = self.patterns.iter().collect();
        patterns.sort_unstable();
        patterns.dedup();
        patterns.into_iter().map(gap).collect()
    }

    /// What has been let go after a known position. The first page has all of it: a client that
    /// resumes from a record of that page does not ask for what came before the record.
    // req: push-order-04 push-order-05 push-since-09
    fn gaps(
        &self,
        topics: &Topics<Arc<Record>>,
        found: &[Found],
        unknown: Vec<&Pattern>,
        start: &Start,
    ) -> Vec<Gap> {
        let is_gap = |(floor, change): (u64, u64)| floor > start.after && change > start.change;
        let epoch = self.head.epoch;
        let gap = |topic: Pattern, next: Option<u64>| Gap {
            topic,
            after: Some(epoch.at(start.after)),
            next: next.map(|sequence| epoch.at(sequence)),
        };
        let known = found
            .iter()
            .map(|(id, wildcard)| (topics.get(*id), wildcard));
        // Of what there was before it became known, the gap of the wildcard says enough.
        let known = known.filter(|(it, wildcard)| !(**wildcard && it.has_common_floor()));
        let known = known.filter(|(it, _)| is_gap((it.history.floor(), it.change)));
        let known = known.map(|(it, _)| gap(it.name.to_pattern(), it.history.oldest()));
        let unknown = unknown
            .into_iter()
            .filter(|_| is_gap(topics.common_floor()));
        let unknown = unknown.map(|pattern| gap(pattern.clone(), None));
        let mut gaps: Vec<_> = known.chain(unknown).collect();
        gaps.sort_unstable_by(|one, other| one.topic.cmp(&other.topic));
        gaps
    }
}
