//! `wirebell connect` on topics: it continues where it was, and says what is gone.

use super::errors::expect_line;
use super::file;
use super::program::{Program, command, run};
use super::pushing_topics::{push, serve};
use crate::net_support::{scripted, wait_until};
use rustix::process::Signal;
use serde_json::Value;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

fn topics(address: SocketAddr, patterns: &str) -> String {
    format!("ws://{address}/topics/{patterns}")
}

#[track_caller]
fn publish(server: &str, topic: &str, messages: &[&str]) {
    for message in messages {
        assert_eq!(push(server, &["--topic", topic, message]).status, Some(0));
    }
}

/// A path where there is no file.
fn absent(name: &str) -> PathBuf {
    let path = file(name, "");
    std::fs::remove_file(&path).unwrap();
    path
}

/// A subscriber that has subscribed: its file has a position.
#[track_caller]
fn subscriber(uri: &str, resume: &Path, extra: &[&str]) -> Program {
    let before = std::fs::metadata(resume).and_then(|it| it.modified()).ok();
    let resume_ = resume.to_str().unwrap();
    let args = [&["connect", "--resume-file", resume_], extra, &[uri]].concat();
    let program = Program::spawn(command(&args));
    if before.is_none() {
        wait_until("it has subscribed", || resume.exists());
    }
    program
}

fn stored(resume: &Path) -> String {
    std::fs::read_to_string(resume).unwrap().trim().to_owned()
}

#[test]
// req: push-v1-19
fn a_killed_subscriber_loses_nothing_and_repeats_nothing() {
    let (_server, address, server) = serve();
    let resume = absent("follow-kill");
    let uri = topics(address, "orders.*,news");
    let mut all = Vec::new();
    let mut expected = Vec::new();
    for round in 0..4 {
        let mut subscriber = subscriber(&uri, &resume, &[]);
        let before = stored(&resume);
        let live = format!("live {round}");
        publish(&server, "orders.eu", &[&live]);
        expected.push(live);
        wait_until("it is printed", || {
            let now = stored(&resume);
            now != before && now.rsplit('-').next() == Some(&(3 * round + 1).to_string())
        });
        subscriber.signal(Signal::KILL);
        subscriber.wait();
        all.extend(subscriber.stdout().lines().map(str::to_owned));
        let missed = [format!("missed {round}"), format!("also {round}")];
        publish(&server, "news", &[&missed[0]]);
        publish(&server, "orders.us", &[&missed[1]]);
        expected.extend(missed);
    }
    let path = resume.to_str().unwrap();
    let last = run(&[
        "connect",
        "--resume-file",
        path,
        "--max-messages",
        "2",
        &uri,
    ]);
    assert_eq!(last.status, Some(0), "{last:?}");
    all.extend(last.stdout.lines().map(str::to_owned));
    assert_eq!(all, expected);
}

#[test]
// req: push-order-08
fn a_server_that_comes_back_is_resumed_and_gaps_are_told() {
    let (server, address, url) = serve();
    let resume = absent("follow-restart");
    let uri = topics(address, "a");
    let extra = ["--reconnect", "--max-messages", "2"];
    let mut subscriber = subscriber(&uri, &resume, &extra);
    publish(&url, "a", &["one"]);
    wait_until("it is printed", || stored(&resume).ends_with("-1"));
    drop(server);
    // Its log begins again, with another epoch.
    let (_server, _) = Program::serve(&["--listen", &address.to_string()]);
    publish(&url, "a", &["two"]);
    assert_eq!(subscriber.wait().code(), Some(0));
    assert_eq!(subscriber.stdout(), "one\ntwo\n");
    let stderr = subscriber.stderr();
    assert!(stderr.contains("trying again"), "{stderr}");
    assert!(stderr.contains("gap: messages of a "), "{stderr}");
}

