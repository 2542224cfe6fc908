//! What a server says with `wirebell.v1`.
//!
//! Input: a text message. Output: a [`Said`]. Invariant: what is not understood is skipped, as a
//! later server may say more.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use wirebell::Message;
use wirebell::push::Position;

/// What a server says.
pub enum Said<'s> {
    /// One message.
    Message(Envelope<'s>),
    /// What was missed.
    Replay(Vec<Envelope<'s>>, Vec<Gap<'s>>),
    /// The replay is over.
    Subscribed {
        position: Position,
        recovered: bool,
    },
    /// The server has ended subscriptions.
    Unsubscribed(Vec<Cow<'s, str>>),
    Error(Cow<'s, str>),
    Other,
}

/// A message that was published.
pub struct Envelope<'s> {
    /// As the server wrote it.
    pub json: &'s str,
    /// Topics without a history have no positions.
    pub id: Option<Position>,
    payload: Payload<'s>,
}

enum Payload<'s> {
    Text(Cow<'s, str>),
    Binary(Vec<u8>),
}

/// Messages that are gone.
#[derive(Deserialize)]
pub struct Gap<'s> {
    #[serde(borrow)]
    pub topic: Cow<'s, str>,
    #[serde(borrow)]
    pub after: Option<Cow<'s, str>>,
    #[serde(borrow)]
    pub next: Option<Cow<'s, str>>,
}

#[derive(Deserialize)]
struct Fields<'s> {
    #[serde(rename = "type", borrow)]
    kind: Cow<'s, str>,
    #[serde(borrow)]
    id: Option<Cow<'s, str>>,
    #[serde(borrow)]
    data: Option<Cow<'s, str>>,
    #[serde(borrow)]
    base64: Option<Cow<'s, str>>,
    #[serde(borrow, default)]
    messages: Vec<&'s RawValue>,
    #[serde(borrow, default)]
    gaps: Vec<Gap<'s>>,
    #[serde(borrow, default)]
    topics: Vec<Cow<'s, str>>,
    #[serde(borrow)]
    position: Option<Cow<'s, str>>,
    recovered: Option<bool>,
    #[serde(borrow)]
    message: Option<Cow<'s, str>>,
}

impl<'s> Said<'s> {
    /// Reads a message; `None` if it is not one of `wirebell.v1`.
    pub fn read(text: &'s str) -> Option<Self> {
        let fields: Fields<'s> = serde_json::from_str(text).ok()?;
        Some(match &*fields.kind {
            "message" => Self::Message(fields.envelope(text)?),
            "replay" => {
                let envelopes = fields.messages.iter().map(|raw| {
                    let fields: Fields<'s> = serde_json::from_str(raw.get()).ok()?;
                    fields.envelope(raw.get())
                });
                Self::Replay(envelopes.collect::<Option<_>>()?, fields.gaps)
            }
            "subscribed" => Self::Subscribed {
                position: fields.position?.parse().ok()?,
                recovered: fields.recovered?,
            },
            "unsubscribed" => Self::Unsubscribed(fields.topics),
            "error" => Self::Error(fields.message.unwrap_or_default()),
            _ => Self::Other,
        })
    }
}

impl<'s> Fields<'s> {
    fn envelope(self, json: &'s str) -> Option<Envelope<'s>> {
        Some(Envelope {
            json,
            id: match self.id {
                None => None,
                Some(id) => Some(id.parse().ok()?),
            },
            payload: match (self.data, self.base64) {
                (Some(text), _) => Payload::Text(text),
                (None, Some(digits)) => Payload::Binary(STANDARD.decode(&*digits).ok()?),
                (None, None) => return None,
            },
        })
    }
}

impl Envelope<'_> {
    /// The payload as it was published.
    pub fn message(&self) -> Message<'_> {
        match &self.payload {
            Payload::Text(text) => Message::text(text),
            Payload::Binary(bytes) => Message::binary(bytes),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_read_as_they_were_published() {
        let text = r#"{"type":"message","topic":"a","id":"q-4","time":"","data":"x\ny"}"#;
        let Some(Said::Message(it)) = Said::read(text) else {
            panic!("no message")
        };
        assert_eq!(it.message().as_text(), Some("x\ny"));
        assert_eq!((it.json, it.id), (text, "q-4".parse().ok()));
        let text = r#"{"type":"replay","messages":[{"type":"message","topic":"a","base64":"AP8="}],
                       "gaps":[{"topic":"a","after":null,"next":"q-3"}]}"#;
        let Some(Said::Replay(messages, gaps)) = Said::read(text) else {
            panic!("no replay")
        };
        assert_eq!(messages[0].message().bytes, [0, 0xFF]);
        assert_eq!(messages[0].id, None);
        assert!(gaps[0].after.is_none() && gaps[0].next.as_deref() == Some("q-3"));
    }

    #[test]
    fn what_a_later_server_says_is_skipped() {
        let text = r#"{"type":"weather","data":"rain"}"#;
        assert!(matches!(Said::read(text), Some(Said::Other)));
        for bad in [
            "",
            "[]",
            r#"{"type":"message","id":"q-4"}"#,
            r#"{"data":"x"}"#,
        ] {
            assert!(Said::read(bad).is_none(), "{bad}");
        }
    }
}
