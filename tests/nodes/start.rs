//! What a server says that cannot use its log, and with what rights it can.

use crate::programs::{Redis, free_port, wait_for};
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::thread;

/// What may be done with the keys of prefix `w`, as the README says.
const RIGHTS: &str = "on >secret ~{w}:* +@stream +@hash +@string +@list +@sortedset +@scripting \
                      +@connection +info +time +exists +rename +expire +pexpire";

pub fn run() {
    let mut redis = Redis::new();
    redis.start(None);
    let port = redis.port;
    redis.ask(&["SET", "{taken}:log", "x"]);
    redis.ask(&["XADD", "{stream}:log", "*", "a", "b"]);
    redis.ask(&["HSET", "{newer}:meta", "format", "2"]);
    let words: Vec<_> = ["ACL", "SETUSER", "bell"].into_iter().collect();
    let rights: Vec<_> = words.into_iter().chain(RIGHTS.split_whitespace()).collect();
    assert!(
        redis.ask(&rights).contains("OK"),
        "the rights of the README"
    );
    let mut replica = Redis::new();
    replica.start(Some(port));
    let dead = free_port();
    let old = fake("6.2.14");
    for (url, expected) in [
        ("nonsense".to_owned(), "write redis://"),
        (format!("redis://127.0.0.1:{dead}"), "cannot be reached"),
        (
            format!("redis://bell:wrong@127.0.0.1:{port}"),
            "refuses the user or the password",
        ),
        (
            format!("redis://bell:secret@127.0.0.1:{port}?prefix=v"),
            "ACL",
        ),
        (format!("redis://127.0.0.1:{}", replica.port), "replica"),
        (
            format!("redis://127.0.0.1:{port}?prefix=taken"),
            "another program",
        ),
        (
            format!("redis://127.0.0.1:{port}?prefix=stream"),
            "another program",
        ),
        (
            format!("redis://127.0.0.1:{port}?prefix=newer"),
            "newer version",
        ),
        (format!("redis://127.0.0.1:{old}"), "version 6.2.14"),
    ] {
        refused(&url, expected);
    }
    accepted(&format!("redis://bell:secret@127.0.0.1:{port}?prefix=w"));
    println!("bad addresses are told in one line, and the rights of the README are enough");
}

fn serve(url: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wirebell"));
    let listen = format!("127.0.0.1:{}", free_port());
    command.args([
        "serve", "--log", "error", "--listen", &listen, "--engine", url,
    ]);
    command.stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

fn refused(url: &str, expected: &str) {
    let output = serve(url).output().expect("the command can be run");
    let text = String::from_utf8(output.stderr).expect("a text");
    // Wrong usage, which the caller can correct, or a server that will not do.
    let status = if url.starts_with("redis://") { 1 } else { 2 };
    assert_eq!(output.status.code(), Some(status), "{url}: {text}");
    assert!(text.contains(expected), "{url}: {text}");
    assert!(
        text.lines().count() == 1 && !text.contains("wrong@"),
        "{url}: {text}"
    );
}

fn accepted(url: &str) {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut child = serve(url)
        .args(["--listen", &listen])
        .spawn()
        .expect("it can be run");
    wait_for("a server", || {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).is_ok()
    });
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).expect("the server");
    let request = "POST /topics/a HTTP/1.1\r\nHost: localhost\r\nIdempotency-Key: k\r\n\
                   Content-Length: 1\r\n\r\nx";
    stream.write_all(request.as_bytes()).expect("the server");
    let mut line = String::new();
    BufReader::new(stream)
        .read_line(&mut line)
        .expect("an answer");
    let _ = child.kill();
    let _ = child.wait();
    assert!(line.contains(" 202 "), "{line}");
}

/// A server of this version, which knows nothing else.
fn fake(version: &'static str) -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let port = listener.local_addr().expect("its address").port();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut writer = stream.try_clone().expect("a socket");
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let info = format!("redis_version:{version}\r\nrole:master\r\n");
                let answer = match line.to_ascii_uppercase().as_str() {
                    "INFO" => format!("${}\r\n{info}\r\n", info.len()),
                    "CLIENT" => "+OK\r\n".to_owned(),
                    _ => continue,
                };
                let _ = writer.write_all(answer.as_bytes());
            }
        }
    });
    port
}
