//! `serve --trace` and `echo --trace`: what a capture of a server contains.

use super::program::{Outcome, Program, command, open_echo, run};
use crate::net_support::push::{publication, registration};
use crate::net_support::{Client, wait_until};
use crate::support::frames::text;
use rustix::process::Signal;
use serde_json::Value;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

/// A file that is not there yet.
fn trace(name: &str) -> PathBuf {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_file(&path);
    path
}

#[track_caller]
fn start(listen: &str, server: &str, path: &Path, more: &[&str]) -> (Program, SocketAddr) {
    let path = path.to_str().expect("a path");
    let args = [server, "--listen", listen, "--trace", path];
    Program::serve(&[&args, more].concat())
}

#[track_caller]
fn stop(program: &mut Program) {
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
}

#[track_caller]
fn inspect(path: &Path) -> Value {
    let path = path.to_str().expect("a path");
    let outcome = run(&["inspect", "--format", "json", path]);
    assert_eq!(
        (outcome.status, &*outcome.stderr),
        (Some(0), ""),
        "{outcome:?}"
    );
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

/// The connection of this client.
#[track_caller]
fn connection(report: &Value, client: SocketAddr) -> &Value {
    let connections = report["connections"].as_array().expect("a list");
    let name = client.to_string();
    let mut own = connections.iter().filter(|one| one["client"] == *name);
    let found = own.next().expect("it is in the trace");
    assert!(own.next().is_none(), "{client} is there once");
    found
}

/// The texts of the messages of one end, its heads and its close codes, in their order.
fn said(connection: &Value, from: &str) -> Vec<String> {
    let items = connection["items"].as_array().expect("a list").iter();
    let told = items.filter(|item| item["from"] == from).map(|item| {
        let parts = [&item["message"]["text"], &item["payload"]["text"]];
        let text = parts.into_iter().find_map(Value::as_str);
        match (text, item["close"]["code"].as_u64()) {
            (_, Some(code)) => format!("close {code}"),
            (Some(text), None) => text.to_owned(),
            (None, None) => item["kind"].as_str().unwrap_or("head").to_owned(),
        }
    });
    told.collect()
}

fn local(client: &Client) -> SocketAddr {
    client.stream().local_addr().expect("connected")
}

#[test]
fn each_connection_of_echo_is_there_both_ways() {
    for workers in ["1", "3"] {
        let path = trace(&format!("tracing-echo-{workers}.pcap"));
        let (mut program, address) = start("127.0.0.1:0", "echo", &path, &["--workers", workers]);
        let mut clients: Vec<Client> = (0..5).map(|_| open_echo(address)).collect();
        for n in 0..3 {
            for (number, client) in clients.iter_mut().enumerate() {
                client.expect_echo(&format!("{number}, {n}"));
            }
        }
        let ports: Vec<SocketAddr> = clients.iter().map(local).collect();
        // The file is complete even while the server runs.
        assert_eq!(
            inspect(&path)["connections"].as_array().map(Vec::len),
            Some(5)
        );
        clients[0].finish(1000);
        clients[1].finish(4000);
        let mut late = open_echo(address);
        late.send_frame(&text("long, ".repeat(100_000)));
        while late.frame().first & 0x80 == 0 {} // It comes back in frames of the server's own cut.
        drop(clients);
        late.finish(1000);
        stop(&mut program);
        let report = inspect(&path);
        assert_eq!(report["connections"].as_array().map(Vec::len), Some(6));
        for (number, port) in ports.iter().enumerate() {
            let connection = connection(&report, *port);
            assert_eq!(connection["server"], address.to_string());
            let words: Vec<String> = (0..3).map(|n| format!("{number}, {n}")).collect();
            for from in ["client", "server"] {
                let said = said(connection, from);
                assert_eq!(said[1..4], words, "{from} of {port}");
                match number {
                    0 => assert_eq!(said[4..], ["close 1000"], "{from}"),
                    1 => assert_eq!(said[4..], ["close 4000"], "{from}"),
                    _ => assert_eq!(said.len(), 4, "{from}: {said:?}"),
                }
            }
        }
        let long = connection(&report, local(&late));
        let items = long["items"].as_array().expect("a list");
        let messages = items
            .iter()
            .filter(|item| item["message"]["length"] == 600_000);
        assert_eq!(messages.count(), 2);
    }
}

#[test]
fn a_push_is_there_with_its_request_and_for_each_receiver() {
    let path = trace("tracing-serve.pcap");
    let (mut program, address) = start("127.0.0.1:0", "serve", &path, &[]);
    let mut clients: Vec<Client> = (0..3).map(|_| Client::open_at(address, "/ws")).collect();
    for client in &mut clients {
        client.register(&registration("alice", "orders"));
    }
    let mut publisher = Client::connect(address);
    let body = publication("alice", "orders", "to all three");
    let response = publisher.post("/push", "", &body);
    assert_eq!(response.body, "message sent to 3 clients");
    for client in &mut clients {
        client.expect_text("to all three");
    }
    let (ports, publisher) = (
        clients.iter().map(local).collect::<Vec<_>>(),
        local(&publisher),
    );
    stop(&mut program);
    let report = inspect(&path);
    for port in ports {
        let connection = connection(&report, port);
        assert_eq!(
            said(connection, "client")[1],
            registration("alice", "orders")
        );
        let server = said(connection, "server");
        assert_eq!(server[server.len() - 2..], ["to all three", "close 1001"]);
    }
    let pushed = connection(&report, publisher).to_string();
    assert!(pushed.contains("POST /push"), "{pushed}");
    let file = std::fs::read(&path).expect("the trace");
    let holds = |part: &str| {
        file.windows(part.len())
            .any(|bytes| bytes == part.as_bytes())
    };
    assert!(holds(&body) && holds("message sent to 3 clients"));
    let mode = std::fs::metadata(&path)
        .expect("the trace")
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "only its owner may read the secrets in it");
}

