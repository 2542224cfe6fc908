//! Many messages: `POST /topics`, one JSON object a line.
//!
//! ```text
//!   {"topic":"a","data":"x"}                  {"topic":"a","id":"q7c2m4-41","subscribers":3}
//!   {"topic":["b","$c"],"base64":"/w=="}      {"topic":"b","id":"q7c2m4-42","subscribers":0}
//!                                             {"line":2,"topic":"$c","error":"forbidden",…}
//!   {"topic":"a","dta":"x"}                   {"line":3,"error":"malformed",…}
//! ```
//!
//! Input: a body, then what the broker has made of the publications. Output: publications, then a
//! response with one result for each line and topic, in order. Invariants: a bad line or topic
//! stops no other; a body makes at most as many messages and bytes as the limits allow, or none.
//! Reading JSON (RFC 8259) is left to `serde_json`.

use crate::http::{MediaType, RequestHead, Response, Status};
use crate::push::broker::Outcome;
use crate::push::json::{mend, without_mark, write_number, write_string};
use crate::push::limits::Limits;
use crate::push::log::LogError;
use crate::push::name::{MAX_NAME_BYTES, TopicName};
use crate::push::native::problem::Problem;
use crate::push::native::publish::{RESULT, check_key, check_topic, message_kind, payload};
use crate::push::native::publish::{seconds, write_members};
use crate::push::record::{Key, Payload, Publication};
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Unexpected, Visitor};
use std::borrow::Cow;
use std::collections::HashSet;
use std::fmt;
use std::io::BufRead as _;
use std::sync::Arc;

/// Topics of one line: its list is in memory as a whole.
const MAX_LINE_TOPICS: usize = 1000;

/// Bytes of a message about a line: it may repeat what the client has sent.
const MAX_MESSAGE: usize = 200;

/// Bytes of a line that is rather short, to reserve memory.
const SHORT_LINE: usize = 64;

/// A batch that was read, and the places of its results.
///
/// ```
/// use wirebell::push::Limits;
/// use wirebell::push::native::Batch;
///
/// let body = b"{\"topic\":\"a\",\"data\":\"x\"}\n{\"topic\":\"b\"}\n";
/// let mut batch = Batch::read(body, &"alice".into(), |_| true, &Limits::DEFAULT).unwrap();
/// assert_eq!(batch.publications().len(), 1);
/// ```
#[derive(Debug)]
pub struct Batch {
    publications: Vec<Publication>,
    places: Vec<Place>,
    /// The results of what was refused, written.
    refused: Vec<u8>,
}

/// Where the next results come from.
#[derive(Debug)]
enum Place {
    /// The next outcome.
    Published { line: usize, topic: TopicName },
    /// What was refused, up to this byte.
    Refused(usize),
}

impl Batch {
    /// Checks the head of a batch, which can be done before its body arrives.
    ///
    /// # Errors
    ///
    /// See [`message_kind`]; 400 for fields that would not apply to the lines.
    pub fn check(head: &RequestHead<'_>) -> Result<(), Problem> {
        message_kind(head)?;
        for (field, member) in [("TTL", "ttl"), ("Idempotency-Key", "key")] {
            if head.fields.get(field).is_some() {
                let text = format!("a batch has no {field}: give each line its own {member:?}");
                return Err(Problem::malformed(text));
            }
        }
        Ok(())
    }

    /// Reads a body. `owner` is the name of the token, or empty; `may_publish` says where it may
    /// publish to. Blank lines are skipped.
    ///
    /// # Errors
    ///
    /// 413 for more messages than `limits.batch_lines`, or more bytes than `limits.batch_bytes`.
    pub fn read(
        body: &[u8],
        owner: &Arc<str>,
        may_publish: impl Fn(&TopicName) -> bool,
        limits: &Limits,
    ) -> Result<Self, Problem> {
        let estimate = (body.len() / SHORT_LINE).min(limits.batch_lines);
        let batch = Self {
            publications: Vec::with_capacity(estimate),
            places: Vec::with_capacity(estimate),
            refused: Vec::new(),
        };
        let mut reader = Reader {
            batch,
            owner,
            may_publish,
            limits,
            line: 0,
            results: 0,
            bytes: 0,
            topics: HashSet::new(),
        };
        let mut rest = without_mark(body);
        while !rest.is_empty() {
            let line = rest;
            // Faster than `split`, and never an error for a slice.
            let length = rest.skip_until(b'\n').unwrap_or(line.len());
            reader.line += 1;
            reader.read(&line[..length])?;
        }
        Ok(reader.batch)
    }

