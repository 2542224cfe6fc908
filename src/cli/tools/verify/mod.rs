//! `wirebell verify`: runs conformance cases, most of which no well-behaved peer would cause,
//! against an echo server or against a client that echoes.
//!
//! Input: a URL or an address to listen on, and a choice of cases. Output: a verdict for each
//! case with its section of an RFC, its level, and the bytes that were exchanged. Invariant: only
//! what an RFC says is a MUST, and every case ends, whatever the endpoint does.
//!
//! Reading order: `problem`, `wire`, `unsolicited`, `target`, `head`, `client_request`, `probe`,
//! `expect`, `handshake`, `accept`, `open`, `case`, `args`, `cases`, `html`, `badge`, `report`,
//! `suite`, `preflight`, `serving`, `case_run`, `listen`, `random`.

mod accept;
mod args;
mod badge;
mod case;
mod case_run;
mod cases;
mod client_request;
mod expect;
mod handshake;
mod head;
mod html;
mod listen;
mod open;
mod preflight;
mod probe;
mod problem;
mod random;
mod report;
mod serving;
mod suite;
mod target;
mod unsolicited;
mod wire;

pub use args::VerifyArgs;

use crate::cli::common::Failure;
use crate::cli::common::stdout::print;
use crate::cli::tools::common::client::{failure, header_fields};
use crate::cli::tools::common::failure::{refused, within};
use args::{Format, ReportArgs, VerifyCommand};
use case::{Case, Check, Verdict};
use case_run::CaseRun;
use report::{Report, SUITE};
use std::path::{Path, PathBuf};
use std::time::Duration;
use target::Target;
use unsolicited::Unsolicited;
use wirebell::client::{Endpoint, Error, Options, ProxyChoice};
use wirebell::push::mask_token;
use wirebell::wire::Entropy as _;

pub fn run(args: Box<VerifyArgs>) -> Result<(), Failure> {
    if let Some(VerifyCommand::Report(args)) = &args.command {
        return side_by_side(args);
    }
    if args.random || args.replay.is_some() {
        return run_random(&args);
    }
    let cases = select(&args)?;
    if args.list {
        return print(report::list(&cases));
    }
    let (report, never_run) = match (&args.listen, &args.uri) {
        (Some(listen), _) => test_client(listen, &args, cases)?,
        (None, uri) => {
            let uri = uri.as_deref().unwrap_or_default();
            let target = checked(uri, &args)?;
            (suite::run(uri, &target, &cases, args.jobs.into()), 0)
        }
    };
    put(
        args.output.as_deref(),
        report.write(args.format, args.verbose),
    )?;
    let counts = |level| report.count(Verdict::Fail, level);
    let failed: usize = [case::Level::Must, case::Level::Should, case::Level::Quality]
        .into_iter()
        .filter(|level| *level <= args.fail_on)
        .map(counts)
        .sum();
    match (failed, never_run) {
        (0, 0) => Ok(()),
        (failed, 0) => Err(Failure::failed(format!("{failed} cases failed"))),
        (failed, never) => Err(Failure::failed(format!(
            "{failed} cases failed, and the client never requested {never} cases"
        ))),
    }
}

/// The report on a client, and how many cases it never requested.
fn test_client(
    listen: &str,
    args: &VerifyArgs,
    cases: Vec<Case>,
) -> Result<(Report, usize), Failure> {
    let served = listen::run(listen, args, CaseRun::new(cases, timeout(args)))?;
    let verdicts = served.server.tests.finish();
    let report = Report {
        url: served.url,
        agent: served.agent,
        suite: SUITE,
        milliseconds: served.time.as_millis() as u64,
        unsolicited: None,
        outcomes: verdicts.outcomes,
    };
    Ok((report, verdicts.never_run))
}

/// Random streams, or some of them again.
fn run_random(args: &VerifyArgs) -> Result<(), Failure> {
    if matches!(args.format, Format::Junit | Format::Html) {
        return Err(Failure::usage(
            "--random and --replay write text, json or badge".into(),
        ));
    }
    let plan = random::Plan {
        seed: args.seed.unwrap_or_else(random_seed),
        time: Duration::from_secs(args.seconds.into()),
        jobs: args.jobs.into(),
        timeout: timeout(args),
        max_deviations: args.max_deviations.max(1),
    };
    let streams = args.replay.as_deref();
    let streams = streams.map(|file| random::read(file, args.listen.is_some()));
    let streams = streams.transpose()?;
    let (name, json, findings, missing) = match &args.listen {
        Some(listen) => {
            let served = listen::run(listen, args, random::Streams::new(plan, streams))?;
            let findings = served.server.tests.findings(served.time);
            let json = findings.json(&served.url, served.agent.as_deref());
            let missing = served.server.tests.missing();
            (served.agent.unwrap_or(served.url), json, findings, missing)
        }
        None => {
            let uri = args.uri.as_deref().unwrap_or_default();
            let url = mask_token(uri).into_owned();
            let target = checked(uri, args)?;
            let findings = match streams {
                Some(streams) => random::replay(&target, streams, plan),
                None => random::run(&target, plan),
            };
            let json = findings.json(&url, None);
            (url, json, findings, 0)
        }
    };
    let text = match args.format {
        Format::Json => json,
        Format::Badge => findings.badge().svg(),
        _ => findings.text(&name),
    };
    put(args.output.as_deref(), text)?;
    match (findings.count(args.fail_on), missing, findings.connections) {
        (0, 0, 0) => Err(Failure::failed("the client requested no stream".into())),
        (0, 0, _) => Ok(()),
        (count, 0, _) => Err(Failure::failed(format!("{count} deviations"))),
        (count, missing, _) => Err(Failure::failed(format!(
            "{count} deviations, and the client never requested {missing} streams"
        ))),
    }
}

