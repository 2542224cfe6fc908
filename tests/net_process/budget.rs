//! The budget of a whole process: what peers do, its memory stays within `--memory` and a stated
//! overhead, others are served meanwhile, and afterwards it is back where it was.

use super::memory::resident;
use crate::cli::program::{Program, open_echo};
use crate::net_support::Client;
use crate::support::frames::{binary, text};
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use wirebell::Role;

const MIB: usize = 1 << 20;

/// What the server is allowed.
const BUDGET: u64 = 32 * 1024;

/// Kibibytes beyond it: what one read brings before room is made, and the buffers of two loops,
/// among them one message of the largest size each.
const OVERHEAD: u64 = 48 * 1024;

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
fn survive(name: &str, mut attack: impl FnMut(SocketAddr, usize) -> Option<Client>) {
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
    assert!(
        peak <= before + BUDGET + OVERHEAD,
        "{name}: {before} KiB before, {peak} KiB at most"
    );
    drop(attackers);
    let patience = Instant::now() + Duration::from_secs(20);
    while resident(&program) > before + OVERHEAD {
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
    survive("unfinished messages", |address, at| {
        let mut client = (at < 60).then(|| open_echo(address))?;
        push(&mut client, &frame[..frame.len() - 1]);
        Some(client)
    });
}

#[test]
fn bodies_that_never_end() {
    let head = "POST /push HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n";
    let body = vec![b'x'; 900_000];
    survive("bodies", |address, at| {
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
    survive("slow readers", |address, at| {
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
