//! `wirebell doctor`: checks a deployment from outside, and says what to change.
//!
//! ```text
//!   examine: look-up, TCP, TLS, requests, a WebSocket, a stream ──▶ facts ──▶ judge ──▶ findings
//!   the only part with sockets and a clock                                 pure    ──▶ report
//! ```
//!
//! Input: a URL. Output: findings, as text or JSON, and an exit status. Invariant: nothing is left
//! on the server: what is published is not kept.
//!
//! Reading order: `args`, `finding`, `facts`, `validity`, `target`, `reach`, `http`, `talk`,
//! `examine`, `judge`, `report`.

mod args;
mod examine;
mod facts;
mod finding;
mod http;
mod judge;
mod reach;
mod report;
mod talk;
mod target;
mod validity;

pub use args::DoctorArgs;

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use args::Format;

/// Examines a deployment and prints the findings.
pub fn run(args: &DoctorArgs) -> Result<(), Failure> {
    let facts = examine::examine(args)?;
    let findings = judge::judge(&facts);
    let places = judge::places(&facts);
    print(match args.format {
        Format::Text => report::text(&args.url, &findings, &places),
        Format::Json => report::json(&args.url, &findings, &places),
    })?;
    let (problems, warnings) = report::counts(&findings);
    match problems > 0 || args.strict && warnings > 0 {
        false => Ok(()),
        true => Err(Failure::failed(report::summary(&findings))),
    }
}
