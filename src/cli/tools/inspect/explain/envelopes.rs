//! What the messages of `wirebell.v1` mean: topics, positions, and what a resume has recovered.
//!
//! Input: a whole text message, and who sent it. Output: lines of text, one for each fact.
//! Invariant: every text has at least one line; one that cannot be read is said to be none.
//! Whether the subprotocol was negotiated is left to `head`.

use crate::cli::tools::inspect::args::Side;
use crate::cli::tools::inspect::model::Text;
use serde::Deserialize;
use std::collections::BTreeMap;
use wirebell::push::Since;
use wirebell::push::native::ENVELOPES;

/// The fields that say something about topics, of all messages.
#[derive(Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    topics: Vec<String>,
    topic: Option<String>,
    since: Option<String>,
    position: Option<String>,
    id: Option<String>,
    recovered: Option<bool>,
    #[serde(default)]
    messages: Vec<Replayed>,
    #[serde(default)]
    gaps: Vec<Gap>,
    after: Option<String>,
    next: Option<String>,
    subscribers: Option<u64>,
    connections: Option<u64>,
    names: Option<BTreeMap<String, u64>>,
    error: Option<String>,
    message: Option<String>,
}

/// A message of a replay.
#[derive(Deserialize)]
struct Replayed {
    id: Option<String>,
}

#[derive(Deserialize)]
struct Gap {
    topic: String,
    after: Option<String>,
    next: Option<String>,
}

/// What a message says.
pub fn said(text: &str, from: Side) -> Vec<Text> {
    let read = serde_json::from_str::<Envelope>(text);
    let facts = read.ok().and_then(|it| match from {
        Side::Client => it.asked().map(|fact| vec![fact]),
        Side::Server => it.answered(),
    });
    let facts = facts.unwrap_or_else(|| vec![format!("this is no message of {ENVELOPES}")]);
    facts.into_iter().map(Text::from).collect()
}

impl Envelope {
    /// What a client asks for.
    fn asked(&self) -> Option<String> {
        let topics = self.topics.join(", ");
        Some(match (&*self.kind, &self.topic) {
            ("subscribe", _) => format!("subscribes to {topics}, {}", begin(self.since.as_deref())),
            ("unsubscribe", _) => format!("ends its subscription to {topics}"),
            ("publish", Some(topic)) => format!("publishes to {topic}"),
            ("presence", Some(topic)) => format!("asks who is subscribed to {topic}"),
            ("auth", _) => "says with its token who it is".into(),
            _ => return None,
        })
    }

    /// What a server says.
    fn answered(self) -> Option<Vec<String>> {
        let topics = self.topics.join(", ");
        let at = self.id.as_ref().or(self.position.as_ref());
        let at = at.map_or("without a position".into(), |at| format!("at {at}"));
        let fact = match (&*self.kind, &self.topic) {
            ("replay", _) => return Some(self.replay()),
            ("subscribed", _) => {
                let recovered = match self.recovered {
                    Some(true) => "recovered: nothing is missing",
                    _ => "not recovered: messages are missing",
                };
                format!("subscribed to {topics} {at}; {recovered}")
            }
            ("unsubscribed", _) => format!("no longer subscribed to {topics}"),
            ("message", Some(topic)) => format!("a message of {topic} {at}"),
            ("gap", Some(topic)) => gap(topic, self.after.as_deref(), self.next.as_deref()),
            ("published", Some(topic)) => {
                let subscribers = self.subscribers.unwrap_or_default();
                format!("published to {topic} {at}; subscribers: {subscribers}")
            }
            ("presence", Some(topic)) => {
                let names = self.names.unwrap_or_default().into_keys();
                let names: String = names.map(|name| format!(", {name}")).collect();
                let connections = self.connections.unwrap_or_default();
                format!("subscribed to {topic}: connections: {connections}{names}")
            }
            ("error", _) => {
                let what = self.message.unwrap_or_default();
                format!("refused: {}: {what}", self.error?)
            }
            _ => return None,
        };
        Some(vec![fact])
    }

    /// What came before a subscription, and what of it is gone.
    fn replay(self) -> Vec<String> {
        let id = |it: Option<&Replayed>| it.and_then(|it| it.id.clone()).unwrap_or_default();
        let replayed = match &*self.messages {
            [] => "a replay of no messages".to_owned(),
            [one] => format!("a replay of the message at {}", id(Some(one))),
            many => format!(
                "a replay of {} messages, from {} to {}",
                many.len(),
                id(many.first()),
                id(many.last())
            ),
        };
        let gaps = self.gaps.iter();
        let gaps = gaps.map(|it| gap(&it.topic, it.after.as_deref(), it.next.as_deref()));
        [replayed].into_iter().chain(gaps).collect()
    }
}

