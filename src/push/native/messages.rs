//! The messages of `wirebell.v1`: what a client says, and the answers to it.
//!
//! Input: a text message. Output: a [`Said`], or a problem; answers as JSON. Invariants: the `ref`
//! of a message comes back in its answer as it was written, even if nothing else of the message can
//! be used, unless it is too long; a field that a message does not have is a mistake, which is not
//! passed over.

use crate::push::broker::{Outcome, Receipt};
use crate::push::hub::{Gap, Presence, Replay};
use crate::push::json::{mend, write_string};
use crate::push::name::{Pattern, TopicName};
use crate::push::native::batch::malformed;
use crate::push::native::envelope::{gap, list, message, position};
use crate::push::native::problem::Problem;
use crate::push::native::publish::{check_key, payload, seconds, write_members};
use crate::push::position::{BadPosition, Epoch, Position, Since};
use crate::push::record::{Key, Publication};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::io::Write as _;
use std::sync::Arc;

/// Bytes of a `ref`: it is in each page of a replay, and kept while an answer waits.
const MAX_REF: usize = 1024;

/// Bytes of most envelopes besides topic and payload, to reserve memory.
const ENVELOPE: usize = 112;

/// What comes back in the answer: JSON of the client, or nothing.
pub(super) type Reference = Option<Box<str>>;

/// What a client says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Subscribe(Vec<Pattern>, Since),
    Unsubscribe(Vec<Pattern>),
    /// The owner of its key is not known here.
    Publish(Box<Publication>),
    Presence(TopicName),
    Auth(String),
}

/// The fields that are read first, whatever else is there.
#[derive(Deserialize)]
struct Head<'m> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'m, str>,
    #[serde(rename = "ref", borrow, default, deserialize_with = "present")]
    reference: Option<&'m RawValue>,
}

/// The fields of all messages.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Fields<'m> {
    #[serde(rename = "type", borrow)]
    _kind: Cow<'m, str>,
    #[serde(rename = "ref", borrow, default, deserialize_with = "present")]
    _reference: Option<&'m RawValue>,
    topics: Option<Vec<String>>,
    #[serde(borrow)]
    since: Option<Cow<'m, str>>,
    #[serde(borrow)]
    topic: Option<Cow<'m, str>>,
    data: Option<String>,
    #[serde(borrow)]
    base64: Option<Cow<'m, str>>,
    ttl: Option<u64>,
    #[serde(borrow)]
    key: Option<Cow<'m, str>>,
    token: Option<String>,
}

/// A value that is there, `null` included.
fn present<'m, D: Deserializer<'m>>(from: D) -> Result<Option<&'m RawValue>, D::Error> {
    Deserialize::deserialize(from).map(Some)
}

/// The fields that each message may have, besides `type` and `ref`.
const MESSAGES: [(&str, &[&str]); 5] = [
    ("subscribe", &["topics", "since"]),
    ("unsubscribe", &["topics"]),
    ("publish", &["topic", "data", "base64", "ttl", "key"]),
    ("presence", &["topic"]),
    ("auth", &["token"]),
];

/// Reads a message.
// req: push-v1-02 push-v1-12 push-bounds-10
pub(super) fn read(text: &str) -> (Reference, Result<Said, Problem>) {
    let text = mend(text).map_or(Cow::Borrowed(text), Cow::Owned);
    let head: Head<'_> = match serde_json::from_str(&text) {
        Ok(head) => head,
        Err(error) => return (None, Err(malformed(&error))),
    };
    let reference = head.reference.map(RawValue::get);
    if reference.is_some_and(|it| it.len() > MAX_REF) {
        let text = format!("ref has at most {MAX_REF} bytes");
        return (None, Err(Problem::malformed(text)));
    }
    let reference = reference.map(Box::from);
    let said = match MESSAGES.iter().find(|(kind, _)| *kind == head.kind) {
        Some((kind, allowed)) => serde_json::from_str(&text)
            .map_err(|error| malformed(&error))
            .and_then(|fields| said(kind, allowed, fields)),
        None => Err(Problem::malformed(
            "type is subscribe, unsubscribe, publish, presence or auth",
        )),
    };
    (reference, said)
}

