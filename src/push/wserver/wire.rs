//! The dialect of wserver: JSON in, plain text out.
//!
//! A client sends `{"token", "event"}` over its WebSocket and never gets an answer; a publisher
//! posts `{"userId", "event", "message"}` and is answered with the number of receivers. Names of
//! fields compare without case; unknown fields are ignored, and so is what follows the first JSON
//! value; of a repeated field the last counts, unless it is null. As an extension, `event` in a
//! registration may be a list.

use crate::push::wserver::json::{is_field, mend};
use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// The answer to a body that is not a publication.
pub const ILLEGAL: &str = "request data illegal";

/// A request to receive the pushes to the owner of a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Registration {
    /// The token of the client that registers.
    pub token: String,
    /// The events: at least one, none empty.
    pub events: Vec<String>,
}

/// Why a message is not a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoRegistration {
    /// It is something else, or a field is missing or empty.
    Malformed,
    /// The list of its events is too long.
    TooManyEvents,
}

/// A message for the connections of a user that have registered for an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publication {
    /// The user.
    pub user: String,
    /// The event.
    pub event: String,
    /// The payload, delivered as it is.
    pub message: String,
}

/// A request to close the connections of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dropping {
    /// The user.
    pub user: String,
    /// Only those registered for this event, or all.
    pub event: Option<String>,
}

impl Registration {
    /// Reads a WebSocket message, text or binary, with at most `most` events.
    ///
    /// # Errors
    ///
    /// What is wrong with it.
    pub fn read(bytes: &[u8], most: usize) -> Result<Self, NoRegistration> {
        let fields = Fields::read(bytes, ["token"], Some(most)).ok_or(NoRegistration::Malformed)?;
        let [token] = fields.texts;
        let events = match fields.event {
            Event::One(event) => vec![event],
            Event::List(events) => events,
            Event::TooMany => return Err(NoRegistration::TooManyEvents),
        };
        let valid = !token.is_empty() && !events.is_empty() && !events.iter().any(String::is_empty);
        match valid {
            true => Ok(Self { token, events }),
            false => Err(NoRegistration::Malformed),
        }
    }
}

impl Publication {
    /// Reads the body of a request; `None` if a field is missing or empty.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::read(bytes, ["userId", "message"], None)?;
        let [user, message] = fields.texts;
        let event = fields.event.one()?;
        let valid = ![&user, &event, &message].iter().any(|text| text.is_empty());
        valid.then_some(Self {
            user,
            event,
            message,
        })
    }
}

impl Dropping {
    /// Reads the body of a request; `None` if it names no user.
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let fields = Fields::read(bytes, ["userId"], None)?;
        let [user] = fields.texts;
        let event = fields.event.one()?;
        (!user.is_empty()).then_some(Self {
            user,
            event: Some(event).filter(|event| !event.is_empty()),
        })
    }
}

/// The relevant fields of an object. A missing one is empty.
struct Fields<const N: usize> {
    texts: [String; N],
    event: Event,
}

/// The value of `event`.
enum Event {
    One(String),
    List(Vec<String>),
    TooMany,
}

impl Event {
    fn one(self) -> Option<String> {
        match self {
            Self::One(event) => Some(event),
            Self::List(_) | Self::TooMany => None,
        }
    }
}

impl<const N: usize> Fields<N> {
    /// The first JSON value in `bytes`, if it is an object in which the fields with these `names`
    /// are strings, and `event` is one or, up to `most`, a list of them.
    fn read(bytes: &[u8], names: [&str; N], most: Option<usize>) -> Option<Self> {
        let text = mend(bytes)?;
        let mut deserializer = serde_json::Deserializer::from_str(&text);
        deserializer
            .deserialize_map(FieldsVisitor { names, most })
            .ok()
    }
}

struct FieldsVisitor<'n, const N: usize> {
    names: [&'n str; N],
    most: Option<usize>,
}

impl<'de, const N: usize> Visitor<'de> for FieldsVisitor<'_, N> {
    type Value = Fields<N>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<N>, A::Error> {
        let mut fields = Fields {
            texts: [const { String::new() }; N],
            event: Event::One(String::new()),
        };
        while let Some(key) = map.next_key::<Cow<'de, str>>()? {
            if let Some(at) = self.names.iter().position(|name| is_field(&key, name)) {
                // Null changes nothing.
                if let Some(text) = map.next_value::<Option<String>>()? {
                    fields.texts[at] = text;
                }
            } else if is_field(&key, "event") {
                if let Some(event) = map.next_value_seed(EventSeed { most: self.most })? {
                    fields.event = event;
                }
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(fields)
    }
}

/// A string, null, or, unless `most` is `None`, a list of strings; of at most `most`.
struct EventSeed {
    most: Option<usize>,
}

