//! `wirebell connect` over pipes: what it prints, and how it ends.

use super::errors::expect_line;
use super::file;
use super::program::{Outcome, Program, command, run, run_command};
use crate::net_support::scripted::Server;
use crate::net_support::wait_until;
use crate::support::frames::{close, text};
use rustix::process::Signal;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

pub fn serve() -> (Program, SocketAddr) {
    Program::serve(&["--listen", "127.0.0.1:0"])
}

pub fn echo(address: SocketAddr) -> String {
    format!("ws://{address}/echo")
}

/// Runs it with this standard input.
#[track_caller]
pub fn pipe(input: &[u8], args: &[&str]) -> Outcome {
    let path = file(&format!("stdin-{:x}", unique(args)), "");
    std::fs::write(&path, input).unwrap();
    let mut command = command(&[&["connect"], args].concat());
    command.stdin(std::fs::File::open(&path).unwrap());
    let outcome = run_command(command);
    std::fs::remove_file(path).unwrap();
    outcome
}

/// Another name for each test.
fn unique(args: &[&str]) -> u64 {
    use std::hash::{BuildHasher as _, RandomState};
    RandomState::new().hash_one(args)
}

/// A server that opens a WebSocket for one client and then sends `frames`; returns what it
/// received.
fn scripted(frames: &'static [u8]) -> (Server, Receiver<Vec<u8>>) {
    let (tell, told) = channel();
    let server = Server::opened(move |peer| {
        peer.send(frames);
        peer.end_writing();
        while peer.next_frame().is_some() {}
        let _ = tell.send(std::mem::take(&mut peer.received));
    });
    (server, told)
}

#[test]
fn lines_go_and_come_back_and_nothing_is_lost_at_the_end() {
    let (_server, address) = serve();
    let lines: String = (0..5000).map(|n| format!("line {n}, Grüße\n")).collect();
    for extra in [&[][..], &["--deflate", "off"], &["--deflate", "takeover"]] {
        let uri = echo(address);
        let args = [extra, &[&uri]].concat();
        let outcome = pipe(lines.as_bytes(), &args);
        assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
        assert!(outcome.stdout == lines, "{extra:?}");
    }
    // A line without an end is one, and an empty line is a message.
    let outcome = pipe(b"\nlast", &[&echo(address)]);
    assert_eq!(outcome.stdout, "\nlast\n");
}

#[test]
fn binary_messages_as_hex_and_as_they_are() {
    let (_server, address) = serve();
    let outcome = pipe(b"00ff\n\n DE AD\n", &["--binary", "hex", &echo(address)]);
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), "00ff\n\ndead\n")
    );
    let text = "x\n".repeat(200_000);
    let outcome = pipe(text.as_bytes(), &["--binary", "raw", &echo(address)]);
    assert!(outcome.stdout == text && outcome.status == Some(0));
    // Without --binary a binary message is printed as hex.
    let (server, _) = scripted(b"\x82\x03abc\x88\x02\x03\xE8");
    let outcome = pipe(b"", &["--no-input", &server.uri()]);
    assert_eq!((outcome.status, &*outcome.stdout), (Some(0), "616263\n"));
    server.finish();
}

#[test]
fn input_that_cannot_be_sent() {
    let (_server, address) = serve();
    let uri = echo(address);
    for (input, args, parts) in [
        (&b"good\n\xFF\n"[..], &[][..], ["stdin line 2", "UTF-8"]),
        (
            b"abc\n",
            &["--binary", "hex"],
            ["stdin line 1", "hexadecimal"],
        ),
        (
            b"12345\n",
            &["--max-message", "4"],
            ["stdin line 1", "--max-message"],
        ),
    ] {
        let outcome = pipe(input, &[args, &[&uri]].concat());
        assert_eq!(outcome.status, Some(1), "{outcome:?}");
        assert_eq!(outcome.stderr.lines().count(), 1, "{outcome:?}");
        assert!(
            parts.iter().all(|part| outcome.stderr.contains(part)),
            "{outcome:?}"
        );
    }
}

