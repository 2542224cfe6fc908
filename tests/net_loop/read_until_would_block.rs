//! Reading until the socket is empty, instead of until it gave little, changes no result.

use crate::net_support::{Client, Probes, options};
use crate::support::frames::{binary, close, end, frame, ping, text, text_start};
use wirebell::Role;

/// All that a server answers to a few conversations, each ended by the client's last bytes.
fn answers(read_until_would_block: bool) -> Vec<Vec<u8>> {
    // Small, so that one read does not take everything.
    let options = options().receive_buffer(4096);
    let server = Probes::start(options.read_until_would_block(read_until_would_block));
    let conversations = [
        vec![text("hello"), ping(b"?"), close(1000, "")],
        vec![
            binary(&[1; 100_000]),
            text("x".repeat(4096)),
            close(3000, ""),
        ],
        vec![text_start("a"), ping(b""), end("b"), frame(0x83, b"")],
        vec![text("x"); 2000],
        vec![binary(&[1; 4090]), binary(&[2; 4080]), text(b"\xff")],
    ];
    conversations
        .iter()
        .map(|frames| {
            let mut client = Client::open(server.address());
            for frame in frames {
                client.send(frame.to(Role::Server));
            }
            client.end_writing();
            client.rest()
        })
        .collect()
}

#[test]
fn strict_drain_gives_the_same_results() {
    let lax = answers(false);
    assert!(lax == answers(true));
    assert_eq!(lax[0], b"\x81\x05hello\x8a\x01?\x88\x02\x03\xe8");
    assert_eq!(lax[3], b"\x81\x01x".repeat(2000));
}
