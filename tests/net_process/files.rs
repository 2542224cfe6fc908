//! More clients than the process may have files: nothing spins, nothing dies, no client is lost.

use crate::cli::program::{Program, command_with_files};
use crate::net_support::client::upgrade;
use crate::net_support::{Client, wait_until};
use std::net::SocketAddr;
use std::time::Duration;

/// Hundredths of a second of processor time that a process has had.
fn ticks(pid: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("it runs");
    // After the name, which may hold anything: state is the first field, user time the twelfth.
    let (_, fields) = stat.rsplit_once(") ").expect("a name in parentheses");
    let mut times = fields.split(' ').skip(11);
    let mut next = || times.next().and_then(|field| field.parse::<u64>().ok());
    next().zip(next()).map_or(0, |(user, system)| user + system)
}

#[track_caller]
fn expect_no_spin(program: &Program) {
    let before = ticks(program.pid());
    std::thread::sleep(Duration::from_millis(800));
    let spent = ticks(program.pid()) - before;
    assert!(spent < 25, "{spent} hundredths of a second in 0.8 s");
}

fn serve() -> (Program, SocketAddr) {
    let args = [
        "echo",
        "--listen",
        "127.0.0.1:0",
        "--workers",
        "1",
        "--head-timeout",
        "1h",
    ];
    Program::serve_command(command_with_files(32, &args))
}

/// Clients until the process has no file left for the last one, which stays unanswered.
fn crowd(address: SocketAddr) -> (Vec<Client>, Client) {
    let mut served = Vec::new();
    loop {
        assert!(served.len() < 32, "the bound on files holds");
        let mut client = Client::connect(address);
        client.send(upgrade("/", ""));
        if client.answers_within(Duration::from_millis(700)) {
            client.expect_switch();
            served.push(client);
        } else {
            return (served, client);
        }
    }
}

#[test]
fn without_files_those_who_are_in_are_served_and_the_others_wait() {
    let (mut program, address) = serve();
    let (mut served, waiting) = crowd(address);
    assert!(served.len() > 10, "{} clients", served.len());
    let mut waiting = vec![waiting];
    for _ in 0..5 {
        let mut client = Client::connect(address);
        client.send(upgrade("/", ""));
        waiting.push(client);
    }
    for client in &mut served {
        client.expect_echo("served");
    }
    expect_no_spin(&program);
    for client in &mut waiting {
        assert!(!client.answers_within(Duration::from_millis(10)));
    }
    for client in served.iter_mut().take(3) {
        client.finish(1000);
    }
    served.drain(..3);
    for client in waiting.iter_mut().take(3) {
        client.expect_switch();
        client.expect_echo("in at last");
    }
    served.truncate(5);
    for client in waiting.iter_mut().skip(3) {
        client.expect_switch();
        client.expect_echo("in at last");
    }
    for client in &mut served {
        client.expect_echo("still served");
    }
    assert!(program.is_running());
}

/// The last accept fails although no client waits; that must not be remembered forever.
#[test]
fn a_process_that_was_full_once_goes_back_to_sleep() {
    let (program, address) = serve();
    let (mut served, waiting) = crowd(address);
    let capacity = served.len();
    drop(waiting);
    served.clear();
    let mut served = Vec::new();
    wait_until("there is room for as many again", || {
        let mut client = Client::connect(address);
        client.send(upgrade("/", ""));
        if client.answers_within(Duration::from_millis(700)) {
            client.expect_switch();
            served.push(client);
        }
        served.len() == capacity
    });
    // Full to the last file, and no client waits.
    expect_no_spin(&program);
    for left in [1, 2] {
        served.truncate(capacity - left);
        expect_no_spin(&program);
        served[0].expect_echo("served");
    }
    Client::open(address).expect_echo("there is room");
}