#[test]
fn a_resume_is_told_with_what_was_missed() {
    let (_server, address, server) = serve();
    publish(&server, "a", &["one", "two", "three"]);
    let uri = topics(address, "a");
    let all = run(&[
        "connect",
        "--json",
        "--since",
        "all",
        "--max-messages",
        "1",
        &uri,
    ]);
    let first: Value = serde_json::from_str(&all.stdout).expect("one line of JSON");
    assert_eq!(
        (&first["topic"], &first["data"]),
        (&"a".into(), &"one".into())
    );
    let id = first["id"].as_str().unwrap();
    let resume = file("follow-told", &format!("{id}\n"));
    let mut again = subscriber(&uri, &resume, &[]);
    wait_until("it has subscribed", || stored(&resume).ends_with("-3"));
    wait_until("it says so", || again.first_error().contains("resumed"));
    again.signal(Signal::TERM);
    assert_eq!(again.wait().code(), Some(0));
    assert_eq!(again.stdout(), "two\nthree\n");
    let epoch = id.split('-').next().unwrap();
    let expected = format!("resumed from {id} to {epoch}-3: 2 missed messages\n");
    assert!(again.stderr().ends_with(&expected));
    // A gap within one log: only the last hundred messages of a topic are kept.
    for _ in 0..6 {
        let lines: String = (0..20).map(|n| format!("{n}\n")).collect();
        let path = file("follow-many", &lines);
        let args = ["--topic", "a", "--lines", "--file", path.to_str().unwrap()];
        assert_eq!(push(&server, &args).status, Some(0));
    }
    let outcome = run(&["connect", "--since", id, "--max-messages", "100", &uri]);
    assert_eq!(outcome.status, Some(0));
    assert_eq!(outcome.stdout.lines().count(), 100);
    let gap = format!("gap: messages of a after {id} before {epoch}-24 are lost");
    assert!(outcome.stderr.contains(&gap), "{}", outcome.stderr);
}

#[test]
fn payloads_are_printed_as_on_any_other_connection() {
    let (_server, address, server) = serve();
    publish(&server, "a", &["text"]);
    let path = file("follow-binary", "");
    std::fs::write(&path, b"\xFF\0").unwrap();
    let kind = "application/octet-stream";
    let args = [
        "--topic",
        "a",
        "--content-type",
        kind,
        "--file",
        path.to_str().unwrap(),
    ];
    assert_eq!(push(&server, &args).status, Some(0));
    let uri = topics(address, "a?since=all");
    for (args, expected) in [
        (&[][..], "text\nff00\n"),
        (&["--json-lines"], "\"text\"\n{\"base64\":\"/wA=\"}\n"),
    ] {
        let args = [&["connect", "--max-messages", "2"], args, &[&uri]].concat();
        let outcome = run(&args);
        assert_eq!(
            (outcome.status, &*outcome.stdout),
            (Some(0), expected),
            "{outcome:?}"
        );
    }
    // Without following, a raw WebSocket: lines are published.
    let mut raw = command(&[
        "connect",
        "--no-follow",
        "--max-messages",
        "1",
        &topics(address, "r"),
    ]);
    raw.stdin(std::fs::File::open(file("follow-raw", "typed\n")).unwrap());
    let outcome = super::program::run_command(raw);
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), "typed\n"),
        "{outcome:?}"
    );
}

#[test]
fn what_cannot_be_followed_is_told_in_one_line() {
    let (_server, address, _) = serve();
    let bad = file("follow-bad", "not a position");
    let bad = bad.to_str().unwrap();
    let uri = topics(address, "a");
    let echo = format!("ws://{address}/echo");
    for (args, status, parts) in [
        (&["--resume-file", bad, &uri][..], 1, &[bad, "position"][..]),
        (&["--resume-file", "/", &uri], 1, &["regular file"]),
        (&["--json", &echo], 2, &["--json", "/topics/"]),
        (&["--since", "all", "--no-follow", &uri], 2, &["--since"]),
        (
            &["--resume-file", "x", "--subprotocol", "a", &uri],
            2,
            &["--resume-file"],
        ),
        (&[&topics(address, "a..b")], 3, &["400"]),
    ] {
        expect_line(&run(&[&["connect"], args].concat()), status, parts);
    }
    assert_eq!(run(&["connect", "--since", "soon", &uri]).status, Some(2));
    // A server that does not speak of positions.
    let other = scripted::Server::opened(|peer| while peer.next_frame().is_some() {});
    let uri = format!("{}topics/a", other.uri());
    expect_line(&run(&["connect", &uri]), 3, &["wirebell.v1", "--no-follow"]);
}