/// Reports on one page.
fn side_by_side(args: &ReportArgs) -> Result<(), Failure> {
    let read = |path: &PathBuf| {
        let wrong = |what: String| Failure::usage(format!("{}: {what}", path.display()));
        let text = std::fs::read_to_string(path).map_err(|error| wrong(error.to_string()))?;
        let runs = html::runs(&[text]);
        runs.map_err(|error| wrong(format!("not a report in JSON: {error}")))
    };
    let runs: Vec<_> = args.files.iter().map(read).collect::<Result<_, _>>()?;
    let runs: Vec<_> = runs.into_iter().flatten().collect();
    put(args.output.as_deref(), html::print(&runs))
}

fn random_seed() -> u64 {
    let mut seed = [0; 4];
    wirebell::client::Random.fill(&mut seed);
    u32::from_be_bytes(seed).into()
}

fn put(output: Option<&Path>, text: String) -> Result<(), Failure> {
    match output {
        None => print(text),
        Some(path) => std::fs::write(path, text)
            .map_err(|error| Failure::failed(format!("{}: {error}", path.display()))),
    }
}

fn select(args: &VerifyArgs) -> Result<Vec<Case>, Failure> {
    let mut all = match args.listen {
        None => cases::for_servers().list,
        Some(_) => cases::for_clients().list,
    };
    for pattern in args.case.iter().chain(&args.skip) {
        let mut checks = all.iter().flat_map(|case| &case.checks);
        if !checks.any(|check| matches(pattern, &check.id)) {
            let what = format!("no case matches {pattern}; --list shows all");
            return Err(Failure::usage(what));
        }
    }
    let chosen = |check: &Check| {
        let named = |list: &[String]| list.iter().any(|pattern| matches(pattern, &check.id));
        (args.case.is_empty() || named(&args.case))
            && !named(&args.skip)
            && check.level <= args.level
    };
    for case in &mut all {
        case.checks.retain(&chosen);
    }
    all.retain(|case| !case.checks.is_empty());
    Ok(all)
}

/// `*` matches any characters.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text.strip_prefix(head).is_some_and(|text| {
            let ends = text.char_indices().map(|(at, _)| at).chain([text.len()]);
            ends.into_iter().any(|at| matches(rest, &text[at..]))
        }),
    }
}

/// A server that can be tested, and what it sends unsolicited.
fn checked(uri: &str, args: &VerifyArgs) -> Result<Target, Failure> {
    let mut target = target(uri, args)?;
    match preflight::run(&target) {
        Err(failure) if !args.force => Err(within(&mask_token(uri), failure)),
        found => {
            target.unsolicited = found.unwrap_or_default();
            Ok(target)
        }
    }
}

fn timeout(args: &VerifyArgs) -> Duration {
    Duration::from_millis(args.timeout.0.into())
}

fn target(uri: &str, args: &VerifyArgs) -> Result<Target, Failure> {
    let mut fields = header_fields(&args.header)?;
    fields.extend(args.credentials.field()?);
    // Through a proxy, the proxy would be tested.
    let options = Options::default()
        .fields(fields.clone())
        .subprotocols(args.subprotocol.clone())
        .tls(args.tls.connector(uri)?)
        .proxy(ProxyChoice::Direct);
    let connector = options.tls.clone();
    let endpoint = match Endpoint::resolve(uri, options) {
        Err(error @ (Error::Lookup(_) | Error::Tls(_))) => {
            return Err(within(&mask_token(uri), failure(error)));
        }
        other => other.map_err(|error| Failure::usage(format!("{}: {error}", mask_token(uri))))?,
    };
    fields.retain(|(name, _)| !name.eq_ignore_ascii_case("Host"));
    let host = endpoint.uri().host().to_owned();
    let mut last = Error::Connect(std::io::ErrorKind::NotFound.into());
    let mut target = Target {
        address: endpoint.addresses()[0],
        tls: connector.map(|connector| (connector, host)),
        authority: endpoint.authority().to_owned(),
        path: endpoint.uri().target().to_owned(),
        timeout: timeout(args),
        fields,
        subprotocols: args.subprotocol.clone(),
        unsolicited: Unsolicited::default(),
    };
    for address in endpoint.addresses() {
        target.address = *address;
        match target.connect() {
            Ok(_) => return Ok(target),
            Err(error) => last = error,
        }
    }
    Err(within(
        &mask_token(uri),
        match last {
            Error::Connect(error) => refused(error.to_string()),
            other => failure(other),
        },
    ))
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
        for (cases, at_least) in [(cases::for_servers(), 540), (cases::for_clients(), 150)] {
            let checks: Vec<_> = cases.list.iter().flat_map(|case| &case.checks).collect();
            let names: HashSet<_> = checks.iter().map(|check| &check.id).collect();
            assert_eq!(names.len(), checks.len());
            assert!(checks.len() >= at_least, "{}", checks.len());
            for check in checks {
                let (rfc, section) = check.section.split_once(' ').unwrap();
                assert!(
                    ["6455", "7692", "9110", "9112"].contains(&rfc),
                    "{}",
                    check.id
                );
                assert!(
                    section.starts_with(|c: char| c.is_ascii_digit()),
                    "{}",
                    check.id
                );
            }
        }
    }
}
