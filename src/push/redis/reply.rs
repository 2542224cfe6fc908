//! What scripts and reads of the stream answer, as values of ours.
//!
//! ```text
//!   94-0   n NODE q BATCH t TIME r RECORDS o OUTCOMES              records 93 and 94
//!   94-1   e EPOCH m 94 b 94 l 0                                   a new epoch
//!   94-2   v 1token:…                                              a revocation
//! ```
//!
//! Input: values of the client. Output: entries. Invariants: the id of an entry with records is the
//! number of its last one; whatever else an entry has, it is something unknown, never an error.

use crate::push::hub::Break;
use crate::push::redis::record::split;
use redis::Value;

/// The id of an entry: the last sequence number up to there, and what has come after it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Id {
    pub(super) sequence: u64,
    pub(super) sub: u64,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    pub(super) id: Id,
    pub(super) what: What,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    Batch(Batch),
    Mark(Break),
    /// What was revoked, or is no longer.
    Revocation(bool, String),
    Unknown,
}

/// Publications that a node has appended at once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Batch {
    pub(super) node: String,
    pub(super) number: u64,
    pub(super) time: u64,
    /// Those that were new.
    pub(super) records: Vec<Vec<u8>>,
    /// Of all, if some were not new.
    pub(super) outcomes: Option<Vec<Fate>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    New,
    /// It is this record.
    Repeated(u64),
    KeyReused,
}

/// The answer to a node that connects.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Opened {
    /// What identifies the server as it is now.
    pub(super) life: String,
    pub(super) head: u64,
    /// How each epoch began, the last one the present.
    pub(super) epochs: Vec<Break>,
    pub(super) revoked: Vec<String>,
}

impl Opened {
    /// `None` if it is something else.
    pub(super) fn read(value: Value) -> Option<Self> {
        let mut parts = array(value)?.into_iter();
        let (life, head) = (text(parts.next()?)?, text(parts.next()?)?);
        let epochs = array(parts.next()?)?.into_iter();
        let revoked = array(parts.next()?)?.into_iter();
        let epochs: Option<Vec<_>> = epochs.map(|it| read_epoch(&text(it)?)).collect();
        Some(Self {
            life,
            head: head.parse().ok()?,
            epochs: epochs.filter(|it| !it.is_empty())?,
            revoked: revoked.filter_map(text).collect(),
        })
    }
}

fn read_epoch(text: &str) -> Option<Break> {
    let mut parts = text.split(' ');
    Some(Break {
        epoch: parts.next()?.parse().ok()?,
        end: parts.next()?.parse().ok()?,
        begin: parts.next()?.parse().ok()?,
        lost: parts.next()? == "1",
    })
}

/// The life and the epoch in the answer to a check.
pub(super) fn read_check(value: Value) -> Option<(String, String)> {
    let mut parts = array(value)?.into_iter();
    Some((text(parts.next()?)?, text(parts.next()?)?))
}

/// The entries that a read of one stream answers.
pub(super) fn read_items(value: Value) -> Vec<Item> {
    let streams = array(value).unwrap_or_default();
    let entries = streams.into_iter().filter_map(|it| array(it)?.pop());
    let entries = entries.filter_map(array).flatten();
    entries.filter_map(read_item).collect()
}

fn read_item(value: Value) -> Option<Item> {
    let mut parts = array(value)?.into_iter();
    let id = text(parts.next()?)?;
    let (sequence, sub) = id.split_once('-')?;
    let id = Id {
        sequence: sequence.parse().ok()?,
        sub: sub.parse().ok()?,
    };
    let fields = array(parts.next()?)?;
    let what = read_what(fields).unwrap_or(What::Unknown);
    Some(Item { id, what })
}

fn read_what(fields: Vec<Value>) -> Option<What> {
    let mut batch = Batch::default();
    let mut mark = [None, None, None, None];
    let mut fields = fields.into_iter();
    while let (Some(name), Some(value)) = (fields.next(), fields.next()) {
        match &*text(name)? {
            "r" => {
                let bytes = bytes(value)?;
                let records = split(&bytes)?.into_iter();
                batch.records = records.map(<[u8]>::to_vec).collect();
            }
            "n" => batch.node = text(value)?,
            "q" => batch.number = text(value)?.parse().ok()?,
            "t" => batch.time = text(value)?.parse().ok()?,
            "o" => batch.outcomes = read_outcomes(&text(value)?)?,
            "e" => mark[0] = Some(text(value)?),
            "m" => mark[1] = Some(text(value)?),
            "b" => mark[2] = Some(text(value)?),
            "l" => mark[3] = Some(text(value)?),
            "v" => {
                let text = text(value)?;
                let what = text.get(1..)?.to_owned();
                return Some(What::Revocation(text.starts_with('1'), what));
            }
            _ => return None,
        }
    }
    if let [Some(epoch), Some(end), Some(begin), Some(lost)] = mark {
        let text = format!("{epoch} {end} {begin} {lost}");
        return read_epoch(&text).map(What::Mark);
    }
    (!batch.node.is_empty()).then_some(What::Batch(batch))
}

