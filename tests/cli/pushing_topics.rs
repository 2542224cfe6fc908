//! `wirebell push --topic` and `--batch` against the server, and against servers that fail.

use super::errors::expect_line;
use super::file;
use super::program::{Outcome, Program, command, run, run_command};
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::mpsc::{Receiver, channel};

/// A server without tokens, and its URL.
pub fn serve() -> (Program, SocketAddr, String) {
    let (program, address) = Program::serve(&["--listen", "127.0.0.1:0"]);
    (program, address, format!("http://{address}"))
}

pub fn push(server: &str, args: &[&str]) -> Outcome {
    run(&[&["push", "--server", server], args].concat())
}

/// The same with this standard input.
fn push_from(server: &str, name: &str, input: &[u8], args: &[&str]) -> Outcome {
    let path = file(name, "");
    std::fs::write(&path, input).unwrap();
    let mut command = command(&[&["push", "--server", server], args].concat());
    command.stdin(std::fs::File::open(path).unwrap());
    run_command(command)
}

/// Everything that the history of these topics holds.
#[track_caller]
pub fn history(address: SocketAddr, patterns: &str) -> Vec<Value> {
    let mut stream = TcpStream::connect(address).unwrap();
    let request = format!(
        "GET /topics/{patterns}?since=all&poll=0 HTTP/1.1\r\nHost: {address}\r\n\
         Connection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    let body: Value = serde_json::from_str(body).unwrap();
    body["messages"].as_array().unwrap().clone()
}

#[track_caller]
fn data(address: SocketAddr, patterns: &str) -> Vec<String> {
    let text = |it: &Value| it["data"].as_str().unwrap().to_owned();
    history(address, patterns).iter().map(text).collect()
}

#[test]
fn an_argument_stdin_a_file_and_lines() {
    let (_server, address, server) = serve();
    let outcome = push(&server, &["--topic", "größe.50%", "-v", "\"17\" ü"]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    let said: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&said["topic"], &said["subscribers"]),
        (&"größe.50%".into(), &0.into())
    );
    assert_eq!(data(address, "gr%C3%B6%C3%9Fe.50%25"), ["\"17\" ü"]);
    let text = file("push-topic-file", "as it is\n");
    for (input, args) in [
        (&b"two\nlines\n"[..], &[][..]),
        (b"one\n\ntwo\r\nthree", &["--lines"]),
        (b"", &["--file", text.to_str().unwrap()]),
        (b"stdin\n", &["--file", "-"]),
        (b"", &[""]),
    ] {
        let args = [&["--topic", "a"], args].concat();
        let outcome = push_from(&server, "push-topic-stdin", input, &args);
        assert_eq!(
            (outcome.status, &*outcome.stdout, &*outcome.stderr),
            (Some(0), "", "")
        );
    }
    let expected = [
        "two\nlines",
        "one",
        "two",
        "three",
        "as it is\n",
        "stdin\n",
        "",
    ];
    assert_eq!(data(address, "a"), expected);
}

#[test]
fn binary_messages_have_a_media_type() {
    let (_server, address, server) = serve();
    let args = ["--topic", "b"];
    let outcome = push_from(&server, "push-binary", b"\xFF\0\n", &args);
    expect_line(&outcome, 2, &["UTF-8", "--content-type"]);
    let args = ["--topic", "b", "--content-type", "image/png", "--file", "-"];
    assert_eq!(
        push_from(&server, "push-binary", b"\xFF\0\n", &args).status,
        Some(0)
    );
    assert_eq!(history(address, "b")[0]["base64"], "/wAK");
    let args = ["--topic", "b", "--content-type", "multipart/form-data", "x"];
    expect_line(&push(&server, &args), 3, &["415"]);
}

#[test]
fn a_key_publishes_once_and_a_ttl_of_zero_is_not_kept() {
    let (_server, address, server) = serve();
    for _ in 0..2 {
        let outcome = push(&server, &["--topic", "a", "--key", "k\"1", "x"]);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
    }
    let outcome = push(&server, &["--topic", "a", "--key", "k\"1", "y"]);
    expect_line(&outcome, 3, &["422", "key_reused"]);
    assert_eq!(
        push(&server, &["--topic", "a", "--ttl", "0", "y"]).status,
        Some(0)
    );
    assert_eq!(
        push(&server, &["--topic", "a", "--ttl", "1h", "z"]).status,
        Some(0)
    );
    assert_eq!(data(address, "a"), ["x", "z"]);
}

