//! `wirebell verify` against servers that greet or need credentials or a subprotocol, and against
//! servers that do not echo, which is reported once.

use super::errors::expect_line;
use super::faulty::{Fault, Faulty};
use super::program::{Outcome, command, run, run_command};
use super::verifying::verdicts_of;
use serde_json::Value;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

const WELL: [&str; 4] = ["--token", "secret", "--subprotocol", "chat"];

#[track_caller]
fn passes_all(outcome: &Outcome, fault: Fault) -> Value {
    let verdicts = verdicts_of(fault, outcome);
    let wrong: Vec<_> = verdicts
        .iter()
        .filter(|(_, outcome)| outcome["verdict"] != "pass")
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    serde_json::from_str(&outcome.stdout).expect("JSON")
}

#[test]
fn a_server_that_greets_and_wants_a_token_and_a_subprotocol_passes_every_case() {
    let server = Faulty::start(Fault::Demanding);
    let url = server.url();
    let json = ["--format", "json", "--fail-on", "quality"];
    let patient = ["--timeout", "10s", "--jobs", "32"];
    let args = [&["verify"], &json[..], &patient, &WELL, &[&url]].concat();
    let report = passes_all(&run(&args), Fault::Demanding);
    let unsolicited = report["unsolicited"]
        .as_str()
        .expect("what it sends unsolicited");
    for part in ["welcome", "what may I echo?", "ignored"] {
        assert!(unsolicited.contains(part), "{unsolicited}");
    }
}

/// Cases that an unsolicited message would disturb, at each point of a connection.
const SOME: [&str; 12] = [
    "--case",
    "handshake.plain",
    "--case",
    "message.*",
    "--case",
    "deflate.*",
    "--case",
    "close.1000*",
    "--case",
    "ping.*",
    "--case",
    "utf8.bad.*",
];

#[test]
fn what_comes_later_is_known_by_what_it_says() {
    let server = Faulty::start(Fault::SpeaksLater);
    let url = server.url();
    let plain = [
        "--case",
        "message.*",
        "--case",
        "ping.*",
        "--case",
        "utf8.*",
    ];
    let json = ["--format", "json", "--timeout", "10s"];
    let args = [&["verify"], &json[..], &plain, &[&url]].concat();
    let report = passes_all(&run(&args), Fault::SpeaksLater);
    assert!(
        report["unsolicited"]
            .as_str()
            .expect("text")
            .contains("by the way")
    );
}

#[test]
fn credentials_come_from_flags_fields_and_the_environment() {
    let server = Faulty::start(Fault::Demanding);
    let url = server.url();
    let subprotocol = ["verify", "--subprotocol", "chat"];
    let fields = ["-H", "authorization: Bearer secret", "-H", "X-More: 1"];
    let with_field = run(&[&subprotocol[..], &SOME, &fields, &[&url]].concat());
    assert_eq!(with_field.status, Some(0), "{with_field:?}");
    assert!(
        with_field.stdout.contains("on each connection: text"),
        "{with_field:?}"
    );
    let mut with_variable = command(&[&subprotocol[..], &SOME, &[&url]].concat());
    with_variable.env("WIREBELL_TOKEN", "secret");
    let with_variable = run_command(with_variable);
    assert_eq!(with_variable.status, Some(0), "{with_variable:?}");
    let named = url.replace("ws://", "ws://you:p%40ss@");
    let with_user = run(&[&subprotocol[..], &SOME, &[&named]].concat());
    assert_eq!(with_user.status, Some(0), "{with_user:?}");
    assert!(with_user.stdout.contains(&url), "{with_user:?}");
    let random = ["--random", "--seconds", "1", "--timeout", "10s"];
    let random = run(&[&subprotocol[..], &random, &[&named]].concat());
    assert_eq!(random.status, Some(0), "{random:?}");
    let connect = [
        "connect",
        "--subprotocol",
        "chat",
        "--max-messages",
        "1",
        &named,
    ];
    let connected = run(&connect);
    assert_eq!(connected.status, Some(0), "{connected:?}");
    let both = [&subprotocol[..], &["--token", "secret", &named]].concat();
    expect_line(&run(&both), 2, &["--token"]);
    let parts = [&url[..], "HTTP/1.1 401 No", "--token"];
    expect_line(&run(&[&subprotocol[..], &[&url]].concat()), 3, &parts);
    let basic = [&subprotocol[..], &["--auth", "me:secret", &url]].concat();
    expect_line(&run(&basic), 3, &["401"]);
    let without = run(&["verify", "--token", "secret", &url]);
    expect_line(&without, 3, &["HTTP/1.1 400 No", "--subprotocol"]);
}

