//! Memory is taken for bytes that came, never for bytes that were announced.

use crate::cli::program::Program;
use crate::net_support::Client;
use crate::support::frames::{head, length_in_8, ping, pong};

/// Kibibytes of memory that a process holds.
pub fn resident(program: &Program) -> u64 {
    let path = format!("/proc/{}/status", program.pid());
    let status = std::fs::read_to_string(path).expect("it runs");
    let mut lines = status
        .lines()
        .filter_map(|line| line.strip_prefix("VmRSS:"));
    let line = lines.next().expect("a size");
    let number = line.trim().trim_end_matches(" kB").parse();
    number.expect("a number")
}

// req: 6455-10.4-01
#[test]
fn a_header_that_announces_2_to_the_62_takes_nothing() {
    // With the default limit it is refused; without one it is believed.
    for limit in ["16MiB", "9000000000000000000"] {
        let args = [
            "echo",
            "--listen",
            "127.0.0.1:0",
            "--workers",
            "1",
            "--max-message",
            limit,
        ];
        let (program, address) = Program::serve(&args);
        Client::open(address).expect_echo("warm");
        let before = resident(&program);
        let mut clients: Vec<Client> = (0..50)
            .map(|_| {
                let mut client = Client::open(address);
                client.send(head(0x82, true, &length_in_8(1 << 62)));
                client.send([1, 2, 3, 4]);
                if limit == "16MiB" {
                    client.expect_close(1009);
                    client.expect_end();
                } else {
                    let _ = client.try_send([0; 1000]);
                }
                client
            })
            .collect();
        Client::open(address).expect_echo("others are served");
        let after = resident(&program);
        // Each may cost a few pages for what came and one read ahead, not the announced length.
        assert!(
            after < before + 32 * 1024,
            "{limit}: {before} KiB, then {after} KiB"
        );
        clients.clear();
    }
}

#[test]
fn a_burst_of_pings_from_peers_that_do_not_read_is_bounded() {
    let args = ["echo", "--listen", "127.0.0.1:0", "--workers", "1"];
    let (program, address) = Program::serve(&args);
    Client::open(address).expect_echo("warm");
    let before = resident(&program);
    let burst = ping(&[b'x'; 125]).to(wirebell::Role::Server).repeat(10_000);
    let mut clients: Vec<Client> = (0..10).map(|_| Client::open(address)).collect();
    for client in &mut clients {
        client.send(&burst);
    }
    Client::open(address).expect_echo("others are served");
    let after = resident(&program);
    assert!(after < before + 16 * 1024, "{before} KiB, then {after} KiB");
    for client in &mut clients {
        for _ in 0..10_000 {
            assert_eq!(client.frame(), pong(&[b'x'; 125]));
        }
        client.expect_echo("alive");
    }
}
