//! `wirebell verify --listen`: a correct client passes every case, and each case detects some
//! fault.

use super::client_faults::{LASTING, LOUD, NOT_SHARED, REQUESTS, SILENT, UNASKED};
use super::faults::{self, Row};
use super::faulty::{Fault, ask, settled};
use super::program::{Outcome, Program, command, run, run_command};
use super::verifying::{matches, verdicts_of};
use rustix::process::Signal;
use serde_json::Value;
use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use wirebell::client::{Client, Error, Options};
use wirebell::deflate::Settings;
use wirebell::tls::{Connector, ConnectorOptions};

/// For answers that arrive.
const PATIENT: [&str; 2] = ["--timeout", "10s"];
/// For answers that do not arrive.
const IMPATIENT: [&str; 2] = ["--timeout", "400ms"];

/// A run that waits for its client.
pub struct Listening {
    program: Program,
    pub address: SocketAddr,
    /// With `ws://` or `wss://`.
    pub url: String,
}

impl Listening {
    pub fn start(options: &[&str], cases: &[&str]) -> Self {
        let mut args = vec!["verify", "--listen", "127.0.0.1:0"];
        args.extend(options);
        for case in cases {
            args.extend(["--case", case]);
        }
        let program = Program::spawn(command(&args));
        let line = program.first_error();
        let (_, url) = line.rsplit_once(' ').expect("where it listens");
        let (_, address) = url.split_once("://").expect("a URL");
        let address = address.parse().expect("an address");
        Self {
            program,
            address,
            url: url.to_owned(),
        }
    }

    pub fn tell(&self, path: &str) -> String {
        let mut client =
            Client::connect(&format!("{}{path}", self.url), options()).expect("it is there");
        let mut said = String::new();
        while let Some(message) = client.receive().expect("a clean end") {
            said += message.as_text().expect("text");
        }
        said
    }

    pub fn count(&self) -> usize {
        self.tell("/getCaseCount").parse().expect("a number")
    }

    /// Requests all cases, `jobs` at a time.
    fn ask_for_all(&self, jobs: usize, client: impl Fn(&str) + Sync) {
        self.request(self.count(), jobs, client);
    }

    /// Requests the first `count` of them.
    pub fn request(&self, count: usize, jobs: usize, client: impl Fn(&str) + Sync) {
        let next = AtomicUsize::new(1);
        std::thread::scope(|scope| {
            for _ in 0..jobs {
                scope.spawn(|| {
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number > count {
                            return;
                        }
                        client(&format!("/runCase?case={number}&agent=some"));
                    }
                });
            }
        });
    }

    /// The report, the errors, and the exit status.
    pub fn end(mut self) -> Outcome {
        Outcome {
            status: self.program.wait().code(),
            stdout: self.program.stdout(),
            stderr: self.program.stderr(),
        }
    }
}

/// The verdicts on a client with this fault, by name.
fn verdicts(fault: Fault, options: &[&str], jobs: usize, cases: &[&str]) -> Vec<(String, Value)> {
    let json = ["--format", "json", "--fail-on", "quality"];
    let run = Listening::start(&[&json, options].concat(), cases);
    run.ask_for_all(jobs, |path| {
        // The other end decides what happens to a connection.
        let _ = ask(run.address, path, fault);
    });
    run.tell("/updateReports?agent=some");
    verdicts_of(fault, &run.end())
}

fn any(patterns: &[&str], id: &str) -> bool {
    patterns.iter().any(|pattern| matches(pattern, id))
}

/// Runs the cases of a row and returns what was not as expected.
fn wrong(row: &Row, options: &[&str], jobs: usize, names: &BTreeSet<String>) -> Vec<String> {
    let there = |pattern: &&&str| names.iter().any(|name| matches(pattern, name));
    let all = row.fails.iter().chain(row.passes);
    let cases: Vec<&str> = all.filter(there).copied().collect();
    let verdicts = verdicts(row.fault, options, jobs, &cases);
    let wrong = verdicts
        .iter()
        .filter(|(id, outcome)| match outcome["verdict"].as_str() {
            Some("skip") => !UNASKED.contains(&id.as_str()),
            Some("fail") => !fails(row, id),
            _ => fails(row, id),
        });
    wrong
        .map(|(id, outcome)| {
            let Row { fault, .. } = row;
            format!("{fault:?} {id}: {} {}", outcome["verdict"], outcome["why"])
        })
        .collect()
}

/// Whether this case must notice the fault. For requests, the failing cases are named, and all
/// others pass.
fn fails(row: &Row, id: &str) -> bool {
    let named = any(row.fails, id);
    match row.passes {
        ["request.*"] => named,
        passes => named && !any(passes, id),
    }
}

