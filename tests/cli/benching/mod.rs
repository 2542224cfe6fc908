//! `wirebell bench`: what it counts is what the server saw, and it does not hide a stall.

mod failing;
mod greeting;
mod reports;
mod stuck;
mod tls;

use super::errors::expect_line;
use super::file;
use super::program::{Outcome, Program, command, run};
use serde_json::Value;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};
use wirebell::Message;
use wirebell::net::{Context, Options, PeerId, Reply, Request, Server, Service};

/// Short, and the same for every test.
const QUICK: [&str; 4] = ["--warm-up", "100ms", "--duration", "400ms"];

fn echo() -> (Program, SocketAddr) {
    Program::serve(&["echo", "--listen", "127.0.0.1:0", "--workers", "1"])
}

fn bench(url: &str, args: &[&str]) -> Outcome {
    let all = [&["bench"], &QUICK[..], args, &[url]].concat();
    run(&all)
}

/// The report of a successful run.
#[track_caller]
fn report(url: &str, args: &[&str]) -> Value {
    let outcome = bench(url, &[&["--format", "json"], args].concat());
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let report = serde_json::from_str(&outcome.stdout).expect("JSON");
    check(&report);
    report
}

#[track_caller]
fn number(report: &Value, path: &str) -> f64 {
    let value = report.pointer(path).and_then(Value::as_f64);
    value.unwrap_or_else(|| panic!("no number at {path}: {report:#}"))
}

#[track_caller]
fn percentile(report: &Value, percentile: f64) -> f64 {
    let all = report["latency"]["percentiles"].as_array().expect("a list");
    let is_it = |one: &&Value| one["percentile"].as_f64() == Some(percentile);
    number(all.iter().find(is_it).expect("is there"), "/ms")
}

/// What every report must satisfy.
#[track_caller]
fn check(report: &Value) {
    let (sent, answered) = (number(report, "/sent"), number(report, "/answered"));
    assert_eq!(sent - answered, number(report, "/lost"), "{report:#}");
    assert_eq!(number(report, "/wrong"), 0.0, "{report:#}");
    let seconds = number(report, "/measured_s");
    let rate = number(report, "/per_second");
    assert!((rate * seconds - answered).abs() <= 1.0, "{report:#}");
    for name in ["latency", "latency_to_last", "late"] {
        let Some(latency) = report.get(name) else {
            continue;
        };
        let all = latency["percentiles"].as_array().expect("a list");
        let ms: Vec<f64> = all.iter().map(|one| number(one, "/ms")).collect();
        assert!(ms.is_sorted(), "{ms:?}");
        assert!(ms.len() == 8 && ms[0] >= number(latency, "/min_ms"));
        assert_eq!(ms[7], number(latency, "/max_ms"));
        let mean = number(latency, "/mean_ms");
        assert!(number(latency, "/min_ms") <= mean && mean <= ms[7]);
    }
    if let Some(latency) = report.get("latency") {
        assert_eq!(number(latency, "/count"), answered, "{report:#}");
    }
}

#[test]
fn echoes_in_a_closed_loop_are_all_answered() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/");
    let rows: [(&[&str], u64); 6] = [
        (&[], 64),
        (&["--text", "--size", "1KiB", "--depth", "16"], 64),
        (&["-c", "7", "--threads", "3", "--size", "0"], 7),
        (&["-c", "4", "--size", "64KiB", "--depth", "4"], 4),
        (&["-c", "2", "--size", "1MiB"], 2),
        (
            &["--deflate", "on", "--size", "1KiB", "--text", "-c", "3"],
            3,
        ),
    ];
    for (args, connections) in rows {
        let report = report(&url, args);
        assert_eq!(report["mode"], "echo");
        assert!(number(&report, "/answered") >= 1.0, "{report:#}");
        assert_eq!(number(&report, "/lost"), 0.0);
        for name in ["asked", "opened"] {
            assert_eq!(report["connections"][name], connections, "{report:#}");
        }
        assert_eq!(report["connections"]["lost"], 0);
        assert!(number(&report, "/cpu/generator_ns") > 0.0);
        let from = report["latency"]["from"].as_str().expect("a text");
        assert!(from.contains("closed loop"), "{from}");
        assert!(report.get("late").is_none() && report.get("memory").is_none());
    }
}

