//! The bound above the single bounds: what a server holds for all its peers together.

use crate::net_support::client::Stream;
use crate::net_support::{Client, Probes, Simulated, limits, options_with, wait_until};
use crate::support::frames::{binary, binary_start, close, more, ping, text_start};
use std::time::Duration;
use wirebell::Role;
use wirebell::net::Options;

const MIB: usize = 1 << 20;

fn bounded(workers: usize, bytes: usize) -> Options {
    options_with(limits().memory_bytes(bytes)).workers(workers)
}

fn held(server: &Probes) -> usize {
    server.run(|context, _| context.held_bytes())
}

/// Sends `bytes` of a message that is not finished, which the server holds.
fn holding<S: Stream>(mut client: Client<S>, bytes: usize) -> Client<S> {
    let frame = binary(&vec![1; 2 * bytes]).to(Role::Server);
    client.send(&frame[..bytes]);
    client
}

#[test]
fn the_largest_holders_are_closed_and_the_others_go_on() {
    let server = Simulated::start(bounded(1, 8 * MIB));
    let held = || server.run(|context, _| context.held_bytes());
    let mut small: Vec<_> = (0..10).map(|n| holding(server.open(), 1000 + n)).collect();
    let mut large = Vec::new();
    while server.counters().shed == 0 {
        large.push(holding(server.open(), MIB));
        assert!(large.len() < 30, "nothing is closed");
    }
    assert!(held() <= 8 * MIB);
    let told = large.iter_mut().filter_map(|client| {
        let answers = client.answers_within(Duration::ZERO);
        answers.then(|| client.expect_close(1013))
    });
    let told = told.count() as u64;
    assert_eq!(told, server.counters().shed);
    assert!((1..=3).contains(&told), "{told}");
    for (n, client) in small.iter_mut().enumerate() {
        let rest = binary(&vec![1; 2 * (1000 + n)]).to(Role::Server);
        client.send(&rest[1000 + n..]);
        assert_eq!(client.frame().payload.len(), 2 * (1000 + n));
    }
    drop((small, large));
    server.advance(2000);
    assert!(held() < 4096, "all is given back");
}

/// The loop that holds most may be asleep when another notices.
#[test]
fn a_loop_that_sleeps_makes_room_too() {
    let server = Probes::start(bounded(2, 8 * MIB));
    let mut clients: Vec<Client> = Vec::new();
    let shed = |server: &Probes| {
        let of = |worker| server.run_on(worker, |context, _| context.counters().shed);
        of(0) + of(1)
    };
    while shed(&server) == 0 {
        assert!(clients.len() < 40, "nothing is closed");
        clients.push(holding(server.open(), MIB));
        wait_until("the last has arrived", || {
            held(&server) > clients.len() * MIB || shed(&server) > 0
        });
    }
    wait_until("there is room", || held(&server) <= 8 * MIB);
    drop(clients);
    wait_until("all is given back", || held(&server) < 4096);
}

#[test]
fn requests_that_hold_most_are_answered_with_503() {
    let server = Simulated::start(bounded(1, MIB));
    let mut clients = Vec::new();
    let head = "POST /http HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n";
    for _ in 0..4 {
        let mut client = server.connect();
        client.send(head);
        client.send(vec![b'x'; 500_000]);
        clients.push(client);
    }
    assert!(server.counters().shed > 0, "some are closed");
    assert!(server.run(|context, _| context.held_bytes()) <= MIB);
    let mut refused = 0;
    for client in &mut clients {
        if client.answers_within(Duration::ZERO) {
            let response = client.response();
            assert_eq!(
                (response.status, response.field("retry-after")),
                (503, Some("5"))
            );
            refused += 1;
        }
    }
    assert_eq!(refused, server.counters().shed);
}

/// Records count, not only payload: a peer that does not read and many short messages.
#[test]
fn what_waits_for_slow_readers_counts_and_is_given_back() {
    let server = Probes::start(bounded(1, 64 * MIB));
    let mut slow: Vec<Client> = (0..4)
        .map(|_| Client::connect_narrow(server.address()).upgraded("/"))
        .collect();
    for _ in &slow {
        server.opened();
    }
    server.run(|context, peers| {
        let large = vec![0; 5 * MIB];
        for peer in peers {
            let _ = context.send(*peer, wirebell::Message::binary(&large));
        }
    });
    assert!(held(&server) > 16 * MIB);
    for client in &mut slow {
        assert_eq!(client.frame().payload.len(), 5 * MIB);
    }
    wait_until("all is given back", || held(&server) < 4096);
}

/// A frame that has begun to leave cannot be taken back, and its peer may never read it: such peers
/// must not keep the others out until they are ended for stalling.
#[test]
fn peers_that_do_not_read_what_has_begun_keep_nobody_out() {
    let server = Simulated::start(bounded(1, MIB));
    let slow: Vec<_> = (0..4).map(|_| server.open()).collect();
    server.run(|context, peers| {
        let large = vec![0; 400_000];
        for peer in peers {
            let _ = context.send(*peer, wirebell::Message::binary(&large));
        }
    });
    server.advance(1);
    assert!(server.run(|context, _| context.held_bytes()) <= MIB);
    let mut client = server.open();
    client.send(binary(b"hello").to(Role::Server));
    assert_eq!(client.frame().payload, b"hello");
    drop(slow);
}

/// A byte now and then does not hold memory for ever, whatever the message is made of.
#[test]
fn a_message_has_a_deadline() {
    let server = Simulated::start(options_with(limits().message_ms(400)));
    let frame = binary(&[1; 1000]).to(Role::Server);
    let fragments = [binary_start(b""), more(""), more("x")];
    let empty: Vec<u8> = fragments
        .iter()
        .flat_map(|one| one.to(Role::Server))
        .collect();
    let rows: [(&str, Vec<u8>); 4] = [
        ("payload", frame),
        ("a header", vec![0x82, 0xFE, 1, 0, 1, 2]),
        ("fragments", empty.repeat(1)),
        ("a control frame", ping(&[1; 100]).to(Role::Server)),
    ];
    let mut clients: Vec<_> = rows
        .iter()
        .map(|(_, bytes)| (server.open(), bytes.clone().into_iter()))
        .collect();
    for _ in 0..19 {
        for (client, bytes) in &mut clients {
            client.send(bytes.next().into_iter().collect::<Vec<u8>>());
            client.expect_silence(Duration::ZERO);
        }
        server.advance(20);
    }
    server.advance(100);
    for ((what, _), (client, _)) in rows.iter().zip(&mut clients) {
        assert!(client.answers_within(Duration::ZERO), "{what}");
        let reason = client.expect_close(1008);
        assert_eq!(reason, "the message took too long", "{what}");
    }
    // Whole messages may take as long together as they like, however the reads cut them.
    let mut steady = server.open();
    let bytes = [text_start("a"), more("b"), crate::support::frames::end("c")];
    let bytes: Vec<u8> = bytes.iter().flat_map(|one| one.to(Role::Server)).collect();
    let mut stream = bytes.repeat(40);
    while !stream.is_empty() {
        steady.send(stream.drain(..stream.len().min(17)).collect::<Vec<_>>());
        server.advance(100);
    }
    for _ in 0..40 {
        steady.expect_text("abc");
    }
    steady.send_frame(&close(1000, ""));
    steady.expect_close(1000);
}
