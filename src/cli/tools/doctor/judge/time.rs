//! Check `clock`: whether the server's clock agrees with ours.
//!
//! Input: `Date` of `/healthz`, and the time in a message. Output: a finding for each. A difference
//! may be due to either clock, and `Date` may be that of a proxy.

use crate::cli::tools::doctor::facts::Facts;
use crate::cli::tools::doctor::finding::Place::Elsewhere;
use crate::cli::tools::doctor::finding::{Change, Finding};

const SYNC: &[Change] = &[(
    Elsewhere,
    "synchronise the clock, of the server or of this machine: timedatectl set-ntp true",
)];

/// `Date` has whole seconds, and an answer takes its time.
const EXACT: i64 = 5_000;

/// What tokens and times to resume from are off by matters from here on.
const WRONG: i64 = 60_000;

pub(super) fn clock(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    let message = facts.sse.as_ref().and_then(|sse| sse.clock);
    all.extend(message.map(|(theirs, ours)| judge(theirs - ours, "the time of a message")));
    if let Some(Ok(answer)) = &facts.health {
        // It lies somewhere between the request and the answer.
        let ours = answer.at - answer.took.as_millis() as i64 / 2;
        all.push(match answer.field("Date").and_then(date) {
            Some(theirs) => judge(theirs - ours, "Date, which may be that of a proxy"),
            None => Finding::note("clock", "no Date in responses")
                .means("the clock of the server is not set, or a proxy removes Date"),
        });
    }
    all
}

/// `off` is in milliseconds.
fn judge(off: i64, source: &str) -> Finding {
    let seconds = off.abs() / 1000;
    let direction = if off < 0 { "behind" } else { "ahead of" };
    let text = format!("{seconds} s {direction} this machine (by {source})");
    match off.abs() {
        off if off <= EXACT => {
            Finding::ok("clock", format!("as that of this machine (by {source})"))
        }
        off if off <= WRONG => Finding::warning("clock", text)
            .means("tokens begin and end early or late")
            .change(SYNC),
        _ => Finding::problem("clock", text)
            .means("JWTs are refused or live too long, and since=TIME means another time")
            .change(SYNC),
    }
}

/// Milliseconds since 1970.
fn date(value: &str) -> Option<i64> {
    let at = httpdate::parse_http_date(value).ok()?;
    let since = at.duration_since(std::time::UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}
