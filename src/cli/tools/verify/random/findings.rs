//! What a run with random streams found, for people and programs.
//!
//! Input: deviations with their streams. Output: text in which each stream is a file that
//! `--replay` and `inspect` read, or JSON.

use crate::cli::common::terminal::visible;
use crate::cli::tools::inspect::explained;
use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::random::connection::Exchange;
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::stream::hex;
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// How the first line of a finding begins.
pub const HEADLINE: &str = "# FAIL ";

/// A deviation and the shortest stream that shows it.
#[derive(Clone, Debug)]
pub struct Finding {
    pub deviation: Deviation,
    /// The number of the stream in which it was seen first.
    pub number: Option<u64>,
    pub times: usize,
    /// A file for `--replay`.
    stream: String,
    /// Without credentials.
    request: Vec<u8>,
    sent: Vec<u8>,
    received: Vec<u8>,
}

/// The result of a run.
#[derive(Debug)]
pub struct Findings {
    pub seed: u64,
    pub connections: usize,
    pub exchanges: usize,
    pub time: Duration,
    pub found: Vec<Finding>,
}

impl Finding {
    /// If there was a deviation.
    pub fn of(exchange: Exchange, number: Option<u64>) -> Option<Self> {
        let bytes = exchange.stream.bytes();
        let mut stream = exchange.stream.text(true, &exchange.shown);
        hex(&mut stream, '<', &exchange.received);
        Some(Self {
            deviation: exchange.deviation?,
            number,
            times: 1,
            stream,
            request: exchange.shown,
            sent: bytes,
            received: exchange.received,
        })
    }

    /// The same, before it is shrunk.
    pub fn of_ref(exchange: &Exchange, number: u64) -> Option<Self> {
        let copy = Exchange {
            stream: exchange.stream.clone(),
            request: exchange.request.clone(),
            shown: exchange.shown.clone(),
            received: exchange.received.clone(),
            deviation: exchange.deviation.clone(),
            exchanges: exchange.exchanges,
        };
        Self::of(copy, Some(number))
    }

    /// The same deviation, with a shorter stream.
    pub fn replace(&mut self, shorter: Self) {
        let times = self.times;
        *self = shorter;
        self.times = times;
    }

    fn text(&self) -> String {
        let Deviation {
            name,
            section,
            level,
            what,
        } = &self.deviation;
        let times = match self.times {
            1 => String::new(),
            times => format!(" ({times} times)"),
        };
        let mut text = format!(
            "{HEADLINE}{name}  [{}, RFC {section}]{times}\n",
            level.name()
        );
        let _ = writeln!(text, "# {}", visible(what));
        text.push_str(&self.stream);
        let opened = !self.received.is_empty() && !self.request.is_empty();
        let explained = match opened {
            true => explained(
                [&self.request[..], &self.sent].concat(),
                self.received.clone(),
            ),
            false => String::new(),
        };
        for line in explained.lines() {
            let _ = writeln!(text, "#   {line}");
        }
        text
    }

    fn json(&self) -> Value {
        json!({
            "name": self.deviation.name,
            "section": self.deviation.section,
            "level": self.deviation.level,
            "what": self.deviation.what,
            "times": self.times,
            "stream": self.stream,
        })
    }
}

impl Findings {
    /// Deviations of this level or stricter.
    pub fn count(&self, least: Level) -> usize {
        let counts = |one: &&Finding| one.deviation.level <= least;
        self.found.iter().filter(counts).count()
    }

    /// For people; all other lines begin with `#`, so one stream is also a file for `--replay`.
    pub fn text(&self, url: &str) -> String {
        let mut text = String::new();
        for finding in &self.found {
            text += &finding.text();
            text.push('\n');
        }
        let rate = self.exchanges as f64 / self.time.as_secs_f64().max(0.001);
        let _ = writeln!(
            text,
            "# {}: seed {}, {} connections, {} exchanges in {:.1} s ({rate:.0}/s), {} deviations",
            visible(url),
            self.seed,
            self.connections,
            self.exchanges,
            self.time.as_secs_f64(),
            self.found.len(),
        );
        text
    }

    /// For programs.
    pub fn json(&self, url: &str) -> String {
        let found: Vec<Value> = self.found.iter().map(Finding::json).collect();
        let report = json!({
            "url": url,
            "suite": concat!("wirebell ", env!("CARGO_PKG_VERSION")),
            "seed": self.seed,
            "connections": self.connections,
            "exchanges": self.exchanges,
            "milliseconds": self.time.as_millis() as u64,
            "deviations": found,
        });
        serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
    }
}