impl<'de> DeserializeSeed<'de> for EventSeed {
    type Value = Option<Event>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for EventSeed {
    type Value = Option<Event>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string or a list of strings")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Some(Event::One(text.to_owned())))
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(None)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let most = self.most.ok_or_else(|| A::Error::custom("a list"))?;
        let mut events = Vec::new();
        while events.len() < most {
            match list.next_element()? {
                Some(event) => events.push(event),
                None => return Ok(Some(Event::List(events))),
            }
        }
        let mut event = Event::List(events);
        while list.next_element::<IgnoredAny>()?.is_some() {
            event = Event::TooMany;
        }
        Ok(Some(event))
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
        let rows: [(&str, Option<Registration>); 20] = [
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
            (
                r#"{"token":"a","event":"b","token":null,"event":null}"#,
                registration("a", &["b"]),
            ),
            (
                r#"{"token":"a","event":["b"],"Event":"c"}"#,
                registration("a", &["c"]),
            ),
            // Fields of publications have no meaning here.
            (
                r#"{"token":"a","event":"b","message":7,"userId":[]}"#,
                registration("a", &["b"]),
            ),
            (
                "\u{FEFF}{\"to\u{212A}en\":\"a\",\"event\":\"\\udc00b\"}",
                registration("a", &["\u{FFFD}b"]),
            ),
            (r#"{"token":7,"token":"a","event":"b"}"#, None),
            (r#"{"token":"a","event":["b",null]}"#, None),
            (r#"{"token":"","event":"b"}"#, None),
            (r#"{"token":"a","event":""}"#, None),
            (r#"{"token":"a","event":[]}"#, None),
            (r#"{"token":1,"event":"b"}"#, None),
            (r#"{"token":null,"event":"b"}"#, None),
            (r#"["a","b"]"#, None),
            ("", None),
        ];
        for (text, expected) in rows {
            let read = Registration::read(text.as_bytes(), 10).ok();
            assert_eq!(read, expected, "{text}");
        }
    }

    #[test]
    fn a_list_of_events_has_a_bound() {
        let read = |count: usize, end: &str| {
            let list = vec![r#""e""#; count].join(",");
            let text = format!(r#"{{"token":"a","event":[{list}]{end}"#);
            Registration::read(text.as_bytes(), 3).map(|registration| registration.events.len())
        };
        assert_eq!(read(3, "}"), Ok(3));
        assert_eq!(read(4, "}"), Err(NoRegistration::TooManyEvents));
        assert_eq!(read(4, ""), Err(NoRegistration::Malformed));
        let none = Registration::read(br#"{"token":"a","event":["e"]}"#, 0);
        assert_eq!(none, Err(NoRegistration::TooManyEvents));
        assert!(Registration::read(br#"{"token":"a","event":"e"}"#, 3).is_ok());
    }

    /// How Go 1.2x decodes bodies into wserver's struct of three strings: the message, or an error
    /// or an empty field, both of which wserver answers with 400.
    #[test]
    fn publications_are_read_as_go_reads_them() {
        let rows: [(&[u8], Option<&str>); 24] = [
            (
                br#""message":"order \ud83d shipped""#,
                Some("order \u{FFFD} shipped"),
            ),
            (
                br#""message":"\udead\ud83d\ude00""#,
                Some("\u{FFFD}\u{1F600}"),
            ),
            (b"\"message\":\"a\xFFb\xC3\"", Some("a\u{FFFD}b\u{FFFD}")),
            (b"\"\xFF\":1,\"message\":\"m\"", Some("m")),
            (br#""\ud800":1,"message":"m""#, Some("m")),
            (br#""message":"first","message":"last""#, Some("last")),
            (br#""message":"first","MESSAGE":"last""#, Some("last")),
            (br#""message":"kept","message":null"#, Some("kept")),
            (br#""message":"lost","message":"""#, None),
            (br#""message":"lost","message":7"#, None),
            (br#""message":7,"message":"late""#, None),
            ("\"me\u{17F}\u{17F}age\":\"m\"".as_bytes(), Some("m")),
            (br#""me\u017fsage":"m""#, Some("m")),
            (br#""message":"m","token":7,"other":1e999"#, Some("m")),
            (br#""message":"m","other":"\ud800""#, Some("m")),
            (b"\"message\":\"m\",\"other\":\"\xFF\"", Some("m")),
            (br#""message":"m","other":tru"#, None),
            (br#""message":"m","other":01"#, None),
            (br#""message":"m","other":"\x""#, None),
            (br#""message":"m","#, None),
            (b"\"message\":\"a\nb\"", None),
            (b"\"message\":\"a\tb\"", None),
            (b"\xFF\"message\":\"m\"", None),
            (br#""message":{"message":"m"}"#, None),
        ];
        for (fields, expected) in rows {
            let body = [
                br#"{"userId":"a","event":"e","#,
                fields,
                b"} and \" so { on",
            ]
            .concat();
            let read = Publication::read(&body).map(|publication| publication.message);
            let text = String::from_utf8_lossy(&body);
            assert_eq!(read.as_deref(), expected, "{text}");
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
        let nested = |depth| {
            let (open, close) = ("[".repeat(depth), "]".repeat(depth));
            let fields = r#""userId":"a","event":"e","message":"m""#;
            let body = format!("{{\"x\":{open}{close},{fields}}}");
            Publication::read(body.as_bytes())
        };
        assert!(nested(9_999).is_some());
        assert_eq!(nested(10_000), None);
        let endless = format!("{{\"x\":{}", "[".repeat(100_000));
        assert_eq!(Publication::read(endless.as_bytes()), None);
    }
}
