//! `$stats`: what the server does, once a second, as a topic that others can follow.
//!
//! Input: the counters of each worker, the broker, the memory of the loops. Output: one JSON
//! object, and the counters for other reports. Invariant: a report is built by one worker, and only
//! if the topic has subscribers.

use crate::net::{Context, Counters, Latency, SocketCounts};
use crate::proto::Millis;
use crate::push::broker::{Answer, Broker, BrokerStats, TopicStats};
use crate::push::name::TopicName;
use crate::push::record::{Payload, Publication};
use crate::push::tally::Totals;
use crate::push::time::rfc3339;
use serde::Serialize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// The topic.
pub(super) const STATS: &str = "$stats";

/// Topics in one report: as many as a page can show.
const TOPICS: usize = 100;

/// Milliseconds between two reports: a second, or a little less, as workers look every half.
const PERIOD: u64 = 900;

/// What each worker has counted, for the one that reports.
#[derive(Debug)]
pub(super) struct Board {
    workers: Mutex<Vec<Told>>,
    /// Unix time in milliseconds.
    pub(super) started: u64,
}

/// What one worker has counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Told {
    pub(super) counters: Counters,
    pub(super) sockets: SocketCounts,
    /// From the publication of a message until it is written.
    pub(super) latency: Latency,
    /// How late its timers were.
    pub(super) lag: Latency,
    pub(super) receipts: Totals,
    /// When it last reported, on the clock that all workers have in common.
    pub(super) at: Millis,
    /// How often it has reported with its timer.
    pub(super) times: u64,
}

/// Milliseconds without a report of a worker after which it counts as stuck. It reports twice a
/// second.
pub(super) const SILENCE_MS: Millis = 3_000;

impl Board {
    /// For this many workers, which start at `now`, a Unix time in milliseconds.
    pub(super) fn new(workers: usize, now: u64) -> Self {
        Self {
            workers: Mutex::new(vec![Told::default(); workers]),
            started: now,
        }
    }

    /// A worker reports what it has counted. `lag` is how late it is, if a timer was due.
    pub(super) fn tell(&self, context: &Context<'_>, receipts: Totals, lag: Option<Millis>) {
        let mut workers = self.lock();
        let number = context.worker();
        if workers.len() <= number {
            workers.resize(number + 1, Told::default());
        }
        let told = &mut workers[number];
        told.counters = context.counters();
        told.sockets = context.socket_counts();
        told.latency = context.latency();
        told.receipts = receipts;
        told.at = context.now();
        if let Some(lag) = lag {
            told.lag.record(Duration::from_millis(lag));
            told.times += 1;
        }
    }

    /// The last report of each worker.
    pub(super) fn told(&self) -> Vec<Told> {
        self.lock().clone()
    }

    /// The first worker that has not reported for too long, and for how long. That counts up to the
    /// last report of `worker`, which asks: a process that was suspended is not stuck.
    pub(super) fn stuck(&self, worker: usize) -> Option<(usize, Millis)> {
        let workers = self.lock();
        let now = workers.get(worker).map_or(0, |told| told.at);
        let silent = workers.iter().map(|told| now.saturating_sub(told.at));
        silent.enumerate().find(|(_, ms)| *ms > SILENCE_MS)
    }

    fn sum(&self) -> Counters {
        self.lock().iter().map(|told| told.counters).sum()
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Told>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Reports once a second, if the topic has subscribers.
#[derive(Debug)]
pub(super) struct Reporter {
    topic: TopicName,
    started: u64,
    /// When the last report was made.
    last: u64,
}

/// The memory of the loops.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory {
    pub(super) used: usize,
    pub(super) budget: usize,
}

#[derive(Serialize)]
struct Report<'r> {
    time: String,
    uptime: u64,
    connections: u64,
    subscribers: usize,
    published: f64,
    delivered: f64,
    topics: Vec<Topic<'r>>,
    topics_total: usize,
    dropped: Dropped,
    memory: Used,
}

#[derive(Serialize)]
struct Topic<'r> {
    topic: &'r str,
    published: f64,
    subscribers: usize,
    messages: usize,
    bytes: usize,
}

/// Since the start.
#[derive(Serialize)]
struct Dropped {
    /// Messages that a policy dropped for slow subscribers.
    overflow: u64,
    /// Connections that were too slow.
    slow: u64,
    /// Connections that were closed for lack of memory.
    memory: u64,
}

#[derive(Serialize)]
struct Used {
    used: usize,
    budget: usize,
    history: usize,
}

impl Reporter {
    pub(super) fn new(now: u64) -> Self {
        Self {
            topic: STATS.parse().expect("a topic"),
            started: now,
            last: now,
        }
    }

    /// Publishes a report if one is due.
    // req: push-bounds-04
    pub(super) fn report(&mut self, broker: &Broker, board: &Board, memory: Memory) {
        let now = broker.now();
        let elapsed = now.saturating_sub(self.last);
        if elapsed < PERIOD {
            return;
        }
        self.last = now;
        let presence = broker.presence(&self.topic);
        let stats = broker.stats(if presence.connections > 0 { TOPICS } else { 0 });
        if presence.connections == 0 {
            return;
        }
        let report = self.json(
            now,
            elapsed,
            &stats,
            board.sum(),
            memory,
            broker.connections(),
        );
        let report = serde_json::to_string(&report).expect("plain values");
        let publication = Publication::new(self.topic.clone(), Payload::from(report));
        // If the workers are busy, the next one will do.
        let _ = broker.publish(vec![publication], Answer::Call(Box::new(drop)));
    }

    fn json<'s>(
        &self,
        now: u64,
        elapsed: u64,
        stats: &'s BrokerStats,
        counters: Counters,
        memory: Memory,
        subscribers: usize,
    ) -> Report<'s> {
        let rate = |count: u64| rate(count, elapsed);
        let topic = |it: &'s TopicStats| Topic {
            topic: it.topic.as_str(),
            published: rate(it.published),
            subscribers: it.subscribers,
            messages: it.messages,
            bytes: it.bytes,
        };
        let own = stats.topics.iter().filter(|it| it.topic.is_reserved());
        let own = own.count();
        let others = stats.topics.iter().filter(|it| !it.topic.is_reserved());
        Report {
            time: rfc3339(now),
            uptime: now.saturating_sub(self.started) / 1000,
            connections: (counters.accepted + counters.dialled).saturating_sub(counters.ended),
            subscribers,
            published: rate(stats.published),
            delivered: rate(stats.delivered),
            topics: others.map(topic).collect(),
            topics_total: stats.topics_total.saturating_sub(own),
            dropped: Dropped {
                overflow: counters.dropped,
                slow: counters.overflowed,
                memory: counters.shed,
            },
            memory: Used {
                used: memory.used,
                budget: memory.budget,
                history: stats.history_bytes,
            },
        }
    }
}

/// Of a second, with one decimal: one message in ten seconds is not none.
fn rate(count: u64, ms: u64) -> f64 {
    (count as f64 * 10_000.0 / ms.max(1) as f64).round() / 10.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_have_one_decimal() {
        for (count, ms, expected) in [
            (0, 1_000, "0.0"),
            (3, 1_000, "3.0"),
            (1, 900, "1.1"),
            (2, 1_049, "1.9"),
            (1_000_000, 999, "1001001.0"),
            (1, 0, "1000.0"),
        ] {
            let text = serde_json::to_string(&rate(count, ms)).unwrap();
            assert_eq!(text, expected, "{count} in {ms}");
        }
    }
}
