//! `wirebell doctor` against the server, straight and through proxies that misbehave.

use super::file;
use super::program::{Outcome, Program, command, run, run_command};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Duration;
use wirebell::tls::SelfSigned;

/// What a proxy does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fault {
    None,
    /// It removes Upgrade and Connection, as HTTP/1.0 would.
    Strip,
    /// It sends its own address as Host.
    Host,
    /// It passes a response on when it is complete.
    Buffer,
    /// It answers Pings itself, before it passes on what came earlier.
    Pongs,
    /// It cuts a connection that is silent.
    Idle,
    /// It has its own clock in Date.
    Clock,
}

/// What is silent for so long is cut.
const SILENCE: Duration = Duration::from_millis(300);

/// A proxy in front of a server; ends with the test process.
fn proxy(server: SocketAddr, fault: Fault) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for client in listener.incoming() {
            let client = client.unwrap();
            thread::spawn(move || serve(client, server, fault));
        }
    });
    address
}

fn serve(mut client: TcpStream, server: SocketAddr, fault: Fault) {
    let request = head(&mut client);
    let mut upstream = TcpStream::connect(server).unwrap();
    let kept = |line: &&str| {
        let hops = ["Upgrade:", "Connection:"];
        fault != Fault::Strip || !hops.iter().any(|name| line.starts_with(name))
    };
    let own = |line: &str| match fault == Fault::Host && line.starts_with("Host:") {
        true => "Host: localhost".to_owned(),
        false => line.to_owned(),
    };
    let lines: Vec<String> = request.split("\r\n").filter(kept).map(own).collect();
    let _ = upstream.write_all(lines.join("\r\n").as_bytes());
    let is_socket = request.contains("Upgrade: websocket") && fault != Fault::Strip;
    if fault == Fault::Idle && is_socket {
        for stream in [&client, &upstream] {
            stream.set_read_timeout(Some(SILENCE)).unwrap();
        }
    }
    let (mut from, mut to) = (client.try_clone().unwrap(), upstream.try_clone().unwrap());
    thread::spawn(move || match fault == Fault::Pongs && is_socket {
        true => answer_pings(from, to),
        false => pass(&mut from, &mut to),
    });
    let mut response = head(&mut upstream);
    if fault == Fault::Clock {
        let lines = response.split("\r\n");
        let lines = lines.map(|line| match line.starts_with("Date:") {
            true => "Date: Sun, 06 Nov 1994 08:49:37 GMT",
            false => line,
        });
        response = lines.collect::<Vec<_>>().join("\r\n");
    }
    let mut held = response.into_bytes();
    if fault == Fault::Buffer && !is_socket {
        let _ = upstream.read_to_end(&mut held);
    }
    let _ = client.write_all(&held);
    pass(&mut upstream, &mut client);
}

/// A head with its empty line; nothing at the end of the stream.
fn head(stream: &mut TcpStream) -> String {
    let (mut all, mut byte) = (Vec::new(), [0]);
    while !all.ends_with(b"\r\n\r\n") && stream.read(&mut byte).is_ok_and(|len| len == 1) {
        all.push(byte[0]);
    }
    String::from_utf8(all).unwrap()
}

fn pass(from: &mut TcpStream, to: &mut TcpStream) {
    let mut buffer = [0; 4096];
    while let Ok(len) = from.read(&mut buffer) {
        if len == 0 || to.write_all(&buffer[..len]).is_err() {
            break;
        }
    }
    let _ = from.shutdown(Shutdown::Both);
    let _ = to.shutdown(Shutdown::Both);
}

/// Keeps each frame back until a Ping or a Close follows it.
fn answer_pings(mut client: TcpStream, mut server: TcpStream) {
    let mut held = Vec::new();
    let mut start = [0; 6];
    while client.read_exact(&mut start).is_ok() {
        let mut payload = vec![0; (start[1] & 0x7F).into()];
        client.read_exact(&mut payload).unwrap();
        if start[0] == 0x89 {
            let plain = payload.iter().zip(start[2..].iter().cycle());
            let mut pong = vec![0x8A, start[1] & 0x7F];
            pong.extend(plain.map(|(byte, key)| byte ^ key));
            client.write_all(&pong).unwrap();
        } else {
            held.extend(start);
            held.extend(payload);
        }
        if start[0] == 0x89 || start[0] == 0x88 {
            let _ = server.write_all(&held);
            held.clear();
        }
    }
}

fn server(args: &[&str]) -> (Program, SocketAddr) {
    Program::serve(&[&["--listen", "127.0.0.1:0"], args].concat())
}

fn doctor(url: &str, args: &[&str]) -> Outcome {
    run(&[&["doctor", "--format", "json"], args, &[url]].concat())
}

/// The worst level of each check that has a warning or a problem.
#[track_caller]
fn faults(outcome: &Outcome) -> Vec<(String, String)> {
    let report: Value = serde_json::from_str(&outcome.stdout).expect(&outcome.stderr);
    let findings = report["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let bad = findings.iter().filter(|one| {
        let level = text(&one["level"]);
        level == "warning" || level == "problem"
    });
    bad.map(|one| (text(&one["check"]), text(&one["level"])))
        .collect()
}

/// The checks that complain about a proxy with this fault.
#[track_caller]
fn through(fault: Fault, args: &[&str]) -> (Option<i32>, Vec<(String, String)>) {
    let (_server, address) = server(&[]);
    let url = format!("http://{}", proxy(address, fault));
    let outcome = doctor(&url, args);
    (outcome.status, faults(&outcome))
}