#[test]
fn wrong_fields_are_wrong_usage() {
    let url = "ws://127.0.0.1:9/";
    let rows: [(&[&str], &[&str]); 4] = [
        (&["-H", "nonsense", url], &["--header nonsense"]),
        (&["-H", "Upgrade: tcp", url], &["--header Upgrade"]),
        (&["--auth", "me", url], &["--auth", "USER:PASS"]),
        (&["--subprotocol", "no token", url], &[url]),
    ];
    for (args, parts) in rows {
        expect_line(&run(&[&["verify"], args].concat()), 2, parts);
    }
    let listening = ["verify", "--listen", "127.0.0.1:0", "-H", "A: b"];
    assert_eq!(run(&listening).status, Some(2));
}

/// Answers the first bytes of each connection, then closes it or holds it open.
fn answering(answer: &'static [u8], hold: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("ws://{}/", listener.local_addr().expect("bound"));
    thread::spawn(move || {
        let mut held = Vec::new();
        for mut stream in listener.incoming().map_while(Result::ok) {
            thread::spawn({
                let stream = stream.try_clone().expect("a copy");
                move || read_a_moment(&stream)
            });
            let _ = stream.write_all(answer);
            if hold {
                held.push(stream);
            } else {
                thread::sleep(Duration::from_millis(20));
                let _ = stream.shutdown(std::net::Shutdown::Write);
            }
        }
    });
    url
}

fn read_a_moment(mut stream: &TcpStream) {
    let _ = stream.set_read_timeout(Some(Duration::from_secs(1)));
    let _ = stream.read(&mut [0; 4096]);
}

#[test]
fn a_server_that_opens_nothing_is_reported_once() {
    let rows: [(&[u8], bool, i32, &[&str]); 9] = [
        (b"", false, 3, &["without a response"]),
        (b"", true, 4, &["does not respond"]),
        (
            b"SSH-2.0-OpenSSH_9.9\r\n",
            true,
            3,
            &["SSH-2.0-OpenSSH_9.9"],
        ),
        (
            b"SSH-2.0-OpenSSH_9.9\r\n",
            false,
            3,
            &["SSH-2.0-OpenSSH_9.9"],
        ),
        (
            b"\x15\x03\x01\x00\x02\x02\x16",
            false,
            3,
            &["15 03 01", "TLS"],
        ),
        (b"\x1b[31m\r\n\r\n", false, 3, &["[1b 5b"]),
        (
            b"HTTP/1.1 302 Found\r\nLocation: /login\x1b\r\n\r\n",
            false,
            3,
            &["302 Found", "to /login"],
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nnot me",
            true,
            3,
            &["200 OK", "not me"],
        ),
        (b"HTTP/1.0 503 Busy\r\n\r\n", true, 3, &["503 Busy"]),
    ];
    for (answer, hold, status, parts) in rows {
        let url = answering(answer, hold);
        let outcome = run(&["verify", "--timeout", "300ms", &url]);
        expect_line(&outcome, status, &[parts, &[&url]].concat());
        assert!(!outcome.stderr.contains('\x1b'), "{outcome:?}");
    }
}

#[test]
fn a_server_that_does_not_echo_is_reported_once() {
    let server = Faulty::start(Fault::NoEcho);
    let args = ["verify", "--timeout", "300ms", &server.url()];
    let parts = [
        "not an echo server",
        "nothing comes back within 300ms",
        "--force",
    ];
    expect_line(&run(&args), 1, &parts);
    let forced = [&args[..3], &["--force", "--case", "close.1000", args[3]]].concat();
    let forced = run(&forced);
    assert_eq!(forced.status, Some(0), "{forced:?}");
    assert!(forced.stdout.contains("1 passed"), "{forced:?}");
}

#[test]
fn a_server_that_answers_something_else_is_reported_once() {
    // A push server, which takes messages for registrations and answers with a Close.
    let (_server, address) = super::program::Program::serve(&["--listen", "127.0.0.1:0"]);
    let url = format!("ws://{address}/ws");
    let outcome = run(&["verify", "--timeout", "300ms", &url]);
    expect_line(
        &outcome,
        1,
        &[&url, "not an echo server", "to a text message"],
    );
}
