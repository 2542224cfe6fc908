//! `wirebell verify`: asks an echo server hundreds of questions, most of which a well-behaved
//! client never asks.
//!
//! Comes in: a URL and a choice of cases. Goes out: a verdict for each case with its section of an
//! RFC, its level, and the bytes that were exchanged. Invariant: only what an RFC says is a MUST,
//! and every case ends, whatever the server does.
//!
//! Reading order: `case`, `wire`, `probe`, `expect`, `handshake`, `cases`, `suite`, `report`.

mod args;
mod case;
mod cases;
mod expect;
mod handshake;
mod probe;
mod report;
mod suite;
mod wire;

pub use args::VerifyArgs;

use crate::cli::Failure;
use crate::cli::serve::print;
use case::{Case, Verdict};
use probe::Target;
use std::net::{TcpStream, ToSocketAddrs as _};
use std::time::Duration;
use wirebell::client::Uri;

pub fn run(args: Box<VerifyArgs>) -> Result<(), Failure> {
    let cases = select(&args)?;
    let Some(uri) = args.uri.as_deref().filter(|_| !args.list) else {
        print(&report::list(&cases));
        return Ok(());
    };
    let target = target(uri, &args)?;
    let report = suite::run(uri, &target, &cases, args.jobs.into());
    let text = report.write(args.format, args.verbose);
    match &args.output {
        None => print(&text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::Failed(format!("{}: {error}", path.display())))?,
    }
    let counts = |level| report.count(Verdict::Fail, level);
    let failed: usize = [case::Level::Must, case::Level::Should, case::Level::Quality]
        .into_iter()
        .filter(|level| *level <= args.fail_on)
        .map(counts)
        .sum();
    match failed {
        0 => Ok(()),
        failed => Err(Failure::Failed(format!("{failed} cases failed"))),
    }
}

fn select(args: &VerifyArgs) -> Result<Vec<Case>, Failure> {
    let all = cases::for_servers().list;
    for pattern in args.case.iter().chain(&args.skip) {
        if !all.iter().any(|case| matches(pattern, &case.id)) {
            let what = format!("no case is named {pattern}; --list shows all");
            return Err(Failure::Usage(what));
        }
    }
    let chosen = |case: &Case| {
        let named = |list: &[String]| list.iter().any(|pattern| matches(pattern, &case.id));
        (args.case.is_empty() || named(&args.case))
            && !named(&args.skip)
            && case.level <= args.level
    };
    Ok(all.into_iter().filter(chosen).collect())
}

/// `*` stands for anything.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| matches(rest, &text[at..]))
        }),
    }
}

fn target(uri: &str, args: &VerifyArgs) -> Result<Target, Failure> {
    let parsed: Uri = uri
        .parse()
        .map_err(|error| Failure::Usage(format!("{uri}: {error}")))?;
    if parsed.is_secure() {
        return Err(Failure::Usage(format!(
            "{uri}: wss:// cannot be tested yet"
        )));
    }
    let patience = Duration::from_millis(args.timeout.0.max(1).into());
    let unreachable = |error| Failure::Refused(format!("{uri}: {error}"));
    let addresses = (parsed.host(), parsed.port())
        .to_socket_addrs()
        .map_err(unreachable)?;
    let mut last = std::io::ErrorKind::NotFound.into();
    for address in addresses {
        match TcpStream::connect_timeout(&address, patience) {
            Ok(_) => {
                return Ok(Target {
                    address,
                    authority: parsed.authority(),
                    path: parsed.target().to_owned(),
                    patience,
                });
            }
            Err(error) => last = error,
        }
    }
    Err(unreachable(last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn patterns() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "ab", true),
            ("*b", "ab", true),
            ("*", "", true),
            ("a*c", "abc", true),
            ("a*c", "abd", false),
            ("*.code", "x.code", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn names_are_unique_and_there_are_many() {
        let cases = cases::for_servers().list;
        let names: HashSet<_> = cases.iter().map(|case| &case.id).collect();
        assert_eq!(names.len(), cases.len());
        assert!(cases.len() >= 200, "{}", cases.len());
        for case in &cases {
            let (rfc, section) = case.section.split_once(' ').unwrap();
            assert!(
                ["6455", "7692", "9110", "9112"].contains(&rfc),
                "{}",
                case.id
            );
            assert!(
                section.starts_with(|c: char| c.is_ascii_digit()),
                "{}",
                case.id
            );
        }
    }
}