#[test]
fn receipts_are_printed() {
    let (_server, address, server) = serve();
    let mut listener = Program::spawn(command(&[
        "connect",
        "--max-messages",
        "2",
        &format!("ws://{address}/topics/a"),
    ]));
    let outcome = push(
        &server,
        &[
            "--topic",
            "a",
            "--wait-for-subscribers=10s",
            "--receipt",
            "8s",
            "x",
        ],
    );
    assert_eq!(outcome.status, Some(0), "{outcome:?}");
    let said: Value = serde_json::from_str(&outcome.stdout).unwrap();
    assert_eq!(
        (&said["matched"], &said["confirmed"]),
        (&1.into(), &1.into())
    );
    assert_eq!(push(&server, &["--topic", "a", "y"]).status, Some(0));
    assert_eq!(listener.wait().code(), Some(0));
    assert_eq!(listener.stdout(), "x\ny\n");
}

#[test]
fn lines_of_a_batch_are_published_as_they_come() {
    let (_server, address, server) = serve();
    let mut command = command(&["push", "--server", &server, "--batch", "--verbose"]);
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = std::io::BufReader::new(child.stdout.take().unwrap());
    for text in ["one", "two"] {
        writeln!(stdin, r#"{{"topic":"a","data":"{text}"}}"#).unwrap();
        let mut line = String::new();
        std::io::BufRead::read_line(&mut stdout, &mut line).unwrap();
        assert!(line.starts_with(r#"{"topic":"a","id":""#), "{line}");
    }
    let rest = [
        r#"{"topic":["a","$c"],"base64":"/w=="}"#,
        "",
        "nonsense",
        r#"{"topic":"a","data":"last"}"#,
    ];
    let rest = rest.join("\n");
    stdin.write_all(rest.as_bytes()).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(3), "{stderr}");
    let lines: Vec<&str> = stderr.lines().collect();
    assert_eq!(lines.len(), 3, "{stderr}");
    assert!(lines[0].contains("line 3, topic $c: forbidden"), "{stderr}");
    assert!(lines[1].contains("line 5: malformed"), "{stderr}");
    assert!(
        lines[2].contains("2 messages were not accepted, 4 were"),
        "{stderr}"
    );
    assert_eq!(history(address, "a").len(), 4);
}

#[test]
fn many_lines_are_few_requests_and_all_arrive_in_order() {
    let (_server, address, server) = serve();
    let lines: String = (0..5_000)
        .map(|n| format!("{{\"topic\":\"t{}\",\"data\":\"{n}\"}}\n", n % 100))
        .collect();
    let outcome = push_from(&server, "push-many", lines.as_bytes(), &["--batch", "-v"]);
    assert_eq!((outcome.status, &*outcome.stderr), (Some(0), ""));
    assert_eq!(outcome.stdout.lines().count(), 5_000);
    let expected: Vec<String> = (0..50).map(|n| (n * 100 + 7).to_string()).collect();
    assert_eq!(data(address, "t7"), expected);
}

/// Answers one request per connection, with the next of these, and tells the requests.
fn answers(answers: &'static [&'static str]) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = format!("http://{}", listener.local_addr().unwrap());
    let (sender, requests) = channel();
    std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"END") && !request.ends_with(b"END\"}\n") {
                let mut bytes = [0; 1024];
                match stream.read(&mut bytes) {
                    Ok(n @ 1..) => request.extend_from_slice(&bytes[..n]),
                    _ => break,
                }
            }
            let _ = sender.send(String::from_utf8(request).unwrap());
            let _ = stream.write_all(answer.as_bytes());
        }
    });
    (server, requests)
}

const GOOD: &str = "HTTP/1.1 201 Created\r\nConnection: close\r\n\r\n\
                    {\"topic\":\"a\",\"id\":\"q-1\",\"subscribers\":1}\n";

#[test]
fn a_message_that_is_sent_again_has_the_same_key() {
    for (args, input) in [
        (&["--topic", "a", "END"][..], ""),
        (&["--batch"], "{\"topic\":\"a\",\"data\":\"END\"}\n"),
    ] {
        let (server, requests) = answers(&["", GOOD, GOOD]);
        let outcome = push_from(&server, "push-again", input.as_bytes(), args);
        assert_eq!(outcome.status, Some(0), "{outcome:?}");
        assert_eq!(outcome.stderr.matches("trying again").count(), 1);
        let key = |request: &str| {
            let key = request.to_lowercase();
            let at = key.find("idempotency-key: \"").map(|at| at + 18);
            let at = at
                .or_else(|| key.find("\"key\":\"").map(|at| at + 7))
                .expect("a key");
            key[at..].split('"').next().unwrap().to_owned()
        };
        let keys: Vec<String> = requests.iter().take(2).map(|it| key(&it)).collect();
        assert_eq!(keys[0], keys[1]);
        assert!(keys[0].len() >= 32);
        // Another message has another one.
        push_from(&server, "push-again", input.as_bytes(), args);
        assert_ne!(key(&requests.recv().unwrap()), keys[0]);
    }
    let (server, requests) = answers(&[GOOD]);
    push(&server, &["--topic", "a", "--attempts", "1", "END"]);
    assert!(
        !requests
            .recv()
            .unwrap()
            .to_lowercase()
            .contains("idempotency")
    );
}

