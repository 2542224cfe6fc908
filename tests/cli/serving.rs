//! The command while it serves: what it prints, which settings it obeys, how it stops.

use super::file;
use super::program::{Program, command, open_echo};
use crate::net_support::client::upgrade;
use crate::net_support::push::{publication, registration};
use crate::net_support::{Client, wait_until};
use crate::support::frames::{close, text};
use rustix::process::Signal;
use std::net::TcpStream;
use std::os::unix::process::ExitStatusExt as _;
use std::process::Stdio;

const ANY_PORT: [&str; 2] = ["--listen", "127.0.0.1:0"];

#[test]
fn no_command_serves_and_says_what_to_try() {
    let (mut program, address) = Program::serve(&ANY_PORT);
    let mut client = Client::open_at(address, "/ws");
    client.register(&registration("alice", "orders"));
    let mut publisher = Client::connect(address);
    let body = publication("alice", "orders", "hello");
    let response = publisher.post("/push", "", &body);
    assert_eq!(response.body, "message sent to 1 clients");
    client.expect_text("hello");
    open_echo(address).expect_echo("hello");
    program.signal(Signal::INT);
    drop((client, publisher));
    assert_eq!(program.wait().code(), Some(0));
    let greeting = program.stdout();
    for part in [&format!("http://{address}/"), "curl", "Ctrl-C", "/topics/"] {
        assert!(greeting.contains(part), "{part}: {greeting}");
    }
    let log = program.stderr();
    assert!(!log.contains('\u{1b}'), "no colours into a pipe: {log}");
    assert!(log.contains("SIGINT"), "{log}");
}

#[test]
fn echo_answers_on_every_path() {
    let (_program, address) = Program::serve(&[&["echo"], &ANY_PORT[..]].concat());
    for path in ["/", "/echo", "/any/thing?at=all"] {
        Client::open_at(address, path).expect_echo(path);
    }
}

#[test]
fn echo_confirms_one_of_the_subprotocols_that_it_has() {
    let ours = ["--subprotocol", "ocpp1.5", "--subprotocol", "ocpp1.6"];
    let rows: [(&[&str], &str, Option<&str>); 6] = [
        (&[], "ocpp1.6, ocpp1.5", Some("ocpp1.6")),
        (&[], "v1.usp", Some("v1.usp")),
        (&ours, "ocpp1.6, ocpp1.5", Some("ocpp1.6")),
        (&ours, "ocpp2.0, ocpp1.5", Some("ocpp1.5")),
        (&ours, "OCPP1.6", None),
        (&ours, "ocpp2.0", None),
    ];
    for (args, offer, expected) in rows {
        let (_program, address) = Program::serve(&[&["echo"], args, &ANY_PORT[..]].concat());
        let mut client = Client::connect(address);
        let field = format!("Sec-WebSocket-Protocol: {offer}\r\n");
        client.send(upgrade("/", &field));
        let response = client.expect_switch();
        assert_eq!(
            response.field("sec-websocket-protocol"),
            expected,
            "{args:?} {offer}"
        );
        client.expect_echo("hello");
    }
}

#[test]
fn a_request_that_ends_after_a_signal_is_unavailable() {
    for command in ["serve", "echo"] {
        let args = [&[command, "--workers", "1"], &ANY_PORT[..]].concat();
        let (mut program, address) = Program::serve(&args);
        let mut open = Client::open_at(address, "/echo");
        let request = upgrade("/echo", "");
        let mut late = Client::connect(address);
        late.send(&request[..40]);
        // The loop has accepted it when the first echo is back, and read its beginning when the
        // second is.
        open.expect_echo("hello");
        open.expect_echo("hello");
        program.signal(Signal::TERM);
        open.expect_close(1001);
        late.send(&request[40..]);
        let response = late.response();
        assert_eq!(response.status, 503, "{command}");
        assert_eq!(response.field("retry-after"), Some("17"));
        drop((open, late));
        assert_eq!(program.wait().code(), Some(0));
    }
}

#[test]
fn a_signal_stops_gracefully() {
    for workers in ["1", "3"] {
        let args = [&["serve", "--workers", workers], &ANY_PORT[..]].concat();
        let (mut program, address) = Program::serve(&args);
        let mut clients: Vec<Client> = (0..6).map(|_| open_echo(address)).collect();
        let mut idle = Client::connect(address);
        let response = idle.ask("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n");
        assert_eq!(response.status, 200);
        program.signal(Signal::TERM);
        for client in &mut clients {
            client.expect_close(1001);
            client.send_frame(&close(1001, ""));
            client.expect_end();
        }
        idle.expect_end();
        drop((clients, idle));
        assert_eq!(program.wait().code(), Some(0));
        assert!(TcpStream::connect(address).is_err());
        assert!(program.stderr().contains("SIGTERM"));
    }
}

