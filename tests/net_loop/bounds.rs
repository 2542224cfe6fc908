//! What a peer can make grow: nothing.

use crate::net_support::{Probes, Simulated, limits, options, options_with, protocol, wait_until};
use crate::support::frames::{binary, end, head, length_in_8, more, ping, text, text_start};
use rustix::time::{ClockId, clock_gettime};
use wirebell::Role;

#[test]
fn ten_thousand_pings_in_one_burst_are_answered_in_order() {
    let server = Probes::start(options());
    let mut client = server.open();
    let pings: Vec<u8> = (0..10_000u32)
        .flat_map(|n| ping(&[&n.to_be_bytes()[..], &[b'x'; 121]].concat()).to(Role::Server))
        .collect();
    let mut writer = client.second_handle();
    let sender = std::thread::spawn(move || writer.send(pings));
    let mut last = None;
    while last != Some(9999) {
        let pong = client.frame();
        assert_eq!((pong.first, pong.payload.len()), (0x8A, 125));
        let number = pong.payload[..4].try_into().map(u32::from_be_bytes).ok();
        // Section 5.5.3 lets a pong answer for the pings before it.
        assert!(number > last, "{number:?} after {last:?}");
        last = number;
    }
    sender.join().expect("all was sent");
    client.expect_echo("alive");
}

/// A peer that sends and never reads: its answers wait, and so must its input.
#[test]
fn a_peer_that_does_not_read_its_answers_is_not_read() {
    let server = Simulated::start(options());
    for frame in [
        ping(&[b'x'; 125]),
        text("x".repeat(1000)),
        binary(&[0; 100_000]),
    ] {
        let mut client = server.open();
        let peer = server.opened();
        let bytes = frame.to(Role::Server);
        let count = 2_000_000 / bytes.len();
        client.send(bytes.repeat(count));
        let unsent = client.stream().unsent();
        assert!(unsent > 1_000_000, "all but {unsent} bytes were taken");
        let waits = server.run(move |context, _| context.queued_bytes(peer));
        assert!(waits > 0, "all but {unsent} bytes were taken");
        // The answers to one read, and one message at most.
        let bound = 2 * options().receive_buffer;
        assert!(waits <= bound, "{waits} bytes wait");
        // Nor is its input looked at again and again.
        let turns = server.counters().turns;
        server.advance(200);
        assert!(server.counters().turns < turns + 10);
        assert_eq!(client.stream().unsent(), unsent);
        // It comes to its senses: nothing is lost.
        for _ in 0..count {
            assert_eq!(client.frame().payload, frame.payload);
        }
        client.expect_echo("alive");
        drop(client);
        server.closed(peer);
    }
}

// req: 6455-10.4-01
#[test]
fn a_header_that_announces_2_to_the_62_is_refused_at_once() {
    let server = Probes::start(options());
    let mut client = server.open();
    client.send(head(0x82, true, &length_in_8(1 << 62)));
    client.send([0; 4]);
    client.expect_close(1009);
    client.expect_end();
}

/// Sends a text in this many fragments of one byte; returns the time of the processor that the
/// loop took, in nanoseconds.
fn fragments(server: &Probes, count: usize) -> i64 {
    let mut client = server.open();
    let mut bytes = text_start("x").to(Role::Server);
    bytes.extend(more("x").to(Role::Server).repeat(count - 2));
    bytes.extend(end("x").to(Role::Server));
    let before = processor_time(server);
    client.send(bytes);
    assert_eq!(client.text().len(), count);
    processor_time(server) - before
}

/// The CPU time of the loop's thread; other load does not count.
fn processor_time(server: &Probes) -> i64 {
    server.run(|_, _| {
        let time = clock_gettime(ClockId::ThreadCPUTime);
        time.tv_sec * 1_000_000_000 + time.tv_nsec
    })
}

#[test]
fn a_hundred_thousand_fragments_take_linear_time() {
    let server = Probes::start(options());
    let few = fragments(&server, 10_000);
    let many = fragments(&server, 100_000);
    // Ten times as many; a quadratic way takes a hundred times as long.
    assert!(many < few * 35, "{few} ns, then {many} ns");
}

#[test]
fn single_bytes_of_a_large_frame_take_linear_time() {
    let server = Probes::start(options_with(limits().protocol(protocol().ping_ms(0))));
    let mut client = server.open();
    let message = "x".repeat(30_000);
    let bytes = text(&message).to(Role::Server);
    for byte in &bytes {
        client.send([*byte]);
    }
    client.expect_text(&message);
    wait_until("nothing is kept", || {
        server.run(|context, peers| context.queued_bytes(peers[0]) == 0)
    });
}