#[test]
fn only_the_answer_of_a_push_server_counts() {
    const PORTAL: &str = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n<html>Please log in";
    const FULL: &str = "HTTP/1.1 507 Full\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    for (answer, part) in [(PORTAL, "subscribers"), (FULL, "507")] {
        let rows = answers(Box::leak(Box::new([answer])));
        expect_line(&push(&rows.0, &["--topic", "a", "END"]), 3, &[part]);
        let rows = answers(Box::leak(Box::new([answer])));
        let line = b"{\"topic\":\"a\",\"data\":\"END\"}\n";
        let outcome = push_from(&rows.0, "push-portal", line, &["--batch"]);
        expect_line(&outcome, 3, &["lines 1 to 1, after 0 accepted"]);
    }
}

#[test]
fn tokens_decide_where_to_publish() {
    let tokens = file("push-tokens.toml", "");
    let tokens = tokens.to_str().unwrap();
    let new = [
        "token",
        "new",
        "--tokens",
        tokens,
        "--name",
        "shop",
        "--publish",
        "orders.**",
    ];
    let token = run(&new).stdout.trim().to_owned();
    let (_server, address) = Program::serve(&["--listen", "127.0.0.1:0", "--tokens", tokens]);
    let server = format!("http://{address}");
    expect_line(
        &push(&server, &["--topic", "orders.eu", "x"]),
        3,
        &["401", "--token"],
    );
    let with = ["--token", &token, "--topic", "orders.eu", "x"];
    assert_eq!(push(&server, &with).status, Some(0));
    let path = file("push-token", &format!("{token}\n"));
    let with = [
        "--key-file",
        path.to_str().unwrap(),
        "--topic",
        "orders.eu",
        "x",
    ];
    assert_eq!(push(&server, &with).status, Some(0));
    let with = ["--token", &token, "--topic", "news", "x"];
    expect_line(
        &push(&server, &with),
        3,
        &["403", "may not publish to news"],
    );
    let with = [
        "--token",
        &token,
        "--topic",
        "orders.eu",
        "--wait-for-subscribers=1s",
        "x",
    ];
    expect_line(
        &push(&server, &with),
        3,
        &["may not subscribe to orders.eu"],
    );
}

#[test]
fn it_waits_for_a_subscriber() {
    let (_server, address, server) = serve();
    let outcome = push(
        &server,
        &["--topic", "a", "--wait-for-subscribers=300ms", "x"],
    );
    expect_line(&outcome, 4, &["no subscriber of a"]);
    assert!(history(address, "a").is_empty());
    let args = [
        "push",
        "--server",
        &server,
        "--topic",
        "a",
        "--wait-for-subscribers",
        "-v",
        "x",
    ];
    let mut waiting = Program::spawn(command(&args));
    let uri = format!("ws://{address}/topics/a");
    let outcome = run(&["connect", "--max-messages", "1", &uri]);
    assert_eq!(
        (outcome.status, &*outcome.stdout),
        (Some(0), "x\n"),
        "{outcome:?}"
    );
    assert_eq!(waiting.wait().code(), Some(0));
    assert!(waiting.stdout().contains("\"subscribers\":1"));
}

/// Questions count as publications: too many are no reason to give up.
#[test]
fn it_waits_on_where_questions_are_limited() {
    let limited = ["serve", "--listen", "127.0.0.1:0", "--publish-rate", "1/m"];
    let (_program, address) = Program::serve(&limited);
    let server = format!("http://{address}");
    for _ in 0..2 {
        let args = ["--topic", "a", "--wait-for-subscribers=300ms", "x"];
        expect_line(&push(&server, &args), 4, &["no subscriber of a"]);
    }
}

#[test]
fn flags_that_do_not_go_together_are_wrong_usage() {
    let rows: [&[&str]; 12] = [
        &["x"],
        &["--user", "a", "x"],
        &["--topic", "a", "--user", "b", "--event", "c", "x"],
        &["--topic", "a", "--batch"],
        &["--topic", "a.*", "x"],
        &["--user", "a", "--event", "b", "--ttl", "1", "x"],
        &["--topic", "a", "--ttl", "soon", "x"],
        &["--topic", "a", "--lines", "--key", "k"],
        &["--topic", "a", "--file", "b", "x"],
        &["--batch", "--wait-for-subscribers"],
        &["--batch", "--receipt", "2s"],
        &["--topic", "a", "--receipt", "10s", "x"],
    ];
    for args in rows {
        let outcome = push("http://127.0.0.1:1", args);
        assert_eq!(outcome.status, Some(2), "{args:?}: {outcome:?}");
    }
}
