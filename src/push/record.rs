//! What is published, before and after the log has ordered it.
//!
//! ```text
//!   Publication ──▶ Log: sequence and time ──▶ Record, shared by history, mail and queues
//! ```
//!
//! Input: what a dialect has read. Output: plain values. Invariant: a text is UTF-8, by its type.
//! How a record is written on a wire is left to the dialects.

use crate::proto::Message;
use crate::push::name::TopicName;
use crate::push::position::{Epoch, Position};
use crate::push::tally::Tally;
use crate::wire::MessageKind;
use std::sync::Arc;

/// What is to be published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The topic to publish to.
    pub topic: TopicName,
    /// What subscribers get.
    pub payload: Payload,
    /// Milliseconds after which it is no longer replayed; 0: it never is.
    pub ttl: Option<u64>,
    /// Makes a repetition harmless, also for an ephemeral topic.
    pub key: Option<Key>,
    /// Counts its receipts. Of no effect for a repetition.
    pub(super) tally: Option<Tally>,
}

/// The content of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Payload {
    /// UTF-8.
    Text(Box<str>),
    /// Any bytes.
    Binary(Box<[u8]>),
}

/// An idempotency key: a publication with the same one is the same publication.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// The name of the token that it was published with; empty without tokens.
    pub owner: Arc<str>,
    /// What the publisher has chosen.
    pub text: Arc<str>,
}

/// A publication that has its place in the order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its place among all records of the log, from 1; 0 if its topic is ephemeral.
    pub sequence: u64,
    /// When it was published: a Unix time in milliseconds, never less than that of the record
    /// before it.
    pub time: u64,
    /// From this Unix time in milliseconds on it is not replayed.
    pub expires: Option<u64>,
    /// Where to.
    pub topic: TopicName,
    /// What subscribers get.
    pub payload: Payload,
}

impl Publication {
    /// A publication without a TTL and a key.
    pub fn new(topic: TopicName, payload: Payload) -> Self {
        Self {
            topic,
            payload,
            ttl: None,
            key: None,
            tally: None,
        }
    }

    /// The record at this place and time.
    pub fn into_record(self, sequence: u64, time: u64) -> Record {
        Record {
            sequence,
            time,
            expires: self.ttl.map(|ttl| time.saturating_add(ttl)),
            topic: self.topic,
            payload: self.payload,
        }
    }
}

impl From<Message<'_>> for Payload {
    fn from(message: Message<'_>) -> Self {
        match message.as_text() {
            Some(text) => Self::Text(text.into()),
            None => Self::Binary(message.bytes.into()),
        }
    }
}

impl Payload {
    /// A payload of this kind; `None` for a text that is not UTF-8.
    pub fn new(kind: MessageKind, bytes: Vec<u8>) -> Option<Self> {
        match kind {
            MessageKind::Text => {
                let text = String::from_utf8(bytes).ok()?;
                Some(Self::Text(text.into()))
            }
            MessageKind::Binary => Some(Self::Binary(bytes.into())),
        }
    }

    /// Text or binary.
    pub fn kind(&self) -> MessageKind {
        match self {
            Self::Text(_) => MessageKind::Text,
            Self::Binary(_) => MessageKind::Binary,
        }
    }

    /// The content, of either kind.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }

    /// The content of a text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    /// The WebSocket message that has this payload.
    pub fn message(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::text(text),
            Self::Binary(bytes) => Message::binary(bytes),
        }
    }
}

impl From<&str> for Payload {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Payload {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes.into())
    }
}

impl Record {
    /// Its position in the log of this epoch; `None` if its topic is ephemeral.
    pub fn position(&self, epoch: Epoch) -> Option<Position> {
        (self.sequence > 0).then(|| epoch.at(self.sequence))
    }

    /// Its TTL has ended.
    // req: push-publish-07
    pub fn has_expired(&self, now: u64) -> bool {
        self.expires.is_some_and(|expires| expires <= now)
    }

    /// Bytes of its payload and its name.
    pub fn size(&self) -> usize {
        self.payload.bytes().len() + self.topic.as_str().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_utf_8() {
        let text = Payload::new(MessageKind::Text, b"caf\xC3\xA9".to_vec()).unwrap();
        assert_eq!(
            (text.text(), text.kind()),
            (Some("café"), MessageKind::Text)
        );
        assert_eq!(text.message(), Message::text("café"));
        assert_eq!(Payload::new(MessageKind::Text, b"\xC3".to_vec()), None);
        let binary = Payload::new(MessageKind::Binary, b"\xC3".to_vec()).unwrap();
        assert_eq!((binary.text(), binary.bytes()), (None, &b"\xC3"[..]));
    }

    #[test]
    fn a_record_expires_at_its_time() {
        let topic: TopicName = "a".parse().unwrap();
        let epoch = "e".parse().unwrap();
        let mut publication = Publication::new(topic, "x".into());
        assert!(!publication.clone().into_record(1, 5).has_expired(u64::MAX));
        publication.ttl = Some(10);
        let record = publication.clone().into_record(0, 5);
        assert_eq!(record.position(epoch), None);
        assert!(!record.has_expired(14) && record.has_expired(15));
        publication.ttl = Some(u64::MAX);
        assert_eq!(
            publication.into_record(7, 5).position(epoch),
            Some(epoch.at(7))
        );
    }
}