#[test]
fn a_good_deployment_straight_and_through_a_good_proxy() {
    let (_server, address) = server(&["--deflate", "on"]);
    for to in [address, proxy(address, Fault::None)] {
        let outcome = run(&["doctor", "--minutes", "0.01", &format!("ws://{to}/")]);
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
        for part in [
            "ok       upgrade",
            "and it works",
            "ok       pings",
            "ok       idle         still alive after ",
            "ok       sse",
            "0 problems, 0 warnings",
        ] {
            assert!(outcome.stdout.contains(part), "{part}: {}", outcome.stdout);
        }
    }
}

#[test]
fn each_fault_of_a_proxy_is_found_and_nothing_else() {
    let quick: &[&str] = &["--timeout", "2s"];
    for (fault, check, level, args) in [
        (Fault::Strip, "upgrade", "problem", &[][..]),
        (Fault::Host, "upgrade", "problem", &[]),
        (Fault::Buffer, "sse", "problem", quick),
        (Fault::Pongs, "pings", "warning", &[]),
        (Fault::Idle, "idle", "problem", &["--minutes", "1"]),
        (Fault::Clock, "clock", "problem", &[]),
    ] {
        let (status, found) = through(fault, args);
        assert_eq!(found, [(check.into(), level.into())], "{fault:?}");
        let expected = i32::from(level == "problem");
        assert_eq!(status, Some(expected), "{fault:?}");
    }
    let (status, _) = through(Fault::Pongs, &["--strict"]);
    assert_eq!(status, Some(1));
}

#[test]
fn advice_is_given_and_a_list_of_origins_is_checked() {
    let (_server, address) = server(&["--origin", "https://app.example"]);
    let url = format!("http://{address}");
    let outcome = doctor(&url, &["--origin", "https://app.example/"]);
    assert_eq!((outcome.status, faults(&outcome)), (Some(0), vec![]));
    let outcome = run(&["doctor", "--origin", "https://b.example", &url]);
    assert_eq!(outcome.status, Some(1));
    assert!(outcome.stdout.contains("wirebell: start it with --origin"));
    assert!(outcome.stdout.contains("nginx: pass OPTIONS on"));
}

#[test]
fn without_a_token_what_needs_one_is_skipped() {
    let tokens = file("doctor-tokens.toml", "");
    let tokens = tokens.to_str().unwrap();
    let made = run(&[
        "token",
        "new",
        "--tokens",
        tokens,
        "--name",
        "a",
        "--subscribe",
        "doctor.*",
    ]);
    let token = made.stdout.lines().last().unwrap().trim().to_owned();
    let (_server, address) = server(&["--tokens", tokens]);
    let url = format!("http://{address}");
    let outcome = run(&["doctor", &url]);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stdout);
    assert!(
        outcome.stdout.contains("skipped: HTTP 401"),
        "{}",
        outcome.stdout
    );
    let mut with = command(&["doctor", &url]);
    with.env("WIREBELL_TOKEN", token);
    let outcome = run_command(with);
    assert_eq!(outcome.status, Some(0), "{}", outcome.stdout);
    let skipped = "publishing skipped: HTTP 403";
    assert!(outcome.stdout.contains(skipped), "{}", outcome.stdout);
}

#[test]
fn certificates() {
    let made = SelfSigned::new(["wirebell.example"]).unwrap();
    let cert = file("doctor-cert.pem", made.certificate_pem());
    let key = file("doctor-key.pem", made.key_pem());
    let (cert, key) = (cert.to_str().unwrap(), key.to_str().unwrap());
    let (_server, address) = server(&["--tls-cert", cert, "--tls-key", key]);
    let url = format!("https://localhost:{}", address.port());
    let outcome = doctor(&url, &["--ca-file", cert]);
    assert_eq!((outcome.status, faults(&outcome)), (Some(0), vec![]));
    let problem = vec![("tls".to_owned(), "problem".to_owned())];
    let outcome = doctor(&url, &[]);
    assert_eq!(
        (outcome.status, faults(&outcome)),
        (Some(1), problem.clone())
    );
    // Its end is known nevertheless, and nothing else was asked.
    assert!(outcome.stdout.contains("the certificate ends in "));
    assert!(outcome.stdout.contains("skipped: see tls"));
    let outcome = doctor(&url, &["--ca-file", cert, "--tls-server-name", "b.example"]);
    assert_eq!(faults(&outcome), problem);
    let outcome = doctor(&url, &["--insecure"]);
    assert_eq!((outcome.status, faults(&outcome)), (Some(0), vec![]));
}

#[test]
fn what_cannot_be_reached_and_what_cannot_be_meant() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let outcome = doctor(&format!("http://{address}"), &[]);
    assert_eq!(outcome.status, Some(1));
    assert_eq!(faults(&outcome), [("tcp".to_owned(), "problem".to_owned())]);
    let outcome = doctor("http://doctor.invalid", &[]);
    assert_eq!(faults(&outcome), [("dns".to_owned(), "problem".to_owned())]);
    for args in [
        &["a.example"][..],
        &["ftp://a.example"],
        &["--minutes", "-1", "http://a.example"],
        &["--topic", "a b", "http://a.example"],
        &["--origin", "app.example", "http://a.example"],
        &["--timeout", "soon", "http://a.example"],
    ] {
        let outcome = run(&[&["doctor"], args].concat());
        assert_eq!(outcome.status, Some(2), "{args:?}: {}", outcome.stderr);
    }
}