#[test]
fn what_the_server_is_told() {
    let (server, told) = scripted(b"\x88\x00");
    let outcome = pipe(
        b"",
        &[
            "--header=X-One: 1",
            "-H",
            "Cookie: a=b",
            "--origin",
            "https://a.example",
            "--subprotocol",
            "chat.v2",
            "--subprotocol",
            "chat",
            "--auth",
            "me:secret",
            "-n",
            &server.uri(),
        ],
    );
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let request = String::from_utf8_lossy(&told.recv().unwrap()).into_owned();
    for part in [
        "X-One: 1\r\n",
        "Cookie: a=b\r\n",
        "Origin: https://a.example\r\n",
        "Sec-WebSocket-Protocol: chat.v2, chat\r\n",
        "Authorization: Basic bWU6c2VjcmV0\r\n",
        "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover",
    ] {
        assert!(request.contains(part), "{part}: {request}");
    }
    let (server, told) = scripted(b"\x88\x00");
    let outcome = pipe(
        b"",
        &["--token", "t0k", "--deflate", "off", "-n", &server.uri()],
    );
    assert_eq!(outcome.status, Some(0));
    let request = String::from_utf8_lossy(&told.recv().unwrap()).into_owned();
    assert!(
        request.contains("Authorization: Bearer t0k\r\n"),
        "{request}"
    );
    assert!(!request.contains("Extensions"), "{request}");
}

#[test]
fn what_comes_late_is_waited_for() {
    let server = Server::opened(|peer| {
        peer.expect(&text("a question"));
        peer.expect_silence(Duration::from_millis(100));
        peer.send_frames(&[text("an answer")]);
        peer.expect_close(1000);
        peer.send_frames(&[close(1000, "")]);
    });
    let outcome = pipe(b"a question\n", &["--wait", "1s", &server.uri()]);
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    assert_eq!(outcome.stdout, "an answer\n");
    server.finish();
}

#[test]
fn how_the_server_closes_is_the_exit_status() {
    let rows: [(&[u8], i32, &[&str]); 7] = [
        (b"\x88\x02\x03\xE8", 0, &[]),
        (b"\x88\x02\x03\xE9", 0, &[]),
        (b"\x88\x00", 0, &[]),
        (b"\x88\x05\x03\xF3oh\x1B", 1, &["1011 oh", "\\u{1b}"]),
        (b"", 1, &["without a Close"]),
        (b"\x83\x00", 1, &["reserved opcode", "5.2"]),
        (b"\x81\x80\0\0\0\0", 1, &["mask"]),
    ];
    for (frames, status, parts) in rows {
        let (server, _) = scripted(frames);
        let outcome = pipe(b"", &["--no-input", &server.uri()]);
        assert_eq!(outcome.status, Some(status), "{frames:?} {outcome:?}");
        assert_eq!(
            outcome.stderr.lines().count(),
            usize::from(status > 0),
            "{outcome:?}"
        );
        assert!(
            parts.iter().all(|part| outcome.stderr.contains(part)),
            "{outcome:?}"
        );
        server.finish();
    }
}

#[test]
fn refusals_and_time_limits_have_statuses_of_their_own() {
    let (_server, address) = serve();
    let none = format!("ws://{address}/none");
    expect_line(
        &pipe(b"", &[&none]),
        3,
        &["404", "no WebSocket at this path"],
    );
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/", silent.local_addr().unwrap());
    expect_line(&pipe(b"", &["--timeout", "200ms", &uri]), 4, &["timed out"]);
    drop(silent);
    expect_line(&pipe(b"", &[&uri]), 3, &["cannot connect"]);
    expect_line(&pipe(b"", &["ws://no-such-host.invalid/"]), 3, &["host"]);
    for (args, part) in [
        (&["http://a/"][..], "ws://"),
        (&["ws://a/#b"], "fragment"),
        (&["-H", "nonsense", "ws://a/"], "Name: value"),
        (&["--auth", "me", "ws://a/"], "USER:PASS"),
        (&["--proxy", "ftp://a", "ws://a/"], "proxy"),
        (&["--subprotocol", "a b", "ws://127.0.0.1/"], "token"),
    ] {
        expect_line(&pipe(b"", args), 2, &[part]);
    }
    assert_eq!(run(&["connect"]).status, Some(2));
    assert_eq!(pipe(b"", &["--max-messages", "0", &none]).status, Some(2));
}

