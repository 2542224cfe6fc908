//! The verdicts, as text, JSON, JUnit, HTML or a badge.
//!
//! Input: the outcomes of a run. Output: the text of a report. HTML and the badge are left to
//! `html` and `badge`.

use crate::cli::common::terminal::visible;
use crate::cli::tools::common::markup::Escaped;
use crate::cli::tools::common::terminal::may_colour;
use crate::cli::tools::verify::args::Format;
use crate::cli::tools::verify::badge::{Badge, Colour};
use crate::cli::tools::verify::case::{Case, Check, Level, Outcome, Verdict};
use crate::cli::tools::verify::html;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;
use std::fmt::Write as _;
use std::io::{self, IsTerminal as _};

/// The program and its version.
pub const SUITE: &str = concat!("wirebell ", env!("CARGO_PKG_VERSION"));

/// A run.
#[derive(Debug, Serialize)]
pub struct Report {
    /// The server, or the address at which a client connected.
    pub url: String,
    /// The name that a client gives itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Option<String>,
    /// The program and its version.
    pub suite: &'static str,
    pub milliseconds: u64,
    /// What the server sends unsolicited, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unsolicited: Option<String>,
    pub outcomes: Vec<Outcome>,
}

/// The cases, without running them.
pub fn list(cases: &[Case]) -> String {
    let mut text = String::new();
    let checks = || cases.iter().flat_map(|case| &case.checks);
    for Check {
        id,
        section,
        level,
        rule,
        ..
    } in checks()
    {
        let _ = writeln!(
            text,
            "{id:<40} {:<8} RFC {section:<12} {rule}",
            level.name()
        );
    }
    let _ = writeln!(text, "{} cases", checks().count());
    text
}

impl Report {
    pub fn count(&self, verdict: Verdict, level: Level) -> usize {
        let counts = |outcome: &&Outcome| outcome.verdict == verdict && outcome.level == level;
        self.outcomes.iter().filter(counts).count()
    }

    /// The endpoint under test.
    fn name(&self) -> &str {
        self.agent.as_deref().unwrap_or(&self.url)
    }

    fn all(&self, verdict: Verdict) -> usize {
        self.outcomes
            .iter()
            .filter(|outcome| outcome.verdict == verdict)
            .count()
    }

    pub fn write(&self, format: Format, verbose: bool) -> String {
        match format {
            Format::Text => self.text(verbose),
            Format::Json => self.json(),
            Format::Junit => self.junit(),
            Format::Badge => self.badge().svg(),
            Format::Html => html::print(&html::runs(&[self.json()]).unwrap_or_default()),
        }
    }

    fn badge(&self) -> Badge {
        let counts = [Level::Must, Level::Should, Level::Quality];
        let counts = counts.map(|level| self.count(Verdict::Fail, level));
        let mut message = format!("{} passed", self.all(Verdict::Pass));
        for (count, of) in counts.into_iter().zip(["MUST", "SHOULD", "quality"]) {
            if count > 0 {
                let _ = write!(message, ", {count} {of} failed");
            }
        }
        if self.all(Verdict::Skip) > 0 {
            let _ = write!(message, ", {} skipped", self.all(Verdict::Skip));
        }
        Badge {
            label: "RFC 6455",
            message,
            colour: Colour::of(counts[0], counts[1], counts[2]),
        }
    }

    fn json(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    fn text(&self, verbose: bool) -> String {
        let colours = io::stdout().is_terminal() && may_colour();
        let mut text = String::new();
        for outcome in &self.outcomes {
            if verbose || outcome.verdict == Verdict::Fail {
                write_outcome(&mut text, outcome, colours);
            }
        }
        if let Some(unsolicited) = &self.unsolicited {
            let _ = writeln!(text, "{}", visible(unsolicited));
        }
        let failed = |level: Level| self.count(Verdict::Fail, level);
        let _ = writeln!(
            text,
            "{}: {} cases in {:.1} s: {} passed, {} failed ({} MUST, {} SHOULD, {} quality), \
             {} skipped",
            visible(self.name()),
            self.outcomes.len(),
            self.milliseconds as f64 / 1000.0,
            self.all(Verdict::Pass),
            self.all(Verdict::Fail),
            failed(Level::Must),
            failed(Level::Should),
            failed(Level::Quality),
            self.all(Verdict::Skip),
        );
        text
    }

    fn junit(&self) -> String {
        let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        let (tests, failures) = (self.outcomes.len(), self.all(Verdict::Fail));
        let (skipped, time) = (self.all(Verdict::Skip), self.milliseconds as f64 / 1000.0);
        let _ = writeln!(
            xml,
            "<testsuite name=\"{}\" tests=\"{tests}\" failures=\"{failures}\" \
             skipped=\"{skipped}\" time=\"{time:.3}\">",
            Escaped(self.name())
        );
        for outcome in &self.outcomes {
            let (group, _) = outcome.id.split_once('.').unwrap_or((&outcome.id, ""));
            let time = outcome.milliseconds as f64 / 1000.0;
            let (id, why) = (Escaped(&outcome.id), Escaped(&outcome.why));
            let _ = write!(
                xml,
                "  <testcase classname=\"{group}\" name=\"{id}\" time=\"{time:.3}\">"
            );
            let level = outcome.level.name();
            let rule = Escaped(&outcome.rule);
            match outcome.verdict {
                Verdict::Pass => {}
                Verdict::Skip => {
                    let _ = write!(xml, "<skipped message=\"{why}\"/>");
                }
                Verdict::Fail => {
                    let said = Escaped(&outcome.exchange.join("\n"));
                    let section = outcome.section;
                    let _ = write!(
                        xml,
                        "<failure type=\"{level}\" message=\"{why}\">\
                         RFC {section}: {rule}\n{said}</failure>"
                    );
                }
            }
            xml.push_str("</testcase>\n");
        }
        if let Some(unsolicited) = &self.unsolicited {
            let _ = writeln!(xml, "  <system-out>{}</system-out>", Escaped(unsolicited));
        }
        xml + "</testsuite>\n"
    }
}

fn write_outcome(text: &mut String, outcome: &Outcome, colours: bool) {
    let (word, colour) = match outcome.verdict {
        Verdict::Pass => ("pass", AnsiColor::Green),
        Verdict::Fail => ("FAIL", AnsiColor::Red),
        Verdict::Skip => ("skip", AnsiColor::Yellow),
    };
    let style = if colours {
        colour.on_default()
    } else {
        Style::new()
    };
    let (on, off) = (style.render(), style.render_reset());
    let Outcome {
        id,
        section,
        rule,
        why,
        ..
    } = outcome;
    let level = outcome.level.name();
    let _ = writeln!(
        text,
        "{on}{word}{off} {id}  [{level}, RFC {section}] {rule}"
    );
    if !why.is_empty() {
        let _ = writeln!(text, "     {}", visible(why));
    }
    for line in &outcome.exchange {
        let _ = writeln!(text, "       {}", visible(line));
    }
}
