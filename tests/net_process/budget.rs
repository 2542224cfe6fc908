//! The budget of a whole process: what peers do, its memory stays within `--memory` and a stated
//! overhead, others are served meanwhile, and afterwards it is back where it was.

use super::memory::resident;
use crate::cli::program::{Program, open_echo};
use crate::net_support::client::upgrade;
use crate::net_support::{Client, PATIENCE};
use crate::support::frames::{binary, text};
use rustix::process::{Resource, getrlimit, setrlimit};
use std::io::Read as _;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wirebell::Role;

const MIB: usize = 1 << 20;

/// What the server is allowed.
const BUDGET: u64 = 32 * 1024;

/// Kibibytes beyond it: what one read brings before room is made, and the buffers of two loops,
/// among them one message of the largest size each.
const OVERHEAD: u64 = 48 * 1024;

/// Kibibytes of each connection beyond it: its record, its subscriptions, and what the allocator
/// loses between queues that grow.
const PER_CONNECTION: u64 = 4;

fn server() -> (Program, SocketAddr) {
    let args = [
        "serve",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "2",
        "--memory",
        "32MiB",
    ];
    Program::serve(&args)
}

/// Lets `attack` send what it likes, in as many rounds as it wants, while another client is served.
/// Of what was held for them, `kept` kibibytes may stay.
fn survive(name: &str, kept: u64, mut attack: impl FnMut(SocketAddr, usize) -> Option<Client>) {
    let (program, address) = server();
    let mut bystander = open_echo(address);
    bystander.expect_echo("warm");
    let before = resident(&program);
    let (mut peak, mut waits) = (before, Vec::new());
    let mut attackers = Vec::new();
    while let Some(attacker) = attack(address, attackers.len()) {
        attackers.push(attacker);
        let asked = Instant::now();
        bystander.expect_echo("served meanwhile");
        waits.push(asked.elapsed());
        peak = peak.max(resident(&program));
    }
    let most = before + BUDGET + OVERHEAD + PER_CONNECTION * attackers.len() as u64;
    assert!(
        peak <= most,
        "{name}: {before} KiB before, {peak} KiB at most, {most} KiB may be"
    );
    drop(attackers);
    let patience = Instant::now() + Duration::from_secs(20);
    while resident(&program) > before + kept + OVERHEAD {
        assert!(Instant::now() < patience, "{name}: the memory stays");
        std::thread::sleep(Duration::from_millis(20));
        bystander.expect_echo("served afterwards");
    }
    waits.sort_unstable();
    let p99 = waits[waits.len() * 99 / 100];
    println!("{name}: {before} KiB before, {peak} KiB at most, p99 of others {p99:?}");
}

/// Sends as much as the server takes within a moment.
fn push(client: &mut Client, bytes: &[u8]) {
    let moment = Some(Duration::from_millis(20));
    let _ = client.stream().set_write_timeout(moment);
    let _ = client.try_send(bytes);
}

#[test]
fn unfinished_messages_of_16_mib() {
    let frame = binary(&vec![1; 16 * MIB]).to(Role::Server);
    survive("unfinished messages", 0, |address, at| {
        let mut client = (at < 60).then(|| open_echo(address))?;
        push(&mut client, &frame[..frame.len() - 1]);
        Some(client)
    });
}

#[test]
fn bodies_that_never_end() {
    let head = "POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    let body = vec![b'x'; 900_000];
    survive("bodies", 0, |address, at| {
        let mut client = (at < 100).then(|| Client::connect(address))?;
        client.send(head);
        push(&mut client, &body);
        Some(client)
    });
}

#[test]
fn slow_readers_of_frames_of_one_byte() {
    let registration = br#"{"token":"u","event":["e"]}"#;
    let publication = r#"{"userId":"u","event":"e","message":"x"}"#;
    let post = format!(
        "POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Length: {}\r\n\r\n{publication}",
        publication.len()
    );
    let posts = post.repeat(200);
    survive("slow readers", 0, |address, at| {
        let client = (at < 200).then(|| Client::connect_narrow(address))?;
        if at % 2 == 0 {
            let mut reader = client.upgraded("/ws");
            reader.send_frame(&text(registration));
            return Some(reader);
        }
        // A publisher that does not read its answers either.
        let mut publisher = client;
        push(&mut publisher, posts.as_bytes());
        Some(publisher)
    });
}

/// How often something is published to them.
const ROUNDS: usize = 60;

/// How many subscribers: fewer only where this process may not open so many files.
fn subscribers() -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Nofile, limit);
    let files = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    5_000.min(files.saturating_sub(500) as usize)
}

/// The request of a subscriber in one of the forms of a topic.
fn subscription(at: usize) -> String {
    let host = "HTTP/1.1\r\nHost: localhost\r\n";
    match at % 4 {
        0 => upgrade("/topics/flood.*", ""),
        1 => upgrade("/topics/flood.*", "Sec-WebSocket-Protocol: wirebell.v1\r\n"),
        2 => format!("GET /topics/flood.* {host}Accept: text/event-stream\r\n\r\n"),
        _ => format!("GET /topics/flood.*?format=ndjson {host}\r\n"),
    }
}

/// One batch: large messages fill the buffers of the system, small ones cost most besides
/// themselves. All topics have histories.
fn batch(round: usize) -> String {
    let (messages, bytes) = match round {
        0..20 => (5, 4_000),
        _ => (50, 1),
    };
    let data = "x".repeat(bytes);
    let line = |n: usize| {
        let topic = (round * messages + n) % 300;
        format!("{{\"topic\":\"flood.{topic}\",\"data\":\"{data}\"}}\n")
    };
    let body: String = (0..messages).map(line).collect();
    let length = body.len();
    format!("POST /topics HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n\r\n{body}")
}

/// Publishes, whatever it takes: a loop may have too much to deliver, or no room for a publisher.
fn publish(address: SocketAddr, request: &str) -> Client {
    let patience = Instant::now() + PATIENCE;
    loop {
        assert!(Instant::now() < patience, "nothing can be published");
        let mut client = Client::connect(address);
        let mut answer = [0; 12];
        let sent = client.try_send(request);
        if sent.is_ok() && client.stream().read_exact(&mut answer).is_ok() {
            match &answer {
                b"HTTP/1.1 200" => return client,
                b"HTTP/1.1 503" => {}
                other => panic!("{}", String::from_utf8_lossy(other)),
            }
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn thousands_of_subscribers_that_never_read() {
    let subscribers = subscribers();
    // Histories stay.
    survive("subscribers", BUDGET, |address, at| {
        let most = subscribers + ROUNDS;
        if at >= subscribers {
            return (at < most).then(|| publish(address, &batch(at - subscribers)));
        }
        let mut client = Client::connect_tiny(address);
        client.send(subscription(at));
        Some(client)
    });
}
