//! What has happened in all runs together.

use std::collections::BTreeMap;
use std::fmt;

/// How often what happened, over all runs: a simulation in which nothing goes wrong shows nothing.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Totals {
    pub counts: BTreeMap<String, u64>,
}

/// What 2,000 seeds must have seen.
const MUST_HAPPEN: [&str; 17] = [
    "Closed",
    "Late",
    "Lost",
    "Memory",
    "Overflow",
    "Silent",
    "Stalled",
    "Stopped",
    "Violation",
    "answered",
    "dialled",
    "dropped",
    "encrypted",
    "inflated",
    "not opened",
    "refused",
    "shed",
];

/// The same of the push server.
const PUSH_MUST_HAPPEN: [&str; 15] = [
    "clients deleted",
    "gaps",
    "killed",
    "listed",
    "members dropped",
    "not published",
    "posted",
    "pushed",
    "received",
    "received compressed",
    "received encrypted",
    "received live",
    "records",
    "revoked",
    "too slow",
];

impl Totals {
    pub fn add(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(name.clone()).or_default() += count;
        }
    }

    pub fn check(&self) {
        let pushes = cfg!(all(feature = "data", feature = "gotify")).then_some(PUSH_MUST_HAPPEN);
        for name in MUST_HAPPEN.into_iter().chain(pushes.into_iter().flatten()) {
            if self.counts.get(name).is_none_or(|count| *count == 0) {
                println!("{name} has never happened");
                std::process::exit(1);
            }
        }
    }
}

impl fmt::Display for Totals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, (name, count)) in self.counts.iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            write!(f, "{comma}{name} {count}")?;
        }
        Ok(())
    }
}
