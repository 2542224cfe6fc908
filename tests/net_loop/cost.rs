//! How many system calls things take.

use crate::net_support::{Client, Probes, limits, options, options_with, protocol};
use crate::support::frames::{ping, text};
use wirebell::net::{PeerId, SharedFrame};
use wirebell::{Message, Role};

#[test]
fn sixteen_pipelined_echoes_leave_in_one_write() {
    let server = Probes::start(options());
    let mut client = server.open();
    let before = server.counters();
    let frames: Vec<u8> = (0..16)
        .flat_map(|n| match n {
            7 => ping(b"7").to(Role::Server),
            n => text(n.to_string()).to(Role::Server),
        })
        .collect();
    client.send(frames);
    for n in 0..16 {
        assert_eq!(client.frame().payload, n.to_string().as_bytes());
    }
    let after = server.counters();
    assert_eq!(after.writes - before.writes, 1);
    assert_eq!(after.reads - before.reads, 1);
    assert_eq!(after.messages - before.messages, 15);
}

#[test]
fn eight_publications_of_one_turn_reach_each_subscriber_in_one_write() {
    let server = Probes::start(options());
    let mut clients: Vec<Client> = (0..5).map(|_| server.open()).collect();
    let before = server.run(|context, peers: &[PeerId]| {
        let before = context.counters();
        for n in 0..8 {
            let frame = SharedFrame::new(Message::text(&n.to_string()));
            for peer in peers {
                let _ = context.send_frame(*peer, &frame, 0);
            }
        }
        before
    });
    for client in &mut clients {
        for n in 0..8 {
            client.expect_text(&n.to_string());
        }
    }
    assert_eq!(server.counters().writes - before.writes, 5);
}

#[test]
fn a_conversation_takes_one_read_and_one_write_for_each_message() {
    let server = Probes::start(options());
    let mut client = server.open();
    let before = server.counters();
    for _ in 0..100 {
        client.expect_echo("hello");
    }
    let after = server.counters();
    assert_eq!(after.reads - before.reads, 100);
    assert_eq!(after.writes - before.writes, 100);
}

/// On real sockets, as it is the system that wakes a loop; it next has to when it asks the clients.
#[test]
fn a_quiet_loop_sleeps() {
    let server = Probes::start(options_with(limits().protocol(protocol().ping_ms(500))));
    let mut clients: Vec<Client> = (0..10).map(|_| server.open()).collect();
    let before = server.counters().turns;
    assert_eq!(clients[0].frame(), ping(b""));
    let turns = server.counters().turns - before;
    // The timers of new connections may be looked at; nothing else is due.
    assert!(turns < 30, "{turns} turns");
}
