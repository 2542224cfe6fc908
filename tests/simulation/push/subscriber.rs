//! A subscriber: it keeps its last position as the contract says, over all its connections.

use super::body::Input;
use super::plan::{Transport, Wanted};
use super::socket::control;
use crate::layers::Inflating;
use serde_json::Value;
use std::collections::BTreeSet;
use wirebell::net::testing::Peer;
use wirebell::push::{Pattern, Position};

/// A gap that it was told of.
#[derive(Debug)]
pub struct Told {
    pub topic: Pattern,
    pub after: u64,
    pub next: Option<u64>,
}

/// What it has got of one record.
#[derive(Clone, Debug)]
pub struct Got {
    pub sequence: u64,
    /// The text, which begins with the number of the message.
    pub text: String,
}

/// One connection.
pub struct Life {
    pub peer: Peer,
    input: Input,
    pub inflating: Inflating,
    pub status: Option<u16>,
    /// Its first event, line, position or `subscribed` has come.
    pub begun: bool,
    /// What a replay has brought that is not over.
    staged: (Vec<Got>, Vec<Told>),
    /// The last message of this connection.
    last: u64,
    /// It asked for what is new, so all its messages are live.
    pub new: bool,
    pub ended: bool,
    pub since: u64,
}

pub struct Subscriber {
    pub who: usize,
    pub wanted: Wanted,
    pub life: Option<Life>,
    pub position: Option<u64>,
    /// Where it first began: all after it must come.
    pub baseline: Option<u64>,
    pub got: Vec<Got>,
    pub gaps: Vec<Told>,
    /// Sequence numbers of records that came live.
    pub live: BTreeSet<u64>,
    /// Of a raw WebSocket, by connection: where it began, and the numbers of its messages.
    pub raw: Vec<(u64, Vec<u64>)>,
    pub revoked: Option<u64>,
    /// What it has published: numbers, and the sequence numbers that it was told.
    pub said: Vec<(u64, u64)>,
    pub closes: Vec<u16>,
    /// Messages that came compressed.
    pub inflated: usize,
}

impl Life {
    pub fn new(peer: Peer, since: u64, new: bool) -> Self {
        Self {
            peer,
            input: Input::default(),
            inflating: Inflating::default(),
            status: None,
            begun: false,
            staged: Default::default(),
            last: since,
            new,
            ended: false,
            since,
        }
    }
}

fn sequence(value: &Value) -> Option<u64> {
    let position: Position = value.as_str()?.parse().ok()?;
    Some(position.sequence)
}

fn got(value: &Value) -> Result<Got, String> {
    let sequence = sequence(&value["id"]).ok_or_else(|| format!("no id: {value}"))?;
    let text = value["data"].as_str().ok_or("no data")?.to_owned();
    Ok(Got { sequence, text })
}

fn told(value: &Value) -> Result<Told, String> {
    let bad = || format!("not a gap: {value}");
    let topic = value["topic"].as_str().and_then(|it| it.parse().ok());
    Ok(Told {
        topic: topic.ok_or_else(bad)?,
        after: sequence(&value["after"]).ok_or_else(bad)?,
        next: sequence(&value["next"]),
    })
}

fn list<T>(value: &Value, each: impl Fn(&Value) -> Result<T, String>) -> Result<Vec<T>, String> {
    let all = value.as_array().ok_or("not a list")?;
    all.iter().map(each).collect()
}

pub fn parse(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("{error}: {text:?}"))
}

impl Subscriber {
    pub fn new(who: usize, wanted: Wanted) -> Self {
        Self {
            who,
            wanted,
            life: None,
            position: None,
            baseline: None,
            got: Vec::new(),
            gaps: Vec::new(),
            live: BTreeSet::new(),
            raw: Vec::new(),
            revoked: None,
            said: Vec::new(),
            closes: Vec::new(),
            inflated: 0,
        }
    }

