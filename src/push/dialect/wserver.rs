//! The dialect of wserver: JSON in, plain text out.
//!
//! A client sends `{"token", "event"}` over its WebSocket and never gets an answer; a publisher
//! posts `{"userId", "event", "message"}` and is told how many got it. Names of fields compare
//! without case, unknown fields are ignored, and what follows the first JSON value too. As an
//! extension, `event` in a registration may be a list.

use serde::de::{Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, de};
use std::borrow::Cow;
use std::fmt;

/// The answer to a body that is no publication.
pub const ILLEGAL: &str = "request data illegal";

/// Fields of all the objects of this dialect, as far as they were there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Fields {
    token: String,
    user_id: String,
    event: Vec<String>,
    message: String,
    is_list: bool,
}

/// A wish to receive the pushes to the owner of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// Who registers.
    pub token: String,
    /// What for: at least one, none empty.
    pub events: Vec<String>,
}

/// A message for the connections of a user that have registered for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// For whom.
    pub user: String,
    /// For which event.
    pub event: String,
    /// The payload, delivered as it is.
    pub message: String,
}

/// A wish to close the connections of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropping {
    /// Whose.
    pub user: String,
    /// Only those registered for this event, or all.
    pub event: Option<String>,
}

impl Registration {
    /// Reads a WebSocket message, text or binary; `None` if it is no registration.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let Fields {
            token,
            event: events,
            ..
        } = Fields::read(bytes)?;
        let valid = !token.is_empty() && !events.is_empty() && !events.iter().any(String::is_empty);
        valid.then_some(Self { token, events })
    }
}

impl Publication {
    /// Reads the body of a request; `None` if a field is missing or empty.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::read(bytes).filter(|fields| !fields.is_list)?;
        let event = fields.event.into_iter().next()?;
        let valid = ![&fields.user_id, &event, &fields.message]
            .iter()
            .any(|text| text.is_empty());
        valid.then_some(Self {
            user: fields.user_id,
            event,
            message: fields.message,
        })
    }
}

impl Dropping {
    /// Reads the body of a request; `None` if it names no user.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::read(bytes).filter(|fields| !fields.is_list)?;
        let event = fields
            .event
            .into_iter()
            .next()
            .filter(|event| !event.is_empty());
        (!fields.user_id.is_empty()).then_some(Self {
            user: fields.user_id,
            event,
        })
    }
}

impl Fields {
    /// The first JSON value in `bytes`, if it is an object whose known fields are strings.
    fn read(bytes: &[u8]) -> Option<Self> {
        let mut deserializer = serde_json::Deserializer::from_slice(bytes);
        Self::deserialize(&mut deserializer).ok()
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            let text = |map: &mut A| {
                map.next_value::<Option<String>>()
                    .map(Option::unwrap_or_default)
            };
            if key.eq_ignore_ascii_case("token") {
                fields.token = text(&mut map)?;
            } else if key.eq_ignore_ascii_case("userId") {
                fields.user_id = text(&mut map)?;
            } else if key.eq_ignore_ascii_case("message") {
                fields.message = text(&mut map)?;
            } else if key.eq_ignore_ascii_case("event") {
                let Events { events, is_list } = map.next_value()?;
                (fields.event, fields.is_list) = (events, is_list);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

/// A string, a list of strings, or null.
struct Events {
    events: Vec<String>,
    is_list: bool,
}

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(EventsVisitor)
    }
}

struct EventsVisitor;

/// A list longer than this is no list of events.
const MAX_EVENTS: usize = 10_000;

impl<'de> Visitor<'de> for EventsVisitor {
    type Value = Events;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Events, E> {
        Ok(Events {
            events: vec![text.to_owned()],
            is_list: false,
        })
    }

    fn visit_unit<E: de::Error>(self) -> Result<Events, E> {
        Ok(Events {
            events: Vec::new(),
            is_list: false,
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Events, A::Error> {
        let mut events = Vec::new();
        while let Some(event) = list.next_element()? {
            if events.len() == MAX_EVENTS {
                return Err(A::Error::custom("too many events"));
            }
            events.push(event);
        }
        Ok(Events {
            events,
            is_list: true,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn registration(token: &str, events: &[&str]) -> Option<Registration> {
        let events = events.iter().map(|event| (*event).to_owned()).collect();
        Some(Registration {
            token: token.to_owned(),
            events,
        })
    }

    #[test]
    fn registrations() {
        let rows: [(&str, Option<Registration>); 14] = [
            (r#"{"token":"a","event":"b"}"#, registration("a", &["b"])),
            (r#"{"Token":"a","EVENT":"b"}"#, registration("a", &["b"])),
            (
                r#"{"x":{"y":[1]},"token":"a","event":"b"}"#,
                registration("a", &["b"]),
            ),
            (
                r#"{"token":"a","event":["b","c"]}"#,
                registration("a", &["b", "c"]),
            ),
            (
                r#"{"token":"a","event":"b"} trailing"#,
                registration("a", &["b"]),
            ),
            (
                r#"{"token":"\u00e9","event":"b"}"#,
                registration("é", &["b"]),
            ),
            (
                r#"{"token":"a","token":"b","event":"c"}"#,
                registration("b", &["c"]),
            ),
            (r#"{"token":"","event":"b"}"#, None),
            (r#"{"token":"a","event":""}"#, None),
            (r#"{"token":"a","event":[]}"#, None),
            (r#"{"token":1,"event":"b"}"#, None),
            (r#"{"token":null,"event":"b"}"#, None),
            (r#"["a","b"]"#, None),
            ("", None),
        ];
        for (text, expected) in rows {
            assert_eq!(Registration::read(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn publications() {
        let good = br#"{"userId":"a","Event":"b","MESSAGE":"c"}"#;
        let publication = Publication::read(good).unwrap();
        assert_eq!(
            (
                &*publication.user,
                &*publication.event,
                &*publication.message
            ),
            ("a", "b", "c")
        );
        let bad = [
            r#"{"userId":"a","event":"b"}"#,
            r#"{"userId":"a","event":"b","message":""}"#,
            r#"{"userId":"a","event":["b"],"message":"c"}"#,
            r#"{"userId":"a","event":"b","message":7}"#,
            r#"{"userId":"a","event":"b","message":"c""#,
            "\u{7f}",
        ];
        for text in bad {
            assert_eq!(Publication::read(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn deep_nesting_is_refused_and_not_followed() {
        let deep = format!("{{\"x\":{}", "[".repeat(100_000));
        assert_eq!(Publication::read(deep.as_bytes()), None);
    }
}
