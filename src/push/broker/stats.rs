//! What a broker says of itself, once a second, to those who want to know.
//!
//! Input: the hub and the rates. Output: plain values. Invariant: it costs nothing until it is
//! wanted, and then at most a look at all topics.

use crate::net::Latency;
use crate::push::broker::turn::State;
use crate::push::name::TopicName;

/// What a broker has done since the last time, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerStats {
    /// Messages.
    pub published: u64,
    /// Copies of them for subscribers.
    pub delivered: u64,
    /// The busiest topics first, then others that are known: at most as many as were asked for.
    pub topics: Vec<TopicStats>,
    /// Topics that have a history or are subscribed to by name.
    pub topics_total: usize,
    /// Bytes that topics and their histories take.
    pub history_bytes: usize,
}

/// What is known of one topic.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopicStats {
    /// Its name.
    pub topic: TopicName,
    /// Messages since the last time.
    pub published: u64,
    /// Connections.
    pub subscribers: usize,
    /// Messages of its history.
    pub messages: usize,
    /// Bytes of their payloads.
    pub bytes: usize,
}

/// What a broker has done since its start, and what it holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct BrokerTotals {
    /// Messages.
    pub published: u64,
    /// Copies of them for subscribers.
    pub delivered: u64,
    /// Connections that subscribe to anything.
    pub subscribers: usize,
    /// Topics that have a history or are subscribed to by name.
    pub topics: usize,
    /// Bytes that topics and their histories take.
    pub history_bytes: usize,
    /// What histories and the log take together of the memory budget.
    pub held_bytes: usize,
    /// From the append of a batch to the answer of the log, if that came later.
    pub commits: Latency,
}

/// What has happened since the start.
pub(super) fn totals(state: &State) -> BrokerTotals {
    let [published, delivered] = state.rates.totals();
    BrokerTotals {
        published,
        delivered,
        subscribers: state.hub.connections(),
        topics: state.hub.topics(),
        history_bytes: state.hub.history_bytes(),
        held_bytes: state.charged,
        commits: state.commits,
    }
}

/// What has happened since the last call, with at most `most` topics.
pub(super) fn collect(state: &mut State, most: usize) -> BrokerStats {
    let (rates, busy) = state.rates.take(most > 0);
    let mut topics: Vec<_> = busy.into_iter().take(most).collect();
    let known = state.hub.known(most).into_iter();
    let quiet = known.filter(|known| !topics.iter().any(|(topic, _)| topic == known));
    let quiet: Vec<_> = quiet.map(|topic| (topic, 0)).collect();
    topics.extend(quiet);
    topics.truncate(most);
    let topics = topics.into_iter();
    BrokerStats {
        published: rates.published,
        delivered: rates.delivered,
        topics: topics.map(|(topic, n)| of_topic(state, topic, n)).collect(),
        topics_total: state.hub.topics(),
        history_bytes: state.hub.history_bytes(),
    }
}

fn of_topic(state: &mut State, topic: TopicName, published: u64) -> TopicStats {
    let (messages, bytes) = state.hub.history_of(&topic);
    TopicStats {
        published,
        subscribers: state.hub.look_up(&topic).0.subscribers,
        messages,
        bytes,
        topic,
    }
}
