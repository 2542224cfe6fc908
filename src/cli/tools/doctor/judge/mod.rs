//! What the facts mean, and what to change.
//!
//! Input: [`Facts`]. Output: findings, in the order of the path: name, address, TLS, proxy, server.
//! Invariant: a judgement is a pure function of the facts; each check that is named in the help has
//! a finding, even if it is only that it was skipped.
//!
//! Reading order: `way`, `proxy`, `upgrade`, `pings`, `idle`, `events`, `pages`, `time`.

mod events;
mod idle;
mod pages;
mod pings;
mod proxy;
#[cfg(test)]
mod tests;
mod time;
mod upgrade;
mod way;

use crate::cli::tools::doctor::facts::Facts;
use crate::cli::tools::doctor::finding::{Finding, Level};

pub use proxy::places;

/// A check.
type Judgement = fn(&Facts) -> Vec<Finding>;

/// The checks, by name.
const CHECKS: [(&str, Judgement); 12] = [
    ("dns", way::dns),
    ("tcp", way::tcp),
    ("tls", way::tls),
    ("proxy", proxy::proxy),
    ("http", proxy::health),
    ("upgrade", upgrade::upgrade),
    ("compression", upgrade::compression),
    ("pings", pings::pings),
    ("idle", idle::idle),
    ("sse", events::events),
    ("cors", pages::pages),
    ("clock", time::clock),
];

/// All findings.
pub fn judge(facts: &Facts) -> Vec<Finding> {
    let mut all: Vec<Finding> = Vec::new();
    let mut failed = None;
    for (check, judgement) in CHECKS {
        let found = judgement(facts);
        if found.is_empty() {
            let why = failed.unwrap_or("an earlier check");
            all.push(Finding::note(check, format!("skipped: see {why}")));
        }
        let is_problem = |one: &Finding| one.level == Level::Problem;
        if failed.is_none() && found.iter().any(is_problem) {
            failed = Some(check);
        }
        all.extend(found);
    }
    all
}
