//! `--batch`: many messages a request, `POST /topics` with NDJSON.
//!
//! ```text
//!   {"topic":"a","data":"x"}                  {"topic":"a","id":"q7c2m4-41","subscribers":3}
//!   {"topic":"$c","data":"x"}                 {"line":2,"topic":"$c","error":"forbidden",…}
//! ```
//!
//! Input: lines. Output: requests, the answers of the server on stdout if they are wanted, what it
//! refused on stderr. Invariants: lines are sent as soon as no further one is there to send with
//! them; a line that is sent again has the same key; a bad line stops no other.

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::tools::common::failure::{refused, within};
use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::push::args::PushArgs;
use crate::cli::tools::push::attempts::{Post, Poster};
use crate::cli::tools::push::credentials;
use crate::cli::tools::push::topic::random_key;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read};

/// Lines of one request. A line may have many topics, and a server takes 10,000 messages by
/// default.
const LINES: usize = 1_000;

/// Bytes of the lines of one request, a quarter of what a server takes by default.
const BYTES: usize = 256 * 1024;

/// The longest answer.
const ANSWER: u64 = 64 * 1024 * 1024;

/// Publishes lines.
struct Batches<'a> {
    args: &'a PushArgs,
    poster: &'a Poster,
    fields: Vec<(&'static str, String)>,
    /// The key of a line that has none is this and its number.
    keys: Option<String>,
    body: String,
    lines: usize,
    /// Lines before those of `body`.
    sent: u64,
    accepted: u64,
    refused: u64,
    /// Something was refused that the server may accept later.
    may_pass: bool,
}

/// The result of one line and topic.
#[derive(Deserialize)]
struct Outcome<'o> {
    line: Option<u64>,
    #[serde(borrow)]
    topic: Option<Cow<'o, str>>,
    #[serde(borrow)]
    error: Option<Cow<'o, str>>,
    #[serde(borrow)]
    message: Option<Cow<'o, str>>,
}

/// Publishes all lines of `input`.
pub fn publish(args: &PushArgs, poster: &Poster, input: impl Read) -> Result<(), Failure> {
    let mut fields = vec![("Content-Type", "application/x-ndjson".to_owned())];
    let authorization = credentials::for_topics(args)?;
    fields.extend(authorization.map(|value| ("Authorization", value)));
    let batches = Batches {
        args,
        poster,
        fields,
        keys: poster.repeats().then(random_key),
        body: String::new(),
        lines: 0,
        sent: 0,
        accepted: 0,
        refused: 0,
        may_pass: false,
    };
    batches.run(BufReader::with_capacity(BYTES, input))
}

impl Batches<'_> {
    fn run(mut self, mut input: BufReader<impl Read>) -> Result<(), Failure> {
        let mut line = String::new();
        loop {
            line.clear();
            let read = input.read_line(&mut line);
            let number = self.sent + self.lines as u64 + 1;
            let what = |error| Failure::failed(format!("line {number}: {error}"));
            if read.map_err(what)? == 0 {
                break;
            }
            self.add(line.trim_end_matches(['\n', '\r']), number);
            let is_full = self.lines >= LINES || self.body.len() >= BYTES;
            if is_full || !input.buffer().contains(&b'\n') {
                self.send()?;
            }
        }
        self.send()?;
        if self.refused == 0 {
            return Ok(());
        }
        let (refused_, accepted) = (self.refused, self.accepted);
        let text = format!("{refused_} messages were not accepted, {accepted} were");
        Err(match self.may_pass {
            true => Failure::failed(text),
            false => refused(text),
        })
    }

    fn add(&mut self, line: &str, number: u64) {
        let key = self.keys.as_ref().map(|keys| format!("{keys}-{number}"));
        let with_key = key.and_then(|key| with_key(line, &key));
        self.body += with_key.as_deref().unwrap_or(line);
        self.body.push('\n');
        self.lines += 1;
    }

    fn send(&mut self) -> Result<(), Failure> {
        let post = Post {
            path: "/topics",
            fields: &self.fields,
            body: self.body.as_bytes(),
            answer_bytes: ANSWER,
            expected: "one line of JSON for each message",
            denied: "pass a token with --token or --key-file",
        };
        if self.body.trim_ascii().is_empty() {
            // Blank lines alone.
        } else {
            let (first, last) = (self.sent + 1, self.sent + self.lines as u64);
            let place = format!("lines {first} to {last}, after {} accepted", self.accepted);
            let answer = self.poster.post(&post, whole_lines);
            self.told(&answer.map_err(|failure| within(&place, failure))?);
        }
        self.sent += self.lines as u64;
        self.lines = 0;
        self.body.clear();
        Ok(())
    }

    /// What became of the lines.
    fn told(&mut self, answer: &str) {
        let mut accepted = String::new();
        for said in answer.lines() {
            let outcome = serde_json::from_str::<Outcome<'_>>(said).ok();
            let Some((error, outcome)) = outcome.and_then(|it| it.error.clone().zip(Some(it)))
            else {
                self.accepted += 1;
                accepted += said;
                accepted.push('\n');
                continue;
            };
            self.refused += 1;
            self.may_pass |= ["unavailable", "too_many"].contains(&&*error);
            let number = self.sent + outcome.line.unwrap_or_default();
            let topic = outcome.topic.map(|topic| format!(", topic {topic}"));
            let text = format!(
                "line {number}{}: {error}: {}",
                topic.unwrap_or_default(),
                outcome.message.unwrap_or_default()
            );
            eprintln!("wirebell: {}", one_line(&text));
        }
        if self.args.verbose {
            // They are published, even if this cannot be printed.
            let _ = print(accepted);
        }
    }
}

/// The answer of a push server: a line of JSON for each message.
fn whole_lines(body: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(body).ok()?;
    let is_outcome = |line: &str| {
        serde_json::from_str::<Outcome<'_>>(line)
            .is_ok_and(|it| it.topic.is_some() || it.error.is_some())
    };
    (text.ends_with('\n') && text.lines().all(is_outcome)).then(|| text.to_owned())
}

/// The line with this key, unless it has one or is no message: the server says what is wrong.
fn with_key(line: &str, key: &str) -> Option<String> {
    let fields: HashMap<Cow<'_, str>, &RawValue> = serde_json::from_str(line).ok()?;
    let is_keyless = fields.contains_key("topic") && !fields.contains_key("key");
    let (_, rest) = line.split_once('{').filter(|_| is_keyless)?;
    Some(format!("{{\"key\":\"{key}\",{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_a_key_get_one() {
        assert_eq!(
            with_key(r#" {"topic":"a","data":"{x"}"#, "k").as_deref(),
            Some(r#"{"key":"k","topic":"a","data":"{x"}"#)
        );
        for line in [
            r#"{"topic":"a","key":"own"}"#,
            r#"{"topic":"a","\u006bey":null}"#,
            r#"{"data":"x"}"#,
            "{}",
            "[]",
            "",
            r#"{"topic":"a""#,
        ] {
            assert_eq!(with_key(line, "k"), None, "{line}");
        }
    }

    #[test]
    fn only_outcomes_are_an_answer() {
        let good = "{\"topic\":\"a\",\"subscribers\":0}\n{\"line\":2,\"error\":\"malformed\"}\n";
        assert!(whole_lines(good.as_bytes()).is_some());
        for bad in ["<html>\n", "{}\n", "{\"topic\":\"a\",\"subsc", "[]\n"] {
            assert!(whole_lines(bad.as_bytes()).is_none(), "{bad}");
        }
    }
}