    /// The publications, in order. A second call has none.
    pub fn publications(&mut self) -> Vec<Publication> {
        std::mem::take(&mut self.publications)
    }

    /// The response, from the outcomes of the publications, in order.
    // req: push-batch-05
    pub fn answer(self, outcomes: impl IntoIterator<Item = Outcome>) -> Response {
        let size = |place: &Place| match place {
            Place::Published { topic, .. } => topic.as_str().len() + RESULT,
            Place::Refused(_) => 0,
        };
        let size = self.places.iter().map(size).sum::<usize>() + self.refused.len();
        let mut out = Vec::with_capacity(size);
        let mut outcomes = outcomes.into_iter();
        let mut written = 0;
        for place in self.places {
            match place {
                Place::Published { line, topic } => {
                    let outcome = outcomes.next().unwrap_or(Err(LogError::Unavailable));
                    write_outcome(&mut out, line, &topic, outcome);
                }
                Place::Refused(end) => {
                    out.extend_from_slice(&self.refused[written..end]);
                    written = end;
                }
            }
        }
        Response::content(Status::OK, MediaType::NDJSON, out)
    }
}

fn write_outcome(out: &mut Vec<u8>, line: usize, topic: &TopicName, outcome: Outcome) {
    match outcome {
        Ok(receipt) => {
            out.push(b'{');
            write_members(out, topic, &receipt);
            if receipt.repeated {
                out.extend_from_slice(b",\"replayed\":true");
            }
            out.extend_from_slice(b"}\n");
        }
        Err(error) => write_problem(out, line, Some(topic.as_str()), &error.into()),
    }
}

fn write_problem(out: &mut Vec<u8>, line: usize, topic: Option<&str>, problem: &Problem) {
    out.extend_from_slice(b"{\"line\":");
    write_number(out, line as u64);
    out.push(b',');
    if let Some(topic) = topic {
        out.extend_from_slice(b"\"topic\":");
        write_string(out, topic);
        out.push(b',');
    }
    problem.write_members(out);
    out.extend_from_slice(b"}\n");
}

/// A line, borrowed from the body where it has no escapes. A member that is null is absent.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
// req: push-batch-02 push-batch-04
struct Line<'l> {
    #[serde(borrow)]
    topic: Topics<'l>,
    #[serde(borrow)]
    data: Option<Text<'l>>,
    #[serde(borrow)]
    base64: Option<Text<'l>>,
    ttl: Option<Seconds>,
    #[serde(borrow)]
    key: Option<Text<'l>>,
}

/// Serde borrows a `Cow` only outside an `Option`.
#[derive(Deserialize)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

enum Topics<'l> {
    One(Cow<'l, str>),
    Many(Vec<Text<'l>>),
}

impl<'de: 'l, 'l> Deserialize<'de> for Topics<'l> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TopicsVisitor)
    }
}

struct TopicsVisitor;

