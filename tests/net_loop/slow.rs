//! Subscribers that read too slowly: what they lose, what they are told, and that no other client
//! notices.

use super::is_taken;
use crate::net_support::{Client, Ended, Happened, Probes, limits, protocol, wait_until};
use crate::support::frames::{close, frame, text};
use wirebell::net::{Options, Overflow, PeerId, Sent, SharedFrame};
use wirebell::{CloseCode, Message};

/// Bytes of each publication.
const SIZE: usize = 16 * 1024;

/// Bytes that may wait for a subscriber.
const BOUND: usize = 8 * SIZE;

fn server(overflow: Overflow) -> Probes {
    Probes::start(
        Options::default().workers(1).overflow(overflow).limits(
            limits()
                .protocol(protocol().close_ms(20_000))
                .queued_bytes(BOUND),
        ),
    )
}

/// Publishes number `n` to all connections, in a turn of its own; what became of it for `peer`.
/// The others are given the time to read, as a busy machine may not let them.
fn publish(server: &Probes, peer: PeerId, n: u64, key: u32) -> Sent {
    wait_until("the others have read", || {
        server.run(move |context, peers| {
            let mut others = peers.iter().filter(|other| **other != peer);
            others.all(|other| context.queued_bytes(*other) == 0)
        })
    });
    server.run(move |context, peers| {
        let payload = [&n.to_be_bytes()[..], &[0; SIZE - 8]].concat();
        let frame = SharedFrame::new(Message::binary(&payload));
        let mut sent = Sent::Closed;
        for other in peers {
            let result = context.send_frame(*other, &frame, key);
            if *other == peer {
                sent = result;
            }
        }
        sent
    })
}

/// Publishes until something waits for `peer`; returns how many that took.
fn fill(server: &Probes, peer: PeerId) -> u64 {
    for n in 0..10_000 {
        assert!(is_taken(&publish(server, peer, n, 1)));
        if server.run(move |context, _| context.queued_bytes(peer)) > 0 {
            return n + 1;
        }
    }
    panic!("the socket takes everything");
}

/// The numbers of the publications until a frame of another kind comes.
fn numbers(client: &mut Client) -> (Vec<u64>, crate::support::frames::Frame) {
    let mut numbers = Vec::new();
    loop {
        let frame = client.frame();
        if frame.first != 0x82 {
            return (numbers, frame);
        }
        assert_eq!(frame.payload.len(), SIZE);
        let number = frame.payload[..8].try_into().map(u64::from_be_bytes);
        numbers.push(number.expect("eight bytes"));
    }
}

/// A subscriber that reads all the time, on a thread of its own, until a text comes.
fn quick(server: &Probes) -> std::thread::JoinHandle<Vec<u64>> {
    let mut client = server.open();
    server.opened();
    std::thread::spawn(move || {
        let (numbers, end) = numbers(&mut client);
        assert_eq!(end, text("end"));
        numbers
    })
}

fn say_end(server: &Probes) {
    server.run(|context, peers| {
        for peer in peers {
            let _ = context.send(*peer, Message::text("end"));
        }
    });
}

#[test]
fn by_default_a_slow_subscriber_is_told_and_disconnected() {
    let server = server(Overflow::Disconnect);
    let quick = quick(&server);
    let mut slow = Client::connect_narrow(server.address()).upgraded("/");
    let peer = server.opened();
    let mut published = fill(&server, peer);
    while is_taken(&publish(&server, peer, published, 1)) {
        published += 1;
        assert!(published < 10_000);
    }
    // What had not begun to leave makes room for the reason at once.
    let waits = server.run(move |context, _| context.queued_bytes(peer));
    assert!(waits <= SIZE + 100, "{waits} bytes wait");
    let total = published + 100;
    for n in published + 1..total {
        assert_eq!(publish(&server, peer, n, 1), Sent::Closed);
    }
    // What had begun to leave comes whole, without a gap, and then the reason.
    let (got, last) = numbers(&mut slow);
    assert_eq!(got, (0..got.len() as u64).collect::<Vec<_>>());
    assert!(got.len() as u64 <= published);
    assert_eq!(last, close(1013, "reading too slowly"));
    slow.send_frame(&close(1013, ""));
    slow.expect_end();
    let end = Ended {
        clean: true,
        code: CloseCode::new(1013),
    };
    assert_eq!(server.closed(peer), end);
    assert_eq!(server.counters().overflowed, 1);
    say_end(&server);
    let all = quick.join().expect("the quick one reads on");
    assert_eq!(all, (0..total).collect::<Vec<_>>());
}

