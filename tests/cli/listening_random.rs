//! `wirebell verify --random --listen`: each fault of a faulty client shows within seconds, correct
//! clients show none, and what was found can be replayed.

use super::client_faults::{LASTING, LOUD, REQUESTS, SILENT};
use super::faults;
use super::faulty::Fault::{self, *};
use super::faulty::ask;
use super::listening::{Listening, echo, names, shared};
use super::program::{Outcome, run};
use super::verifying_random::{missed, wrong_echo};
use serde_json::Value;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex};
use wirebell::client::{Endpoint, Error, Options};
use wirebell::deflate::Settings;
use wirebell::net::{Clients, Context, Dial, End, PeerId, Service};
use wirebell::{Message, net};

/// Faults that random streams do not show: their responses end, and the strict core puts up with
/// these requests, as RFC 9112 lets a server do.
const HIDDEN: [Fault; 4] = [
    ReadsEndlessHeads,
    Asks("Host: 127.0.0.1:", "Host: 127.0.0.1;"),
    Asks("Version: 13", "Version: 13\r\nSec-WebSocket-Accept: x"),
    Asks("Version: 13", "Version: 13\r\nX-A: b\nX-C: d"),
];

/// Every fault for which there are cases, but for those.
fn all_faults() -> Vec<Fault> {
    let names = names();
    let both = [&faults::LOUD[..], &faults::SILENT[..]];
    let both = both.into_iter().flat_map(|rows| shared(rows, &names));
    let own = [&REQUESTS[..], &LOUD[..], &SILENT[..], &LASTING[..]];
    let mut list: Vec<Fault> = Vec::new();
    for row in both.chain(own.into_iter().flatten()) {
        if !HIDDEN.contains(&row.fault) && !list.contains(&row.fault) {
            list.push(row.fault);
        }
    }
    list
}

const RANDOM: [&str; 5] = ["--random", "--fail-on", "quality", "--seed", "17"];

/// What is reported on a client that requests this many streams.
fn hunt(options: &[&str], most: usize, client: impl Fn(&str) + Sync) -> (Outcome, Value) {
    let json = ["--format", "json"];
    let run = Listening::start(&[&RANDOM[..], &json, options].concat(), &[]);
    let (count, url) = (run.count().min(most), &run.url);
    run.request(count, 4, |path| client(&format!("{url}{path}")));
    run.tell("/updateReports?agent=some");
    let outcome = run.end();
    let report = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
    (outcome, report)
}

/// A client with this fault.
fn faulty(fault: Fault) -> impl Fn(&str) + Sync {
    move |url: &str| {
        let rest = url.strip_prefix("ws://").expect("a URL");
        let (address, path) = rest.split_at(rest.find('/').expect("a path"));
        // The other end decides what happens to a connection.
        let _ = ask(address.parse().expect("an address"), path, fault);
    }
}

#[test]
fn every_fault_of_a_client_is_found_by_random_streams() {
    let options = ["--max-deviations", "1", "--timeout", "300ms"];
    let faults = all_faults();
    assert!(faults.len() > 60, "{}", faults.len());
    let is_found = |fault| hunt(&options, 700, faulty(fault)).0.status == Some(1);
    assert_eq!(missed(faults, is_found), []);
}

#[track_caller]
fn shows_none(client: impl Fn(&str) + Sync) {
    let (outcome, report) = hunt(&["--seconds", "3", "--timeout", "10s"], 600, client);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stdout);
    assert!(report["exchanges"].as_u64() > Some(100), "{report}");
    assert_eq!(report["agent"], "some");
}

#[test]
fn a_client_without_a_fault_shows_no_deviation() {
    shows_none(faulty(Nothing));
}

#[test]
fn the_blocking_client_shows_no_deviation() {
    shows_none(echo);
}

/// Echoes, and tells when a connection has ended.
struct Echo(Sender<()>);

impl Service for Echo {
    type Mail = Dial;

    fn mail(&mut self, context: &mut Context<'_>, dial: Dial) {
        context.dial(dial);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        let _ = context.send(peer, message);
    }

    fn not_opened(&mut self, _: &mut Context<'_>, _: u32, _: &Error) {
        let _ = self.0.send(());
    }

    fn closed(&mut self, _: &mut Context<'_>, _: PeerId, _: End<'_>) {
        let _ = self.0.send(());
    }
}

#[test]
fn the_clients_in_the_event_loop_show_no_deviation() {
    let (ended, next) = channel();
    let next = Mutex::new(next);
    let clients = Clients::start(net::Options::default().workers(1), move |_| {
        Echo(ended.clone())
    });
    let clients = clients.expect("a loop");
    // One after another.
    shows_none(|url| {
        let next = next.lock().expect("alive");
        let options = Options::default().deflate(Some(Settings::default()));
        let dial = Dial::new(Arc::new(Endpoint::resolve(url, options).expect("a URL")));
        clients.mailboxes()[0].post(dial, 0).expect("the loop runs");
        next.recv().expect("the loop runs");
    });
    clients.stop();
    clients.join().expect("it ends well");
}

#[test]
fn what_a_client_shows_is_shrunk_and_replayed() {
    let (_, report) = hunt(&["--max-deviations", "1"], 700, faulty(FlipsLastByte));
    let file = super::file("found-in-client.txt", wrong_echo(&report, "< "));
    let path = file.to_str().expect("a path of text");
    for (fault, status) in [(FlipsLastByte, 1), (Nothing, 0)] {
        let run = Listening::start(&["--replay", path], &[]);
        assert_eq!(run.count(), 1);
        let url = &run.url;
        run.request(1, 1, |path| faulty(fault)(&format!("{url}{path}")));
        run.tell("/updateReports?agent=some");
        let outcome = run.end();
        assert_eq!(outcome.status, Some(status), "{outcome:?}");
    }
    let explained = run(&["inspect", path]);
    assert!(explained.stdout.contains("101"), "{}", explained.stdout);
    let other = run(&["verify", "--force", "--replay", path, "ws://127.0.0.1:1/"]);
    assert_eq!(other.status, Some(2), "{}", other.stderr);
    assert!(other.stderr.contains("--listen"), "{}", other.stderr);
}

#[test]
fn a_client_that_requests_nothing_is_no_success() {
    for options in [&RANDOM[..], &["--random", "--format", "json"]] {
        let run = Listening::start(options, &[]);
        run.tell("/updateReports?agent=some");
        let outcome = run.end();
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert!(outcome.stderr.contains("no stream"), "{outcome:?}");
    }
}