#[test]
fn a_signal_right_after_the_first_line_stops_gracefully() {
    for command in ["serve", "echo"] {
        for _ in 0..5 {
            let (mut program, _) = Program::serve(&[&[command], &ANY_PORT[..]].concat());
            program.signal(Signal::TERM);
            assert_eq!(program.wait().code(), Some(0), "{command}");
        }
    }
}

#[test]
fn a_second_signal_ends_at_once() {
    let args = [&["serve", "--close-timeout", "1h"], &ANY_PORT[..]].concat();
    let (mut program, address) = Program::serve(&args);
    let mut client = open_echo(address);
    program.signal(Signal::TERM);
    client.expect_close(1001);
    // The client does not answer, so the server would wait for it.
    program.signal(Signal::INT);
    let status = program.wait();
    assert_eq!((status.code(), status.signal()), (Some(130), None));
    client.expect_gone();
}

#[test]
fn a_reader_of_stdout_that_leaves_does_not_stop_the_server() {
    // The port is not printed, so it is chosen here.
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let mut command = command(&["--listen", &address.to_string()]);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("runs");
    drop(child.stdout.take());
    drop(child.stderr.take());
    wait_until("it listens", || TcpStream::connect(address).is_ok());
    open_echo(address).expect_echo("still serving");
    // With --log off, a refused origin is not logged.
    let mut client = Client::connect(address);
    let refused = crate::net_support::client::upgrade("/ws", "Origin: http://evil.test\r\n");
    assert_eq!(client.ask(refused).status, 403);
    open_echo(address).expect_echo("still serving");
    child.kill().expect("it still runs");
    let status = child.wait().expect("ended");
    assert_eq!(status.signal(), Some(9));
}

#[test]
fn settings_reach_the_server() {
    let key = file("cli-key", "secret\n");
    let tokens = file("cli-tokens", "t alice\n");
    let args = [
        "--listen",
        "127.0.0.1:0",
        "--push-key-file",
        key.to_str().expect("a path"),
        "--token-file",
        tokens.to_str().expect("a path"),
        "--max-message",
        "1KiB",
        "--max-body",
        "2KiB",
        "--origin",
        "https://a.example",
        "--head-timeout",
        "300ms",
        "--register-timeout",
        "400ms",
        "--echo",
    ];
    let (_program, address) = Program::serve(&args);
    let mut client = Client::open_at(address, "/ws");
    client.register(&registration("t", "e"));
    let mut late = Client::open_at(address, "/ws");
    let mut publisher = Client::connect(address);
    let body = publication("alice", "e", "m");
    assert_eq!(publisher.post("/push", "", &body).status, 401);
    let key = "Authorization: Bearer secret\r\n";
    let response = publisher.post("/push", key, &body);
    assert_eq!(response.body, "message sent to 1 clients");
    client.expect_text("m");
    assert_eq!(publisher.post("/push", key, &"x".repeat(2049)).status, 413);
    let mut echo = open_echo(address);
    echo.expect_echo(&"x".repeat(1024));
    echo.send_frame(&text("x".repeat(1025)));
    echo.expect_close(1009);
    client.send_text(&registration("t", &"x".repeat(1024)));
    client.expect_close(1009);
    let mut page = Client::connect(address);
    page.send(upgrade("/ws", "Origin: https://a.example\r\n"));
    page.expect_switch();
    let mut slow = Client::connect(address);
    slow.send("GET ");
    assert_eq!(slow.response().status, 408);
    late.expect_close(1008);
}

#[test]
fn deflate_is_on_takes_over_or_is_off_as_it_is_told() {
    let terms = |args: &[&str]| {
        let (_program, address) = Program::serve(&[args, &["--listen", "127.0.0.1:0"]].concat());
        let mut client = Client::connect(address);
        client.negotiate("/echo", "permessage-deflate; client_max_window_bits")
    };
    let alone =
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover".to_owned();
    assert_eq!(terms(&[]), Some(alone.clone()));
    assert_eq!(terms(&["--deflate", "on"]), Some(alone.clone()));
    assert_eq!(terms(&["--deflate", "off"]), None);
    let takeover = ["--deflate", "takeover", "--deflate-window-bits", "10"];
    let windows = "permessage-deflate; server_max_window_bits=10; client_max_window_bits=10";
    assert_eq!(terms(&takeover).as_deref(), Some(windows));
    let poor = ["--deflate", "takeover", "--deflate-budget", "1KiB"];
    assert_eq!(terms(&poor), Some(alone));
}

#[test]
fn the_push_key_may_stand_in_the_environment() {
    let mut command = command(&ANY_PORT);
    command.env("WIREBELL_PUSH_KEY", "secret");
    let (mut program, address) = Program::serve_command(command);
    let body = publication("alice", "e", "m");
    let mut publisher = Client::connect(address);
    assert_eq!(publisher.post("/push", "", &body).status, 401);
    let key = "Authorization: Bearer secret\r\n";
    assert_eq!(publisher.post("/push", key, &body).status, 200);
    program.signal(Signal::TERM);
    drop(publisher);
    program.wait();
    assert!(!program.stderr().contains("secret"), "a key is not logged");
}