/// Of an empty text none: all publications were new.
fn read_outcomes(text: &str) -> Option<Option<Vec<Fate>>> {
    if text.is_empty() {
        return Some(None);
    }
    let fate = |part: &str| match part {
        "+" => Some(Fate::New),
        "x" => Some(Fate::KeyReused),
        number => number.parse().ok().map(Fate::Repeated),
    };
    let fates: Option<Vec<_>> = text.split(' ').map(fate).collect();
    fates.map(Some)
}

fn array(value: Value) -> Option<Vec<Value>> {
    match value {
        Value::Array(values) => Some(values),
        _ => None,
    }
}

fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        Value::SimpleString(text) => Some(text.into_bytes()),
        _ => None,
    }
}

fn text(value: Value) -> Option<String> {
    match value {
        Value::Int(number) => Some(number.to_string()),
        other => String::from_utf8(bytes(other)?).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.into())
    }

    fn item(id: &str, fields: &[&str]) -> Option<Item> {
        let fields = fields.iter().map(|it| bulk(it)).collect();
        read_item(Value::Array(vec![bulk(id), Value::Array(fields)]))
    }

    #[test]
    fn entries_of_each_kind() {
        let records = "\u{3}\0\0\0one\u{3}\0\0\0two";
        let fields = ["n", "x", "q", "7", "t", "5", "r", records, "o", ""];
        let read = item("94-0", &fields).unwrap();
        let id = |sequence, sub| Id { sequence, sub };
        assert_eq!(read.id, id(94, 0));
        let What::Batch(batch) = read.what else {
            panic!("{read:?}");
        };
        assert_eq!((&*batch.node, batch.number, batch.time), ("x", 7, 5));
        assert_eq!(batch.records, [b"one", b"two"]);
        assert_eq!(batch.outcomes, None);
        let read = item("94-1", &["n", "x", "q", "8", "t", "5", "o", "12 x"]).unwrap();
        let What::Batch(batch) = read.what else {
            panic!("{read:?}");
        };
        assert_eq!(
            batch.outcomes,
            Some(vec![Fate::Repeated(12), Fate::KeyReused])
        );
        let read = item("94-2", &["e", "abc", "m", "94", "b", "100", "l", "1"]).unwrap();
        let mark = Break {
            end: 94,
            epoch: "abc".parse().unwrap(),
            begin: 100,
            lost: true,
        };
        assert_eq!(read.what, What::Mark(mark));
        let read = item("94-3", &["v", "1token:ab"]).unwrap();
        assert_eq!(read.what, What::Revocation(true, "token:ab".into()));
    }

    #[test]
    fn what_is_not_known_is_no_error() {
        for fields in [
            &["z", "1"][..],
            &[],
            &["e", "A b"],
            &["q", "x"],
            &["v", ""],
            &["n"],
        ] {
            assert_eq!(
                item("1-1", fields).unwrap().what,
                What::Unknown,
                "{fields:?}"
            );
        }
        assert_eq!(item("x", &[]), None);
        assert_eq!(read_items(Value::Nil), []);
        assert_eq!(Opened::read(Value::Okay), None);
        assert_eq!(read_check(Value::Array(vec![])), None);
    }

    #[test]
    fn the_answer_to_a_node_that_connects() {
        let epochs = Value::Array(vec![bulk("a 0 0 0"), bulk("b 94 100 1")]);
        let revoked = Value::Array(vec![bulk("subject:eve")]);
        let value = Value::Array(vec![bulk("f00"), bulk("120"), epochs, revoked]);
        let opened = Opened::read(value).unwrap();
        assert_eq!((&*opened.life, opened.head), ("f00", 120));
        assert_eq!(opened.epochs.len(), 2);
        assert_eq!(opened.revoked, ["subject:eve"]);
    }
}
