//! What a tap is shown of a loop: the bytes that really left and came, and no others.

use crate::net_support::{Client, Lines, Probes, options, wait_until};
use crate::support::frames::{binary, ping, text, wire};
use std::net::SocketAddr;
use std::sync::Arc;
use wirebell::net::SharedFrame;
use wirebell::{Message, Role, net};

fn server(workers: usize, limits: net::Limits) -> (Probes, Arc<Lines>) {
    let lines = Arc::new(Lines::default());
    let server = Probes::start(
        options()
            .workers(workers)
            .limits(limits)
            .tap(Some(lines.clone())),
    );
    (server, lines)
}

fn local(client: &Client) -> SocketAddr {
    client.stream().local_addr().unwrap()
}

/// The head of the answer is not compared: it is whatever came in front of `frames`.
#[track_caller]
fn ends_with(bytes: &[u8], frames: &[u8]) {
    let head = bytes.len().checked_sub(frames.len()).expect("all of it");
    assert!(bytes[head..] == *frames);
    assert!(bytes[..head].starts_with(b"HTTP/1.1 101 "));
    assert!(bytes[..head].ends_with(b"\r\n\r\n"));
}

#[test]
fn a_slow_reader_is_shown_to_get_what_has_left_and_no_more() {
    let (server, lines) = server(1, options().limits.queued_bytes(64 << 20));
    let mut slow = Client::connect_narrow(server.address()).upgraded("/");
    let peer = server.opened();
    let mut quick = server.open();
    server.opened();
    let payload: Vec<u8> = (0..8 << 20).map(|n| (n / 7) as u8).collect();
    let frame = SharedFrame::new(Message::binary(&payload));
    server.run(move |context, peers| {
        for peer in peers {
            let _ = context.send_frame(*peer, &frame, 0);
            let _ = context.send_frame(*peer, &frame, 0);
        }
    });
    let both = wire(Role::Client, &[binary(&payload), binary(&payload)]);
    assert_eq!(quick.frame(), binary(&payload));
    assert_eq!(quick.frame(), binary(&payload));
    let waits = || server.run(move |context, _| context.queued_bytes(peer));
    let (waiting, shown) = (waits(), lines.of(local(&slow)).sent.len());
    assert!(waiting > 0, "the socket takes everything");
    assert!(shown < both.len(), "what waits has not left");
    assert_eq!(slow.frame(), binary(&payload));
    assert_eq!(slow.frame(), binary(&payload));
    wait_until("all has left", || waits() == 0);
    ends_with(&lines.of(local(&slow)).sent, &both);
    ends_with(&lines.of(local(&quick)).sent, &both);
}

#[test]
fn what_comes_is_shown_as_it_came() {
    let (server, lines) = server(3, options().limits);
    let mut clients: Vec<Client> = (0..12)
        .map(|_| Client::open_at(server.address(), "/sink"))
        .collect();
    let large = binary(&vec![7; 900_000]);
    for (number, client) in clients.iter_mut().enumerate() {
        server.opened();
        let frames = [text(number.to_string()), ping(b"p"), large.clone()];
        let frames = wire(Role::Server, &frames);
        // In pieces, so that there are tails and direct reads.
        let (first, rest) = frames.split_at(5);
        client.send(first);
        client.send(&rest[..100_000]);
        client.send(&rest[100_000..]);
        let line = || lines.of(local(client));
        wait_until("all has come", || line().received.ends_with(&frames));
        let head = line().received.len() - frames.len();
        assert!(line().received[..head].starts_with(b"GET /sink HTTP/1.1\r\n"));
        assert!(line().received[..head].ends_with(b"\r\n\r\n"));
        assert_eq!(line().ends.role, Role::Server);
        assert_eq!(line().ends.local, Some(server.address()));
    }
    let last = local(&clients[11]);
    drop(clients);
    wait_until("the last is closed", || lines.of(last).closed);
    drop(server);
    let lines = lines.all();
    assert_eq!(lines.len(), 12);
    assert!(lines.iter().all(|line| line.closed));
}