/// Where a subscription begins.
fn begin(since: Option<&str>) -> String {
    let Some(since) = since else {
        return "from now on".into();
    };
    match since.parse() {
        Ok(Since::New) => "from now on".into(),
        Ok(Since::All) => "with everything that is kept".into(),
        Ok(Since::Position(_)) => format!("resuming after {since}"),
        _ => format!("since {since}"),
    }
}

fn gap(topic: &str, after: Option<&str>, next: Option<&str>) -> String {
    let after = after.map_or(String::new(), |after| format!(" after {after}"));
    let next = next.map_or(String::new(), |next| format!(" before {next}"));
    format!("a gap in {topic}: messages{after}{next} are gone")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_has_its_meaning() {
        let rows = [
            (
                r#"{"type":"subscribe","topics":["a.*","b"],"since":"q-3"}"#,
                "subscribes to a.*, b, resuming after q-3",
            ),
            (
                r#"{"type":"subscribe","ref":{"n":[1]},"topics":["a"]}"#,
                "subscribes to a, from now on",
            ),
            (
                r#"{"type":"subscribe","topics":["a"],"since":"all"}"#,
                "subscribes to a, with everything that is kept",
            ),
            (
                r#"{"type":"subscribe","topics":["a"],"since":"10m"}"#,
                "subscribes to a, since 10m",
            ),
            (
                r#"{"type":"unsubscribe","topics":["a"]}"#,
                "ends its subscription to a",
            ),
            (
                r#"{"type":"publish","topic":"a","data":"x"}"#,
                "publishes to a",
            ),
            (
                r#"{"type":"presence","topic":"a"}"#,
                "asks who is subscribed to a",
            ),
            (
                r#"{"type":"auth","token":"t"}"#,
                "says with its token who it is",
            ),
        ];
        for (text, fact) in rows {
            assert_eq!(said(text, Side::Client), [fact], "{text}");
        }
    }

    #[test]
    fn each_answer_has_its_meaning() {
        let rows: [(&str, &[&str]); 9] = [
            (
                r#"{"type":"replay","messages":[{"id":"q-4"},{"id":"q-7"}],"gaps":[
                    {"topic":"a","after":"q-1","next":"q-4"},
                    {"topic":"b.*","after":"x-1","next":null}]}"#,
                &[
                    "a replay of 2 messages, from q-4 to q-7",
                    "a gap in a: messages after q-1 before q-4 are gone",
                    "a gap in b.*: messages after x-1 are gone",
                ],
            ),
            (
                r#"{"type":"replay","messages":[{"id":"q-4"}],"gaps":[]}"#,
                &["a replay of the message at q-4"],
            ),
            (
                r#"{"type":"subscribed","topics":["a"],"position":"q-7","recovered":true}"#,
                &["subscribed to a at q-7; recovered: nothing is missing"],
            ),
            (
                r#"{"type":"subscribed","topics":["a"],"position":"q-7","recovered":false}"#,
                &["subscribed to a at q-7; not recovered: messages are missing"],
            ),
            (
                r#"{"type":"message","topic":"a","id":"q-8","time":"","base64":""}"#,
                &["a message of a at q-8"],
            ),
            (
                r#"{"type":"message","topic":"a","time":"","data":"x"}"#,
                &["a message of a without a position"],
            ),
            (
                r#"{"type":"published","topic":"a","id":"q-9","subscribers":2}"#,
                &["published to a at q-9; subscribers: 2"],
            ),
            (
                r#"{"type":"presence","topic":"a","connections":3,"names":{"al":2}}"#,
                &["subscribed to a: connections: 3, al"],
            ),
            (
                r#"{"type":"error","error":"forbidden","message":"no"}"#,
                &["refused: forbidden: no"],
            ),
        ];
        for (text, facts) in rows {
            assert_eq!(said(text, Side::Server), facts, "{text}");
        }
    }

    #[test]
    fn what_is_no_message_of_the_subprotocol() {
        for text in ["", "x", "[]", "{}", r#"{"type":"dance"}"#] {
            for from in [Side::Client, Side::Server] {
                assert_eq!(
                    said(text, from),
                    ["this is no message of wirebell.v1"],
                    "{text}"
                );
            }
        }
    }
}
