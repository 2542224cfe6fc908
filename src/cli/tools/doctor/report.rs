//! The findings, for people and for programs.
//!
//! Input: findings, and which kinds of proxy were recognised. Output: text or JSON. Invariants:
//! where a kind of proxy was recognised, advice for other kinds is left out; text of a peer stays
//! on its line and cannot control the terminal.

use crate::cli::tools::common::terminal::one_line;
use crate::cli::tools::doctor::finding::{Change, Finding, Level, Place};
use serde_json::{Value, json};
use std::fmt::Write as _;

/// The width of the names of checks.
const NAME: usize = 11;

/// Lines for people.
pub fn text(url: &str, findings: &[Finding], places: &[Place]) -> String {
    let mut out = format!("{}\n", one_line(url));
    for finding in findings {
        let (level, check) = (finding.level.name(), finding.check);
        let _ = writeln!(
            out,
            "{level:<7}  {check:<NAME$}  {}",
            one_line(&finding.text)
        );
        let indent = " ".repeat(7 + 2 + NAME + 2);
        if !finding.meaning.is_empty() {
            let _ = writeln!(out, "{indent}{}", finding.meaning);
        }
        for (place, change) in advice(finding, places) {
            let _ = writeln!(out, "{indent}  {}: {change}", place.name());
        }
    }
    out + &summary(findings) + "\n"
}

/// One object.
pub fn json(url: &str, findings: &[Finding], places: &[Place]) -> String {
    let (problems, warnings) = counts(findings);
    let all: Vec<Value> = findings
        .iter()
        .map(|finding| one(finding, places))
        .collect();
    let object = json!({
        "url": url,
        "problems": problems,
        "warnings": warnings,
        "findings": all,
    });
    format!("{object:#}\n")
}

fn one(finding: &Finding, places: &[Place]) -> Value {
    let changes = advice(finding, places)
        .map(|(place, change)| json!({ "in": place.name(), "change": change }));
    json!({
        "check": finding.check,
        "level": finding.level.name(),
        "finding": finding.text,
        "meaning": finding.meaning,
        "changes": changes.collect::<Vec<_>>(),
    })
}

/// What may help here.
fn advice<'f>(finding: &'f Finding, places: &'f [Place]) -> impl Iterator<Item = &'f Change> {
    let fits =
        |(place, _): &&Change| !place.is_proxy() || places.is_empty() || places.contains(place);
    finding.changes.iter().filter(fits)
}

/// `1 problem, 2 warnings`.
pub fn summary(findings: &[Finding]) -> String {
    let (problems, warnings) = counts(findings);
    let s = |count| if count == 1 { "" } else { "s" };
    let (p, w) = (s(problems), s(warnings));
    format!("{problems} problem{p}, {warnings} warning{w}")
}

/// Problems and warnings.
pub fn counts(findings: &[Finding]) -> (usize, usize) {
    let count = |level| findings.iter().filter(|one| one.level == level).count();
    (count(Level::Problem), count(Level::Warning))
}