fn said(kind: &str, allowed: &[&str], fields: Fields<'_>) -> Result<Said, Problem> {
    if let Some(other) = fields.names().find(|name| !allowed.contains(name)) {
        let text = format!("a message of type {kind} has no {other}");
        return Err(Problem::malformed(text));
    }
    match kind {
        "subscribe" => Ok(Said::Subscribe(fields.patterns()?, fields.since()?)),
        "unsubscribe" => Ok(Said::Unsubscribe(fields.patterns()?)),
        "presence" => Ok(Said::Presence(fields.topic()?)),
        "publish" => fields.publication().map(|it| Said::Publish(Box::new(it))),
        _ => match fields.token {
            Some(token) => Ok(Said::Auth(token)),
            None => Err(missing("token")),
        },
    }
}

fn missing(field: &str) -> Problem {
    Problem::malformed(format!("{field} is missing"))
}

impl Fields<'_> {
    /// The fields that it has.
    fn names(&self) -> impl Iterator<Item = &'static str> {
        [
            ("topics", self.topics.is_some()),
            ("since", self.since.is_some()),
            ("topic", self.topic.is_some()),
            ("data", self.data.is_some()),
            ("base64", self.base64.is_some()),
            ("ttl", self.ttl.is_some()),
            ("key", self.key.is_some()),
            ("token", self.token.is_some()),
        ]
        .into_iter()
        .filter_map(|(name, is_there)| is_there.then_some(name))
    }

    fn patterns(&self) -> Result<Vec<Pattern>, Problem> {
        let names = self.topics.as_ref().ok_or_else(|| missing("topics"))?;
        match names.is_empty() {
            true => Err(Problem::malformed("topics is empty")),
            false => names
                .iter()
                .map(|name| name.parse().map_err(Problem::from))
                .collect(),
        }
    }

    fn since(&self) -> Result<Since, Problem> {
        let since = self.since.as_ref().map(|text| text.parse());
        let since = since.unwrap_or(Ok(Since::New));
        since.map_err(|error: BadPosition| Problem::malformed(error.to_string()))
    }

    fn topic(&self) -> Result<TopicName, Problem> {
        let name = self.topic.as_ref().ok_or_else(|| missing("topic"))?;
        name.parse().map_err(Problem::from)
    }

    fn publication(self) -> Result<Publication, Problem> {
        let topic = self.topic()?;
        let payload = payload(self.data.map(Cow::Owned), self.base64)?;
        let mut publication = Publication::new(topic, payload);
        publication.ttl = self.ttl.map(seconds);
        if let Some(text) = self.key {
            check_key(&text)?;
            publication.key = Some(Key {
                owner: Arc::from(""),
                text: text.as_ref().into(),
            });
        }
        Ok(publication)
    }
}

/// The beginning of an answer.
fn begin(kind: &str, reference: Option<&str>) -> Vec<u8> {
    let mut out = Vec::with_capacity(128);
    write!(out, "{{\"type\":\"{kind}\"").expect("a vector takes everything");
    if let Some(reference) = reference {
        write!(out, ",\"ref\":{reference}").expect("a vector takes everything");
    }
    out
}

/// A part of what a subscriber missed; `None` if it missed nothing.
// req: push-v1-04
pub(super) fn replay(reference: Option<&str>, it: &Replay, epoch: Epoch) -> Option<Vec<u8>> {
    if it.records.is_empty() && it.gaps.is_empty() {
        return None;
    }
    let mut out = begin("replay", reference);
    let records = it.records.iter();
    out.reserve(records.map(|record| record.size() + ENVELOPE).sum());
    out.extend_from_slice(b",\"messages\":");
    list(&mut out, &it.records, |out, record| {
        message(out, record, epoch)
    });
    out.extend_from_slice(b",\"gaps\":");
    list(&mut out, &it.gaps, |out: &mut Vec<u8>, it: &Gap| {
        gap(out, it, false)
    });
    out.push(b'}');
    Some(out)
}

