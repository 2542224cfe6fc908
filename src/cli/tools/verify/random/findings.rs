//! What a run with random streams found, for people and programs.
//!
//! Input: deviations with their streams. Output: text in which each stream is a file that
//! `--replay` and `inspect` read, or JSON.

use crate::cli::common::terminal::visible;
use crate::cli::tools::inspect::explained;
use crate::cli::tools::verify::badge::{Badge, Colour};
use crate::cli::tools::verify::case::Level;
use crate::cli::tools::verify::random::exchange::Exchange;
use crate::cli::tools::verify::random::judge::Deviation;
use crate::cli::tools::verify::random::stream::hex;
use crate::cli::tools::verify::report::SUITE;
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
    exchange: Exchange,
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
        Some(Self {
            deviation: exchange.deviation.clone()?,
            number,
            times: 1,
            exchange,
        })
    }

    /// The same deviation, with a shorter stream.
    pub fn replace(&mut self, shorter: Exchange) {
        if let Some(shorter) = Self::of(shorter, self.number) {
            let times = self.times;
            *self = Self { times, ..shorter };
        }
    }

    /// How long the stream is.
    #[cfg(test)]
    pub fn steps(&self) -> usize {
        self.exchange.stream.steps.len()
    }

    /// A file for `--replay`.
    fn stream(&self) -> String {
        let Exchange {
            stream,
            request,
            response,
            received,
            ..
        } = &self.exchange;
        let mut text = stream.text(request, response);
        let back = if stream.is_to_client() { '>' } else { '<' };
        hex(&mut text, back, received);
        text
    }

    /// What `inspect` says about it, if there was a handshake.
    fn explained(&self) -> String {
        let Exchange {
            stream,
            request,
            response,
            received,
            ..
        } = &self.exchange;
        let sent = stream.bytes();
        match (request.is_empty(), response.is_empty()) {
            (false, false) => {
                let client = [&request[..], received].concat();
                explained(client, [&response[..], &sent].concat())
            }
            (false, true) if !received.is_empty() => {
                explained([&request[..], &sent].concat(), received.clone())
            }
            _ => String::new(),
        }
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
        text.push_str(&self.stream());
        for line in self.explained().lines() {
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
            "stream": self.stream(),
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
    /// The endpoint has this name.
    pub fn text(&self, name: &str) -> String {
        let mut text = String::new();
        for finding in &self.found {
            text += &finding.text();
            text.push('\n');
        }
        let rate = self.exchanges as f64 / self.time.as_secs_f64().max(0.001);
        let _ = writeln!(
            text,
            "# {}: seed {}, {} connections, {} exchanges in {:.1} s ({rate:.0}/s), {} deviations",
            visible(name),
            self.seed,
            self.connections,
            self.exchanges,
            self.time.as_secs_f64(),
            self.found.len(),
        );
        text
    }

    /// For a page.
    pub fn badge(&self) -> Badge {
        let of = |level| {
            let found = self.found.iter();
            found.filter(|one| one.deviation.level == level).count()
        };
        let found = match self.found.len() {
            1 => "1 deviation".to_owned(),
            count => format!("{count} deviations"),
        };
        Badge {
            label: "RFC 6455, random",
            message: format!("{found} in {} exchanges", self.exchanges),
            colour: Colour::of(of(Level::Must), of(Level::Should), of(Level::Quality)),
        }
    }

    /// For programs; only a client has an agent.
    pub fn json(&self, url: &str, agent: Option<&str>) -> String {
        let found: Vec<Value> = self.found.iter().map(Finding::json).collect();
        let mut report = json!({
            "url": url,
            "suite": SUITE,
            "seed": self.seed,
            "connections": self.connections,
            "exchanges": self.exchanges,
            "milliseconds": self.time.as_millis() as u64,
            "deviations": found,
        });
        if let Some(agent) = agent {
            report["agent"] = agent.into();
        }
        serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
    }
}
