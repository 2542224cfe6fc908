//! `--take-over` and `--upgrade-socket`: what clients see of an upgrade, and what is refused. Under
//! load: `tests/upgrade`.

use super::data::{new_file, text};
use super::errors::expect_line;
use super::file;
use super::program::{Outcome, Program, command, run};
use crate::net_support::push::ask;
use crate::net_support::{Client, PATIENCE, wait_until};
use rustix::process::{Pid, Signal, kill_process};
use std::io::{Read as _, Write as _};
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::{UnixDatagram, UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::thread;
use wirebell::push::Digest;

/// A path of this test for a socket.
fn socket(name: &str) -> PathBuf {
    let name = format!("wirebell-{name}-{}.sock", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    path
}

const SERVE: [&str; 5] = ["serve", "--listen", "127.0.0.1:0", "--drain", "100ms"];

fn old(socket: &Path, more: &[&str]) -> (Program, SocketAddr) {
    let ours = ["--upgrade-socket", text(socket)];
    Program::serve(&[&SERVE[..], &ours, more].concat())
}

fn new(socket: &Path, more: &[&str]) -> (Program, SocketAddr) {
    let ours = ["--take-over", text(socket)];
    Program::serve(&[&SERVE[..], &ours, more].concat())
}

fn refused(socket: &Path, more: &[&str]) -> Outcome {
    let ours = ["--take-over", text(socket)];
    run(&[&SERVE[..], &ours, more].concat())
}

fn publish(address: SocketAddr, fields: &str, text: &str) {
    let answer = Client::connect(address).post("/topics/news", fields, text);
    assert_eq!(answer.status, 201, "{answer:?}");
}

fn has_subscribers(address: SocketAddr, count: usize) -> bool {
    let metrics = ask(&mut Client::connect(address), "GET", "/metrics", "", "");
    metrics
        .body
        .contains(&format!("\nwirebell_subscribers {count}\n"))
}

fn stop(mut program: Program) {
    program.signal(Signal::TERM);
    assert_eq!(program.wait().code(), Some(0));
}

#[test]
// req: push-upgrade-01
fn clients_and_paths_stay() {
    let (socket, path) = (socket("stay"), socket("stay-http"));
    let listen = ["--listen", &format!("unix:{}", text(&path))];
    let (mut before, address) = old(&socket, &listen);
    let mode = std::fs::metadata(&socket).expect("a socket").permissions();
    assert_eq!(mode.mode() & 0o777, 0o600);
    let mut client = Client::open_at(address, "/topics/news");
    let mut local = UnixStream::connect(&path).expect("it listens");
    local.set_read_timeout(Some(PATIENCE)).expect("an option");
    publish(address, "", "one");
    client.expect_text("one");
    let mut polling = Client::connect(address);
    polling.send("GET /topics/news?poll=60s HTTP/1.1\r\nHost: localhost\r\n\r\n");
    wait_until("the poll waits", || has_subscribers(address, 2));
    let (mut after, same) = new(&socket, &listen);
    assert_eq!((before.wait().code(), same), (Some(0), address));
    let polled = polling.response();
    assert!(
        polled.status == 200 && polled.body.contains("\"messages\":[]"),
        "{polled:?}"
    );
    publish(address, "", "two");
    client.expect_text("two");
    let target = "/topics/news?poll=0&since=all";
    let missed = ask(&mut Client::connect(address), "GET", target, "", "");
    assert!(missed.body.contains("one") && missed.body.contains("two"));
    local
        .write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        .expect("it reads");
    let mut answer = [0; 12];
    local.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    assert!(path.exists() && UnixStream::connect(&path).is_ok());
    after.signal(Signal::TERM);
    client.finish(1001);
    after.wait();
    assert!(!path.exists() && !socket.exists());
}

/// `systemctl reload` sends it, also where the settings no longer have the socket.
#[test]
fn a_signal_without_a_socket_changes_nothing() {
    let (mut program, address) = Program::serve_command(command(&SERVE));
    let mut client = Client::open_at(address, "/topics/news");
    program.signal(Signal::USR2);
    publish(address, "", "one");
    client.expect_text("one");
    program.signal(Signal::TERM);
    client.finish(1001);
    assert_eq!(program.wait().code(), Some(0));
}

/// The service manager hears of the new process from it, before the old one ends.
#[test]
fn a_signal_starts_the_program_again() {
    let (socket, manager) = (socket("signal"), socket("signal-manager"));
    let notify = UnixDatagram::bind(&manager).expect("a socket");
    notify.set_read_timeout(Some(PATIENCE)).expect("an option");
    let next = || {
        let mut buffer = [0; 1000];
        let len = notify.recv(&mut buffer).expect("a message");
        String::from_utf8_lossy(&buffer[..len]).into_owned()
    };
    let mut command = command(&SERVE);
    command.args(["--upgrade-socket", text(&socket)]);
    command.env("NOTIFY_SOCKET", &manager);
    let (mut before, address) = Program::serve_command(command);
    assert!(next().starts_with("READY=1\n"));
    let mut client = Client::open_at(address, "/topics/news");
    before.signal(Signal::USR2);
    let told = next();
    let pid = told.strip_prefix("MAINPID=").and_then(|it| it.parse().ok());
    let pid = Pid::from_raw(pid.unwrap_or_else(|| panic!("{told}"))).expect("a number");
    assert!(next().starts_with("READY=1\n"));
    assert_eq!(before.wait().code(), Some(0));
    publish(address, "", "one");
    client.expect_text("one");
    kill_process(pid, Signal::TERM).expect("it runs");
    assert!(next().starts_with("STOPPING=1\n"));
    client.finish(1001);
    let _ = std::fs::remove_file(&manager);
}

#[test]
fn a_token_that_is_revoked_after_an_upgrade_ends_its_connections() {
    let socket = socket("tokens");
    let entry = |name: &str, token: &str| {
        let digest = Digest::of(token.as_bytes());
        format!(
            "[[token]]\nname = \"{name}\"\nsha256 = \"{digest}\"\npublish = [\"**\"]\n\
             subscribe = [\"**\"]\n"
        )
    };
    let (one, other) = (entry("one", "first"), entry("other", "second"));
    let tokens = file("upgraded-tokens.toml", &(one + &other));
    let more = ["--tokens", text(&tokens)];
    let (mut before, address) = old(&socket, &more);
    let mut gone = Client::open_at(address, "/topics/news?token=first");
    let mut stays = Client::open_at(address, "/topics/news?token=second");
    let (after, _) = new(&socket, &more);
    before.wait();
    std::fs::write(&tokens, other).expect("written");
    after.signal(Signal::HUP);
    gone.expect_close(4001);
    publish(address, "Authorization: Bearer second\r\n", "one");
    stays.expect_text("one");
    drop((gone, stays));
    stop(after);
}

#[test]
// req: push-upgrade-02 push-upgrade-05
fn who_cannot_take_over_changes_nothing() {
    let socket = socket("refused");
    let outcome = refused(&socket, &[]);
    expect_line(&outcome, 1, &["no server has this --upgrade-socket"]);
    let (before, address) = old(&socket, &[]);
    let mut client = Client::open_at(address, "/topics/news");
    let data = new_file("other-log.db");
    let outcome = refused(&socket, &["--data", text(&data)]);
    expect_line(&outcome, 1, &["the other server has another log"]);
    let tokens = file("new-tokens.toml", "");
    let outcome = refused(&socket, &["--tokens", text(&tokens), "--log", "off"]);
    expect_line(&outcome, 1, &["cannot be taken over with these settings"]);
    publish(address, "", "one");
    client.expect_text("one");
    drop(client);
    stop(before);
}

/// Another program at the socket, that says this.
fn answering(name: &str, answer: &'static [u8]) -> Outcome {
    let socket = socket(name);
    let listener = UnixListener::bind(&socket).expect("a socket");
    let other = thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut hello = [0; 13 + 18];
        stream.read_exact(&mut hello).expect("a hello");
        assert_eq!(&hello[13..], b"wirebell upgrade 2");
        stream.write_all(answer).expect("it reads");
    });
    let outcome = refused(&socket, &[]);
    other.join().expect("it has answered");
    let _ = std::fs::remove_file(&socket);
    outcome
}