/// A subscription has begun.
pub(super) fn subscribed(
    reference: Option<&str>,
    patterns: &[Pattern],
    at: Position,
    recovered: bool,
) -> Vec<u8> {
    let mut out = begin("subscribed", reference);
    topics(&mut out, patterns);
    out.extend_from_slice(b",\"position\":");
    position(&mut out, Some(at));
    write!(out, ",\"recovered\":{recovered}}}").expect("a vector takes everything");
    out
}

/// Subscriptions have ended.
// req: push-v1-07
pub(super) fn unsubscribed(reference: Option<&str>, patterns: &[Pattern]) -> Vec<u8> {
    let mut out = begin("unsubscribed", reference);
    topics(&mut out, patterns);
    out.push(b'}');
    out
}

fn topics(out: &mut Vec<u8>, patterns: &[Pattern]) {
    out.extend_from_slice(b",\"topics\":");
    list(out, patterns, |out, pattern| {
        write_string(out, pattern.as_str())
    });
}

/// What became of a message that was to be published.
pub(super) fn outcome(reference: Option<&str>, topic: &TopicName, it: Outcome) -> Vec<u8> {
    match it {
        Ok(receipt) => published(reference, topic, &receipt),
        Err(problem) => error(reference, &problem.into()),
    }
}

/// A message was published.
// req: push-v1-08
fn published(reference: Option<&str>, topic: &TopicName, it: &Receipt) -> Vec<u8> {
    let mut out = begin("published", reference);
    out.push(b',');
    write_members(&mut out, topic, it);
    out.push(b'}');
    out
}

/// Who subscribes to a topic.
// req: push-v1-09
pub(super) fn presence(reference: Option<&str>, topic: &TopicName, it: &Presence) -> Vec<u8> {
    let mut out = begin("presence", reference);
    out.extend_from_slice(b",\"topic\":");
    write_string(&mut out, topic.as_str());
    write!(out, ",\"connections\":{},\"names\":{{", it.connections)
        .expect("a vector takes everything");
    for (at, (name, count)) in it.names.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        write_string(&mut out, name);
        write!(out, ":{count}").expect("a vector takes everything");
    }
    let end: &[u8] = if it.more { b"},\"more\":true}" } else { b"}}" };
    out.extend_from_slice(end);
    out
}

/// A token was accepted.
pub(super) fn authenticated(reference: Option<&str>, name: &str) -> Vec<u8> {
    let mut out = begin("authenticated", reference);
    out.extend_from_slice(b",\"name\":");
    write_string(&mut out, name);
    out.push(b'}');
    out
}