impl<'de> Visitor<'de> for TopicsVisitor {
    type Value = Topics<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a topic or a list of topics")
    }

    fn visit_borrowed_str<E>(self, topic: &'de str) -> Result<Self::Value, E> {
        Ok(Topics::One(Cow::Borrowed(topic)))
    }

    fn visit_str<E>(self, topic: &str) -> Result<Self::Value, E> {
        Ok(Topics::One(Cow::Owned(topic.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut topics = Vec::new();
        while let Some(topic) = list.next_element()? {
            if topics.len() == MAX_LINE_TOPICS {
                let text = format!("a line has at most {MAX_LINE_TOPICS} topics");
                return Err(A::Error::custom(text));
            }
            topics.push(topic);
        }
        match topics.len() {
            0 => Err(A::Error::custom("a list of topics has at least one")),
            1 => Ok(topics
                .pop()
                .map_or(Topics::Many(vec![]), |Text(topic)| Topics::One(topic))),
            _ => Ok(Topics::Many(topics)),
        }
    }
}

struct Seconds(u64);

impl<'de> Deserialize<'de> for Seconds {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SecondsVisitor)
    }
}

struct SecondsVisitor;

impl Visitor<'_> for SecondsVisitor {
    type Value = Seconds;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number of seconds")
    }

    fn visit_u64<E>(self, seconds: u64) -> Result<Seconds, E> {
        Ok(Seconds(seconds))
    }

    /// Without repeating the string, which takes long for one of a mebibyte.
    fn visit_str<E: Error>(self, _: &str) -> Result<Seconds, E> {
        Err(E::invalid_type(Unexpected::Other("string"), &self))
    }
}

/// Reads one batch.
struct Reader<'r, F> {
    batch: Batch,
    owner: &'r Arc<str>,
    may_publish: F,
    limits: &'r Limits,
    /// From 1.
    line: usize,
    results: usize,
    bytes: usize,
    /// The topics that are allowed: most batches have few.
    topics: HashSet<TopicName>,
}

impl<F: Fn(&TopicName) -> bool> Reader<'_, F> {
    fn read(&mut self, line: &[u8]) -> Result<(), Problem> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        match line.iter().find(|byte| !b" \t\r".contains(byte)) {
            None => return Ok(()),
            Some(b'{') => {}
            // Serde would take an array for the members in order.
            Some(_) => return self.refuse(None, &Problem::malformed("a line is a JSON object")),
        }
        let Ok(line) = std::str::from_utf8(line) else {
            let text = "this is not UTF-8: send other bytes as \"base64\"";
            return self.refuse(None, &Problem::malformed(text));
        };
        let error = match serde_json::from_str(line) {
            Ok(line) => return self.publish(line),
            Err(error) => error,
        };
        // Rarely there is something to mend, so it is done only if it may help.
        let Some(mended) = mend(line) else {
            return self.refuse(None, &malformed(&error));
        };
        match serde_json::from_str(&mended) {
            Ok(line) => self.publish(line),
            Err(error) => self.refuse(None, &malformed(&error)),
        }
    }

    fn publish(&mut self, line: Line<'_>) -> Result<(), Problem> {
        let key = line.key.map(|Text(key)| key);
        if let Some(Err(problem)) = key.as_deref().map(check_key) {
            return self.refuse(None, &problem);
        }
        let data = line.data.map(|Text(data)| data);
        let base64 = line.base64.map(|Text(text)| text);
        let payload = match payload(data, base64) {
            Ok(payload) => payload,
            Err(problem) => return self.refuse(None, &problem),
        };
        let ttl = line.ttl.map(|Seconds(ttl)| seconds(ttl));
        match line.topic {
            Topics::One(topic) => {
                if let Some(topic) = self.admit(&topic, payload.bytes().len())? {
                    let key = key.map(|key| self.key(&key));
                    self.add(topic, payload, ttl, key);
                }
            }
            Topics::Many(topics) => {
                for Text(topic) in topics {
                    if let Some(topic) = self.admit(&topic, payload.bytes().len())? {
                        // A key belongs to one topic, and has no space in it.
                        let key = key.as_ref().map(|key| self.key(&format!("{key} {topic}")));
                        self.add(topic, payload.clone(), ttl, key);
                    }
                }
            }
        }
        Ok(())
    }

    fn key(&self, text: &str) -> Key {
        Key {
            owner: Arc::clone(self.owner),
            text: text.into(),
        }
    }

    /// The topic, if the line can be published to it and there is room.
    fn admit(&mut self, text: &str, payload: usize) -> Result<Option<TopicName>, Problem> {
        let topic = match self.topic(text) {
            Ok(topic) => topic,
            Err(problem) => {
                let shown = cut(text, MAX_NAME_BYTES);
                return self.refuse(Some(shown), &problem).map(|()| None);
            }
        };
        self.count()?;
        self.bytes += payload + text.len();
        match self.limits.batch_bytes {
            most if self.bytes > most => {
                let text = format!("the messages of a batch have at most {most} bytes");
                Err(Problem::too_large(text))
            }
            _ => Ok(Some(topic)),
        }
    }

    fn topic(&mut self, text: &str) -> Result<TopicName, Problem> {
        if let Some(topic) = self.topics.get(text) {
            return Ok(topic.clone());
        }
        let topic: TopicName = text.parse()?;
        check_topic(&topic)?;
        if !(self.may_publish)(&topic) {
            return Err(Problem::may_not_publish(&topic));
        }
        self.topics.insert(topic.clone());
        Ok(topic)
    }

    fn add(&mut self, topic: TopicName, payload: Payload, ttl: Option<u64>, key: Option<Key>) {
        let place = Place::Published {
            line: self.line,
            topic: topic.clone(),
        };
        self.batch.places.push(place);
        self.batch.publications.push(Publication {
            topic,
            payload,
            ttl,
            key,
            tally: None,
        });
    }

    // req: push-batch-06
    fn refuse(&mut self, topic: Option<&str>, problem: &Problem) -> Result<(), Problem> {
        self.count()?;
        let Batch {
            places, refused, ..
        } = &mut self.batch;
        write_problem(refused, self.line, topic, problem);
        match places.last_mut() {
            Some(Place::Refused(end)) => *end = refused.len(),
            _ => places.push(Place::Refused(refused.len())),
        }
        Ok(())
    }

    /// Counts a result.
    // req: push-bounds-08
    fn count(&mut self) -> Result<(), Problem> {
        self.results += 1;
        match self.limits.batch_lines {
            most if self.results > most => {
                let text = format!("a batch has at most {most} messages");
                Err(Problem::too_large(text))
            }
            _ => Ok(()),
        }
    }
}