#[test]
// req: push-upgrade-05
fn another_program_at_the_socket_is_told_of() {
    let rows: [(&str, &'static [u8], &str); 5] = [
        ("silent", b"", "the other process has gone"),
        ("no", b"N\0\0\0\0\x03\0\0\0\0\0\0\0not", "refuses: not"),
        (
            "version",
            b"W\0\0\0\0\x01\0\0\0\0\0\0\0x",
            "speaks another version",
        ),
        (
            "http",
            b"HTTP/1.1 400 Bad Request\r\n",
            "a message that is too long",
        ),
        (
            "short",
            b"W\0\0\0\0\x12\0\0\0\0\0\0\0wirebell upgrade 2\
              E\0\0\0\0\x08\0\0\0\0\0\0\0\x01\0\0\0\0\0\0\0",
            "connections are missing",
        ),
    ];
    for (name, answer, expected) in rows {
        let outcome = answering(name, answer);
        expect_line(&outcome, 1, &[expected]);
    }
}

/// What cannot move is closed with 1012, over the time for draining; what can does not notice.
#[test]
// req: push-upgrade-03
fn encrypted_connections_are_closed_with_1012() {
    let socket = socket("secure");
    let more = ["--listen", "http:127.0.0.1:0", "--tls-self-signed"];
    let (mut before, secure) = old(&socket, &more);
    let (mut connect, url) = (
        command(&["connect", "-k"]),
        format!("wss://{secure}/topics/news"),
    );
    connect.arg(&url);
    let mut listening = Program::spawn(connect);
    let board = format!("https://{secure}/");
    let wait = ["--wait-for-subscribers=20s", "one"];
    let push = ["push", "-k", "--server", &board, "--topic", "news"];
    assert_eq!(run(&[&push[..], &wait].concat()).status, Some(0));
    let (after, same) = new(&socket, &more);
    assert_eq!((before.wait().code(), same), (Some(0), secure));
    listening.wait();
    let said = listening.stderr();
    assert!(said.contains("1012"), "{said}");
    stop(after);
}