/// Something cannot be done.
pub(super) fn error(reference: Option<&str>, problem: &Problem) -> Vec<u8> {
    let mut out = begin("error", reference);
    out.push(b',');
    problem.write_members(&mut out);
    out.push(b'}');
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::push::record::Payload;

    fn patterns(names: &[&str]) -> Vec<Pattern> {
        names.iter().map(|name| name.parse().unwrap()).collect()
    }

    fn said(text: &str) -> Said {
        read(text).1.unwrap_or_else(|it| panic!("{text}: {it:?}"))
    }

    #[test]
    // req: push-v1-20
    fn presence_says_if_there_are_more_names() {
        let mut it = Presence {
            connections: 3,
            names: [("al".into(), 2)].into(),
            more: false,
        };
        let told = |it: &Presence| {
            let answer = presence(Some("1"), &"a".parse().unwrap(), it);
            String::from_utf8(answer).unwrap()
        };
        let begin = r#"{"type":"presence","ref":1,"topic":"a","connections":3,"names":{"al":2}"#;
        assert_eq!(told(&it), format!("{begin}}}"));
        it.more = true;
        assert_eq!(told(&it), format!("{begin},\"more\":true}}"));
    }

    #[test]
    fn every_message_is_read() {
        assert_eq!(
            said(r#"{"type":"subscribe","ref":1,"topics":["a.*","b"],"since":"q-4"}"#),
            Said::Subscribe(patterns(&["a.*", "b"]), "q-4".parse().unwrap())
        );
        assert_eq!(
            said(r#"{"topics":["a"],"type":"subscribe"}"#),
            Said::Subscribe(patterns(&["a"]), Since::New)
        );
        assert_eq!(
            said(r#"{"type":"unsubscribe","topics":["a"]}"#),
            Said::Unsubscribe(patterns(&["a"]))
        );
        assert_eq!(
            said(r#"{"type":"presence","topic":"a"}"#),
            Said::Presence("a".parse().unwrap())
        );
        assert_eq!(
            said(r#"{"type":"auth","token":"t"}"#),
            Said::Auth("t".into())
        );
        let text = r#"{"type":"publish","topic":"a","data":"x\ud800","ttl":60,"key":"k"}"#;
        let Said::Publish(it) = said(text) else {
            panic!("not a publication")
        };
        assert_eq!(it.payload, Payload::Text("x\u{fffd}".into()));
        assert_eq!(it.ttl, Some(60_000));
        assert_eq!(&*it.key.unwrap().text, "k");
        let Said::Publish(it) = said(r#"{"type":"publish","topic":"a","base64":"AP8="}"#) else {
            panic!("not a publication")
        };
        assert_eq!(it.payload, Payload::Binary(b"\x00\xff".as_slice().into()));
    }

    #[test]
    fn what_is_wrong_is_an_error_that_refers_to_its_message() {
        for text in [
            r#"{"type":"subscribe","ref":1}"#,
            r#"{"type":"subscribe","ref":1,"topics":[]}"#,
            r#"{"type":"subscribe","ref":1,"topics":["a b"]}"#,
            r#"{"type":"subscribe","ref":1,"topics":"a"}"#,
            r#"{"type":"subscribe","ref":1,"topics":["a"],"since":"x!"}"#,
            r#"{"type":"subscribe","ref":1,"topics":["a"],"topic":"a"}"#,
            r#"{"type":"subscribe","ref":1,"topics":["a"],"topcis":["a"]}"#,
            r#"{"type":"publish","ref":1,"topic":"a"}"#,
            r#"{"type":"publish","ref":1,"topic":"a","data":"x","base64":""}"#,
            r#"{"type":"publish","ref":1,"topic":"a","base64":"AP8-"}"#,
            r#"{"type":"publish","ref":1,"topic":"a","data":"x","ttl":-1}"#,
            r#"{"type":"publish","ref":1,"topic":"a","data":"x","key":""}"#,
            r#"{"type":"publish","ref":1,"topic":"a.*","data":"x"}"#,
            r#"{"type":"auth","ref":1}"#,
            r#"{"type":"dance","ref":1}"#,
            r#"{"type":"presence","ref":1,"topic":"a","topic":"b"}"#,
        ] {
            let (reference, said) = read(text);
            assert_eq!(reference.as_deref(), Some("1"), "{text}");
            assert_eq!(said.map_err(|it| it.status.code()), Err(400), "{text}");
        }
        let deep = "[".repeat(1 << 20);
        let long = format!("{{\"type\":\"auth\",\"ref\":{}}}", "1".repeat(1 << 20));
        for text in [
            "",
            "[]",
            "null",
            "{",
            r#"{"ref":1}"#,
            r#"{"type":1}"#,
            &deep,
        ] {
            let (reference, said) = read(text);
            assert!(reference.is_none() && said.is_err(), "{:.20}", text);
        }
        assert!(read(&long).1.is_err());
    }

    #[test]
    // req: push-v1-02
    fn references_come_back_as_they_were_written() {
        for reference in ["1", "\"a\\u0041\"", "null", "{\"a\": [1, 2.50]}"] {
            let text = format!("{{\"type\":\"auth\",\"ref\":{reference},\"token\":\"t\"}}");
            let (back, _) = read(&text);
            assert_eq!(back.as_deref(), Some(reference));
        }
        let error = error(Some("[1]"), &Problem::malformed("no \"x\""));
        assert_eq!(
            String::from_utf8(error).unwrap(),
            r#"{"type":"error","ref":[1],"error":"malformed","message":"no \"x\""}"#
        );
    }
}