#[test]
fn a_rate_sends_the_number_that_it_says() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/");
    for (rate, threads) in [("1000", "1"), ("25000", "2"), ("50", "1")] {
        let report = report(&url, &["--rate", rate, "--threads", threads, "-c", "16"]);
        let expected = rate.parse::<f64>().expect("a number") * 0.4;
        let sent = number(&report, "/sent");
        assert!((sent - expected).abs() <= 2.0, "{sent} of {expected}");
        assert_eq!(number(&report, "/lost"), 0.0);
        assert_eq!(number(&report["late"], "/count"), sent);
        let from = report["latency"]["from"].as_str().expect("a text");
        assert!(from.contains("due"), "{from}");
    }
}

fn one_worker() -> Options {
    Options::default().workers(1)
}

/// Echoes, and stalls once for a while.
struct Stalling {
    at: Instant,
    stalled: bool,
}

const STALL: Duration = Duration::from_millis(300);

impl Service for Stalling {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn opened(&mut self, _: &mut Context<'_>, _: PeerId) {
        self.at = Instant::now() + Duration::from_millis(200);
    }

    fn message(&mut self, context: &mut Context<'_>, peer: PeerId, message: Message<'_>) {
        if !self.stalled && Instant::now() >= self.at {
            self.stalled = true;
            thread::sleep(STALL);
        }
        let _ = context.send(peer, message);
    }
}

fn stalling() -> Server<()> {
    let make = |_: &_| Stalling {
        at: Instant::now(),
        stalled: false,
    };
    Server::bind("127.0.0.1:0", one_worker(), make).expect("a free port")
}

#[test]
fn a_stall_shows_with_a_rate_and_hides_in_a_closed_loop() {
    // 300 of 800 ms: with a rate, a third of all messages wait, some for most of the stall.
    let long = ["--duration", "800ms", "--warm-up", "0", "-c", "1"];
    let measure = |extra: &[&str]| {
        let server = stalling();
        let url = format!("ws://{}/", server.local_addr());
        let outcome = run(&[&["bench", "--format", "json"], &long[..], extra, &[&url]].concat());
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
        server.stop();
        server.join().unwrap();
        serde_json::from_str::<Value>(&outcome.stdout).expect("JSON")
    };
    // Also with only one message in flight.
    for extra in [&["--rate", "1000"][..], &["--rate", "1000", "--depth", "1"]] {
        let report = measure(extra);
        check(&report);
        assert!(
            (number(&report, "/sent") - 800.0).abs() <= 1.0,
            "{report:#}"
        );
        assert!(percentile(&report, 99.0) > 250.0, "{report:#}");
        assert!(percentile(&report, 75.0) > 30.0, "{report:#}");
        assert!(percentile(&report, 100.0) > 290.0, "{report:#}");
    }
    let closed = measure(&[]);
    check(&closed);
    assert!(percentile(&closed, 100.0) > 290.0, "{closed:#}");
    assert!(percentile(&closed, 99.0) < 100.0, "{closed:#}");
}

#[test]
fn the_cpu_time_of_the_server_is_measured() {
    let (server, address) = echo();
    let pid = server.pid().to_string();
    let report = report(
        &format!("ws://{address}/"),
        &["--pid", &pid, "--depth", "8"],
    );
    for name in ["server_ns", "generator_ns"] {
        let ns = number(&report["cpu"], &format!("/{name}"));
        assert!((50.0..5e6).contains(&ns), "{name} {report:#}");
    }
    let cores = number(&report, "/cpu/server_cores");
    assert!(cores > 0.02 && cores < 1.2, "{report:#}");
}

#[test]
fn idle_connections_cost_little_memory() {
    let (server, address) = echo();
    let pid = server.pid().to_string();
    let url = format!("ws://{address}/");
    let args = ["-m", "idle", "-c", "800", "--touch", "--ping", "100ms"];
    let report = report(&url, &[&args[..], &["--pid", &pid]].concat());
    assert_eq!(report["connections"]["opened"], 800);
    assert_eq!(report["connections"]["lost"], 0);
    assert_eq!(number(&report, "/answered"), 800.0);
    let memory = &report["memory"];
    let each = number(memory, "/resident_per_connection");
    assert!((0.0..4096.0).contains(&each), "{report:#}");
    let (before, open) = (
        number(memory, "/resident_before"),
        number(memory, "/resident_open"),
    );
    assert!((((open - before) / 800.0) - each).abs() < 1.0, "{report:#}");
}