pub fn names() -> BTreeSet<String> {
    let list = run(&["verify", "--listen", "127.0.0.1:0", "--list"]);
    assert_eq!(list.status, Some(0), "{}", list.stderr);
    let lines: Vec<&str> = list.stdout.lines().collect();
    let (count, cases) = lines.split_last().expect("a last line");
    assert_eq!(*count, format!("{} cases", cases.len()));
    let names = cases
        .iter()
        .filter_map(|line| line.split_whitespace().next());
    names.map(str::to_owned).collect()
}

/// Rows for servers that apply to clients as well.
pub fn shared<'r>(rows: &'r [Row], names: &BTreeSet<String>) -> Vec<&'r Row> {
    let about_clients = |row: &&Row| {
        let noticed = names.iter().any(|name| fails(row, name));
        noticed && !NOT_SHARED.contains(&row.fault)
    };
    rows.iter().filter(about_clients).collect()
}

#[track_caller]
fn check<'r>(rows: impl IntoIterator<Item = &'r Row>, options: &[&str], jobs: usize) {
    let names = names();
    let each = |row| settled(|| wrong(row, options, jobs, &names));
    let wrong: Vec<String> = rows.into_iter().flat_map(each).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_client_without_a_fault_passes_every_case() {
    let verdicts = verdicts(Fault::Nothing, &PATIENT, 16, &["*"]);
    assert_eq!(verdicts.len(), names().len());
    let wrong: Vec<_> = verdicts
        .iter()
        .filter(|(id, outcome)| match UNASKED.contains(&id.as_str()) {
            true => outcome["verdict"] != "skip",
            false => outcome["verdict"] != "pass",
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn faults_in_requests_are_noticed() {
    check(&REQUESTS, &PATIENT, 8);
}

#[test]
fn faults_of_clients_that_show_are_noticed() {
    check(&LOUD, &PATIENT, 16);
}

#[test]
fn faults_of_clients_that_show_in_silence_are_noticed() {
    check(&SILENT, &IMPATIENT, 16);
}

#[test]
fn faults_from_one_connection_to_the_next_are_noticed() {
    check(&LASTING, &PATIENT, 1);
}

#[test]
fn faults_of_both_sides_that_show_are_noticed_in_clients() {
    check(shared(&faults::LOUD, &names()), &PATIENT, 16);
}

#[test]
fn faults_of_both_sides_that_show_in_silence_are_noticed_in_clients() {
    check(shared(&faults::SILENT, &names()), &IMPATIENT, 16);
}

#[test]
fn every_case_for_clients_can_fail() {
    let names = names();
    assert!(names.len() > 500, "{}", names.len());
    let shared = [&faults::LOUD[..], &faults::SILENT[..]].map(|rows| shared(rows, &names));
    let own = [&REQUESTS[..], &LOUD[..], &SILENT[..], &LASTING[..]].into_iter();
    let rows: Vec<&Row> = own.flatten().chain(shared.into_iter().flatten()).collect();
    let never: Vec<_> = names
        .iter()
        .filter(|id| !rows.iter().any(|row| fails(row, id)))
        .collect();
    assert!(never.is_empty(), "{never:#?}");
}

/// For a certificate that nobody trusts.
fn options() -> Options {
    let any = ConnectorOptions::default().insecure(true);
    Options::default().tls(Some(Connector::new(any)))
}

/// The blocking client of the library, as it is.
pub fn echo(url: &str) {
    let options = options().deflate(Some(Settings::default()));
    let Ok(mut client) = Client::connect(url, options) else {
        return;
    };
    let sender = client.sender();
    while let Ok(Some(message)) = client.receive() {
        if sender.send(message).is_err() {
            return;
        }
    }
}

#[test]
fn the_client_of_the_library_passes_every_case() {
    passes_every_case(&[]);
}

#[test]
fn the_client_of_the_library_passes_every_case_over_tls() {
    let run = passes_every_case(&["--tls-self-signed"]);
    assert!(run.stderr.contains("SHA-256"), "{run:?}");
}

fn passes_every_case(options: &[&str]) -> Outcome {
    let fail_on = ["--fail-on", "quality", "--timeout", "10s"];
    let run = Listening::start(&[&fail_on, options].concat(), &[]);
    run.ask_for_all(8, |path| echo(&format!("{}{path}", run.url)));
    let info: Value = serde_json::from_str(&run.tell("/getCaseInfo?case=1")).expect("JSON");
    assert_eq!(info["id"], "request.method");
    assert!(info["description"].as_str().expect("text").contains("GET"));
    let status = run.tell("/getCaseStatus?case=1&agent=some");
    assert_eq!(status, r#"{"behavior":"OK"}"#);
    run.tell("/updateReports?agent=some");
    let outcome = run.end();
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let last = outcome.stdout.lines().last().expect("a summary");
    assert!(last.starts_with("some: "), "{last}");
    assert!(
        last.contains("0 failed (0 MUST, 0 SHOULD, 0 quality), 3 skipped"),
        "{last}"
    );
    outcome
}

/// A client that does not get as far as a request is no client, but the reason is shown.
#[test]
fn a_client_that_does_not_trust_us_is_told_of() {
    let run = Listening::start(&["--tls-self-signed", "--wait", "1s"], &["ping.0"]);
    let refused = Client::connect(&run.url, Options::default().tls(Some(Connector::default())));
    assert!(matches!(refused, Err(Error::Tls(_))), "{refused:?}");
    let in_clear = Client::connect(&run.url.replace("wss", "ws"), Options::default());
    assert!(in_clear.is_err(), "{in_clear:?}");
    let outcome = run.end();
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    for part in ["the alert", "does not speak TLS", "no client connected"] {
        assert!(outcome.stderr.contains(part), "{part}: {outcome:?}");
    }
}

#[test]
fn the_certificate_of_a_server_is_for_listen_alone() {
    let outcome = run(&["verify", "--tls-self-signed", "wss://127.0.0.1:1/"]);
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    let mut command = command(&["verify", "--listen", "127.0.0.1:0", "--wait", "1ms"]);
    command.env("WIREBELL_TLS_CERT", "no-such-file.pem");
    let outcome = run_command(command);
    assert_eq!(outcome.status, Some(4), "{outcome:?}");
    let half = ["verify", "--listen", "127.0.0.1:0", "--tls-cert", "a.pem"];
    let outcome = run(&half);
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
    assert!(outcome.stderr.contains("--tls-key"), "{outcome:?}");
}

#[test]
fn cases_that_were_never_requested_are_no_success() {
    let run = Listening::start(&["-v"], &["ping.0", "ping.1", "close.1000"]);
    assert_eq!(run.count(), 3);
    echo(&format!("ws://{}/runCase?case=2&agent=some", run.address));
    run.tell("/updateReports?agent=some");
    let Outcome {
        status,
        stdout,
        stderr,
    } = run.end();
    assert_eq!(status, Some(1));
    assert!(stdout.contains("pass ping.1 "), "{stdout}");
    assert!(stdout.contains("1 passed, 0 failed"), "{stdout}");
    assert!(stdout.contains("the client never requested it"), "{stdout}");
    assert!(
        stderr.contains("the client never requested 2 cases"),
        "{stderr}"
    );
}

#[test]
fn the_newest_verdict_counts() {
    let run = Listening::start(&PATIENT, &["ping.1"]);
    let path = "/runCase?case=1&agent=some";
    let _ = ask(run.address, path, Fault::WrongPong);
    let status = |run: &Listening| run.tell("/getCaseStatus?case=1&agent=some");
    assert_eq!(status(&run), r#"{"behavior":"FAILED"}"#);
    echo(&format!("ws://{}{path}", run.address));
    assert_eq!(status(&run), r#"{"behavior":"OK"}"#);
    run.tell("/updateReports?agent=some");
    let Outcome { status, stdout, .. } = run.end();
    assert_eq!(status, Some(0), "{stdout}");
}

#[test]
fn a_signal_ends_the_run_with_a_report() {
    let run = Listening::start(&[], &["ping.0", "ping.1"]);
    echo(&format!("ws://{}/runCase?case=1&agent=some", run.address));
    run.tell("/getCaseStatus?case=1");
    run.program.signal(Signal::INT);
    let Outcome { status, stdout, .. } = run.end();
    assert_eq!(status, Some(1));
    assert!(stdout.contains("1 passed, 0 failed"), "{stdout}");
}

#[test]
fn no_wait_is_for_ever_if_it_is_bounded() {
    let run = Listening::start(&["--wait", "50ms"], &[]);
    let Outcome {
        status,
        stdout,
        stderr,
    } = run.end();
    assert_eq!((status, stdout.as_str()), (Some(4), ""));
    assert!(stderr.contains("no client connected"), "{stderr}");
    let left = Listening::start(&["--wait", "300ms"], &["ping.0"]);
    assert_eq!(left.count(), 1);
    let Outcome {
        status,
        stdout,
        stderr,
    } = left.end();
    assert_eq!(status, Some(1), "{stdout}");
    assert!(stderr.contains("never requested 1 cases"), "{stderr}");
}

#[test]
fn wrong_usage_and_a_place_that_is_taken() {
    for args in [
        &["verify", "--listen", "127.0.0.1:0", "ws://127.0.0.1:1/"][..],
        &["verify", "--wait", "1s", "ws://127.0.0.1:1/"],
        &["verify", "--listen", "127.0.0.1:0", "--case", "handshake.*"],
    ] {
        let outcome = run(args);
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(2), ""),
            "{args:?}"
        );
    }
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let outcome = run(&["verify", "--listen", &address]);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(1), ""));
    assert_eq!(outcome.stderr.lines().count(), 1, "{}", outcome.stderr);
}