#[test]
fn after_so_many_messages_it_closes() {
    let (_server, address) = serve();
    let outcome = pipe(
        b"one\ntwo\nthree\n",
        &["--max-messages", "2", &echo(address)],
    );
    assert_eq!((outcome.status, &*outcome.stdout), (Some(0), "one\ntwo\n"));
}

#[test]
fn a_reader_that_goes_is_no_failure() {
    let (_server, address) = serve();
    let mut command = command(&["connect", &echo(address)]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"one\ntwo\n").unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    drop(stdin);
}

#[test]
fn a_signal_closes_the_connection() {
    let (_server, address) = serve();
    let mut command = command(&["connect", "--show-frames", &echo(address)]);
    command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdin = child.stdin.take().unwrap();
    (&stdin).write_all(b"one\n").unwrap();
    let mut stdout = child.stdout.take().unwrap();
    stdout.read_exact(&mut [0; 4]).unwrap();
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let mut frames = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut frames)
        .unwrap();
    for part in [
        "> GET /echo HTTP/1.1",
        "< HTTP/1.1 101",
        "> text 3 B",
        "< text 3 B",
        "> close 24 B: 1001 the client is stopping",
    ] {
        assert!(frames.contains(part), "{part}: {frames}");
    }
    assert!(
        !frames.contains('\u{1b}'),
        "no colours into a pipe: {frames}"
    );
}

#[test]
fn it_comes_back_when_the_server_does() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let mut command = command(&["connect", "--reconnect", &echo(address)]);
    command.stdin(Stdio::piped());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(b"kept\n").unwrap();
    // The first connection is dropped mid-handshake.
    drop(listener.accept().unwrap());
    drop(listener);
    let (_server, _) = Program::serve(&["--listen", &address.to_string()]);
    let mut echoed = [0; 5];
    child
        .stdout
        .take()
        .unwrap()
        .read_exact(&mut echoed)
        .unwrap();
    assert_eq!(&echoed, b"kept\n");
    drop(stdin);
    wait_until("it ends", || child.try_wait().unwrap().is_some());
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let uri = format!("ws://{}/", listener.local_addr().unwrap());
    drop(listener);
    let outcome = pipe(b"", &["--reconnect=2", &uri]);
    assert_eq!(outcome.status, Some(3));
    assert_eq!(
        outcome.stderr.matches("trying again").count(),
        2,
        "{outcome:?}"
    );
}

#[test]
fn through_a_proxy() {
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://me:p%40ss@{}", proxy.local_addr().unwrap());
    let asked = std::thread::spawn(move || {
        let (mut stream, _): (TcpStream, _) = proxy.accept().unwrap();
        let mut head = vec![0; 1024];
        let n = stream.read(&mut head).unwrap();
        stream
            .write_all(b"HTTP/1.1 407 No\r\nContent-Length: 0\r\n\r\n")
            .unwrap();
        String::from_utf8(head[..n].to_vec()).unwrap()
    });
    let outcome = pipe(b"", &["--proxy", &url, "ws://far.example:81/"]);
    expect_line(&outcome, 3, &["proxy", "407"]);
    let asked = asked.join().unwrap();
    assert!(
        asked.starts_with("CONNECT far.example:81 HTTP/1.1\r\n"),
        "{asked}"
    );
    assert!(
        asked.contains("Proxy-Authorization: Basic bWU6cEBzcw==\r\n"),
        "{asked}"
    );
}