/// What is wrong with JSON, without much of it, and with the column only: it is a single line.
pub(super) fn malformed(error: &serde_json::Error) -> Problem {
    let text = error.to_string();
    let end = text.rfind(" at line ").unwrap_or(text.len());
    let text = cut(&text[..end], MAX_MESSAGE);
    Problem::malformed(format!("{text} (column {})", error.column()))
}

/// The text, or its beginning if it is longer.
fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::{EMPTY_FIELD, Fields};
    use crate::push::broker::Receipt;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    fn may_publish(topic: &TopicName) -> bool {
        !topic.as_str().starts_with("no.")
    }

    fn batch(body: &[u8]) -> Batch {
        Batch::read(body, &"alice".into(), may_publish, &Limits::DEFAULT).unwrap()
    }

    /// The publications, and the results if the broker takes all of them.
    fn run(body: &[u8]) -> (Vec<Publication>, Vec<Value>) {
        let mut batch = batch(body);
        let publications = batch.publications();
        assert!(batch.publications().is_empty());
        let receipt = |number: usize| Receipt {
            position: Some("e".parse::<crate::push::Epoch>().unwrap().at(number as u64)),
            time: None,
            subscribers: 2,
            repeated: false,
        };
        let outcomes = (1..=publications.len()).map(|number| Ok(receipt(number)));
        (publications, lines(&batch.answer(outcomes)))
    }

    fn lines(response: &Response) -> Vec<Value> {
        assert_eq!(response.status, Status::OK);
        let text = std::str::from_utf8(&response.body).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'));
        let lines = text.lines().map(serde_json::from_str);
        lines.collect::<Result<_, _>>().unwrap()
    }

    /// The only publication of one line.
    fn one(line: &str) -> Publication {
        let (mut publications, results) = run(line.as_bytes());
        assert_eq!(publications.len(), 1, "{line} {results:?}");
        publications.remove(0)
    }

    /// The message of the only result of one line, which is an error.
    fn error(line: impl AsRef<[u8]>) -> String {
        let (publications, results) = run(line.as_ref());
        assert!(publications.is_empty() && results.len() == 1, "{results:?}");
        assert_eq!(
            (&results[0]["error"], &results[0]["line"]),
            (&json!("malformed"), &json!(1))
        );
        assert_eq!(results[0].get("topic"), None);
        results[0]["message"].as_str().unwrap().to_owned()
    }

    #[test]
    // req: push-batch-04
    fn a_line_is_a_publication() {
        let publication = one(r#"{"topic":"a.b","data":"x","ttl":60,"key":"k1"}"#);
        let expected = Publication {
            topic: "a.b".parse().unwrap(),
            payload: "x".into(),
            ttl: Some(60_000),
            key: Some(Key {
                owner: "alice".into(),
                text: "k1".into(),
            }),
            tally: None,
        };
        assert_eq!(publication, expected);
        let plain =
            one(r#" { "data" : "" , "topic" : "a" , "ttl":null,"key":null,"base64":null} "#);
        assert_eq!(plain, Publication::new("a".parse().unwrap(), "".into()));
        let huge = one(r#"{"topic":"a","data":"","ttl":18446744073709551615}"#);
        assert_eq!(huge.ttl, Some(u64::MAX));
        let escaped = one(r#"{"\u0074opic":"\u0061","data":"\u0000\n\ud83d\ude00é"}"#);
        assert_eq!(escaped.topic.as_str(), "a");
        assert_eq!(escaped.payload, "\0\n😀é".into());
    }

    #[test]
    // req: push-batch-03
    fn binary_is_base64() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("/w==", b"\xFF"),
            ("/w", b"\xFF"),
            ("+/8A", b"\xFB\xFF\0"),
            (r"\u002fw==", b"\xFF"),
        ] {
            let line = format!(r#"{{"topic":"a","base64":"{text}"}}"#);
            assert_eq!(one(&line).payload, bytes.to_vec().into(), "{text}");
        }
        for text in ["_w==", "/", "/w==x", " /w==", "é", "/x=="] {
            let line = format!(r#"{{"topic":"a","base64":"{text}"}}"#);
            assert!(error(line).contains("RFC 4648"), "{text}");
        }
    }

    /// Lines, and what is said of them.
    const BAD_LINES: [(&str, &str); 25] = [
        ("x", "a line is a JSON object"),
        (r#"["a","x",null,null,null]"#, "a line is a JSON object"),
        ("\u{c}{}", "a line is a JSON object"),
        ("\0", "a line is a JSON object"),
        ("{", "EOF while parsing an object (column 1)"),
        ("{}", "missing field `topic` (column 2)"),
        (
            r#"{"topic":"a","data":"x"}}"#,
            "trailing characters (column 25)",
        ),
        (
            r#"{"topic":"a"}"#,
            "a message has either \"data\" or \"base64\"",
        ),
        (
            r#"{"topic":"a","data":"","base64":""}"#,
            "a message has either \"data\" or \"base64\"",
        ),
        (
            r#"{"topic":"a","data":"x","data":"x"}"#,
            "duplicate field `data` (column 30)",
        ),
        (
            r#"{"topic":"a","topic":"a","data":""}"#,
            "duplicate field `topic` (column 20)",
        ),
        (
            r#"{"topic":"a","ttl":null,"ttl":1}"#,
            "duplicate field `ttl` (column 29)",
        ),
        (
            r#"{"Topic":"a","data":"x"}"#,
            "unknown field `Topic`, expected",
        ),
        (
            r#"{"topic":"a","data":"x","tll":1}"#,
            "unknown field `tll`, expected one of",
        ),
        (
            r#"{"topic":"a","data":5}"#,
            "invalid type: integer `5`, expected a string",
        ),
        (
            r#"{"topic":"a","data":"x","ttl":-1}"#,
            "invalid type: integer `-1`, expected a whole number of seconds",
        ),
        (
            r#"{"topic":"a","data":"x","ttl":1.5}"#,
            "invalid type: floating point",
        ),
        (
            r#"{"topic":"a","data":"x","ttl":"1"}"#,
            "invalid type: string, expected a whole number of seconds",
        ),
        (
            r#"{"topic":null,"data":"x"}"#,
            "invalid type: null, expected a topic or a list",
        ),
        (
            r#"{"topic":[],"data":"x"}"#,
            "a list of topics has at least one (column 11)",
        ),
        (
            r#"{"topic":["a",5],"data":"x"}"#,
            "invalid type: integer `5`",
        ),
        (r#"{"topic":"a","data":"x","key":""}"#, "an idempotency key"),
        (
            r#"{"topic":"a","data":"x","key":"a b"}"#,
            "an idempotency key",
        ),
        ("{\"topic\":\"a\",\"data\":\"\0\"}", "control character"),
        ("\u{feff}\u{feff}{}", "a line is a JSON object"),
    ];

    #[test]
    fn what_is_not_a_line_is_an_error() {
        for (line, message) in BAD_LINES {
            let found = error(line);
            assert!(found.contains(message), "{line}: {found}");
        }
        assert!(error(b"{\"topic\":\"a\",\"data\":\"\xFF\"}").contains("UTF-8"));
    }

    #[test]
    fn lone_surrogates_become_replacement_characters() {
        let publication = one(r#"{"topic":"a","data":"x\ud83dy","key":"k"}"#);
        assert_eq!(publication.payload, "x\u{FFFD}y".into());
        assert!(error(r#"{"topic":"a","data":"\ud83d","x":1}"#).contains("unknown field `x`"));
    }

    #[test]
    fn hostile_lines_cost_little() {
        const SIZE: usize = 1 << 20;
        error("[".repeat(SIZE));
        error(format!("{{\"topic\":{}", "[".repeat(SIZE)));
        error(format!("{{\"data\":{}", "[".repeat(SIZE)));
        error(format!("{{\"ttl\":{}", "{\"ttl\":".repeat(SIZE / 7)));
        error(format!("{{\"ttl\":{}", "1".repeat(SIZE)));
        error(format!("{{\"ttl\":0.{}", "1".repeat(SIZE)));
        error(format!("{{\"ttl\":1e{}", "9".repeat(SIZE)));
        for text in [r"\u0000", r"\ud83d", "é", r"\\"].map(|text| text.repeat(SIZE / text.len())) {
            assert!(error(format!("{{\"ttl\":\"{text}\"")).len() < 300);
            assert!(error(format!("{{\"{text}\":1")).len() < 300);
            let (_, results) = run(format!(r#"{{"topic":"{text}","data":""}}"#).as_bytes());
            assert!(results[0]["topic"].as_str().unwrap().len() <= MAX_NAME_BYTES);
        }
    }

    #[test]
    fn line_ends_and_blank_lines() {
        let good = r#"{"topic":"a","data":"x"}"#;
        for body in [
            format!("\r\n{good}\r\n \t\r\n\n{good}\r\nx\r\n"),
            format!("\n{good}\n\n\n{good}\nx"),
            format!("\u{feff}\n{good}\n\n\n{good}\nx\n\n"),
        ] {
            let (publications, results) = run(body.as_bytes());
            assert_eq!(publications.len(), 2);
            assert_eq!(results.len(), 3);
            assert_eq!(results[2]["line"], 6);
        }
        for body in ["", "\n", "\r\n\r\n", "\u{feff}"] {
            assert_eq!(run(body.as_bytes()), (vec![], vec![]));
        }
    }

    fn forbidden(line: usize, topic: &str, message: &str) -> Value {
        json!({"line": line, "topic": topic, "error": "forbidden", "message": message})
    }

    #[test]
    // req: push-batch-02
    fn each_topic_of_a_line_has_its_result() {
        let (publications, results) = run(concat!(
            r#"{"topic":["a","$x","no.b","b..c","c","a"],"data":"x"}"#,
            "\n",
            r#"{"topic":"no.d","data":"x"}"#
        )
        .as_bytes());
        let topics = publications.iter().map(|it| it.topic.as_str());
        assert_eq!(topics.collect::<Vec<_>>(), ["a", "c", "a"]);
        let expected = [
            json!({"topic": "a", "id": "e-1", "subscribers": 2}),
            forbidden(1, "$x", "topics that begin with $ are the server's own"),
            forbidden(1, "no.b", "this token may not publish to no.b"),
            json!({
                "line": 1, "topic": "b..c", "error": "malformed",
                "message": "a level between two dots cannot be empty",
            }),
            json!({"topic": "c", "id": "e-2", "subscribers": 2}),
            json!({"topic": "a", "id": "e-3", "subscribers": 2}),
            forbidden(2, "no.d", "this token may not publish to no.d"),
        ];
        assert_eq!(results, expected);
    }

    #[test]
    fn topics_of_one_line_do_not_share_a_key() {
        let keys = |line: &str| -> Vec<String> {
            let (publications, _) = run(line.as_bytes());
            let keys = publications
                .into_iter()
                .map(|it| it.key.unwrap().text.to_string());
            keys.collect()
        };
        assert_eq!(
            keys(r#"{"topic":["a","b"],"data":"x","key":"k"}"#),
            ["k a", "k b"]
        );
        assert_eq!(keys(r#"{"topic":["a"],"data":"x","key":"k"}"#), ["k"]);
    }

    #[test]
    fn outcomes_are_told_in_their_places() {
        let several = r#"{"topic":["b","c","d"],"data":""}"#;
        let body = format!("x\n{{\"topic\":\"a\",\"data\":\"\"}}\nx\n{several}\n");
        let mut batch = batch(body.as_bytes());
        assert_eq!(batch.publications().len(), 4);
        let receipt = Receipt {
            position: None,
            time: None,
            subscribers: 0,
            repeated: true,
        };
        // The last one is missing.
        let outcomes = [Err(LogError::KeyReused), Ok(receipt), Err(LogError::Full)];
        let results = lines(&batch.answer(outcomes));
        let what = |it: &Value| (it["line"].as_u64(), it["error"].as_str().map(str::to_owned));
        let what: Vec<_> = results.iter().map(what).collect();
        let problem = |line, error: &str| (Some(line), Some(error.to_owned()));
        let expected = [
            problem(1, "malformed"),
            problem(2, "key_reused"),
            problem(3, "malformed"),
            (None, None),
            problem(4, "full"),
            problem(4, "unavailable"),
        ];
        assert_eq!(what, expected);
        assert_eq!(results[1]["topic"], "a");
        assert_eq!(
            results[3],
            json!({"topic": "b", "subscribers": 0, "replayed": true})
        );
    }

    #[test]
    // req: push-bounds-08
    fn a_batch_is_bounded() {
        let limits = Limits::DEFAULT.batch_lines(3).batch_bytes(10);
        let status = |body: &str| {
            let read = Batch::read(body.as_bytes(), &"".into(), may_publish, &limits);
            read.map_or_else(|problem| problem.status.code(), |_| 200)
        };
        assert_eq!(status("x\n\nx\n\nx\n\n"), 200);
        assert_eq!(status("x\nx\nx\nx"), 413);
        assert_eq!(status("x\n{\"topic\":[\"a\",\"b\"],\"data\":\"\"}"), 200);
        assert_eq!(
            status("x\n{\"topic\":[\"a\",\"$\",\"b\"],\"data\":\"\"}"),
            413
        );
        assert_eq!(status("{\"topic\":[\"a\",\"b\"],\"data\":\"1234\"}"), 200);
        assert_eq!(status("{\"topic\":[\"a\",\"b\"],\"data\":\"12345\"}"), 413);
        let topics = |count| format!("{{\"topic\":{:?},\"data\":\"\"}}", vec!["a"; count]);
        assert_eq!(run(topics(1000).as_bytes()).1.len(), 1000);
        assert!(error(topics(1001)).contains("at most 1000 topics"));
    }

    #[test]
    fn fields_of_a_single_message_are_refused() {
        for (name, value, expected) in [
            ("Accept", "x/y", None),
            ("Content-Type", "application/x-ndjson", None),
            ("Content-Type", "multipart/form-data", Some(415)),
            ("Content-Encoding", "gzip", Some(415)),
            ("TTL", "1", Some(400)),
            ("Idempotency-Key", "k", Some(400)),
        ] {
            let mut storage = [EMPTY_FIELD];
            let fields = Fields::from_pairs([(name, value.as_bytes())], &mut storage).unwrap();
            let head = RequestHead::new("POST", "/topics", 1, fields).unwrap();
            let refused = Batch::check(&head)
                .err()
                .map(|problem| problem.status.code());
            assert_eq!(refused, expected, "{name}");
        }
    }

    /// A line, and for each of its results the topic or `None` for an error.
    fn any_line() -> impl Strategy<Value = (Vec<u8>, Vec<Option<String>>)> {
        let topic = prop_oneof![
            "[a-c]",
            "no\\.[a-c]",
            "\\$[a-c]",
            "[a-c]\\.\\.",
            "\\PC{0,3}"
        ];
        let good = (prop::collection::vec(topic, 1..4), "\\PC*").prop_map(|(topics, data)| {
            let line = json!({"topic": &topics, "data": data}).to_string();
            let result = |topic: String| {
                let name: TopicName = topic.parse().ok()?;
                (may_publish(&name) && !name.is_reserved()).then_some(topic)
            };
            (line.into_bytes(), topics.into_iter().map(result).collect())
        });
        let bad = prop::sample::select(vec![
            &b"{\"topic\":\"a\"}"[..],
            b"{\"topic\":\"a\",\"data\":\"x\"",
            b"{\"topic\":\"a\",\"data\":\"\xFF\"}",
        ]);
        let bad = bad.prop_map(|line| (line.to_vec(), vec![None]));
        let blank = "[ \t\r]{0,2}".prop_map(|line| (line.into_bytes(), vec![]));
        prop_oneof![4 => good, 1 => bad, 1 => blank]
    }

    proptest! {
        #![proptest_config(ProptestConfig {
            failure_persistence: None,
            ..ProptestConfig::default()
        })]

        #[test]
        fn results_are_in_the_order_of_lines_and_topics(
            given in prop::collection::vec(any_line(), 0..20),
        ) {
            let body: Vec<&[u8]> = given.iter().map(|(line, _)| &line[..]).collect();
            let (publications, results) = run(&body.join(&b'\n'));
            let mut expected = Vec::new();
            for (number, (_, topics)) in given.iter().enumerate() {
                expected.extend(topics.iter().map(|topic| (number + 1, topic.clone())));
            }
            prop_assert_eq!(results.len(), expected.len());
            let mut published = 0;
            for (result, (line, topic)) in results.iter().zip(expected) {
                match topic {
                    Some(topic) => {
                        published += 1;
                        prop_assert_eq!(&result["topic"], &json!(topic));
                        prop_assert_eq!(&result["id"], &json!(format!("e-{published}")));
                        prop_assert_eq!(publications[published - 1].topic.as_str(), topic);
                    }
                    None => prop_assert_eq!(&result["line"], &json!(line)),
                }
            }
            prop_assert_eq!(published, publications.len());
        }

        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200)) {
            run(&body);
        }

        #[test]
        fn nothing_like_a_line_panics(
            body in concat!(
                r#"(\{?"?(topic|data|base64|key|ttl)?"?:?"?"#,
                r#"[\PC\[\]\\,]{0,5}"?,?\}?\n?){0,20}"#,
            ),
        ) {
            run(body.as_bytes());
        }
    }
}