#[test]
fn addresses_of_ipv6_are_there() {
    let path = trace("tracing-ipv6.pcap");
    let (mut program, address) = start("[::1]:0", "echo", &path, &[]);
    let mut client = open_echo(address);
    client.expect_echo("six");
    client.finish(1000);
    stop(&mut program);
    let report = inspect(&path);
    let connection = connection(&report, local(&client));
    assert_eq!(said(connection, "client")[1..], ["six", "close 1000"]);
    assert_eq!(said(connection, "server")[1..], ["six", "close 1000"]);
}

#[test]
fn at_its_limit_the_trace_ends_and_the_server_goes_on() {
    let path = trace("tracing-limit.pcap");
    let more = ["--trace-limit", "4KiB", "--deflate", "off"];
    let (mut program, address) = start("127.0.0.1:0", "echo", &path, &more);
    let mut client = open_echo(address);
    for _ in 0..50 {
        client.expect_echo(&"x".repeat(100));
    }
    client.finish(1000);
    open_echo(address).expect_echo("later");
    stop(&mut program);
    let size = std::fs::metadata(&path).expect("the trace").len();
    assert!((3_500..=4_096).contains(&size), "{size}");
    let report = inspect(&path);
    assert_eq!(report["connections"].as_array().map(Vec::len), Some(1));
    let log = program.stderr();
    assert_eq!(log.matches("--trace-limit is reached").count(), 1, "{log}");
    assert!(log.contains("WARN"), "{log}");
}

#[test]
fn the_limit_of_connect_is_told_once() {
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    let path = trace("tracing-connect-limit.pcap");
    let uri = format!("ws://{address}/echo");
    let stdin = super::file("tracing-connect-limit.txt", &"line\n".repeat(200));
    let trace = format!("--trace={}", path.display());
    let mut connect = command(&["connect", &trace, "--trace-limit=2000", &uri]);
    connect.stdin(std::fs::File::open(stdin).expect("the lines"));
    let outcome = super::program::run_command(connect);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "line\n".repeat(200));
    assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
    assert!(outcome.stderr.contains("--trace-limit is reached"));
    assert!(std::fs::metadata(&path).expect("the trace").len() <= 2000);
    let outcome = run(&["connect", "--trace-limit", "1MiB", "ws://127.0.0.1:9/"]);
    assert_eq!(outcome.status, Some(2), "{outcome:?}");
}

#[test]
fn a_trace_that_cannot_be_written_is_told() {
    for server in ["serve", "echo"] {
        let Outcome { status, stderr, .. } = run(&[server, "--trace", "/nonexistent/x.pcap"]);
        assert_eq!((status, stderr.lines().count()), (Some(2), 1), "{stderr}");
        assert!(stderr.contains("--trace /nonexistent/x.pcap"), "{stderr}");
    }
    // A full disk: the server goes on, says so at once, and in the end by its status.
    let path = trace("tracing-full.pcap");
    let mut full = std::process::Command::new("sh");
    let script = "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\"";
    full.args(["-c", script, env!("CARGO_BIN_EXE_wirebell"), "echo"]);
    full.args(["--listen", "127.0.0.1:0", "--deflate", "off", "--trace"])
        .arg(&path);
    let (mut program, address) = Program::serve_command(full);
    let mut client = open_echo(address);
    for _ in 0..100 {
        client.expect_echo(&"x".repeat(100));
    }
    client.finish(1000);
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(1));
    let log = program.stderr();
    assert_eq!(log.matches("WARN").count(), 1, "{log}");
    assert_eq!(log.matches("tracing-full.pcap: ").count(), 2, "{log}");
    let report = inspect(&path);
    let whole = said(connection(&report, local(&client)), "server");
    assert!(whole.len() > 3, "no packet is half there: {whole:?}");
}

#[test]
fn check_makes_no_trace() {
    let path = trace("tracing-check.pcap");
    let outcome = run(&[
        "serve",
        "--check",
        "--trace",
        path.to_str().expect("a path"),
    ]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert!(outcome.stdout.contains("tracing-check.pcap"), "{outcome:?}");
    assert!(
        outcome.stdout.contains("trace_limit = \"1024MiB\""),
        "{outcome:?}"
    );
    assert!(!path.exists());
}

#[test]
fn a_kill_leaves_what_was_shown() {
    let path = trace("tracing-kill.pcap");
    let (mut program, address) = start("127.0.0.1:0", "echo", &path, &[]);
    let mut client = open_echo(address);
    client.expect_echo("kept");
    client.send_frame(&text("and this"));
    client.expect_text("and this");
    program.signal(Signal::KILL);
    wait_until("it is gone", || !program.is_running());
    let report = inspect(&path);
    let connection = connection(&report, local(&client));
    assert_eq!(said(connection, "client")[1..], ["kept", "and this"]);
    // The last answer has left before it is recorded.
    assert_eq!(said(connection, "server")[1], "kept");
}