    /// The name of its token.
    pub fn name(&self) -> String {
        format!("s{}", self.who)
    }

    /// In a message, not in the URL.
    pub fn says_what_it_wants(&self) -> bool {
        self.wanted.transport == Transport::Envelopes && self.who.is_multiple_of(2)
    }

    pub fn matches(&self, topic: &str) -> bool {
        let topic = topic.parse().expect("a name");
        let patterns = self.wanted.patterns.split(',');
        let mut patterns = patterns.map(|it| it.parse::<Pattern>().expect("a pattern"));
        patterns.any(|it| it.matches(&topic))
    }

    /// Reads, understands, and answers Pings and a Close. How many bytes came.
    pub fn read(&mut self, most: usize) -> Result<usize, String> {
        let Some(mut life) = self.life.take() else {
            return Ok(0);
        };
        let read = life.peer.read(most);
        let before = life.inflating.inflated;
        let bytes = life.inflating.push(&life.peer.take_bytes());
        self.inflated += life.inflating.inflated - before;
        life.input.push(&bytes);
        let result = self.understand(&mut life);
        life.ended |= life.peer.has_ended();
        life.peer.send(&[]);
        self.life = Some(life);
        let who = self.who;
        result
            .map(|()| read)
            .map_err(|problem| format!("subscriber {who}: {problem}"))
    }

    fn understand(&mut self, life: &mut Life) -> Result<(), String> {
        loop {
            if life.status.is_none() || self.wanted.transport == Transport::Poll {
                if self.polled(life)? {
                    continue;
                }
                return Ok(());
            }
            let more = match (life.status, self.wanted.transport) {
                (Some(101), transport) => self.frame(life, transport)?,
                (Some(200), Transport::Events) => self.event(life)?,
                (Some(200), Transport::Lines) => self.line(life)?,
                _ => false,
            };
            if !more {
                return Ok(());
            }
        }
    }

    /// A head, and the body of a poll. True if there may be more.
    fn polled(&mut self, life: &mut Life) -> Result<bool, String> {
        let is_poll = self.wanted.transport == Transport::Poll;
        if life.status.is_none() {
            let Some(head) = life.input.head() else {
                return Ok(false);
            };
            life.status = Some(head.status);
            if let Some(position) = head.field("wirebell-position") {
                let position: Position = position.parse().map_err(|_| "a bad position")?;
                life.begun = true;
                self.raw.push((position.sequence, Vec::new()));
            }
            if is_poll {
                let length = head.field("content-length").and_then(|it| it.parse().ok());
                life.since = length.unwrap_or(0);
            }
            return Ok(true);
        }
        if life.status != Some(200) || life.begun {
            return Ok(false);
        }
        let Some(body) = life.input.body(life.since as usize) else {
            return Ok(false);
        };
        life.begun = true;
        let answer = parse(&body)?;
        for got in list(&answer["messages"], got)? {
            self.take(life, got)?;
        }
        self.gaps.extend(list(&answer["gaps"], told)?);
        self.begin(sequence(&answer["position"]).ok_or("no position")?);
        life.ended = true;
        Ok(false)
    }

    fn frame(&mut self, life: &mut Life, transport: Transport) -> Result<bool, String> {
        let Some(frame) = life.input.frame() else {
            return Ok(false);
        };
        let text = String::from_utf8(frame.payload.clone()).unwrap_or_default();
        match frame.first {
            0x81 if transport == Transport::Raw => self.raw_text(&text)?,
            0x81 => self.message(life, &parse(&text)?)?,
            _ => control(&frame, &mut life.peer, &mut self.closes)?,
        }
        Ok(true)
    }

    fn raw_text(&mut self, text: &str) -> Result<(), String> {
        let number = number(text).ok_or("not a message")?;
        let (_, all) = self.raw.last_mut().ok_or("no position")?;
        all.push(number);
        Ok(())
    }