#[test]
fn publications_reach_every_subscriber() {
    let (server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let pid = server.pid().to_string();
    let url = format!("ws://{address}/ws");
    let base = ["-m", "fan-out", "-c", "40", "--pid", &pid];
    let rows: [&[&str]; 3] = [
        &[],
        &["--publishers", "3", "--threads", "2"],
        &["--rate", "100"],
    ];
    for extra in rows {
        let report = report(&url, &[&base[..], extra].concat());
        let published = number(&report, "/publications");
        assert!(published >= 5.0, "{report:#}");
        assert_eq!(number(&report, "/sent"), published * 40.0);
        assert_eq!(number(&report, "/lost"), 0.0, "{report:#}");
        assert_eq!(number(&report, "/latency_to_last/count"), published);
        let max = |name: &str| number(&report[name], "/max_ms");
        assert!(max("latency_to_last") == max("latency"), "{report:#}");
        assert!(number(&report, "/cpu/server_ns") > 0.0);
        if extra.contains(&"--rate") {
            assert!((published - 40.0).abs() <= 1.0, "{report:#}");
        }
    }
    let key = [
        "-m",
        "fan-out",
        "-c",
        "2",
        "--size",
        "64B",
        "--timeout",
        "500ms",
    ];
    let nowhere = format!("http://{address}/nothing");
    let outcome = bench(&url, &[&key[..], &["--publish-url", &nowhere]].concat());
    expect_line(&outcome, 3, &["/nothing", "404"]);
    let outcome = bench(&url, &[&key[..], &["--subscribe", ""]].concat());
    expect_line(&outcome, 1, &["2 of 2 subscribers", "--subscribe"]);
}

#[test]
fn publications_to_a_topic_reach_every_subscriber() {
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("ws://{address}/");
    let base = ["-m", "fan-out", "-c", "20", "--topic", "bench.größe"];
    let rows: [&[&str]; 5] = [
        &[],
        &["--envelopes", "--publishers", "2"],
        &["--pipeline", "8"],
        &["--batch", "16", "--pipeline", "2"],
        &["--rate", "100", "--batch", "5"],
    ];
    for extra in rows {
        let report = report(&url, &[&base[..], extra].concat());
        let published = number(&report, "/publications");
        assert!(published >= 5.0, "{report:#}");
        assert_eq!(number(&report, "/sent"), published * 20.0);
        assert_eq!(number(&report, "/lost"), 0.0, "{extra:?} {report:#}");
    }
    let outcome = bench(&url, &["--topic", "a"]);
    expect_line(&outcome, 2, &["--topic", "echo"]);
}

/// Sends each message to all connections of the loop.
struct Chat(Vec<PeerId>);

impl Service for Chat {
    type Mail = ();

    fn request<'r>(&mut self, _: &mut Context<'_>, _: PeerId, request: &Request<'r>) -> Reply<'r> {
        request.upgrade().map(|opening| opening.accept(None)).into()
    }

    fn opened(&mut self, _: &mut Context<'_>, peer: PeerId) {
        self.0.push(peer);
    }

    fn message(&mut self, context: &mut Context<'_>, _: PeerId, message: Message<'_>) {
        for peer in &self.0 {
            let _ = context.send(*peer, message);
        }
    }
}

#[test]
fn publications_over_a_websocket() {
    let server =
        Server::bind("127.0.0.1:0", one_worker(), |_| Chat(Vec::new())).expect("a free port");
    let url = format!("ws://{}/", server.local_addr());
    let args = [
        "-m",
        "fan-out",
        "-c",
        "5",
        "--size",
        "100B",
        "--subscribe",
        "",
    ];
    let extra = ["--publish", "{message}", "--publish-url", &url];
    let report = report(&url, &[&args[..], &extra].concat());
    assert!(number(&report, "/publications") > 5.0, "{report:#}");
    assert_eq!(number(&report, "/lost"), 0.0);
    server.stop();
    server.join().unwrap();
}

#[test]
fn handshakes_are_counted() {
    let (_server, address) = echo();
    let url = format!("ws://{address}/");
    let closed = report(&url, &["-m", "handshake"]);
    assert!(number(&closed, "/answered") > 20.0, "{closed:#}");
    assert_eq!(closed["connections"]["refused"], 0);
    let paced = report(&url, &["-m", "handshake", "--rate", "200"]);
    assert!((number(&paced, "/sent") - 80.0).abs() <= 1.0, "{paced:#}");
    assert_eq!(number(&paced, "/lost"), 0.0);
}

#[test]
fn a_ramp_opens_connections_at_its_rate() {
    let (_server, address) = echo();
    let report = report(&format!("ws://{address}/"), &["-c", "50", "--ramp", "100"]);
    let time = number(&report, "/connections/opened_in_s");
    assert!((0.48..5.0).contains(&time), "{time}");
}