#[test]
fn drop_oldest_leaves_the_newest_and_counts_the_rest() {
    let server = server(Overflow::DropOldest);
    let quick = quick(&server);
    let mut slow = Client::connect_narrow(server.address()).upgraded("/");
    let peer = server.opened();
    let total = fill(&server, peer) + 200;
    for n in total - 200..total {
        assert_ne!(publish(&server, peer, n, 1), Sent::Closed);
        let waits = server.run(move |context, _| context.queued_bytes(peer));
        assert!(waits <= BOUND, "{waits} bytes wait");
    }
    say_end(&server);
    let (got, last) = numbers(&mut slow);
    assert_eq!(last, text("end"));
    assert!(got.is_sorted() && got.windows(2).all(|two| two[0] != two[1]));
    // The last before the end: as many as fit into the bound.
    let newest: Vec<u64> = (total - 6..total).collect();
    assert!(got.ends_with(&newest), "{:?}", &got[got.len() - 8..]);
    assert_eq!(server.counters().dropped, total - got.len() as u64);
    assert!(server.counters().dropped > 150);
    assert_eq!(server.counters().overflowed, 0);
    slow.expect_echo("alive");
    let all = quick.join().expect("the quick one reads on");
    assert_eq!(all, (0..total).collect::<Vec<_>>());
}

#[test]
fn keep_latest_leaves_the_newest_of_each_topic() {
    let server = server(Overflow::KeepLatest);
    let quick = quick(&server);
    let mut slow = Client::connect_narrow(server.address()).upgraded("/");
    let peer = server.opened();
    let full = fill(&server, peer);
    let total = full + 300;
    for n in full..total {
        // The key is the last digit of the number: 1, 2 and 3 in turn.
        assert_ne!(publish(&server, peer, n, 1 + (n % 3) as u32), Sent::Closed);
    }
    say_end(&server);
    let (got, last) = numbers(&mut slow);
    assert_eq!(last, text("end"));
    assert!(got.is_sorted());
    // Some that had begun to leave, then the last of each of the three topics.
    assert!(got.ends_with(&[total - 3, total - 2, total - 1]));
    let late = got.iter().filter(|n| **n >= full).count();
    assert_eq!(late, 3, "{got:?}");
    assert_eq!(server.counters().dropped, total - got.len() as u64);
    slow.expect_echo("alive");
    let all = quick.join().expect("the quick one reads on");
    assert_eq!(all, (0..total).collect::<Vec<_>>());
}

// req: 6455-6.1-09
#[test]
fn a_subscriber_that_catches_up_goes_on_as_before() {
    let server = server(Overflow::Disconnect);
    let mut client = Client::connect_narrow(server.address()).upgraded("/");
    let peer = server.opened();
    for round in 0..3 {
        let count = fill(&server, peer);
        for n in 0..count {
            let frame = client.frame();
            assert_eq!(frame.payload[..8], n.to_be_bytes(), "round {round}");
        }
        assert_eq!(server.event(), Happened::Drained(0, peer));
        // From now on everything comes at once again, from other threads and as an answer.
        for n in 0..5 {
            let sent = publish(&server, peer, n, 1);
            assert!(is_taken(&sent));
            assert_eq!(client.frame().payload[..8], n.to_be_bytes());
            client.expect_echo("alive");
        }
    }
    assert_eq!(server.counters().overflowed, 0);
    assert_eq!(server.counters().dropped, 0);
}

// req: 6455-6.1-09
#[test]
fn one_message_of_any_size_is_taken_while_nothing_waits() {
    let server = server(Overflow::Disconnect);
    let mut client = Client::connect_narrow(server.address()).upgraded("/");
    let peer = server.opened();
    let large = vec![7; 12 << 20];
    let expected = frame(0x82, &large);
    let sent = server.run(move |context, _| context.send(peer, Message::binary(&large)));
    assert!(is_taken(&sent));
    assert!(client.frame() == expected);
    client.expect_echo("alive");
}
