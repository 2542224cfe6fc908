//! `serve --data`, killed again and again, and `wirebell data`.

use super::file;
use super::program::{Program, run};
use crate::net_support::Client;
use rustix::process::Signal;
use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

/// How often the server is killed.
const KILLS: usize = 30;

fn new_file(name: &str) -> PathBuf {
    let path = file(name, "");
    fs::remove_file(&path).expect("it was just written");
    path
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

fn serve(path: &Path) -> (Program, SocketAddr) {
    let listen = ["--listen", "127.0.0.1:0", "--gotify=false"];
    Program::serve(&[&listen[..], &["--data", text(path)]].concat())
}

/// What of a JSON text follows this key, up to the next quote.
fn strings<'t>(json: &'t str, key: &str) -> Vec<&'t str> {
    let key = format!("\"{key}\":\"");
    let parts = json.split(&*key).skip(1);
    parts
        .map(|part| part.split('"').next().unwrap_or_default())
        .collect()
}

/// Publishes until the server is gone, by single requests or in batches of five. Returns what was
/// acknowledged: positions and texts.
fn publish(address: SocketAddr, name: String, in_batches: bool) -> BTreeMap<String, String> {
    let mut acknowledged = BTreeMap::new();
    let Ok(mut stream) = TcpStream::connect(address) else {
        return acknowledged;
    };
    for number in 0.. {
        let texts: Vec<_> = match in_batches {
            true => (0..5)
                .map(|part| format!("{name}-{number}-{part}"))
                .collect(),
            false => vec![format!("{name}-{number}")],
        };
        let (path, body) = match in_batches {
            true => {
                let line = |text| format!("{{\"topic\":\"all.{name}\",\"data\":\"{text}\"}}\n");
                ("/topics".to_owned(), texts.iter().map(line).collect())
            }
            false => (format!("/topics/all.{name}"), texts[0].clone()),
        };
        let length = body.len();
        let request = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let Some(answer) = exchange(&mut stream, &request) else {
            return acknowledged;
        };
        let ids = strings(&answer, "id").into_iter().map(str::to_owned);
        acknowledged.extend(ids.zip(texts));
    }
    acknowledged
}

/// The whole answer to a request; `None` if the server is gone.
fn exchange(stream: &mut TcpStream, request: &str) -> Option<String> {
    stream.write_all(request.as_bytes()).ok()?;
    let (mut answer, mut part) = (Vec::new(), [0; 4096]);
    loop {
        let text = String::from_utf8_lossy(&answer);
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let field = head
                .lines()
                .find_map(|line| line.strip_prefix("Content-Length: "));
            let length: usize = field?.parse().ok()?;
            if body.len() >= length {
                return Some(body.to_owned());
            }
        }
        match stream.read(&mut part) {
            Ok(0) | Err(_) => return None,
            Ok(len) => answer.extend_from_slice(&part[..len]),
        }
    }
}

/// All that histories hold: positions and texts.
fn all(address: SocketAddr) -> BTreeMap<String, String> {
    let mut client = Client::connect(address);
    let mut since = "all".to_owned();
    let mut found = BTreeMap::new();
    loop {
        let answer = client.ask(format!(
            "GET /topics/all.**?poll=0&since={since} HTTP/1.1\r\nHost: localhost\r\n\r\n"
        ));
        let owned = |key| strings(&answer.body, key).into_iter().map(str::to_owned);
        found.extend(owned("id").zip(owned("data")));
        since = owned("position")
            .next_back()
            .expect("a poll has a position");
        if !answer.body.contains("\"more\":true") {
            return found;
        }
    }
}

#[test]
fn kill_9_loses_nothing_that_was_acknowledged() {
    let path = new_file("killed.db");
    let mut acknowledged = BTreeMap::new();
    for kill in 0..KILLS {
        let (mut program, address) = serve(&path);
        let found = all(address);
        for (position, text) in &acknowledged {
            assert_eq!(found.get(position), Some(text), "kill {kill}: {position}");
        }
        let publishers: Vec<_> = (0..4)
            .map(|number| {
                let name = format!("{kill}-{number}");
                thread::spawn(move || publish(address, name, number % 2 == 0))
            })
            .collect();
        thread::sleep(Duration::from_millis(20 + 7 * (kill as u64 % 5)));
        program.signal(Signal::KILL);
        program.wait();
        for publisher in publishers {
            let mut published = publisher.join().expect("it ends with the server");
            // Only what every history keeps.
            while published.len() > 90 {
                published.pop_first();
            }
            acknowledged.append(&mut published);
        }
    }
    assert!(acknowledged.len() > KILLS, "{}", acknowledged.len());
}

#[test]
fn a_file_belongs_to_one_server_and_other_files_are_left_alone() {
    let path = new_file("owned.db");
    let (mut program, address) = serve(&path);
    let mut client = Client::connect(address);
    assert_eq!(client.post("/topics/all.a", "", "hello").status, 202);
    let second = run(&["serve", "--listen", "127.0.0.1:0", "--data", text(&path)]);
    assert_eq!(second.status, Some(1));
    assert!(
        second.stderr.contains("another process has it open"),
        "{}",
        second.stderr
    );
    program.signal(Signal::TERM);
    drop(client);
    assert_eq!(program.wait().code(), Some(0));

    let foreign = file(
        "foreign.db",
        "these are someone's notes, and no data file at all",
    );
    let refused = run(&["serve", "--listen", "127.0.0.1:0", "--data", text(&foreign)]);
    assert_eq!(refused.status, Some(1));
    assert!(
        refused.stderr.contains("not a data file"),
        "{}",
        refused.stderr
    );
    let notes = fs::read_to_string(&foreign).expect("it is there");
    assert!(notes.starts_with("these are"));
}

#[test]
fn data_is_checked_compacted_and_exported() {
    let path = new_file("tools.db");
    let (mut program, address) = serve(&path);
    let mut client = Client::connect(address);
    for message in ["one", "two"] {
        assert_eq!(client.post("/topics/all.a", "", message).status, 202);
    }
    program.signal(Signal::TERM);
    drop(client);
    program.wait();
    let tool = |action| run(&["data", action, text(&path)]);
    let checked = tool("check");
    assert_eq!(checked.status, Some(0), "{}", checked.stderr);
    assert!(
        checked.stdout.contains("2 messages of 1 topics"),
        "{}",
        checked.stdout
    );
    assert_eq!(tool("compact").status, Some(0));
    let exported = tool("export");
    assert_eq!(strings(&exported.stdout, "data"), ["one", "two"]);
    let missing = run(&["data", "check", "/nowhere/at/all.db"]);
    assert_eq!(missing.status, Some(1));
}