    /// A message of `wirebell.v1`.
    // req: push-v1-13
    fn message(&mut self, life: &mut Life, it: &Value) -> Result<(), String> {
        match it["type"].as_str().unwrap_or_default() {
            "replay" => {
                let last = life.staged.0.last().map_or(0, |it| it.sequence);
                let more = list(&it["messages"], got)?;
                let order = more.iter().map(|it| it.sequence);
                if !order.clone().is_sorted() || order.min().is_some_and(|it| it <= last) {
                    return Err(format!("a replay out of order: {more:?} after {last}"));
                }
                life.staged.0.extend(more);
                life.staged.1.extend(list(&it["gaps"], told)?);
            }
            "subscribed" => {
                let (records, gaps) = std::mem::take(&mut life.staged);
                for got in records {
                    self.take(life, got)?;
                }
                self.gaps.extend(gaps);
                let position = sequence(&it["position"]).ok_or("no position")?;
                if position < life.last {
                    return Err(format!("position {position} after {}", life.last));
                }
                life.last = position;
                life.begun = true;
                self.begin(position);
            }
            "message" if !life.begun => return Err(format!("too early: {it}")),
            "message" => {
                let got = got(it)?;
                self.live.insert(got.sequence);
                self.take(life, got)?;
            }
            "published" => {
                let said = it["ref"].as_u64().zip(sequence(&it["id"]));
                self.said
                    .push(said.ok_or_else(|| format!("not expected: {it}"))?);
            }
            "error" if it["error"] == "unavailable" || it["error"] == "full" => {}
            _ => return Err(format!("not expected: {it}")),
        }
        Ok(())
    }

    fn event(&mut self, life: &mut Life) -> Result<bool, String> {
        let Some(event) = life.input.until("\n\n") else {
            return Ok(false);
        };
        let field = |name: &str| {
            let mut lines = event.lines();
            lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
        };
        let id = field("id").map(|it| Value::from(it.to_owned()));
        let id = id.as_ref().and_then(sequence);
        match (field("event"), field("data"), id) {
            (Some("gap"), Some(gap), None) => self.gaps.push(told(&parse(gap)?)?),
            (None, None, Some(position)) => {
                life.begun = true;
                self.begin(position);
            }
            (None, Some(data), Some(sequence)) => {
                let text = match data.starts_with('{') {
                    true => got(&parse(data)?)?.text,
                    false => data.to_owned(),
                };
                if life.new {
                    self.live.insert(sequence);
                }
                self.take(life, Got { sequence, text })?;
            }
            (None, None, None) if event.starts_with(':') => {}
            _ => return Err(format!("an event {event:?}")),
        }
        Ok(true)
    }

    fn line(&mut self, life: &mut Life) -> Result<bool, String> {
        let Some(line) = life.input.until("\n") else {
            return Ok(false);
        };
        let it = parse(&line)?;
        match it["type"].as_str().unwrap_or_default() {
            "subscribed" => {
                life.begun = true;
                self.begin(sequence(&it["position"]).ok_or("no position")?);
            }
            "gap" => self.gaps.push(told(&it)?),
            "message" => self.take(life, got(&it)?)?,
            "keepalive" => {}
            _ => return Err(format!("a line {line:?}")),
        }
        Ok(true)
    }

    /// A record: the order grows in each connection.
    // req: push-order-02
    fn take(&mut self, life: &mut Life, got: Got) -> Result<(), String> {
        let Got { sequence, .. } = got;
        if sequence <= life.last {
            return Err(format!("record {sequence} after {}", life.last));
        }
        life.last = sequence;
        self.position = self.position.max(Some(sequence));
        self.got.push(got);
        Ok(())
    }

    // req: push-v1-19
    fn begin(&mut self, position: u64) {
        self.baseline.get_or_insert(position);
        self.position = self.position.max(Some(position));
    }
}

/// The number of a message.
pub fn number(text: &str) -> Option<u64> {
    text.split(' ').next()?.parse().ok()
}
